// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Everything about a peer of the benchmark follows from its number: address, credentials, keys. So
// 100,000 of them need no memory, and its packets can be made and opened anywhere.

#include <plm_api.h>
#include <plm_stun.h>

#include <stddef.h>
#include <stdint.h>

struct rte_mbuf;
struct rte_mempool;

struct plm_addr peer_addr(uint32_t peer);
// The peer that has this address (IPv4, network byte order), or UINT32_MAX.
uint32_t peer_of_addr(const uint8_t *ip, uint16_t port);

struct plm_ice_credentials peer_ice(uint32_t peer); // as the relay has them: local is the relay's
struct plm_transport_secure peer_secure(uint32_t peer, uint16_t suite); // id is left 0

// A Binding request with USE-CANDIDATE to the relay, or the answer to the relay's check. Returns
// its length; room for 256 bytes.
size_t peer_stun_request(uint32_t peer, uint8_t *ret_data);
size_t peer_stun_answer(
	uint32_t peer,
	const uint8_t *txid,
	const struct plm_addr *relay,
	uint8_t *ret_data
);

// An Ethernet frame from the peer to the relay with len bytes of UDP payload still to be written:
// *ret_payload. IPv4, UDP checksum 0. NULL: the pool is empty.
struct rte_mbuf *peer_frame(
	uint32_t peer,
	const struct plm_addr *relay,
	const uint8_t *relay_mac,
	struct rte_mempool *pool,
	size_t len,
	uint8_t **ret_payload
);
