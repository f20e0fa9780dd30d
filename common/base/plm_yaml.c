// SPDX-License-Identifier: BSD-3-Clause

#include "plm_yaml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (1 << 20)
#define PATH_MAX_LEN 160
#define WHY_MAX_LEN 320
#define DEPTH_MAX 8

// What comes from a file stays one line.
static void line_clean(char *line) {
	for (; *line != '\0'; line++) {
		if ((unsigned char)*line < 0x20 || *line == 0x7f)
			*line = '?';
	}
}

int plm_yaml_fail(const struct plm_yaml_check *check, const char *key, const char *format, ...) {
	char why[WHY_MAX_LEN];
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, sizeof(why), format, ap);
	va_end(ap);
	snprintf(
		check->error,
		check->error_len,
		"%s: %s%s%s",
		check->name,
		key,
		*key != '\0' ? ": " : "",
		why
	);
	line_clean(check->error);
	return -EINVAL;
}

int plm_yaml_read(const struct plm_yaml_check *check, uint8_t **ret_text, size_t *ret_len) {
	uint8_t *text;
	FILE *file;
	size_t len;
	int err;

	file = fopen(check->name, "re");
	if (file == NULL) {
		err = errno;
		plm_yaml_fail(check, "", "%s", strerror(err));
		return err == ENOENT ? -ENOENT : -EINVAL;
	}
	text = malloc(FILE_MAX + 1);
	if (text == NULL) {
		fclose(file);
		return -ENOMEM;
	}
	len = fread(text, 1, FILE_MAX + 1, file);
	err = 0;
	if (ferror(file))
		err = plm_yaml_fail(check, "", "%s", strerror(errno));
	else if (len > FILE_MAX)
		err = plm_yaml_fail(check, "", "larger than 1 MiB");
	fclose(file);
	if (err < 0) {
		free(text);
		return err;
	}
	*ret_text = text;
	*ret_len = len;
	return 0;
}

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
		// libcyaml counts from 1
		snprintf(complaint->keys[complaint->n_keys++], sizeof(key), "[%u]", entry - 1);
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
		snprintf(why, why_len, "too long");
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

static const cyaml_config_t plain_cyaml = {.mem_fn = cyaml_mem};

void plm_yaml_free(const cyaml_schema_value_t *schema, cyaml_data_t *data) {
	cyaml_free(&plain_cyaml, schema, data, 0);
}

int plm_yaml_parse(
	const struct plm_yaml_check *check,
	const uint8_t *text,
	size_t len,
	const cyaml_schema_value_t *schema,
	cyaml_data_t **ret_data
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
	cyaml_data_t *data = NULL;
	cyaml_err_t err;

	err = cyaml_load_data(text, len, &cyaml, schema, &data, NULL);
	if (err == CYAML_OK) {
		*ret_data = data;
		return 0;
	}
	complaint_path(&complaint, path, sizeof(path));
	complaint_explain(&complaint, err, path, sizeof(path), why, sizeof(why));
	if (complaint.line > 0)
		snprintf(place, sizeof(place), " (line %u)", complaint.line);
	plm_yaml_fail(check, path, "%s%s", why, place);
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
		else if (fields->value.type == CYAML_SEQUENCE && fields->value.sequence.entry->type == CYAML_MAPPING)
			each_key(fields->value.sequence.entry->mapping.fields, path, visit, user);
	}
}

void plm_yaml_each_key(
	const cyaml_schema_value_t *schema,
	void (*visit)(void *user, const char *path),
	void *user
) {
	each_key(schema->mapping.fields, "", visit, user);
}
