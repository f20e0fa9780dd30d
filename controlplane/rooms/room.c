// SPDX-License-Identifier: BSD-3-Clause

// Who is in a room, and in which role.

#include "room.h"

#include "room_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// A user whose token opens this room no more. Owned by room->kicked.
struct kicked {
	struct table_link link;
	char user_id[ROOMS_ID_MAX + 1];
};

bool room_has_kicked(const struct room *room, const char *user_id) {
	return table_find_name(&room->kicked, user_id) != NULL;
}

static int kicked_remember(struct room *room, const char *user_id) {
	struct kicked *kicked;

	if (room_has_kicked(room, user_id))
		return 0;
	if (room->kicked.n >= ROOM_KICKED_MAX)
		return -ENOSPC;
	kicked = calloc(1, sizeof(*kicked));
	if (kicked == NULL)
		return -ENOMEM;
	strcpy(kicked->user_id, user_id);
	if (table_add_name(&room->kicked, &kicked->link, kicked->user_id) == 0)
		return 0;
	free(kicked);
	return -ENOMEM;
}

static void kicked_clear(struct room *room) {
	struct table_link *link, *next;

	for (link = table_next(&room->kicked, NULL); link != NULL; link = next) {
		next = table_next(&room->kicked, link);
		free(table_object(link, struct kicked, link));
	}
	table_clear(&room->kicked);
}

struct room *room_new(
	const char *id,
	enum room_type type,
	const struct room_limits *limits,
	uint64_t now_ms,
	uint64_t seed
) {
	const struct room_rules *rules = room_rules(type);
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
	room->max_publishers = rules->max_publishers > 0 ? rules->max_publishers
							 : limits->max_publishers;
	room->max_members = limits->max_members;
	room->empty_ms = limits->empty_ms;
	room->created_ms = now_ms;
	room->empty_since_ms = now_ms;
	table_init(&room->members, seed);
	table_init(&room->kicked, seed);
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
	kicked_clear(room);
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

static void owner_tell(const struct room *room, struct room_events *events) {
	const struct room_member *owner = room_owner(room);

	room_tell(events, ROOM_EVENT_OWNER_CHANGED, owner != NULL ? owner->user_id : "");
	if (owner != NULL)
		room_requests_tell(room, events);
}

// Oldest first: seniority counts from here.
void room_publisher_add(
	struct room *room,
	struct room_member *member,
	uint64_t but,
	struct room_events *events
) {
	member->role = ROOM_PUBLISHER;
	room->publishers[room->n_publishers++] = member;
	room->empty_since_ms = 0;
	if (room->creator[0] == '\0')
		strcpy(room->creator, member->user_id);
	room_tell(events, ROOM_EVENT_PUBLISHER_JOINED, member->user_id)->but = but;
	if (room->n_publishers == 1)
		room_tell(events, ROOM_EVENT_OWNER_CHANGED, member->user_id)->but = but;
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
	const struct room_rules *rules = room_rules(room->type);

	(void)now_ms;
	if (room->closed)
		return -ESHUTDOWN;
	if (room_has_kicked(room, user_id))
		return -EKEYREJECTED;
	if (member != NULL) {
		*ret_replaced = member->session != session ? member->session : 0;
		member->session = session;
		return 0;
	}
	if (strlen(user_id) > ROOMS_ID_MAX)
		return -EINVAL;
	if (!rules->viewers)
		role = ROOM_PUBLISHER;
	if (role == ROOM_PUBLISHER && rules->creator_only && room->creator[0] != '\0'
	    && strcmp(room->creator, user_id) != 0)
		return -EPERM;
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
		room_publisher_add(room, member, session, events);
	else
		room->count_changed = true;
	*ret_replaced = 0;
	return 0;
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
	if (i == 0 && !room_rules(room->type)->ends_with_one)
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
	room_streams_end(member, reason, events);
	if (room_request_remove(room, member) && owner != NULL)
		room_tell(events, ROOM_EVENT_WITHDRAWN, user_id)->to = owner->session;
	// Out of the table first: he is not among "everyone" of what follows.
	table_remove(&room->members, &member->link);
	if (member->role == ROOM_PUBLISHER)
		publisher_remove(room, member, reason, now_ms, events);
	else
		room->count_changed = true;
	free(member);
	if (room_rules(room->type)->ends_with_one)
		room_close(room, "peer_left", events);
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
	const struct room_member *kicker = by != NULL ? room_member_find(room, by) : NULL;
	const struct room_member *member = room_member_find(room, user_id);
	struct room_event *event;
	int r;

	if ((by != NULL && kicker == NULL) || member == NULL)
		return -ENOENT;
	if (kicker != NULL && !room_rules(room->type)->kicks)
		return -ENOTSUP;
	if (kicker != NULL && kicker->role != ROOM_PUBLISHER)
		return -EPERM;
	if (kicker == member)
		return -EINVAL;
	r = kicked_remember(room, member->user_id);
	if (r < 0)
		return r;
	event = room_tell(events, ROOM_EVENT_KICKED, by != NULL ? by : "");
	event->to = member->session;
	room_event_set_reason(event, reason);
	return room_leave(room, user_id, "kicked", now_ms, events);
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
	if (room->count_changed) {
		uint64_t due_ms = room->count_told_ms + ROOM_COUNT_EVERY_MS;

		if (now_ms >= due_ms) {
			room->count_changed = false;
			room->count_told_ms = now_ms;
			room_tell(events, ROOM_EVENT_VIEWER_COUNT, "")->count = room_viewer_count(
				room
			);
		} else if (due_ms < next_ms) {
			next_ms = due_ms;
		}
	}
	return next_ms;
}
