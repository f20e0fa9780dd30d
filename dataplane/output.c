// SPDX-License-Identifier: BSD-3-Clause

#include "output.h"

#include "frame.h"
#include "media/transport.h"

#include <plm_loop.h>

#include <rte_ethdev.h>
#include <rte_ring.h>

#define TX_RETRIES 8 // polls of a full transmit queue before frames are dropped

void output_rtcp(
	struct worker *worker,
	struct transport *transport,
	const uint8_t *data,
	size_t len
) {
	const struct path *path = transport_selected(transport);
	struct egress *egress = &worker->egress;
	struct rte_mbuf *m;
	unsigned offset;

	// Consent lost is final (RFC 7675 5.1): not even reports go there.
	if (path == NULL || transport->state != PLM_TRANSPORT_SECURE) {
		worker->drops[path == NULL ? DROP_NO_PATH : DROP_TRANSPORT_DEAD]++;
		return;
	}
	m = rte_pktmbuf_alloc(worker->dp->packets);
	if (m == NULL) {
		transport->tx_dropped++;
		worker->drops[DROP_NO_MBUF]++;
		return;
	}
	offset = frame_headers_len(path);
	if (offset + len + SRTP_TRAILER_MAX > rte_pktmbuf_tailroom(m)) {
		rte_pktmbuf_free(m);
		transport->tx_dropped++;
		worker->drops[DROP_RTCP_MALFORMED]++;
		return;
	}
	memcpy(rte_pktmbuf_mtod_offset(m, uint8_t *, offset), data, len);
	unsigned i = egress->n_rtcp++;
	egress->rtcp[i] = m;
	egress->rtcp_transports[i] = transport;
	egress->rtcp_jobs[i] = (struct srtp_job){
		.session = transport->tx,
		.data = rte_pktmbuf_mtod_offset(m, uint8_t *, offset),
		.len = (uint16_t)len,
	};
	if (egress->n_rtcp == EGRESS_MAX)
		output_protect(worker);
}

void output_plain(
	struct worker *worker,
	struct transport *transport,
	const struct path *path,
	const uint8_t *data,
	size_t len
) {
	struct rte_mbuf *m = rte_pktmbuf_alloc(worker->dp->packets);
	unsigned offset = frame_headers_len(path);

	if (m == NULL) {
		transport->tx_dropped++;
		worker->drops[DROP_NO_MBUF]++;
		return;
	}
	if (offset + len > rte_pktmbuf_tailroom(m)) {
		rte_pktmbuf_free(m);
		transport->tx_dropped++;
		worker->drops[DROP_DTLS_TOO_LONG]++;
		return;
	}
	memcpy(rte_pktmbuf_mtod_offset(m, uint8_t *, offset), data, len);
	m->data_len = (uint16_t)(offset + len);
	m->pkt_len = m->data_len;
	frame_finish(m, worker->dp->port, worker->dp->config, path);
	output_frame(worker, m);
}

void output_frame(struct worker *worker, struct rte_mbuf *m) {
	struct egress *egress = &worker->egress;

	if (egress->n_tx == EGRESS_TX_MAX)
		output_transmit(worker);
	egress->tx[egress->n_tx++] = m;
}

// A protected compound becomes a frame on the transport's selected path.
static void finish_rtcp(
	struct worker *worker,
	struct rte_mbuf *m,
	const struct srtp_job *job,
	struct transport *transport
) {
	const struct path *path = transport_selected(transport);

	if (job->verdict != SRTP_OK || path == NULL) {
		transport->tx_dropped++;
		worker->drops[path == NULL ? DROP_NO_PATH : DROP_SRTP_FAILED]++;
		rte_pktmbuf_free(m);
		return;
	}
	m->data_len = (uint16_t)(job->data - rte_pktmbuf_mtod(m, uint8_t *) + job->len);
	m->pkt_len = m->data_len;
	frame_finish(m, worker->dp->port, worker->dp->config, path);
	transport->tx_packets++;
	transport->tx_bytes += job->len;
	output_frame(worker, m);
}

void output_protect(struct worker *worker) {
	struct egress *egress = &worker->egress;
	unsigned n = egress->n_rtcp;

	if (egress->n_rtp > 0)
		output_protect_media(worker);
	if (egress->n_held > 0)
		output_release_held(worker);
	if (n == 0)
		return;
	srtp_protect_rtcp(egress->rtcp_jobs, n);
	egress->n_rtcp = 0;
	for (unsigned i = 0; i < n; i++)
		finish_rtcp(
			worker, egress->rtcp[i], &egress->rtcp_jobs[i], egress->rtcp_transports[i]
		);
}

void output_transmit(struct worker *worker) {
	struct egress *egress = &worker->egress;
	unsigned sent = 0, n = egress->n_tx;

	egress->n_tx = 0;
	if (worker->tx_queue >= 0) {
		for (unsigned tries = 0; sent < n && tries < TX_RETRIES; tries++) {
			sent += rte_eth_tx_burst(
				worker->dp->port->id,
				(uint16_t)worker->tx_queue,
				&egress->tx[sent],
				(uint16_t)(n - sent)
			);
		}
		worker->tx_packets += sent;
	} else {
		sent = rte_ring_enqueue_burst(
			worker->tx_worker->to_send, (void *)egress->tx, n, NULL
		);
	}
	if (sent < n) {
		worker->drops[DROP_TX_FULL] += n - sent;
		rte_pktmbuf_free_bulk(&egress->tx[sent], n - sent);
	}
}

void output_wake_control(struct worker *worker) {
	struct dataplane *dp = worker->dp;

	if (dp->adaptive && __atomic_exchange_n(&dp->control_sleeps, 0, __ATOMIC_ACQ_REL) != 0)
		plm_loop_wake(dp->control_loop);
}

void output_kernel(struct worker *worker, struct rte_mbuf *m, enum plm_stage stage) {
	if (rte_ring_enqueue(worker->dp->to_kernel, m) != 0) {
		worker_drop(worker, m, stage, DROP_EXCEPTION_FULL);
		return;
	}
	output_wake_control(worker);
}
