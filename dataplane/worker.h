// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// One worker: a pinned lcore with everything it needs. Nothing in here is touched by another thread
// except the rings and mailbox, the atomic words named so, and statistics that others read.

#include "drop.h"
#include "message.h"
#include "packet.h"
#include "trace.h"

#include <plm_api.h>

#include <rte_ether.h>

#include <srtp.h>
#include <stdbool.h>
#include <stdint.h>

struct audience;
struct config;
struct consumer;
struct credential;
struct flow_table;
struct mailbox;
struct plm_loop;
struct port;
struct producer;
struct rte_hash;
struct rte_mempool;
struct rte_ring;
struct transport;
struct worker;

#define WORKER_BURST 32
#define WORKER_MAX 16
#define WORKER_NONE 0xff

// What all workers and the control thread share; read only while workers run, but for the words
// marked atomic.
struct dataplane {
	const struct config *config;
	struct port *port;
	struct rte_mempool *packets; // received and sent packets
	struct worker *workers[WORKER_MAX];
	unsigned n_workers;
	uint64_t start_us;
	uint64_t tsc_hz;

	// One byte a transport: the worker that claimed it (compare and swap from unclaimed). The
	// only state that workers decide by shared memory.
	uint8_t *claims; // atomic

	struct mailbox *events; // workers -> control thread
	struct rte_ring *to_kernel; // frames for the TAP
	struct rte_ring *stun_answers; // responses to checks of agents, not yet verified
	struct plm_loop *control_loop; // woken when the control thread sleeps
	uint8_t control_sleeps; // atomic
	bool adaptive; // workers may sleep and wake others
	bool stop; // atomic
};

// Packets to protect and send, gathered over the whole loop.
struct egress {
	unsigned n_rtp, n_rtcp, n_held, n_spare;
	struct rte_mbuf *rtp[2 * WORKER_BURST], *rtcp[2 * WORKER_BURST];
	struct srtp_job rtp_jobs[2 * WORKER_BURST], rtcp_jobs[2 * WORKER_BURST];
	struct consumer *rtp_consumers[2 * WORKER_BURST];
	uint32_t rtp_sums[2 * WORKER_BURST]; // of pseudo headers, without the length
	struct transport *rtcp_transports[2 * WORKER_BURST];
	struct rte_mbuf *held[8 * WORKER_BURST]; // plaintext that rtp jobs read, a reference each
	struct rte_mbuf *spare[2 * WORKER_BURST]; // allocated ahead, many at a time
	unsigned n_tx;
	struct rte_mbuf *tx[4 * WORKER_BURST]; // finished frames
};

#define EGRESS_MAX (2 * WORKER_BURST)
#define EGRESS_HELD_MAX (8 * WORKER_BURST)
#define EGRESS_TX_MAX (4 * WORKER_BURST)

// Packets of one loop, by what comes next. Every mbuf is in exactly one array.
struct batch {
	unsigned n_in, n_stun, n_flow, n_dtls, n_rtp, n_rtcp, n_media, n_routed;
	struct rte_mbuf *in[4 * WORKER_BURST]; // from the port, strays
	struct rte_mbuf *stun[4 * WORKER_BURST]; // STUN for our port
	struct rte_mbuf *flow[4 * WORKER_BURST]; // DTLS, RTP, RTCP, not yet looked up
	struct rte_mbuf *rtp[4 * WORKER_BURST]; // of owned transports, encrypted, then decrypted
	struct rte_mbuf *rtcp[4 * WORKER_BURST];
	struct rte_mbuf *routed[4 * WORKER_BURST]; // plaintext of a known producer
};

#define BATCH_MAX (4 * WORKER_BURST)

struct worker {
	struct dataplane *dp;
	unsigned index;
	unsigned lcore;
	int rx_queue; // -1: gets packets by ring only
	int tx_queue; // -1: sends by tx_worker
	struct worker *tx_worker;

	struct rte_ring *strays; // frames that belong to this worker
	struct rte_ring *fanout; // plaintext of other workers' producers
	struct rte_ring *to_send; // finished frames of threads without a queue
	struct mailbox *mailbox;

	uint64_t now_us, now_tsc;
	struct batch batch;
	struct egress egress;

	struct rte_hash *credentials; // local ufrag -> struct credential
	struct flow_table *flows; // remote address -> owner, transport

	struct credential **generations; // by transport index: the same, newest first

	// by index; NULL = not here
	struct transport **transports;
	struct producer **producers;
	struct audience **audiences; // by producer index
	struct consumer **consumers;
	struct transport **owned; // compact list
	struct producer **produced;
	unsigned n_owned, n_produced;
	uint32_t n_consumers;
	uint32_t n_transports; // atomic: others read it to find the least loaded worker
	unsigned timer_next; // position of the timer slice in owned
	uint32_t sweep; // cursor of the flow table walk
	uint64_t timer_us, producer_us, second_us;
	uint64_t random;

	// counters, read by the control thread
	uint64_t drops[DROP_COUNT];
	struct plm_stage_info stages[PLM_STAGE_COUNT];
	uint64_t loops, busy_cycles, sleeps;
	uint64_t rx_packets, tx_packets, handed_over, fanned_out;
	uint64_t second_tsc, second_busy;
	uint32_t load_permille;
	bool pool_low; // less than a quarter of the packet pool is free

	struct trace trace;
};

// Makes a worker with all its tables; NULL with errno. Control thread, before start.
struct worker *worker_new(struct dataplane *dp, unsigned index, unsigned lcore);
void worker_free(struct worker *worker);

// The loop; runs until dp->stop. argument: struct worker. For rte_eal_remote_launch.
int worker_run(void *argument);

// One round, for tests: everything the loop does but sleeping. Returns packets handled.
unsigned worker_round(struct worker *worker);

// Counts and frees. Never use m afterwards.
void worker_drop(
	struct worker *worker,
	struct rte_mbuf *m,
	enum plm_stage stage,
	enum drop_reason reason
);

// Posts to the control thread and wakes it if it sleeps. -ENOSPC: its queue is full.
int worker_event(struct worker *worker, const struct message *message);

// Pseudo-random, for spreading and ids that need not be secret.
static inline uint64_t worker_random(struct worker *worker) {
	worker->random ^= worker->random << 13;
	worker->random ^= worker->random >> 7;
	worker->random ^= worker->random << 17;
	return worker->random;
}

// Records a packet's end (or its way out of this worker) when the trace is on.
static inline void trace_packet(
	struct worker *worker,
	struct rte_mbuf *m,
	unsigned stage,
	enum trace_verdict verdict,
	unsigned reason
) {
	if (__builtin_expect(worker->trace.left != 0, 0))
		trace_record(worker, m, stage, verdict, reason);
}
