// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// What the stages know about a received packet: the private area of its mbuf. Written by the worker
// that holds the packet; once it is fanned out (shared by reference count) it is read only.

#include <plm_api.h>
#include <plm_rtp.h>

#include <rte_mbuf.h>

struct packet {
	struct plm_addr remote; // where it came from
	uint8_t src_mac[6]; // next hop back to the sender
	uint8_t local; // index of our address it was sent to
	uint8_t kind; // enum plm_payload_kind
	uint16_t l3_offset; // of the IP header, from the frame's start
	uint16_t payload_offset; // of the UDP payload
	uint16_t payload_len; // of the UDP payload; shrinks by the SRTP trailer
	uint16_t fanout; // copies sent, for the trace
	uint32_t transport; // index
	uint32_t producer; // index
	uint32_t producer_serial; // tells a reused index from the one meant
	uint64_t rx_us;
	struct plm_rtp rtp; // of the decrypted packet
	bool keyframe; // begins a key frame
	uint8_t from; // worker that received it
};

_Static_assert(sizeof(struct packet) <= 128, "two cache lines of private area");

#define PACKET_PRIV_SIZE 128

static inline struct packet *packet_of(struct rte_mbuf *m) {
	return rte_mbuf_to_priv(m);
}

static inline uint8_t *packet_payload(struct rte_mbuf *m) {
	return rte_pktmbuf_mtod_offset(m, uint8_t *, packet_of(m)->payload_offset);
}
