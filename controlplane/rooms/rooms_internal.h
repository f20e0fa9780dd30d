// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Between the files of the rooms thread. Everything here runs on that thread.

#include "errors.h"
#include "participant.h"
#include "relay.h"
#include "rooms.h"
#include "rtc.h"
#include "store.h"

#include <plm_loop.h>

#include <jansson.h>

#define ROOMS_VIEWERS_PAGE 200
#define ROOMS_SIGNAL_MAX 32768 // bytes of a call's signal, as JSON
#define ROOMS_BURY_MS 200 // from the end of a connection to TRANSPORT_DEL

TAILQ_HEAD(participant_list, participant);
TAILQ_HEAD(grave_list, grave);

struct rooms {
	struct rooms_config config;
	struct plm_loop *loop;
	struct relay *relay;
	struct store *store;
	struct table participants; // by id
	struct table connections; // participants by conn_id
	struct table tokens; // participants by resume token
	struct table media; // by transport id
	struct table producers; // media_track by producer id
	struct participant_list lost; // longest first
	struct grave_list graves; // transports to be deleted soon
	struct room *closed; // rooms whose members were told, for rooms_settle
	uint32_t id_high, id_count; // of dataplane objects
	uint64_t n_sessions;
	uint64_t started_ms;
};

// A request that is being answered.
struct call {
	struct rooms *rooms;
	struct participant *who;
	uint64_t conn_id;
	json_t *id; // borrowed
	json_t *params; // borrowed
	json_t *result; // what a method leaves here is sent; NULL = {}
	bool deferred; // the answer comes later, by a pending_reply
	char sentence[256];
};

// --- rooms.c

uint64_t rooms_now_ms(void);
uint64_t rooms_random(void);
void rooms_random_hex(char *ret_text, size_t len); // len characters and NUL, len even
uint64_t rooms_object_id(struct rooms *rooms); // of transports, producers, consumers; never 0

struct participant *rooms_participant(const struct rooms *rooms, uint64_t session);
// Leaves all rooms, ends all media, frees.
void rooms_participant_remove(
	struct rooms *rooms,
	struct participant *participant,
	const char *reason
);
// Takes a participant out of a room and ends his media there.
void rooms_leave(
	struct rooms *rooms,
	struct participant *participant,
	struct room *room,
	const char *reason
);
// What remains to be done for one who is not in the room's list any more (kicked, replaced).
void rooms_left(
	struct rooms *rooms,
	struct participant *participant,
	struct room *room,
	const char *reason
);
// Removes what ended while a message was handled: nobody holds on to it any more.
void rooms_settle(struct rooms *rooms);

// --- rooms_methods.c, rooms_members.c, rooms_streams.c

// Runs a method. Returns 0 or an enum protocol_error with call->sentence written.
int rooms_call(struct call *call, const char *method);
int call_fail(struct call *call, enum protocol_error code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
// The room and membership that a method needs, from roomId. 0 or an error.
int call_room(struct call *call, struct room **ret_room, struct room_member **ret_member);
// Checks that the token still holds and opens the room. 0 or an error.
int call_authorize(struct call *call, const char *room_id);
int call_room_full(struct call *call, const struct room *room);
const char *call_string(const struct call *call, const char *name); // NULL when absent

int method_room_kick(struct call *call);
int method_publish_request(struct call *call);
int method_publish_withdraw(struct call *call);
int method_publish_accept(struct call *call);
int method_publish_reject(struct call *call);
int method_signal(struct call *call);

int method_stream_publish(struct call *call);
int method_stream_unpublish(struct call *call);
int method_stream_subscribe(struct call *call);
int method_stream_unsubscribe(struct call *call);
int method_stream_update(struct call *call);
int method_ice_candidate(struct call *call);
int method_ice_restart(struct call *call);

// --- rooms_media.c

// Ends a WebRTC connection everywhere. rtc_gone: rtc has no transport any more. tell: the
// participant hears of it (he did not ask for it).
void rooms_media_end(
	struct rooms *rooms,
	struct media *media,
	const char *reason,
	bool rtc_gone,
	bool tell
);
void rooms_media_tick(struct rooms *rooms, uint64_t now_ms); // UINT64_MAX: all that waits is done
struct media *rooms_media(const struct rooms *rooms, uint64_t transport_id);
int rooms_media_register(struct rooms *rooms, struct media *media); // 0 or -ENOMEM
void rooms_update_stream(struct rooms *rooms, struct media *publication); // paused, interrupted

void rooms_rtc_answered(struct rooms *rooms, const struct rtc_answer *answer);
void rooms_rtc_restarted(struct rooms *rooms, const struct rtc_answer *answer);
void rooms_rtc_connected(struct rooms *rooms, uint64_t transport_id, uint16_t suite);
void rooms_rtc_failed(
	struct rooms *rooms,
	uint64_t transport_id,
	enum rtc_failure why,
	const char *text
);
void rooms_rtc_restart_refused(
	struct rooms *rooms,
	uint64_t transport_id,
	enum rtc_failure why,
	const char *text
);
void rooms_rtc_closed(struct rooms *rooms, uint64_t transport_id);
void rooms_relay_events(struct rooms *rooms, struct relay_events *ret_events);

// --- rooms_json.c

// Sends to a connection; 0 = none. Take the references of result and params.
void rooms_reply(uint64_t conn_id, const json_t *id, json_t *result);
void rooms_reply_error(
	uint64_t conn_id,
	const json_t *id,
	enum protocol_error code,
	const char *sentence
);
void rooms_notify(const struct participant *participant, const char *method, json_t *params);
// Answers and forgets a pending reply; nothing when there is none.
void rooms_pending_result(struct pending_reply *reply, json_t *result);
void rooms_pending_error(
	struct pending_reply *reply,
	enum protocol_error code,
	const char *sentence
);

json_t *rooms_snapshot(
	const struct rooms *rooms,
	const struct room *room,
	const struct room_member *self
);
// Sends the events to whom they concern and clears the list. A room that they closed is removed by
// rooms_settle.
void rooms_tell(struct rooms *rooms, struct room *room, struct room_events *events);
// {"playlist": URL} of a stream that is watched by HLS, else {}.
json_t *rooms_playlist_json(
	const struct rooms *rooms,
	const struct room *room,
	const char *publisher_id,
	const char *stream_id
);
json_t *rooms_tracks_json(const struct room_track *tracks, unsigned n);

// --- rooms_admin.c

json_t *rooms_admin_snapshot(const struct rooms *rooms, const char *what, const char *id);
