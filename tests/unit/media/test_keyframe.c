// SPDX-License-Identifier: BSD-3-Clause

#include "keyframe.h"

// cmocka.h wants the others before it.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#define S UINT64_C(1000000)

enum event {
	ASK,
	DUE,
	SEEN
};

struct step {
	uint64_t at_us;
	enum event event;
	bool want; // a request is to be sent; nothing for SEEN
};

static void run(struct keyframe *keyframe, const struct step *steps, size_t n) {
	for (size_t i = 0; i < n; i++) {
		bool sent = false;

		if (steps[i].event == ASK)
			sent = keyframe_ask(keyframe, steps[i].at_us);
		else if (steps[i].event == DUE)
			sent = keyframe_due(keyframe, steps[i].at_us);
		else
			keyframe_seen(keyframe, steps[i].at_us);
		if (sent != steps[i].want)
			fail_msg("step %zu", i);
	}
}

#define RUN(keyframe, ...)                                                                         \
	run(keyframe,                                                                              \
	    (const struct step[]){__VA_ARGS__},                                                    \
	    sizeof((const struct step[]){__VA_ARGS__}) / sizeof(struct step))

static void first_at_once(void **) {
	struct keyframe keyframe;

	keyframe_init(&keyframe);
	RUN(&keyframe, {5, DUE, false}, {10, ASK, true}, {11, DUE, false});
	// Also when the clock begins at 0.
	keyframe_init(&keyframe);
	RUN(&keyframe, {0, ASK, true}, {0, ASK, false}, {S - 1, DUE, false}, {S, DUE, true});
}

static void many_viewers_one_request(void **) {
	struct keyframe keyframe;

	keyframe_init(&keyframe);
	RUN(&keyframe, {10 * S, ASK, true});
	for (int i = 1; i <= 1000; i++)
		RUN(&keyframe, {10 * S + i * 10, ASK, false});
	assert_int_equal(keyframe.asked, 1001);
	assert_int_equal(keyframe.requests, 1);
	RUN(&keyframe,
	    {11 * S - 1, DUE, false},
	    {11 * S, DUE, true},
	    {11 * S, DUE, false},
	    {11 * S + 1, SEEN, false},
	    {13 * S, DUE, false});
	assert_int_equal(keyframe.requests, 2);
}

// A wish that comes right after an answer waits for its second, and is not lost.
static void wish_after_an_answer(void **) {
	struct keyframe keyframe;

	keyframe_init(&keyframe);
	RUN(&keyframe,
	    {10 * S, ASK, true},
	    {10 * S + 100000, SEEN, false},
	    {10 * S + 200000, ASK, false},
	    {10 * S + 999999, DUE, false},
	    {11 * S, DUE, true},
	    {11 * S + 1, SEEN, false},
	    {12 * S, DUE, false},
	    {20 * S, ASK, true});
}

static void bounded_tries(void **) {
	struct keyframe keyframe;

	keyframe_init(&keyframe);
	RUN(&keyframe, {10 * S, ASK, true});
	for (int i = 1; i < KEYFRAME_TRIES; i++)
		RUN(&keyframe, {(10 + i) * S, DUE, true});
	assert_true(keyframe.pending);
	RUN(&keyframe, {15 * S, DUE, false}, {100 * S, DUE, false});
	assert_false(keyframe.pending);
	assert_int_equal(keyframe.requests, KEYFRAME_TRIES);
	// A new wish has new tries.
	RUN(&keyframe, {100 * S, ASK, true}, {101 * S, DUE, true}, {102 * S, DUE, true});
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_at_once),
		cmocka_unit_test(many_viewers_one_request),
		cmocka_unit_test(wish_after_an_answer),
		cmocka_unit_test(bounded_tries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
