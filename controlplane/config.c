// SPDX-License-Identifier: BSD-3-Clause

#include "config.h"

#include "config_keys.h"
#include "config_schema.h"

#include <plm_secret.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOCKET_PATH_MAX 107 // sun_path without its NUL
#define HLS_STAGE_MAX 32
#define SECRET_MIN 32 // bytes: HS256 wants no less than its hash (RFC 7518 section 3.2)

static int string_set(char **ret_text, const char *text) {
	char *copy = strdup(text);

	if (copy == NULL)
		return -ENOMEM;
	*ret_text = copy;
	return 0;
}

static bool is_one_of(const char *text, const char *const *words, size_t n) {
	for (size_t i = 0; i < n; i++) {
		if (strcmp(text, words[i]) == 0)
			return true;
	}
	return false;
}

static int switch_set(
	const struct plm_yaml_check *check,
	const char *key,
	const char *text,
	bool *ret_on
) {
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		return plm_yaml_fail(check, key, "\"%s\" is not true or false", text);
	*ret_on = text[0] == 't';
	return 0;
}

static int number_check(
	const struct plm_yaml_check *check,
	const char *key,
	int64_t value,
	int64_t min,
	int64_t max
) {
	if (value >= min && value <= max)
		return 0;
	return plm_yaml_fail(
		check,
		key,
		"%lld is not in %lld..%lld",
		(long long)value,
		(long long)min,
		(long long)max
	);
}

// The keys of config_keys.h.
static int plain_set(
	struct config *config,
	const struct raw_section *raw,
	const struct plm_yaml_check *check
) {
	int64_t value;
	int err;

#define X(key, raw_member, member, min, max, fallback)                                             \
	value = raw->raw_member != NULL ? *raw->raw_member : (fallback);                           \
	err = number_check(check, "control." key, value, min, max);                                \
	if (err < 0)                                                                               \
		return err;                                                                        \
	config->member = (unsigned)value;
	CONFIG_NUMBERS(X)
#undef X
#define X(key, raw_member, member, fallback)                                                       \
	err = string_set(&config->member, raw->raw_member != NULL ? raw->raw_member : (fallback)); \
	if (err < 0)                                                                               \
		return err;
	CONFIG_STRINGS(X)
#undef X
#define X(key, raw_member, member, fallback)                                                       \
	err = switch_set(                                                                          \
		check,                                                                             \
		"control." key,                                                                    \
		raw->raw_member != NULL ? raw->raw_member : (fallback),                            \
		&config->member                                                                    \
	);                                                                                         \
	if (err < 0)                                                                               \
		return err;
	CONFIG_SWITCHES(X)
#undef X
	return 0;
}

static int strings_check(const struct config *config, const struct plm_yaml_check *check) {
	static const char *const levels[] = {"error", "warning", "info", "debug"};

	if (!is_one_of(config->log_level, levels, sizeof(levels) / sizeof(levels[0])))
		return plm_yaml_fail(
			check,
			"control.log_level",
			"\"%s\" is not one of error, warning, info, debug",
			config->log_level
		);
	if (config->dataplane_socket[0] != '/'
	    || strlen(config->dataplane_socket) > SOCKET_PATH_MAX)
		return plm_yaml_fail(
			check,
			"control.dataplane_socket",
			"\"%s\" is not an absolute path of at most %d characters",
			config->dataplane_socket,
			SOCKET_PATH_MAX
		);
	return 0;
}

static bool addr_is_loopback(const struct plm_addr *addr) {
	static const uint8_t v6[16] = {[15] = 1};

	if (addr->family == 4)
		return addr->ip[0] == 127;
	return memcmp(addr->ip, v6, sizeof(v6)) == 0;
}

static int address_set(
	const struct plm_yaml_check *check,
	const char *key,
	const char *text,
	struct plm_addr *ret_addr
) {
	if (plm_addr_parse_ip(text, ret_addr) < 0)
		return plm_yaml_fail(check, key, "\"%s\" is no IP address", text);
	return 0;
}

static int listeners_set(
	struct config *config,
	const struct raw_section *raw,
	const struct plm_yaml_check *check
) {
	static const struct raw_listener fallback = {0};
	const struct raw_listener *list = raw->listen;
	unsigned n = raw->n_listen;

	if (list == NULL) {
		list = &fallback;
		n = 1;
	}
	for (unsigned i = 0; i < n; i++) {
		struct config_listener *listener = &config->listeners[i];
		const struct raw_listener *one = &list[i];
		int64_t port = one->port != NULL ? *one->port : CONFIG_LISTEN_PORT;
		char key[64];
		int err;

		snprintf(key, sizeof(key), "control.listen[%u].address", i);
		err = address_set(
			check,
			key,
			one->address != NULL ? one->address : CONFIG_LISTEN_ADDRESS,
			&listener->addr
		);
		if (err < 0)
			return err;
		snprintf(key, sizeof(key), "control.listen[%u].port", i);
		err = number_check(check, key, port, 0, 65535);
		if (err < 0)
			return err;
		listener->addr.port = (uint16_t)port;
		snprintf(key, sizeof(key), "control.listen[%u].tls", i);
		err = switch_set(check, key, one->tls != NULL ? one->tls : "true", &listener->tls);
		if (err < 0)
			return err;
		for (unsigned k = 0; k < i && port != 0; k++) {
			if (plm_addr_equal(&config->listeners[k].addr, &listener->addr))
				return plm_yaml_fail(check, key, "the same as listen[%u]", k);
		}
		config->n_listeners = i + 1;
	}
	return 0;
}

// A DNS name (letters, digits, hyphens, dots; "*." in front) or an IP address.
static bool name_is_fine(const char *name) {
	struct plm_addr addr;

	if (plm_addr_parse_ip(name, &addr) == 0)
		return true;
	if (strncmp(name, "*.", 2) == 0)
		name += 2;
	return name[0] != '\0' && name[0] != '.' && name[0] != '-'
		&& name[strspn(
			   name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-"
		   )]
		== '\0';
}

static int tls_set(
	struct config *config,
	const struct raw_section *raw,
	const struct plm_yaml_check *check
) {
	bool wanted = false;

	for (unsigned i = 0; i < raw->tls.n_names; i++) {
		char key[48];
		int err;

		snprintf(key, sizeof(key), "control.tls.names[%u]", i);
		if (!name_is_fine(raw->tls.names[i]))
			return plm_yaml_fail(
				check,
				key,
				"\"%s\" is no DNS name and no IP address",
				raw->tls.names[i]
			);
		err = string_set(&config->tls.names[i], raw->tls.names[i]);
		if (err < 0)
			return err;
		config->tls.n_names = i + 1;
	}
	for (unsigned i = 0; i < config->n_listeners; i++)
		wanted = wanted || config->listeners[i].tls;
	if (config->tls.certificate[0] != '\0' && config->tls.key[0] == '\0')
		return plm_yaml_fail(check, "control.tls.key", "missing: there is a certificate");
	if (config->tls.certificate[0] == '\0' && config->tls.key[0] != '\0')
		return plm_yaml_fail(check, "control.tls.certificate", "missing: there is a key");
	if (wanted && config->tls.certificate[0] == '\0') {
		if (!config->tls.self_signed)
			return plm_yaml_fail(
				check,
				"control.tls.certificate",
				"missing: a listener has tls, and self_signed is false"
			);
		if (config->tls.directory[0] != '/')
			return plm_yaml_fail(
				check,
				"control.tls.directory",
				"\"%s\" is not an absolute path",
				config->tls.directory
			);
	}
	return 0;
}

// scheme://host[:port], as browsers write it (RFC 6454 section 6.2), or "*".
static bool origin_is_fine(const char *origin) {
	size_t n;

	if (strcmp(origin, "*") == 0)
		return true;
	if (strncmp(origin, "https://", 8) == 0)
		origin += 8;
	else if (strncmp(origin, "http://", 7) == 0)
		origin += 7;
	else
		return false;
	n = strspn(origin, "abcdefghijklmnopqrstuvwxyz0123456789.-[]:");
	return n > 0 && origin[n] == '\0';
}

static int origins_set(
	struct config *config,
	const struct raw_section *raw,
	const struct plm_yaml_check *check
) {
	for (unsigned i = 0; i < raw->n_origins; i++) {
		char key[48];
		int err;

		snprintf(key, sizeof(key), "control.origins[%u]", i);
		if (!origin_is_fine(raw->origins[i]))
			return plm_yaml_fail(
				check,
				key,
				"\"%s\" is not like https://example.org in small letters, and not "
				"*",
				raw->origins[i]
			);
		err = string_set(&config->origins[i], raw->origins[i]);
		if (err < 0)
			return err;
		config->n_origins = i + 1;
	}
	return 0;
}

// A URL that paths are put after, and one path segment.
static int hls_check(const struct config *config, const struct plm_yaml_check *check) {
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				    "_-";
	const char *endpoint = config->hls.endpoint, *stage = config->hls.stage;
	const char *host = strstr(endpoint, "://");

	if ((strncmp(endpoint, "https://", 8) != 0 && strncmp(endpoint, "http://", 7) != 0)
	    || host[3] == '\0' || host[3] == '/' || endpoint[strlen(endpoint) - 1] == '/'
	    || endpoint[strcspn(endpoint, " \"<>\\^`{|}?#")] != '\0')
		return plm_yaml_fail(
			check,
			"control.hls.endpoint",
			"\"%s\" is not like https://example.org[:port][/path]",
			endpoint
		);
	if (stage[0] == '\0' || strlen(stage) > HLS_STAGE_MAX
	    || stage[strspn(stage, plain)] != '\0')
		return plm_yaml_fail(
			check,
			"control.hls.stage",
			"\"%s\" is not 1 to %d letters, digits, - and _",
			stage,
			HLS_STAGE_MAX
		);
	return 0;
}

static int auth_check(struct config *config, const struct plm_yaml_check *check) {
	static const char *const algorithms[] = {"HS256", "ES256", "RS256", "EdDSA"};
	bool shared = strcmp(config->auth.algorithm, "HS256") == 0;
	bool has_secret = config->auth.secret[0] != '\0';
	bool has_key = has_secret || config->auth.secret_file[0] != '\0'
		|| config->auth.key_file[0] != '\0';

	if (!is_one_of(
		    config->auth.algorithm, algorithms, sizeof(algorithms) / sizeof(algorithms[0])
	    ))
		return plm_yaml_fail(
			check,
			"control.auth.algorithm",
			"\"%s\" is not one of HS256, ES256, RS256, EdDSA",
			config->auth.algorithm
		);
	if (has_secret && config->auth.secret_file[0] != '\0')
		return plm_yaml_fail(
			check, "control.auth.secret_file", "there is a secret already"
		);
	if (has_secret && strlen(config->auth.secret) < SECRET_MIN)
		return plm_yaml_fail(
			check, "control.auth.secret", "shorter than %d characters", SECRET_MIN
		);
	if (shared && config->auth.key_file[0] != '\0')
		return plm_yaml_fail(
			check, "control.auth.key_file", "HS256 takes secret or secret_file"
		);
	if (!shared && (has_secret || config->auth.secret_file[0] != '\0'))
		return plm_yaml_fail(
			check,
			has_secret ? "control.auth.secret" : "control.auth.secret_file",
			"%s takes key_file",
			config->auth.algorithm
		);
	if (has_key && config->auth.demo)
		return plm_yaml_fail(
			check,
			"control.auth.demo",
			"true together with a key: everybody would get a token"
		);
	if (has_key || config->auth.demo)
		return 0;
	for (unsigned i = 0; i < config->n_listeners; i++) {
		if (!addr_is_loopback(&config->listeners[i].addr))
			return plm_yaml_fail(
				check,
				"control.auth",
				"no key: set secret_file or key_file; or demo: true, which lets "
				"everybody in; or listen on loopback addresses only"
			);
	}
	config->auth.demo = true;
	return 0;
}

static int admin_set(
	struct config *config,
	const struct raw_section *raw,
	const struct plm_yaml_check *check
) {
	int err;

	err = address_set(
		check,
		"control.admin.address",
		raw->admin.address != NULL ? raw->admin.address : CONFIG_ADMIN_ADDRESS,
		&config->admin.addr
	);
	if (err < 0)
		return err;
	config->admin.addr.port = (uint16_t)config->admin.port;
	if (config->admin.port != 0 && !addr_is_loopback(&config->admin.addr)
	    && !config->admin.allow_remote)
		return plm_yaml_fail(
			check,
			"control.admin.address",
			"not a loopback address, and the admin API asks for no password: "
			"admin.allow_remote: true if the network in front of it is closed"
		);
	return 0;
}

static int public_addresses_set(
	struct config *config,
	const struct raw_section *raw,
	const struct plm_yaml_check *check
) {
	for (unsigned i = 0; i < raw->n_public_addresses; i++) {
		char key[48];
		int err;

		snprintf(key, sizeof(key), "control.public_addresses[%u]", i);
		err = address_set(
			check, key, raw->public_addresses[i], &config->rtc.public_addrs[i]
		);
		if (err < 0)
			return err;
		config->rtc.n_public_addrs = i + 1;
	}
	return 0;
}

int config_parse(
	const char *name,
	const uint8_t *text,
	size_t len,
	struct config **ret_config,
	char *error,
	size_t error_len
) {
	const struct plm_yaml_check check = {name, error, error_len};
	static const struct raw_section nothing = {0};
	const struct raw_section *section;
	cyaml_data_t *data = NULL;
	struct raw_config *raw;
	struct config *config;
	int err;

	err = plm_yaml_parse(&check, text, len, &config_schema, &data);
	if (err < 0)
		return err;
	raw = data;
	section = raw != NULL && raw->control != NULL ? raw->control : &nothing;
	config = calloc(1, sizeof(*config));
	err = config == NULL ? -ENOMEM : plain_set(config, section, &check);
	if (err == 0)
		err = strings_check(config, &check);
	if (err == 0)
		err = listeners_set(config, section, &check);
	if (err == 0)
		err = tls_set(config, section, &check);
	if (err == 0)
		err = origins_set(config, section, &check);
	if (err == 0)
		err = hls_check(config, &check);
	if (err == 0)
		err = auth_check(config, &check);
	if (err == 0)
		err = admin_set(config, section, &check);
	if (err == 0)
		err = public_addresses_set(config, section, &check);
	if (section->auth.secret != NULL)
		plm_wipe(section->auth.secret, strlen(section->auth.secret));
	plm_yaml_free(&config_schema, data);
	if (err == -ENOMEM)
		snprintf(error, error_len, "%s: out of memory", name);
	if (err < 0) {
		config_free(config);
		return err;
	}
	config->rtc.dataplane_socket = config->dataplane_socket;
	config->rooms.dataplane_socket = config->dataplane_socket;
	config->rooms.hls_endpoint = config->hls.endpoint;
	config->rooms.hls_stage = config->hls.stage;
	*ret_config = config;
	return 0;
}

int config_load(const char *path, struct config **ret_config, char *error, size_t error_len) {
	const struct plm_yaml_check check = {path, error, error_len};
	uint8_t *text;
	size_t len;
	int err;

	err = plm_yaml_read(&check, &text, &len);
	if (err < 0)
		return err;
	err = config_parse(path, text, len, ret_config, error, error_len);
	plm_wipe(text, len); // it may hold auth.secret
	free(text);
	return err;
}

void config_free(struct config *config) {
	if (config == NULL)
		return;
	if (config->auth.secret != NULL)
		plm_wipe(config->auth.secret, strlen(config->auth.secret));
#define X(key, raw_member, member, fallback) free(config->member);
	CONFIG_STRINGS(X)
#undef X
	for (unsigned i = 0; i < config->tls.n_names; i++)
		free(config->tls.names[i]);
	for (unsigned i = 0; i < config->n_origins; i++)
		free(config->origins[i]);
	free(config);
}
