// SPDX-License-Identifier: BSD-3-Clause

// What the types of rooms differ in, names, and the list of events of a room.

#include "room_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const type_names[ROOM_TYPE_COUNT] = {
	[ROOM_M2M] = "m2m",
	[ROOM_A2M] = "a2m",
	[ROOM_P2M] = "p2m",
	[ROOM_P2P] = "p2p",
};

static const struct room_rules rules[ROOM_TYPE_COUNT] = {
	[ROOM_M2M] = {.viewers = true, .hands = true, .kicks = true, .publishes = true, .watched = true},
	[ROOM_A2M]
	= {.viewers = true,
	   .hands = true,
	   .kicks = true,
	   .publishes = true,
	   .watched = true,
	   .audio_only = true},
	[ROOM_P2M] = {.max_publishers = 1, .viewers = true, .kicks = true, .creator_only = true, .publishes = true},
	[ROOM_P2P] = {.max_publishers = 2, .ends_with_one = true},
};

const struct room_rules *room_rules(enum room_type type) {
	return &rules[type];
}

const char *room_type_name(enum room_type type) {
	return (unsigned)type < ROOM_TYPE_COUNT ? type_names[type] : "?";
}

int room_type_from_name(const char *name, enum room_type *ret_type) {
	for (unsigned i = 0; i < ROOM_TYPE_COUNT; i++) {
		if (strcmp(name, type_names[i]) == 0) {
			*ret_type = (enum room_type)i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *room_event_method(enum room_event_type type) {
	static const char *const methods[] = {
#define X(name, method) method,
		ROOM_EVENTS(X)
#undef X
	};

	return methods[type];
}

void room_events_clear(struct room_events *events) {
	free(events->list);
	*events = (struct room_events){0};
}

// Appends an event to everyone; the caller fills in the rest. Never NULL: without memory the event
// goes to a place that nobody reads, and events->failed says so.
struct room_event *room_tell(
	struct room_events *events,
	enum room_event_type type,
	const char *user_id
) {
	static struct room_event nowhere;
	struct room_event *event = &nowhere;

	if (events->n == events->room) {
		size_t room = events->room ? events->room * 2 : 8;
		struct room_event *list = realloc(events->list, room * sizeof(*list));

		if (list != NULL) {
			events->list = list;
			events->room = room;
		}
	}
	if (events->n < events->room)
		event = &events->list[events->n++];
	else
		events->failed = true;
	*event = (struct room_event){.type = type};
	snprintf(event->user_id, sizeof(event->user_id), "%s", user_id);
	return event;
}

void room_event_set_reason(struct room_event *event, const char *reason) {
	size_t len = reason != NULL ? strlen(reason) : 0;

	// Cut before a character, not in it (RFC 3629).
	if (len >= sizeof(event->reason)) {
		len = sizeof(event->reason) - 1;
		while (len > 0 && ((uint8_t)reason[len] & 0xc0) == 0x80)
			len--;
	}
	if (len > 0)
		memcpy(event->reason, reason, len);
	event->reason[len] = '\0';
}

void room_event_set_stream(struct room_event *event, const struct room_stream *stream) {
	snprintf(event->stream_id, sizeof(event->stream_id), "%s", stream->id);
	event->paused = stream->paused;
	event->interrupted = stream->interrupted;
	event->n_tracks = stream->n_tracks;
	memcpy(event->tracks, stream->tracks, sizeof(event->tracks));
}
