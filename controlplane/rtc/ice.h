// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// A libnice agent (RFC 8445, full, controlled) that lives while a client connects. Only STUN goes
// through it: DTLS and media never do. One thread, one GMainContext.

#include "ice_candidate.h"

#include <plm_api.h>

#include <glib.h>

#include <stdbool.h>
#include <stdint.h>

#define ICE_CANDIDATES_MAX 20 // of a client, over one generation of credentials
#define ICE_UFRAG_LEN 12
#define ICE_PWD_LEN 32

// Random credentials of ours (RFC 8445 section 5.3): 12 and 32 ice-chars. 4-character ufrags, as
// libnice makes them, would collide among thousands of transports. Returns 0 or -EIO.
int ice_credentials_make(char ret_ufrag[PLM_UFRAG_MAX], char ret_pwd[PLM_PWD_MAX]);

struct ice_config {
	GMainContext *context;
	const struct plm_addr *addrs; // to bind, the first of each family is used; ports ignored
	unsigned n_addrs;
	const struct plm_addr *refused_addrs; // other addresses of ours no candidate may name
	unsigned n_refused;
	uint16_t port_min, port_max;
	// Gathering is done: our private port of each family, 0 = none. Called once, from the
	// context, never inside another call.
	void (*gathered)(void *user, uint16_t port_v4, uint16_t port_v6);
	void *user;
};

struct ice_agent; // owned by the peer connection

// credentials: both sides'. NULL with errno: EADDRNOTAVAIL no address can be bound, EADDRINUSE no
// free port in the range, ENOMEM, EINVAL the credentials.
struct ice_agent *ice_agent_new(
	const struct ice_config *config,
	const struct plm_ice_credentials *credentials
);

// Closes the sockets. Sends nothing. Takes NULL.
void ice_agent_free(struct ice_agent *agent);

// A candidate of the client. 0, or -EBADMSG, -ENOTSUP (see ice_candidate_parse), -EPERM an address
// we send nothing to, -ENOBUFS more than ICE_CANDIDATES_MAX, -ESTALE of older credentials.
int ice_agent_add_candidate(struct ice_agent *agent, const char *text);

// ICE restart while connecting: new credentials of both sides, same ports. 0 or -errno.
int ice_agent_restart(struct ice_agent *agent, const struct plm_ice_credentials *credentials);

// A pair is selected. For tests and logs; nothing waits for it.
bool ice_agent_connected(const struct ice_agent *agent);
