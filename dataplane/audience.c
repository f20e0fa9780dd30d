// SPDX-License-Identifier: BSD-3-Clause

#include "audience.h"

#include "frame.h"
#include "media/stream.h"
#include "media/transport.h"

#include <plm_rtp.h>

#include <string.h>

_Static_assert(TRANSPORT_SSRCS_SENT < SRTP_STREAMS_MAX, "a session has an index for each SSRC");

static uint8_t class_join(struct audience *audience, const struct plm_consumer_add *add) {
	uint8_t free_class = LEG_NO_CLASS;

	for (uint8_t i = 0; i < LEG_CLASSES; i++) {
		struct leg_class *class = &audience->classes[i];

		if (class->n_legs == 0) {
			free_class = free_class == LEG_NO_CLASS ? i : free_class;
			continue;
		}
		if (memcmp(&class->ext, &add->ext, sizeof(add->ext)) == 0
		    && memcmp(class->mid, add->mid, sizeof(add->mid)) == 0) {
			class->n_legs++;
			return i;
		}
	}
	if (free_class != LEG_NO_CLASS) {
		struct leg_class *class = &audience->classes[free_class];

		class->ext = add->ext;
		memcpy(class->mid, add->mid, sizeof(class->mid));
		class->n_legs = 1;
		class->packet = 0;
	}
	return free_class;
}

// Ethernet, IP and UDP headers to this path, and the sums their lengths are added to.
static void write_headers(struct worker *worker, struct leg *leg, const struct path *path) {
	const struct config *config = worker->dp->config;
	const struct plm_addr *local = &config->addrs[path->local].addr;
	bool v4 = path->remote.family == 4;
	struct rte_ether_hdr *eth = (struct rte_ether_hdr *)leg->headers;
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(leg->headers + (v4 ? 34 : 54));

	memset(leg->headers, 0, sizeof(leg->headers));
	leg->headers_len = (uint8_t)frame_headers_len(path);
	leg->flags = (uint8_t)(v4 ? leg->flags & ~LEG_V6 : leg->flags | LEG_V6);
	memcpy(&eth->dst_addr, path->mac, 6);
	memcpy(&eth->src_addr, worker->dp->port->mac, 6);
	eth->ether_type = rte_cpu_to_be_16(v4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6);
	udp->src_port = rte_cpu_to_be_16(config->public_port);
	udp->dst_port = rte_cpu_to_be_16(path->remote.port);
	if (v4) {
		struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(eth + 1);

		*ip = frame_ipv4(local, &path->remote, 0);
		leg->ip_sum = rte_raw_cksum(ip, sizeof(*ip));
		leg->udp_sum = rte_raw_cksum(&ip->src_addr, 8) + RTE_BE16(IPPROTO_UDP);
	} else {
		struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)(eth + 1);

		*ip = frame_ipv6(local, &path->remote, 0);
		leg->udp_sum = rte_raw_cksum(ip->src_addr, 32) + RTE_BE16(IPPROTO_UDP);
	}
}

static void leg_refresh(struct worker *worker, struct leg *leg, struct transport *transport) {
	const struct path *path = transport_selected(transport);

	leg->tx = NULL;
	if (path == NULL || transport->state != PLM_TRANSPORT_SECURE)
		return;
	leg->tx = transport->tx;
	leg->tag_len = transport->tag_len;
	write_headers(worker, leg, path);
}

void audience_refresh(struct worker *worker, struct transport *transport) {
	for (struct consumer *c = transport->consumers; c != NULL; c = c->transport_next)
		leg_refresh(worker, c->leg, transport);
}

// Keys outlive consumers: an SSRC that comes back on its transport goes on where it ended.
static void rewrite_continue(struct rewrite *rewrite, const struct consumer *consumer) {
	const struct transport_sent *sent = transport_sent_find(
		consumer->transport, consumer->add.ssrc
	);

	if (sent != NULL)
		rewrite_resume(rewrite, sent->seq, sent->ts, sent->at_us);
}

static void remember_end(struct transport *transport, const struct leg *leg) {
	const struct transport_sent sent = {
		.ssrc = leg->ssrc,
		.ts = leg->rewrite.highest_ts_out,
		.at_us = leg->rewrite.highest_us,
		.seq = leg->rewrite.highest_out,
	};

	if (sent.at_us != 0)
		transport_sent_set(transport, &sent);
}

void audience_join(
	struct worker *worker,
	struct audience *audience,
	struct consumer *consumer,
	struct leg_chunk *chunk
) {
	struct leg *leg;

	if (chunk != NULL) {
		chunk->older = audience->newest;
		chunk->newer = NULL;
		if (audience->newest != NULL)
			audience->newest->newer = chunk;
		else
			audience->oldest = chunk;
		audience->newest = chunk;
	}
	leg = &audience->newest->legs[audience->newest->n++];
	memset(leg, 0, sizeof(*leg));
	leg->consumer = consumer;
	leg->ssrc = consumer->add.ssrc;
	leg->payload_type = consumer->add.payload_type;
	leg->flags = (uint8_t
	)((consumer->add.paused ? LEG_PAUSED : 0) | (consumer->waiting_keyframe ? LEG_WAITING : 0));
	leg->ext_class = class_join(audience, &consumer->add);
	rewrite_init(
		&leg->rewrite,
		consumer->clock_rate,
		(uint16_t)(worker_random(worker) & 0x7fff),
		(uint32_t)worker_random(worker)
	);
	rewrite_continue(&leg->rewrite, consumer);
	consumer->audience = audience;
	__atomic_store_n(&consumer->leg, leg, __ATOMIC_RELEASE);
	audience->n_consumers++;
	leg_refresh(worker, leg, consumer->transport);
}

struct leg_chunk *audience_leave(struct audience *audience, struct consumer *consumer) {
	struct leg_chunk *newest = audience->newest;
	struct leg *leg = consumer->leg, *last = &newest->legs[--newest->n];

	if (leg->ext_class != LEG_NO_CLASS)
		audience->classes[leg->ext_class].n_legs--;
	remember_end(consumer->transport, leg);
	consumer->transport->tx_packets += leg->packets + consumer->retransmitted;
	consumer->transport->tx_bytes += leg->wire_bytes;
	__atomic_store_n(&consumer->leg, NULL, __ATOMIC_RELEASE);
	if (leg != last) {
		*leg = *last;
		__atomic_store_n(&leg->consumer->leg, leg, __ATOMIC_RELEASE);
	}
	audience->n_consumers--;
	if (newest->n > 0)
		return NULL;
	audience->newest = newest->older;
	if (audience->newest != NULL)
		audience->newest->newer = NULL;
	else
		audience->oldest = NULL;
	return newest;
}

// Header extensions of one outgoing packet: the source's, under the viewer's ids, the MID replaced.
static int map_extensions(
	const struct audience *audience,
	const uint8_t *ids,
	const char *mid,
	const uint8_t *data,
	const struct plm_rtp *rtp,
	struct plm_rtp_ext_out *out
) {
	struct plm_rtp_ext in[PLM_RTP_EXT_MAX];
	int n_out = 0, n_in = 0;

	if (rtp->ext_len > 0)
		n_in = plm_rtp_ext_list(data, rtp, in, PLM_RTP_EXT_MAX);
	for (int i = 0; i < n_in; i++) {
		uint8_t uri = audience->ext_of_id[in[i].id];

		if (uri == PLM_EXT_NONE || uri == PLM_EXT_MID || ids[uri] == 0)
			continue;
		out[n_out++] = (struct plm_rtp_ext_out){ids[uri], in[i].len, in[i].data};
	}
	if (ids[PLM_EXT_MID] != 0 && mid[0] != '\0' && n_out < PLM_RTP_EXT_MAX) {
		out[n_out++] = (struct plm_rtp_ext_out){
			ids[PLM_EXT_MID],
			(uint8_t)strnlen(mid, PLM_MID_MAX),
			(const uint8_t *)mid,
		};
	}
	return n_out;
}

static void class_make(
	const struct audience *audience,
	struct leg_class *class,
	struct rte_mbuf *source
) {
	const struct plm_rtp *rtp = &packet_of(source)->rtp;
	const uint8_t *data = packet_payload(source);
	struct plm_rtp_ext_out ext[PLM_RTP_EXT_MAX];
	int n = map_extensions(audience, class->ext.ids, class->mid, data, rtp, ext);

	class->len = (int16_t
	)plm_rtp_write(class->header, sizeof(class->header), rtp, (data[0] & 0x20) != 0, ext, n);
	class->packet = audience->packet;
}

int audience_header(
	struct audience *audience,
	struct leg *leg,
	struct rte_mbuf *source,
	const uint8_t **ret_header
) {
	struct leg_class *class;

	if (__builtin_expect(leg->ext_class != LEG_NO_CLASS, 1)) {
		class = &audience->classes[leg->ext_class];
		if (class->packet != audience->packet)
			class_make(audience, class, source);
	} else {
		class = &audience->own;
		class->ext = leg->consumer->add.ext;
		memcpy(class->mid, leg->consumer->add.mid, sizeof(class->mid));
		class_make(audience, class, source);
	}
	*ret_header = class->header;
	return class->len;
}
