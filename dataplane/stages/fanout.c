// SPDX-License-Identifier: BSD-3-Clause

// One source packet to every viewer: local ones now, those of each other worker by one ring entry.
// The plaintext is shared by reference and stays in the cache that answers NACKs.

#include "../feedback.h"
#include "../media/stream.h"
#include "../media/transport.h"
#include "../output.h"
#include "stages.h"

#include <rte_ring.h>

// The publisher's stream began anew under another SSRC: old numbers mean nothing any more.
static void begin_span(struct audience *audience, uint32_t ssrc) {
	struct rte_mbuf *m;

	while ((m = rtx_cache_pop(&audience->cache)) != NULL)
		rte_pktmbuf_free(m);
	for (struct leg_chunk *chunk = audience->oldest; chunk != NULL; chunk = chunk->newer) {
		for (unsigned i = 0; i < chunk->n; i++)
			rewrite_restart(&chunk->legs[i].rewrite);
	}
	audience->source_ssrc = ssrc;
}

// The cache holds packets only while the pool has plenty: media in flight goes first.
static void keep(struct worker *worker, struct audience *audience, struct rte_mbuf *m) {
	struct rte_mbuf *old;

	if (worker->pool_low) {
		worker->drops[DROP_CACHE_CLOSED]++;
		old = rtx_cache_pop(&audience->cache);
	} else {
		rte_mbuf_refcnt_update(m, 1);
		old = rtx_cache_put(&audience->cache, packet_of(m)->rtp.seq, m, worker->now_us);
	}
	if (old != NULL)
		rte_pktmbuf_free(old);
}

// m is consumed. audience: NULL = nobody watches here.
static unsigned to_viewers(struct worker *worker, struct audience *audience, struct rte_mbuf *m) {
	uint32_t ssrc = packet_of(m)->rtp.ssrc;

	if (audience == NULL) {
		rte_pktmbuf_free(m);
		return 0;
	}
	if (audience->source_ssrc != ssrc)
		begin_span(audience, ssrc);
	keep(worker, audience, m);
	return output_media(worker, audience, m);
}

static unsigned to_workers(
	struct worker *worker,
	const struct producer *producer,
	struct rte_mbuf *m
) {
	uint64_t others = producer->audience_mask & ~(UINT64_C(1) << worker->index);
	unsigned n = 0;

	while (others != 0) {
		unsigned i = (unsigned)__builtin_ctzll(others);

		others &= others - 1;
		rte_mbuf_refcnt_update(m, 1);
		if (rte_ring_enqueue(worker->dp->workers[i]->fanout, m) != 0) {
			rte_mbuf_refcnt_update(m, -1);
			worker->drops[DROP_FANOUT_FULL]++;
			continue;
		}
		worker->fanned_out++;
		n++;
	}
	return n;
}

static struct audience *audience_of(struct worker *worker, const struct packet *packet) {
	struct audience *audience = worker->audiences[packet->producer];

	return audience != NULL && audience->producer_serial == packet->producer_serial ? audience
											: NULL;
}

static void fan_out(struct worker *worker, struct rte_mbuf *m) {
	struct packet *packet = packet_of(m);
	const struct producer *producer = worker->producers[packet->producer];
	struct audience *audience = audience_of(worker, packet);
	unsigned n = 0;

	// Metadata is complete from here on: others read it.
	n += to_workers(worker, producer, m);
	rte_mbuf_refcnt_update(m, 1); // for the trace
	n += to_viewers(worker, audience, m);
	if (n == 0)
		worker->drops[DROP_NO_CONSUMER]++;
	if (worker->trace.left != 0) {
		packet->fanout = (uint16_t)n;
		trace_packet(worker, m, PLM_STAGE_FANOUT, TRACE_DONE, 0);
	}
	rte_pktmbuf_free(m);
}

unsigned stage_fanout(struct worker *worker) {
	struct batch *batch = &worker->batch;
	struct rte_mbuf *foreign[WORKER_BURST];
	unsigned n;

	for (unsigned i = 0; i < batch->n_routed; i++)
		fan_out(worker, batch->routed[i]);
	n = rte_ring_dequeue_burst(worker->fanout, (void *)foreign, WORKER_BURST, NULL);
	for (unsigned i = 0; i < n; i++)
		to_viewers(worker, audience_of(worker, packet_of(foreign[i])), foreign[i]);
	return batch->n_routed + n;
}
