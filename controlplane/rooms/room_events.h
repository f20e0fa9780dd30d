// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// How room.c writes its events.

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
