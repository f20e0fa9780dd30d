// SPDX-License-Identifier: BSD-3-Clause

// The dataplane client: desired state, reconnection, repair.

#include "relay.h"

#include "../unit.h"
#include "fake_dataplane.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct fixture {
	struct fake *fake;
	struct plm_loop *loop;
	struct relay *relay;
	unsigned up, down, lost, producer_events;
	uint64_t consent_lost; // the id
	int done[8]; // error + 1000 of each, 0 = not yet
};

static char path[64];

static void on_up(void *user, const struct plm_hello_rep *hello) {
	assert_int_equal(hello->version, PLM_API_VERSION);
	((struct fixture *)user)->up++;
}

static void on_down(void *user) {
	((struct fixture *)user)->down++;
}

static void on_lost(void *user) {
	((struct fixture *)user)->lost++;
}

static void on_transport(void *user, const struct plm_event_transport *event) {
	struct fixture *f = user;

	if (event->event == PLM_TRANSPORT_EV_CONSENT_LOST) {
		f->consent_lost = event->id;
		relay_transport_del(f->relay, event->id);
	}
}

static void on_producer(void *user, const struct plm_event_producer *event) {
	(void)event;
	((struct fixture *)user)->producer_events++;
}

static int setup(void **state) {
	static struct fixture f;
	struct relay_events events = {&f, on_up, on_down, on_lost, on_transport, on_producer};

	f = (struct fixture){0};
	snprintf(path, sizeof(path), "/tmp/plm-test-relay-%d", (int)getpid());
	f.fake = fake_start(path);
	f.loop = plm_loop_new();
	f.relay = relay_new(f.loop, path, &events);
	*state = &f;
	return f.relay != NULL ? 0 : -1;
}

static int teardown(void **state) {
	struct fixture *f = *state;

	relay_free(f->relay);
	plm_loop_free(f->loop);
	fake_stop(f->fake);
	return 0;
}

// Runs the loop until the condition holds; a test fails after 10 s.
#define WAIT(f, condition)                                                                         \
	do {                                                                                       \
		const uint64_t wait_until = plm_now_us() + 10000000;                               \
                                                                                                   \
		while (!(condition)) {                                                             \
			if (plm_now_us() > wait_until)                                             \
				fail_msg("never: " #condition);                                    \
			relay_tick((f)->relay, plm_now_us());                                      \
			plm_loop_run_once((f)->loop, 10);                                          \
		}                                                                                  \
	} while (0)

static void done(void *user, uint64_t transport_id, int error) {
	assert_true(transport_id != 0);
	*(int *)user = error + 1000;
}

// A transport (id), a producer (id + 1) on it, a consumer (id + 3) on transport id + 2.
static void add_all(struct fixture *f, uint64_t id) {
	const struct plm_transport_add publisher = {.id = id}, viewer = {.id = id + 2};
	const struct plm_producer_add producer = {.id = id + 1, .transport_id = id};
	const struct plm_consumer_add consumer = {
		.id = id + 3,
		.transport_id = id + 2,
		.producer_id = id + 1,
	};

	memset(f->done, 0, sizeof(f->done));
	assert_int_equal(relay_transport_add(f->relay, &publisher, done, &f->done[0]), 0);
	assert_int_equal(relay_producer_add(f->relay, &producer, done, &f->done[1]), 0);
	assert_int_equal(relay_transport_add(f->relay, &viewer, done, &f->done[2]), 0);
	assert_int_equal(relay_consumer_add(f->relay, &consumer, done, &f->done[3]), 0);
	WAIT(f, f->done[0] && f->done[1] && f->done[2] && f->done[3]);
}

static void test_add_and_del(void **state) {
	const struct plm_transport_add add = {.id = 10};
	const struct plm_consumer_add orphan = {.id = 99, .transport_id = 98, .producer_id = 11};
	struct fixture *f = *state;

	assert_int_equal(relay_transport_add(f->relay, &add, NULL, NULL), -ENOTCONN);
	WAIT(f, f->up == 1);
	assert_true(relay_is_up(f->relay));
	add_all(f, 10);
	for (int i = 0; i < 4; i++)
		assert_int_equal(f->done[i], 1000);
	assert_int_equal(relay_transport_add(f->relay, &add, NULL, NULL), -EEXIST);
	assert_int_equal(relay_consumer_add(f->relay, &orphan, NULL, NULL), -ENOENT);
	for (uint64_t id = 10; id < 14; id++)
		assert_true(fake_has(f->fake, id));
	assert_int_equal(relay_consumer_set(f->relay, 13, true), 0);
	assert_int_equal(relay_consumer_set(f->relay, 11, true), -ENOENT);
	assert_int_equal(relay_producer_keyframe(f->relay, 11), 0);
	// The publisher takes its producer and that producer's consumer with it.
	relay_transport_del(f->relay, 10);
	WAIT(f, !fake_has(f->fake, 10) && !fake_has(f->fake, 11) && !fake_has(f->fake, 13));
	assert_true(fake_has(f->fake, 12));
	relay_transport_del(f->relay, 12);
	relay_transport_del(f->relay, 12);
	relay_producer_del(f->relay, 12345);
	WAIT(f, !fake_has(f->fake, 12));
}

static void test_refused(void **state) {
	const struct plm_transport_add add = {.id = 10};
	struct fixture *f = *state;
	struct relay_stats stats;

	WAIT(f, f->up == 1);
	fake_refuse(f->fake, PLM_API_TRANSPORT_ADD, ENOSPC);
	assert_int_equal(relay_transport_add(f->relay, &add, done, &f->done[0]), 0);
	WAIT(f, f->done[0] != 0);
	assert_int_equal(f->done[0], 1000 - ENOSPC);
	relay_stats(f->relay, &stats);
	assert_int_equal(stats.transports, 0);
	assert_int_equal(relay_transport_add(f->relay, &add, done, &f->done[1]), 0);
	WAIT(f, f->done[1] == 1000);
}

static void test_reconnect_repairs(void **state) {
	const struct plm_producer_add late = {.id = 50, .transport_id = 12};
	struct plm_consumer_add consumer = {0};
	struct fixture *f = *state;
	struct relay_stats stats;

	WAIT(f, f->up == 1);
	add_all(f, 10);
	add_all(f, 20);
	fake_forget(f->fake, 11); // and with it 13
	fake_drop(f->fake);
	WAIT(f, f->down == 1);
	assert_int_equal(relay_producer_add(f->relay, &late, done, &f->done[4]), -ENOTCONN);
	relay_transport_del(f->relay, 20); // while it is away
	assert_int_equal(relay_consumer_set(f->relay, 13, true), 0);
	WAIT(f, f->up == 2);
	assert_int_equal(f->lost, 0);
	WAIT(f, fake_has(f->fake, 11) && fake_has(f->fake, 13));
	WAIT(f, !fake_has(f->fake, 20) && !fake_has(f->fake, 21));
	assert_int_equal(relay_consumer_set(f->relay, 13, false), 0);
	fake_drop(f->fake);
	WAIT(f, f->down == 2);
	assert_int_equal(relay_consumer_set(f->relay, 13, true), 0);
	WAIT(f, f->up == 3);
	WAIT(f, fake_consumer(f->fake, 13, &consumer) && consumer.paused);
	assert_true(fake_has(f->fake, 10) && fake_has(f->fake, 12) && fake_has(f->fake, 22));
	relay_stats(f->relay, &stats);
	assert_true(stats.readded >= 2);
}

static void test_unsent_is_answered(void **state) {
	const struct plm_transport_add add = {.id = 10};
	struct fixture *f = *state;

	WAIT(f, f->up == 1);
	fake_silent(f->fake, true);
	assert_int_equal(relay_transport_add(f->relay, &add, done, &f->done[0]), 0);
	fake_drop(f->fake);
	WAIT(f, f->done[0] != 0);
	assert_int_equal(f->done[0], 1000 - ENOTCONN);
	fake_silent(f->fake, false);
	// Still desired: the caller did not delete it.
	WAIT(f, f->up == 2);
	WAIT(f, fake_has(f->fake, 10));
}

static void test_gone_transport(void **state) {
	struct fixture *f = *state;

	WAIT(f, f->up == 1);
	add_all(f, 10);
	fake_forget(f->fake, 10); // keys are gone: it is not made again
	fake_drop(f->fake);
	WAIT(f, f->up == 2);
	assert_int_equal(f->consent_lost, 10);
	WAIT(f, !fake_has(f->fake, 13));
	assert_false(fake_has(f->fake, 10));
	assert_true(fake_has(f->fake, 12));
}

static void test_dataplane_restart(void **state) {
	struct fixture *f = *state;
	struct relay_stats stats;

	WAIT(f, f->up == 1);
	add_all(f, 10);
	fake_restart(f->fake);
	WAIT(f, f->up == 2);
	assert_int_equal(f->lost, 1);
	relay_stats(f->relay, &stats);
	assert_int_equal(stats.transports + stats.producers + stats.consumers, 0);
	assert_false(fake_has(f->fake, 10));
	add_all(f, 30);
	assert_true(fake_has(f->fake, 30));
}

static void test_strangers(void **state) {
	struct fixture *f = *state;

	fake_put_transport(f->fake, 100, PLM_TRANSPORT_SECURE);
	fake_put_transport(f->fake, 101, PLM_TRANSPORT_DEAD);
	fake_put_transport(f->fake, 102, PLM_TRANSPORT_NEW);
	WAIT(f, f->up == 1);
	// Media of an earlier control goes on, what is dead is cleared away.
	WAIT(f, !fake_has(f->fake, 101));
	assert_true(fake_has(f->fake, 100));
	assert_true(fake_has(f->fake, 102)); // within the grace
	fake_transport_event(f->fake, 100, PLM_TRANSPORT_EV_PATH);
	fake_transport_event(f->fake, 100, PLM_TRANSPORT_EV_CONSENT_LOST);
	WAIT(f, !fake_has(f->fake, 100));
	assert_int_equal(f->consent_lost, 0); // rooms knows nothing of it
}

static void test_events(void **state) {
	struct fixture *f = *state;

	WAIT(f, f->up == 1);
	add_all(f, 10);
	fake_producer_event(f->fake, 11, PLM_PRODUCER_EV_ACTIVE);
	fake_producer_event(f->fake, 999, PLM_PRODUCER_EV_ACTIVE);
	fake_transport_event(f->fake, 12, PLM_TRANSPORT_EV_CONSENT_LOST);
	WAIT(f, f->consent_lost == 12);
	assert_int_equal(f->producer_events, 1);
	WAIT(f, !fake_has(f->fake, 12));
}

int main(void) {
#define RELAY_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		RELAY_TEST(test_add_and_del),
		RELAY_TEST(test_refused),
		RELAY_TEST(test_reconnect_repairs),
		RELAY_TEST(test_unsent_is_answered),
		RELAY_TEST(test_gone_transport),
		RELAY_TEST(test_dataplane_restart),
		RELAY_TEST(test_strangers),
		RELAY_TEST(test_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
