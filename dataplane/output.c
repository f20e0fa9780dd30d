// SPDX-License-Identifier: BSD-3-Clause

#include "output.h"

#include "frame.h"
#include "media/stream.h"

#include <plm_loop.h>
#include <plm_rtp.h>

#include <rte_ethdev.h>
#include <rte_ring.h>

#define TX_RETRIES 8 // polls of a full transmit queue before frames are dropped

// Header extensions of one outgoing packet: the source's, under the viewer's ids, the MID replaced.
static int map_extensions(
	const struct consumer *consumer,
	const uint8_t *data,
	const struct plm_rtp *rtp,
	struct plm_rtp_ext_out *out
) {
	struct plm_rtp_ext in[PLM_RTP_EXT_MAX];
	const uint8_t *ext_of_id = consumer->audience->ext_of_id;
	const uint8_t *ids = consumer->add.ext.ids;
	int n_out = 0, n_in = 0;

	if (rtp->ext_len > 0)
		n_in = plm_rtp_ext_list(data, rtp, in, PLM_RTP_EXT_MAX);
	for (int i = 0; i < n_in; i++) {
		uint8_t uri = ext_of_id[in[i].id];

		if (uri == PLM_EXT_NONE || uri == PLM_EXT_MID || ids[uri] == 0)
			continue;
		out[n_out++] = (struct plm_rtp_ext_out){ids[uri], in[i].len, in[i].data};
	}
	if (ids[PLM_EXT_MID] != 0 && consumer->add.mid[0] != '\0' && n_out < PLM_RTP_EXT_MAX) {
		out[n_out++] = (struct plm_rtp_ext_out){
			ids[PLM_EXT_MID],
			(uint8_t)strnlen(consumer->add.mid, PLM_MID_MAX),
			(const uint8_t *)consumer->add.mid,
		};
	}
	return n_out;
}

static void count_lost(struct worker *worker, struct consumer *consumer, enum drop_reason reason) {
	consumer->dropped++;
	consumer->transport->tx_dropped++;
	worker->drops[reason]++;
}

void output_media(
	struct worker *worker,
	struct consumer *consumer,
	struct rte_mbuf *source,
	bool resend
) {
	const struct packet *packet = packet_of(source);
	const uint8_t *data = packet_payload(source);
	struct transport *transport = consumer->transport;
	const struct path *path = transport_selected(transport);
	struct plm_rtp_ext_out ext[PLM_RTP_EXT_MAX];
	struct egress *egress = &worker->egress;
	struct plm_rtp header = packet->rtp;
	struct rte_mbuf *m;
	unsigned offset;
	int header_len, n_ext;

	if (path == NULL || transport->tx == NULL) {
		count_lost(worker, consumer, DROP_NO_PATH);
		return;
	}
	if (resend ? !rewrite_map(
		    &consumer->rewrite, header.seq, header.timestamp, &header.seq, &header.timestamp
	    )
		   : !rewrite_packet(
			   &consumer->rewrite,
			   header.seq,
			   header.timestamp,
			   worker->now_us,
			   &header.seq,
			   &header.timestamp
		   ))
		return; // from before this viewer's first packet
	m = rte_pktmbuf_alloc(worker->dp->packets);
	if (m == NULL) {
		count_lost(worker, consumer, DROP_NO_MBUF);
		return;
	}
	header.ssrc = consumer->add.ssrc;
	header.payload_type = consumer->add.payload_type;
	n_ext = map_extensions(consumer, data, &packet->rtp, ext);
	offset = frame_headers_len(path);
	header_len = plm_rtp_write(
		rte_pktmbuf_mtod_offset(m, uint8_t *, offset),
		256,
		&header,
		(data[0] & 0x20) != 0,
		ext,
		n_ext
	);
	unsigned payload_len = packet->payload_len - packet->rtp.header_len;
	if (header_len < 0
	    || offset + (unsigned)header_len + payload_len + SRTP_TRAILER_MAX
		    > rte_pktmbuf_tailroom(m)) {
		rte_pktmbuf_free(m);
		count_lost(worker, consumer, DROP_RTP_MALFORMED);
		return;
	}
	rte_mbuf_refcnt_update(source, 1);
	unsigned i = egress->n_rtp++;
	egress->rtp[i] = m;
	egress->sources[i] = source;
	egress->rtp_consumers[i] = consumer;
	egress->rtp_transports[i] = transport;
	egress->rtp_jobs[i] = (struct srtp_job){
		.session = transport->tx,
		.data = rte_pktmbuf_mtod_offset(m, uint8_t *, offset),
		.payload = data + packet->rtp.header_len,
		.header_len = (uint16_t)header_len,
		.payload_len = (uint16_t)payload_len,
	};
	if (resend)
		consumer->retransmitted++;
	else {
		consumer->packets++;
		consumer->bytes += payload_len - packet->rtp.padding_len;
	}
	if (egress->n_rtp == EGRESS_MAX)
		output_protect(worker);
}

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

// A protected job becomes a frame on the transport's selected path.
static void finish(
	struct worker *worker,
	struct rte_mbuf *m,
	const struct srtp_job *job,
	struct transport *transport,
	struct consumer *consumer
) {
	const struct path *path = transport_selected(transport);

	if (job->verdict != SRTP_OK || path == NULL) {
		transport->tx_dropped++;
		if (consumer != NULL)
			consumer->dropped++;
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
	unsigned n_rtp = egress->n_rtp, n_rtcp = egress->n_rtcp;

	if (n_rtp > 0)
		srtp_protect_rtp(egress->rtp_jobs, n_rtp);
	if (n_rtcp > 0)
		srtp_protect_rtcp(egress->rtcp_jobs, n_rtcp);
	egress->n_rtp = 0;
	egress->n_rtcp = 0;
	for (unsigned i = 0; i < n_rtp; i++) {
		rte_pktmbuf_free(egress->sources[i]);
		finish(worker,
		       egress->rtp[i],
		       &egress->rtp_jobs[i],
		       egress->rtp_transports[i],
		       egress->rtp_consumers[i]);
	}
	for (unsigned i = 0; i < n_rtcp; i++)
		finish(worker,
		       egress->rtcp[i],
		       &egress->rtcp_jobs[i],
		       egress->rtcp_transports[i],
		       NULL);
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
