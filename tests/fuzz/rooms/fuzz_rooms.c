// SPDX-License-Identifier: BSD-3-Clause

// Requests of three users, one a line, straight into the methods: nothing there may rely on the
// schema. The first character of a line says whose it is. There is no dataplane and no rtc.

#include "jsonrpc.h"
#include "rooms_internal.h"
#include "signaling.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define USERS 3

void signaling_send(uint64_t, char *json) {
	free(json);
}

void signaling_close(uint64_t, uint16_t, const char *) {}

int rtc_create(const struct rtc_request *) {
	abort(); // without a dataplane nothing is negotiated
}

int rtc_restart(uint64_t, const char *, size_t) {
	abort();
}

int rtc_candidate(uint64_t, const char *) {
	return 0;
}

int rtc_close(uint64_t) {
	return 0;
}

static struct participant *join(struct rooms *rooms, unsigned i) {
	struct rooms_identity identity = {
		.room = "*",
		.may_create = true,
		.may_publish = true,
		.may_view = true,
		.expires_at = INT64_MAX,
	};
	struct participant *participant;
	char token[RESUME_TOKEN_LEN + 1];

	snprintf(identity.user_id, sizeof(identity.user_id), "u%u", i);
	snprintf(token, sizeof(token), "%032u", i);
	participant = participant_new(i + 1, i + 1, &identity, token);
	if (participant == NULL
	    || table_add_number(&rooms->participants, &participant->by_id, i + 1) < 0
	    || table_add_number(&rooms->connections, &participant->by_conn, i + 1) < 0
	    || table_add_name(&rooms->tokens, &participant->by_token, participant->resume_token)
		    < 0)
		abort();
	return participant;
}

static void setup(struct rooms *rooms) {
	const struct relay_events events = {0};

	*rooms = (struct rooms){
		.config
		= {.max_publishers = 2,
		   .max_rooms = 3,
		   .max_participants = 10,
		   .hls_endpoint = "https://h",
		   .hls_stage = "s"},
		.id_high = 1,
	};
	TAILQ_INIT(&rooms->lost);
	TAILQ_INIT(&rooms->graves);
	rooms->loop = plm_loop_new();
	rooms->store = store_memory_new(rooms->config.max_rooms, 1);
	rooms->relay = relay_new(rooms->loop, "/nonexistent", &events);
	if (rooms->loop == NULL || rooms->store == NULL || rooms->relay == NULL)
		abort();
}

static void clear(struct rooms *rooms, struct participant **users) {
	for (unsigned i = 0; i < USERS; i++)
		rooms_participant_remove(rooms, users[i], "left");
	rooms_settle(rooms);
	relay_free(rooms->relay);
	store_free(rooms->store);
	plm_loop_free(rooms->loop);
	table_clear(&rooms->participants);
	table_clear(&rooms->connections);
	table_clear(&rooms->tokens);
	table_clear(&rooms->media);
}

static void line(struct rooms *rooms, struct participant **users, const char *text, size_t len) {
	struct jsonrpc_message message;
	struct jsonrpc_failure failure;
	struct call call = {.rooms = rooms};

	if (len == 0)
		return;
	call.who = users[(unsigned char)text[0] % USERS];
	call.conn_id = call.who->conn_id;
	failure.id = NULL;
	if (jsonrpc_parse(text + 1, len - 1, &message, &failure) < 0) {
		json_decref(failure.id);
		return;
	}
	call.id = message.id;
	call.params = message.params;
	if (rooms_call(&call, message.method) == 0)
		rooms_reply(call.conn_id, message.id, call.result);
	else
		json_decref(call.result);
	jsonrpc_message_free(&message);
	rooms_settle(rooms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct participant *users[USERS];
	struct rooms rooms;
	const char *at = (const char *)data, *end = at + size;

	setup(&rooms);
	for (unsigned i = 0; i < USERS; i++)
		users[i] = join(&rooms, i);
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const size_t len = (size_t)((newline != NULL ? newline : end) - at);

		line(&rooms, users, at, len);
		at += len + 1;
	}
	clear(&rooms, users);
	return 0;
}
