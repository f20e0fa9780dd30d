// SPDX-License-Identifier: BSD-3-Clause

// The rules of a room, one by one.

#include "room.h"

#include "../unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct room_limits limits = {
	.max_publishers = 3,
	.max_members = 8,
	.empty_ms = 30000,
};

struct fixture {
	struct room *room;
	struct room_events events;
	uint64_t replaced;
};

static int setup(void **state) {
	static struct fixture f;

	f = (struct fixture){.room = room_new("r", ROOM_M2M, &limits, 1000, 1)};
	*state = &f;
	return f.room != NULL ? 0 : -1;
}

static int teardown(void **state) {
	struct fixture *f = *state;

	room_events_clear(&f->events);
	room_free(f->room);
	return 0;
}

// Sessions are numbers made of the user's first letter: 'a' is 97.
static int join(struct fixture *f, const char *user, enum room_role role) {
	return room_join(f->room, user, role, (uint64_t)user[0], 1000, &f->events, &f->replaced);
}

// The events so far, as text: "method>to:user/stream(reason)" with spaces between; then forgotten.
static const char *events(struct fixture *f) {
	static char text[2048];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < f->events.n; i++) {
		const struct room_event *event = &f->events.list[i];

		n += (size_t)snprintf(
			text + n,
			sizeof(text) - n,
			"%s%s",
			i > 0 ? " " : "",
			room_event_method(event->type)
		);
		if (event->to != 0)
			n += (size_t)snprintf(text + n, sizeof(text) - n, ">%c", (int)event->to);
		if (event->but != 0)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "-%c", (int)event->but);
		n += (size_t)snprintf(text + n, sizeof(text) - n, ":%s", event->user_id);
		if (event->stream_id[0] != '\0')
			n += (size_t)snprintf(text + n, sizeof(text) - n, "/%s", event->stream_id);
		if (event->reason[0] != '\0')
			n += (size_t)snprintf(text + n, sizeof(text) - n, "(%s)", event->reason);
	}
	room_events_clear(&f->events);
	return text;
}

static void test_ownership(void **state) {
	struct fixture *f = *state;

	assert_int_equal(join(f, "ann", ROOM_PUBLISHER), 0);
	assert_string_equal(events(f), "room.publisher_joined-a:ann room.owner_changed-a:ann");
	assert_int_equal(join(f, "bob", ROOM_PUBLISHER), 0);
	assert_string_equal(events(f), "room.publisher_joined-b:bob");
	assert_int_equal(join(f, "cat", ROOM_PUBLISHER), 0);
	assert_int_equal(join(f, "dan", ROOM_PUBLISHER), -ENOSPC);
	assert_int_equal(join(f, "dan", ROOM_VIEWER), 0);
	assert_string_equal(room_owner(f->room)->user_id, "ann");
	events(f);

	assert_int_equal(room_leave(f->room, "bob", "left", 2000, &f->events), 0);
	assert_string_equal(events(f), "room.publisher_left:bob(left)");
	assert_int_equal(room_leave(f->room, "ann", "left", 2000, &f->events), 0);
	assert_string_equal(events(f), "room.publisher_left:ann(left) room.owner_changed:cat");
	assert_int_equal(room_leave(f->room, "cat", "lost", 3000, &f->events), 0);
	assert_string_equal(events(f), "room.publisher_left:cat(lost) room.owner_changed:");
	assert_null(room_owner(f->room));
	assert_int_equal(room_leave(f->room, "cat", "left", 3000, &f->events), -ENOENT);
	assert_int_equal(room_viewer_count(f->room), 1);
}

static void test_rejoin_keeps_seniority(void **state) {
	struct fixture *f = *state;

	join(f, "ann", ROOM_PUBLISHER);
	join(f, "bob", ROOM_PUBLISHER);
	events(f);
	// The same user by another session: the place stays, the role asked for does not matter.
	assert_int_equal(
		room_join(f->room, "ann", ROOM_VIEWER, 'x', 1000, &f->events, &f->replaced), 0
	);
	assert_int_equal(f->replaced, 'a');
	assert_string_equal(events(f), "");
	assert_string_equal(room_owner(f->room)->user_id, "ann");
	assert_int_equal(room_owner(f->room)->session, 'x');
	assert_int_equal(
		room_join(f->room, "ann", ROOM_VIEWER, 'x', 1000, &f->events, &f->replaced), 0
	);
	assert_int_equal(f->replaced, 0);
}

static void test_limits(void **state) {
	struct fixture *f = *state;
	char user[8];

	for (unsigned i = 0; i < limits.max_members; i++) {
		snprintf(user, sizeof(user), "%c", 'a' + i);
		assert_int_equal(join(f, user, ROOM_VIEWER), 0);
	}
	assert_int_equal(join(f, "z", ROOM_VIEWER), -EUSERS);
	assert_int_equal(join(f, "a", ROOM_VIEWER), 0);
	assert_null(room_new("r", ROOM_M2M, &(struct room_limits){0}, 0, 0));
	assert_int_equal(errno, EINVAL);
}

static void test_streams(void **state) {
	const struct room_track tracks[] = {
		{PLM_KIND_AUDIO, PLM_CODEC_OPUS},
		{PLM_KIND_VIDEO, PLM_CODEC_VP8},
	};
	struct fixture *f = *state;
	struct room *room = f->room;

	join(f, "ann", ROOM_PUBLISHER);
	join(f, "vic", ROOM_VIEWER);
	events(f);
	assert_int_equal(room_stream_add(room, "vic", "s", 1), -EPERM);
	assert_int_equal(room_stream_add(room, "nob", "s", 1), -ENOENT);
	assert_int_equal(room_stream_add(room, "ann", "s", 1), 0);
	assert_int_equal(room_stream_add(room, "ann", "s", 2), -EEXIST);
	assert_int_equal(room_stream_update(room, "ann", "s", true, false, NULL, &f->events), 0);
	assert_string_equal(events(f), ""); // nobody knows it yet
	assert_int_equal(room_stream_live(room, "ann", "s", tracks, 2, &f->events), 0);
	assert_int_equal(f->events.list[0].n_tracks, 2);
	assert_int_equal(f->events.list[0].tracks[1].codec, PLM_CODEC_VP8);
	assert_true(f->events.list[0].paused);
	assert_string_equal(events(f), "stream.published:ann/s");
	assert_int_equal(room_stream_live(room, "ann", "s", tracks, 2, &f->events), 0);
	assert_string_equal(events(f), "");

	room_stream_update(room, "ann", "s", false, true, "no_media", &f->events);
	assert_string_equal(events(f), "stream.interrupted:ann/s(no_media)");
	room_stream_update(room, "ann", "s", false, true, "no_media", &f->events);
	assert_string_equal(events(f), "");
	room_stream_update(room, "ann", "s", false, false, "", &f->events);
	assert_string_equal(events(f), "stream.updated:ann/s");

	for (unsigned i = 1; i < ROOM_STREAMS_MAX; i++) {
		char id[8];

		snprintf(id, sizeof(id), "t%u", i);
		assert_int_equal(room_stream_add(room, "ann", id, i), 0);
	}
	assert_int_equal(room_stream_add(room, "ann", "u", 9), -ENOSPC);
	assert_int_equal(room_stream_end(room, "ann", "t1", "failed", &f->events), 0);
	assert_string_equal(events(f), "");
	assert_int_equal(room_stream_end(room, "ann", "t1", "failed", &f->events), -ENOENT);
	room_stream_live(room, "ann", "t2", tracks, 1, &f->events);
	events(f);
	// Leaving ends what lives, in silence what does not.
	room_leave(room, "ann", "left", 2000, &f->events);
	assert_string_equal(
		events(f),
		"stream.unpublished:ann/s(left) stream.unpublished:ann/t2(left) "
		"room.publisher_left:ann(left) room.owner_changed:"
	);
}

static void test_raised_hands(void **state) {
	struct fixture *f = *state;
	struct room *room = f->room;

	join(f, "ann", ROOM_PUBLISHER);
	join(f, "bob", ROOM_PUBLISHER);
	join(f, "vic", ROOM_VIEWER);
	join(f, "wim", ROOM_VIEWER);
	join(f, "xia", ROOM_VIEWER);
	events(f);
	assert_int_equal(room_request(room, "vic", &f->events), 0);
	assert_string_equal(events(f), "publish.requested>a:vic");
	assert_int_equal(room_request(room, "vic", &f->events), -EALREADY);
	assert_int_equal(room_request(room, "bob", &f->events), -EALREADY);
	assert_int_equal(room_request(room, "nob", &f->events), -ENOENT);
	assert_int_equal(room_request(room, "wim", &f->events), 0);
	assert_int_equal(room_request(room, "xia", &f->events), 0);
	events(f);
	assert_int_equal(room_accept(room, "bob", "vic", 1000, &f->events), -EPERM);
	assert_int_equal(room_accept(room, "vic", "vic", 1000, &f->events), -EPERM);
	assert_int_equal(room_accept(room, "ann", "bob", 1000, &f->events), -ENOENT);
	assert_string_equal(events(f), "");
	assert_int_equal(room_accept(room, "ann", "vic", 1000, &f->events), 0);
	assert_string_equal(events(f), "publish.granted>v:vic room.publisher_joined:vic");
	// Full: the request stays open.
	assert_int_equal(room_accept(room, "ann", "wim", 1000, &f->events), -ENOSPC);
	assert_true(room_member_find(room, "wim")->requests);
	// The new owner receives the open ones.
	room_leave(room, "ann", "left", 1000, &f->events);
	assert_string_equal(
		events(f),
		"room.publisher_left:ann(left) room.owner_changed:bob "
		"publish.requested>b:wim publish.requested>b:xia"
	);
	assert_int_equal(room_reject(room, "bob", "wim", "no", &f->events), 0);
	assert_string_equal(events(f), "publish.rejected>w:wim(no)");
	assert_int_equal(room_reject(room, "bob", "wim", "no", &f->events), -ENOENT);
	assert_int_equal(room_withdraw(room, "xia", &f->events), 0);
	assert_string_equal(events(f), "publish.withdrawn>b:xia");
	assert_int_equal(room_withdraw(room, "xia", &f->events), -ENOENT);
	room_request(room, "wim", &f->events);
	events(f);
	room_leave(room, "wim", "left", 1000, &f->events);
	assert_string_equal(events(f), "publish.withdrawn>b:wim");
}

static void test_kick(void **state) {
	struct fixture *f = *state;
	struct room *room = f->room;

	join(f, "ann", ROOM_PUBLISHER);
	join(f, "bob", ROOM_PUBLISHER);
	join(f, "vic", ROOM_VIEWER);
	room_stream_add(room, "ann", "s", 1);
	room_stream_live(room, "ann", "s", NULL, 0, &f->events);
	events(f);
	assert_int_equal(room_kick(room, "vic", "bob", "", 1000, &f->events), -EPERM);
	assert_int_equal(room_kick(room, "ann", "ann", "", 1000, &f->events), -EINVAL);
	assert_int_equal(room_kick(room, "ann", "nob", "", 1000, &f->events), -ENOENT);
	assert_int_equal(room_kick(room, "nob", "ann", "", 1000, &f->events), -ENOENT);
	assert_int_equal(room_kick(room, "bob", "vic", "rude", 1000, &f->events), 0);
	assert_string_equal(events(f), "room.kicked>v:bob(rude)");
	assert_int_equal(join(f, "vic", ROOM_VIEWER), -EKEYREJECTED);
	// Publishers may remove the owner too.
	assert_int_equal(room_kick(room, "bob", "ann", "", 1000, &f->events), 0);
	assert_string_equal(
		events(f),
		"room.kicked>a:bob stream.unpublished:ann/s(kicked) "
		"room.publisher_left:ann(kicked) room.owner_changed:bob"
	);
	assert_int_equal(join(f, "ann", ROOM_PUBLISHER), -EKEYREJECTED);
}

// No kick is forgotten while the room lives; rather is the one too many refused.
static void test_kicked_are_bounded(void **state) {
	struct fixture *f = *state;
	char user[16];

	join(f, "ann", ROOM_PUBLISHER);
	for (unsigned i = 0; i < ROOM_KICKED_MAX; i++) {
		snprintf(user, sizeof(user), "v%u", i);
		assert_int_equal(join(f, user, ROOM_VIEWER), 0);
		assert_int_equal(room_kick(f->room, "ann", user, "", 1, &f->events), 0);
	}
	assert_int_equal(join(f, "wim", ROOM_VIEWER), 0);
	assert_int_equal(room_kick(f->room, "ann", "wim", "", 1, &f->events), -ENOSPC);
	assert_non_null(room_member_find(f->room, "wim"));
	assert_int_equal(join(f, "v0", ROOM_VIEWER), -EKEYREJECTED);
	assert_int_equal(join(f, "v9999", ROOM_VIEWER), -EKEYREJECTED);
}

static void room_retype(struct fixture *f, enum room_type type) {
	room_free(f->room);
	f->room = room_new("r", type, &limits, 1000, 1);
	assert_non_null(f->room);
}

static void test_call(void **state) {
	struct fixture *f = *state;

	room_retype(f, ROOM_P2P);
	assert_int_equal(f->room->max_publishers, 2);
	assert_int_equal(join(f, "ann", ROOM_PUBLISHER), 0);
	events(f);
	assert_int_equal(join(f, "bob", ROOM_VIEWER), 0); // there are no viewers
	assert_string_equal(events(f), "room.publisher_joined-b:bob");
	assert_int_equal(room_member_find(f->room, "bob")->role, ROOM_PUBLISHER);
	assert_string_equal(room_owner(f->room)->user_id, "ann");
	assert_int_equal(join(f, "cat", ROOM_VIEWER), -ENOSPC);
	assert_int_equal(join(f, "cat", ROOM_PUBLISHER), -ENOSPC);
	assert_int_equal(room_stream_add(f->room, "ann", "s", 1), -ENOTSUP);
	assert_int_equal(room_request(f->room, "bob", &f->events), -ENOTSUP);
	assert_int_equal(room_kick(f->room, "ann", "bob", "", 1, &f->events), -ENOTSUP);
	assert_string_equal(events(f), "");
	// The caller comes back by another session: the call goes on.
	assert_int_equal(
		room_join(f->room, "ann", ROOM_PUBLISHER, 'x', 1, &f->events, &f->replaced), 0
	);
	assert_false(f->room->closed);
	assert_int_equal(room_leave(f->room, "ann", "left", 2000, &f->events), 0);
	assert_string_equal(events(f), "room.publisher_left:ann(left) room.closed:(peer_left)");
	assert_int_equal(join(f, "ann", ROOM_PUBLISHER), -ESHUTDOWN);
}

static void test_broadcast(void **state) {
	struct fixture *f = *state;
	struct room *room;

	room_retype(f, ROOM_P2M);
	room = f->room;
	assert_int_equal(room->max_publishers, 1);
	assert_int_equal(join(f, "ann", ROOM_PUBLISHER), 0);
	assert_int_equal(join(f, "bob", ROOM_PUBLISHER), -EPERM);
	assert_int_equal(join(f, "bob", ROOM_VIEWER), 0);
	assert_int_equal(join(f, "cat", ROOM_VIEWER), 0);
	events(f);
	assert_int_equal(room_request(room, "bob", &f->events), -ENOTSUP);
	assert_int_equal(room_withdraw(room, "bob", &f->events), -ENOTSUP);
	assert_int_equal(room_accept(room, "ann", "bob", 1, &f->events), -ENOTSUP);
	assert_int_equal(room_reject(room, "ann", "bob", "", &f->events), -ENOTSUP);
	assert_int_equal(room_kick(room, "bob", "cat", "", 1, &f->events), -EPERM);
	assert_int_equal(room_kick(room, "ann", "cat", "", 1, &f->events), 0);
	assert_string_equal(events(f), "room.kicked>c:ann");
	assert_int_equal(room_stream_add(room, "ann", "s", 1), 0);
	// The place waits for its creator alone.
	room_leave(room, "ann", "lost", 2000, &f->events);
	assert_int_equal(join(f, "dan", ROOM_PUBLISHER), -EPERM);
	assert_int_equal(join(f, "ann", ROOM_PUBLISHER), 0);
	assert_string_equal(room_owner(room)->user_id, "ann");
}

// The operator may throw everyone out of everything.
static void test_operator_kicks(void **state) {
	struct fixture *f = *state;

	room_retype(f, ROOM_P2P);
	join(f, "ann", ROOM_PUBLISHER);
	join(f, "bob", ROOM_PUBLISHER);
	events(f);
	assert_int_equal(room_kick(f->room, NULL, "cat", "", 1, &f->events), -ENOENT);
	assert_int_equal(room_kick(f->room, NULL, "ann", "abuse", 1, &f->events), 0);
	assert_string_equal(
		events(f),
		"room.kicked>a:(abuse) room.publisher_left:ann(kicked) room.closed:(peer_left)"
	);
}

static void test_time(void **state) {
	struct fixture *f = *state;
	struct room *room = f->room;

	// Made at 1000, nobody publishes.
	join(f, "vic", ROOM_VIEWER);
	assert_int_equal(room_tick(room, 2000, &f->events), 31000);
	assert_string_equal(events(f), "room.viewer_count:");
	join(f, "wim", ROOM_VIEWER);
	assert_int_equal(room_tick(room, 2500, &f->events), 3000);
	assert_string_equal(events(f), "");
	join(f, "ann", ROOM_PUBLISHER);
	events(f);
	room_tick(room, 3000, &f->events);
	assert_int_equal(f->events.n, 1);
	assert_int_equal(f->events.list[0].count, 2);
	events(f);
	assert_int_equal(room_tick(room, 99999, &f->events), UINT64_MAX);
	assert_string_equal(events(f), "");
	room_leave(room, "ann", "left", 100000, &f->events);
	events(f);
	assert_int_equal(room_tick(room, 129999, &f->events), 130000);
	join(f, "bob", ROOM_PUBLISHER); // one returns
	room_leave(room, "bob", "left", 140000, &f->events);
	events(f);
	room_tick(room, 169999, &f->events);
	assert_false(room->closed);
	room_tick(room, 170000, &f->events);
	assert_true(room->closed);
	assert_string_equal(events(f), "room.closed:(no_publisher)");
	assert_int_equal(join(f, "cat", ROOM_VIEWER), -ESHUTDOWN);
	room_tick(room, 180000, &f->events);
	room_close(room, "again", &f->events);
	assert_string_equal(events(f), "");
}

static void count_viewer(void *user, const struct room_member *member) {
	assert_int_equal(member->role, ROOM_VIEWER);
	(*(unsigned *)user)++;
}

static void test_viewers_page(void **) {
	const struct room_limits many = {.max_publishers = 9, .max_members = 5000};
	struct room *room = room_new("r", ROOM_M2M, &many, 0, 7);
	struct room_events list = {0};
	unsigned n = 0, pages = 0;
	uint64_t replaced;
	size_t cursor = 0;
	char user[16];
	bool more;

	for (unsigned i = 0; i < 1000; i++) {
		snprintf(user, sizeof(user), "v%u", i);
		assert_int_equal(room_join(room, user, ROOM_VIEWER, i + 1, 0, &list, &replaced), 0);
	}
	assert_int_equal(room_join(room, "p", ROOM_PUBLISHER, 5000, 0, &list, &replaced), 0);
	do {
		more = room_viewers_page(room, &cursor, 100, count_viewer, &n);
		pages++;
	} while (more);
	assert_int_equal(n, 1000);
	assert_in_range(pages, 8, 11);
	cursor = 999999; // of a client's own making
	assert_false(room_viewers_page(room, &cursor, 100, count_viewer, &n));
	assert_int_equal(n, 1000);
	room_events_clear(&list);
	room_free(room);
}

static void test_long_reason(void **state) {
	struct fixture *f = *state;
	char reason[300];

	// Two-byte characters, so that the cut falls into one.
	for (size_t i = 0; i + 1 < sizeof(reason); i += 2)
		memcpy(&reason[i], "\xc3\xa9", 2);
	reason[298] = '\0';
	join(f, "ann", ROOM_PUBLISHER);
	join(f, "vic", ROOM_VIEWER);
	events(f);
	room_kick(f->room, "ann", "vic", reason, 0, &f->events);
	assert_int_equal(strlen(f->events.list[0].reason), 126);
}

static void test_names(void **) {
	enum room_type type;

	assert_int_equal(room_type_from_name("a2m", &type), 0);
	assert_int_equal(type, ROOM_A2M);
	assert_int_equal(room_type_from_name("x", &type), -EINVAL);
	assert_string_equal(room_type_name(ROOM_P2P), "p2p");
}

int main(void) {
#define ROOM_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		ROOM_TEST(test_ownership),
		ROOM_TEST(test_rejoin_keeps_seniority),
		ROOM_TEST(test_limits),
		ROOM_TEST(test_streams),
		ROOM_TEST(test_raised_hands),
		ROOM_TEST(test_kick),
		ROOM_TEST(test_kicked_are_bounded),
		ROOM_TEST(test_call),
		ROOM_TEST(test_broadcast),
		ROOM_TEST(test_operator_kicks),
		ROOM_TEST(test_time),
		ROOM_TEST(test_long_reason),
		cmocka_unit_test(test_viewers_page),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
