// SPDX-License-Identifier: BSD-3-Clause

#include "worker.h"

#include "config.h"
#include "mailbox.h"
#include "media/flow_table.h"
#include "media/transport.h"
#include "output.h"
#include "stages/stages.h"

#include <plm_loop.h>

#include <rte_cycles.h>
#include <rte_hash.h>
#include <rte_jhash.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_ring.h>

#include <errno.h>
#include <sys/random.h>
#include <time.h>

#define RING_SIZE 2048
#define MAILBOX_SIZE 8192
#define HOUSEKEEPING_LOOPS 8 // busy loops between two housekeepings
#define IDLE_BUSY_POLLS 64 // empty rounds before the first sleep
#define IDLE_FIRST_US 10

void worker_drop(
	struct worker *worker,
	struct rte_mbuf *m,
	enum plm_stage stage,
	enum drop_reason reason
) {
	worker->drops[reason]++;
	trace_packet(worker, m, stage, TRACE_DROPPED, reason);
	rte_pktmbuf_free(m);
}

// DTLS records come from outside: they may fill half of the queue, what objects' lives depend on
// has the rest.
int worker_event(struct worker *worker, const struct message *message) {
	struct mailbox *events = worker->dp->events;

	if (message->type == MESSAGE_DTLS_IN && mailbox_free_count(events) < MAILBOX_SIZE)
		return -ENOSPC;
	if (mailbox_post(events, message) != 0)
		return -ENOSPC;
	output_wake_control(worker);
	return 0;
}

// One stage, with its packets and cycles counted.
static unsigned timed(
	struct worker *worker,
	enum plm_stage stage,
	unsigned (*run)(struct worker *worker)
) {
	struct plm_stage_info *info = &worker->stages[stage];
	uint64_t before = rte_rdtsc();
	unsigned n = run(worker);

	if (n > 0) {
		info->calls++;
		info->packets += n;
		info->cycles += rte_rdtsc() - before;
	}
	return n;
}

static void read_clock(struct worker *worker) {
	worker->now_tsc = rte_rdtsc();
	worker->now_us = plm_now_us();
}

unsigned worker_round(struct worker *worker) {
	struct batch *batch = &worker->batch;
	unsigned n;

	read_clock(worker);
	n = timed(worker, PLM_STAGE_RX, stage_rx);
	if (batch->n_in > 0) {
		timed(worker, PLM_STAGE_CLASSIFY, stage_classify);
		if (batch->n_stun > 0)
			timed(worker, PLM_STAGE_STUN, stage_stun);
		batch->n_routed = 0;
		if (batch->n_flow > 0) {
			timed(worker, PLM_STAGE_LOOKUP, stage_lookup);
			timed(worker, PLM_STAGE_UNPROTECT, stage_unprotect);
			timed(worker, PLM_STAGE_RTCP, stage_rtcp);
			timed(worker, PLM_STAGE_ROUTE, stage_route);
		}
	} else {
		batch->n_routed = 0;
	}
	n += timed(worker, PLM_STAGE_FANOUT, stage_fanout);
	if (n == 0 || worker->loops % HOUSEKEEPING_LOOPS == 0)
		n += timed(worker, PLM_STAGE_HOUSEKEEPING, stage_housekeeping);
	n += timed(worker, PLM_STAGE_EGRESS, stage_egress);
	worker->loops++;
	return n;
}

// Adaptive idling of software ports: busy first, then sleeps that double up to the configured
// limit.
static void idle(struct worker *worker, unsigned *empty, unsigned *sleep_us) {
	struct timespec span = {0};

	if (++*empty < IDLE_BUSY_POLLS)
		return;
	span.tv_nsec = *sleep_us * 1000L;
	nanosleep(&span, NULL);
	worker->sleeps++;
	*sleep_us *= 2;
	if (*sleep_us > worker->dp->config->idle_max_us)
		*sleep_us = worker->dp->config->idle_max_us;
}

int worker_run(void *argument) {
	struct worker *worker = argument;
	unsigned empty = 0, sleep_us = IDLE_FIRST_US;

	read_clock(worker);
	worker->second_tsc = worker->now_tsc;
	worker->second_us = worker->now_us;
	while (!__atomic_load_n(&worker->dp->stop, __ATOMIC_RELAXED)) {
		if (worker_round(worker) > 0) {
			worker->busy_cycles += rte_rdtsc() - worker->now_tsc;
			empty = 0;
			sleep_us = IDLE_FIRST_US;
		} else if (worker->dp->adaptive) {
			idle(worker, &empty, &sleep_us);
		}
	}
	return 0;
}

static void *table_new(size_t n) {
	return calloc(n, sizeof(void *));
}

struct worker *worker_new(struct dataplane *dp, unsigned index, unsigned lcore) {
	const struct config *config = dp->config;
	struct rte_hash_parameters parameters = {
		.entries = 2 * config->max_transports < 8 ? 8 : 2 * config->max_transports,
		.key_len = PLM_UFRAG_MAX,
		.hash_func = rte_jhash,
		.socket_id = SOCKET_ID_ANY,
		.extra_flag = RTE_HASH_EXTRA_FLAGS_EXT_TABLE,
	};
	struct worker *worker = aligned_alloc(64, (sizeof(*worker) + 63) & ~(size_t)63);
	char name[RTE_RING_NAMESIZE];

	if (worker == NULL)
		return NULL;
	memset(worker, 0, sizeof(*worker));
	worker->dp = dp;
	worker->index = index;
	worker->lcore = lcore;
	worker->trace.transport = UINT32_MAX;
	snprintf(name, sizeof(name), "strays%u", index);
	worker->strays = rte_ring_create(name, RING_SIZE, SOCKET_ID_ANY, RING_F_SC_DEQ);
	snprintf(name, sizeof(name), "fanout%u", index);
	worker->fanout = rte_ring_create(name, RING_SIZE, SOCKET_ID_ANY, RING_F_SC_DEQ);
	snprintf(name, sizeof(name), "send%u", index);
	worker->to_send = rte_ring_create(name, RING_SIZE, SOCKET_ID_ANY, RING_F_SC_DEQ);
	snprintf(name, sizeof(name), "mailbox%u", index);
	worker->mailbox = mailbox_new(name, MAILBOX_SIZE);
	snprintf(name, sizeof(name), "ufrag%u", index);
	parameters.name = name;
	worker->credentials = rte_hash_create(&parameters);
	snprintf(name, sizeof(name), "flows%u", index);
	worker->flows = flow_table_new(name, 2 * config->max_transports);
	worker->generations = table_new(config->max_transports);
	worker->transports = table_new(config->max_transports);
	worker->owned = table_new(config->max_transports);
	worker->producers = table_new(config->max_producers);
	worker->produced = table_new(config->max_producers);
	worker->audiences = table_new(config->max_producers);
	worker->consumers = table_new(config->max_consumers);
	if (worker->strays == NULL || worker->fanout == NULL || worker->to_send == NULL
	    || worker->mailbox == NULL || worker->credentials == NULL || worker->flows == NULL
	    || worker->generations == NULL || worker->transports == NULL || worker->owned == NULL
	    || worker->producers == NULL || worker->produced == NULL || worker->audiences == NULL
	    || worker->consumers == NULL
	    || getrandom(&worker->random, sizeof(worker->random), 0) != sizeof(worker->random)) {
		worker_free(worker);
		errno = ENOMEM;
		return NULL;
	}
	worker->random |= 1;
	return worker;
}

void worker_free(struct worker *worker) {
	if (worker == NULL)
		return;
	rte_ring_free(worker->strays);
	rte_ring_free(worker->fanout);
	rte_ring_free(worker->to_send);
	mailbox_free(worker->mailbox);
	rte_hash_free(worker->credentials);
	flow_table_free(worker->flows);
	free(worker->generations);
	free(worker->transports);
	free(worker->owned);
	free(worker->producers);
	free(worker->produced);
	free(worker->audiences);
	free(worker->consumers);
	free(worker);
}
