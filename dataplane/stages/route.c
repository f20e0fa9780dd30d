// SPDX-License-Identifier: BSD-3-Clause

// SSRC -> producer, learning SSRCs that signaling did not announce by their MID (RFC 8843 9.2),
// then what the producer keeps about its sequence: losses, duplicates, key frames, statistics.

#include "../media/stream.h"
#include "../media/transport.h"
#include "stages.h"

#include <plm_payload.h>
#include <plm_rtp.h>

#include <string.h>

#define RETIRED_US 5000000 // late packets of an SSRC that was replaced do not bring it back

// The producer a new SSRC belongs to: by MID where the packet names one, else by a payload type
// that only one producer without SSRC has.
static struct producer *learn(
	const struct worker *worker,
	struct transport *transport,
	const uint8_t *data,
	const struct plm_rtp *rtp
) {
	struct producer *by_type = NULL;

	for (struct producer *p = transport->producers; p != NULL; p = p->next) {
		uint8_t id = p->add.ext.ids[PLM_EXT_MID], len;
		const uint8_t *mid;

		if (p->ssrc != 0 && p->ssrc != rtp->ssrc && p->add.ssrc != 0)
			continue; // announced by signaling: nothing to learn
		if (rtp->ssrc == p->ssrc_before && worker->now_us < p->ssrc_us + RETIRED_US)
			continue;
		if (rtp->payload_type != p->add.payload_type)
			continue;
		mid = id != 0 ? plm_rtp_ext_find(data, rtp, id, &len) : NULL;
		if (mid != NULL) {
			if (len == strnlen(p->add.mid, PLM_MID_MAX)
			    && memcmp(mid, p->add.mid, len) == 0)
				return p;
			continue;
		}
		if (p->ssrc == 0)
			by_type = p;
	}
	return by_type;
}

static struct producer *find(
	struct worker *worker,
	struct transport *transport,
	const uint8_t *data,
	const struct plm_rtp *rtp
) {
	struct producer *producer = transport_ssrc_find(transport, rtp->ssrc);

	if (producer != NULL)
		return producer->add.payload_type == rtp->payload_type ? producer : NULL;
	producer = learn(worker, transport, data, rtp);
	if (producer == NULL)
		return NULL;
	// A new source under the same MID: its numbers begin anew, the old one's mean nothing any
	// more.
	transport_ssrc_remove(transport, producer);
	if (transport_ssrc_add(transport, rtp->ssrc, producer) < 0)
		return NULL;
	producer->ssrc_before = producer->ssrc;
	producer->ssrc_us = worker->now_us;
	producer->ssrc = rtp->ssrc;
	nack_init(&producer->nack);
	rx_stats_init(&producer->stats, rtp->ssrc, producer->add.clock_rate);
	return producer;
}

// What the packet tells the producer. False: a duplicate.
static bool receive(
	struct worker *worker,
	struct producer *producer,
	struct packet *packet,
	const uint8_t *data
) {
	const struct plm_rtp *rtp = &packet->rtp;
	const uint8_t *payload = data + rtp->header_len;
	size_t payload_len = packet->payload_len - rtp->header_len - rtp->padding_len;
	uint8_t level_id = producer->add.ext.ids[PLM_EXT_AUDIO_LEVEL], len;
	const uint8_t *level;

	switch (nack_receive(&producer->nack, rtp->seq, worker->now_us)) {
	case NACK_DUPLICATE:
		producer->duplicates++;
		return false;
	case NACK_RECOVERED:
		producer->recovered++;
		break;
	default:
		break;
	}
	rx_stats_packet(&producer->stats, rtp->seq, rtp->timestamp, worker->now_us);
	producer->packets++;
	producer->bytes += payload_len;
	producer->last_us = worker->now_us;
	packet->keyframe = producer->add.kind == PLM_KIND_VIDEO
		&& plm_payload_is_keyframe(producer->add.codec, payload, payload_len);
	if (packet->keyframe) {
		producer->keyframes++;
		keyframe_seen(&producer->keyframe, worker->now_us);
	}
	if (level_id != 0 && (level = plm_rtp_ext_find(data, rtp, level_id, &len)) != NULL
	    && len > 0)
		producer->audio_level = level[0] & 0x7f;
	return true;
}

unsigned stage_route(struct worker *worker) {
	struct batch *batch = &worker->batch;
	unsigned n = batch->n_rtp;

	batch->n_routed = 0;
	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *m = batch->rtp[i];
		struct packet *packet = packet_of(m);
		struct transport *transport = worker->transports[packet->transport];
		const uint8_t *data = packet_payload(m);
		struct producer *producer;

		if (plm_rtp_parse_full(data, packet->payload_len, &packet->rtp) < 0) {
			transport->rx_dropped++;
			worker_drop(worker, m, PLM_STAGE_ROUTE, DROP_RTP_MALFORMED);
			continue;
		}
		producer = find(worker, transport, data, &packet->rtp);
		if (producer == NULL) {
			transport->rx_dropped++;
			worker_drop(worker, m, PLM_STAGE_ROUTE, DROP_UNKNOWN_SSRC);
			continue;
		}
		if (!receive(worker, producer, packet, data)) {
			worker_drop(worker, m, PLM_STAGE_ROUTE, DROP_DUPLICATE);
			continue;
		}
		packet->producer = producer->index;
		packet->producer_serial = producer->serial;
		batch->routed[batch->n_routed++] = m;
	}
	return n;
}
