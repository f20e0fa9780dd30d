// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Counts the open connections of all listeners, in all and by address, so that one client cannot
// take all descriptors. http thread.

#include <h2o.h>

#include <stdbool.h>

struct connections;

// NULL with errno.
struct connections *connections_new(unsigned max, unsigned max_per_ip);
void connections_free(struct connections *connections); // none may be open

// Counts sock until it is closed. false: over a limit; close it.
bool connections_add(struct connections *connections, h2o_socket_t *sock);

unsigned connections_count(const struct connections *connections);

// Ends the sockets below h2o, which then sees the end of each and closes it.
void connections_shutdown(struct connections *connections);
