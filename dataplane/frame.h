// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Ethernet, IP and UDP headers of what we send, and checksums.

#include "config.h"
#include "io/port.h"
#include "media/transport.h"

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_udp.h>

#include <string.h>

#define FRAME_HEADERS_V4                                                                           \
	(sizeof(struct rte_ether_hdr) + sizeof(struct rte_ipv4_hdr) + sizeof(struct rte_udp_hdr))
#define FRAME_HEADERS_V6                                                                           \
	(sizeof(struct rte_ether_hdr) + sizeof(struct rte_ipv6_hdr) + sizeof(struct rte_udp_hdr))

static inline unsigned frame_headers_len(const struct path *path) {
	return path->remote.family == 4 ? FRAME_HEADERS_V4 : FRAME_HEADERS_V6;
}

// IP headers with their checksum, where there is one, left zero.
static inline struct rte_ipv4_hdr frame_ipv4(
	const struct plm_addr *local,
	const struct plm_addr *remote,
	uint16_t udp_len
) {
	struct rte_ipv4_hdr ip = {
		.version_ihl = 0x45,
		.total_length = udp_len == 0 ? 0
					     : rte_cpu_to_be_16((uint16_t)(sizeof(ip) + udp_len)),
		.fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG),
		.time_to_live = 64,
		.next_proto_id = IPPROTO_UDP,
	};

	memcpy(&ip.src_addr, local->ip, 4);
	memcpy(&ip.dst_addr, remote->ip, 4);
	return ip;
}

static inline struct rte_ipv6_hdr frame_ipv6(
	const struct plm_addr *local,
	const struct plm_addr *remote,
	uint16_t udp_len
) {
	struct rte_ipv6_hdr ip = {
		.vtc_flow = rte_cpu_to_be_32(6U << 28),
		.payload_len = rte_cpu_to_be_16(udp_len),
		.proto = IPPROTO_UDP,
		.hop_limits = 64,
	};

	memcpy(ip.src_addr, local->ip, 16);
	memcpy(ip.dst_addr, remote->ip, 16);
	return ip;
}

static inline void frame_write_v4(
	struct rte_mbuf *m,
	const struct port *port,
	const struct plm_addr *local,
	const struct path *path,
	uint16_t udp_len
) {
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, 14);
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(ip + 1);

	*ip = frame_ipv4(local, &path->remote, udp_len);
	m->l2_len = 14;
	m->l3_len = sizeof(*ip);
	if (port->ipv4_cksum_offload)
		m->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM;
	else
		ip->hdr_checksum = rte_ipv4_cksum(ip);
	if (port->udp_cksum_offload) {
		m->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_UDP_CKSUM;
		udp->dgram_cksum = rte_ipv4_phdr_cksum(ip, m->ol_flags);
	} else {
		udp->dgram_cksum = rte_ipv4_udptcp_cksum(ip, udp);
	}
}

static inline void frame_write_v6(
	struct rte_mbuf *m,
	const struct port *port,
	const struct plm_addr *local,
	const struct path *path,
	uint16_t udp_len
) {
	struct rte_ipv6_hdr *ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv6_hdr *, 14);
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(ip + 1);

	*ip = frame_ipv6(local, &path->remote, udp_len);
	m->l2_len = 14;
	m->l3_len = sizeof(*ip);
	if (port->udp_cksum_offload) {
		m->ol_flags |= RTE_MBUF_F_TX_IPV6 | RTE_MBUF_F_TX_UDP_CKSUM;
		udp->dgram_cksum = rte_ipv6_phdr_cksum(ip, m->ol_flags);
	} else {
		udp->dgram_cksum = rte_ipv6_udptcp_cksum(ip, udp);
	}
}

// Writes all headers in front of the UDP payload that already lies at frame_headers_len(path) in m;
// m->data_len covers headers and payload. Payload must be final (it is summed).
static inline void frame_finish(
	struct rte_mbuf *m,
	const struct port *port,
	const struct config *config,
	const struct path *path
) {
	const struct plm_addr *local = &config->addrs[path->local].addr;
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);
	bool v4 = path->remote.family == 4;
	uint16_t udp_len = (uint16_t)(m->data_len - (v4 ? 34 : 54));
	struct rte_udp_hdr *udp = rte_pktmbuf_mtod_offset(m, struct rte_udp_hdr *, v4 ? 34 : 54);

	memcpy(&eth->dst_addr, path->mac, 6);
	memcpy(&eth->src_addr, port->mac, 6);
	eth->ether_type = rte_cpu_to_be_16(v4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6);
	udp->src_port = rte_cpu_to_be_16(config->public_port);
	udp->dst_port = rte_cpu_to_be_16(path->remote.port);
	udp->dgram_len = rte_cpu_to_be_16(udp_len);
	udp->dgram_cksum = 0;
	if (v4)
		frame_write_v4(m, port, local, path, udp_len);
	else
		frame_write_v6(m, port, local, path, udp_len);
}

// A 16-bit word of a checksummed header changed: RFC 1624, equation 3. UDP: 0 stays 0 (IPv4: no
// checksum), and a sum of 0 is written as 0xffff.
static inline uint16_t frame_cksum_update(uint16_t cksum_be, uint16_t old_be, uint16_t new_be) {
	uint32_t sum;

	if (cksum_be == 0)
		return 0;
	sum = (uint16_t)~cksum_be + (uint16_t)~old_be + (uint32_t)new_be;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (uint16_t)~sum;
	return sum == 0 ? 0xffff : (uint16_t)sum;
}
