// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// What other threads may do with signaling connections. Any thread; messages are queued to the http
// thread. Unknown connections are ignored: they are gone already.

#include <stdint.h>

// Sends one text message. json is from malloc; it is taken over.
void signaling_send(uint64_t conn_id, char *json);

// WebSocket close codes (RFC 6455 7.4.1, and ours from 4000).
enum signaling_close_code {
	SIGNALING_CLOSE_GOING_AWAY = 1001,
	SIGNALING_CLOSE_PROTOCOL = 1002,
	SIGNALING_CLOSE_BAD_DATA = 1007,
	SIGNALING_CLOSE_POLICY = 1008,
	SIGNALING_CLOSE_TOO_BIG = 1009,
	SIGNALING_CLOSE_TRY_AGAIN = 1013, // no place for another session
	SIGNALING_CLOSE_UNAUTHORIZED = 4001,
	SIGNALING_CLOSE_FLOOD = 4002,
	SIGNALING_CLOSE_REPLACED = 4003, // the place was resumed by a newer connection
};

void signaling_close(uint64_t conn_id, uint16_t code, const char *reason);
