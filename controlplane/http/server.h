// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The http thread: listeners, TLS, HTTP, WebSocket. One instance per process.

#include "auth.h"
#include "config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Opens the listeners and starts the thread. config and auth must live until server_stop. Clients
// may come from now on, so rooms must be running. Returns 0 or -errno with one line in error.
int server_start(
	const struct config *config,
	const struct auth *auth,
	char *error,
	size_t error_len
);

// Takes no more connections, tells the clients to reconnect later (server.reconnect), closes them
// with 1001 and joins the thread: at most 4 s. Messages sent afterwards are dropped.
void server_stop(void);

// The port that listener i of the config got; n_listeners = the admin listener. 0 = none.
uint16_t server_port(unsigned i);

// Runs call(user) on the http thread. Any thread. false: there is none, and call is not made.
bool server_post(void (*call)(void *user), void *user);
