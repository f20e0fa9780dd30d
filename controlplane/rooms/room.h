// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The rules of one room: who is in it, in which role, who owns it, which streams there are, who
// raised a hand, who was kicked. Pure: time is an argument, what must be told is appended to a list
// of events. It knows users by their id; sessions and transports are numbers to it.

#include "rooms.h"
#include "table.h"

#include <plm_api.h>

#include <stdbool.h>
#include <stdint.h>

#define ROOM_PUBLISHERS_MAX 16 // upper limit of max_publishers
#define ROOM_STREAMS_MAX 4 // of one publisher
#define ROOM_TRACKS_MAX 4 // of one stream
#define ROOM_REQUESTS_MAX 64 // raised hands that are open
#define ROOM_KICKED_MAX 10000 // users; more are not kicked, for no kick is forgotten
#define ROOM_COUNT_EVERY_MS 1000 // room.viewer_count at most this often

enum room_type {
	ROOM_M2M,
	ROOM_A2M,
	ROOM_P2M,
	ROOM_P2P,
	ROOM_TYPE_COUNT
};
enum room_role {
	ROOM_VIEWER,
	ROOM_PUBLISHER
};

// What the types differ in.
struct room_rules {
	unsigned max_publishers; // 0 = as configured
	bool viewers; // false: all who join are publishers
	bool hands; // viewers may ask to become publishers
	bool kicks; // publishers may throw others out
	bool creator_only; // nobody but its creator publishes, also after he left
	bool ends_with_one; // the first who leaves ends it
	bool publishes; // media goes to the relay; false: members signal to each other instead
	bool watched; // and from it to the members; false: by HLS
	bool audio_only;
};

// X(NAME, "method"): what the room tells, by the method of its notification.
#define ROOM_EVENTS(X)                                                                             \
	X(PUBLISHER_JOINED, "room.publisher_joined")                                               \
	X(PUBLISHER_LEFT, "room.publisher_left")                                                   \
	X(OWNER_CHANGED, "room.owner_changed")                                                     \
	X(VIEWER_COUNT, "room.viewer_count")                                                       \
	X(CLOSED, "room.closed")                                                                   \
	X(KICKED, "room.kicked")                                                                   \
	X(STREAM_PUBLISHED, "stream.published")                                                    \
	X(STREAM_UPDATED, "stream.updated")                                                        \
	X(STREAM_INTERRUPTED, "stream.interrupted")                                                \
	X(STREAM_UNPUBLISHED, "stream.unpublished")                                                \
	X(REQUESTED, "publish.requested")                                                          \
	X(WITHDRAWN, "publish.withdrawn")                                                          \
	X(GRANTED, "publish.granted")                                                              \
	X(REJECTED, "publish.rejected")

enum room_event_type {
#define X(name, method) ROOM_EVENT_##name,
	ROOM_EVENTS(X)
#undef X
};

struct room_track {
	enum plm_kind kind;
	enum plm_codec codec;
};

struct room_event {
	enum room_event_type type;
	uint64_t to; // a session, 0 = everyone in the room at that moment
	uint64_t but; // everyone but this session, 0 = nobody left out
	char user_id[ROOMS_ID_MAX + 1]; // whom it is about; for KICKED: by whom; empty = nobody
	char stream_id[ROOMS_ID_MAX + 1];
	char reason[128];
	uint64_t count;
	bool paused, interrupted;
	unsigned n_tracks;
	struct room_track tracks[ROOM_TRACKS_MAX];
};

// Events in the order they happened. Grows by itself; failed tells that memory ran out.
struct room_events {
	struct room_event *list;
	size_t n, room;
	bool failed;
};

void room_events_clear(struct room_events *events); // frees

enum room_stream_state {
	ROOM_STREAM_STARTING, // negotiated, not connected: nobody was told yet
	ROOM_STREAM_LIVE,
};

struct room_stream {
	char id[ROOMS_ID_MAX + 1];
	enum room_stream_state state;
	bool paused, interrupted;
	uint64_t transport_id;
	unsigned n_tracks;
	struct room_track tracks[ROOM_TRACKS_MAX];
};

// Owned by its room.
struct room_member {
	struct table_link link; // room.members, by user id
	char user_id[ROOMS_ID_MAX + 1];
	uint64_t session; // of rooms.c
	enum room_role role;
	bool requests; // hand raised
	unsigned n_streams;
	struct room_stream streams[ROOM_STREAMS_MAX];
};

struct room {
	struct table_link link; // of the store
	char id[ROOMS_ID_MAX + 1];
	enum room_type type;
	unsigned max_publishers;
	uint64_t max_members;
	unsigned empty_ms;
	uint64_t created_ms;
	bool closed;
	bool closing; // in the list of rooms.c that next_closed makes
	struct room *next_closed;
	struct table members;
	struct room_member *publishers[ROOM_PUBLISHERS_MAX]; // oldest first: [0] owns the room
	unsigned n_publishers;
	struct room_member *requests[ROOM_REQUESTS_MAX]; // in order of asking
	unsigned n_requests;
	char creator[ROOMS_ID_MAX + 1]; // the first publisher; p2p: the caller
	struct table kicked; // users, for as long as the room lives
	uint64_t empty_since_ms; // no publisher since then, 0 = there is one
	uint64_t count_told_ms; // when viewer_count was sent
	// Viewers came or went since then. Who came meanwhile knows another number than the one
	// told, also when it is the same again.
	bool count_changed;
};

struct room_limits {
	unsigned max_publishers; // at most ROOM_PUBLISHERS_MAX
	uint64_t max_members;
	unsigned empty_ms;
};

const struct room_rules *room_rules(enum room_type type);
const char *room_type_name(enum room_type type); // "m2m"
int room_type_from_name(const char *name, enum room_type *ret_type); // 0 or -EINVAL
const char *room_event_method(enum room_event_type type);

// A room without members. NULL with errno ENOMEM or EINVAL (id). seed: random.
struct room *room_new(
	const char *id,
	enum room_type type,
	const struct room_limits *limits,
	uint64_t now_ms,
	uint64_t seed
);
void room_free(struct room *room); // takes NULL

// Lets a user in. A user has one place: if he is in already, his session is replaced and his role
// and seniority stay (*ret_replaced is the old session, else 0); his streams of the old session are
// the caller's to end. role does not matter where there are no viewers. Errors: -EKEYREJECTED
// kicked before, -ENOSPC no place for another publisher, -EPERM only the creator may publish here,
// -EUSERS room has max_members, -ENOMEM, -ESHUTDOWN closed.
int room_join(
	struct room *room,
	const char *user_id,
	enum room_role role,
	uint64_t session,
	uint64_t now_ms,
	struct room_events *events,
	uint64_t *ret_replaced
);

// Takes a user out, ends his streams and his request; ends a p2p room. Returns 0 or -ENOENT.
int room_leave(
	struct room *room,
	const char *user_id,
	const char *reason,
	uint64_t now_ms,
	struct room_events *events
);

// A publisher, or the operator (by NULL), throws a participant out for as long as the room lives;
// leaving included. Errors: -ENOENT by or user not here, -ENOTSUP not in this type of room, -EPERM
// by is no publisher, -EINVAL himself, -ENOSPC ROOM_KICKED_MAX, -ENOMEM.
int room_kick(
	struct room *room,
	const char *by,
	const char *user_id,
	const char *reason,
	uint64_t now_ms,
	struct room_events *events
);

// Raising a hand. All four: -ENOTSUP not in this type of room. Errors: -ENOENT not here, -EALREADY
// is a publisher or asked before (no event), -ENOSPC too many open requests.
int room_request(struct room *room, const char *user_id, struct room_events *events);
// -ENOENT: not here or did not ask.
int room_withdraw(struct room *room, const char *user_id, struct room_events *events);
// By the owner. Errors: -EPERM not the owner, -ENOENT did not ask, -ENOSPC no place for another
// publisher (the request stays open).
int room_accept(
	struct room *room,
	const char *by,
	const char *user_id,
	uint64_t now_ms,
	struct room_events *events
);
int room_reject(
	struct room *room,
	const char *by,
	const char *user_id,
	const char *reason,
	struct room_events *events
);

// A stream in state STARTING. Errors: -ENOENT not here, -ENOTSUP not in this type of room, -EPERM
// no publisher, -EEXIST, -ENOSPC too many streams.
int room_stream_add(
	struct room *room,
	const char *user_id,
	const char *stream_id,
	uint64_t transport_id
);
// The functions below return -ENOENT when there is no such stream.
// STARTING -> LIVE, with what was negotiated (at most ROOM_TRACKS_MAX).
int room_stream_live(
	struct room *room,
	const char *user_id,
	const char *stream_id,
	const struct room_track *tracks,
	unsigned n_tracks,
	struct room_events *events
);
// Ends a stream; a STARTING one in silence.
int room_stream_end(
	struct room *room,
	const char *user_id,
	const char *stream_id,
	const char *reason,
	struct room_events *events
);
// Changes what the publisher says (paused) and what the dataplane saw (interrupted).
int room_stream_update(
	struct room *room,
	const char *user_id,
	const char *stream_id,
	bool paused,
	bool interrupted,
	const char *reason,
	struct room_events *events
);

struct room_member *room_member_find(const struct room *room, const char *user_id);
struct room_stream *room_stream_find(struct room_member *member, const char *stream_id);
bool room_has_kicked(const struct room *room, const char *user_id);
struct room_member *room_owner(const struct room *room); // NULL without publishers
uint64_t room_viewer_count(const struct room *room);

// The viewers by pages: calls viewer for at least one and about n of them, from *cursor on (0 at
// first), and moves *cursor. Returns false when these were the last. One who comes or goes between
// two pages may be missed or shown twice.
bool room_viewers_page(
	const struct room *room,
	size_t *cursor,
	size_t n,
	void (*viewer)(void *user, const struct room_member *member),
	void *user
);

// Time passes: viewer_count is told, an empty room is closed (then room->closed is true and
// everyone was told; the caller takes the members out). Returns when to call again, UINT64_MAX = no
// need.
uint64_t room_tick(struct room *room, uint64_t now_ms, struct room_events *events);

// Ends the room now: tells everyone, refuses joins.
void room_close(struct room *room, const char *reason, struct room_events *events);
