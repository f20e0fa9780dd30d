// SPDX-License-Identifier: BSD-3-Clause

#include "nack.h"

// cmocka.h wants the others before it.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#define MS 1000
#define RTT (40 * MS) // asked again after 50 ms

// A run of arrivals: seq and what nack_receive says to it.
struct arrival {
	uint16_t seq;
	enum nack_verdict want;
};

static void arrive(struct nack *nack, const struct arrival *arrivals, size_t n) {
	for (size_t i = 0; i < n; i++) {
		if (nack_receive(nack, arrivals[i].seq, 1000 * MS) != arrivals[i].want)
			fail_msg("arrival %zu (%u)", i, arrivals[i].seq);
	}
}

#define ARRIVE(nack, ...)                                                                          \
	arrive(nack,                                                                               \
	       (const struct arrival[]){__VA_ARGS__},                                              \
	       sizeof((const struct arrival[]){__VA_ARGS__}) / sizeof(struct arrival))

// Asks at now and compares the numbers asked for.
static void asks(struct nack *nack, uint64_t now_us, const uint16_t *want, int n_want) {
	uint16_t seqs[NACK_MAX];
	int n = nack_due(nack, now_us, RTT, seqs, NACK_MAX);

	assert_int_equal(n, n_want);
	for (int i = 0; i < n; i++)
		assert_int_equal(seqs[i], want[i]);
}

#define ASKS(nack, now_us, ...)                                                                    \
	asks(nack,                                                                                 \
	     now_us,                                                                               \
	     (const uint16_t[]){__VA_ARGS__},                                                      \
	     sizeof((const uint16_t[]){__VA_ARGS__}) / sizeof(uint16_t))
#define ASKS_NOTHING(nack, now_us) asks(nack, now_us, NULL, 0)

static void in_order_over_the_wrap(void **) {
	struct nack nack;

	nack_init(&nack);
	for (unsigned i = 0; i < 200000; i++)
		assert_int_equal(nack_receive(&nack, (uint16_t)(65000 + i), i), NACK_NEW);
	assert_int_equal(nack.n, 0);
	assert_int_equal(nack_next_us(&nack, RTT), 0);
}

static void verdicts(void **) {
	struct nack nack;

	nack_init(&nack);
	ARRIVE(&nack,
	       {65534, NACK_NEW},
	       {65533, NACK_DUPLICATE}, // from before the start
	       {65534, NACK_DUPLICATE},
	       {2, NACK_NEW}, // 65535, 0, 1 missing
	       {0, NACK_LATE},
	       {0, NACK_DUPLICATE},
	       {4, NACK_NEW}); // 3 missing
	ASKS(&nack, 1005 * MS, 65535, 1, 3);
	ARRIVE(&nack,
	       {1, NACK_RECOVERED},
	       {1, NACK_DUPLICATE},
	       {65535, NACK_RECOVERED},
	       {5, NACK_NEW},
	       {3, NACK_RECOVERED});
	assert_int_equal(nack.n, 0);
	assert_int_equal(nack.dropped, 0);
}

static void timing(void **) {
	struct nack nack;

	nack_init(&nack);
	ARRIVE(&nack, {10, NACK_NEW}, {12, NACK_NEW});
	assert_int_equal(nack_next_us(&nack, RTT), 1005 * MS);
	ASKS_NOTHING(&nack, 1005 * MS - 1);
	ASKS(&nack, 1005 * MS, 11);
	assert_int_equal(nack_next_us(&nack, RTT), 1055 * MS);
	ASKS_NOTHING(&nack, 1055 * MS - 1);
	ASKS(&nack, 1055 * MS, 11);
	// A short round trip still leaves 20 ms.
	assert_int_equal(nack_next_us(&nack, 0), 1075 * MS);
	assert_int_equal(nack_next_us(&nack, 16 * MS), 1075 * MS);
	assert_int_equal(nack_next_us(&nack, 16 * MS + 4), 1075 * MS + 5);
	// A long one does not overflow; the entry ends before it is over.
	assert_int_equal(nack_next_us(&nack, UINT32_MAX), 2000 * MS);
}

static void bounded_tries(void **) {
	struct nack nack;
	uint64_t now = 1005 * MS;

	nack_init(&nack);
	ARRIVE(&nack, {10, NACK_NEW}, {12, NACK_NEW});
	for (int i = 0; i < NACK_TRIES; i++, now += 50 * MS)
		ASKS(&nack, now, 11);
	// The tenth has its round trip's time too, then it is over.
	ASKS_NOTHING(&nack, now - 1);
	assert_int_equal(nack.n, 1);
	assert_int_equal(nack_next_us(&nack, RTT), now);
	ASKS_NOTHING(&nack, now);
	assert_int_equal(nack.n, 0);
	assert_int_equal(nack.dropped, 1);
	ARRIVE(&nack, {11, NACK_DUPLICATE});
}

static void bounded_age(void **) {
	struct nack nack;

	nack_init(&nack);
	ARRIVE(&nack, {10, NACK_NEW}, {12, NACK_NEW});
	ASKS(&nack, 2000 * MS - 1, 11);
	ASKS_NOTHING(&nack, 2000 * MS);
	assert_int_equal(nack.n, 0);
	assert_int_equal(nack.dropped, 1);
}

static void room_of_the_caller(void **) {
	struct nack nack;
	uint16_t seqs[3];

	nack_init(&nack);
	ARRIVE(&nack, {10, NACK_NEW}, {16, NACK_NEW});
	assert_int_equal(nack_due(&nack, 1005 * MS, RTT, seqs, 3), 3);
	assert_int_equal(seqs[2], 13);
	// The rest is still due, not counted as tried.
	assert_int_equal(nack_next_us(&nack, RTT), 1005 * MS);
	assert_int_equal(nack_due(&nack, 1005 * MS, RTT, seqs, 3), 2);
	assert_int_equal(seqs[0], 14);
	assert_int_equal(seqs[1], 15);
	assert_int_equal(nack_due(&nack, 1005 * MS, RTT, seqs, 0), 0);
}

static void large_gap_keeps_the_newest(void **) {
	struct nack nack;
	uint16_t seqs[NACK_MAX];

	nack_init(&nack);
	ARRIVE(&nack, {65500, NACK_NEW}, {65502, NACK_NEW}, {(uint16_t)(65502 + 999), NACK_NEW});
	assert_int_equal(nack.n, NACK_MAX);
	assert_int_equal(nack.dropped, 1 + 998 - NACK_MAX);
	assert_int_equal(nack_due(&nack, 1005 * MS, RTT, seqs, NACK_MAX), NACK_MAX);
	for (int i = 0; i < NACK_MAX; i++)
		assert_int_equal(seqs[i], (uint16_t)(65502 + 999 - NACK_MAX + i));
	// One more pushes the oldest out.
	ARRIVE(&nack, {(uint16_t)(65502 + 1001), NACK_NEW});
	assert_int_equal(nack.n, NACK_MAX);
	assert_int_equal(nack.entries[0].seq, (uint16_t)(65502 + 999 - NACK_MAX + 1));
	assert_int_equal(nack.entries[NACK_MAX - 1].seq, (uint16_t)(65502 + 1000));
}

static void huge_gap_starts_anew(void **) {
	static const struct {
		int jump;
		unsigned n; // missing after it; one was before
	} rows[] = {
		{1, 1},
		{2, 2},
		{NACK_GAP_RESET, 0},
		{NACK_GAP_RESET + 1, 0},
		{30000, 0},
		{-NACK_GAP_RESET, 0},
		{-30000, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint16_t seq = (uint16_t)(65530 + rows[i].jump);
		struct nack nack;

		nack_init(&nack);
		ARRIVE(&nack, {65528, NACK_NEW}, {65530, NACK_NEW}, {seq, NACK_NEW});
		assert_int_equal(nack.n, rows[i].n);
		assert_int_equal(nack.dropped, rows[i].n == 0);
		ARRIVE(&nack, {seq, NACK_DUPLICATE}, {(uint16_t)(seq + 1), NACK_NEW});
	}
}

// Nobody calls nack_due: what lies far back must not come to look new.
static void stale_entries_go(void **) {
	struct nack nack;

	nack_init(&nack);
	ARRIVE(&nack, {0, NACK_NEW}, {2, NACK_NEW});
	for (unsigned seq = 3; seq < 40000; seq++)
		assert_int_equal(nack_receive(&nack, (uint16_t)seq, 0), NACK_NEW);
	assert_int_equal(nack.n, 0);
	assert_int_equal(nack.dropped, 1);
}

static void key_frame_forgets(void **) {
	struct nack nack;

	nack_init(&nack);
	ARRIVE(&nack, {65533, NACK_NEW}, {65535, NACK_NEW}, {4, NACK_NEW}); // 65534, 0 1 2 3
	nack_forget_before(&nack, 65534);
	assert_int_equal(nack.n, 5);
	nack_forget_before(&nack, 2);
	assert_int_equal(nack.dropped, 3);
	ASKS(&nack, 1005 * MS, 2, 3);
	nack_forget_before(&nack, 10);
	assert_int_equal(nack.n, 0);
	assert_int_equal(nack_next_us(&nack, RTT), 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order_over_the_wrap),
		cmocka_unit_test(verdicts),
		cmocka_unit_test(timing),
		cmocka_unit_test(bounded_tries),
		cmocka_unit_test(bounded_age),
		cmocka_unit_test(room_of_the_caller),
		cmocka_unit_test(large_gap_keeps_the_newest),
		cmocka_unit_test(huge_gap_starts_anew),
		cmocka_unit_test(stale_entries_go),
		cmocka_unit_test(key_frame_forgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
