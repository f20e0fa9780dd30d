// SPDX-License-Identifier: BSD-3-Clause

// Random operations on a room. After each, a client that knew the room only by its events must know
// what is true: who publishes, in which order, who owns it, which streams live. And the rules hold.

#include "../unit.h"
#include "room.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USERS 12
#define STEPS 20000
#define MAX_PUBLISHERS 4

struct view {
	unsigned n_publishers;
	char publishers[16][ROOMS_ID_MAX + 1];
	char owner[ROOMS_ID_MAX + 1];
	unsigned n_streams;
	struct {
		char user[ROOMS_ID_MAX + 1], stream[ROOMS_ID_MAX + 1];
	} streams[64];
};

static uint64_t random_state = 88172645463325252ULL;

static unsigned random_below(unsigned n) {
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned)(random_state % n);
}

static int view_stream(const struct view *view, const char *user, const char *stream) {
	for (unsigned i = 0; i < view->n_streams; i++) {
		if (strcmp(view->streams[i].user, user) == 0
		    && strcmp(view->streams[i].stream, stream) == 0)
			return (int)i;
	}
	return -1;
}

static int view_publisher(const struct view *view, const char *user) {
	for (unsigned i = 0; i < view->n_publishers; i++) {
		if (strcmp(view->publishers[i], user) == 0)
			return (int)i;
	}
	return -1;
}

// Order matters: no event speaks of what an earlier one did not make known.
static void view_apply(struct view *view, const struct room_event *event) {
	const char *user = event->user_id;
	int i;

	switch (event->type) {
	case ROOM_EVENT_PUBLISHER_JOINED:
		assert_int_equal(view_publisher(view, user), -1);
		strcpy(view->publishers[view->n_publishers++], user);
		break;
	case ROOM_EVENT_PUBLISHER_LEFT:
		i = view_publisher(view, user);
		assert_true(i >= 0);
		for (unsigned k = 0; k < view->n_streams; k++)
			assert_string_not_equal(view->streams[k].user, user);
		view->n_publishers--;
		memmove(view->publishers[i],
			view->publishers[i + 1],
			(view->n_publishers - (unsigned)i) * sizeof(view->publishers[0]));
		break;
	case ROOM_EVENT_OWNER_CHANGED:
		assert_string_not_equal(view->owner, user);
		assert_true(user[0] == '\0' || view_publisher(view, user) == 0);
		strcpy(view->owner, user);
		break;
	case ROOM_EVENT_STREAM_PUBLISHED:
		assert_int_equal(view_stream(view, user, event->stream_id), -1);
		assert_true(view_publisher(view, user) >= 0);
		strcpy(view->streams[view->n_streams].user, user);
		strcpy(view->streams[view->n_streams++].stream, event->stream_id);
		break;
	case ROOM_EVENT_STREAM_UNPUBLISHED:
		i = view_stream(view, user, event->stream_id);
		assert_true(i >= 0);
		view->streams[i] = view->streams[--view->n_streams];
		break;
	case ROOM_EVENT_STREAM_UPDATED:
	case ROOM_EVENT_STREAM_INTERRUPTED:
		assert_true(view_stream(view, user, event->stream_id) >= 0);
		break;
	default:
		break;
	}
}

static void check(const struct room *room, const struct view *view) {
	struct table_link *link = NULL;
	unsigned n_live = 0, n_publishers = 0;
	size_t n_members = 0;

	assert_true(room->n_publishers <= MAX_PUBLISHERS);
	assert_int_equal(room->n_publishers, view->n_publishers);
	for (unsigned i = 0; i < room->n_publishers; i++)
		assert_string_equal(room->publishers[i]->user_id, view->publishers[i]);
	if (room->n_publishers > 0)
		assert_string_equal(view->owner, view->publishers[0]);
	else
		assert_string_equal(view->owner, "");
	while ((link = table_next(&room->members, link)) != NULL) {
		const struct room_member *member = table_object(link, struct room_member, link);

		n_members++;
		if (member->role == ROOM_PUBLISHER) {
			n_publishers++;
			assert_true(view_publisher(view, member->user_id) >= 0);
			assert_false(member->requests);
		} else {
			assert_int_equal(view_publisher(view, member->user_id), -1);
			assert_int_equal(member->n_streams, 0);
		}
		for (unsigned i = 0; i < member->n_streams; i++) {
			if (member->streams[i].state != ROOM_STREAM_LIVE)
				continue;
			n_live++;
			assert_true(view_stream(view, member->user_id, member->streams[i].id) >= 0);
		}
	}
	assert_int_equal(n_live, view->n_streams);
	assert_int_equal(n_publishers, room->n_publishers);
	assert_int_equal(n_members, room->members.n);
	for (unsigned i = 0; i < room->n_requests; i++) {
		assert_true(room->requests[i]->requests);
		assert_ptr_equal(
			room_member_find(room, room->requests[i]->user_id), room->requests[i]
		);
	}
}

static void step(struct room *room, uint64_t now_ms, struct room_events *events) {
	static uint64_t session = 0;
	char a[8], b[8], s[8];
	uint64_t replaced;

	snprintf(a, sizeof(a), "u%u", random_below(USERS));
	snprintf(b, sizeof(b), "u%u", random_below(USERS));
	snprintf(s, sizeof(s), "s%u", random_below(6));
	switch (random_below(14)) {
	case 0:
	case 1:
		room_join(room, a, ROOM_VIEWER, ++session, now_ms, events, &replaced);
		break;
	case 2:
		room_join(room, a, ROOM_PUBLISHER, ++session, now_ms, events, &replaced);
		break;
	case 3:
		room_leave(room, a, "left", now_ms, events);
		break;
	case 4:
		room_request(room, a, events);
		break;
	case 5:
		room_withdraw(room, a, events);
		break;
	case 6:
		room_accept(room, a, b, now_ms, events);
		break;
	case 7:
		if (room_owner(room) != NULL)
			room_accept(room, room_owner(room)->user_id, b, now_ms, events);
		break;
	case 8:
		room_reject(room, a, b, "", events);
		break;
	case 9:
	case 10:
		room_stream_add(room, a, s, ++session);
		break;
	case 11:
		room_stream_live(room, a, s, NULL, 0, events);
		break;
	case 12:
		room_stream_end(room, a, s, "unpublished", events);
		break;
	case 13:
		if (random_below(40) == 0)
			room_kick(room, a, b, "", now_ms, events);
		else
			room_stream_update(
				room, a, s, random_below(2), random_below(2), "", events
			);
		break;
	}
}

static void test_random_operations(void **) {
	const struct room_limits limits = {
		.max_publishers = MAX_PUBLISHERS,
		.max_members = USERS,
		.empty_ms = 50,
	};
	struct room *room = NULL;
	struct view view;
	unsigned n_rooms = 0;

	for (uint64_t now_ms = 1; now_ms < STEPS; now_ms++) {
		struct room_events events = {0};

		if (room == NULL) {
			room = room_new("r", ROOM_M2M, &limits, now_ms, now_ms);
			memset(&view, 0, sizeof(view));
			n_rooms++;
		}
		step(room, now_ms, &events);
		room_tick(room, now_ms, &events);
		assert_false(events.failed);
		for (size_t i = 0; i < events.n; i++)
			view_apply(&view, &events.list[i]);
		check(room, &view);
		room_events_clear(&events);
		// When everybody was kicked at last, the next room begins.
		if (room->closed || room->kicked.n > USERS / 2) {
			room_free(room);
			room = NULL;
		}
	}
	room_free(room);
	assert_true(n_rooms > 3);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_operations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
