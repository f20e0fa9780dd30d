// SPDX-License-Identifier: BSD-3-Clause

// Sessions, tables and the store.

#include "participant.h"

#include "../unit.h"
#include "store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN "0123456789abcdef0123456789abcdef"

static const struct rooms_identity ann = {.user_id = "ann", .room = "*"};
static const struct rooms_identity bob = {.user_id = "bob", .room = "*"};

static void test_resume(void **) {
	struct participant *participant = participant_new(1, 2, &ann, TOKEN);
	const struct {
		const char *token;
		const struct rooms_identity *identity;
		bool expected;
	} cases[] = {
		{TOKEN, &ann, true},
		{TOKEN, &bob, false}, // a stolen token alone opens nothing
		{"0123456789abcdef0123456789abcdee", &ann, false},
		{"0123456789abcdef", &ann, false},
		{TOKEN "0", &ann, false},
		{"", &ann, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(
			participant_may_resume(participant, cases[i].identity, cases[i].token),
			cases[i].expected
		);
	participant_free(participant);
	participant_free(NULL);
}

static void test_identity(void **) {
	static const struct {
		const char *pattern, *room;
		bool expected;
	} cases[] = {
		{"*", "anything", true},
		{"demo", "demo", true},
		{"demo", "demo2", false},
		{"demo2", "demo", false},
		{"team-*", "team-a", true},
		{"team-*", "team-", true},
		{"team-*", "team", false},
		{"team-*", "xteam-a", false},
		{"", "demo", false},
	};
	struct rooms_identity identity = {.expires_at = 1000};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		strcpy(identity.room, cases[i].pattern);
		assert_int_equal(identity_opens_room(&identity, cases[i].room), cases[i].expected);
	}
	assert_false(identity_expired(&identity, 1060));
	assert_true(identity_expired(&identity, 1061));
	identity.expires_at = INT64_MAX;
	assert_false(identity_expired(&identity, 1061));
	assert_true(id_is_valid("A-z_0.9@"));
	assert_false(id_is_valid(""));
	assert_false(id_is_valid("a b"));
	assert_false(id_is_valid("a/b"));
	assert_false(id_is_valid("<script>"));
}

static void test_rooms_of_participant(void **) {
	struct participant *participant = participant_new(1, 2, &ann, TOKEN);
	struct room *room[PARTICIPANT_ROOMS_MAX + 1];

	for (unsigned i = 0; i <= PARTICIPANT_ROOMS_MAX; i++) {
		room[i] = calloc(1, sizeof(struct room));
		assert_int_equal(
			participant_enter(participant, room[i]),
			i < PARTICIPANT_ROOMS_MAX ? 0 : -ENOSPC
		);
	}
	assert_int_equal(participant_enter(participant, room[0]), 0);
	participant_exit(participant, room[3]);
	assert_false(participant_is_in(participant, room[3]));
	assert_true(participant_is_in(participant, room[7]));
	assert_int_equal(participant->n_rooms, PARTICIPANT_ROOMS_MAX - 1);
	for (unsigned i = 0; i <= PARTICIPANT_ROOMS_MAX; i++)
		free(room[i]);
	participant_free(participant);
}

static void test_media(void **) {
	struct participant *participant = participant_new(1, 2, &ann, TOKEN);
	struct media *publication, *watcher;

	publication = media_new(participant, NULL, MEDIA_PUBLISH, 1);
	watcher = media_new(participant, NULL, MEDIA_WATCH, 2);
	media_watch(watcher, publication);
	assert_ptr_equal(LIST_FIRST(&publication->watchers), watcher);
	publication->n_tracks = 2;
	assert_false(media_interrupted(publication)); // nothing came yet
	publication->was_active = true;
	assert_true(media_interrupted(publication));
	publication->tracks[1].active = true;
	assert_false(media_interrupted(publication));
	media_free(publication);
	assert_null(watcher->publication);
	media_free(watcher);
	assert_int_equal(participant->n_media, 0);
	for (unsigned i = 0; i < PARTICIPANT_CONNECTING_MAX; i++)
		assert_non_null(media_new(participant, NULL, MEDIA_WATCH, i + 1));
	assert_null(media_new(participant, NULL, MEDIA_WATCH, 9999));
	assert_int_equal(errno, EBUSY);
	LIST_FOREACH (watcher, &participant->media, of_participant)
		watcher->state = MEDIA_CONNECTED;
	for (unsigned i = PARTICIPANT_CONNECTING_MAX; i < PARTICIPANT_MEDIA_MAX; i++) {
		watcher = media_new(participant, NULL, MEDIA_WATCH, i + 1);
		assert_non_null(watcher);
		watcher->state = MEDIA_CONNECTED;
	}
	assert_null(media_new(participant, NULL, MEDIA_WATCH, 9999));
	assert_int_equal(errno, ENOSPC);
	while ((watcher = LIST_FIRST(&participant->media)) != NULL)
		media_free(watcher);
	participant_free(participant);
}

static void test_table(void **) {
	static struct object {
		struct table_link link;
		char name[16];
	} objects[1000];
	struct table names, numbers;
	unsigned n = 0;

	table_init(&names, 42);
	table_init(&numbers, 42);
	assert_null(table_find_name(&names, "none"));
	assert_null(table_next(&names, NULL));
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(objects[i].name, sizeof(objects[i].name), "user%u", i);
		assert_int_equal(table_add_name(&names, &objects[i].link, objects[i].name), 0);
	}
	for (unsigned i = 0; i < 1000; i += 2)
		table_remove(&names, &objects[i].link);
	for (unsigned i = 0; i < 1000; i++) {
		struct table_link *link = table_find_name(&names, objects[i].name);

		assert_ptr_equal(link, i % 2 ? &objects[i].link : NULL);
	}
	for (struct table_link *link = NULL; (link = table_next(&names, link)) != NULL;)
		n++;
	assert_int_equal(n, 500);
	assert_int_equal(names.n, 500);
	for (unsigned i = 0; i < 1000; i += 2)
		assert_int_equal(
			table_add_number(&numbers, &objects[i].link, (uint64_t)i << 32), 0
		);
	assert_ptr_equal(table_find_number(&numbers, 998ULL << 32), &objects[998].link);
	assert_null(table_find_number(&numbers, 999ULL << 32));
	table_clear(&names);
	table_clear(&numbers);
}

static void test_store(void **) {
	const struct room_limits limits = {.max_publishers = 9, .max_members = 9};
	struct store *store = store_memory_new(2, 1);
	struct room *a = room_new("a", ROOM_M2M, &limits, 0, 1);
	struct room *b = room_new("b", ROOM_M2M, &limits, 0, 1);
	struct room *c = room_new("c", ROOM_M2M, &limits, 0, 1);
	struct room *again = room_new("a", ROOM_M2M, &limits, 0, 1);
	struct room *room = NULL;
	unsigned n = 0;

	assert_int_equal(store_add(store, a), 0);
	assert_int_equal(store_add(store, again), -EEXIST);
	assert_int_equal(store_add(store, b), 0);
	assert_int_equal(store_add(store, c), -ENOSPC);
	assert_ptr_equal(store_find(store, "b"), b);
	assert_null(store_find(store, "c"));
	while ((room = store_next(store, room)) != NULL)
		n++;
	assert_int_equal(n, 2);
	store_remove(store, b);
	assert_null(store_find(store, "b"));
	assert_int_equal(store_count(store), 1);
	room_free(c);
	room_free(again);
	store_free(store);
	store_free(NULL);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resume),
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_rooms_of_participant),
		cmocka_unit_test(test_media),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
