// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// WebSocket connections (RFC 6455) on h2o and wslay: handshake, framing, limits, keep-alive. Knows
// no JSON. One instance per process, all of it on the http thread. Connections are named by id
// only, so that nobody holds one that is gone; an unknown id is ignored.

#include <h2o.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEBSOCKET_PROTOCOL "plenum.v1"

struct websocket_config {
	const char *const *origins; // none: the Host of the request; "*": any
	unsigned n_origins;
	unsigned max_connections;
	unsigned message_bytes;
	unsigned messages_burst, messages_per_second;
	unsigned hello_timeout_ms; // until websocket_set_ready
	unsigned ping_interval_ms;
	unsigned send_queue_bytes;
	// A text message, valid UTF-8, not NUL-terminated. over_rate: it shall be answered with an
	// error instead of being served. websocket_* may be called from inside.
	void (*message)(uint64_t id, bool ready, bool over_rate, const char *text, size_t len);
	void (*closed)(uint64_t id, bool ready); // id is unknown from now on
};

// The strings and callbacks must live until websocket_end. Returns 0 or -ENOMEM.
int websocket_start(h2o_context_t *ctx, const struct websocket_config *config);
// After the sockets below were shut down and h2o saw it: drops what is left, with callbacks.
void websocket_end(void);

// Answers an upgrade request, or refuses it with an HTTP error.
void websocket_upgrade(h2o_req_t *req);

// Queues one text message. A connection whose queue is over its bound is dropped.
void websocket_send(uint64_t id, const char *text, size_t len);

// Starts the closing handshake; the connection is dropped 2 s later at the latest. reason is cut to
// what a close frame holds.
void websocket_close(uint64_t id, uint16_t code, const char *reason);

// The client is known: it has no time limit any more.
void websocket_set_ready(uint64_t id);

void websocket_each(void (*visit)(void *user, uint64_t id, bool ready), void *user);
unsigned websocket_count(void);
