// SPDX-License-Identifier: BSD-3-Clause

#include "room.h"

#include "room_events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct room *room_new(
	const char *id,
	enum room_type type,
	const struct room_limits *limits,
	uint64_t now_ms,
	uint64_t seed
) {
	struct room *room;

	if (strlen(id) > ROOMS_ID_MAX || limits->max_publishers == 0
	    || limits->max_publishers > ROOM_PUBLISHERS_MAX) {
		errno = EINVAL;
		return NULL;
	}
	room = calloc(1, sizeof(*room));
	if (room == NULL)
		return NULL;
	strcpy(room->id, id);
	room->type = type;
	room->max_publishers = limits->max_publishers;
	room->max_members = limits->max_members;
	room->empty_ms = limits->empty_ms;
	room->created_ms = now_ms;
	room->empty_since_ms = now_ms;
	table_init(&room->members, seed);
	return room;
}

void room_free(struct room *room) {
	struct table_link *link, *next;

	if (room == NULL)
		return;
	for (link = table_next(&room->members, NULL); link != NULL; link = next) {
		next = table_next(&room->members, link);
		free(table_object(link, struct room_member, link));
	}
	table_clear(&room->members);
	free(room->kicked);
	free(room);
}

struct room_member *room_member_find(const struct room *room, const char *user_id) {
	return table_object(table_find_name(&room->members, user_id), struct room_member, link);
}

struct room_stream *room_stream_find(struct room_member *member, const char *stream_id) {
	for (unsigned i = 0; i < member->n_streams; i++) {
		if (strcmp(member->streams[i].id, stream_id) == 0)
			return &member->streams[i];
	}
	return NULL;
}

struct room_member *room_owner(const struct room *room) {
	return room->n_publishers > 0 ? room->publishers[0] : NULL;
}

uint64_t room_viewer_count(const struct room *room) {
	return room->members.n - room->n_publishers;
}

bool room_viewers_page(
	const struct room *room,
	size_t *cursor,
	size_t n,
	void (*viewer)(void *user, const struct room_member *member),
	void *user
) {
	const struct table *table = &room->members;
	size_t shown = 0;

	// Whole buckets: a bucket is a place that stays.
	for (; *cursor < table->n_buckets && shown < n; (*cursor)++) {
		struct table_link *link = table->buckets[*cursor];

		for (; link != NULL; link = link->next) {
			const struct room_member *member;

			member = table_object(link, struct room_member, link);
			if (member->role != ROOM_VIEWER)
				continue;
			viewer(user, member);
			shown++;
		}
	}
	return *cursor < table->n_buckets;
}

static bool is_kicked(const struct room *room, const char *user_id) {
	for (unsigned i = 0; i < room->n_kicked; i++) {
		if (strcmp(room->kicked[i], user_id) == 0)
			return true;
	}
	return false;
}

static int kicked_remember(struct room *room, const char *user_id) {
	if (room->kicked == NULL) {
		room->kicked = calloc(ROOM_KICKED_MAX, sizeof(*room->kicked));
		if (room->kicked == NULL)
			return -ENOMEM;
	}
	strcpy(room->kicked[room->next_kicked], user_id);
	room->next_kicked = (room->next_kicked + 1) % ROOM_KICKED_MAX;
	if (room->n_kicked < ROOM_KICKED_MAX)
		room->n_kicked++;
	return 0;
}

// Open requests belong to whoever owns the room: a new owner receives them all.
static void requests_tell(const struct room *room, struct room_events *events) {
	for (unsigned i = 0; i < room->n_requests; i++) {
		struct room_event *event;

		event = room_tell(events, ROOM_EVENT_REQUESTED, room->requests[i]->user_id);
		event->to = room_owner(room)->session;
	}
}

static void owner_tell(const struct room *room, struct room_events *events) {
	const struct room_member *owner = room_owner(room);

	room_tell(events, ROOM_EVENT_OWNER_CHANGED, owner != NULL ? owner->user_id : "");
	if (owner != NULL)
		requests_tell(room, events);
}

// Oldest first: seniority counts from here.
static void publisher_append(
	struct room *room,
	struct room_member *member,
	uint64_t but,
	struct room_events *events
) {
	member->role = ROOM_PUBLISHER;
	room->publishers[room->n_publishers++] = member;
	room->empty_since_ms = 0;
	room_tell(events, ROOM_EVENT_PUBLISHER_JOINED, member->user_id)->but = but;
	if (room->n_publishers == 1) {
		// The one who just came finds it in his snapshot, but not who asked before him.
		room_tell(events, ROOM_EVENT_OWNER_CHANGED, member->user_id)->but = but;
		requests_tell(room, events);
	}
}

static bool request_remove(struct room *room, struct room_member *member) {
	unsigned i = 0;

	if (!member->requests)
		return false;
	while (room->requests[i] != member)
		i++;
	room->n_requests--;
	memmove(&room->requests[i],
		&room->requests[i + 1],
		(room->n_requests - i) * sizeof(room->requests[0]));
	member->requests = false;
	return true;
}

int room_join(
	struct room *room,
	const char *user_id,
	enum room_role role,
	uint64_t session,
	uint64_t now_ms,
	struct room_events *events,
	uint64_t *ret_replaced
) {
	struct room_member *member = room_member_find(room, user_id);

	(void)now_ms;
	if (room->closed)
		return -ESHUTDOWN;
	if (is_kicked(room, user_id))
		return -EKEYREJECTED;
	if (member != NULL) {
		*ret_replaced = member->session != session ? member->session : 0;
		member->session = session;
		return 0;
	}
	if (strlen(user_id) > ROOMS_ID_MAX)
		return -EINVAL;
	if (role == ROOM_PUBLISHER && room->n_publishers >= room->max_publishers)
		return -ENOSPC;
	if (room->members.n >= room->max_members)
		return -EUSERS;
	member = calloc(1, sizeof(*member));
	if (member == NULL)
		return -ENOMEM;
	strcpy(member->user_id, user_id);
	member->session = session;
	member->role = ROOM_VIEWER;
	if (table_add_name(&room->members, &member->link, member->user_id) < 0) {
		free(member);
		return -ENOMEM;
	}
	if (role == ROOM_PUBLISHER)
		publisher_append(room, member, session, events);
	*ret_replaced = 0;
	return 0;
}

static void streams_end(
	struct room_member *member,
	const char *reason,
	struct room_events *events
) {
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

static void publisher_remove(
	struct room *room,
	struct room_member *member,
	const char *reason,
	uint64_t now_ms,
	struct room_events *events
) {
	unsigned i = 0;

	while (room->publishers[i] != member)
		i++;
	room->n_publishers--;
	memmove(&room->publishers[i],
		&room->publishers[i + 1],
		(room->n_publishers - i) * sizeof(room->publishers[0]));
	member->role = ROOM_VIEWER;
	room_event_set_reason(
		room_tell(events, ROOM_EVENT_PUBLISHER_LEFT, member->user_id), reason
	);
	if (i == 0)
		owner_tell(room, events);
	if (room->n_publishers == 0)
		room->empty_since_ms = now_ms;
}

int room_leave(
	struct room *room,
	const char *user_id,
	const char *reason,
	uint64_t now_ms,
	struct room_events *events
) {
	struct room_member *member = room_member_find(room, user_id);
	const struct room_member *owner = room_owner(room);

	if (member == NULL)
		return -ENOENT;
	streams_end(member, reason, events);
	if (request_remove(room, member) && owner != NULL)
		room_tell(events, ROOM_EVENT_WITHDRAWN, user_id)->to = owner->session;
	// Out of the table first: he is not among "everyone" of what follows.
	table_remove(&room->members, &member->link);
	if (member->role == ROOM_PUBLISHER)
		publisher_remove(room, member, reason, now_ms, events);
	free(member);
	return 0;
}

int room_kick(
	struct room *room,
	const char *by,
	const char *user_id,
	const char *reason,
	uint64_t now_ms,
	struct room_events *events
) {
	const struct room_member *kicker = room_member_find(room, by);
	const struct room_member *member = room_member_find(room, user_id);
	struct room_event *event;
	int r;

	if (kicker == NULL || member == NULL)
		return -ENOENT;
	if (kicker->role != ROOM_PUBLISHER)
		return -EPERM;
	if (kicker == member)
		return -EINVAL;
	r = kicked_remember(room, member->user_id);
	if (r < 0)
		return r;
	event = room_tell(events, ROOM_EVENT_KICKED, by);
	event->to = member->session;
	room_event_set_reason(event, reason);
	return room_leave(room, user_id, "kicked", now_ms, events);
}

int room_request(struct room *room, const char *user_id, struct room_events *events) {
	struct room_member *member = room_member_find(room, user_id);

	if (member == NULL)
		return -ENOENT;
	if (member->role == ROOM_PUBLISHER || member->requests)
		return -EALREADY;
	if (room->n_requests == ROOM_REQUESTS_MAX)
		return -ENOSPC;
	member->requests = true;
	room->requests[room->n_requests++] = member;
	if (room->n_publishers > 0)
		room_tell(events, ROOM_EVENT_REQUESTED, user_id)->to = room_owner(room)->session;
	return 0;
}

int room_withdraw(struct room *room, const char *user_id, struct room_events *events) {
	struct room_member *member = room_member_find(room, user_id);

	if (member == NULL || !request_remove(room, member))
		return -ENOENT;
	if (room->n_publishers > 0)
		room_tell(events, ROOM_EVENT_WITHDRAWN, user_id)->to = room_owner(room)->session;
	return 0;
}

// The member whose request the owner may decide. 0, -EPERM or -ENOENT.
static int request_find(
	const struct room *room,
	const char *by,
	const char *user_id,
	struct room_member **ret_member
) {
	const struct room_member *owner = room_owner(room);
	struct room_member *member = room_member_find(room, user_id);

	if (owner == NULL || strcmp(owner->user_id, by) != 0)
		return -EPERM;
	if (member == NULL || !member->requests)
		return -ENOENT;
	*ret_member = member;
	return 0;
}

int room_accept(
	struct room *room,
	const char *by,
	const char *user_id,
	uint64_t now_ms,
	struct room_events *events
) {
	struct room_member *member;
	int r = request_find(room, by, user_id, &member);

	(void)now_ms;
	if (r < 0)
		return r;
	if (room->n_publishers >= room->max_publishers)
		return -ENOSPC;
	request_remove(room, member);
	room_tell(events, ROOM_EVENT_GRANTED, user_id)->to = member->session;
	publisher_append(room, member, 0, events);
	return 0;
}

int room_reject(
	struct room *room,
	const char *by,
	const char *user_id,
	const char *reason,
	struct room_events *events
) {
	struct room_member *member;
	struct room_event *event;
	int r = request_find(room, by, user_id, &member);

	if (r < 0)
		return r;
	request_remove(room, member);
	event = room_tell(events, ROOM_EVENT_REJECTED, user_id);
	event->to = member->session;
	room_event_set_reason(event, reason);
	return 0;
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

void room_close(struct room *room, const char *reason, struct room_events *events) {
	if (room->closed)
		return;
	room->closed = true;
	room_event_set_reason(room_tell(events, ROOM_EVENT_CLOSED, ""), reason);
}

uint64_t room_tick(struct room *room, uint64_t now_ms, struct room_events *events) {
	uint64_t next_ms = UINT64_MAX;

	if (room->closed)
		return next_ms;
	if (room->n_publishers == 0) {
		if (now_ms - room->empty_since_ms >= room->empty_ms) {
			room_close(room, "no_publisher", events);
			return next_ms;
		}
		next_ms = room->empty_since_ms + room->empty_ms;
	}
	if (room_viewer_count(room) != room->count_told) {
		uint64_t due_ms = room->count_told_ms + ROOM_COUNT_EVERY_MS;

		if (now_ms >= due_ms) {
			room->count_told = room_viewer_count(room);
			room->count_told_ms = now_ms;
			room_tell(events, ROOM_EVENT_VIEWER_COUNT, "")->count = room->count_told;
		} else if (due_ms < next_ms) {
			next_ms = due_ms;
		}
	}
	return next_ms;
}
