// SPDX-License-Identifier: BSD-3-Clause

#include "plm_rtp.h"

#include "wire_bytes.h"

#include <errno.h>

#define VERSION 2
#define CSRC_LEN 4
#define EXT_HEADER_LEN 4
#define PROFILE_ONE_BYTE 0xbede
#define PROFILE_TWO_BYTE 0x1000
#define PROFILE_TWO_BYTE_MASK 0xfff0 // the low four bits are the application's (RFC 8285 4.3)
#define ONE_BYTE_ID_MAX 14
#define ONE_BYTE_ID_STOP 15
#define ONE_BYTE_LEN_MAX 16

int plm_rtp_parse(const uint8_t *data, size_t len, struct plm_rtp *ret_rtp) {
	struct plm_rtp rtp = {0};
	size_t header_len;

	// Offsets are 16 bit: no datagram is longer.
	if (len < PLM_RTP_HEADER_LEN || len > UINT16_MAX || data[0] >> 6 != VERSION)
		return -EBADMSG;
	rtp.n_csrc = data[0] & 0x0f;
	header_len = PLM_RTP_HEADER_LEN + (size_t)rtp.n_csrc * CSRC_LEN;
	if (data[0] & 0x10) {
		size_t ext_len;

		if (header_len + EXT_HEADER_LEN > len)
			return -EBADMSG;
		ext_len = (size_t)be16_load(data + header_len + 2) * 4;
		rtp.ext_profile = be16_load(data + header_len);
		header_len += EXT_HEADER_LEN;
		if (ext_len > len - header_len)
			return -EBADMSG;
		rtp.ext_offset = (uint16_t)header_len;
		rtp.ext_len = (uint16_t)ext_len;
		header_len += ext_len;
	} else if (header_len > len) {
		return -EBADMSG;
	}
	rtp.marker = data[1] >> 7;
	rtp.payload_type = data[1] & 0x7f;
	rtp.seq = be16_load(data + 2);
	rtp.timestamp = be32_load(data + 4);
	rtp.ssrc = be32_load(data + 8);
	rtp.header_len = (uint16_t)header_len;
	*ret_rtp = rtp;
	return 0;
}

int plm_rtp_parse_full(const uint8_t *data, size_t len, struct plm_rtp *ret_rtp) {
	struct plm_rtp rtp;
	int r;

	r = plm_rtp_parse(data, len, &rtp);
	if (r < 0)
		return r;
	if (data[0] & 0x20) {
		rtp.padding_len = data[len - 1];
		if (rtp.header_len == len || rtp.padding_len == 0
		    || rtp.padding_len > len - rtp.header_len)
			return -EBADMSG;
	}
	*ret_rtp = rtp;
	return 0;
}

// Steps over the extension elements from *pos to end. Returns 1 and the element, 0 when the walk is
// over, -EBADMSG when an element is longer than what is left.
static inline int ext_next(
	const uint8_t **pos,
	const uint8_t *end,
	bool two_byte,
	struct plm_rtp_ext *ret_ext
) {
	const uint8_t *p = *pos;

	while (p < end && *p == 0)
		p++; // padding
	if (p == end)
		return 0;
	if (two_byte) {
		if (end - p < 2)
			return -EBADMSG;
		ret_ext->id = p[0];
		ret_ext->len = p[1];
		p += 2;
	} else {
		ret_ext->id = *p >> 4;
		ret_ext->len = (*p & 0x0f) + 1;
		p++;
		// RFC 8285 4.2: also id 0 with a length field ends the walk, without harm to what
		// came before.
		if (ret_ext->id == ONE_BYTE_ID_STOP || ret_ext->id == 0)
			return 0;
	}
	if (ret_ext->len > end - p)
		return -EBADMSG;
	ret_ext->data = p;
	*pos = p + ret_ext->len;
	return 1;
}

// True when the profile is one of RFC 8285; its elements then are [*ret_pos, *ret_end).
static inline bool ext_range(
	const uint8_t *data,
	const struct plm_rtp *rtp,
	bool *ret_two_byte,
	const uint8_t **ret_pos,
	const uint8_t **ret_end
) {
	if (rtp->ext_profile == PROFILE_ONE_BYTE)
		*ret_two_byte = false;
	else if ((rtp->ext_profile & PROFILE_TWO_BYTE_MASK) == PROFILE_TWO_BYTE)
		*ret_two_byte = true;
	else
		return false;
	*ret_pos = data + rtp->ext_offset;
	*ret_end = *ret_pos + rtp->ext_len;
	return true;
}

int plm_rtp_ext_list(
	const uint8_t *data,
	const struct plm_rtp *rtp,
	struct plm_rtp_ext *ret_list,
	int max
) {
	const uint8_t *pos, *end;
	struct plm_rtp_ext ext;
	bool two_byte;
	int n = 0, r;

	if (!ext_range(data, rtp, &two_byte, &pos, &end))
		return 0;
	while ((r = ext_next(&pos, end, two_byte, &ext)) > 0) {
		if (n >= max)
			return -EBADMSG;
		ret_list[n++] = ext;
	}
	return r < 0 ? r : n;
}

const uint8_t *plm_rtp_ext_find(
	const uint8_t *data,
	const struct plm_rtp *rtp,
	uint8_t id,
	uint8_t *ret_len
) {
	const uint8_t *pos, *end;
	struct plm_rtp_ext ext;
	bool two_byte;

	if (!ext_range(data, rtp, &two_byte, &pos, &end))
		return NULL;
	while (ext_next(&pos, end, two_byte, &ext) > 0) {
		if (ext.id == id) {
			*ret_len = ext.len;
			return ext.data;
		}
	}
	return NULL;
}

int plm_rtp_write(
	uint8_t *dst,
	size_t room,
	const struct plm_rtp *rtp,
	bool padding,
	const struct plm_rtp_ext_out *ext,
	int n
) {
	size_t len = PLM_RTP_HEADER_LEN, ext_len = 0;
	bool two_byte = false;
	uint8_t *p;

	if (n < 0 || n > PLM_RTP_EXT_MAX)
		return -EINVAL;
	for (int i = 0; i < n; i++) {
		if (ext[i].id == 0)
			return -EINVAL; // is padding on the wire
		if (ext[i].id > ONE_BYTE_ID_MAX || ext[i].len == 0 || ext[i].len > ONE_BYTE_LEN_MAX)
			two_byte = true;
		ext_len += ext[i].len;
	}
	if (n > 0) {
		ext_len += (size_t)n * (two_byte ? 2 : 1);
		ext_len = (ext_len + 3) & ~(size_t)3;
		len += EXT_HEADER_LEN + ext_len;
	}
	if (len > room)
		return -ENOSPC;
	dst[0] = (uint8_t)(VERSION << 6 | (padding ? 0x20 : 0) | (n > 0 ? 0x10 : 0));
	dst[1] = (uint8_t)((rtp->marker ? 0x80 : 0) | (rtp->payload_type & 0x7f));
	be16_store(dst + 2, rtp->seq);
	be32_store(dst + 4, rtp->timestamp);
	be32_store(dst + 8, rtp->ssrc);
	if (n == 0)
		return (int)len;
	p = dst + PLM_RTP_HEADER_LEN;
	be16_store(p, two_byte ? PROFILE_TWO_BYTE : PROFILE_ONE_BYTE);
	be16_store(p + 2, (uint16_t)(ext_len / 4));
	p += EXT_HEADER_LEN;
	for (int i = 0; i < n; i++) {
		if (two_byte) {
			*p++ = ext[i].id;
			*p++ = ext[i].len;
		} else {
			*p++ = (uint8_t)(ext[i].id << 4 | (ext[i].len - 1));
		}
		if (ext[i].len > 0)
			memcpy(p, ext[i].data, ext[i].len);
		p += ext[i].len;
	}
	while (p < dst + len)
		*p++ = 0;
	return (int)len;
}
