// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// What a UDP payload is, by its first bytes (RFC 7983 section 7, RFC 5761 section 4). Pure.

#include <stddef.h>
#include <stdint.h>

enum plm_payload_kind {
	PLM_PAYLOAD_OTHER, // empty, too short for its kind, ZRTP, TURN channel, QUIC
	PLM_PAYLOAD_STUN, // 0..3, at least 20 bytes, cookie right
	PLM_PAYLOAD_DTLS, // 20..63, at least 13 bytes, version byte 254 (DTLS 1.x)
	PLM_PAYLOAD_RTP, // 128..191, at least 12 bytes
	PLM_PAYLOAD_RTCP, // 128..191, second byte 192..223 (RFC 5761), at least 8 bytes
};

enum plm_payload_kind plm_demux(const uint8_t *data, size_t len);
