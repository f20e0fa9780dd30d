// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// JSON-RPC 2.0 messages: parsing what a client sent, and building what the server says. Pure.

#include "errors.h"

#include <jansson.h>

#include <stddef.h>

#define JSONRPC_DEPTH_MAX 16 // of nested objects and arrays
#define JSONRPC_ID_MAX 64 // bytes of a string id
#define JSONRPC_METHOD_MAX 64 // bytes
#define JSONRPC_SENTENCE_MAX 256

// A parsed message. Owned by the caller; jsonrpc_message_free.
struct jsonrpc_message {
	json_t *id; // string or integer; NULL = a notification
	char method[JSONRPC_METHOD_MAX + 1];
	json_t *params; // an object, empty when there was none
};

// Why a message is refused, for jsonrpc_error. Owned by the caller; json_decref(id).
struct jsonrpc_failure {
	json_t *id; // NULL when the message was too broken to have one
	enum protocol_error code;
	char sentence[JSONRPC_SENTENCE_MAX];
};

// Parses one request or notification (JSON-RPC 2.0 section 4). Depth is checked before the JSON
// parser runs; duplicate keys, NUL, unknown members and batches are refused.
// Returns 0, or -EBADMSG with ret_failure filled in (and ret_message untouched), or -ENOMEM.
int jsonrpc_parse(
	const char *text,
	size_t len,
	struct jsonrpc_message *ret_message,
	struct jsonrpc_failure *ret_failure
);
void jsonrpc_message_free(struct jsonrpc_message *message); // takes NULL

// The builders return one message as a string from malloc, or NULL with errno ENOMEM. They take
// over the references of result and params (also on failure), but not that of id.

// result NULL: an empty object.
char *jsonrpc_result(const json_t *id, json_t *result);

// {"code": 4040, "message": sentence, "data": {"name": "unknown_room"}}. id NULL: null.
char *jsonrpc_error(const json_t *id, enum protocol_error code, const char *sentence);

// A notification to the client. params NULL: an empty object.
char *jsonrpc_event(const char *method, json_t *params);
