// SPDX-License-Identifier: BSD-3-Clause

#include "rtx_cache.h"

// cmocka.h wants the others before it.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <string.h>

#define SLOTS 16

// Packets are only pointers here: element k stands for packet k.
static char packets[70000];

static void sizes(void **) {
	static const struct {
		uint32_t n;
		int want;
	} rows[] = {
		{0, -EINVAL},
		{1, -EINVAL},
		{8, -EINVAL},
		{16, 0},
		{17, -EINVAL},
		{1024, 0},
		{32768, 0},
		{65536, -EINVAL},
	};
	struct rtx_slot slots[SLOTS] = {0};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rtx_cache cache;

		assert_int_equal(rtx_cache_init(&cache, slots, rows[i].n), rows[i].want);
	}
}

// Puts one after the other; what comes back and what is found then.
static void replaces(void **) {
	static const struct {
		uint16_t seq;
		int displaced; // -1 none, else the index of an earlier row
	} rows[] = {
		{10, -1},
		{11, -1},
		{10 + 16, 0}, // newer in the slot of 10
		{10, 3}, // older than what is there: itself
		{10 + 16, 2}, // a second copy
		{65530, -1},
		{65530 + 16 - 65536, 5}, // over the wrap
		{65530, 7},
	};
	struct rtx_slot slots[SLOTS] = {0};
	struct rtx_cache cache;

	assert_int_equal(rtx_cache_init(&cache, slots, SLOTS), 0);
	// 65530 % 16 is 10: another cache for the wrap.
	for (int i = 0; i < 8; i++) {
		void *back;

		if (i == 5) {
			memset(slots, 0, sizeof(slots));
			assert_int_equal(rtx_cache_init(&cache, slots, SLOTS), 0);
		}
		back = rtx_cache_put(&cache, rows[i].seq, &packets[i], 1);
		assert_ptr_equal(back, rows[i].displaced < 0 ? NULL : &packets[rows[i].displaced]);
		if (back != &packets[i])
			assert_ptr_equal(rtx_cache_get(&cache, rows[i].seq, 1, 0), &packets[i]);
		else
			assert_null(rtx_cache_get(&cache, rows[i].seq, 1, 0));
	}
	assert_int_equal(cache.used, 1);
}

static void age(void **) {
	struct rtx_slot slots[SLOTS] = {0};
	struct rtx_cache cache;

	rtx_cache_init(&cache, slots, SLOTS);
	rtx_cache_put(&cache, 7, packets, 1000);
	assert_ptr_equal(rtx_cache_get(&cache, 7, 1500, 500), packets);
	assert_null(rtx_cache_get(&cache, 7, 1501, 500));
	assert_ptr_equal(rtx_cache_get(&cache, 7, 1000000, 0), packets);
	assert_ptr_equal(rtx_cache_get(&cache, 7, 900, 1), packets); // a clock of another core
	assert_null(rtx_cache_get(&cache, 7 + 16, 1000, 0));
	assert_null(rtx_cache_get(&cache, 8, 1000, 0));
}

// Over the wrap: the newest SLOTS are there, and each packet is handed back exactly once.
static void long_stream(void **) {
	struct rtx_slot slots[SLOTS] = {0};
	struct rtx_cache cache;
	void *back;
	int n_popped = 0;

	rtx_cache_init(&cache, slots, SLOTS);
	for (unsigned i = 0; i < 70000; i++) {
		back = rtx_cache_put(&cache, (uint16_t)(i + 60000), &packets[i], i);
		assert_ptr_equal(back, i < SLOTS ? NULL : &packets[i - SLOTS]);
	}
	for (unsigned i = 70000 - SLOTS; i < 70000; i++)
		assert_ptr_equal(
			rtx_cache_get(&cache, (uint16_t)(i + 60000), 70000, 0), &packets[i]
		);
	assert_null(rtx_cache_get(&cache, (uint16_t)(70000 - SLOTS - 1 + 60000), 70000, 0));
	assert_int_equal(cache.used, SLOTS);
	while ((back = rtx_cache_pop(&cache)) != NULL) {
		char *packet = back;

		assert_true(packet >= &packets[70000 - SLOTS]);
		assert_int_equal(*packet, 0);
		*packet = 1;
		n_popped++;
	}
	assert_int_equal(n_popped, SLOTS);
	assert_int_equal(cache.used, 0);
	// Usable again.
	assert_null(rtx_cache_put(&cache, 3, packets, 0));
	assert_ptr_equal(rtx_cache_pop(&cache), packets);
	assert_null(rtx_cache_pop(&cache));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(replaces),
		cmocka_unit_test(age),
		cmocka_unit_test(long_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
