// SPDX-License-Identifier: BSD-3-Clause

#include "peers.h"

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_udp.h>

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

// RFC 2544's test network, a few ports on each address.
#define FIRST_ADDRESS 0xc6120100U // 198.18.1.0
#define PORTS 16
#define FIRST_PORT 40000
#define LAST_ADDRESS 0xc613ffffU

struct plm_addr peer_addr(uint32_t peer) {
	rte_be32_t ip = rte_cpu_to_be_32(FIRST_ADDRESS + peer / PORTS);
	struct plm_addr addr = {.family = 4, .port = (uint16_t)(FIRST_PORT + peer % PORTS)};

	memcpy(addr.ip, &ip, sizeof(ip));
	return addr;
}

uint32_t peer_of_addr(const uint8_t *ip, uint16_t port) {
	rte_be32_t ip_be;
	uint32_t address;

	memcpy(&ip_be, ip, sizeof(ip_be));
	address = rte_be_to_cpu_32(ip_be);
	if (address < FIRST_ADDRESS || address > LAST_ADDRESS || port < FIRST_PORT
	    || port >= FIRST_PORT + PORTS)
		return UINT32_MAX;
	return (address - FIRST_ADDRESS) * PORTS + port - FIRST_PORT;
}

struct plm_ice_credentials peer_ice(uint32_t peer) {
	struct plm_ice_credentials ice = {0};

	snprintf(ice.local_ufrag, sizeof(ice.local_ufrag), "relay%07u", peer);
	snprintf(ice.local_pwd, sizeof(ice.local_pwd), "password-of-the-relay%07u", peer);
	snprintf(ice.remote_ufrag, sizeof(ice.remote_ufrag), "p%07u", peer);
	snprintf(ice.remote_pwd, sizeof(ice.remote_pwd), "password-of-the-peer%07u", peer);
	return ice;
}

// Known keys, on purpose: both ends make them from the number.
static void keys_make(uint64_t seed, struct plm_srtp_key *ret_key) {
	for (size_t i = 0; i < sizeof(ret_key->bytes); i += 8) {
		uint64_t z = seed += 0x9e3779b97f4a7c15;

		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
		z = (z ^ z >> 27) * 0x94d049bb133111eb;
		z ^= z >> 31;
		memcpy(&ret_key->bytes[i], &z, 8);
	}
}

struct plm_transport_secure peer_secure(uint32_t peer, uint16_t suite) {
	struct plm_transport_secure secure = {.suite = suite};

	keys_make(2 * (uint64_t)peer << 32, &secure.rx);
	keys_make((2 * (uint64_t)peer + 1) << 32, &secure.tx);
	return secure;
}

size_t peer_stun_request(uint32_t peer, uint8_t *ret_data) {
	const struct plm_ice_credentials ice = peer_ice(peer);
	char username[2 * PLM_UFRAG_MAX];
	uint8_t txid[PLM_STUN_TXID_LEN] = {'b', 'e', 'n', 'c', 'h'};
	const struct plm_stun_request request = {
		.txid = txid,
		.username = username,
		.priority = 0x6e7f00ff,
		.controlling = true,
		.use_candidate = true,
		.tie_breaker = peer,
	};
	struct plm_stun_key key;
	int len;

	memcpy(txid + 8, &peer, sizeof(peer));
	snprintf(username, sizeof(username), "%s:%s", ice.local_ufrag, ice.remote_ufrag);
	plm_stun_key_init(&key, ice.local_pwd, strlen(ice.local_pwd));
	len = plm_stun_request_write(ret_data, 256, &request, &key);
	return len < 0 ? 0 : (size_t)len;
}

size_t peer_stun_answer(
	uint32_t peer,
	const uint8_t *txid,
	const struct plm_addr *relay,
	uint8_t *ret_data
) {
	const struct plm_ice_credentials ice = peer_ice(peer);
	struct plm_stun_key key;
	int len;

	plm_stun_key_init(&key, ice.remote_pwd, strlen(ice.remote_pwd));
	len = plm_stun_success_write(ret_data, 256, txid, relay, &key);
	return len < 0 ? 0 : (size_t)len;
}

struct rte_mbuf *peer_frame(
	uint32_t peer,
	const struct plm_addr *relay,
	const uint8_t *relay_mac,
	struct rte_mempool *pool,
	size_t len,
	uint8_t **ret_payload
) {
	const struct plm_addr from = peer_addr(peer);
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	struct rte_ether_hdr *eth;
	struct rte_ipv4_hdr *ip;
	struct rte_udp_hdr *udp;

	if (m == NULL)
		return NULL;
	eth = (void *)rte_pktmbuf_append(
		m, (uint16_t)(sizeof(*eth) + sizeof(*ip) + sizeof(*udp) + len)
	);
	if (eth == NULL) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	ip = (void *)(eth + 1);
	udp = (void *)(ip + 1);
	memcpy(&eth->dst_addr, relay_mac, 6);
	memcpy(&eth->src_addr, "\x02\x00\x00\x00\x00\x01", 6);
	eth->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	*ip = (struct rte_ipv4_hdr){
		.version_ihl = 0x45,
		.total_length = rte_cpu_to_be_16((uint16_t)(sizeof(*ip) + sizeof(*udp) + len)),
		.time_to_live = 64,
		.next_proto_id = IPPROTO_UDP,
	};
	memcpy(&ip->src_addr, from.ip, 4);
	memcpy(&ip->dst_addr, relay->ip, 4);
	udp->src_port = rte_cpu_to_be_16(from.port);
	udp->dst_port = rte_cpu_to_be_16(relay->port);
	udp->dgram_len = rte_cpu_to_be_16((uint16_t)(sizeof(*udp) + len));
	udp->dgram_cksum = 0;
	*ret_payload = (uint8_t *)(udp + 1);
	return m;
}
