// SPDX-License-Identifier: BSD-3-Clause

#include "config.h"

#include "config_keys.h"
#include "config_schema.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (1 << 20)
#define MBUF_BYTES 2432 // a packet buffer with its headers, as the pool lays it out
#define SOCKET_PATH_MAX 107 // sun_path without its NUL
#define IFNAME_MAX 15

// Where errors go while a file is checked.
struct check {
	const char *name; // of the file
	char *error;
	size_t error_len;
};

__attribute__((format(printf, 3, 4))) static int check_fail(
	const struct check *check,
	const char *key,
	const char *format,
	...
) {
	char why[320];
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, sizeof(why), format, ap);
	va_end(ap);
	snprintf(check->error, check->error_len, "%s: %s: %s", check->name, key, why);
	config_line_clean(check->error);
	return -EINVAL;
}

// --- strings

static int string_set(char **ret_text, const char *text) {
	char *copy = strdup(text);

	if (copy == NULL)
		return -ENOMEM;
	*ret_text = copy;
	return 0;
}

// True when text is one of the words of "a|b|c".
static bool word_in(const char *text, const char *words) {
	size_t len = strlen(text);

	if (strchr(text, '|') != NULL)
		return false;
	while (words != NULL) {
		if (strncmp(words, text, len) == 0 && (words[len] == '|' || words[len] == '\0'))
			return true;
		words = strchr(words, '|');
		words = words != NULL ? words + 1 : NULL;
	}
	return false;
}

static int words_check(
	const struct check *check,
	const char *key,
	const char *text,
	const char *words
) {
	if (word_in(text, words))
		return 0;
	return check_fail(check, key, "\"%s\" is not one of %s", text, words);
}

// The kernel's rule for interface names; '%' would be expanded by it.
static bool ifname_valid(const char *name) {
	size_t len = strlen(name);

	if (len == 0 || len > IFNAME_MAX || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	for (; *name != '\0'; name++) {
		if (!isgraph((unsigned char)*name) || strchr("/:%,", *name) != NULL)
			return false;
	}
	return true;
}

bool config_device_is_pci(const char *device) {
	int n = 0;

	if (sscanf(device, "%*4x:%*2x:%*2x.%*1x%n", &n) == 0 && n > 0)
		return device[n] == '\0' && strspn(device, "0123456789abcdefABCDEF:.") == (size_t)n;
	return false;
}

static int device_check(const struct check *check, const char *device) {
	static const char key[] = "dataplane.port.device";
	const char *arg = strchr(device, ':');

	if (config_device_is_pci(device))
		return 0;
	if (arg != NULL && arg[1] != '\0') {
		size_t kind = (size_t)(arg++ - device);

		if ((kind == 9 && strncmp(device, "af_packet", kind) == 0)
		    || (kind == 6 && strncmp(device, "af_xdp", kind) == 0)) {
			if (ifname_valid(arg))
				return 0;
			return check_fail(check, key, "\"%s\" is no interface name", arg);
		}
		if (kind == 5 && strncmp(device, "memif", kind) == 0 && arg[0] == '/')
			return 0;
		if (kind == 4 && strncmp(device, "vdev", kind) == 0)
			return 0;
	}
	return check_fail(
		check,
		key,
		"\"%s\" is none of af_packet:INTERFACE, af_xdp:INTERFACE, memif:/SOCKET, "
		"vdev:ARGUMENTS "
		"or a PCI address like 0000:03:00.0",
		device
	);
}

static int strings_set(
	struct config *config,
	const struct raw_section *raw,
	const struct check *check
) {
	const char *idle = raw->workers.idle != NULL ? raw->workers.idle : "auto";
	const char *hugepages = raw->memory.hugepages != NULL ? raw->memory.hugepages : "false";
	int err;

#define X(key, raw_member, member, fallback)                                                       \
	err = string_set(&config->member, raw->raw_member != NULL ? raw->raw_member : (fallback)); \
	if (err < 0)                                                                               \
		return err;
	CONFIG_STRINGS(X)
#undef X
	if (config->api_socket[0] != '/' || strlen(config->api_socket) > SOCKET_PATH_MAX)
		return check_fail(
			check,
			"dataplane.api_socket",
			"\"%s\" is not an absolute path of at most %d characters",
			config->api_socket,
			SOCKET_PATH_MAX
		);
	err = words_check(
		check, "dataplane.log_level", config->log_level, "error|warning|info|debug"
	);
	if (err < 0)
		return err;
	if (config->device[0] == '\0')
		return check_fail(check, "dataplane.port.device", "missing");
	err = device_check(check, config->device);
	if (err < 0)
		return err;
	if (!ifname_valid(config->tap))
		return check_fail(
			check,
			"dataplane.tap",
			"\"%s\" is no interface name of at most %d characters",
			config->tap,
			IFNAME_MAX
		);
	if (strchr(config->device, ':') != NULL
	    && strcmp(strchr(config->device, ':') + 1, config->tap) == 0)
		return check_fail(
			check, "dataplane.tap", "\"%s\" is the port's interface", config->tap
		);
	if (strlen(config->file_prefix) > 32
	    || strspn(config->file_prefix,
		      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
		    != strlen(config->file_prefix))
		return check_fail(
			check,
			"dataplane.memory.file_prefix",
			"\"%s\" is not made of at most 32 letters, digits, - and _",
			config->file_prefix
		);
	err = words_check(
		check, "dataplane.srtp.backend", config->srtp_backend, "auto|ipsec-mb|libsrtp2"
	);
	if (err < 0)
		return err;
	err = words_check(check, "dataplane.workers.idle", idle, "auto|adaptive|busy");
	if (err < 0)
		return err;
	config->idle = strcmp(idle, "busy") == 0 ? CONFIG_IDLE_BUSY
		: strcmp(idle, "adaptive") == 0	 ? CONFIG_IDLE_ADAPTIVE
						 : CONFIG_IDLE_AUTO;
	err = words_check(check, "dataplane.memory.hugepages", hugepages, "true|false");
	if (err < 0)
		return err;
	config->hugepages = strcmp(hugepages, "true") == 0;
	return 0;
}

// --- numbers

static int number_check(
	const struct check *check,
	const char *key,
	int64_t value,
	int64_t min,
	int64_t max
) {
	if (value >= min && value <= max)
		return 0;
	return check_fail(
		check,
		key,
		"%lld is not in %lld..%lld",
		(long long)value,
		(long long)min,
		(long long)max
	);
}

static int cores_set(
	struct config *config,
	const struct raw_section *raw,
	const struct check *check
) {
	config->n_workers = raw->workers.n_cores;
	for (unsigned i = 0; i < config->n_workers; i++) {
		int64_t core = raw->workers.cores[i];
		char key[48];
		int err;

		snprintf(key, sizeof(key), "dataplane.workers.cores[%u]", i);
		err = number_check(check, key, core, 0, CONFIG_CORE_MAX);
		if (err < 0)
			return err;
		config->worker_cores[i] = (unsigned)core;
	}
	if (config->n_workers == 0) {
		config->n_workers = 1;
		config->worker_cores[0] = 0;
	}
	return 0;
}

static int numbers_set(
	struct config *config,
	const struct raw_section *raw,
	const struct check *check
) {
	uint64_t pool_mb;
	int64_t value;
	int err;

#define X(key, raw_member, member, min, max, fallback)                                             \
	value = raw->raw_member != NULL ? *raw->raw_member : (fallback);                           \
	err = number_check(check, "dataplane." key, value, min, max);                              \
	if (err < 0)                                                                               \
		return err;                                                                        \
	config->member = (__typeof__(config->member))value;
	CONFIG_NUMBERS(X)
#undef X
	err = cores_set(config, raw, check);
	if (err < 0)
		return err;
	if (config->agent_port_min > config->agent_port_max)
		return check_fail(
			check,
			"dataplane.agent_ports.min",
			"%u is above agent_ports.max, %u",
			config->agent_port_min,
			config->agent_port_max
		);
	if (config->public_port >= config->agent_port_min
	    && config->public_port <= config->agent_port_max)
		return check_fail(
			check,
			"dataplane.public_port",
			"%u lies among the agents' private ports %u..%u",
			config->public_port,
			config->agent_port_min,
			config->agent_port_max
		);
	if ((config->rtx_packets & (config->rtx_packets - 1)) != 0)
		return check_fail(
			check,
			"dataplane.rtx_packets",
			"%u is not a power of two",
			config->rtx_packets
		);
	// The rest of the memory is for tables, keys and the port's rings.
	pool_mb = (uint64_t)config->mbufs * MBUF_BYTES >> 20;
	if (pool_mb > (uint64_t)config->memory_mb * 3 / 4)
		return check_fail(
			check,
			"dataplane.memory.mbufs",
			"%u packet buffers take %llu MB, more than three quarters of memory_mb, %u",
			config->mbufs,
			(unsigned long long)pool_mb,
			config->memory_mb
		);
	return 0;
}

// --- addresses

static bool addr_usable(const struct plm_addr *addr) {
	static const uint8_t zero[16], loopback6[16] = {[15] = 1};

	if (memcmp(addr->ip, zero, addr->family == 4 ? 4 : 16) == 0)
		return false;
	if (addr->family == 4)
		return addr->ip[0] != 127 && addr->ip[0] < 224;
	return addr->ip[0] != 0xff && memcmp(addr->ip, loopback6, 16) != 0;
}

static int addresses_set(
	struct config *config,
	const struct raw_section *raw,
	const struct check *check
) {
	if (raw->n_addresses == 0)
		return check_fail(check, "dataplane.addresses", "missing");
	for (unsigned i = 0; i < raw->n_addresses; i++) {
		struct config_address *address = &config->addrs[i];
		const char *text = raw->addresses[i];
		char key[40];

		snprintf(key, sizeof(key), "dataplane.addresses[%u]", i);
		if (plm_addr_parse_prefix(text, &address->addr, &address->prefix_len) < 0)
			return check_fail(
				check,
				key,
				"\"%s\" is no address with prefix like 198.18.0.2/24",
				text
			);
		if (!addr_usable(&address->addr) || address->prefix_len == 0)
			return check_fail(check, key, "\"%s\" cannot be a host's address", text);
		for (unsigned k = 0; k < i; k++) {
			if (plm_addr_ip_equal(&config->addrs[k].addr, &address->addr))
				return check_fail(check, key, "\"%s\" is there twice", text);
		}
		config->n_addrs = i + 1;
	}
	return 0;
}

static int gateways_set(
	struct config *config,
	const struct raw_section *raw,
	const struct check *check
) {
	for (unsigned i = 0; i < raw->n_gateways; i++) {
		struct plm_addr *gateway = &config->gateways[i];
		const char *text = raw->gateways[i];
		bool family_known = false;
		char key[40];

		snprintf(key, sizeof(key), "dataplane.gateways[%u]", i);
		if (plm_addr_parse_ip(text, gateway) < 0)
			return check_fail(check, key, "\"%s\" is no IP address", text);
		if (!addr_usable(gateway))
			return check_fail(check, key, "\"%s\" cannot be a host's address", text);
		for (unsigned k = 0; k < config->n_addrs; k++) {
			if (plm_addr_ip_equal(&config->addrs[k].addr, gateway))
				return check_fail(check, key, "\"%s\" is our own address", text);
			if (config->addrs[k].addr.family == gateway->family)
				family_known = true;
		}
		if (!family_known)
			return check_fail(
				check,
				key,
				"\"%s\" has no IPv%u entry in addresses",
				text,
				gateway->family
			);
		if (i > 0 && config->gateways[0].family == gateway->family)
			return check_fail(
				check,
				key,
				"\"%s\" is a second gateway for IPv%u",
				text,
				gateway->family
			);
	}
	return 0;
}

// --- the file

int config_parse(
	const char *name,
	const uint8_t *text,
	size_t len,
	struct config **ret_config,
	char *error,
	size_t error_len
) {
	const struct check check = {.name = name, .error = error, .error_len = error_len};
	struct raw_config *raw;
	struct config *config;
	int err;

	err = raw_config_parse(name, text, len, &raw, error, error_len);
	if (err < 0)
		return err;
	config = calloc(1, sizeof(*config));
	err = config == NULL ? -ENOMEM : 0;
	if (err == 0 && raw->dataplane == NULL)
		err = check_fail(&check, "dataplane", "missing");
	if (err == 0)
		err = strings_set(config, raw->dataplane, &check);
	if (err == 0)
		err = numbers_set(config, raw->dataplane, &check);
	if (err == 0)
		err = addresses_set(config, raw->dataplane, &check);
	if (err == 0)
		err = gateways_set(config, raw->dataplane, &check);
	raw_config_free(raw);
	if (err == -ENOMEM)
		snprintf(error, error_len, "%s: out of memory", name);
	if (err < 0) {
		config_free(config);
		return err;
	}
	*ret_config = config;
	return 0;
}

int config_load(const char *path, struct config **ret_config, char *error, size_t error_len) {
	uint8_t *text = NULL;
	size_t len = 0;
	FILE *file;
	int err;

	file = fopen(path, "re");
	if (file == NULL) {
		err = errno == ENOENT ? -ENOENT : -EINVAL;
		snprintf(error, error_len, "%s: %s", path, strerror(errno));
		return err;
	}
	text = malloc(FILE_MAX + 1);
	if (text != NULL)
		len = fread(text, 1, FILE_MAX + 1, file);
	if (text == NULL || ferror(file)) {
		snprintf(error, error_len, "%s: %s", path, strerror(errno));
		err = -EINVAL;
	} else if (len > FILE_MAX) {
		snprintf(error, error_len, "%s: larger than 1 MiB", path);
		err = -EINVAL;
	} else {
		err = config_parse(path, text, len, ret_config, error, error_len);
	}
	free(text);
	fclose(file);
	return err;
}

void config_free(struct config *config) {
	if (config == NULL)
		return;
#define X(key, raw_member, member, fallback) free(config->member);
	CONFIG_STRINGS(X)
#undef X
	free(config);
}
