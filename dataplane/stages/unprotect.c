// SPDX-License-Identifier: BSD-3-Clause

// Authenticates and decrypts what arrived, in place, a batch at a time. Only survivors go on; a bad
// packet changes nothing but a counter.

#include "../media/transport.h"
#include "stages.h"

#include <plm_rtp.h>

static const enum drop_reason reason_of[] = {
	[SRTP_AUTH_FAILED] = DROP_SRTP_AUTH,
	[SRTP_REPLAYED] = DROP_SRTP_REPLAYED,
	[SRTP_TOO_OLD] = DROP_SRTP_TOO_OLD,
	[SRTP_MALFORMED] = DROP_SRTP_MALFORMED,
	[SRTP_NO_STREAM] = DROP_SRTP_STREAMS,
	[SRTP_FAILED] = DROP_SRTP_FAILED,
};

static void prepare(struct worker *worker, struct rte_mbuf *m, struct srtp_job *job) {
	*job = (struct srtp_job){
		.session = worker->transports[packet_of(m)->transport]->rx,
		.data = packet_payload(m),
		.len = packet_of(m)->payload_len,
	};
}

// Keeps the authenticated packets of list, in order; returns their number.
static unsigned keep_good(
	struct worker *worker,
	struct rte_mbuf **list,
	const struct srtp_job *jobs,
	unsigned n
) {
	unsigned kept = 0;

	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *m = list[i];
		struct packet *packet = packet_of(m);
		struct transport *transport = worker->transports[packet->transport];

		if (jobs[i].verdict != SRTP_OK) {
			transport->rx_dropped++;
			worker_drop(worker, m, PLM_STAGE_UNPROTECT, reason_of[jobs[i].verdict]);
			continue;
		}
		transport->rx_packets++;
		transport->rx_bytes += packet->payload_len;
		packet->payload_len = jobs[i].len;
		list[kept++] = m;
	}
	return kept;
}

unsigned stage_unprotect(struct worker *worker) {
	struct batch *batch = &worker->batch;
	struct srtp_job jobs[BATCH_MAX];
	unsigned n_in = batch->n_rtp + batch->n_rtcp, n = 0;

	for (unsigned i = 0; i < batch->n_rtp; i++) {
		struct rte_mbuf *m = batch->rtp[i];
		struct plm_rtp rtp;

		// The header is in clear; a liar among them never reaches the cipher library.
		if (plm_rtp_parse(packet_payload(m), packet_of(m)->payload_len, &rtp) < 0) {
			worker->transports[packet_of(m)->transport]->rx_dropped++;
			worker_drop(worker, m, PLM_STAGE_UNPROTECT, DROP_RTP_MALFORMED);
			continue;
		}
		batch->rtp[n] = m;
		prepare(worker, m, &jobs[n++]);
	}
	srtp_unprotect_rtp(jobs, n);
	batch->n_rtp = keep_good(worker, batch->rtp, jobs, n);

	for (unsigned i = 0; i < batch->n_rtcp; i++)
		prepare(worker, batch->rtcp[i], &jobs[i]);
	srtp_unprotect_rtcp(jobs, batch->n_rtcp);
	batch->n_rtcp = keep_good(worker, batch->rtcp, jobs, batch->n_rtcp);
	return n_in;
}
