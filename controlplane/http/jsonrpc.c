// SPDX-License-Identifier: BSD-3-Clause

#include "jsonrpc.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

// Nesting by a plain scan, so that a bomb never gets into the recursive parser. Exact for valid
// JSON; what is not valid is refused by the parser afterwards.
static bool depth_is_fine(const char *text, size_t len) {
	bool in_string = false;
	int depth = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > JSONRPC_DEPTH_MAX)
				return false;
		} else if (c == '}' || c == ']') {
			depth--;
		}
	}
	return true;
}

static int refuse(struct jsonrpc_failure *failure, enum protocol_error code, const char *sentence) {
	failure->code = code;
	snprintf(failure->sentence, sizeof(failure->sentence), "%s", sentence);
	return -EBADMSG;
}

static bool id_is_fine(const json_t *id) {
	if (json_is_integer(id)) {
		// What a JavaScript number holds exactly: an id must come back as it went.
		json_int_t value = json_integer_value(id);

		return value >= -9007199254740991 && value <= 9007199254740991;
	}
	return json_is_string(id) && json_string_length(id) >= 1
		&& json_string_length(id) <= JSONRPC_ID_MAX;
}

static bool members_are_known(json_t *root) {
	const char *key;
	json_t *value;

	json_object_foreach(root, key, value) {
		if (strcmp(key, "jsonrpc") != 0 && strcmp(key, "id") != 0
		    && strcmp(key, "method") != 0 && strcmp(key, "params") != 0)
			return false;
	}
	return true;
}

// The shape of the message; on success the references are new.
static int shape_check(
	json_t *root,
	struct jsonrpc_message *ret_message,
	struct jsonrpc_failure *failure
) {
	const json_t *version, *method;
	json_t *id, *params;

	if (json_is_array(root))
		return refuse(failure, PROTOCOL_INVALID_REQUEST, "batches are not supported");
	if (!json_is_object(root))
		return refuse(failure, PROTOCOL_INVALID_REQUEST, "a message is an object");
	id = json_object_get(root, "id");
	if (id != NULL && !id_is_fine(id))
		return refuse(
			failure,
			PROTOCOL_INVALID_REQUEST,
			"id: must be an integer or a string of 1 to 64 bytes"
		);
	failure->id = json_incref(id);
	version = json_object_get(root, "jsonrpc");
	if (!json_is_string(version) || strcmp(json_string_value(version), "2.0") != 0)
		return refuse(failure, PROTOCOL_INVALID_REQUEST, "jsonrpc: must be \"2.0\"");
	if (!members_are_known(root))
		return refuse(failure, PROTOCOL_INVALID_REQUEST, "an unknown member");
	method = json_object_get(root, "method");
	if (!json_is_string(method) || json_string_length(method) == 0
	    || json_string_length(method) > JSONRPC_METHOD_MAX)
		return refuse(
			failure,
			PROTOCOL_INVALID_REQUEST,
			"method: must be a string of 1 to 64 bytes"
		);
	params = json_object_get(root, "params");
	if (params != NULL && !json_is_object(params))
		return refuse(failure, PROTOCOL_INVALID_PARAMS, "params: must be an object");
	params = params != NULL ? json_incref(params) : json_object();
	if (params == NULL)
		return -ENOMEM;
	ret_message->id = json_incref(id);
	snprintf(ret_message->method, sizeof(ret_message->method), "%s", json_string_value(method));
	ret_message->params = params;
	return 0;
}

int jsonrpc_parse(
	const char *text,
	size_t len,
	struct jsonrpc_message *ret_message,
	struct jsonrpc_failure *ret_failure
) {
	struct jsonrpc_failure failure = {0};
	json_error_t error;
	json_t *root;
	int ret;

	if (!depth_is_fine(text, len)) {
		refuse(&failure, PROTOCOL_PARSE, "nested deeper than 16");
		*ret_failure = failure;
		return -EBADMSG;
	}
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (root == NULL) {
		if (json_error_code(&error) == json_error_out_of_memory)
			return -ENOMEM;
		// error.text quotes the input: not repeated
		snprintf(
			failure.sentence,
			sizeof(failure.sentence),
			json_error_code(&error) == json_error_duplicate_key
				? "not JSON: a member twice, at byte %d"
				: "not JSON, at byte %d",
			error.position
		);
		failure.code = PROTOCOL_PARSE;
		*ret_failure = failure;
		return -EBADMSG;
	}
	ret = shape_check(root, ret_message, &failure);
	json_decref(root);
	if (ret == -EBADMSG)
		*ret_failure = failure;
	else
		json_decref(failure.id);
	return ret;
}

void jsonrpc_message_free(struct jsonrpc_message *message) {
	if (message == NULL)
		return;
	json_decref(message->id);
	json_decref(message->params);
	*message = (struct jsonrpc_message){0};
}

// Takes message over.
static char *print(json_t *message) {
	char *text = message != NULL ? json_dumps(message, JSON_COMPACT) : NULL;

	json_decref(message);
	if (text == NULL)
		errno = ENOMEM;
	return text;
}

char *jsonrpc_result(const json_t *id, json_t *result) {
	if (result == NULL)
		result = json_object();
	// The copy of id keeps its count alone: other threads may hold it.
	return print(json_pack(
		"{s:s, s:o, s:o}", "jsonrpc", "2.0", "id", json_deep_copy(id), "result", result
	));
}

char *jsonrpc_error(const json_t *id, enum protocol_error code, const char *sentence) {
	json_t *text = json_string(sentence);

	if (text == NULL) // not UTF-8: the sentence quoted something it should not have
		text = json_string(protocol_error_text(code));
	return print(json_pack(
		"{s:s, s:o, s:{s:i, s:o, s:{s:s}}}",
		"jsonrpc",
		"2.0",
		"id",
		id != NULL ? json_deep_copy(id) : json_null(),
		"error",
		"code",
		(int)code,
		"message",
		text,
		"data",
		"name",
		protocol_error_text(code)
	));
}

char *jsonrpc_event(const char *method, json_t *params) {
	if (params == NULL)
		params = json_object();
	return print(
		json_pack("{s:s, s:s, s:o}", "jsonrpc", "2.0", "method", method, "params", params)
	);
}
