// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// A small epoll loop for threads that are not workers: descriptors with callbacks, a tick, and a
// wake-up from other threads.

#include <stdbool.h>
#include <stdint.h>

struct plm_loop;

struct plm_loop *plm_loop_new(void); // NULL with errno
void plm_loop_free(struct plm_loop *loop); // closes no descriptor of the callers

// events: EPOLLIN, EPOLLOUT. One callback a descriptor. Returns 0 or -errno.
int plm_loop_add(
	struct plm_loop *loop,
	int fd,
	uint32_t events,
	void (*ready)(void *user, uint32_t events),
	void *user
);
int plm_loop_modify(struct plm_loop *loop, int fd, uint32_t events);
// Safe inside callbacks, also for other descriptors. Does not close fd.
void plm_loop_remove(struct plm_loop *loop, int fd);

// Waits at most timeout_ms for events and runs their callbacks. Returns the number of events,
// wake-ups included, or -errno.
int plm_loop_run_once(struct plm_loop *loop, int timeout_ms);

// Makes run_once of the loop's thread return at once. Any thread, any signal handler.
void plm_loop_wake(struct plm_loop *loop);

// Monotonic time.
uint64_t plm_now_us(void);
