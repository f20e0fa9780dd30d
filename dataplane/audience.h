// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The viewers of one producer on one worker: legs in chunks, classes of header extensions. Adding
// and removing one of many costs the same as of few.

#include "worker.h"

struct leg;

// Gives the consumer a leg; its transport must be set. chunk: a new one when the newest is full
// (the control thread counts along), else NULL.
void audience_join(
	struct worker *worker,
	struct audience *audience,
	struct consumer *consumer,
	struct leg_chunk *chunk
);

// Takes it away; the last leg moves into its place. Returns a chunk that became empty, or NULL.
struct leg_chunk *audience_leave(struct audience *audience, struct consumer *consumer);

// The transport's keys, state or selected path changed: its legs are written anew.
void audience_refresh(struct worker *worker, struct transport *transport);

// The RTP header of one source packet for this leg, SSRC, sequence number, timestamp and payload
// type left to fill in. Returns its length, or negative when it cannot be written.
int audience_header(
	struct audience *audience,
	struct leg *leg,
	struct rte_mbuf *source,
	const uint8_t **ret_header
);

// The source packet changed: headers made so far are of the one before.
static inline void audience_next_packet(uint32_t *packet) {
	if (++*packet == 0)
		*packet = 1; // 0 means never made
}
