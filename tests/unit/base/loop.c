// SPDX-License-Identifier: BSD-3-Clause

#include "../unit.h"

#include <plm_loop.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#define PATIENCE_MS 20000 // far beyond anything; reached only by a fault

// One watched pipe.
struct watched {
	struct plm_loop *loop;
	int fds[2];
	uint32_t events; // of the last call
	int n_calls;
	struct watched *victim; // removed and closed by the callback
	struct watched *heir; // then added, under the victim's descriptor
};

static void watched_open(struct watched *w, struct plm_loop *loop) {
	*w = (struct watched){.loop = loop};
	assert_int_equal(pipe2(w->fds, O_CLOEXEC | O_NONBLOCK), 0);
}

static void watched_close(struct watched *w) {
	close(w->fds[0]);
	close(w->fds[1]);
}

static void ready(void *user, uint32_t events) {
	struct watched *w = user;
	char c;

	w->n_calls++;
	w->events = events;
	while (read(w->fds[0], &c, 1) > 0)
		;
	if (w->victim != NULL) {
		plm_loop_remove(w->loop, w->victim->fds[0]);
		if (w->heir != NULL) {
			int fd = w->victim->fds[0];

			assert_int_equal(dup2(w->heir->fds[0], fd), fd);
			assert_int_equal(plm_loop_add(w->loop, fd, EPOLLIN, ready, w->heir), 0);
		}
		w->victim = NULL;
	}
}

static int setup(void **state) {
	*state = plm_loop_new();
	return *state == NULL;
}

static int teardown(void **state) {
	plm_loop_free(*state);
	return 0;
}

static void times_out_with_nothing(void **state) {
	assert_int_equal(plm_loop_run_once(*state, 0), 0);
	assert_int_equal(plm_loop_run_once(*state, 1), 0);
}

static void calls_back_when_readable(void **state) {
	struct plm_loop *loop = *state;
	struct watched w;

	watched_open(&w, loop);
	assert_int_equal(plm_loop_add(loop, w.fds[0], EPOLLIN, ready, &w), 0);
	assert_int_equal(plm_loop_run_once(loop, 0), 0);
	assert_int_equal(write(w.fds[1], "x", 1), 1);
	assert_int_equal(plm_loop_run_once(loop, PATIENCE_MS), 1);
	assert_int_equal(w.n_calls, 1);
	assert_int_equal(w.events, EPOLLIN);
	assert_int_equal(plm_loop_run_once(loop, 0), 0); // it was read

	plm_loop_remove(loop, w.fds[0]);
	plm_loop_remove(loop, w.fds[0]);
	assert_int_equal(write(w.fds[1], "x", 1), 1);
	assert_int_equal(plm_loop_run_once(loop, 0), 0);
	assert_int_equal(w.n_calls, 1);

	// Not closed by remove, and can come back.
	assert_int_equal(plm_loop_add(loop, w.fds[0], EPOLLIN, ready, &w), 0);
	assert_int_equal(plm_loop_run_once(loop, PATIENCE_MS), 1);
	assert_int_equal(w.n_calls, 2);
	plm_loop_remove(loop, w.fds[0]);
	watched_close(&w);
}

static void modify_changes_the_events(void **state) {
	struct plm_loop *loop = *state;
	struct watched w;

	watched_open(&w, loop);
	assert_int_equal(plm_loop_modify(loop, w.fds[1], EPOLLOUT), -ENOENT);
	assert_int_equal(plm_loop_modify(loop, -1, EPOLLOUT), -ENOENT);
	assert_int_equal(plm_loop_modify(loop, 1 << 20, EPOLLOUT), -ENOENT);
	assert_int_equal(plm_loop_add(loop, w.fds[1], 0, ready, &w), 0);
	assert_int_equal(plm_loop_run_once(loop, 0), 0);
	assert_int_equal(plm_loop_modify(loop, w.fds[1], EPOLLOUT), 0);
	assert_int_equal(plm_loop_run_once(loop, PATIENCE_MS), 1);
	assert_int_equal(w.events, EPOLLOUT);
	assert_int_equal(plm_loop_modify(loop, w.fds[1], 0), 0);
	assert_int_equal(plm_loop_run_once(loop, 0), 0);
	plm_loop_remove(loop, w.fds[1]);
	watched_close(&w);
}

static void refuses_what_epoll_refuses(void **state) {
	struct plm_loop *loop = *state;
	struct watched w;

	watched_open(&w, loop);
	watched_close(&w);
	assert_int_equal(plm_loop_add(loop, w.fds[0], EPOLLIN, ready, &w), -EBADF);
	plm_loop_remove(loop, w.fds[0]);
	plm_loop_remove(loop, -1);
	plm_loop_remove(loop, 1 << 20);
	assert_int_equal(plm_loop_run_once(loop, 0), 0);
}

static void serves_many(void **state) {
	static struct watched w[100]; // more than one epoll_wait returns
	struct plm_loop *loop = *state;
	int n = 0;

	for (int i = 0; i < 100; i++) {
		watched_open(&w[i], loop);
		assert_int_equal(plm_loop_add(loop, w[i].fds[0], EPOLLIN, ready, &w[i]), 0);
		assert_int_equal(write(w[i].fds[1], "x", 1), 1);
	}
	while (n < 100) {
		int r = plm_loop_run_once(loop, PATIENCE_MS);

		assert_true(r > 0);
		n += r;
	}
	assert_int_equal(plm_loop_run_once(loop, 0), 0);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(w[i].n_calls, 1);
		plm_loop_remove(loop, w[i].fds[0]);
		watched_close(&w[i]);
	}
}

// Both are ready in one turn; whichever is called first removes the other.
static void removed_in_a_callback_is_not_called(void **state) {
	struct plm_loop *loop = *state;
	struct watched a, b;

	watched_open(&a, loop);
	watched_open(&b, loop);
	a.victim = &b;
	b.victim = &a;
	assert_int_equal(plm_loop_add(loop, a.fds[0], EPOLLIN, ready, &a), 0);
	assert_int_equal(plm_loop_add(loop, b.fds[0], EPOLLIN, ready, &b), 0);
	assert_int_equal(write(a.fds[1], "x", 1), 1);
	assert_int_equal(write(b.fds[1], "x", 1), 1);
	assert_int_equal(plm_loop_run_once(loop, PATIENCE_MS), 2);
	assert_int_equal(a.n_calls + b.n_calls, 1);
	plm_loop_remove(loop, a.fds[0]);
	plm_loop_remove(loop, b.fds[0]);
	watched_close(&a);
	watched_close(&b);
}

// As before, but the descriptor's number lives on for somebody else.
static void stale_event_does_not_reach_the_heir(void **state) {
	struct plm_loop *loop = *state;
	struct watched a, b, heir;

	watched_open(&a, loop);
	watched_open(&b, loop);
	watched_open(&heir, loop);
	a.victim = &b;
	b.victim = &a;
	a.heir = b.heir = &heir;
	assert_int_equal(plm_loop_add(loop, a.fds[0], EPOLLIN, ready, &a), 0);
	assert_int_equal(plm_loop_add(loop, b.fds[0], EPOLLIN, ready, &b), 0);
	assert_int_equal(write(a.fds[1], "x", 1), 1);
	assert_int_equal(write(b.fds[1], "x", 1), 1);
	assert_int_equal(plm_loop_run_once(loop, PATIENCE_MS), 2);
	assert_int_equal(a.n_calls + b.n_calls, 1);
	assert_int_equal(heir.n_calls, 0);
	assert_int_equal(write(heir.fds[1], "x", 1), 1);
	assert_int_equal(plm_loop_run_once(loop, PATIENCE_MS), 1);
	assert_int_equal(heir.n_calls, 1);
	plm_loop_remove(loop, a.fds[0]);
	plm_loop_remove(loop, b.fds[0]);
	watched_close(&a);
	watched_close(&b);
	watched_close(&heir);
}

static void wakes_before_count_once(void **state) {
	struct plm_loop *loop = *state;

	for (int i = 0; i < 1000; i++)
		plm_loop_wake(loop);
	assert_true(plm_loop_run_once(loop, PATIENCE_MS) > 0);
	assert_int_equal(plm_loop_run_once(loop, 0), 0);
}

static void *wake_loop(void *loop) {
	plm_loop_wake(loop);
	return NULL;
}

static void another_thread_wakes(void **state) {
	struct plm_loop *loop = *state;
	pthread_t thread;

	for (int i = 0; i < 20; i++) {
		assert_int_equal(pthread_create(&thread, NULL, wake_loop, loop), 0);
		assert_true(plm_loop_run_once(loop, PATIENCE_MS) > 0);
		assert_int_equal(pthread_join(thread, NULL), 0);
		assert_int_equal(plm_loop_run_once(loop, 0), 0);
	}
}

static struct plm_loop *signal_loop;

static void on_signal(int) {
	plm_loop_wake(signal_loop);
}

static void signal_handler_wakes(void **state) {
	struct sigaction action = {.sa_handler = on_signal}, before;

	signal_loop = *state;
	assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
	raise(SIGUSR1);
	assert_true(plm_loop_run_once(*state, PATIENCE_MS) > 0);
	assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
}

static void time_does_not_run_back(void **) {
	uint64_t last = plm_now_us();

	for (int i = 0; i < 1000; i++) {
		uint64_t now = plm_now_us();

		assert_true(now >= last);
		last = now;
	}
	plm_loop_free(NULL);
}

int main(void) {
#define LOOP_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		LOOP_TEST(times_out_with_nothing),
		LOOP_TEST(calls_back_when_readable),
		LOOP_TEST(modify_changes_the_events),
		LOOP_TEST(refuses_what_epoll_refuses),
		LOOP_TEST(serves_many),
		LOOP_TEST(removed_in_a_callback_is_not_called),
		LOOP_TEST(stale_event_does_not_reach_the_heir),
		LOOP_TEST(wakes_before_count_once),
		LOOP_TEST(another_thread_wakes),
		LOOP_TEST(signal_handler_wakes),
		cmocka_unit_test(time_does_not_run_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
