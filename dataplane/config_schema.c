// SPDX-License-Identifier: BSD-3-Clause

#include "config_schema.h"

#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define STRING_MAX 255
#define PATH_MAX_LEN 160
#define WHY_MAX_LEN 320
#define DEPTH_MAX 8

#define OPTIONAL (CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER)

// Keys of struct raw_section by the name of their member.
#define STRING(key, member)                                                                        \
	CYAML_FIELD_STRING_PTR(key, OPTIONAL, struct raw_section, member, 1, STRING_MAX)
#define NUMBER(key, member) CYAML_FIELD_INT_PTR(key, OPTIONAL, struct raw_section, member)
#define LIST(key, member, count, entry, min, max)                                                  \
	CYAML_FIELD_SEQUENCE_COUNT(                                                                \
		key,                                                                               \
		OPTIONAL | CYAML_FLAG_FLOW,                                                        \
		struct raw_section,                                                                \
		member,                                                                            \
		count,                                                                             \
		entry,                                                                             \
		min,                                                                               \
		max                                                                                \
	)
// A mapping whose struct is part of struct raw_section: the offsets of its fields are the
// section's, so its own is 0.
#define GROUP(name, its_fields)                                                                    \
	{                                                                                          \
		.key = name, .data_offset = 0,                                                     \
		.value = {                                                                         \
			CYAML_VALUE_MAPPING(CYAML_FLAG_OPTIONAL, struct raw_section, its_fields),  \
		},                                                                                 \
	}

static const cyaml_schema_value_t string_entry = {
	CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, STRING_MAX),
};
static const cyaml_schema_value_t number_entry = {
	CYAML_VALUE_INT(CYAML_FLAG_DEFAULT, int64_t),
};

static const cyaml_schema_field_t port_fields[] = {
	STRING("device", port.device),
	NUMBER("queues", port.queues),
	NUMBER("mtu", port.mtu),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t agent_port_fields[] = {
	NUMBER("min", agent_ports.min),
	NUMBER("max", agent_ports.max),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t worker_fields[] = {
	LIST("cores", workers.cores, workers.n_cores, &number_entry, 1, CONFIG_WORKERS_MAX),
	NUMBER("main_core", workers.main_core),
	STRING("idle", workers.idle),
	NUMBER("idle_max_us", workers.idle_max_us),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t memory_fields[] = {
	STRING("hugepages", memory.hugepages),
	NUMBER("memory_mb", memory.memory_mb),
	STRING("file_prefix", memory.file_prefix),
	NUMBER("mbufs", memory.mbufs),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t srtp_fields[] = {
	STRING("backend", srtp.backend),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t limit_fields[] = {
	NUMBER("transports", limits.transports),
	NUMBER("producers", limits.producers),
	NUMBER("consumers", limits.consumers),
	NUMBER("paths_per_transport", limits.paths_per_transport),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t section_fields[] = {
	STRING("api_socket", api_socket),
	STRING("log_level", log_level),
	GROUP("port", port_fields),
	LIST("addresses", addresses, n_addresses, &string_entry, 1, CONFIG_ADDRS_MAX),
	LIST("gateways", gateways, n_gateways, &string_entry, 0, 2),
	STRING("tap", tap),
	NUMBER("public_port", public_port),
	GROUP("agent_ports", agent_port_fields),
	GROUP("workers", worker_fields),
	GROUP("memory", memory_fields),
	GROUP("srtp", srtp_fields),
	GROUP("limits", limit_fields),
	NUMBER("rtx_packets", rtx_packets),
	CYAML_FIELD_END,
};

// The other sections belong to other processes, who check them.
static const cyaml_schema_field_t file_fields[] = {
	CYAML_FIELD_MAPPING_PTR(
		"dataplane",
		OPTIONAL,
		struct raw_config,
		dataplane,
		section_fields
	),
	CYAML_FIELD_IGNORE("control", CYAML_FLAG_OPTIONAL),
	CYAML_FIELD_IGNORE("hls", CYAML_FLAG_OPTIONAL),
	CYAML_FIELD_END,
};

const cyaml_schema_value_t config_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_config, file_fields),
};

// What libcyaml says while it reads: the first error, then a backtrace from the key outwards.
struct complaint {
	char why[WHY_MAX_LEN];
	char keys[DEPTH_MAX][48]; // innermost first
	unsigned n_keys;
	unsigned line; // of the innermost place; 0 = unknown
};

static void complaint_add(cyaml_log_t level, void *user, const char *format, va_list ap) {
	struct complaint *complaint = user;
	char text[WHY_MAX_LEN], key[48];
	const char *line;
	unsigned entry;

	if (level < CYAML_LOG_ERROR)
		return;
	vsnprintf(text, sizeof(text), format, ap);
	text[strcspn(text, "\n")] = '\0';
	if (strcmp(text, "Load: Backtrace:") == 0)
		return;
	if (strncmp(text, "  in ", 5) != 0) {
		if (complaint->why[0] == '\0')
			memcpy(complaint->why, text, sizeof(text));
		return;
	}
	line = strstr(text, "(line: ");
	if (complaint->line == 0 && line != NULL)
		sscanf(line, "(line: %u", &complaint->line);
	if (complaint->n_keys == DEPTH_MAX)
		return;
	if (sscanf(text, "  in mapping field '%39[^']'", key) == 1)
		strcpy(complaint->keys[complaint->n_keys++], key);
	else if (sscanf(text, "  in sequence entry '%u'", &entry) == 1)
		snprintf(complaint->keys[complaint->n_keys++], sizeof(key), "[%u]", entry);
}

static void complaint_path(const struct complaint *complaint, char *path, size_t len) {
	size_t n = 0;

	path[0] = '\0';
	for (unsigned i = complaint->n_keys; i-- > 0 && n < len;) {
		const char *key = complaint->keys[i];
		const char *dot = n == 0 || key[0] == '[' ? "" : ".";

		n += (size_t)snprintf(path + n, len - n, "%s%s", dot, key);
	}
}

static const char *event_noun(const char *event) {
	if (strncmp(event, "MAPPING", 7) == 0)
		return "a mapping (key: value)";
	if (strncmp(event, "SEQUENCE", 8) == 0)
		return "a list";
	if (strncmp(event, "INT", 3) == 0)
		return "a whole number";
	if (strncmp(event, "ALIAS", 5) == 0)
		return "an alias";
	return "a single value";
}

// libcyaml's sentence in our words; path gets the key it names, if any.
static void complaint_explain(
	const struct complaint *complaint,
	cyaml_err_t err,
	char *path,
	size_t path_len,
	char *why,
	size_t why_len
) {
	const char *text = complaint->why;
	char wanted[24], got[24];
	size_t n = strlen(path);

	if (strncmp(text, "Load: ", 6) == 0)
		text += 6;
	if (err == CYAML_ERR_INVALID_KEY && strncmp(text, "Unexpected key: ", 16) == 0) {
		snprintf(path + n, path_len - n, "%s%.60s", n > 0 ? "." : "", text + 16);
		snprintf(why, why_len, "unknown key");
	} else if (strncmp(text, "Mapping field already seen", 26) == 0) {
		snprintf(why, why_len, "given twice");
	} else if (strncmp(text, "Invalid INT value: ", 19) == 0) {
		snprintf(why, why_len, "%.100s is not a whole number", text + 19);
	} else if (err == CYAML_ERR_STRING_LENGTH_MIN) {
		snprintf(why, why_len, "empty");
	} else if (err == CYAML_ERR_STRING_LENGTH_MAX) {
		snprintf(why, why_len, "longer than %u characters", STRING_MAX);
	} else if (sscanf(text, "Expecting %23[^,], got event: %23s", wanted, got) == 2) {
		snprintf(
			why,
			why_len,
			"%s is wanted here, not %s",
			event_noun(wanted),
			event_noun(got)
		);
	} else if (sscanf(text, "Insufficient entries (0 of %23[0-9] min)", wanted) == 1) {
		path[strcspn(path, "[")] = '\0';
		snprintf(why, why_len, "empty, at least %s is wanted", wanted);
	} else if (sscanf(text, "Excessive entries (%23[0-9] max)", wanted) == 1) {
		// The backtrace ends in the first entry too many; the key is the list.
		path[strcspn(path, "[")] = '\0';
		snprintf(why, why_len, "more than %s entries", wanted);
	} else if (err == CYAML_ERR_ALIAS) {
		snprintf(why, why_len, "YAML aliases (*name) are not supported");
	} else if (err == CYAML_ERR_INTERNAL_ERROR) {
		// A key that is no single value; the backtrace then names a wrong innermost key.
		path[0] = '\0';
		snprintf(why, why_len, "a key is not a single word");
	} else {
		snprintf(why, why_len, "%.200s", *text != '\0' ? text : cyaml_strerror(err));
	}
}

void config_line_clean(char *line) {
	for (; *line != '\0'; line++) {
		if ((unsigned char)*line < 0x20 || *line == 0x7f)
			*line = '?';
	}
}

static const cyaml_config_t plain_cyaml = {.mem_fn = cyaml_mem};

void raw_config_free(struct raw_config *raw) {
	cyaml_free(&plain_cyaml, &config_schema, raw, 0);
}

int raw_config_parse(
	const char *name,
	const uint8_t *text,
	size_t len,
	struct raw_config **ret_raw,
	char *error,
	size_t error_len
) {
	struct complaint complaint = {0};
	const cyaml_config_t cyaml = {
		.log_fn = complaint_add,
		.log_ctx = &complaint,
		.log_level = CYAML_LOG_ERROR,
		.mem_fn = cyaml_mem,
		.flags = CYAML_CFG_NO_ALIAS,
	};
	char path[PATH_MAX_LEN], why[WHY_MAX_LEN], place[32] = "";
	cyaml_data_t *raw = NULL;
	cyaml_err_t err;

	err = cyaml_load_data(text, len, &cyaml, &config_schema, &raw, NULL);
	if (err == CYAML_OK) {
		if (raw == NULL) {
			snprintf(
				error, error_len, "%s: empty: section \"dataplane\" is wanted", name
			);
			config_line_clean(error);
			return -EINVAL;
		}
		*ret_raw = raw;
		return 0;
	}
	complaint_path(&complaint, path, sizeof(path));
	complaint_explain(&complaint, err, path, sizeof(path), why, sizeof(why));
	if (complaint.line > 0)
		snprintf(place, sizeof(place), " (line %u)", complaint.line);
	snprintf(
		error, error_len, "%s: %s%s%s%s", name, path, *path != '\0' ? ": " : "", why, place
	);
	config_line_clean(error);
	return err == CYAML_ERR_OOM ? -ENOMEM : -EINVAL;
}

static void each_key(
	const cyaml_schema_field_t *fields,
	const char *prefix,
	void (*visit)(void *user, const char *path),
	void *user
) {
	char path[PATH_MAX_LEN];

	for (; fields->key != NULL; fields++) {
		if (fields->value.type == CYAML_IGNORE)
			continue;
		snprintf(path, sizeof(path), "%s%s%s", prefix, *prefix ? "." : "", fields->key);
		visit(user, path);
		if (fields->value.type == CYAML_MAPPING)
			each_key(fields->value.mapping.fields, path, visit, user);
	}
}

void config_each_key(void (*visit)(void *user, const char *path), void *user) {
	each_key(file_fields, "", visit, user);
}
