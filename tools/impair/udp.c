// SPDX-License-Identifier: BSD-3-Clause
#include "udp.h"

#include <string.h>

#define ETHER_LEN 14
#define ETHERTYPE_V4 0x0800
#define ETHERTYPE_V6 0x86dd
#define V4_LEN_MIN 20
#define V6_LEN 40
#define UDP_LEN 8
#define PROTO_UDP 17

static uint16_t load_be16(const uint8_t *p) {
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void store_be16(uint8_t *p, uint16_t value) {
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

// Where the UDP header starts, or 0.
static size_t find_header(const uint8_t *frame, size_t len, bool *ret_is_v6) {
	if (len < ETHER_LEN)
		return 0;
	const uint8_t *ip = frame + ETHER_LEN;
	size_t ip_len = len - ETHER_LEN;
	switch (load_be16(frame + 12)) {
	case ETHERTYPE_V4: {
		if (ip_len < V4_LEN_MIN || ip[0] >> 4 != 4 || ip[9] != PROTO_UDP)
			return 0;
		if (load_be16(ip + 6) & 0x1fff)
			return 0; // a later fragment has no ports
		size_t header_len = (size_t)(ip[0] & 15) * 4;
		if (header_len < V4_LEN_MIN || ip_len < header_len + UDP_LEN)
			return 0;
		*ret_is_v6 = false;
		return ETHER_LEN + header_len;
	}
	case ETHERTYPE_V6:
		if (ip_len < V6_LEN + UDP_LEN || ip[0] >> 4 != 6 || ip[6] != PROTO_UDP)
			return 0;
		*ret_is_v6 = true;
		return ETHER_LEN + V6_LEN;
	default:
		return 0;
	}
}

bool udp_find(uint8_t *frame, size_t len, struct udp_view *ret_view) {
	bool is_v6;
	size_t at = find_header(frame, len, &is_v6);
	if (at == 0)
		return false;
	size_t rest = len - at - UDP_LEN;
	size_t udp_len = load_be16(frame + at + 4);
	// A frame may be padded behind the datagram, and a fragment may be shorter than it.
	size_t payload_len = udp_len >= UDP_LEN && udp_len - UDP_LEN < rest ? udp_len - UDP_LEN
									    : rest;
	const uint8_t *ip = frame + ETHER_LEN;
	*ret_view = (struct udp_view){
		.is_v6 = is_v6,
		.src_addr = ip + (is_v6 ? 8 : 12),
		.dst_addr = ip + (is_v6 ? 24 : 16),
		.header = frame + at,
		.payload = frame + at + UDP_LEN,
		.payload_len = payload_len,
	};
	return true;
}

uint16_t udp_src_port(const struct udp_view *view) {
	return load_be16(view->header);
}

uint16_t udp_dst_port(const struct udp_view *view) {
	return load_be16(view->header + 2);
}

static void set_port(struct udp_view *view, size_t at, uint16_t port) {
	uint16_t old_port = load_be16(view->header + at);
	store_be16(view->header + at, port);
	uint16_t checksum = load_be16(view->header + 6);
	if (checksum == 0)
		return;
	// RFC 1624, equation 3: HC' = ~(~HC + ~m + m')
	uint32_t sum = (uint16_t)~checksum + (uint32_t)(uint16_t)~old_port + port;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	checksum = (uint16_t)~sum;
	store_be16(view->header + 6, checksum ? checksum : 0xffff);
}

void udp_set_src_port(struct udp_view *view, uint16_t port) {
	set_port(view, 0, port);
}

void udp_set_dst_port(struct udp_view *view, uint16_t port) {
	set_port(view, 2, port);
}
