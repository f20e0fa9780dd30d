// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Messages of clients: checked, then given to rooms. http thread.

#include "auth.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void signaling_start(const struct auth *auth);

// For struct websocket_config.
void signaling_message(uint64_t conn_id, bool ready, bool over_rate, const char *text, size_t len);
void signaling_closed(uint64_t conn_id, bool ready);

// Tells all clients to come back, and closes them.
void signaling_end(void);
