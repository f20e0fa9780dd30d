// SPDX-License-Identifier: BSD-3-Clause

#include "srtp_index.h"

// cmocka.h wants the others before it.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#define INDEX(roc, seq) ((uint64_t)(roc) << 16 | (seq))

static void estimates(void **) {
	static const struct {
		uint64_t highest;
		uint16_t seq;
		uint64_t want;
	} rows[] = {
		// within one roll-over
		{INDEX(0, 100), 101, INDEX(0, 101)},
		{INDEX(0, 100), 99, INDEX(0, 99)},
		{INDEX(5, 100), 100, INDEX(5, 100)},
		{INDEX(5, 0x8000), 0, INDEX(5, 0)},
		{INDEX(5, 0x8000), 0xffff, INDEX(5, 0xffff)},
		// over the wrap, forward
		{INDEX(0, 0xffff), 0, INDEX(1, 0)},
		{INDEX(0, 0xffff), 0x7ffe, INDEX(1, 0x7ffe)},
		{INDEX(0, 0xffff), 0x7fff, INDEX(0, 0x7fff)},
		{INDEX(7, 0x8001), 0, INDEX(8, 0)},
		{INDEX(7, 0x8001), 1, INDEX(7, 1)},
		// over the wrap, back
		{INDEX(1, 0), 0xffff, INDEX(0, 0xffff)},
		{INDEX(1, 10), 0xfff0, INDEX(0, 0xfff0)},
		{INDEX(9, 0), 0x8000, INDEX(9, 0x8000)},
		{INDEX(9, 0), 0x8001, INDEX(8, 0x8001)},
		{INDEX(9, 0x7fff), 0xffff, INDEX(9, 0xffff)},
		// no ROC below 0
		{INDEX(0, 10), 0xfff0, INDEX(0, 0xfff0)},
		// the end of the key
		{INDEX(0xffffffff, 0xffff), 0, UINT64_C(1) << 48},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct srtp_index state = {.highest = rows[i].highest, .started = true};

		if (srtp_index_estimate(&state, rows[i].seq) != rows[i].want)
			fail_msg("row %zu", i);
	}
}

static void first_packet_has_roc_0(void **) {
	const struct srtp_index state = {0};

	assert_int_equal(srtp_index_estimate(&state, 65535), 65535);
	assert_int_equal(srtp_index_check(&state, 65535), SRTP_OK);
	assert_int_equal(srtp_index_check(&state, 0), SRTP_OK);
}

static void window_edges(void **) {
	struct srtp_index state = {0};

	srtp_index_update(&state, 5000);
	assert_int_equal(srtp_index_check(&state, 5000), SRTP_REPLAYED);
	assert_int_equal(srtp_index_check(&state, 4999), SRTP_OK);
	assert_int_equal(srtp_index_check(&state, 5000 - 1023), SRTP_OK);
	assert_int_equal(srtp_index_check(&state, 5000 - 1024), SRTP_TOO_OLD);
	srtp_index_update(&state, 5000 - 1023);
	assert_int_equal(srtp_index_check(&state, 5000 - 1023), SRTP_REPLAYED);
	// Left of the window nothing is marked: the bit there belongs to another packet.
	srtp_index_update(&state, 5000 - 1025);
	assert_int_equal(srtp_index_check(&state, 4999), SRTP_OK);
	// One on: the oldest falls out, its bit is the new packet's.
	assert_int_equal(srtp_index_check(&state, 5001), SRTP_OK);
	srtp_index_update(&state, 5001);
	assert_int_equal(srtp_index_check(&state, 5001), SRTP_REPLAYED);
	assert_int_equal(srtp_index_check(&state, 5000 - 1023), SRTP_TOO_OLD);
	assert_int_equal(srtp_index_check(&state, 5000), SRTP_REPLAYED);
}

static void checking_changes_nothing(void **) {
	struct srtp_index state = {0};

	srtp_index_update(&state, 100);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(srtp_index_check(&state, 101), SRTP_OK);
		assert_int_equal(srtp_index_check(&state, 99), SRTP_OK);
	}
}

static void jumps_clear_the_window(void **) {
	static const uint64_t steps[] = {1, 2, 63, 64, 65, 1022, 1023, 1024, 1025, 2048, 70000};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct srtp_index state = {0};
		uint64_t newest = 10000 + steps[i];

		for (uint64_t index = 8000; index <= 10000; index++)
			srtp_index_update(&state, index);
		srtp_index_update(&state, newest);
		for (uint64_t index = newest - 1023; index <= newest; index++) {
			bool seen = index <= 10000 || index == newest;

			assert_int_equal(
				srtp_index_check(&state, index), seen ? SRTP_REPLAYED : SRTP_OK
			);
		}
	}
}

static void used_up_key(void **) {
	struct srtp_index state = {0};

	srtp_index_update(&state, (UINT64_C(1) << 48) - 1);
	assert_int_equal(srtp_index_check(&state, UINT64_C(1) << 48), SRTP_FAILED);
}

// Three roll-overs with every packet displaced by up to 31 places, some lost, all sent twice.
static void long_stream(void **) {
	static uint8_t seen[4 << 16];
	struct srtp_index state = {0};
	uint32_t random = 1;

	for (uint64_t base = 65000; base < (3 << 16) + 500; base += 32) {
		for (unsigned i = 0; i < 64; i++) {
			uint64_t index = base + (i * 13 + 5) % 32;
			enum srtp_verdict want = seen[index] ? SRTP_REPLAYED : SRTP_OK;

			random = random * 1664525 + 1013904223;
			if (random >> 29 == 0)
				continue;
			assert_int_equal(srtp_index_estimate(&state, (uint16_t)index), index);
			assert_int_equal(srtp_index_check(&state, index), want);
			srtp_index_update(&state, index);
			seen[index] = 1;
		}
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(estimates),
		cmocka_unit_test(first_packet_has_roc_0),
		cmocka_unit_test(window_edges),
		cmocka_unit_test(checking_changes_nothing),
		cmocka_unit_test(jumps_clear_the_window),
		cmocka_unit_test(used_up_key),
		cmocka_unit_test(long_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
