// SPDX-License-Identifier: BSD-3-Clause

#include "schema.h"
#include "schema_node.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PATH_MAX_LEN 192
#define CHECK_DEPTH_MAX 64 // of definitions within each other: a schema that refers to itself ends

// A place in the value, from the root down; printed only when something is wrong.
struct place {
	const struct place *parent;
	const char *name; // NULL: element index of an array
	size_t index;
	unsigned depth;
};

struct checker {
	char *error; // NULL: nobody wants to read why
	size_t error_len;
};

// Names come from clients: only plain ones are repeated.
static bool name_is_plain(const char *name) {
	size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");

	return n > 0 && n <= 32 && name[n] == '\0';
}

static void place_print(const struct place *place, char *buf, size_t len) {
	size_t n;

	if (place->parent == NULL) {
		snprintf(buf, len, "%s", place->name);
		return;
	}
	place_print(place->parent, buf, len);
	n = strlen(buf);
	if (place->name == NULL)
		snprintf(buf + n, len - n, "[%zu]", place->index);
	else
		snprintf(buf + n, len - n, ".%s", name_is_plain(place->name) ? place->name : "?");
}

__attribute__((format(printf, 3, 4))) static int wrong(
	struct checker *c,
	const struct place *place,
	const char *format,
	...
) {
	char path[PATH_MAX_LEN];
	va_list ap;
	size_t n;

	if (c->error == NULL || c->error_len == 0)
		return -EINVAL;
	place_print(place, path, sizeof(path));
	snprintf(c->error, c->error_len, "%s: ", path);
	n = strlen(c->error);
	va_start(ap, format);
	vsnprintf(c->error + n, c->error_len - n, format, ap);
	va_end(ap);
	return -EINVAL;
}

static unsigned type_of(const json_t *value) {
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return TYPE_OBJECT;
	case JSON_ARRAY:
		return TYPE_ARRAY;
	case JSON_STRING:
		return TYPE_STRING;
	case JSON_INTEGER:
		return TYPE_INTEGER | TYPE_NUMBER;
	case JSON_REAL:
		return TYPE_NUMBER;
	case JSON_TRUE:
	case JSON_FALSE:
		return TYPE_BOOLEAN;
	case JSON_NULL:
		return TYPE_NULL;
	}
	return 0;
}

static int check(
	struct checker *c,
	const struct node *node,
	const json_t *value,
	const struct place *place
);

static int check_type(
	struct checker *c,
	const struct node *node,
	const json_t *value,
	const struct place *place
) {
	char names[64] = "";

	if (node->types == 0 || (node->types & type_of(value)) != 0)
		return 0;
	for (size_t i = 0; i < SCHEMA_N_TYPES; i++) {
		size_t n = strlen(names);

		if (node->types & schema_type_names[i].type)
			snprintf(
				names + n,
				sizeof(names) - n,
				"%s%s",
				n > 0 ? " or " : "",
				schema_type_names[i].name
			);
	}
	return wrong(c, place, "not of type %s", names);
}

static int check_values(
	struct checker *c,
	const struct node *node,
	const json_t *value,
	const struct place *place
) {
	char names[160] = "";

	if (node->one_value != NULL && !json_equal(node->one_value, value))
		return wrong(c, place, "not the one value allowed");
	if (node->values == NULL)
		return 0;
	for (size_t i = 0; i < json_array_size(node->values); i++) {
		const json_t *one = json_array_get(node->values, i);
		size_t n = strlen(names);

		if (json_equal(one, value))
			return 0;
		if (json_is_string(one))
			snprintf(
				names + n,
				sizeof(names) - n,
				"%s%s",
				i > 0 ? ", " : "",
				json_string_value(one)
			);
	}
	return wrong(c, place, "not one of %s", names);
}

// JSON Schema counts characters, not bytes. jansson strings are valid UTF-8.
static size_t string_chars(const json_t *value) {
	const char *text = json_string_value(value);
	size_t n = 0;

	for (size_t i = 0; i < json_string_length(value); i++)
		n += ((unsigned char)text[i] & 0xc0) != 0x80;
	return n;
}

static int check_string(
	struct checker *c,
	const struct node *node,
	const json_t *value,
	const struct place *place
) {
	size_t n = string_chars(value);

	if (n < node->min_len)
		return wrong(c, place, "shorter than %zu", node->min_len);
	if (n > node->max_len)
		return wrong(c, place, "longer than %zu", node->max_len);
	if (node->pattern != NULL
	    && regexec(&node->regex, json_string_value(value), 0, NULL, 0) != 0)
		return wrong(c, place, "does not match %s", node->pattern);
	return 0;
}

static int check_integer(
	struct checker *c,
	const struct node *node,
	const json_t *value,
	const struct place *place
) {
	if (json_integer_value(value) < node->min)
		return wrong(c, place, "less than %lld", (long long)node->min);
	if (json_integer_value(value) > node->max)
		return wrong(c, place, "more than %lld", (long long)node->max);
	return 0;
}

static int check_array(
	struct checker *c,
	const struct node *node,
	const json_t *value,
	const struct place *place
) {
	struct place at = {.parent = place, .depth = place->depth + 1};

	if (json_array_size(value) > node->max_items)
		return wrong(c, place, "more than %zu elements", node->max_items);
	if (node->items == NULL)
		return 0;
	for (at.index = 0; at.index < json_array_size(value); at.index++) {
		int ret = check(c, node->items, json_array_get(value, at.index), &at);

		if (ret < 0)
			return ret;
	}
	return 0;
}

static int check_object(
	struct checker *c,
	const struct node *node,
	const json_t *value,
	const struct place *place
) {
	struct place at = {.parent = place, .depth = place->depth + 1};
	const char *key;
	json_t *member;

	for (size_t i = 0; i < json_array_size(node->required); i++) {
		at.name = json_string_value(json_array_get(node->required, i));
		if (json_object_get(value, at.name) == NULL)
			return wrong(c, &at, "missing");
	}
	json_object_foreach((json_t *)value, key, member) {
		const struct node *property = node_find(node->properties, node->n_properties, key);
		int ret;

		at.name = key;
		if (property == NULL) {
			if (node->closed)
				return wrong(c, &at, "unknown");
			continue;
		}
		ret = check(c, property, member, &at);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int check_forms(
	struct checker *c,
	const struct node *node,
	const json_t *value,
	const struct place *place
) {
	struct checker quiet = {0};
	char names[160] = "";
	size_t n_fit = 0;

	if (node->n_forms == 0)
		return 0;
	for (size_t i = 0; i < node->n_forms; i++) {
		size_t n = strlen(names);

		n_fit += check(&quiet, &node->forms[i], value, place) == 0;
		if (node->forms[i].title != NULL)
			snprintf(
				names + n,
				sizeof(names) - n,
				"%s%s",
				n > 0 ? ", or " : "",
				node->forms[i].title
			);
	}
	if (n_fit == 1)
		return 0;
	if (names[0] != '\0')
		return wrong(c, place, "needs either %s", names);
	return wrong(c, place, "has none of the forms allowed");
}

static int check(
	struct checker *c,
	const struct node *node,
	const json_t *value,
	const struct place *place
) {
	struct place inner = *place;
	int ret = 0;

	// Each step down, into a member or through a reference, counts.
	if (++inner.depth > CHECK_DEPTH_MAX)
		return wrong(c, place, "nested too deep");
	if (node->ref != NULL)
		ret = check(c, node->ref, value, &inner);
	if (ret == 0)
		ret = check_type(c, node, value, &inner);
	if (ret == 0)
		ret = check_values(c, node, value, &inner);
	if (ret == 0 && json_is_string(value))
		ret = check_string(c, node, value, &inner);
	if (ret == 0 && json_is_integer(value))
		ret = check_integer(c, node, value, &inner);
	if (ret == 0 && json_is_array(value))
		ret = check_array(c, node, value, &inner);
	if (ret == 0 && json_is_object(value))
		ret = check_object(c, node, value, &inner);
	if (ret == 0)
		ret = check_forms(c, node, value, &inner);
	return ret;
}

int schema_check(
	const struct schema *schema,
	const char *definition,
	const json_t *value,
	const char *what,
	char *error,
	size_t error_len
) {
	const struct node *node = node_find(schema->definitions, schema->n_definitions, definition);
	struct checker c = {error, error_len};
	struct place place = {.name = what};

	if (node == NULL)
		return -ENOENT;
	if (value == NULL)
		return wrong(&c, &place, "missing");
	return check(&c, node, value, &place);
}
