// SPDX-License-Identifier: BSD-3-Clause

// Raised hands: who asks to become a publisher, and what the owner says to it.

#include "room_internal.h"

#include <errno.h>
#include <string.h>

bool room_request_remove(struct room *room, struct room_member *member) {
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

void room_requests_tell(const struct room *room, struct room_events *events) {
	for (unsigned i = 0; i < room->n_requests; i++) {
		struct room_event *event;

		event = room_tell(events, ROOM_EVENT_REQUESTED, room->requests[i]->user_id);
		event->to = room_owner(room)->session;
	}
}

int room_request(struct room *room, const char *user_id, struct room_events *events) {
	struct room_member *member = room_member_find(room, user_id);

	if (!room_rules(room->type)->hands)
		return -ENOTSUP;
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

	if (!room_rules(room->type)->hands)
		return -ENOTSUP;
	if (member == NULL || !room_request_remove(room, member))
		return -ENOENT;
	if (room->n_publishers > 0)
		room_tell(events, ROOM_EVENT_WITHDRAWN, user_id)->to = room_owner(room)->session;
	return 0;
}

// The member whose request the owner may decide. 0, -ENOTSUP, -EPERM or -ENOENT.
static int request_find(
	const struct room *room,
	const char *by,
	const char *user_id,
	struct room_member **ret_member
) {
	const struct room_member *owner = room_owner(room);
	struct room_member *member = room_member_find(room, user_id);

	if (!room_rules(room->type)->hands)
		return -ENOTSUP;
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
	room_request_remove(room, member);
	room_tell(events, ROOM_EVENT_GRANTED, user_id)->to = member->session;
	room_publisher_add(room, member, 0, events);
	room->count_changed = true;
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
	room_request_remove(room, member);
	event = room_tell(events, ROOM_EVENT_REJECTED, user_id);
	event->to = member->session;
	room_event_set_reason(event, reason);
	return 0;
}
