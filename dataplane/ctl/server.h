// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The API's server: connections on the unix socket, each message checked as hostile input, roles
// enforced. Runs on the control thread's loop.

#include "ctl.h"

struct plm_loop;
struct server;

// Listens on the config's socket. NULL with errno (EADDRINUSE: another dataplane answers there).
struct server *server_new(struct ctl *ctl, struct plm_loop *loop, uint64_t boot_id);
void server_free(struct server *server);
