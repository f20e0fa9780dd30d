// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// A plain libnice agent in the controlling role, as a browser is one. Test code.

#include <nice/agent.h>

#include <stdbool.h>
#include <stdint.h>

struct ice_peer {
	NiceAgent *nice;
	guint stream;
	char *ufrag;
	char *pwd;
	uint16_t remote_port; // of the newest selected pair
};

// On 127.0.0.1, gathering.
struct ice_peer *ice_peer_new(GMainContext *context);
void ice_peer_free(struct ice_peer *peer);

// Sets the server's credentials and its one candidate; checks begin.
void ice_peer_connect(
	struct ice_peer *peer,
	const char *ufrag,
	const char *pwd,
	const char *ip,
	uint16_t port
);

void ice_peer_restart(struct ice_peer *peer); // new ufrag and pwd
bool ice_peer_connected(const struct ice_peer *peer);
uint16_t ice_peer_remote_port(const struct ice_peer *peer);
