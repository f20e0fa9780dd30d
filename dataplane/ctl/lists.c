// SPDX-License-Identifier: BSD-3-Clause

#include "lists.h"

#include "../config.h"
#include "../exception.h"
#include "../io/port.h"
#include "../media/stream.h"
#include "../media/transport.h"

#include <plm_loop.h>

#include <rte_cycles.h>
#include <rte_mempool.h>

#include <stdio.h>
#include <string.h>

#define EXCEPTION_THREAD 255 // in plm_drop_info.worker

static size_t transport_next(
	struct ctl *ctl,
	uint64_t id,
	uint64_t *cursor,
	struct plm_transport_info *ret
) {
	uint64_t now_us = plm_now_us();

	for (; *cursor < ctl->dp->config->max_transports; (*cursor)++) {
		const struct ctl_transport *t = &ctl->transports[*cursor];
		const struct transport *w = t->transport;
		uint8_t selected;

		if (!t->used || t->deleting || (id != 0 && t->add.id != id))
			continue;
		(*cursor)++;
		selected = w->selected;
		*ret = (struct plm_transport_info){
			.id = t->add.id,
			.state = w->state,
			.worker = t->owner,
			.generations = t->n_generations,
			.suite = w->suite,
			.n_producers = (uint16_t)t->n_producers,
			.n_consumers = w->n_consumers,
			.rtt_us = w->consent.rtt_us,
			.age_ms = (uint32_t)((now_us - w->created_us) / 1000),
			.rx_packets = w->rx_packets,
			.rx_bytes = w->rx_bytes,
			.tx_packets = w->tx_packets,
			.tx_bytes = w->tx_bytes,
			.rx_dropped = w->rx_dropped,
			.tx_dropped = w->tx_dropped,
			.path_changes = w->path_changes,
			.stun_requests = w->stun_requests,
			.consent_sent = w->consent_sent,
			.consent_received = w->consent_received,
		};
		// What legs send is counted there.
		for (const struct ctl_consumer *c = t->consumers; c != NULL;
		     c = c->transport_next) {
			const struct leg *leg = __atomic_load_n(
				&c->consumer->leg, __ATOMIC_ACQUIRE
			);

			if (leg != NULL) {
				ret->tx_packets += leg->packets + c->consumer->retransmitted;
				ret->tx_bytes += leg->wire_bytes;
			}
		}
		if (w->consent.ok_us != 0 && now_us > w->consent.ok_us)
			ret->consent_age_ms = (uint32_t)((now_us - w->consent.ok_us) / 1000);
		for (unsigned i = 0; i < TRANSPORT_PATHS; i++)
			ret->n_paths += w->paths[i].seen_us != 0;
		if (selected < TRANSPORT_PATHS)
			ret->remote = w->paths[selected].remote;
		return sizeof(*ret);
	}
	return 0;
}

static size_t producer_next(
	struct ctl *ctl,
	uint64_t id,
	uint64_t *cursor,
	struct plm_producer_info *ret
) {
	for (; *cursor < ctl->dp->config->max_producers; (*cursor)++) {
		const struct ctl_producer *p = &ctl->producers[*cursor];
		const struct producer *w = p->producer;

		if (!p->used || p->deleting || (id != 0 && p->add.id != id))
			continue;
		if (w == NULL && p->transport->owner != TRANSPORT_UNCLAIMED)
			w = ctl->dp->workers[p->transport->owner]->producers[p->index];
		(*cursor)++;
		*ret = (struct plm_producer_info){
			.id = p->add.id,
			.transport_id = p->add.transport_id,
			.ssrc = p->add.ssrc,
			.clock_rate = p->add.clock_rate,
			.kind = p->add.kind,
			.codec = p->add.codec,
			.payload_type = p->add.payload_type,
			.worker = p->transport->owner,
			.n_consumers = p->n_consumers,
			.audio_level = 255,
		};
		if (w == NULL)
			return sizeof(*ret);
		ret->ssrc = w->ssrc;
		ret->packets = w->packets;
		ret->bytes = w->bytes;
		ret->lost = rx_stats_lost(&w->stats);
		ret->nacked = w->nacked;
		ret->recovered = w->recovered;
		ret->duplicates = w->duplicates;
		ret->keyframes = w->keyframes;
		ret->keyframe_requests = w->keyframe.requests;
		ret->keyframe_asked = w->keyframe.asked;
		ret->jitter = rx_stats_jitter(&w->stats);
		ret->bitrate = w->bitrate;
		ret->packet_rate = w->packet_rate;
		ret->audio_level = w->audio_level;
		return sizeof(*ret);
	}
	return 0;
}

static size_t consumer_next(
	struct ctl *ctl,
	uint64_t id,
	uint64_t *cursor,
	struct plm_consumer_info *ret
) {
	for (; *cursor < ctl->dp->config->max_consumers; (*cursor)++) {
		const struct ctl_consumer *c = &ctl->consumers[*cursor];
		const struct consumer *w = c->consumer;
		const struct leg *leg;

		if (!c->used || c->deleting
		    || (id != 0 && c->add.id != id && c->add.producer_id != id))
			continue;
		(*cursor)++;
		*ret = (struct plm_consumer_info){
			.id = c->add.id,
			.transport_id = c->add.transport_id,
			.producer_id = c->add.producer_id,
			.ssrc = c->add.ssrc,
			.payload_type = c->add.payload_type,
			.worker = c->transport->owner,
			.kind = w->kind,
			.paused = w->add.paused,
			.dropped = w->dropped,
			.retransmitted = w->retransmitted,
			.nacks = w->nacks,
			.nack_misses = w->nack_misses,
			.plis = w->plis,
			.rtt_us = w->rtt_us,
			.jitter = w->jitter,
			.lost = w->lost,
			.fraction_lost = w->fraction_lost,
			.waiting_keyframe = w->waiting_keyframe,
		};
		// A leg moves when another viewer leaves; its chunk is freed by this thread only.
		leg = __atomic_load_n(&w->leg, __ATOMIC_ACQUIRE);
		if (leg != NULL) {
			ret->packets = leg->packets;
			ret->bytes = leg->bytes;
			ret->paused = (leg->flags & LEG_PAUSED) != 0;
			ret->waiting_keyframe = (leg->flags & LEG_WAITING) != 0;
		}
		return sizeof(*ret);
	}
	return 0;
}

static size_t worker_next(struct ctl *ctl, uint64_t *cursor, struct plm_worker_info *ret) {
	const struct dataplane *dp = ctl->dp;
	const struct worker *w;

	if (*cursor >= dp->n_workers)
		return 0;
	w = dp->workers[(*cursor)++];
	*ret = (struct plm_worker_info){
		.index = w->index,
		.lcore = w->lcore,
		.n_transports = w->n_owned,
		.n_producers = w->n_produced,
		.n_consumers = w->n_consumers,
		.load_permille = w->load_permille,
		.tsc_hz = dp->tsc_hz,
		.loops = w->loops,
		.busy_cycles = w->busy_cycles,
		.sleeps = w->sleeps,
		.rx_packets = w->rx_packets,
		.tx_packets = w->tx_packets,
		.handed_over = w->handed_over,
		.fanned_out = w->fanned_out,
		.mbufs_free = rte_mempool_avail_count(dp->packets),
		.mbufs_used = rte_mempool_in_use_count(dp->packets),
	};
	memcpy(ret->stages, w->stages, sizeof(w->stages));
	return sizeof(*ret);
}

static size_t port_next(struct ctl *ctl, uint64_t *cursor, struct plm_port_info *ret) {
	struct exception_stats stats;

	if (*cursor > 0)
		return 0;
	(*cursor)++;
	memset(ret, 0, sizeof(*ret));
	port_info(ctl->dp->port, ret);
	exception_stats(ctl->exception, &stats);
	ret->tap_rx_packets = stats.from_kernel;
	ret->tap_tx_packets = stats.to_kernel;
	snprintf(ret->tap, sizeof(ret->tap), "%s", ctl->dp->config->tap);
	return sizeof(*ret);
}

// Every reason of every worker, then of the exception thread; zeros too, so that they can be
// graphed.
static size_t drop_next(struct ctl *ctl, uint64_t *cursor, struct plm_drop_info *ret) {
	uint64_t who = *cursor / DROP_COUNT, reason = *cursor % DROP_COUNT;
	struct exception_stats stats;

	if (who > ctl->dp->n_workers)
		return 0;
	(*cursor)++;
	exception_stats(ctl->exception, &stats);
	*ret = (struct plm_drop_info){
		.reason = (uint32_t)reason,
		.worker = who == ctl->dp->n_workers ? EXCEPTION_THREAD : (uint32_t)who,
		.packets = who == ctl->dp->n_workers ? stats.drops[reason]
						     : ctl->dp->workers[who]->drops[reason],
	};
	if (who == ctl->dp->n_workers && reason == DROP_PUNT_FULL)
		ret->packets += ctl->punt_drops;
	snprintf(ret->name, sizeof(ret->name), "%s", drop_name((enum drop_reason)reason));
	snprintf(ret->help, sizeof(ret->help), "%s", drop_help((enum drop_reason)reason));
	return sizeof(*ret);
}

static size_t trace_next(struct ctl *ctl, uint64_t *cursor, struct plm_trace_entry *ret) {
	while (*cursor / TRACE_MAX < ctl->dp->n_workers) {
		const struct trace *trace = &ctl->dp->workers[*cursor / TRACE_MAX]->trace;
		uint64_t i = *cursor % TRACE_MAX;

		if (i < __atomic_load_n(&trace->n, __ATOMIC_ACQUIRE)) {
			*ret = trace->entries[i];
			(*cursor)++;
			return sizeof(*ret);
		}
		*cursor = (*cursor / TRACE_MAX + 1) * TRACE_MAX;
	}
	return 0;
}

size_t ctl_list_next(
	struct ctl *ctl,
	uint16_t type,
	uint64_t id,
	uint64_t *cursor,
	void *ret_item
) {
	switch (type) {
	case PLM_API_TRANSPORT_LIST:
		return transport_next(ctl, id, cursor, ret_item);
	case PLM_API_PRODUCER_LIST:
		return producer_next(ctl, id, cursor, ret_item);
	case PLM_API_CONSUMER_LIST:
		return consumer_next(ctl, id, cursor, ret_item);
	case PLM_API_WORKER_LIST:
		return worker_next(ctl, cursor, ret_item);
	case PLM_API_PORT_LIST:
		return port_next(ctl, cursor, ret_item);
	case PLM_API_DROP_LIST:
		return drop_next(ctl, cursor, ret_item);
	case PLM_API_TRACE_LIST:
		return trace_next(ctl, cursor, ret_item);
	default:
		return 0;
	}
}
