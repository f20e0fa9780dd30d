// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The exception path, on the control thread: frames between the port and the kernel's TAP, and the
// STUN of ICE agents that are still connecting, whose private ports the public port stands for.
// Owns the table of agents' ports and of their transactions.

#include <plm_api.h>

#include <stdbool.h>
#include <stdint.h>

struct dataplane;
struct exception;

struct exception *exception_new(struct dataplane *dp, int tap_fd); // NULL with errno
void exception_free(struct exception *exception);

// The agent of a transport listens on these private ports (0: none). Replaces what was known.
void exception_agent_set(
	struct exception *exception,
	uint32_t transport,
	const struct plm_ice_credentials *ice,
	uint16_t port_v4,
	uint16_t port_v6
);
// The transport is SECURE: the agent's requests stop, its late answers pass.
void exception_agent_secure(struct exception *exception, uint32_t transport);
void exception_agent_clear(struct exception *exception, uint32_t transport);

// Moves up to a budget of frames each way. Returns frames moved.
unsigned exception_to_kernel(struct exception *exception);
unsigned exception_from_kernel(struct exception *exception);

struct exception_stats {
	uint64_t from_kernel, to_kernel;
	uint64_t agents; // private ports known
	const uint64_t *drops; // by enum drop_reason
};
void exception_stats(const struct exception *exception, struct exception_stats *ret_stats);
