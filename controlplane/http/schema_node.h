// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// A compiled schema: between schema.c, which makes it, and schema_check.c, which uses it.

#include <jansson.h>

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum schema_type {
	TYPE_OBJECT = 1 << 0,
	TYPE_ARRAY = 1 << 1,
	TYPE_STRING = 1 << 2,
	TYPE_INTEGER = 1 << 3,
	TYPE_NUMBER = 1 << 4,
	TYPE_BOOLEAN = 1 << 5,
	TYPE_NULL = 1 << 6,
};

struct schema_type_name {
	const char *name;
	enum schema_type type;
};

#define SCHEMA_N_TYPES 7
extern const struct schema_type_name schema_type_names[SCHEMA_N_TYPES];

// One schema object. Strings and values are borrowed from schema->root.
struct node {
	const char *name; // of the property or definition
	const char *title;
	unsigned types; // bits of enum schema_type; 0 = any
	const char *ref_name;
	const struct node *ref;
	struct node *properties;
	size_t n_properties;
	bool closed; // additionalProperties: false
	const json_t *required, *one_value, *values;
	const char *pattern;
	regex_t regex; // valid when pattern is set
	size_t min_len, max_len;
	json_int_t min, max;
	struct node *items;
	size_t max_items;
	struct node *forms; // oneOf
	size_t n_forms;
};

struct schema {
	json_t *root;
	struct node *definitions;
	size_t n_definitions;
};

const struct node *node_find(const struct node *nodes, size_t n, const char *name);
