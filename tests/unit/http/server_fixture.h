// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The http thread in a test: configuration, certificate and pages in a folder of its own, and a
// stand-in for rooms that answers at once. auth is the real one.

#include "client.h"
#include "errors.h"

#include <jansson.h>

#include <stdbool.h>
#include <stdint.h>

extern char directory[64];
extern struct auth *auth;
extern uint16_t port, plain_port, admin_port;

// What rooms was told; read by count() while the thread runs.
extern unsigned n_hello, n_closed;
extern uint64_t last_conn_id;

bool directory_make(void);
void directory_remove(void);

void start(const char *more); // lines of the control section
int stop(void **);
int start_usual(void **);
int start_impatient(void **);

char *token_make(const char *user, int64_t then); // good for ten minutes from then; free()

void msleep(unsigned ms);
unsigned count(const unsigned *counter);
void wait_for(const unsigned *counter, unsigned n); // at most 5 s

// The next text message, which must be one of the protocol.
json_t *message_get(struct client *client);
void expect_error(struct client *client, enum protocol_error code, const char *sentence);
void say_hello(struct client *client); // and takes the answer
