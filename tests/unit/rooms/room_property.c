// SPDX-License-Identifier: BSD-3-Clause

// Random operations on rooms of all types. After each, every member, who knows the room by his
// snapshot and the events since then alone, must know what is true: who publishes, in which order,
// who owns it, which streams live, who asks. No event may come twice, or speak of what no earlier
// one made known. And the rules of the types hold. PLENUM_PROPERTY_OPERATIONS: how many (default
// 50000).

#include "../unit.h"
#include "room.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USERS 12
#define SEEDS 5
#define MAX_PUBLISHERS 4
#define EMPTY_MS 400

// A list of names in an order.
struct names {
	unsigned n;
	char list[ROOM_REQUESTS_MAX][2 * ROOMS_ID_MAX + 2];
};

// What one member knows.
struct view {
	uint64_t session; // 0 = not in the room
	bool publisher, closed;
	struct names publishers;
	char owner[ROOMS_ID_MAX + 1];
	struct names streams; // "user/stream"
	bool paused[ROOM_REQUESTS_MAX], interrupted[ROOM_REQUESTS_MAX];
	struct names requests; // as owner
	uint64_t count;
};

static struct {
	struct room *room;
	enum room_type type;
	struct view views[USERS];
	bool kicked[USERS];
	char creator[ROOMS_ID_MAX + 1]; // the first who published
	uint64_t now_ms, session, count_at_ms;
	bool count_known; // told since the room began
} world;

static uint64_t random_state;

static unsigned random_below(unsigned n) {
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned)((random_state >> 16) % n);
}

static int names_find(const struct names *names, const char *name) {
	for (unsigned i = 0; i < names->n; i++) {
		if (strcmp(names->list[i], name) == 0)
			return (int)i;
	}
	return -1;
}

static unsigned names_add(struct names *names, const char *name) {
	assert_int_equal(names_find(names, name), -1);
	assert_true(names->n < ROOM_REQUESTS_MAX);
	strcpy(names->list[names->n], name);
	return names->n++;
}

// Keeps the order.
static void names_remove(struct names *names, const char *name) {
	const int at = names_find(names, name);

	assert_true(at >= 0);
	names->n--;
	memmove(names->list[at],
		names->list[at + 1],
		(names->n - (unsigned)at) * sizeof(names->list[0]));
}

static const char *user_name(unsigned user) {
	static char names[USERS][8];

	snprintf(names[user], sizeof(names[user]), "u%u", user);
	return names[user];
}

// ---------------------------------------------------------------------------- what a member learns

static void view_stream_remove(struct view *view, const char *name) {
	const int at = names_find(&view->streams, name);
	const size_t n = view->streams.n - 1 - (unsigned)at;

	assert_true(at >= 0);
	memmove(&view->paused[at], &view->paused[at + 1], n * sizeof(bool));
	memmove(&view->interrupted[at], &view->interrupted[at + 1], n * sizeof(bool));
	names_remove(&view->streams, name);
}

static void view_stream_event(struct view *view, const struct room_event *event) {
	char name[2 * ROOMS_ID_MAX + 2];
	int at;

	snprintf(name, sizeof(name), "%s/%s", event->user_id, event->stream_id);
	at = names_find(&view->streams, name);
	assert_true(names_find(&view->publishers, event->user_id) >= 0);
	if (event->type == ROOM_EVENT_STREAM_UNPUBLISHED) {
		view_stream_remove(view, name);
		return;
	}
	if (event->type == ROOM_EVENT_STREAM_PUBLISHED) {
		assert_int_equal(at, -1);
		at = (int)names_add(&view->streams, name);
	} else {
		assert_true(at >= 0);
		// An update that changes nothing is one too many.
		assert_true(
			view->paused[at] != event->paused
			|| view->interrupted[at] != event->interrupted
		);
	}
	view->paused[at] = event->paused;
	view->interrupted[at] = event->interrupted;
}

static void view_left(struct view *view, const char *user) {
	names_remove(&view->publishers, user);
	for (unsigned i = 0; i < view->streams.n; i++) // ended before
		assert_int_not_equal(strncmp(view->streams.list[i], user, strlen(user) + 1), '/');
}

static void view_apply(struct view *view, const char *self, const struct room_event *event) {
	const char *user = event->user_id;

	assert_false(view->closed);
	switch (event->type) {
	case ROOM_EVENT_PUBLISHER_JOINED:
		names_add(&view->publishers, user);
		if (names_find(&view->requests, user) >= 0)
			names_remove(&view->requests, user);
		break;
	case ROOM_EVENT_PUBLISHER_LEFT:
		view_left(view, user);
		break;
	case ROOM_EVENT_OWNER_CHANGED:
		assert_string_not_equal(view->owner, user);
		strcpy(view->owner, user);
		view->requests.n = 0;
		break;
	case ROOM_EVENT_VIEWER_COUNT:
		view->count = event->count;
		break;
	case ROOM_EVENT_CLOSED:
		view->closed = true;
		break;
	case ROOM_EVENT_KICKED:
		assert_string_not_equal(user, self);
		view->session = 0;
		break;
	case ROOM_EVENT_STREAM_PUBLISHED:
	case ROOM_EVENT_STREAM_UPDATED:
	case ROOM_EVENT_STREAM_INTERRUPTED:
	case ROOM_EVENT_STREAM_UNPUBLISHED:
		view_stream_event(view, event);
		break;
	case ROOM_EVENT_REQUESTED:
		assert_string_equal(view->owner, self);
		names_add(&view->requests, user);
		break;
	case ROOM_EVENT_WITHDRAWN:
		assert_string_equal(view->owner, self);
		names_remove(&view->requests, user);
		break;
	case ROOM_EVENT_GRANTED:
		assert_false(view->publisher);
		view->publisher = true;
		break;
	case ROOM_EVENT_REJECTED:
		assert_false(view->publisher);
		break;
	}
}

// As rooms_json.c makes it.
static void view_snapshot(struct view *view, const char *self) {
	const struct room *room = world.room;
	const struct room_member *member = room_member_find(room, self);

	*view = (struct view){
		.session = member->session,
		.publisher = member->role == ROOM_PUBLISHER,
		.count = room_viewer_count(room),
	};
	if (room_owner(room) != NULL)
		strcpy(view->owner, room_owner(room)->user_id);
	for (unsigned i = 0; i < room->n_publishers; i++) {
		const struct room_member *publisher = room->publishers[i];

		names_add(&view->publishers, publisher->user_id);
		for (unsigned k = 0; k < publisher->n_streams; k++) {
			const struct room_stream *stream = &publisher->streams[k];
			char name[2 * ROOMS_ID_MAX + 2];
			unsigned at;

			if (stream->state != ROOM_STREAM_LIVE)
				continue;
			snprintf(name, sizeof(name), "%s/%s", publisher->user_id, stream->id);
			at = names_add(&view->streams, name);
			view->paused[at] = stream->paused;
			view->interrupted[at] = stream->interrupted;
		}
	}
	for (unsigned i = 0; strcmp(view->owner, self) == 0 && i < room->n_requests; i++)
		names_add(&view->requests, room->requests[i]->user_id);
}

// To each whom it concerns, in order.
static void events_deliver(struct room_events *events) {
	assert_false(events->failed);
	for (size_t i = 0; i < events->n; i++) {
		const struct room_event *event = &events->list[i];
		unsigned n = 0;

		for (unsigned user = 0; user < USERS; user++) {
			struct view *view = &world.views[user];

			if (view->session == 0 || view->session == event->but
			    || (event->to != 0 && view->session != event->to))
				continue;
			view_apply(view, user_name(user), event);
			n++;
		}
		assert_true(event->to == 0 || n == 1);
		if (event->type == ROOM_EVENT_VIEWER_COUNT) {
			if (world.count_known)
				assert_true(
					world.now_ms - world.count_at_ms >= ROOM_COUNT_EVERY_MS
				);
			world.count_known = true;
			world.count_at_ms = world.now_ms;
		}
	}
	room_events_clear(events);
}

// ---------------------------------------------------------------------------- what is true

static void check_view(unsigned user) {
	const struct room *room = world.room;
	const struct view *view = &world.views[user];
	const char *self = user_name(user);
	struct view truth;

	view_snapshot(&truth, self);
	assert_int_equal(view->session, truth.session);
	assert_int_equal(view->publisher, truth.publisher);
	assert_int_equal(view->closed, room->closed);
	if (room->closed)
		return; // nobody looks at it any more
	assert_string_equal(view->owner, truth.owner);
	assert_int_equal(view->publishers.n, truth.publishers.n);
	for (unsigned i = 0; i < truth.publishers.n; i++)
		assert_string_equal(view->publishers.list[i], truth.publishers.list[i]);
	assert_int_equal(view->streams.n, truth.streams.n);
	for (unsigned i = 0; i < truth.streams.n; i++) {
		const int at = names_find(&view->streams, truth.streams.list[i]);

		assert_true(at >= 0);
		assert_int_equal(view->paused[at], truth.paused[i]);
		assert_int_equal(view->interrupted[at], truth.interrupted[i]);
	}
	assert_int_equal(view->requests.n, truth.requests.n);
	for (unsigned i = 0; i < truth.requests.n; i++)
		assert_string_equal(view->requests.list[i], truth.requests.list[i]);
	if (world.now_ms - world.count_at_ms >= ROOM_COUNT_EVERY_MS && !room->closed)
		assert_int_equal(view->count, truth.count);
}

static void check_members(void) {
	const struct room *room = world.room;
	const struct room_rules *rules = room_rules(room->type);
	unsigned n_publishers = 0, n_requests = 0;
	struct table_link *link = NULL;
	size_t n_members = 0;

	while ((link = table_next(&room->members, link)) != NULL) {
		const struct room_member *member = table_object(link, struct room_member, link);
		unsigned n_places = 0;

		n_members++;
		for (unsigned i = 0; i < room->n_publishers; i++)
			n_places += room->publishers[i] == member;
		assert_int_equal(n_places, member->role == ROOM_PUBLISHER); // one role
		n_publishers += n_places;
		n_requests += member->requests;
		assert_false(member->requests && member->role == ROOM_PUBLISHER);
		assert_true(rules->viewers || member->role == ROOM_PUBLISHER);
		if (member->role == ROOM_VIEWER || !rules->publishes)
			assert_int_equal(member->n_streams, 0);
		assert_false(room_has_kicked(room, member->user_id));
	}
	assert_int_equal(n_members, room->members.n);
	assert_int_equal(n_publishers, room->n_publishers);
	assert_int_equal(n_requests, room->n_requests);
	assert_true(rules->hands || n_requests == 0);
}

static void check(void) {
	static const unsigned most[] = {MAX_PUBLISHERS, MAX_PUBLISHERS, 1, 2};
	const struct room *room = world.room;

	assert_true(room->n_publishers <= most[room->type]);
	if (room->type == ROOM_P2P)
		assert_true(room->members.n <= 2);
	if (room->type == ROOM_P2M && room->n_publishers > 0)
		assert_string_equal(room->publishers[0]->user_id, world.creator);
	check_members();
	for (unsigned user = 0; user < USERS; user++) {
		const struct room_member *member = room_member_find(room, user_name(user));

		assert_int_equal(room_has_kicked(room, user_name(user)), world.kicked[user]);
		assert_int_equal(world.views[user].session, member != NULL ? member->session : 0);
		if (member != NULL)
			check_view(user);
	}
}

// ---------------------------------------------------------------------------- operations

static void do_join(unsigned user, enum room_role role, struct room_events *events) {
	const uint64_t session = ++world.session;
	uint64_t replaced;
	int r;

	r = room_join(world.room, user_name(user), role, session, world.now_ms, events, &replaced);
	if (world.kicked[user])
		assert_int_equal(r, world.room->closed ? -ESHUTDOWN : -EKEYREJECTED);
	if (r < 0) {
		assert_int_equal(events->n, 0);
		return;
	}
	assert_int_equal(replaced, world.views[user].session);
	world.views[user].session = session;
	for (size_t i = 0; i < events->n; i++) // the joiner has it in his snapshot
		assert_int_equal(events->list[i].but, session);
	events_deliver(events);
	view_snapshot(&world.views[user], user_name(user));
	if (world.creator[0] == '\0' && world.room->n_publishers > 0)
		strcpy(world.creator, user_name(user));
}

static void do_leave(unsigned user, struct room_events *events) {
	if (room_leave(world.room, user_name(user), "left", world.now_ms, events) == 0)
		world.views[user].session = 0;
}

static void do_kick(unsigned by, unsigned user, struct room_events *events) {
	const char *kicker = random_below(8) == 0 ? NULL : user_name(by);
	const bool closed = world.room->closed;

	if (room_kick(world.room, kicker, user_name(user), "", world.now_ms, events) < 0) {
		assert_int_equal(events->n, 0);
		return;
	}
	world.kicked[user] = true;
	assert_int_equal(events->list[0].type, ROOM_EVENT_KICKED);
	assert_int_equal(events->list[0].to, world.views[user].session);
	assert_false(closed);
}

// The owner decides, and knows what he decided.
static void do_decide(unsigned by, unsigned user, struct room_events *events) {
	const struct room_member *owner = room_owner(world.room);
	const char *name = user_name(user), *decider = user_name(by);
	const bool accept = random_below(2);
	int r;

	if (random_below(2) && owner != NULL)
		decider = owner->user_id;
	if (accept)
		r = room_accept(world.room, decider, name, world.now_ms, events);
	else
		r = room_reject(world.room, decider, name, "", events);
	if (r < 0) {
		assert_int_equal(events->n, 0);
		return;
	}
	assert_string_equal(decider, owner->user_id);
	if (!accept)
		names_remove(&world.views[strtoul(decider + 1, NULL, 10)].requests, name);
}

static void step(struct room_events *events) {
	const unsigned a = random_below(USERS), b = random_below(USERS);
	const char *user = user_name(a);
	struct room *room = world.room;
	char stream[8];

	snprintf(stream, sizeof(stream), "s%u", random_below(6));
	switch (random_below(16)) {
	case 0:
	case 1:
		do_join(a, ROOM_VIEWER, events);
		break;
	case 2:
		do_join(a, ROOM_PUBLISHER, events);
		break;
	case 3:
		do_leave(a, events);
		break;
	case 4:
	case 5:
		room_request(room, user, events);
		break;
	case 6:
		room_withdraw(room, user, events);
		break;
	case 7:
	case 8:
	case 9:
		do_decide(a, b, events);
		break;
	case 10:
	case 11:
		room_stream_add(room, user, stream, ++world.session);
		break;
	case 12:
		room_stream_live(room, user, stream, NULL, 0, events);
		break;
	case 13:
		room_stream_end(room, user, stream, "unpublished", events);
		break;
	case 14:
		room_stream_update(
			room, user, stream, random_below(2), random_below(2), "", events
		);
		break;
	case 15:
		if (random_below(20) == 0)
			do_kick(a, b, events);
		break;
	}
	if (random_below(2000) == 0)
		room_close(room, "operator", events);
}

static void room_begin(void) {
	const struct room_limits limits = {
		.max_publishers = MAX_PUBLISHERS,
		.max_members = USERS - 2,
		.empty_ms = EMPTY_MS,
	};
	const uint64_t now_ms = world.now_ms, session = world.session;

	memset(&world, 0, sizeof(world));
	world.now_ms = now_ms;
	world.session = session;
	world.count_at_ms = now_ms;
	world.type = (enum room_type)random_below(ROOM_TYPE_COUNT);
	world.room = room_new("r", world.type, &limits, now_ms, now_ms);
	assert_non_null(world.room);
}

// Now and then everybody is gone for a while, or time jumps.
static uint64_t time_passes(void) {
	switch (random_below(100)) {
	case 0:
		return random_below(2 * EMPTY_MS);
	case 1:
		return 2 * ROOM_COUNT_EVERY_MS;
	default:
		return random_below(3);
	}
}

static void run(unsigned long operations, unsigned n_rooms[ROOM_TYPE_COUNT]) {
	struct room_events events = {0};

	world.now_ms = 1;
	for (unsigned long i = 0; i < operations; i++) {
		unsigned n_kicked = 0;

		if (world.room == NULL) {
			room_begin();
			n_rooms[world.type]++;
		}
		world.now_ms += time_passes();
		step(&events);
		events_deliver(&events);
		room_tick(world.room, world.now_ms, &events);
		events_deliver(&events);
		check();
		for (unsigned user = 0; user < USERS; user++)
			n_kicked += world.kicked[user];
		// When many were kicked nothing happens any more.
		if (world.room->closed || n_kicked > USERS / 2) {
			room_free(world.room);
			world.room = NULL;
		}
	}
	room_free(world.room);
	world.room = NULL;
}

static void test_random_operations(void **) {
	const char *text = getenv("PLENUM_PROPERTY_OPERATIONS");
	const unsigned long operations = text != NULL ? strtoul(text, NULL, 10) : 50000;
	unsigned n_rooms[ROOM_TYPE_COUNT] = {0};

	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		random_state = 88172645463325252ULL * seed;
		run(operations / SEEDS, n_rooms);
	}
	for (unsigned type = 0; type < ROOM_TYPE_COUNT; type++)
		assert_true(n_rooms[type] > 3);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_operations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
