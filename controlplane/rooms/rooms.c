// SPDX-License-Identifier: BSD-3-Clause

// The rooms thread: its sessions, its time, and who leaves what. Messages reach it by
// rooms_queue.c.

#include "rooms_internal.h"
#include "rooms_queue.h"
#include "signaling.h"

#include <plm_log.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

LOG_TYPE("rooms");

#define TICK_MS 100

#ifndef PLENUM_VERSION
#define PLENUM_VERSION "0.1.0"
#endif

static struct rooms rooms_state; // the thread's alone while it runs
static struct rooms_queue *queue;
static pthread_t thread;
static atomic_bool stopping;

uint64_t rooms_now_ms(void) {
	return plm_now_us() / 1000;
}

uint64_t rooms_random(void) {
	uint64_t value;

	if (getrandom(&value, sizeof(value), 0) != sizeof(value))
		abort(); // resume tokens must not be guessed
	return value;
}

void rooms_random_hex(char *ret_text, size_t len) {
	for (size_t i = 0; i < len; i += 2)
		snprintf(&ret_text[i], 3, "%02x", (unsigned)(rooms_random() & 0xff));
}

uint64_t rooms_object_id(struct rooms *rooms) {
	// The random half keeps ids of a restarted control apart from those of the one before.
	if (++rooms->id_count == 0) {
		rooms->id_high++;
		rooms->id_count = 1;
	}
	return (uint64_t)rooms->id_high << 32 | rooms->id_count;
}

struct participant *rooms_participant(const struct rooms *rooms, uint64_t session) {
	return table_object(
		table_find_number(&rooms->participants, session), struct participant, by_id
	);
}

static struct participant *participant_of(const struct rooms *rooms, uint64_t conn_id) {
	return table_object(
		table_find_number(&rooms->connections, conn_id), struct participant, by_conn
	);
}

// ---------------------------------------------------------------------------- leaving

void rooms_left(
	struct rooms *rooms,
	struct participant *participant,
	struct room *room,
	const char *reason
) {
	struct media *media, *next;

	participant_exit(participant, room);
	for (media = LIST_FIRST(&participant->media); media != NULL; media = next) {
		next = LIST_NEXT(media, of_participant);
		if (media->room != room)
			continue;
		rooms_media_end(rooms, media, reason, false, false);
		// Its watchers went with it, and may have been of this participant.
		next = LIST_FIRST(&participant->media);
	}
}

void rooms_leave(
	struct rooms *rooms,
	struct participant *participant,
	struct room *room,
	const char *reason
) {
	struct room_events events = {0};

	room_leave(room, participant->identity.user_id, reason, rooms_now_ms(), &events);
	rooms_tell(rooms, room, &events);
	rooms_left(rooms, participant, room, reason);
}

void rooms_participant_remove(
	struct rooms *rooms,
	struct participant *participant,
	const char *reason
) {
	LOG(DEBUG, "session of %s ends: %s", participant->identity.user_id, reason);
	while (participant->n_rooms > 0)
		rooms_leave(rooms, participant, participant->rooms[0], reason);
	if (participant->conn_id != 0)
		table_remove(&rooms->connections, &participant->by_conn);
	else
		TAILQ_REMOVE(&rooms->lost, participant, lost);
	table_remove(&rooms->tokens, &participant->by_token);
	table_remove(&rooms->participants, &participant->by_id);
	participant_free(participant);
}

// Everyone is out, the room is freed.
static void room_remove(struct rooms *rooms, struct room *room) {
	struct table_link *link = NULL;

	while ((link = table_next(&room->members, link)) != NULL) {
		const struct room_member *member = table_object(link, struct room_member, link);
		struct participant *participant = rooms_participant(rooms, member->session);

		if (participant != NULL)
			rooms_left(rooms, participant, room, "room_closed");
	}
	LOG(INFO, "room %s ended", room->id);
	store_remove(rooms->store, room);
}

void rooms_settle(struct rooms *rooms) {
	struct room *room;

	while ((room = rooms->closed) != NULL) {
		rooms->closed = room->next_closed;
		room_remove(rooms, room);
	}
}

// ---------------------------------------------------------------------------- hello

static json_t *hello_result(
	const struct rooms *rooms,
	const struct participant *participant,
	bool resumed
) {
	json_t *list = json_array();
	char id[24];

	for (unsigned i = 0; i < participant->n_rooms; i++) {
		const struct room *room = participant->rooms[i];
		const struct room_member *member;

		member = room_member_find(room, participant->identity.user_id);
		if (member != NULL)
			json_array_append_new(list, rooms_snapshot(rooms, room, member));
	}
	snprintf(id, sizeof(id), "%llx", (unsigned long long)participant->id);
	return json_pack(
		"{s:s, s:s, s:s, s:b, s:o, s:[], s:{s:i, s:i, s:i, s:i}, s:{s:s, s:s, s:b}}",
		"userId",
		participant->identity.user_id,
		"connectionId",
		id,
		"resumeToken",
		participant->resume_token,
		"resumed",
		resumed,
		"rooms",
		list,
		"iceServers",
		"limits",
		"maxPublishers",
		(int)rooms->config.max_publishers,
		"maxStreamsPerPublisher",
		ROOM_STREAMS_MAX,
		"maxSubscriptions",
		PARTICIPANT_MEDIA_MAX,
		"resumeMs",
		(int)rooms->config.resume_ms,
		"server",
		"name",
		"plenum",
		"version",
		PLENUM_VERSION,
		"dataplane",
		relay_is_up(rooms->relay)
	);
}

// Connects a session that was lost, or that its client left behind in a connection that still looks
// alive. 0 or -ENOMEM.
static int resume(
	struct rooms *rooms,
	struct participant *participant,
	uint64_t conn_id,
	const struct rooms_identity *identity
) {
	if (participant->conn_id != 0) {
		table_remove(&rooms->connections, &participant->by_conn);
		signaling_close(
			participant->conn_id,
			SIGNALING_CLOSE_REPLACED,
			"resumed by a newer connection"
		);
	} else {
		TAILQ_REMOVE(&rooms->lost, participant, lost);
	}
	participant->conn_id = conn_id;
	participant->identity = *identity;
	if (table_add_number(&rooms->connections, &participant->by_conn, conn_id) == 0)
		return 0;
	participant->conn_id = 0;
	participant->lost_ms = rooms_now_ms();
	TAILQ_INSERT_TAIL(&rooms->lost, participant, lost);
	return -ENOMEM;
}

// A resumed session keeps no room that its new token does not open, and no place of a publisher
// that it does not allow.
static void rooms_keep_opened(struct rooms *rooms, struct participant *participant) {
	const struct rooms_identity *identity = &participant->identity;

	for (unsigned i = participant->n_rooms; i-- > 0;) {
		struct room *room = participant->rooms[i];
		const struct room_member *member = room_member_find(room, identity->user_id);

		if (member == NULL || !identity_opens_room(identity, room->id)
		    || (member->role == ROOM_PUBLISHER ? !identity->may_publish
						       : !identity->may_view))
			rooms_leave(rooms, participant, room, "forbidden");
	}
}

static struct participant *session_new(
	struct rooms *rooms,
	uint64_t conn_id,
	const struct rooms_identity *identity
) {
	struct participant *participant;
	char token[RESUME_TOKEN_LEN + 1];

	rooms_random_hex(token, RESUME_TOKEN_LEN);
	participant = participant_new(++rooms->n_sessions, conn_id, identity, token);
	if (participant == NULL)
		return NULL;
	if (table_add_number(&rooms->participants, &participant->by_id, participant->id) < 0)
		goto no_id;
	if (table_add_number(&rooms->connections, &participant->by_conn, conn_id) < 0)
		goto no_conn;
	if (table_add_name(&rooms->tokens, &participant->by_token, participant->resume_token) < 0)
		goto no_token;
	return participant;

no_token:
	table_remove(&rooms->connections, &participant->by_conn);
no_conn:
	table_remove(&rooms->participants, &participant->by_id);
no_id:
	participant_free(participant);
	return NULL;
}

// Without a session the connection is of no use: hello is said once, and nothing else is heard.
static void hello_refuse(
	const struct rooms_message *message,
	enum protocol_error code,
	const char *sentence
) {
	rooms_reply_error(message->conn_id, message->id, code, sentence);
	signaling_close(message->conn_id, SIGNALING_CLOSE_TRY_AGAIN, sentence);
}

static void handle_hello(struct rooms *rooms, const struct rooms_message *message) {
	const struct rooms_identity *identity = &message->identity;
	const uint64_t conn_id = message->conn_id;
	struct participant *participant = NULL;
	bool resumed = false;

	if (participant_of(rooms, conn_id) != NULL) {
		rooms_reply_error(
			conn_id, message->id, PROTOCOL_INVALID_REQUEST, "You said hello already."
		);
		return;
	}
	if (message->text != NULL)
		participant = table_object(
			table_find_name(&rooms->tokens, message->text), struct participant, by_token
		);
	if (participant != NULL && participant_may_resume(participant, identity, message->text)) {
		resumed = resume(rooms, participant, conn_id, identity) == 0;
		if (resumed)
			rooms_keep_opened(rooms, participant);
		else
			participant = NULL;
	} else if (rooms->participants.n >= rooms->config.max_participants) {
		hello_refuse(message, PROTOCOL_BUSY, "The server has no more places.");
		return;
	} else {
		participant = session_new(rooms, conn_id, identity);
	}
	if (participant == NULL) {
		hello_refuse(message, PROTOCOL_INTERNAL, "Out of memory.");
		return;
	}
	rooms_reply(conn_id, message->id, hello_result(rooms, participant, resumed));
}

// ---------------------------------------------------------------------------- messages

static void handle_request(struct rooms *rooms, const struct rooms_message *message) {
	struct call call = {
		.rooms = rooms,
		.who = participant_of(rooms, message->conn_id),
		.conn_id = message->conn_id,
		.id = message->id,
		.params = message->params,
	};
	int r;

	if (call.who == NULL) {
		rooms_reply_error(
			message->conn_id, message->id, PROTOCOL_UNAUTHORIZED, "Say hello first."
		);
		return;
	}
	r = rooms_call(&call, message->text);
	if (r != 0) {
		json_decref(call.result);
		rooms_reply_error(
			message->conn_id, message->id, (enum protocol_error)r, call.sentence
		);
	} else if (!call.deferred) {
		rooms_reply(message->conn_id, message->id, call.result);
	}
}

static void handle_closed(struct rooms *rooms, uint64_t conn_id) {
	struct participant *participant = participant_of(rooms, conn_id);

	if (participant == NULL)
		return;
	if (participant->n_rooms == 0) {
		rooms_participant_remove(rooms, participant, "left"); // no place to keep
		return;
	}
	table_remove(&rooms->connections, &participant->by_conn);
	participant->conn_id = 0;
	participant->lost_ms = rooms_now_ms();
	TAILQ_INSERT_TAIL(&rooms->lost, participant, lost);
}

static void handle(void *user, struct rooms_message *message) {
	struct rooms *rooms = user;

	switch (message->type) {
	case ROOMS_HELLO:
		handle_hello(rooms, message);
		break;
	case ROOMS_REQUEST:
		handle_request(rooms, message);
		break;
	case ROOMS_CLOSED:
		handle_closed(rooms, message->conn_id);
		break;
	case ROOMS_ADMIN:
		message->done(
			message->user, rooms_admin_snapshot(rooms, message->text, message->admin_id)
		);
		break;
	case ROOMS_RTC_ANSWERED:
		rooms_rtc_answered(rooms, &message->answer);
		break;
	case ROOMS_RTC_RESTARTED:
		rooms_rtc_restarted(rooms, &message->answer);
		break;
	case ROOMS_RTC_RESTART_REFUSED:
		rooms_rtc_restart_refused(
			rooms, message->transport_id, message->why, message->text
		);
		break;
	case ROOMS_RTC_CONNECTED:
		rooms_rtc_connected(rooms, message->transport_id, message->suite);
		break;
	case ROOMS_RTC_FAILED:
		rooms_rtc_failed(rooms, message->transport_id, message->why, message->text);
		break;
	case ROOMS_RTC_CLOSED:
		rooms_rtc_closed(rooms, message->transport_id);
		break;
	}
	rooms_settle(rooms);
}

// ---------------------------------------------------------------------------- time

static void tick(struct rooms *rooms) {
	const uint64_t now_ms = rooms_now_ms();
	struct participant *participant;
	struct room *room = NULL;

	relay_tick(rooms->relay, plm_now_us());
	rooms_media_tick(rooms, now_ms);
	while ((participant = TAILQ_FIRST(&rooms->lost)) != NULL
	       && now_ms - participant->lost_ms >= rooms->config.resume_ms)
		rooms_participant_remove(rooms, participant, "lost");
	while ((room = store_next(rooms->store, room)) != NULL) {
		struct room_events events = {0};

		room_tick(room, now_ms, &events);
		rooms_tell(rooms, room, &events);
	}
}

static void *run(void *user) {
	struct rooms *rooms = user;
	uint64_t tick_ms = 0;

	while (!atomic_load(&stopping)) {
		const uint64_t now_ms = rooms_now_ms();

		if (now_ms - tick_ms >= TICK_MS) {
			tick_ms = now_ms;
			tick(rooms);
			rooms_settle(rooms);
		}
		plm_loop_run_once(rooms->loop, TICK_MS);
		rooms_settle(rooms);
		rooms_queue_drain(queue, handle, rooms);
	}
	return NULL;
}

// ---------------------------------------------------------------------------- start and stop

// Frees all in silence. The media of connected clients goes on: nothing is deleted in the
// dataplane.
static void clear(struct rooms *rooms) {
	struct table_link *link, *next;

	if (rooms->relay != NULL)
		rooms_media_tick(rooms, UINT64_MAX);
	for (link = table_next(&rooms->participants, NULL); link != NULL; link = next) {
		struct participant *participant = table_object(link, struct participant, by_id);
		struct media *media;

		next = table_next(&rooms->participants, link);
		while ((media = LIST_FIRST(&participant->media)) != NULL)
			media_free(media);
		participant_free(participant);
	}
	relay_free(rooms->relay);
	store_free(rooms->store);
	plm_loop_free(rooms->loop);
	table_clear(&rooms->participants);
	table_clear(&rooms->connections);
	table_clear(&rooms->tokens);
	table_clear(&rooms->media);
	table_clear(&rooms->producers);
	*rooms = (struct rooms){0};
}

static int setup(struct rooms *rooms, const struct rooms_config *config) {
	struct relay_events events;

	*rooms = (struct rooms){.config = *config, .started_ms = rooms_now_ms()};
	TAILQ_INIT(&rooms->lost);
	TAILQ_INIT(&rooms->graves);
	table_init(&rooms->participants, rooms_random());
	table_init(&rooms->connections, rooms_random());
	table_init(&rooms->tokens, rooms_random());
	table_init(&rooms->media, rooms_random());
	table_init(&rooms->producers, rooms_random());
	do
		rooms->id_high = (uint32_t)rooms_random();
	while (rooms->id_high == 0);
	rooms->n_sessions = rooms_random() >> 1; // connectionId tells nothing about how many
	rooms->loop = plm_loop_new();
	if (rooms->loop == NULL)
		return -errno;
	rooms->store = store_memory_new(config->max_rooms, rooms_random());
	if (rooms->store == NULL)
		return -ENOMEM;
	rooms_relay_events(rooms, &events);
	rooms->relay = relay_new(rooms->loop, config->dataplane_socket, &events);
	return rooms->relay != NULL ? 0 : -ENOMEM;
}

int rooms_start(const struct rooms_config *config) {
	int r;

	if (config->max_publishers == 0 || config->max_publishers > ROOM_PUBLISHERS_MAX)
		return -EINVAL;
	r = setup(&rooms_state, config);
	if (r < 0)
		goto fail;
	queue = rooms_queue_new(rooms_state.loop);
	if (queue == NULL) {
		r = -ENOMEM;
		goto fail;
	}
	atomic_store(&stopping, false);
	r = -pthread_create(&thread, NULL, run, &rooms_state);
	if (r < 0)
		goto fail;
	pthread_setname_np(thread, "rooms");
	return 0;

fail:
	rooms_queue_free(queue);
	queue = NULL;
	clear(&rooms_state);
	return r;
}

void rooms_stop(void) {
	struct rooms_queue *old = queue;

	if (old == NULL)
		return;
	atomic_store(&stopping, true);
	plm_loop_wake(rooms_state.loop);
	pthread_join(thread, NULL);
	queue = NULL;
	rooms_queue_free(old);
	clear(&rooms_state);
}

struct rooms_queue *rooms_queue(void) {
	return queue;
}
