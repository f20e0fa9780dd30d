// SPDX-License-Identifier: BSD-3-Clause

// The methods of entering and leaving rooms, and the table of all methods. Parameters passed the
// schema; what the schema cannot know is checked here.

#include "rooms_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int call_fail(struct call *call, enum protocol_error code, const char *format, ...) {
	va_list ap;

	va_start(ap, format);
	vsnprintf(call->sentence, sizeof(call->sentence), format, ap);
	va_end(ap);
	return code;
}

const char *call_string(const struct call *call, const char *name) {
	return json_string_value(json_object_get(call->params, name));
}

int call_room(struct call *call, struct room **ret_room, struct room_member **ret_member) {
	const char *id = call_string(call, "roomId");
	struct room *room = store_find(call->rooms->store, id);
	struct room_member *member;

	if (room == NULL)
		return call_fail(call, PROTOCOL_UNKNOWN_ROOM, "There is no room %s.", id);
	member = room_member_find(room, call->who->identity.user_id);
	if (member == NULL || member->session != call->who->id)
		return call_fail(call, PROTOCOL_NOT_IN_ROOM, "You are not in room %s.", id);
	*ret_room = room;
	*ret_member = member;
	return 0;
}

int call_room_full(struct call *call, const struct room *room) {
	if (!room_rules(room->type)->viewers)
		return call_fail(
			call, PROTOCOL_ROOM_FULL, "The call has its two participants already."
		);
	return call_fail(
		call, PROTOCOL_ROOM_FULL, "The room has its %u publishers.", room->max_publishers
	);
}

int call_authorize(struct call *call, const char *room_id) {
	const struct rooms_identity *identity = &call->who->identity;

	if (identity_expired(identity, time(NULL)))
		return call_fail(call, PROTOCOL_UNAUTHORIZED, "The token has expired.");
	if (!identity_opens_room(identity, room_id))
		return call_fail(
			call, PROTOCOL_FORBIDDEN, "The token does not open room %s.", room_id
		);
	return 0;
}

static struct room *room_make(
	struct call *call,
	const char *id,
	enum room_type type,
	int *ret_error
) {
	const struct room_limits limits = {
		.max_publishers = call->rooms->config.max_publishers,
		.max_members = call->rooms->config.max_participants,
		.empty_ms = call->rooms->config.empty_room_ms,
	};
	struct room *room;
	int r;

	room = room_new(id, type, &limits, rooms_now_ms(), rooms_random());
	r = room != NULL ? store_add(call->rooms->store, room) : -errno;
	if (r == 0)
		return room;
	room_free(room);
	if (r == -EEXIST)
		*ret_error = call_fail(call, PROTOCOL_ROOM_EXISTS, "Room %s exists already.", id);
	else if (r == -ENOSPC)
		*ret_error = call_fail(call, PROTOCOL_BUSY, "The server has no place for rooms.");
	else
		*ret_error = call_fail(call, PROTOCOL_INTERNAL, "The room could not be made.");
	return NULL;
}

// Joins, and takes the place of an older session of the same user. 0 or an error.
static int enter(struct call *call, struct room *room, enum room_role role) {
	const char *user_id = call->who->identity.user_id;
	struct room_events events = {0};
	struct participant *older;
	struct room_member *member;
	uint64_t replaced;
	int r;

	if (!participant_is_in(call->who, room) && call->who->n_rooms == PARTICIPANT_ROOMS_MAX)
		return call_fail(
			call, PROTOCOL_BUSY, "At most %d rooms at a time.", PARTICIPANT_ROOMS_MAX
		);
	r = room_join(room, user_id, role, call->who->id, rooms_now_ms(), &events, &replaced);
	if (r == -EKEYREJECTED)
		return call_fail(call, PROTOCOL_KICKED, "You were removed from this room.");
	if (r == -ENOSPC)
		return call_room_full(call, room);
	if (r == -EPERM)
		return call_fail(
			call, PROTOCOL_FORBIDDEN, "Only %s publishes in this room.", room->creator
		);
	if (r == -ESHUTDOWN)
		return call_fail(call, PROTOCOL_UNKNOWN_ROOM, "The room has ended.");
	if (r == -EUSERS)
		return call_fail(call, PROTOCOL_BUSY, "The server has no more places.");
	if (r < 0)
		return call_fail(call, PROTOCOL_INTERNAL, "Out of memory.");
	participant_enter(call->who, room);
	rooms_tell(call->rooms, room, &events);
	older = replaced != 0 ? rooms_participant(call->rooms, replaced) : NULL;
	if (older != NULL) {
		rooms_left(call->rooms, older, room, "replaced");
		rooms_notify(
			older,
			"room.kicked",
			json_pack(
				"{s:s, s:s, s:s}",
				"roomId",
				room->id,
				"by",
				user_id,
				"reason",
				"replaced"
			)
		);
		if (older->conn_id == 0 && older->n_rooms == 0)
			rooms_participant_remove(call->rooms, older, "replaced");
	}
	member = room_member_find(room, user_id);
	call->result = rooms_snapshot(call->rooms, room, member);
	return 0;
}

static int method_room_create(struct call *call) {
	const struct rooms_identity *identity = &call->who->identity;
	const char *id = call_string(call, "roomId");
	enum room_type type;
	struct room *room;
	char made[16];
	int r = 0;

	if (room_type_from_name(call_string(call, "type"), &type) < 0)
		return call_fail(
			call, PROTOCOL_UNSUPPORTED_ROOM_TYPE, "There is no such type of room."
		);
	if (id == NULL) {
		rooms_random_hex(made, 12);
		id = made;
	}
	r = call_authorize(call, id);
	if (r != 0)
		return r;
	if (!identity->may_create || !identity->may_publish)
		return call_fail(call, PROTOCOL_FORBIDDEN, "The token may not create rooms.");
	room = room_make(call, id, type, &r);
	if (room == NULL)
		return r;
	r = enter(call, room, ROOM_PUBLISHER);
	if (r != 0)
		store_remove(call->rooms->store, room); // nobody came in
	return r;
}

static int method_room_join(struct call *call) {
	const struct rooms_identity *identity = &call->who->identity;
	const char *id = call_string(call, "roomId"), *wanted = call_string(call, "role");
	enum room_role role = ROOM_VIEWER;
	struct room *room;
	int r;

	r = call_authorize(call, id);
	if (r != 0)
		return r;
	room = store_find(call->rooms->store, id);
	if (room == NULL)
		return call_fail(call, PROTOCOL_UNKNOWN_ROOM, "There is no room %s.", id);
	if (wanted != NULL ? strcmp(wanted, "publisher") == 0 : !room_rules(room->type)->viewers)
		role = ROOM_PUBLISHER;
	if (role == ROOM_VIEWER && !room_rules(room->type)->viewers)
		return call_fail(call, PROTOCOL_FORBIDDEN, "A call has no viewers.");
	if (role == ROOM_PUBLISHER && !identity->may_publish)
		return call_fail(call, PROTOCOL_FORBIDDEN, "The token may not publish.");
	if (role == ROOM_VIEWER && !identity->may_view)
		return call_fail(call, PROTOCOL_FORBIDDEN, "The token may not view.");
	return enter(call, room, role);
}

static int method_room_leave(struct call *call) {
	struct room_member *member;
	struct room *room;
	int r = call_room(call, &room, &member);

	if (r == 0)
		rooms_leave(call->rooms, call->who, room, "left");
	return r;
}

static void viewer_append(void *user, const struct room_member *member) {
	json_array_append_new(user, json_pack("{s:s}", "userId", member->user_id));
}

static int method_room_viewers(struct call *call) {
	const char *text = call_string(call, "cursor");
	struct room_member *member;
	struct room *room;
	size_t cursor = 0;
	json_t *viewers;
	char next[24];
	bool more;
	int r;

	r = call_room(call, &room, &member);
	if (r != 0)
		return r;
	if (member->role != ROOM_PUBLISHER)
		return call_fail(call, PROTOCOL_NOT_PUBLISHER, "Only publishers see the viewers.");
	if (text != NULL && (strspn(text, "0123456789") != strlen(text) || strlen(text) > 18))
		return call_fail(call, PROTOCOL_INVALID_PARAMS, "cursor is not of this room.");
	if (text != NULL)
		cursor = strtoull(text, NULL, 10);
	viewers = json_array();
	more = room_viewers_page(room, &cursor, ROOMS_VIEWERS_PAGE, viewer_append, viewers);
	call->result = json_pack("{s:o}", "viewers", viewers);
	if (more) {
		snprintf(next, sizeof(next), "%zu", cursor);
		json_object_set_new(call->result, "cursor", json_string(next));
	}
	return 0;
}

// ---------------------------------------------------------------------------- the table

#define REQUIRED_MAX 4

// required: strings that must be there. The schema says so too; nothing here relies on it.
static const struct {
	const char *name;
	int (*run)(struct call *call);
	const char *required[REQUIRED_MAX];
} methods[] = {
	{"room.create", method_room_create, {"type"}},
	{"room.join", method_room_join, {"roomId"}},
	{"room.leave", method_room_leave, {"roomId"}},
	{"room.viewers", method_room_viewers, {"roomId"}},
	{"room.kick", method_room_kick, {"roomId", "userId"}},
	{"publish.request", method_publish_request, {"roomId"}},
	{"publish.withdraw", method_publish_withdraw, {"roomId"}},
	{"publish.accept", method_publish_accept, {"roomId", "userId"}},
	{"publish.reject", method_publish_reject, {"roomId", "userId"}},
	{"signal", method_signal, {"roomId", "to"}},
	{"stream.publish", method_stream_publish, {"roomId", "sdp"}},
	{"stream.unpublish", method_stream_unpublish, {"roomId", "streamId"}},
	{"stream.subscribe", method_stream_subscribe, {"roomId", "publisherId", "streamId", "sdp"}},
	{"stream.unsubscribe", method_stream_unsubscribe, {"subscriptionId"}},
	{"stream.update", method_stream_update, {NULL}},
	{"ice.candidate", method_ice_candidate, {"candidate"}},
	{"ice.restart", method_ice_restart, {"sdp"}},
};

static int params_check(struct call *call, const char *const *required) {
	static const char *const ids[] = {"roomId", "userId", "publisherId", "streamId", "to"};

	for (size_t i = 0; i < REQUIRED_MAX && required[i] != NULL; i++) {
		if (call_string(call, required[i]) == NULL)
			return call_fail(
				call, PROTOCOL_INVALID_PARAMS, "%s is needed.", required[i]
			);
	}
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		const char *id = call_string(call, ids[i]);

		if (id != NULL && !id_is_valid(id))
			return call_fail(call, PROTOCOL_INVALID_PARAMS, "%s is no id.", ids[i]);
	}
	return 0;
}

int rooms_call(struct call *call, const char *method) {
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		int r;

		if (strcmp(methods[i].name, method) != 0)
			continue;
		r = params_check(call, methods[i].required);
		return r == 0 ? methods[i].run(call) : r;
	}
	return call_fail(call, PROTOCOL_UNKNOWN_METHOD, "There is no method %.64s.", method);
}
