// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Between the files of a room: room.c (who is in it), room_hands.c, room_streams.c, room_events.c.

#include "room.h"

// Appends an event to everyone; the caller fills in the rest. Never NULL: without memory the event
// goes to a place that nobody reads, and events->failed says so.
struct room_event *room_tell(
	struct room_events *events,
	enum room_event_type type,
	const char *user_id
);

void room_event_set_reason(struct room_event *event, const char *reason); // NULL: none
void room_event_set_stream(struct room_event *event, const struct room_stream *stream);

// --- room.c

// Makes a viewer a publisher, the youngest. but: a session that finds it in its snapshot.
void room_publisher_add(
	struct room *room,
	struct room_member *member,
	uint64_t but,
	struct room_events *events
);

// --- room_hands.c

// Takes an open request back in silence. False: there was none.
bool room_request_remove(struct room *room, struct room_member *member);
// Open requests belong to whoever owns the room: a new owner receives them all.
void room_requests_tell(const struct room *room, struct room_events *events);

// --- room_streams.c

// Ends all streams of a member.
void room_streams_end(struct room_member *member, const char *reason, struct room_events *events);
