// SPDX-License-Identifier: BSD-3-Clause

#include "rtx_cache.h"

#include <plm_rtp.h>

#include <errno.h>

#define SLOTS_MIN 16
#define SLOTS_MAX 32768 // half the number space: more could not be told old from new

int rtx_cache_init(struct rtx_cache *cache, struct rtx_slot *slots, uint32_t n_slots) {
	if (slots == NULL || n_slots < SLOTS_MIN || n_slots > SLOTS_MAX
	    || (n_slots & (n_slots - 1)) != 0)
		return -EINVAL;
	*cache = (struct rtx_cache){.slots = slots, .mask = n_slots - 1};
	return 0;
}

void *rtx_cache_put(struct rtx_cache *cache, uint16_t seq, void *packet, uint64_t now_us) {
	struct rtx_slot *slot = &cache->slots[seq & cache->mask];
	void *displaced = slot->packet;

	if (displaced != NULL && plm_seq_newer(slot->seq, seq))
		return packet;
	if (displaced == NULL)
		cache->used++;
	*slot = (struct rtx_slot){.packet = packet, .at_us = now_us, .seq = seq};
	return displaced;
}

void *rtx_cache_get(
	const struct rtx_cache *cache,
	uint16_t seq,
	uint64_t now_us,
	uint64_t max_age_us
) {
	const struct rtx_slot *slot = &cache->slots[seq & cache->mask];

	if (slot->packet == NULL || slot->seq != seq)
		return NULL;
	if (max_age_us != 0 && now_us > slot->at_us && now_us - slot->at_us > max_age_us)
		return NULL;
	return slot->packet;
}

void *rtx_cache_pop(struct rtx_cache *cache) {
	struct rtx_slot *slot;
	void *packet;

	if (cache->used == 0)
		return NULL;
	do {
		slot = &cache->slots[cache->pop_at];
		cache->pop_at = (cache->pop_at + 1) & cache->mask;
	} while (slot->packet == NULL);
	packet = slot->packet;
	slot->packet = NULL;
	cache->used--;
	return packet;
}
