// SPDX-License-Identifier: BSD-3-Clause

// Media to viewers: the hot end of the relay. For each leg one buffer, headers from its template, a
// job for the cipher, which reads the shared plaintext and writes behind the headers.

#include "audience.h"
#include "frame.h"
#include "media/stream.h"
#include "media/transport.h"
#include "output.h"

#include <plm_rtp.h>

#include <rte_ip.h>
#include <rte_prefetch.h>

#include <string.h>

#define KEYFRAME_WAIT_US 3000000 // then a viewer gets what there is

// What differs between viewers of one class, at byte 2 of the RTP header.
struct rtp_fields {
	rte_be16_t seq;
	rte_be32_t timestamp, ssrc;
} __attribute__((packed, may_alias));

static struct rte_mbuf *take_buffer(struct worker *worker) {
	struct egress *egress = &worker->egress;

	if (egress->n_spare == 0) {
		if (rte_pktmbuf_alloc_bulk(worker->dp->packets, egress->spare, EGRESS_MAX) == 0)
			egress->n_spare = EGRESS_MAX;
		else
			return rte_pktmbuf_alloc(worker->dp->packets); // the pool's last ones
	}
	return egress->spare[--egress->n_spare];
}

static void count_lost(struct worker *worker, struct consumer *consumer, enum drop_reason reason) {
	consumer->dropped++;
	consumer->transport->tx_dropped++;
	worker->drops[reason]++;
}

// A folded sum of 16-bit words.
static inline uint16_t fold(uint32_t sum) {
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)(sum + (sum >> 16));
}

// Ethernet, IP and UDP headers of a UDP payload of this length, but for a UDP checksum that covers
// the
// payload: that one follows when the payload is final.
static inline void put_headers(
	const struct worker *worker,
	const struct leg *leg,
	struct rte_mbuf *m,
	unsigned payload_len
) {
	const struct port *port = worker->dp->port;
	uint8_t *data = rte_pktmbuf_mtod(m, uint8_t *);
	uint16_t udp_len_be = rte_cpu_to_be_16((uint16_t)(payload_len + 8));
	bool v4 = (leg->flags & LEG_V6) == 0;
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(data + (v4 ? 34 : 54));

	memcpy(data, leg->headers, sizeof(leg->headers));
	m->data_len = (uint16_t)(leg->headers_len + payload_len);
	m->pkt_len = m->data_len;
	m->l2_len = 14;
	m->l3_len = v4 ? 20 : 40;
	udp->dgram_len = udp_len_be;
	if (v4) {
		struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(data + 14);

		ip->total_length = rte_cpu_to_be_16((uint16_t)(payload_len + 28));
		if (port->ipv4_cksum_offload)
			m->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM;
		else
			ip->hdr_checksum = (uint16_t)~fold(leg->ip_sum + ip->total_length);
	} else {
		((struct rte_ipv6_hdr *)(data + 14))->payload_len = udp_len_be;
	}
	if (port->udp_cksum_offload) {
		m->ol_flags |= RTE_MBUF_F_TX_UDP_CKSUM
			| (v4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6);
		udp->dgram_cksum = fold(leg->udp_sum + udp_len_be);
	}
}

// The UDP checksum in software, over the ciphertext.
static inline void put_checksum(struct rte_mbuf *m, uint32_t udp_sum_of_addresses) {
	unsigned offset = 14U + m->l3_len;
	struct rte_udp_hdr *udp = rte_pktmbuf_mtod_offset(m, struct rte_udp_hdr *, offset);
	uint32_t sum = udp_sum_of_addresses + udp->dgram_len;
	uint16_t cksum;

	sum += rte_raw_cksum(udp, m->data_len - offset);
	cksum = (uint16_t)~fold(sum);
	udp->dgram_cksum = cksum == 0 ? 0xffff : cksum;
}

// One packet for one leg, renumbered as given.
static void queue(
	struct worker *worker,
	struct audience *audience,
	struct leg *leg,
	struct rte_mbuf *source,
	uint16_t seq,
	uint32_t timestamp
) {
	const struct packet *packet = packet_of(source);
	struct egress *egress = &worker->egress;
	unsigned payload_len = (unsigned)packet->payload_len - packet->rtp.header_len, len;
	const uint8_t *header;
	struct rte_mbuf *m;
	uint8_t *rtp;
	int header_len;

	header_len = audience_header(audience, leg, source, &header);
	len = (unsigned)header_len + payload_len + leg->tag_len;
	if (header_len < 0
	    || leg->headers_len + len + SRTP_TRAILER_MAX > RTE_MBUF_DEFAULT_DATAROOM) {
		count_lost(worker, leg->consumer, DROP_RTP_MALFORMED);
		return;
	}
	m = take_buffer(worker);
	if (m == NULL) {
		count_lost(worker, leg->consumer, DROP_NO_MBUF);
		return;
	}
	put_headers(worker, leg, m, len);
	rtp = rte_pktmbuf_mtod_offset(m, uint8_t *, leg->headers_len);
	memcpy(rtp, header, header_len <= 32 ? 32 : (size_t)header_len);
	rtp[1] = (uint8_t)((rtp[1] & 0x80) | leg->payload_type);
	*(struct rtp_fields *)(rtp + 2) = (struct rtp_fields){
		rte_cpu_to_be_16(seq), rte_cpu_to_be_32(timestamp), rte_cpu_to_be_32(leg->ssrc)};
	unsigned i = egress->n_rtp++;
	egress->rtp[i] = m;
	egress->rtp_sums[i] = leg->udp_sum;
	egress->rtp_consumers[i] = leg->consumer;
	egress->rtp_jobs[i] = (struct srtp_job){
		.session = leg->tx,
		.data = rtp,
		.payload = packet_payload(source) + packet->rtp.header_len,
		.header_len = (uint16_t)header_len,
		.payload_len = (uint16_t)payload_len,
	};
	leg->wire_bytes += len;
	// The source of the packet at hand stays held.
	if (egress->n_rtp == EGRESS_MAX)
		output_protect_media(worker);
}

// Jobs read the source until they are done: its reference is kept as long.
static void hold(struct worker *worker, struct rte_mbuf *source) {
	struct egress *egress = &worker->egress;

	if (egress->n_held == EGRESS_HELD_MAX)
		output_protect(worker);
	egress->held[egress->n_held++] = source;
}

// A leg that is paused or waits: true when it takes part all the same from now on.
static bool may_start(struct worker *worker, struct leg *leg, const struct packet *packet) {
	if (leg->flags & LEG_PAUSED)
		return false;
	if (!packet->keyframe
	    && worker->now_us - leg->consumer->waiting_since_us < KEYFRAME_WAIT_US)
		return false;
	leg->flags &= (uint8_t)~LEG_WAITING;
	return true;
}

static unsigned to_leg(
	struct worker *worker,
	struct audience *audience,
	struct leg *leg,
	struct rte_mbuf *source
) {
	const struct packet *packet = packet_of(source);
	uint32_t timestamp;
	uint16_t seq;

	if (__builtin_expect(leg->tx == NULL, 0)) {
		if (leg->consumer->transport->state == PLM_TRANSPORT_SECURE)
			count_lost(worker, leg->consumer, DROP_NO_PATH);
		return 0;
	}
	if ((leg->flags & (LEG_PAUSED | LEG_WAITING)) != 0 && !may_start(worker, leg, packet))
		return 0;
	if (!rewrite_packet(
		    &leg->rewrite,
		    packet->rtp.seq,
		    packet->rtp.timestamp,
		    worker->now_us,
		    &seq,
		    &timestamp
	    ))
		return 0; // from before this viewer's first packet
	leg->packets++;
	leg->bytes += (unsigned)packet->payload_len - packet->rtp.header_len
		- packet->rtp.padding_len;
	queue(worker, audience, leg, source, seq, timestamp);
	return 1;
}

unsigned output_media(struct worker *worker, struct audience *audience, struct rte_mbuf *source) {
	unsigned n = 0;

	hold(worker, source);
	audience_next_packet(&audience->packet);
	for (struct leg_chunk *chunk = audience->oldest; chunk != NULL; chunk = chunk->newer) {
		for (unsigned i = 0; i < chunk->n; i++) {
			const struct leg *ahead = &chunk->legs[i + 3 < LEG_CHUNK ? i + 3 : i];

			rte_prefetch0(ahead);
			rte_prefetch0((const uint8_t *)ahead + 64);
			rte_prefetch0((const uint8_t *)ahead + 128);
			n += to_leg(worker, audience, &chunk->legs[i], source);
		}
	}
	return n;
}

bool output_again(struct worker *worker, struct consumer *consumer, struct rte_mbuf *source) {
	const struct packet *packet = packet_of(source);
	struct leg *leg = consumer->leg;
	uint32_t timestamp;
	uint16_t seq;

	if (leg->tx == NULL
	    || !rewrite_map(
		    &leg->rewrite, packet->rtp.seq, packet->rtp.timestamp, &seq, &timestamp
	    ))
		return false;
	rte_mbuf_refcnt_update(source, 1);
	hold(worker, source);
	audience_next_packet(&consumer->audience->packet);
	queue(worker, consumer->audience, leg, source, seq, timestamp);
	consumer->retransmitted++;
	return true;
}

void output_protect_media(struct worker *worker) {
	struct egress *egress = &worker->egress;
	bool offload = worker->dp->port->udp_cksum_offload;
	unsigned n = egress->n_rtp;

	srtp_protect_rtp(egress->rtp_jobs, n);
	egress->n_rtp = 0;
	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *m = egress->rtp[i];

		if (__builtin_expect(egress->rtp_jobs[i].verdict != SRTP_OK, 0)) {
			count_lost(worker, egress->rtp_consumers[i], DROP_SRTP_FAILED);
			rte_pktmbuf_free(m);
			continue;
		}
		if (!offload)
			put_checksum(m, egress->rtp_sums[i]);
		output_frame(worker, m);
	}
}

void output_release_held(struct worker *worker) {
	struct egress *egress = &worker->egress;

	rte_pktmbuf_free_bulk(egress->held, egress->n_held);
	egress->n_held = 0;
}
