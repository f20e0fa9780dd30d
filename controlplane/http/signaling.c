// SPDX-License-Identifier: BSD-3-Clause

#include "signaling.h"

#include "jsonrpc.h"
#include "rooms.h"
#include "schema.h"
#include "server.h"
#include "signaling_dispatch.h"
#include "websocket.h"

#include <plm_log.h>

#include <openssl/rand.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

LOG_TYPE("signaling");

// After a restart all clients come back: spread over so much time that each second sees about this
// many, but never longer than the second number.
#define RECONNECTS_PER_SECOND 500
#define RECONNECT_MAX_MS 60000

static const struct auth *auth;

void signaling_start(const struct auth *its_auth) {
	auth = its_auth;
	schema_protocol(); // compiled before clients come
}

// text is taken over.
static void reply(uint64_t conn_id, char *text) {
	if (text == NULL) {
		// Nothing left to say it with: a client that never hears an answer is worse off.
		websocket_close(conn_id, SIGNALING_CLOSE_GOING_AWAY, "out of memory");
		return;
	}
	websocket_send(conn_id, text, strlen(text));
	free(text);
}

static void refuse(
	uint64_t conn_id,
	const json_t *id,
	enum protocol_error code,
	const char *sentence
) {
	reply(conn_id, jsonrpc_error(id, code, sentence));
}

// message is taken over as far as rooms gets it.
static void hello(uint64_t conn_id, struct jsonrpc_message *message) {
	const char *token = json_string_value(json_object_get(message->params, "token"));
	const char *resume = json_string_value(json_object_get(message->params, "resumeToken"));
	struct rooms_identity identity;
	char why[128];
	json_t *id;

	if (auth_verify(auth, token, time(NULL), &identity, why, sizeof(why)) < 0) {
		LOG(INFO, "connection %llx: token refused: %s", (unsigned long long)conn_id, why);
		refuse(conn_id, message->id, PROTOCOL_UNAUTHORIZED, why);
		websocket_close(conn_id, SIGNALING_CLOSE_UNAUTHORIZED, "unauthorized");
		return;
	}
	websocket_set_ready(conn_id);
	LOG(DEBUG, "connection %llx is %s", (unsigned long long)conn_id, identity.user_id);
	id = message->id;
	message->id = NULL;
	rooms_hello(conn_id, &identity, resume, id);
}

static void request(uint64_t conn_id, bool ready, struct jsonrpc_message *message) {
	bool is_hello = strcmp(message->method, "hello") == 0;
	char definition[JSONRPC_METHOD_MAX + 8], why[JSONRPC_SENTENCE_MAX];
	json_t *id, *params;
	int err;

	if (!ready && !is_hello) {
		refuse(conn_id, message->id, PROTOCOL_UNAUTHORIZED, "hello comes first");
		return;
	}
	snprintf(definition, sizeof(definition), "%s.params", message->method);
	err = schema_check(
		schema_protocol(), definition, message->params, "params", why, sizeof(why)
	);
	if (err == -ENOENT) {
		refuse(conn_id, message->id, PROTOCOL_UNKNOWN_METHOD, "there is no such method");
	} else if (err < 0) {
		refuse(conn_id, message->id, PROTOCOL_INVALID_PARAMS, why);
	} else if (is_hello && ready) {
		refuse(conn_id, message->id, PROTOCOL_INVALID_REQUEST, "hello was said already");
	} else if (is_hello) {
		hello(conn_id, message);
	} else {
		id = message->id;
		params = message->params;
		message->id = message->params = NULL;
		rooms_request(conn_id, id, message->method, params);
	}
}

void signaling_message(uint64_t conn_id, bool ready, bool over_rate, const char *text, size_t len) {
	struct jsonrpc_message message;
	struct jsonrpc_failure failure;
	int err;

	err = jsonrpc_parse(text, len, &message, &failure);
	if (err == -EBADMSG) {
		if (over_rate) {
			failure.code = PROTOCOL_RATE_LIMITED;
			snprintf(failure.sentence, sizeof(failure.sentence), "too many messages");
		}
		refuse(conn_id, failure.id, failure.code, failure.sentence);
		json_decref(failure.id);
		return;
	}
	if (err < 0) {
		reply(conn_id, NULL);
		return;
	}
	if (over_rate)
		refuse(conn_id, message.id, PROTOCOL_RATE_LIMITED, "too many messages");
	else if (message.id == NULL)
		refuse(conn_id, NULL, PROTOCOL_INVALID_REQUEST, "id: missing");
	else
		request(conn_id, ready, &message);
	jsonrpc_message_free(&message);
}

void signaling_closed(uint64_t conn_id, bool ready) {
	if (ready)
		rooms_closed(conn_id);
}

// ---------------------------------------------------------------------------- going away

static void send_away(void *user, uint64_t conn_id, bool ready) {
	unsigned spread_ms = *(const unsigned *)user, random;
	char *text;

	if (ready) {
		if (RAND_bytes((unsigned char *)&random, sizeof(random)) != 1)
			random = (unsigned)conn_id * 2654435761u;
		text = jsonrpc_event(
			"server.reconnect",
			json_pack(
				"{s:I, s:s}",
				"delayMs",
				(json_int_t)(random % spread_ms),
				"reason",
				"restart"
			)
		);
		if (text != NULL)
			websocket_send(conn_id, text, strlen(text));
		free(text);
	}
	websocket_close(conn_id, SIGNALING_CLOSE_GOING_AWAY, "server is going away");
}

void signaling_end(void) {
	unsigned spread_ms = 1000 + websocket_count() * (1000 / RECONNECTS_PER_SECOND);

	if (spread_ms > RECONNECT_MAX_MS)
		spread_ms = RECONNECT_MAX_MS;
	websocket_each(send_away, &spread_ms);
}

// ---------------------------------------------------------------------------- other threads

struct outgoing {
	uint64_t conn_id;
	char *json; // NULL: close
	uint16_t code;
	char reason[124];
};

static void outgoing_free(struct outgoing *outgoing) {
	free(outgoing->json);
	free(outgoing);
}

static void outgoing_do(void *user) {
	struct outgoing *outgoing = user;

	if (outgoing->json != NULL)
		websocket_send(outgoing->conn_id, outgoing->json, strlen(outgoing->json));
	else
		websocket_close(outgoing->conn_id, outgoing->code, outgoing->reason);
	outgoing_free(outgoing);
}

void signaling_send(uint64_t conn_id, char *json) {
	struct outgoing *outgoing = json != NULL ? calloc(1, sizeof(*outgoing)) : NULL;

	if (outgoing == NULL) {
		free(json);
		return;
	}
	outgoing->conn_id = conn_id;
	outgoing->json = json;
	if (!server_post(outgoing_do, outgoing))
		outgoing_free(outgoing);
}

void signaling_close(uint64_t conn_id, uint16_t code, const char *reason) {
	struct outgoing *outgoing = calloc(1, sizeof(*outgoing));

	if (outgoing == NULL)
		return;
	outgoing->conn_id = conn_id;
	outgoing->code = code;
	snprintf(outgoing->reason, sizeof(outgoing->reason), "%s", reason != NULL ? reason : "");
	if (!server_post(outgoing_do, outgoing))
		outgoing_free(outgoing);
}
