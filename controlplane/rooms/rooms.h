// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The rooms thread: the only place that decides. http posts requests to it, rtc posts events to it,
// it answers by signaling_send (http/signaling.h) and drives the dataplane through relay.h.

#include <plm_api.h>

#include <jansson.h>

#include <stdbool.h>
#include <stdint.h>

#define ROOMS_ID_MAX 64 // room, user and stream ids: [A-Za-z0-9_.@-]{1,64}

// Who is at the other end of a signaling connection, from a verified token (auth.h).
struct rooms_identity {
	char user_id[ROOMS_ID_MAX + 1];
	char room[ROOMS_ID_MAX + 1]; // room or pattern ("*", "team-*") the token opens
	bool may_create, may_publish, may_view;
	int64_t expires_at; // unix seconds
};

struct rooms_config {
	const char *dataplane_socket;
	unsigned max_publishers; // of m2m and a2m: 9
	unsigned max_rooms;
	unsigned max_participants; // of the server
	unsigned empty_room_ms; // a room without publishers stays this long: 30000
	unsigned resume_ms; // a lost connection keeps its place this long: 30000
	unsigned publisher_max_bitrate; // bit/s of video, told to publishers by REMB
	const char *hls_endpoint, *hls_stage; // of playlists: {endpoint}/{stage}/live/...
};

// Starts the thread; 0 or -errno. The strings must live until rooms_stop.
int rooms_start(const struct rooms_config *config);
// After http and rtc were stopped: nobody may post any more. Running media is left alone.
void rooms_stop(void);

// Any thread. A connection whose hello was accepted. resume_token may be NULL.
// hello_id is the JSON-RPC id to answer to (reference is taken over); the result of hello is sent
// by the rooms thread, since it knows whether a place is resumed.
void rooms_hello(
	uint64_t conn_id,
	const struct rooms_identity *identity,
	const char *resume_token,
	json_t *hello_id
);

// Any thread. A request that passed the schema. id and params: references are taken over; the
// caller must not touch them afterwards (jansson counts are not shared between threads).
void rooms_request(uint64_t conn_id, json_t *id, const char *method, json_t *params);

// Any thread. The connection is gone.
void rooms_closed(uint64_t conn_id);

// Any thread: asks for a snapshot for the admin API. what: "rooms", "room" (with id), "health".
// done is called on the rooms thread with a new JSON reference it owns (NULL = not found).
void rooms_admin(
	const char *what,
	const char *id,
	void (*done)(void *user, json_t *result),
	void *user
);

// What main gives to rtc_start: each posts to the rooms thread.
struct rtc_events;
void rooms_rtc_events(struct rtc_events *ret_events);
