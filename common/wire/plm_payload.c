// SPDX-License-Identifier: BSD-3-Clause

#include "plm_payload.h"

#include "wire_bytes.h"

// H.264 NAL unit types (RFC 6184 5.2).
#define H264_IDR 5
#define H264_SPS 7
#define H264_STAP_A 24
#define H264_FU_A 28

#define AV1_OBU_SEQUENCE_HEADER 1

// VP8 payload descriptor: X R N S R PID(3), then I L T K when X, then their fields.
static bool vp8_is_keyframe(const uint8_t *p, size_t len) {
	size_t pos = 1;

	if (len < 2 || (p[0] & 0x17) != 0x10) // S set, partition 0
		return false;
	if (p[0] & 0x80) {
		uint8_t fields = p[pos++];

		if (fields & 0x80) {
			if (pos >= len)
				return false;
			pos += p[pos] & 0x80 ? 2 : 1; // picture id of 15 or 7 bits
		}
		if (fields & 0x40)
			pos++; // TL0PICIDX
		if (fields & 0x30)
			pos++; // TID, Y, KEYIDX
	}
	return pos < len && (p[pos] & 0x01) == 0; // P, inverse key frame flag
}

// VP9 payload descriptor: I P L F B E V Z, then picture id when I, layer indices when L.
static bool vp9_is_keyframe(const uint8_t *p, size_t len) {
	size_t pos = 1;

	if (len < 2 || (p[0] & 0x48) != 0x08) // begins a frame, not predicted from other pictures
		return false;
	if (p[0] & 0x80)
		pos += p[pos] & 0x80 ? 2 : 1;
	if (p[0] & 0x20) {
		// An upper spatial layer without P leans on the layer below.
		if (pos >= len || (p[pos] >> 1 & 0x07) != 0)
			return false;
		pos += p[0] & 0x10 ? 1 : 2; // TL0PICIDX when not flexible
	}
	return pos < len;
}

static bool h264_nal_is_keyframe(uint8_t header) {
	return (header & 0x1f) == H264_IDR || (header & 0x1f) == H264_SPS;
}

static bool h264_is_keyframe(const uint8_t *p, size_t len) {
	if (len < 2)
		return false;
	switch (p[0] & 0x1f) {
	case H264_STAP_A:
		for (size_t pos = 1; len - pos > 2;) {
			size_t nal_len = be16_load(p + pos);

			pos += 2;
			if (nal_len == 0 || nal_len > len - pos)
				return false;
			if (h264_nal_is_keyframe(p[pos]))
				return true;
			pos += nal_len;
		}
		return false;
	case H264_FU_A:
		return (p[1] & 0x80) && h264_nal_is_keyframe(p[1]); // S: the first fragment
	default:
		return h264_nal_is_keyframe(p[0]);
	}
}

// Reads a leb128 of at most 8 bytes at *pos. False when it does not end within len.
static bool leb128_read(const uint8_t *p, size_t len, size_t *pos, uint64_t *ret_value) {
	uint64_t value = 0;

	for (unsigned i = 0; i < 8 && *pos < len; i++) {
		uint8_t byte = p[(*pos)++];

		value |= (uint64_t)(byte & 0x7f) << (i * 7);
		if (!(byte & 0x80)) {
			*ret_value = value;
			return true;
		}
	}
	return false;
}

// AV1 aggregation header: Z Y W(2) N, then OBU elements. W of them, the last without a length; with
// W 0 any number, each with its length.
static bool av1_is_keyframe(const uint8_t *p, size_t len) {
	size_t pos = 1;
	unsigned w;

	// Z: the first element continues an OBU, and no key frame begins in the middle of one: what
	// precedes a sequence header in its temporal unit (a delimiter) is never fragmented.
	if (len < 2 || (p[0] & 0x80))
		return false;
	if (p[0] & 0x08) // N
		return true;
	w = p[0] >> 4 & 0x03;
	for (unsigned i = 1; pos < len; i++) {
		uint64_t obu_len = len - pos;

		if (i != w && !leb128_read(p, len, &pos, &obu_len))
			return false;
		if (obu_len > len - pos)
			return false;
		if (obu_len > 0 && (p[pos] >> 3 & 0x0f) == AV1_OBU_SEQUENCE_HEADER)
			return true;
		if (i == w)
			return false;
		pos += obu_len;
	}
	return false;
}

bool plm_payload_is_keyframe(enum plm_codec codec, const uint8_t *payload, size_t len) {
	switch (codec) {
	case PLM_CODEC_VP8:
		return vp8_is_keyframe(payload, len);
	case PLM_CODEC_VP9:
		return vp9_is_keyframe(payload, len);
	case PLM_CODEC_H264:
		return h264_is_keyframe(payload, len);
	case PLM_CODEC_AV1:
		return av1_is_keyframe(payload, len);
	default:
		return false;
	}
}

bool plm_payload_has_keyframes(enum plm_codec codec) {
	switch (codec) {
	case PLM_CODEC_VP8:
	case PLM_CODEC_VP9:
	case PLM_CODEC_H264:
	case PLM_CODEC_AV1:
		return true;
	default:
		return false;
	}
}
