// SPDX-License-Identifier: BSD-3-Clause

// What members say to each other: raised hands, removing, the signals of a call.

#include "rooms_internal.h"

#include <errno.h>
#include <string.h>

int method_room_kick(struct call *call) {
	const char *user_id = call_string(call, "userId"), *reason = call_string(call, "reason");
	struct room_events events = {0};
	struct participant *kicked;
	struct room_member *member;
	struct room *room;
	uint64_t session;
	int r;

	r = call_room(call, &room, &member);
	if (r != 0)
		return r;
	if (!room_rules(room->type)->kicks)
		return call_fail(
			call, PROTOCOL_FORBIDDEN, "Nobody is removed from a call: leaving ends it."
		);
	if (member->role != ROOM_PUBLISHER)
		return call_fail(
			call, PROTOCOL_NOT_PUBLISHER, "Only publishers may remove others."
		);
	if (strcmp(user_id, member->user_id) == 0)
		return call_fail(call, PROTOCOL_INVALID_PARAMS, "You cannot remove yourself.");
	member = room_member_find(room, user_id);
	if (member == NULL)
		return call_fail(call, PROTOCOL_UNKNOWN_USER, "%s is not in the room.", user_id);
	session = member->session;
	r = room_kick(room, call->who->identity.user_id, user_id, reason, rooms_now_ms(), &events);
	if (r < 0) {
		room_events_clear(&events);
		if (r == -ENOSPC)
			return call_fail(
				call, PROTOCOL_BUSY, "Too many were removed from this room."
			);
		return call_fail(call, PROTOCOL_INTERNAL, "Out of memory.");
	}
	rooms_tell(call->rooms, room, &events);
	kicked = rooms_participant(call->rooms, session);
	if (kicked != NULL)
		rooms_left(call->rooms, kicked, room, "kicked");
	return 0;
}

// ---------------------------------------------------------------------------- raising a hand

static int no_hands(struct call *call, const struct room *room) {
	if (!room_rules(room->type)->viewers)
		return call_fail(
			call, PROTOCOL_FORBIDDEN, "Both sides of a call are publishers already."
		);
	return call_fail(
		call, PROTOCOL_FORBIDDEN, "Only %s publishes in this room.", room->creator
	);
}

int method_publish_request(struct call *call) {
	struct room_events events = {0};
	struct room_member *member;
	struct room *room;
	int r;

	r = call_room(call, &room, &member);
	if (r == 0)
		r = call_authorize(call, room->id);
	if (r != 0)
		return r;
	if (!room_rules(room->type)->hands)
		return no_hands(call, room);
	if (!call->who->identity.may_publish)
		return call_fail(call, PROTOCOL_FORBIDDEN, "The token may not publish.");
	r = room_request(room, member->user_id, &events);
	rooms_tell(call->rooms, room, &events);
	if (r == -ENOSPC)
		return call_fail(call, PROTOCOL_BUSY, "Too many requests are open.");
	return 0; // asking twice, or being a publisher already, is no error
}

int method_publish_withdraw(struct call *call) {
	struct room_events events = {0};
	struct room_member *member;
	struct room *room;
	int r;

	r = call_room(call, &room, &member);
	if (r != 0)
		return r;
	r = room_withdraw(room, member->user_id, &events);
	rooms_tell(call->rooms, room, &events);
	return r == -ENOTSUP ? no_hands(call, room) : 0;
}

static int decide(struct call *call, bool accept) {
	const char *user_id = call_string(call, "userId"), *reason = call_string(call, "reason");
	struct room_events events = {0};
	struct room_member *member;
	struct room *room;
	int r;

	r = call_room(call, &room, &member);
	if (r != 0)
		return r;
	if (accept)
		r = room_accept(room, member->user_id, user_id, rooms_now_ms(), &events);
	else
		r = room_reject(room, member->user_id, user_id, reason, &events);
	rooms_tell(call->rooms, room, &events);
	if (r == -ENOTSUP)
		return no_hands(call, room);
	if (r == -EPERM)
		return call_fail(call, PROTOCOL_NOT_OWNER, "Only the owner decides.");
	if (r == -ENOENT)
		return call_fail(call, PROTOCOL_UNKNOWN_USER, "%s does not ask.", user_id);
	if (r == -ENOSPC)
		return call_room_full(call, room);
	return 0;
}

int method_publish_accept(struct call *call) {
	return decide(call, true);
}

int method_publish_reject(struct call *call) {
	return decide(call, false);
}

// ---------------------------------------------------------------------------- calls

// Forwarded as it is, to the other of the two, now or never: nothing is stored.
int method_signal(struct call *call) {
	const char *to = call_string(call, "to");
	json_t *data = json_object_get(call->params, "data");
	const struct participant *peer;
	const struct room_member *other;
	struct room_member *member;
	struct room *room;
	int r;

	r = call_room(call, &room, &member);
	if (r != 0)
		return r;
	if (room_rules(room->type)->publishes)
		return call_fail(
			call, PROTOCOL_FORBIDDEN, "Signals are for calls, rooms of type p2p."
		);
	if (!json_is_object(data))
		return call_fail(call, PROTOCOL_INVALID_PARAMS, "data is needed.");
	if (json_dumpb(data, NULL, 0, JSON_COMPACT) > ROOMS_SIGNAL_MAX)
		return call_fail(
			call,
			PROTOCOL_INVALID_PARAMS,
			"data is longer than %d bytes.",
			ROOMS_SIGNAL_MAX
		);
	other = room_member_find(room, to);
	if (other == member)
		return call_fail(call, PROTOCOL_INVALID_PARAMS, "You cannot signal to yourself.");
	if (other == NULL)
		return call_fail(call, PROTOCOL_UNKNOWN_USER, "%s is not in the call.", to);
	peer = rooms_participant(call->rooms, other->session);
	if (peer == NULL || peer->conn_id == 0)
		return call_fail(
			call, PROTOCOL_UNKNOWN_USER, "%s is not connected at this moment.", to
		);
	rooms_notify(
		peer,
		"signal",
		json_pack(
			"{s:s, s:s, s:O}", "roomId", room->id, "from", member->user_id, "data", data
		)
	);
	return 0;
}
