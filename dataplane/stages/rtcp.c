// SPDX-License-Identifier: BSD-3-Clause

// Consumes RTCP: a publisher's sender reports, a viewer's reports, NACKs and key frame requests. A
// peer's RTCP touches only its own transport's producers and consumers.

#include "../feedback.h"
#include "../mailbox.h"
#include "../media/stream.h"
#include "../media/transport.h"
#include "../output.h"
#include "stages.h"

#include <plm_rtcp.h>

#include <rte_mbuf.h>

#define NACKS_MAX 512 // sequence numbers taken of one NACK item
#define RESEND_MIN 50 // packets a second any viewer may have resent
#define RESEND_SHARE 4 // beyond: a quarter of what it was sent in the last second
#define CACHE_AGE_US 2000000 // older packets are of no use to a jitter buffer

static struct consumer *consumer_find(const struct transport *transport, uint32_t ssrc) {
	for (struct consumer *c = transport->consumers; c != NULL; c = c->transport_next) {
		if (c->add.ssrc == ssrc)
			return c;
	}
	return NULL;
}

static void take_sender_report(
	struct worker *worker,
	struct transport *transport,
	const struct plm_rtcp_item *item
) {
	struct producer *producer;
	struct audience *audience;
	struct plm_rtcp_sr sr;

	if (plm_rtcp_sr_parse(item, &sr) < 0)
		return;
	producer = transport_ssrc_find(transport, sr.ssrc);
	if (producer == NULL)
		return;
	rx_stats_sr(&producer->stats, sr.ntp, worker->now_us);
	for (unsigned i = 0; i < worker->dp->n_workers; i++) {
		const struct message message = {
			.type = MESSAGE_SENDER_REPORT,
			.index = producer->index,
			.value = producer->serial,
			.sr = sr,
		};

		if ((producer->audience_mask & UINT64_C(1) << i) == 0)
			continue;
		audience = worker->audiences[producer->index];
		if (i == worker->index && audience != NULL)
			feedback_sender_report(worker, audience, &sr);
		else if (i != worker->index)
			mailbox_post(worker->dp->workers[i]->mailbox, &message);
	}
}

static void take_reports(
	struct worker *worker,
	struct transport *transport,
	const struct plm_rtcp_item *item
) {
	struct plm_rtcp_report reports[PLM_RTCP_REPORT_MAX];
	int n = plm_rtcp_reports_parse(item, reports, PLM_RTCP_REPORT_MAX);

	for (int i = 0; i < n; i++) {
		struct consumer *c = consumer_find(transport, reports[i].ssrc);

		if (c == NULL)
			continue;
		c->jitter = reports[i].jitter;
		c->lost = reports[i].cumulative_lost < 0 ? 0 : (uint32_t)reports[i].cumulative_lost;
		c->fraction_lost = reports[i].fraction_lost;
		if (reports[i].lsr != 0 && reports[i].lsr == c->sr_mid) {
			uint64_t delay_us = (uint64_t)reports[i].dlsr * 1000000 / 65536;
			uint64_t elapsed_us = worker->now_us - c->sr_us;

			c->rtt_us = elapsed_us > delay_us ? (uint32_t)(elapsed_us - delay_us) : 1;
		}
	}
}

// Within the viewer's budget of resent packets this second (RFC 4585 leaves it to us; a viewer that
// NACKs everything must not double its traffic).
static bool within_budget(struct worker *worker, struct consumer *consumer) {
	if (worker->now_us - consumer->resend_us >= 1000000) {
		consumer->last_second = consumer->leg->packets - consumer->window_packets;
		consumer->window_packets = consumer->leg->packets;
		consumer->resend_us = worker->now_us;
		consumer->resent = 0;
	}
	return consumer->resent < RESEND_MIN + consumer->last_second / RESEND_SHARE;
}

static void resend(struct worker *worker, struct consumer *consumer, uint16_t seq_out) {
	struct rte_mbuf *m;
	uint16_t seq;

	consumer->nacks++;
	if (!rewrite_unmap(&consumer->leg->rewrite, seq_out, &seq)
	    || (m = rtx_cache_get(&consumer->audience->cache, seq, worker->now_us, CACHE_AGE_US))
		    == NULL
	    || !within_budget(worker, consumer)) {
		consumer->nack_misses++;
		return;
	}
	if (output_again(worker, consumer, m))
		consumer->resent++;
	else
		consumer->nack_misses++;
}

static void take_nack(
	struct worker *worker,
	struct transport *transport,
	const struct plm_rtcp_item *item
) {
	uint16_t seqs[NACKS_MAX];
	struct consumer *consumer;
	uint32_t sender, media;
	int n;

	if (plm_rtcp_fb_parse(item, &sender, &media) < 0)
		return;
	consumer = consumer_find(transport, media);
	if (consumer == NULL || !consumer->add.nack || (consumer->leg->flags & LEG_PAUSED) != 0)
		return;
	n = plm_rtcp_nack_parse(item, seqs, NACKS_MAX);
	for (int i = 0; i < n; i++)
		resend(worker, consumer, seqs[i]);
}

static void ask_keyframe(struct worker *worker, struct transport *transport, uint32_t ssrc) {
	struct consumer *consumer = consumer_find(transport, ssrc);

	if (consumer == NULL || consumer->kind != PLM_KIND_VIDEO)
		return;
	consumer->plis++;
	feedback_keyframe(worker, consumer->producer_index, consumer->audience->producer_worker);
}

static void take_payload_feedback(
	struct worker *worker,
	struct transport *transport,
	const struct plm_rtcp_item *item
) {
	struct plm_rtcp_fir firs[TRANSPORT_SSRCS];
	uint32_t sender, media;
	int n;

	switch (item->count) {
	case PLM_PSFB_PLI:
		if (plm_rtcp_fb_parse(item, &sender, &media) == 0)
			ask_keyframe(worker, transport, media);
		break;
	case PLM_PSFB_FIR:
		n = plm_rtcp_fir_parse(item, firs, TRANSPORT_SSRCS);
		for (int i = 0; i < n; i++)
			ask_keyframe(worker, transport, firs[i].ssrc);
		break;
	default:
		break; // REMB: one encoding, nothing to choose yet
	}
}

static void take_item(
	struct worker *worker,
	struct transport *transport,
	const struct plm_rtcp_item *item
) {
	switch (item->type) {
	case PLM_RTCP_SR:
		take_sender_report(worker, transport, item);
		take_reports(worker, transport, item);
		break;
	case PLM_RTCP_RR:
		take_reports(worker, transport, item);
		break;
	case PLM_RTCP_RTPFB:
		if (item->count == PLM_RTPFB_NACK)
			take_nack(worker, transport, item);
		break;
	case PLM_RTCP_PSFB:
		take_payload_feedback(worker, transport, item);
		break;
	default:
		break; // SDES, BYE, APP, XR: consumed
	}
}

// True when every item of the compound is well formed: a half-good one changes nothing.
static bool compound_ok(const uint8_t *data, size_t len) {
	struct plm_rtcp_item item;
	size_t offset = 0;
	int r;

	while ((r = plm_rtcp_next(data, len, &offset, &item)) > 0)
		;
	return r == 0;
}

unsigned stage_rtcp(struct worker *worker) {
	struct batch *batch = &worker->batch;

	for (unsigned i = 0; i < batch->n_rtcp; i++) {
		struct rte_mbuf *m = batch->rtcp[i];
		struct packet *packet = packet_of(m);
		struct transport *transport = worker->transports[packet->transport];
		const uint8_t *data = packet_payload(m);
		struct plm_rtcp_item item;
		size_t offset = 0;

		if (!compound_ok(data, packet->payload_len)) {
			transport->rx_dropped++;
			worker_drop(worker, m, PLM_STAGE_RTCP, DROP_RTCP_MALFORMED);
			continue;
		}
		while (plm_rtcp_next(data, packet->payload_len, &offset, &item) > 0)
			take_item(worker, transport, &item);
		trace_packet(worker, m, PLM_STAGE_RTCP, TRACE_DONE, 0);
		rte_pktmbuf_free(m);
	}
	return batch->n_rtcp;
}
