// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The rooms thread on a stage: the real thread, relay client, API codec and protocol schema; a
// server of the API without media. In place of WebRTC (which needs a network) stand functions that
// answer every offer at once; the offer's text says which tracks it has ("audio", "video"), or is
// "bad". Every message that comes to a client is checked against the schema.

#include "../unit.h"
#include "fake_dataplane.h"
#include "rooms.h"
#include "rtc.h"

#include <jansson.h>

#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#define WAIT_S 5

extern struct fake *fake;
extern struct rtc_events rtc; // of the rooms thread
extern unsigned n_closed; // rtc_close calls; atomic
extern bool rtc_refuses_restart, rtc_holds_restart;
extern uint64_t closed_conn; // of the last signaling_close
extern uint16_t closed_code;

// Starts all; connection 1 is ann, who made room "r" (m2m).
int stage_setup(void **state);
int stage_teardown(void **state);

// The oldest message to conn with this method of an event, or, method NULL, with the id of a reply;
// taken out. NULL after wait_s.
json_t *inbox_take(uint64_t conn_id, const char *method, int id, int wait_s);
void inbox_clear(void); // checks all that nobody took

// Sends a request and waits for its reply. Takes the reference of params.
json_t *request(uint64_t conn_id, const char *method, json_t *params);
json_t *result_of(json_t *reply, const char *method); // the result, or the test fails
json_t *call(uint64_t conn_id, const char *method, json_t *params); // both
void call_ok(uint64_t conn_id, const char *method, json_t *params);
void call_error(uint64_t conn_id, const char *method, json_t *params, const char *name);

struct rooms_identity identity(const char *user_id); // may do everything, everywhere
json_t *hello(uint64_t conn_id, const char *user_id, const char *token); // the result
json_t *hello_as(uint64_t conn_id, const struct rooms_identity *who, const char *token);
json_t *hello_reply(uint64_t conn_id, const char *user_id); // the whole reply
void enter(uint64_t conn_id, const char *user_id, const char *role); // room "r"

// An event that must come; member key must be value (key NULL: any).
void expect(uint64_t conn_id, const char *method, const char *key, const char *value);
// None came so far. After a round trip on the same connection: everything before was delivered.
void expect_none(uint64_t conn_id, const char *method);

json_t *publish_params(const char *stream_id, const char *sdp);
json_t *subscribe_params(const char *publisher_id, const char *stream_id);
// Publishes (the only transport then) and connects; the transport's id.
uint64_t publish(uint64_t conn_id, const char *stream_id);
// Subscribes and connects; the transport's id is the subscription's.
uint64_t subscribe(
	uint64_t conn_id,
	const char *publisher_id,
	const char *stream_id,
	char ret_id[64]
);

json_t *admin(const char *what, const char *id);
bool dataplane_up(void);

#define EVENTUALLY(condition)                                                                      \
	do {                                                                                       \
		for (int tries = 0; !(condition); tries++) {                                       \
			if (tries > 1000)                                                          \
				fail_msg("never: " #condition);                                    \
			usleep(5000);                                                              \
		}                                                                                  \
	} while (0)
