// SPDX-License-Identifier: BSD-3-Clause

// A message as the signaling thread takes it: parsed, and its parameters checked against the schema
// of its method; refused ones get an error that must be a message of the protocol itself.

#include "jsonrpc.h"
#include "schema.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void error_check(const json_t *id, enum protocol_error code, const char *sentence) {
	char *text = jsonrpc_error(id, code, sentence), why[256];
	json_t *value;

	if (text == NULL)
		abort();
	value = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	if (schema_check(schema_protocol(), "failure", value, "failure", why, sizeof(why)) < 0) {
		fprintf(stderr, "%s: %s\n", text, why);
		abort();
	}
	json_decref(value);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct jsonrpc_message message;
	struct jsonrpc_failure failure;
	char definition[JSONRPC_METHOD_MAX + 16], why[256];
	int ret;

	if (jsonrpc_parse((const char *)data, size, &message, &failure) < 0) {
		error_check(failure.id, failure.code, failure.sentence);
		json_decref(failure.id);
		return 0;
	}
	snprintf(definition, sizeof(definition), "%s.params", message.method);
	ret = schema_check(
		schema_protocol(), definition, message.params, "params", why, sizeof(why)
	);
	if (ret == -ENOENT)
		error_check(message.id, PROTOCOL_UNKNOWN_METHOD, "unknown");
	else if (ret < 0)
		error_check(message.id, PROTOCOL_INVALID_PARAMS, why);
	jsonrpc_message_free(&message);
	return 0;
}
