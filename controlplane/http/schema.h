// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The part of JSON Schema (2020-12) that our protocol uses, over jansson: type, properties,
// required, additionalProperties false, enum, const, pattern (POSIX extended), minLength,
// maxLength, minimum, maximum, items, maxItems, oneOf, $ref to $defs. A schema with any other
// keyword is refused, so that nothing is silently not checked. Pure.

#include <jansson.h>

#include <stddef.h>

struct schema;

// Compiles the definitions ($defs) of a schema. NULL with errno EINVAL and one line in error, or
// ENOMEM.
struct schema *schema_new(const char *json, size_t len, char *error, size_t error_len);
void schema_free(struct schema *schema); // takes NULL

// Checks value against one definition. what names the value in errors: "params" gives
// "params.sdp: longer than 262144". Returns 0, -ENOENT (no such definition), or -EINVAL with one
// line of plain ASCII in error. Any thread: neither schema nor value is changed, nor their counts.
int schema_check(
	const struct schema *schema,
	const char *definition,
	const json_t *value,
	const char *what,
	char *error,
	size_t error_len
);

// The protocol's own schema (web/protocol/plenum.v1.schema.json), built in. Compiled at the first
// call; any thread. Aborts if it does not compile: the build is broken.
const struct schema *schema_protocol(void);
