// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The newest packets of one producer by sequence number, shared by all its viewers on this worker.
// Holds pointers; the caller owns references (mbuf refcounts) and releases what is handed back.
// Pure. Storage is the caller's.

#include <stddef.h>
#include <stdint.h>

struct rtx_slot {
	void *packet; // NULL = empty
	uint64_t at_us;
	uint16_t seq;
};

struct rtx_cache {
	struct rtx_slot *slots;
	uint32_t mask; // slots - 1
	uint32_t used;
	uint32_t pop_at; // where pop looks next: emptying costs one pass in all
};

// n_slots: a power of two, 16..32768, of zeroed storage. Returns 0 or -EINVAL.
int rtx_cache_init(struct rtx_cache *cache, struct rtx_slot *slots, uint32_t n_slots);

// Stores packet under seq; returns the packet it displaces (older one, or an older copy of the same
// seq), NULL if none. A packet older than what its slot holds is not stored: it is returned itself.
void *rtx_cache_put(struct rtx_cache *cache, uint16_t seq, void *packet, uint64_t now_us);

// The packet with this seq, or NULL. max_age_us 0 = any age.
void *rtx_cache_get(
	const struct rtx_cache *cache,
	uint16_t seq,
	uint64_t now_us,
	uint64_t max_age_us
);

// Takes any one packet out (for release at the end), NULL when empty.
void *rtx_cache_pop(struct rtx_cache *cache);
