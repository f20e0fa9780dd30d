// SPDX-License-Identifier: BSD-3-Clause

// What a frame is: ours by address and port (then RFC 7983 by its first byte), the kernel's, or
// nobody's. Hostile input; nothing is read beyond the first segment.

#include "../config.h"
#include "../output.h"
#include "stages.h"

#include <plm_demux.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include <netinet/in.h>
#include <string.h>

// Verdicts of the header parsers below.
#define TO_KERNEL (-1)
#define OURS (-2)

static int local_find(const struct config *config, uint8_t family, const void *ip) {
	for (unsigned i = 0; i < config->n_addrs; i++) {
		const struct plm_addr *addr = &config->addrs[i].addr;

		if (addr->family == family && memcmp(addr->ip, ip, family == 4 ? 4 : 16) == 0)
			return (int)i;
	}
	return -1;
}

// UDP behind an IP header of `family`. ip_left: bytes of IP payload present in the packet.
static int parse_udp(
	const struct config *config,
	struct packet *packet,
	const struct rte_udp_hdr *udp,
	unsigned ip_left,
	const void *dst_ip
) {
	unsigned port, len;
	int local;

	if (ip_left < sizeof(*udp))
		return DROP_IP_MALFORMED;
	len = rte_be_to_cpu_16(udp->dgram_len);
	if (len < sizeof(*udp) || len > ip_left)
		return DROP_IP_MALFORMED;
	port = rte_be_to_cpu_16(udp->dst_port);
	if (port != config->public_port) {
		if (port >= config->agent_port_min && port <= config->agent_port_max)
			return DROP_PRIVATE_PORT;
		return TO_KERNEL;
	}
	local = local_find(config, packet->remote.family, dst_ip);
	if (local < 0)
		return DROP_NOT_OURS;
	if (packet->remote.family == 6 && udp->dgram_cksum == 0)
		return DROP_IPV6_NO_CHECKSUM;
	packet->local = (uint8_t)local;
	packet->remote.port = rte_be_to_cpu_16(udp->src_port);
	packet->payload_len = (uint16_t)(len - sizeof(*udp));
	return OURS;
}

static int parse_ipv4(const struct config *config, struct rte_mbuf *m, struct packet *packet) {
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, 14);
	unsigned left = m->data_len - 14U, header_len, total;

	if (left < sizeof(*ip) || ip->version_ihl >> 4 != 4)
		return DROP_IP_MALFORMED;
	header_len = (ip->version_ihl & 0xf) * 4U;
	total = rte_be_to_cpu_16(ip->total_length);
	if (header_len < sizeof(*ip) || total < header_len || total > left)
		return DROP_IP_MALFORMED;
	if (ip->next_proto_id != IPPROTO_UDP)
		return TO_KERNEL;
	if ((ip->fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)
	    )
	    != 0)
		return DROP_IP_FRAGMENT;
	packet->remote.family = 4;
	memcpy(packet->remote.ip, &ip->src_addr, 4);
	packet->payload_offset = (uint16_t)(14 + header_len + sizeof(struct rte_udp_hdr));
	return parse_udp(
		config,
		packet,
		rte_pktmbuf_mtod_offset(m, const struct rte_udp_hdr *, 14 + header_len),
		total - header_len,
		&ip->dst_addr
	);
}

// UDP must follow the fixed header directly: behind extension headers it could hide from the
// private port filter, so it is dropped. ICMPv6 behind hop-by-hop options (MLD) is the kernel's.
static int parse_ipv6(const struct config *config, struct rte_mbuf *m, struct packet *packet) {
	const struct rte_ipv6_hdr *ip = rte_pktmbuf_mtod_offset(m, const struct rte_ipv6_hdr *, 14);
	unsigned left = m->data_len - 14U, payload;
	const uint8_t *next;

	if (left < sizeof(*ip) || (rte_be_to_cpu_32(ip->vtc_flow) >> 28) != 6)
		return DROP_IP_MALFORMED;
	payload = rte_be_to_cpu_16(ip->payload_len);
	if (payload > left - sizeof(*ip))
		return DROP_IP_MALFORMED;
	switch (ip->proto) {
	case IPPROTO_UDP:
		packet->remote.family = 6;
		memcpy(packet->remote.ip, ip->src_addr, 16);
		packet->payload_offset = 14 + sizeof(*ip) + sizeof(struct rte_udp_hdr);
		return parse_udp(
			config,
			packet,
			rte_pktmbuf_mtod_offset(m, const struct rte_udp_hdr *, 14 + sizeof(*ip)),
			payload,
			ip->dst_addr
		);
	case IPPROTO_HOPOPTS:
		next = (const uint8_t *)(ip + 1);
		if (payload >= 8 && next[0] == IPPROTO_ICMPV6)
			return TO_KERNEL;
		return DROP_IPV6_EXTENSION;
	case IPPROTO_TCP:
	case IPPROTO_ICMPV6:
		return TO_KERNEL;
	default:
		return DROP_IPV6_EXTENSION;
	}
}

static int parse_frame(const struct config *config, struct rte_mbuf *m, struct packet *packet) {
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);

	if (m->nb_segs != 1 || m->data_len < sizeof(*eth))
		return DROP_L2_MALFORMED;
	memset(&packet->remote, 0, sizeof(packet->remote));
	memcpy(packet->src_mac, &eth->src_addr, 6);
	packet->l3_offset = 14;
	switch (rte_be_to_cpu_16(eth->ether_type)) {
	case RTE_ETHER_TYPE_ARP:
		return TO_KERNEL;
	case RTE_ETHER_TYPE_IPV4:
		return parse_ipv4(config, m, packet);
	case RTE_ETHER_TYPE_IPV6:
		return parse_ipv6(config, m, packet);
	default:
		return DROP_L2_MALFORMED;
	}
}

static void sort(struct worker *worker, struct rte_mbuf *m) {
	struct batch *batch = &worker->batch;
	struct packet *packet = packet_of(m);
	int verdict = parse_frame(worker->dp->config, m, packet);

	if (verdict == TO_KERNEL) {
		trace_packet(worker, m, PLM_STAGE_CLASSIFY, TRACE_TO_KERNEL, 0);
		output_kernel(worker, m, PLM_STAGE_CLASSIFY);
		return;
	}
	if (verdict != OURS) {
		worker_drop(worker, m, PLM_STAGE_CLASSIFY, (enum drop_reason)verdict);
		return;
	}
	packet->kind = (uint8_t)plm_demux(packet_payload(m), packet->payload_len);
	switch (packet->kind) {
	case PLM_PAYLOAD_STUN:
		batch->stun[batch->n_stun++] = m;
		break;
	case PLM_PAYLOAD_DTLS:
	case PLM_PAYLOAD_RTP:
	case PLM_PAYLOAD_RTCP:
		batch->flow[batch->n_flow++] = m;
		break;
	default:
		worker_drop(worker, m, PLM_STAGE_CLASSIFY, DROP_UNKNOWN_PAYLOAD);
	}
}

unsigned stage_classify(struct worker *worker) {
	struct batch *batch = &worker->batch;

	batch->n_stun = 0;
	batch->n_flow = 0;
	for (unsigned i = 0; i < batch->n_in; i++)
		sort(worker, batch->in[i]);
	return batch->n_in;
}
