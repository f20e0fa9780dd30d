// SPDX-License-Identifier: BSD-3-Clause

#include "consent.h"

// cmocka.h wants the others before it.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#define S UINT64_C(1000000)
#define T0 (100 * S)

// A transaction id that says which check it is of.
static const uint8_t *txid(uint8_t number) {
	static uint8_t id[CONSENT_TXID_LEN];

	memset(id, 0xc0, sizeof(id));
	id[CONSENT_TXID_LEN - 1] = number;
	return id;
}

static void timing(void **) {
	static const struct {
		uint32_t spread;
		uint64_t wait_us;
	} rows[] = {
		{0, 4 * S},
		{1, 4 * S + 1},
		{1999999, 6 * S - 1},
		{2000000, 4 * S},
		{UINT32_MAX, 4 * S + UINT32_MAX % CONSENT_SPREAD_US},
	};
	struct consent consent;
	uint64_t next = T0 + 50000;

	consent_start(&consent, T0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(consent.next_us, next);
		assert_false(consent_due(&consent, next - 1, txid(0xee), 0));
		assert_true(consent_due(&consent, next, txid((uint8_t)i), rows[i].spread));
		assert_false(consent_due(&consent, next, txid(0xee), 0));
		next += rows[i].wait_us;
	}
	// Never asked for: an id given when nothing was due.
	assert_false(consent_answer(&consent, next, txid(0xee)));
}

static void answers_count_once(void **) {
	struct consent consent;
	uint64_t now = T0 + 50000;

	consent_start(&consent, T0);
	assert_false(consent_answer(&consent, T0, txid(1)));
	assert_true(consent_due(&consent, now, txid(1), 0));
	assert_int_equal(consent.rtt_us, 0);
	assert_false(consent_answer(&consent, now + 20, txid(2)));
	assert_int_equal(consent.ok_us, T0);
	assert_true(consent_answer(&consent, now + 25000, txid(1)));
	assert_int_equal(consent.rtt_us, 25000);
	assert_int_equal(consent.ok_us, now + 25000);
	assert_false(consent_answer(&consent, now + 26000, txid(1)));
	assert_int_equal(consent.ok_us, now + 25000);
	// In no time at all is still a measurement.
	now += 5 * S;
	assert_true(consent_due(&consent, now, txid(2), 0));
	assert_true(consent_answer(&consent, now, txid(2)));
	assert_int_equal(consent.rtt_us, 1);
}

static void unused_slots_match_nothing(void **) {
	static const uint8_t zeros[CONSENT_TXID_LEN];
	struct consent consent;

	consent_start(&consent, T0);
	assert_false(consent_answer(&consent, T0 + 1, zeros));
}

// Of six checks without an answer the newest four still count, in any order.
static void newest_four_count(void **) {
	static const struct {
		uint8_t number;
		bool want;
	} rows[] = {
		{0, false},
		{1, false},
		{4, true},
		{2, true},
		{2, false},
		{5, true},
		{3, true},
		{3, false},
	};
	struct consent consent;
	uint64_t now = T0 + 50000;

	consent_start(&consent, T0);
	for (uint8_t i = 0; i < 6; i++, now += 4 * S)
		assert_true(consent_due(&consent, now, txid(i), 0));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(consent_answer(&consent, now, txid(rows[i].number)), rows[i].want);
}

static void lost_after_30_s(void **) {
	struct consent consent;
	uint64_t ok = T0 + 20 * S;

	consent_start(&consent, T0);
	assert_false(consent_lost(&consent, T0));
	assert_false(consent_lost(&consent, T0 - 1)); // a clock of another core
	assert_false(consent_lost(&consent, T0 + 30 * S - 1));
	assert_true(consent_lost(&consent, T0 + 30 * S));
	assert_true(consent_due(&consent, ok - 1000, txid(1), 0));
	assert_true(consent_answer(&consent, ok, txid(1)));
	assert_false(consent_lost(&consent, T0 + 30 * S));
	assert_false(consent_lost(&consent, ok + 30 * S - 1));
	assert_true(consent_lost(&consent, ok + 30 * S));
	// Checks alone keep nothing alive, and a late answer does not bring it back.
	assert_true(consent_due(&consent, ok + 29 * S, txid(2), 0));
	assert_true(consent_lost(&consent, ok + 30 * S));
	assert_false(consent_answer(&consent, ok + 30 * S, txid(2)));
	assert_true(consent_lost(&consent, ok + 30 * S));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timing),
		cmocka_unit_test(answers_count_once),
		cmocka_unit_test(unused_slots_match_nothing),
		cmocka_unit_test(newest_four_count),
		cmocka_unit_test(lost_after_30_s),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
