// SPDX-License-Identifier: BSD-3-Clause

#include "schema.h"

#include "schema_embedded.h"
#include "schema_node.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct schema_type_name schema_type_names[SCHEMA_N_TYPES] = {
	{"object", TYPE_OBJECT},
	{"array", TYPE_ARRAY},
	{"string", TYPE_STRING},
	{"integer", TYPE_INTEGER},
	{"number", TYPE_NUMBER},
	{"boolean", TYPE_BOOLEAN},
	{"null", TYPE_NULL},
};

struct compiler {
	char *error;
	size_t error_len;
};

__attribute__((format(printf, 2, 3))) static int compile_error(
	struct compiler *c,
	const char *format,
	...
) {
	va_list ap;

	va_start(ap, format);
	vsnprintf(c->error, c->error_len, format, ap);
	va_end(ap);
	return -EINVAL;
}

static int compile_node(struct compiler *c, const json_t *json, struct node *node);

static int compile_types(struct compiler *c, const json_t *json, struct node *node) {
	size_t n = json_is_array(json) ? json_array_size(json) : 1;

	for (size_t i = 0; i < n; i++) {
		const json_t *one = json_is_array(json) ? json_array_get(json, i) : json;
		unsigned found = 0;

		for (size_t k = 0; k < SCHEMA_N_TYPES; k++) {
			if (json_is_string(one)
			    && strcmp(json_string_value(one), schema_type_names[k].name) == 0)
				found = schema_type_names[k].type;
		}
		if (found == 0)
			return compile_error(c, "%s: bad type", node->name);
		node->types |= found;
	}
	return 0;
}

// {name: schema, ...}
static int compile_map(
	struct compiler *c,
	const json_t *json,
	struct node **ret_nodes,
	size_t *ret_n
) {
	struct node *nodes;
	const char *key;
	json_t *value;
	size_t n = 0;

	if (!json_is_object(json))
		return compile_error(c, "properties and $defs are objects");
	nodes = calloc(json_object_size(json) + 1, sizeof(*nodes));
	if (nodes == NULL)
		return -ENOMEM;
	// handed over first: what is compiled so far is freed with the whole
	*ret_nodes = nodes;
	*ret_n = json_object_size(json);
	json_object_foreach((json_t *)json, key, value) {
		int ret;

		nodes[n].name = key;
		ret = compile_node(c, value, &nodes[n++]);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int compile_forms(struct compiler *c, const json_t *json, struct node *node) {
	if (!json_is_array(json))
		return compile_error(c, "%s: oneOf is an array", node->name);
	node->forms = calloc(json_array_size(json) + 1, sizeof(*node->forms));
	if (node->forms == NULL)
		return -ENOMEM;
	node->n_forms = json_array_size(json);
	for (size_t i = 0; i < node->n_forms; i++) {
		int ret;

		node->forms[i].name = node->name;
		ret = compile_node(c, json_array_get(json, i), &node->forms[i]);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int compile_size(
	struct compiler *c,
	const json_t *json,
	const char *name,
	size_t *ret_size
) {
	if (!json_is_integer(json) || json_integer_value(json) < 0)
		return compile_error(c, "%s: a length is a whole number", name);
	*ret_size = (size_t)json_integer_value(json);
	return 0;
}

static int compile_pattern(struct compiler *c, const json_t *json, struct node *node) {
	if (!json_is_string(json))
		return compile_error(c, "%s: pattern is a string", node->name);
	if (regcomp(&node->regex, json_string_value(json), REG_EXTENDED | REG_NOSUB) != 0)
		return compile_error(c, "%s: bad pattern", node->name);
	node->pattern = json_string_value(json);
	return 0;
}

static int compile_ref(struct compiler *c, const json_t *json, struct node *node) {
	static const char prefix[] = "#/$defs/";

	if (!json_is_string(json)
	    || strncmp(json_string_value(json), prefix, sizeof(prefix) - 1) != 0)
		return compile_error(c, "%s: $ref is to $defs only", node->name);
	node->ref_name = json_string_value(json) + sizeof(prefix) - 1;
	return 0;
}

static int compile_keyword(
	struct compiler *c,
	const char *key,
	const json_t *value,
	struct node *node
) {
	if (strcmp(key, "description") == 0)
		return 0;
	if (strcmp(key, "title") == 0) {
		node->title = json_string_value(value);
		return 0;
	}
	if (strcmp(key, "type") == 0)
		return compile_types(c, value, node);
	if (strcmp(key, "properties") == 0)
		return compile_map(c, value, &node->properties, &node->n_properties);
	if (strcmp(key, "items") == 0) {
		node->items = calloc(1, sizeof(*node->items));
		if (node->items == NULL)
			return -ENOMEM;
		node->items->name = node->name;
		return compile_node(c, value, node->items);
	}
	if (strcmp(key, "oneOf") == 0)
		return compile_forms(c, value, node);
	if (strcmp(key, "pattern") == 0)
		return compile_pattern(c, value, node);
	if (strcmp(key, "$ref") == 0)
		return compile_ref(c, value, node);
	if (strcmp(key, "minLength") == 0)
		return compile_size(c, value, node->name, &node->min_len);
	if (strcmp(key, "maxLength") == 0)
		return compile_size(c, value, node->name, &node->max_len);
	if (strcmp(key, "maxItems") == 0)
		return compile_size(c, value, node->name, &node->max_items);
	if (strcmp(key, "required") == 0 && json_is_array(value))
		node->required = value;
	else if (strcmp(key, "enum") == 0 && json_is_array(value))
		node->values = value;
	else if (strcmp(key, "const") == 0)
		node->one_value = value;
	else if (strcmp(key, "minimum") == 0 && json_is_integer(value))
		node->min = json_integer_value(value);
	else if (strcmp(key, "maximum") == 0 && json_is_integer(value))
		node->max = json_integer_value(value);
	else if (strcmp(key, "additionalProperties") == 0 && json_is_false(value))
		node->closed = true;
	else
		return compile_error(c, "%s: %s is not supported", node->name, key);
	return 0;
}

static int compile_node(struct compiler *c, const json_t *json, struct node *node) {
	const char *key;
	json_t *value;

	node->max_len = SIZE_MAX;
	node->max_items = SIZE_MAX;
	node->min = INT64_MIN;
	node->max = INT64_MAX;
	if (!json_is_object(json))
		return compile_error(c, "%s: not an object", node->name);
	json_object_foreach((json_t *)json, key, value) {
		int ret = compile_keyword(c, key, value, node);

		if (ret < 0)
			return ret;
	}
	return 0;
}

const struct node *node_find(const struct node *nodes, size_t n, const char *name) {
	for (size_t i = 0; i < n; i++) {
		if (strcmp(nodes[i].name, name) == 0)
			return &nodes[i];
	}
	return NULL;
}

static int nodes_resolve(
	struct compiler *c,
	const struct schema *schema,
	struct node *nodes,
	size_t n
) {
	for (size_t i = 0; i < n; i++) {
		struct node *node = &nodes[i];
		int ret;

		if (node->ref_name != NULL) {
			node->ref = node_find(
				schema->definitions, schema->n_definitions, node->ref_name
			);
			if (node->ref == NULL)
				return compile_error(c, "no definition of %s", node->ref_name);
		}
		ret = nodes_resolve(c, schema, node->properties, node->n_properties);
		if (ret == 0)
			ret = nodes_resolve(c, schema, node->forms, node->n_forms);
		if (ret == 0 && node->items != NULL)
			ret = nodes_resolve(c, schema, node->items, 1);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static void nodes_free(struct node *nodes, size_t n) {
	for (size_t i = 0; i < n; i++) {
		nodes_free(nodes[i].properties, nodes[i].n_properties);
		nodes_free(nodes[i].forms, nodes[i].n_forms);
		nodes_free(nodes[i].items, nodes[i].items != NULL);
		if (nodes[i].pattern != NULL)
			regfree(&nodes[i].regex);
	}
	free(nodes);
}

struct schema *schema_new(const char *json, size_t len, char *error, size_t error_len) {
	struct compiler c = {error, error_len};
	struct schema *schema = calloc(1, sizeof(*schema));
	json_error_t json_error;
	int ret;

	if (schema == NULL)
		return NULL;
	schema->root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &json_error);
	if (schema->root == NULL)
		ret = compile_error(&c, "line %d: %s", json_error.line, json_error.text);
	else
		ret = compile_map(
			&c,
			json_object_get(schema->root, "$defs"),
			&schema->definitions,
			&schema->n_definitions
		);
	if (ret == 0)
		ret = nodes_resolve(&c, schema, schema->definitions, schema->n_definitions);
	if (ret < 0) {
		schema_free(schema);
		errno = -ret;
		return NULL;
	}
	return schema;
}

void schema_free(struct schema *schema) {
	if (schema == NULL)
		return;
	nodes_free(schema->definitions, schema->n_definitions);
	json_decref(schema->root);
	free(schema);
}

// ---------------------------------------------------------------------------- the protocol's own

static struct schema *protocol;
static pthread_once_t protocol_once = PTHREAD_ONCE_INIT;

static void protocol_compile(void) {
	char error[128];

	protocol = schema_new(
		(const char *)schema_embedded, schema_embedded_len, error, sizeof(error)
	);
	if (protocol == NULL) {
		fprintf(stderr, "plenum.v1.schema.json: %s\n", error);
		abort();
	}
}

const struct schema *schema_protocol(void) {
	pthread_once(&protocol_once, protocol_compile);
	return protocol;
}
