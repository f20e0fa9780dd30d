// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// RTP packets (RFC 3550 section 5.1) and header extensions (RFC 8285). Pure: no clock, I/O, state.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLM_RTP_HEADER_LEN 12
#define PLM_RTP_EXT_MAX 16 // extension elements one packet may carry; more is malformed for us

struct plm_rtp {
	bool marker;
	uint8_t payload_type;
	uint8_t n_csrc;
	uint8_t padding_len; // 0 = no padding; counts its own last byte. Only set by parse_full
	uint16_t seq;
	uint32_t timestamp;
	uint32_t ssrc;
	uint16_t ext_profile; // 0xBEDE one-byte, 0x100x two-byte, 0 = no extension
	uint16_t ext_offset; // of the first element, from the packet's start
	uint16_t ext_len; // bytes of extension elements, a multiple of 4
	uint16_t header_len; // 12 + CSRCs + extension header + extensions: where the payload starts
};

// Parses the header, which is in clear also in SRTP; never reads beyond len. Padding is not looked
// at (its length is encrypted in SRTP). Returns 0, or -EBADMSG: shorter than it says,
// longer than 65535 bytes, version not 2.
int plm_rtp_parse(const uint8_t *data, size_t len, struct plm_rtp *ret_rtp);

// As plm_rtp_parse for a decrypted packet: also checks the padding (RFC 3550 5.1: P bit) and that
// payload remains >= 0 bytes.
int plm_rtp_parse_full(const uint8_t *data, size_t len, struct plm_rtp *ret_rtp);

// One extension element. data points into the packet.
struct plm_rtp_ext {
	uint8_t id;
	uint8_t len; // 0..255 bytes
	const uint8_t *data;
};

// Walks the elements of rtp, one-byte or two-byte form (RFC 8285 4.2, 4.3); id 15 of the one-byte
// form ends the walk; padding bytes are skipped. Returns their number (at most max), or -EBADMSG
// when an element is longer than what is left or there are more than max; the list then holds
// whatever came before.
int plm_rtp_ext_list(
	const uint8_t *data,
	const struct plm_rtp *rtp,
	struct plm_rtp_ext *ret_list,
	int max
);

// The element with this id, or NULL. A malformed tail after it does not matter.
const uint8_t *plm_rtp_ext_find(
	const uint8_t *data,
	const struct plm_rtp *rtp,
	uint8_t id,
	uint8_t *ret_len
);

// An element to write.
struct plm_rtp_ext_out {
	uint8_t id;
	uint8_t len;
	const uint8_t *data;
};

// Writes a whole RTP header with these extensions at dst: the one-byte form where every id is 1..14
// and every length 1..16, else the two-byte form; no extension at all when n is 0. No CSRCs.
// dst must not overlap the elements' data. Returns its length, a multiple of 4, -ENOSPC, or
// -EINVAL: an id is 0, n not 0..PLM_RTP_EXT_MAX.
int plm_rtp_write(
	uint8_t *dst,
	size_t room,
	const struct plm_rtp *rtp, // marker, payload_type, seq, timestamp, ssrc are used
	bool padding, // the P bit
	const struct plm_rtp_ext_out *ext,
	int n
);

// a - b in sequence arithmetic (RFC 1982), -32768..32767.
static inline int plm_seq_diff(uint16_t a, uint16_t b) {
	return (int16_t)(uint16_t)(a - b);
}

// True when seq a is newer than b.
static inline bool plm_seq_newer(uint16_t a, uint16_t b) {
	return plm_seq_diff(a, b) > 0;
}
