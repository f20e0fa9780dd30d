// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// What is at which path. http thread.

#include "auth.h"
#include "config.h"

#include <h2o.h>

void api_start(const struct config *config, const struct auth *auth);

// The public listeners: /v1/signal, /v1/demo/token, /healthz, the console page.
void api_respond_public(h2o_req_t *req);

// The admin listener: /v1/rooms, /v1/rooms/{id}, /healthz, /readyz.
void api_respond_admin(h2o_req_t *req);
