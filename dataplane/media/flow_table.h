// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Remote address -> who owns the transport behind it, on one worker. Holds its own transports'
// paths and the addresses it has handed to other workers. Single-threaded; bounded.

#include <plm_api.h>

#include <stdbool.h>
#include <stdint.h>

struct flow {
	uint32_t transport; // index
	uint8_t owner; // worker
};

struct flow_table;

struct flow_table *flow_table_new(const char *name, uint32_t max); // NULL with errno
void flow_table_free(struct flow_table *table);

// Adds or replaces. 0 or -ENOSPC.
int flow_table_set(struct flow_table *table, const struct plm_addr *remote, struct flow flow);

// False when unknown.
bool flow_table_get(
	const struct flow_table *table,
	const struct plm_addr *remote,
	struct flow *ret_flow
);

// n addresses at once (at most 64): found[i] tells whether flows[i] is set.
void flow_table_get_bulk(
	const struct flow_table *table,
	const struct plm_addr *const *remotes,
	unsigned n,
	struct flow *ret_flows,
	uint64_t *ret_found
);

// Removes remote if it leads to this transport.
void flow_table_remove(struct flow_table *table, const struct plm_addr *remote, uint32_t transport);

// Steps through the table a few entries a call, so that stale ones can be found without a pause:
// *cursor starts at 0 and wraps. False at the end of a walk.
bool flow_table_next(
	const struct flow_table *table,
	uint32_t *cursor,
	struct plm_addr *ret_remote,
	struct flow *ret_flow
);

uint32_t flow_table_count(const struct flow_table *table);
