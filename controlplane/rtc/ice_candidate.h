// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// A client's candidate (RFC 8839 section 5.1): parsed, and judged whether checks may be sent there.
// Pure. Leaving one out costs nothing: the client's own checks show its address (peer-reflexive).

#include <plm_api.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ICE_FOUNDATION_MAX 33 // RFC 8839: 1*32 ice-char

enum ice_candidate_type {
	ICE_CANDIDATE_HOST,
	ICE_CANDIDATE_SRFLX,
	ICE_CANDIDATE_PRFLX,
	ICE_CANDIDATE_RELAY,
};

struct ice_candidate {
	char foundation[ICE_FOUNDATION_MAX];
	uint32_t priority;
	enum ice_candidate_type type;
	struct plm_addr addr;
	char ufrag[PLM_UFRAG_MAX]; // of the extension "ufrag" (RFC 8840), empty = none
};

// text: "candidate:..." with or without "a=" before it. -EBADMSG: not a candidate. -ENOTSUP: one we
// do not use: TCP, another component than 1, a name instead of an address (mDNS).
int ice_candidate_parse(const char *text, struct ice_candidate *ret_candidate);

// False for an address that no check may be sent to: unspecified, loopback, link-local (cloud
// metadata lives there), multicast, broadcast, reserved, IPv4 inside IPv6, port 0, or an address of
// ours (n of them).
bool ice_address_allowed(const struct plm_addr *addr, const struct plm_addr *ours, unsigned n);
