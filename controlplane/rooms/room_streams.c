// SPDX-License-Identifier: BSD-3-Clause

// The streams of a room's publishers.

#include "room_internal.h"

#include <errno.h>
#include <string.h>

void room_streams_end(struct room_member *member, const char *reason, struct room_events *events) {
	for (unsigned i = 0; i < member->n_streams; i++) {
		struct room_event *event;

		if (member->streams[i].state != ROOM_STREAM_LIVE)
			continue;
		event = room_tell(events, ROOM_EVENT_STREAM_UNPUBLISHED, member->user_id);
		room_event_set_stream(event, &member->streams[i]);
		room_event_set_reason(event, reason);
	}
	member->n_streams = 0;
}

int room_stream_add(
	struct room *room,
	const char *user_id,
	const char *stream_id,
	uint64_t transport_id
) {
	struct room_member *member = room_member_find(room, user_id);
	struct room_stream *stream;

	if (member == NULL)
		return -ENOENT;
	if (!room_rules(room->type)->publishes)
		return -ENOTSUP;
	if (member->role != ROOM_PUBLISHER)
		return -EPERM;
	if (strlen(stream_id) > ROOMS_ID_MAX)
		return -EINVAL;
	if (room_stream_find(member, stream_id) != NULL)
		return -EEXIST;
	if (member->n_streams == ROOM_STREAMS_MAX)
		return -ENOSPC;
	stream = &member->streams[member->n_streams++];
	*stream = (struct room_stream){.transport_id = transport_id};
	strcpy(stream->id, stream_id);
	return 0;
}

static struct room_stream *stream_of(
	const struct room *room,
	const char *user_id,
	const char *stream_id
) {
	struct room_member *member = room_member_find(room, user_id);

	return member != NULL ? room_stream_find(member, stream_id) : NULL;
}

int room_stream_live(
	struct room *room,
	const char *user_id,
	const char *stream_id,
	const struct room_track *tracks,
	unsigned n_tracks,
	struct room_events *events
) {
	struct room_stream *stream = stream_of(room, user_id, stream_id);

	if (stream == NULL)
		return -ENOENT;
	if (stream->state == ROOM_STREAM_LIVE)
		return 0;
	if (n_tracks > ROOM_TRACKS_MAX)
		n_tracks = ROOM_TRACKS_MAX;
	stream->n_tracks = n_tracks;
	if (n_tracks > 0)
		memcpy(stream->tracks, tracks, n_tracks * sizeof(*tracks));
	stream->state = ROOM_STREAM_LIVE;
	room_event_set_stream(room_tell(events, ROOM_EVENT_STREAM_PUBLISHED, user_id), stream);
	return 0;
}

int room_stream_end(
	struct room *room,
	const char *user_id,
	const char *stream_id,
	const char *reason,
	struct room_events *events
) {
	struct room_member *member = room_member_find(room, user_id);
	struct room_stream *stream = stream_of(room, user_id, stream_id);

	if (stream == NULL)
		return -ENOENT;
	if (stream->state == ROOM_STREAM_LIVE) {
		struct room_event *event;

		event = room_tell(events, ROOM_EVENT_STREAM_UNPUBLISHED, user_id);
		room_event_set_stream(event, stream);
		room_event_set_reason(event, reason);
	}
	member->n_streams--;
	memmove(stream,
		stream + 1,
		(size_t)(&member->streams[member->n_streams] - stream) * sizeof(*stream));
	return 0;
}

int room_stream_update(
	struct room *room,
	const char *user_id,
	const char *stream_id,
	bool paused,
	bool interrupted,
	const char *reason,
	struct room_events *events
) {
	struct room_stream *stream = stream_of(room, user_id, stream_id);
	bool begins;

	if (stream == NULL)
		return -ENOENT;
	if (stream->paused == paused && stream->interrupted == interrupted)
		return 0;
	begins = interrupted && !stream->interrupted;
	stream->paused = paused;
	stream->interrupted = interrupted;
	if (stream->state == ROOM_STREAM_LIVE) {
		struct room_event *event;

		event = room_tell(
			events,
			begins ? ROOM_EVENT_STREAM_INTERRUPTED : ROOM_EVENT_STREAM_UPDATED,
			user_id
		);
		room_event_set_stream(event, stream);
		room_event_set_reason(event, reason);
	}
	return 0;
}
