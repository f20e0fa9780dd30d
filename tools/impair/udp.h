// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// UDP inside an Ethernet frame, as far as a tiny port translation needs it. Pure.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UDP_ADDR_LEN 16 // IPv4 addresses fill the first four bytes, the rest is zero

// Pointers into the frame given to udp_find.
struct udp_view {
	bool is_v6;
	const uint8_t *src_addr, *dst_addr; // 4 or 16 bytes
	uint8_t *header; // the 8 bytes of RFC 768
	const uint8_t *payload;
	size_t payload_len;
};

// Finds UDP in an untagged Ethernet frame: IPv4 (options allowed, fragments only the first), IPv6
// without extension headers. Returns false and leaves *ret_view alone for everything else.
bool udp_find(uint8_t *frame, size_t len, struct udp_view *ret_view);

uint16_t udp_src_port(const struct udp_view *view); // host order
uint16_t udp_dst_port(const struct udp_view *view);

// Change a port and mend the checksum by the difference (RFC 1624). A checksum of zero (none, RFC
// 768) stays zero.
void udp_set_src_port(struct udp_view *view, uint16_t port);
void udp_set_dst_port(struct udp_view *view, uint16_t port);
