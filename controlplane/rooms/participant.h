// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// One signaling session: a connection with an identity, which outlives the connection for a while.
// And its media: each WebRTC connection it publishes or watches by. Pure bookkeeping: no I/O, time
// is an argument.

#include "room.h"
#include "rooms.h"
#include "sdp_answer.h"
#include "table.h"

#include <jansson.h>

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#define PARTICIPANT_ROOMS_MAX 8
#define PARTICIPANT_MEDIA_MAX 128 // WebRTC connections of one participant
#define PARTICIPANT_CONNECTING_MAX 48 // of these in the making; a full room is 36 streams
#define RESUME_TOKEN_LEN 32 // characters of hex: 128 bits

enum media_kind {
	MEDIA_PUBLISH,
	MEDIA_WATCH
};

enum media_state {
	MEDIA_OFFERED, // rtc negotiates
	MEDIA_ADDING, // the dataplane is told
	MEDIA_ANSWERED, // the client has the answer and connects
	MEDIA_CONNECTED, // media may flow
};

// A JSON-RPC request whose answer comes later, to the connection that asked.
struct pending_reply {
	uint64_t conn_id;
	json_t *id; // NULL = none
};

// One producer (publishing) or consumer (watching) of the dataplane.
struct media_track {
	struct table_link link; // of the producers, by id; only publishing
	struct media *media;
	uint64_t id; // 0 = not there
	bool active; // publishing: packets come
	struct sdp_track sdp;
};

// A WebRTC connection. Owned by its participant.
struct media {
	struct table_link link; // of all media, by transport id
	LIST_ENTRY(media) of_participant;
	uint64_t transport_id;
	enum media_kind kind;
	enum media_state state;
	struct participant *participant;
	struct room *room;
	char publisher_id[ROOMS_ID_MAX + 1];
	char stream_id[ROOMS_ID_MAX + 1];
	char cname[PLM_CNAME_MAX]; // publishing: what its viewers see, the same for all tracks
	bool paused;
	bool was_active; // publishing: packets came once
	unsigned n_tracks;
	struct media_track tracks[SDP_TRACKS_MAX];

	struct pending_reply reply; // of publish or subscribe
	struct pending_reply restart; // of ice.restart, the newest one
	unsigned n_restarts_asked; // of rtc, without an answer yet
	unsigned n_restarts_sent; // to the dataplane, without an answer yet
	char *sdp; // answer that waits for the dataplane
	unsigned n_waiting; // replies of the dataplane
	int error; // the first one of these

	LIST_HEAD(, media) watchers; // publishing: who watches it
	LIST_ENTRY(media) of_publication;
	struct media *publication; // watching
};

// Owned by rooms.c.
struct participant {
	struct table_link by_id; // by id
	struct table_link by_conn; // by conn_id, while connected
	struct table_link by_token; // by resume_token
	uint64_t id;
	uint64_t conn_id; // 0 = the connection was lost at lost_ms
	uint64_t lost_ms;
	struct rooms_identity identity;
	char resume_token[RESUME_TOKEN_LEN + 1];
	unsigned n_rooms;
	struct room *rooms[PARTICIPANT_ROOMS_MAX];
	unsigned n_media;
	LIST_HEAD(, media) media;
	TAILQ_ENTRY(participant) lost; // while not connected
};

// token: RESUME_TOKEN_LEN characters. NULL with errno ENOMEM.
struct participant *participant_new(
	uint64_t id,
	uint64_t conn_id,
	const struct rooms_identity *identity,
	const char *token
);
void participant_free(struct participant *participant); // takes NULL; has no media any more

// The place of who lost his connection may be taken by the same user with the right token only.
bool participant_may_resume(
	const struct participant *participant,
	const struct rooms_identity *identity,
	const char *token
);

bool participant_is_in(const struct participant *participant, const struct room *room);
int participant_enter(struct participant *participant, struct room *room); // 0 or -ENOSPC
void participant_exit(struct participant *participant, const struct room *room);

// The token opens this room: its own name, "*", or "prefix-*".
bool identity_opens_room(const struct rooms_identity *identity, const char *room_id);
// now_s: unix seconds; 60 s of leeway for clocks that differ (RFC 7519 4.1.4).
bool identity_expired(const struct rooms_identity *identity, int64_t now_s);

// Letters, digits, "_.@-", 1 to ROOMS_ID_MAX, neither "." nor "..".
bool id_is_valid(const char *id);

// NULL with errno ENOMEM, ENOSPC (PARTICIPANT_MEDIA_MAX) or EBUSY (PARTICIPANT_CONNECTING_MAX).
struct media *media_new(
	struct participant *participant,
	struct room *room,
	enum media_kind kind,
	uint64_t transport_id
);
void media_free(struct media *media); // unlinks from participant and publication

// publication: MEDIA_PUBLISH.
void media_watch(struct media *media, struct media *publication);

// Every track is silent, though packets came once.
bool media_interrupted(const struct media *media);
