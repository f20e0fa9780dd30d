// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// What other threads post to the rooms thread.

#include "rooms.h"
#include "rtc.h"

#include <plm_loop.h>

#define ROOMS_QUEUE_MAX 100000 // requests that wait; then they are answered "busy"

enum rooms_message_type {
	ROOMS_HELLO,
	ROOMS_REQUEST,
	ROOMS_CLOSED,
	ROOMS_ADMIN,
	ROOMS_RTC_ANSWERED,
	ROOMS_RTC_RESTARTED,
	ROOMS_RTC_RESTART_REFUSED,
	ROOMS_RTC_CONNECTED,
	ROOMS_RTC_FAILED,
	ROOMS_RTC_CLOSED,
};

// Owned by the queue; the handler borrows it.
struct rooms_message {
	struct rooms_message *next;
	enum rooms_message_type type;
	uint64_t conn_id, transport_id;
	struct rooms_identity identity; // HELLO
	json_t *id, *params; // REQUEST; id also of HELLO
	char *text; // method; resume token; what of ADMIN; sentence of a failure
	char *admin_id; // ADMIN
	void (*done)(void *user, json_t *result);
	void *user;
	struct rtc_answer answer; // with copies of what it points to
	enum rtc_failure why;
	uint16_t suite;
};

struct rooms_queue;

struct rooms_queue *rooms_queue_new(struct plm_loop *loop); // NULL without memory
void rooms_queue_free(struct rooms_queue *queue); // takes NULL; what waits is dropped
// Handles all that waited when it was called.
void rooms_queue_drain(
	struct rooms_queue *queue,
	void (*handle)(void *user, struct rooms_message *message),
	void *user
);

// Of rooms.c: NULL while the thread does not run.
struct rooms_queue *rooms_queue(void);
