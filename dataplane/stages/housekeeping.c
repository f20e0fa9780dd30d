// SPDX-License-Identifier: BSD-3-Clause

// Everything that is not a packet: messages from the control thread and other workers, a slice of
// the timers, counters of the second. Called every few loops.

#include "../audience.h"
#include "../config.h"
#include "../feedback.h"
#include "../mailbox.h"
#include "../media/flow_table.h"
#include "../media/stream.h"
#include "../media/transport.h"
#include "../output.h"
#include "../session.h"
#include "stages.h"

#include <plm_rtp.h>

#include <rte_mbuf.h>

#define MESSAGES_MAX 32
#define EVENTS_RESERVE (4 * MESSAGES_MAX * WORKER_MAX)
#define TIMER_SLICE_US 1000 // between two slices of transports
#define TIMER_ROUND_US 50000 // every transport is looked at this often
#define PRODUCER_TICK_US 2500 // NACKs are timed in milliseconds
#define SWEEP_FLOWS 4 // addresses checked per slice

static void release(struct worker *worker, uint32_t index, enum release kind, void *object) {
	const struct message message = {
		.type = MESSAGE_RELEASED,
		.index = index,
		.value = kind,
		.object = object,
	};

	worker_event(worker, &message);
}

static void producer_add(struct worker *worker, struct producer *producer) {
	struct transport *transport = worker->transports[producer->transport_index];

	producer->transport = transport;
	producer->next = transport->producers;
	transport->producers = producer;
	producer->ssrc = producer->add.ssrc;
	if (producer->ssrc != 0)
		transport_ssrc_add(transport, producer->ssrc, producer);
	nack_init(&producer->nack);
	keyframe_init(&producer->keyframe);
	rx_stats_init(&producer->stats, producer->ssrc, producer->add.clock_rate);
	producer->rate_us = worker->now_us;
	worker->producers[producer->index] = producer;
	producer->slot = worker->n_produced;
	worker->produced[worker->n_produced++] = producer;
	// Viewers may have come before the stream: their wish is remembered.
	if (producer->audience_mask != 0)
		feedback_keyframe(worker, producer->index, worker->index);
}

static void producer_del(struct worker *worker, uint32_t index) {
	struct producer *producer = worker->producers[index];
	struct producer **link, *last;

	if (producer != NULL) {
		link = &producer->transport->producers;
		while (*link != producer)
			link = &(*link)->next;
		*link = producer->next;
		transport_ssrc_remove(producer->transport, producer);
		worker->producers[index] = NULL;
		last = worker->produced[--worker->n_produced];
		worker->produced[producer->slot] = last;
		last->slot = producer->slot;
	}
	release(worker, index, RELEASE_PRODUCER, producer);
}

static void audience_del(struct worker *worker, uint32_t index) {
	struct audience *audience = worker->audiences[index];
	struct rte_mbuf *m;

	if (audience == NULL)
		return;
	while ((m = rtx_cache_pop(&audience->cache)) != NULL)
		rte_pktmbuf_free(m);
	worker->audiences[index] = NULL;
	release(worker, index, RELEASE_AUDIENCE, audience);
}

static void consumer_add(
	struct worker *worker,
	struct consumer *consumer,
	struct leg_chunk *chunk
) {
	struct audience *audience = worker->audiences[consumer->producer_index];
	struct transport *transport = worker->transports[consumer->transport_index];

	consumer->transport = transport;
	consumer->transport_next = transport->consumers;
	transport->consumers = consumer;
	transport->n_consumers++;
	audience_join(worker, audience, consumer, chunk);
	consumer->waiting_since_us = worker->now_us;
	worker->consumers[consumer->index] = consumer;
	worker->n_consumers++;
	// A transport that is not secure yet asks when it becomes so.
	if (consumer->waiting_keyframe && transport->state == PLM_TRANSPORT_SECURE)
		feedback_keyframe(worker, consumer->producer_index, audience->producer_worker);
}

static void consumer_del(struct worker *worker, uint32_t index) {
	struct consumer *consumer = worker->consumers[index];
	struct leg_chunk *chunk;
	struct consumer **link;

	if (consumer != NULL) {
		chunk = audience_leave(consumer->audience, consumer);
		if (chunk != NULL)
			release(worker, index, RELEASE_CHUNK, chunk);
		link = &consumer->transport->consumers;
		while (*link != consumer)
			link = &(*link)->transport_next;
		*link = consumer->transport_next;
		consumer->transport->n_consumers--;
		worker->consumers[index] = NULL;
		worker->n_consumers--;
	}
	release(worker, index, RELEASE_CONSUMER, consumer);
}

static void consumer_set(struct worker *worker, uint32_t index, bool paused) {
	struct consumer *consumer = worker->consumers[index];
	struct leg *leg;

	if (consumer == NULL || ((consumer->leg->flags & LEG_PAUSED) != 0) == paused)
		return;
	leg = consumer->leg;
	leg->flags ^= LEG_PAUSED;
	if (paused)
		return;
	rewrite_restart(&leg->rewrite);
	if (consumer->kind == PLM_KIND_VIDEO) {
		leg->flags |= LEG_WAITING;
		consumer->waiting_since_us = worker->now_us;
		feedback_keyframe(
			worker, consumer->producer_index, consumer->audience->producer_worker
		);
	}
}

static void secure(struct worker *worker, const struct message *message) {
	struct transport *transport = worker->transports[message->index];

	if (transport == NULL || transport->state == PLM_TRANSPORT_SECURE) {
		release(worker, message->index, RELEASE_SESSIONS, message->secure.rx);
		release(worker, message->index, RELEASE_SESSIONS, message->secure.tx);
		return;
	}
	session_secure(
		worker, transport, message->secure.suite, message->secure.rx, message->secure.tx
	);
	for (struct consumer *c = transport->consumers; c != NULL; c = c->transport_next) {
		c->waiting_since_us = worker->now_us;
		if ((c->leg->flags & LEG_WAITING) != 0)
			feedback_keyframe(worker, c->producer_index, c->audience->producer_worker);
	}
}

static void dtls_out(struct worker *worker, const struct message *message) {
	struct transport *transport = worker->transports[message->index];
	struct rte_mbuf *m = message->object;
	uint8_t slot;

	// By the selected path; before nomination, back to where the newest record came from.
	if (transport == NULL) {
		worker_drop(worker, m, PLM_STAGE_HOUSEKEEPING, DROP_TRANSPORT_GONE);
		return;
	}
	if (transport->state == PLM_TRANSPORT_DEAD) {
		worker_drop(worker, m, PLM_STAGE_HOUSEKEEPING, DROP_TRANSPORT_DEAD);
		return;
	}
	slot = transport->selected != TRANSPORT_NO_PATH ? transport->selected
							: transport->dtls_path;
	if (slot == TRANSPORT_NO_PATH) {
		worker_drop(worker, m, PLM_STAGE_HOUSEKEEPING, DROP_NO_PATH);
		return;
	}
	session_dtls_sent(transport, slot);
	output_plain(
		worker,
		transport,
		&transport->paths[slot],
		rte_pktmbuf_mtod(m, uint8_t *),
		m->data_len
	);
	rte_pktmbuf_free(m);
}

static void sender_report(struct worker *worker, const struct message *message) {
	struct audience *audience = worker->audiences[message->index];

	if (audience != NULL && audience->producer_serial == (uint32_t)message->value)
		feedback_sender_report(worker, audience, &message->sr);
}

static void set_trace(struct worker *worker, const struct message *message) {
	worker->trace.left = 0;
	__atomic_store_n(&worker->trace.n, 0, __ATOMIC_RELEASE);
	worker->trace.transport = message->index;
	worker->trace.left = (uint32_t)RTE_MIN(message->value, (uint64_t)TRACE_MAX);
}

static void handle(struct worker *worker, const struct message *message) {
	struct audience *audience;

	switch (message->type) {
	case MESSAGE_CREDENTIAL_ADD:
		session_credential_add(worker, message->object);
		break;
	case MESSAGE_CREDENTIAL_DEL:
		session_credential_remove(worker, message->index, message->ufrag);
		break;
	case MESSAGE_TRANSPORT_SECURE:
		secure(worker, message);
		break;
	case MESSAGE_TRANSPORT_DEL:
		session_forget(worker, message->index);
		break;
	case MESSAGE_PRODUCER_ADD:
		producer_add(worker, message->object);
		break;
	case MESSAGE_PRODUCER_DEL:
		producer_del(worker, message->index);
		break;
	case MESSAGE_PRODUCER_KEYFRAME:
		feedback_keyframe(worker, message->index, worker->index);
		break;
	case MESSAGE_PRODUCER_AUDIENCE:
		if (worker->producers[message->index] != NULL)
			worker->producers[message->index]->audience_mask = message->value;
		break;
	case MESSAGE_AUDIENCE_ADD:
		audience = message->object;
		worker->audiences[audience->producer_index] = audience;
		break;
	case MESSAGE_AUDIENCE_DEL:
		audience_del(worker, message->index);
		break;
	case MESSAGE_CONSUMER_ADD:
		consumer_add(worker, message->consumer.object, message->consumer.chunk);
		break;
	case MESSAGE_CONSUMER_DEL:
		consumer_del(worker, message->index);
		break;
	case MESSAGE_CONSUMER_SET:
		consumer_set(worker, message->index, message->value != 0);
		break;
	case MESSAGE_DTLS_OUT:
		dtls_out(worker, message);
		break;
	case MESSAGE_TRACE:
		set_trace(worker, message);
		break;
	case MESSAGE_SENDER_REPORT:
		sender_report(worker, message);
		break;
	case MESSAGE_PATH_TAKEN:
		session_path_lost(worker, message->index, &message->addr);
		break;
	case MESSAGE_PATH_GONE:
		flow_table_remove(worker->flows, &message->addr, message->index);
		break;
	default:
		break;
	}
}

static unsigned take_messages(struct worker *worker) {
	struct message messages[MESSAGES_MAX];
	unsigned n;

	// Each message may give objects back: not before there is room to say so.
	if (mailbox_free_count(worker->dp->events) < EVENTS_RESERVE)
		return 0;
	n = mailbox_take(worker->mailbox, messages, MESSAGES_MAX);
	for (unsigned i = 0; i < n; i++) {
		// What earlier messages had gathered may point to what goes away now.
		if (messages[i].type == MESSAGE_CONSUMER_DEL
		    || messages[i].type == MESSAGE_TRANSPORT_DEL
		    || messages[i].type == MESSAGE_PATH_TAKEN)
			output_protect(worker);
		handle(worker, &messages[i]);
	}
	return n;
}

// Addresses given to other workers' transports stay until the transport is unclaimed or claimed by
// another; a few are looked at in every slice.
static void sweep_flows(struct worker *worker) {
	for (unsigned i = 0; i < SWEEP_FLOWS; i++) {
		struct plm_addr remote;
		struct flow flow;

		if (!flow_table_next(worker->flows, &worker->sweep, &remote, &flow))
			return;
		if (flow.owner != worker->index
		    && __atomic_load_n(&worker->dp->claims[flow.transport], __ATOMIC_RELAXED)
			    != flow.owner)
			flow_table_remove(worker->flows, &remote, flow.transport);
	}
}

static void look_at_pool(struct worker *worker) {
	struct rte_mempool *pool = worker->dp->packets;

	worker->pool_low = rte_mempool_avail_count(pool) < pool->size / 4;
}

static void tick_transports(struct worker *worker) {
	unsigned n = worker->n_owned * TIMER_SLICE_US / TIMER_ROUND_US + 1;

	if (worker->now_us - worker->timer_us < TIMER_SLICE_US)
		return;
	worker->timer_us = worker->now_us;
	look_at_pool(worker);
	sweep_flows(worker);
	if (n > worker->n_owned)
		n = worker->n_owned;
	for (unsigned i = 0; i < n; i++) {
		struct transport *transport;

		if (worker->timer_next >= worker->n_owned)
			worker->timer_next = 0;
		transport = worker->owned[worker->timer_next++];
		session_tick(worker, transport);
		feedback_report_tick(worker, transport);
	}
}

static void tick_producers(struct worker *worker) {
	if (worker->now_us - worker->producer_us < PRODUCER_TICK_US)
		return;
	worker->producer_us = worker->now_us;
	for (unsigned i = 0; i < worker->n_produced; i++)
		feedback_producer_tick(worker, worker->produced[i]);
}

static void roll_second(struct worker *worker) {
	uint64_t cycles;

	if (worker->now_us - worker->second_us < 1000000)
		return;
	cycles = worker->now_tsc - worker->second_tsc;
	worker->load_permille = (uint32_t
	)((worker->busy_cycles - worker->second_busy) * 1000 / (cycles ? cycles : 1));
	worker->second_us = worker->now_us;
	worker->second_tsc = worker->now_tsc;
	worker->second_busy = worker->busy_cycles;
}

unsigned stage_housekeeping(struct worker *worker) {
	unsigned n = take_messages(worker);

	tick_transports(worker);
	tick_producers(worker);
	roll_second(worker);
	return n;
}
