// SPDX-License-Identifier: BSD-3-Clause

#include "plm_loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX 64

struct watch {
	void (*ready)(void *user, uint32_t events);
	void *user;
	uint32_t generation; // a stale event of a reused descriptor is not delivered
};

struct plm_loop {
	int epoll_fd;
	int wake_fd;
	struct watch *watches; // by descriptor
	int n_watches;
	uint32_t generation;
};

struct plm_loop *plm_loop_new(void) {
	struct plm_loop *loop = calloc(1, sizeof(*loop));
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = UINT64_MAX};

	if (loop == NULL)
		return NULL;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->epoll_fd < 0 || loop->wake_fd < 0
	    || epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->wake_fd, &event) < 0) {
		plm_loop_free(loop);
		return NULL;
	}
	return loop;
}

void plm_loop_free(struct plm_loop *loop) {
	if (loop == NULL)
		return;
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	if (loop->wake_fd >= 0)
		close(loop->wake_fd);
	free(loop->watches);
	free(loop);
}

static uint64_t watch_key(const struct plm_loop *loop, int fd) {
	return (uint64_t)loop->watches[fd].generation << 32 | (uint32_t)fd;
}

int plm_loop_add(
	struct plm_loop *loop,
	int fd,
	uint32_t events,
	void (*ready)(void *user, uint32_t events),
	void *user
) {
	struct epoll_event event = {.events = events};

	if (fd < 0)
		return -EBADF;
	if (fd < loop->n_watches && loop->watches[fd].ready != NULL)
		return -EEXIST;
	if (fd >= loop->n_watches) {
		int n = fd + 64;
		struct watch *watches = realloc(loop->watches, (size_t)n * sizeof(*watches));

		if (watches == NULL)
			return -ENOMEM;
		for (int i = loop->n_watches; i < n; i++)
			watches[i] = (struct watch){0};
		loop->watches = watches;
		loop->n_watches = n;
	}
	loop->watches[fd] = (struct watch){ready, user, ++loop->generation & 0x7fffffff};
	event.data.u64 = watch_key(loop, fd);
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
		loop->watches[fd] = (struct watch){0};
		return -errno;
	}
	return 0;
}

int plm_loop_modify(struct plm_loop *loop, int fd, uint32_t events) {
	struct epoll_event event = {.events = events};

	if (fd < 0 || fd >= loop->n_watches || loop->watches[fd].ready == NULL)
		return -ENOENT;
	event.data.u64 = watch_key(loop, fd);
	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, fd, &event) < 0 ? -errno : 0;
}

void plm_loop_remove(struct plm_loop *loop, int fd) {
	if (fd < 0 || fd >= loop->n_watches || loop->watches[fd].ready == NULL)
		return;
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	loop->watches[fd] = (struct watch){0};
}

int plm_loop_run_once(struct plm_loop *loop, int timeout_ms) {
	struct epoll_event events[EVENTS_MAX];
	int n;

	n = epoll_wait(loop->epoll_fd, events, EVENTS_MAX, timeout_ms);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		uint64_t key = events[i].data.u64, count;
		int fd = (int)(uint32_t)key;

		if (key == UINT64_MAX) {
			while (read(loop->wake_fd, &count, sizeof(count)) > 0)
				;
			continue;
		}
		if (fd < loop->n_watches && loop->watches[fd].ready != NULL
		    && watch_key(loop, fd) == key)
			loop->watches[fd].ready(loop->watches[fd].user, events[i].events);
	}
	return n;
}

void plm_loop_wake(struct plm_loop *loop) {
	uint64_t one = 1;
	int saved = errno; // we may be in a signal handler

	// A full counter means that it is awake already.
	(void)!write(loop->wake_fd, &one, sizeof(one));
	errno = saved;
}

uint64_t plm_now_us(void) {
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}
