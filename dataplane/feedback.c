// SPDX-License-Identifier: BSD-3-Clause

#include "feedback.h"

#include "mailbox.h"
#include "media/stream.h"
#include "media/transport.h"
#include "output.h"

#define NACK_BURST 64
#define COMPOUND_MAX 1200
#define IDLE_US 2000000 // a producer without packets is idle
#define REPORT_US 1000000 // interval of receiver reports

static void send_keyframe_request(struct worker *worker, struct producer *producer) {
	struct transport *transport = producer->transport;
	uint8_t data[64];
	int len;

	if (producer->ssrc == 0 || transport->state != PLM_TRANSPORT_SECURE)
		return;
	if (producer->add.pli)
		len = plm_rtcp_pli_write(data, sizeof(data), transport->rtcp_ssrc, producer->ssrc);
	else if (producer->add.fir)
		len = plm_rtcp_fir_write(
			data,
			sizeof(data),
			transport->rtcp_ssrc,
			producer->ssrc,
			transport->fir_seq++
		);
	else
		return;
	if (len > 0)
		output_rtcp(worker, transport, data, (size_t)len);
}

void feedback_keyframe(struct worker *worker, uint32_t producer_index, unsigned producer_worker) {
	struct producer *producer;

	if (producer_worker != worker->index) {
		const struct message ask = {
			.type = MESSAGE_PRODUCER_KEYFRAME,
			.index = producer_index,
		};

		if (producer_worker < worker->dp->n_workers)
			mailbox_post(worker->dp->workers[producer_worker]->mailbox, &ask);
		return;
	}
	producer = worker->producers[producer_index];
	if (producer == NULL || producer->add.kind != PLM_KIND_VIDEO)
		return;
	if (keyframe_ask(&producer->keyframe, worker->now_us))
		send_keyframe_request(worker, producer);
}

static void send_nacks(struct worker *worker, struct producer *producer) {
	struct transport *transport = producer->transport;
	uint16_t seqs[NACK_BURST];
	uint8_t data[COMPOUND_MAX];
	int n, len;

	n = nack_due(&producer->nack, worker->now_us, transport->consent.rtt_us, seqs, NACK_BURST);
	if (n == 0)
		return;
	len = plm_rtcp_nack_write(
		data, sizeof(data), transport->rtcp_ssrc, producer->ssrc, seqs, n
	);
	if (len < 0)
		return;
	producer->nacked += (unsigned)n;
	output_rtcp(worker, transport, data, (size_t)len);
}

static void event_active(struct worker *worker, struct producer *producer, bool active) {
	const struct message message = {
		.type = MESSAGE_PRODUCER_ACTIVE,
		.index = producer->index,
		.value = active,
		.ssrc = producer->ssrc,
		.id = producer->add.id,
	};

	producer->active = active;
	worker_event(worker, &message);
}

static void roll_second(struct worker *worker, struct producer *producer) {
	uint64_t elapsed = worker->now_us - producer->rate_us;

	if (elapsed < 1000000)
		return;
	producer->bitrate = (uint32_t
	)((producer->bytes - producer->rate_bytes) * 8000000 / elapsed);
	producer->packet_rate = (uint32_t
	)((producer->packets - producer->rate_packets) * 1000000 / elapsed);
	producer->rate_us = worker->now_us;
	producer->rate_bytes = producer->bytes;
	producer->rate_packets = producer->packets;
}

void feedback_producer_tick(struct worker *worker, struct producer *producer) {
	bool heard = producer->last_us != 0 && worker->now_us - producer->last_us < IDLE_US;

	if (producer->transport->state != PLM_TRANSPORT_SECURE)
		return;
	if (producer->add.nack && producer->ssrc != 0)
		send_nacks(worker, producer);
	if (keyframe_due(&producer->keyframe, worker->now_us))
		send_keyframe_request(worker, producer);
	if (heard != producer->active)
		event_active(worker, producer, heard);
	roll_second(worker, producer);
}

void feedback_report_tick(struct worker *worker, struct transport *transport) {
	struct plm_rtcp_report reports[TRANSPORT_SSRCS];
	uint32_t remb_ssrcs[TRANSPORT_SSRCS];
	uint64_t max_bitrate = 0;
	uint8_t data[COMPOUND_MAX];
	int n = 0, n_remb = 0, len, more;

	if (transport->state != PLM_TRANSPORT_SECURE || transport->producers == NULL
	    || worker->now_us < transport->report_us || transport_selected(transport) == NULL)
		return;
	transport->report_us = worker->now_us + REPORT_US;
	for (struct producer *p = transport->producers; p != NULL; p = p->next) {
		if (p->ssrc == 0 || !p->stats.started || n == TRANSPORT_SSRCS)
			continue;
		rx_stats_report(&p->stats, worker->now_us, &reports[n++]);
		if (p->add.remb && p->add.max_bitrate > 0) {
			max_bitrate += p->add.max_bitrate;
			remb_ssrcs[n_remb++] = p->ssrc;
		}
	}
	if (n == 0)
		return;
	len = plm_rtcp_rr_write(data, sizeof(data), transport->rtcp_ssrc, reports, n);
	if (len < 0)
		return;
	if (n_remb > 0) {
		more = plm_rtcp_remb_write(
			data + len,
			sizeof(data) - (size_t)len,
			transport->rtcp_ssrc,
			max_bitrate,
			remb_ssrcs,
			n_remb
		);
		if (more > 0)
			len += more;
	}
	output_rtcp(worker, transport, data, (size_t)len);
}

// One viewer's report; nothing while nothing is sent to it.
static void send_report(struct worker *worker, struct leg *leg, const struct plm_rtcp_sr *sr) {
	struct consumer *consumer = leg->consumer;
	struct plm_rtcp_sr out;
	uint8_t data[128];
	int len, more;

	if (leg->tx == NULL || (leg->flags & LEG_PAUSED) != 0
	    || !rewrite_sr(
		    &leg->rewrite, sr, leg->ssrc, (uint32_t)leg->packets, (uint32_t)leg->bytes, &out
	    ))
		return;
	len = plm_rtcp_sr_write(data, sizeof(data), &out, NULL, 0);
	more = plm_rtcp_sdes_cname_write(
		data + len, sizeof(data) - (size_t)len, leg->ssrc, consumer->add.cname
	);
	if (more > 0)
		len += more;
	consumer->sr_mid = (uint32_t)(out.ntp >> 16);
	consumer->sr_us = worker->now_us;
	output_rtcp(worker, consumer->transport, data, (size_t)len);
}

void feedback_sender_report(
	struct worker *worker,
	struct audience *audience,
	const struct plm_rtcp_sr *sr
) {
	for (struct leg_chunk *chunk = audience->oldest; chunk != NULL; chunk = chunk->newer) {
		for (unsigned i = 0; i < chunk->n; i++)
			send_report(worker, &chunk->legs[i], sr);
	}
}
