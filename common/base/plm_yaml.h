// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Configuration files by libcyaml, with its errors as one line for people:
// "plenum.yaml: control.tls.kye: unknown key (line 7)".

#include <cyaml/cyaml.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Where errors go while one file is checked.
struct plm_yaml_check {
	const char *name; // of the file
	char *error;
	size_t error_len;
};

// Writes "NAME: KEY: why" to check->error, control characters replaced. Returns -EINVAL.
int plm_yaml_fail(const struct plm_yaml_check *check, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

// The whole file, at most 1 MiB. Returns 0, -ENOENT, -EINVAL or -ENOMEM with a line in
// check->error. *ret_text: free().
int plm_yaml_read(const struct plm_yaml_check *check, uint8_t **ret_text, size_t *ret_len);

// Reads text by schema (a pointer to a mapping). Aliases and unknown keys are errors. Returns 0,
// -EINVAL or -ENOMEM with a line in check->error. *ret_data: plm_yaml_free; NULL for an empty file.
int plm_yaml_parse(
	const struct plm_yaml_check *check,
	const uint8_t *text,
	size_t len,
	const cyaml_schema_value_t *schema,
	cyaml_data_t **ret_data
);
void plm_yaml_free(const cyaml_schema_value_t *schema, cyaml_data_t *data);

// Visits the path of every key of a mapping ("control.tls.key"), ignored sections left out; a test
// keeps the sample configuration complete with it.
void plm_yaml_each_key(
	const cyaml_schema_value_t *schema,
	void (*visit)(void *user, const char *path),
	void *user
);
