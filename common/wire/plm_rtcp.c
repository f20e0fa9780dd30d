// SPDX-License-Identifier: BSD-3-Clause

#include "plm_rtcp.h"

#include "wire_bytes.h"

#include <errno.h>

#define VERSION 2
#define HEADER_LEN 4
#define SR_LEN 28 // header, SSRC, sender info
#define RR_LEN 8
#define REPORT_LEN 24
#define FB_LEN 12 // header, SSRC of the sender, SSRC of the media
#define NACK_LEN 4
#define NACK_BITS 16
#define FIR_LEN 8
#define REMB_LEN (FB_LEN + 8) // without SSRCs
#define REMB_MANTISSA_BITS 18
#define REMB_MAGIC 0x52454d42 // "REMB"
#define SDES_CNAME 1
#define SDES_TEXT_MAX 255
#define LOST_MAX 0x7fffff
#define LOST_MIN (-0x800000)

int plm_rtcp_next(const uint8_t *data, size_t len, size_t *offset, struct plm_rtcp_item *ret_item) {
	const uint8_t *p;
	size_t left, item_len;
	unsigned padding = 0;

	if (*offset == len)
		return 0;
	if (*offset > len || len - *offset < HEADER_LEN)
		return -EBADMSG;
	p = data + *offset;
	left = len - *offset;
	item_len = ((size_t)be16_load(p + 2) + 1) * 4;
	if (p[0] >> 6 != VERSION || item_len > left || item_len > UINT16_MAX)
		return -EBADMSG;
	if (p[0] & 0x20) {
		// RFC 3550 6.4.1 allows it in the last item only and in fours, but transport-wide
		// feedback of browsers is padded by 1 to 3 bytes, wherever it stands.
		padding = p[item_len - 1];
		if (padding == 0 || padding > item_len - HEADER_LEN)
			return -EBADMSG;
	}
	ret_item->type = p[1];
	ret_item->count = p[0] & 0x1f;
	ret_item->len = (uint16_t)(item_len - padding);
	ret_item->data = p;
	*offset += item_len;
	return 1;
}

int plm_rtcp_sr_parse(const struct plm_rtcp_item *item, struct plm_rtcp_sr *ret_sr) {
	const uint8_t *p = item->data;

	if (item->type != PLM_RTCP_SR || item->len < SR_LEN + item->count * REPORT_LEN)
		return -EBADMSG;
	ret_sr->ssrc = be32_load(p + 4);
	ret_sr->ntp = be64_load(p + 8);
	ret_sr->rtp_timestamp = be32_load(p + 16);
	ret_sr->packets = be32_load(p + 20);
	ret_sr->octets = be32_load(p + 24);
	return 0;
}

int plm_rtcp_reports_parse(
	const struct plm_rtcp_item *item,
	struct plm_rtcp_report *ret_list,
	int max
) {
	const uint8_t *p = item->data;
	int start, n = item->count;

	if (item->type == PLM_RTCP_SR)
		start = SR_LEN;
	else if (item->type == PLM_RTCP_RR)
		start = RR_LEN;
	else
		return -EBADMSG;
	if (item->len < start + n * REPORT_LEN)
		return -EBADMSG;
	if (n > max)
		n = max;
	p += start;
	for (int i = 0; i < n; i++, p += REPORT_LEN) {
		struct plm_rtcp_report *report = &ret_list[i];
		uint32_t lost = be32_load(p + 4);

		report->ssrc = be32_load(p);
		report->fraction_lost = (uint8_t)(lost >> 24);
		report->cumulative_lost = (int32_t)(lost << 8) >> 8; // sign of bit 23
		report->highest_seq = be32_load(p + 8);
		report->jitter = be32_load(p + 12);
		report->lsr = be32_load(p + 16);
		report->dlsr = be32_load(p + 20);
	}
	return n < 0 ? 0 : n;
}

int plm_rtcp_fb_parse(const struct plm_rtcp_item *item, uint32_t *ret_sender, uint32_t *ret_media) {
	if ((item->type != PLM_RTCP_RTPFB && item->type != PLM_RTCP_PSFB) || item->len < FB_LEN)
		return -EBADMSG;
	*ret_sender = be32_load(item->data + 4);
	*ret_media = be32_load(item->data + 8);
	return 0;
}

int plm_rtcp_nack_parse(const struct plm_rtcp_item *item, uint16_t *ret_seqs, int max) {
	int n = 0;

	if (item->type != PLM_RTCP_RTPFB || item->count != PLM_RTPFB_NACK
	    || item->len < FB_LEN + NACK_LEN || (item->len - FB_LEN) % NACK_LEN != 0)
		return -EBADMSG;
	for (int offset = FB_LEN; offset < item->len && n < max; offset += NACK_LEN) {
		uint16_t seq = be16_load(item->data + offset);
		unsigned blp = be16_load(item->data + offset + 2);

		ret_seqs[n++] = seq;
		for (; blp != 0 && n < max; blp &= blp - 1)
			ret_seqs[n++] = (uint16_t)(seq + 1 + __builtin_ctz(blp));
	}
	return n;
}

int plm_rtcp_fir_parse(const struct plm_rtcp_item *item, struct plm_rtcp_fir *ret_list, int max) {
	int n = 0;

	if (item->type != PLM_RTCP_PSFB || item->count != PLM_PSFB_FIR
	    || item->len < FB_LEN + FIR_LEN || (item->len - FB_LEN) % FIR_LEN != 0)
		return -EBADMSG;
	for (int offset = FB_LEN; offset < item->len && n < max; offset += FIR_LEN) {
		ret_list[n].ssrc = be32_load(item->data + offset);
		ret_list[n].seq = item->data[offset + 4];
		n++;
	}
	return n;
}

int plm_rtcp_remb_parse(
	const struct plm_rtcp_item *item,
	uint64_t *ret_bps,
	uint32_t *ret_ssrcs,
	int max
) {
	const uint8_t *p = item->data;
	unsigned exponent;
	uint64_t mantissa;
	int n;

	if (item->type != PLM_RTCP_PSFB || item->count != PLM_PSFB_ALFB || item->len < REMB_LEN
	    || be32_load(p + 12) != REMB_MAGIC)
		return -EBADMSG;
	n = p[16];
	if (item->len < REMB_LEN + n * 4)
		return -EBADMSG;
	exponent = p[17] >> 2;
	mantissa = be32_load(p + 16) & ((1U << REMB_MANTISSA_BITS) - 1);
	// Up to 18 + 63 bits: what does not fit is as good as no limit.
	if (mantissa > UINT64_MAX >> exponent)
		*ret_bps = UINT64_MAX;
	else
		*ret_bps = mantissa << exponent;
	if (n > max)
		n = max;
	for (int i = 0; i < n; i++)
		ret_ssrcs[i] = be32_load(p + REMB_LEN + i * 4);
	return n < 0 ? 0 : n;
}

// Writes the common header of an item of len bytes, a multiple of 4.
static void header_write(uint8_t *dst, unsigned count, enum plm_rtcp_type type, size_t len) {
	dst[0] = (uint8_t)(VERSION << 6 | count);
	dst[1] = (uint8_t)type;
	be16_store(dst + 2, (uint16_t)(len / 4 - 1));
}

static void reports_write(uint8_t *dst, const struct plm_rtcp_report *reports, int n) {
	for (int i = 0; i < n; i++, dst += REPORT_LEN) {
		const struct plm_rtcp_report *report = &reports[i];
		int32_t lost = report->cumulative_lost;

		// RFC 3550 6.4.1 leaves what exceeds 24 bits open; wrapping would turn loss into
		// gain.
		if (lost > LOST_MAX)
			lost = LOST_MAX;
		else if (lost < LOST_MIN)
			lost = LOST_MIN;
		be32_store(dst, report->ssrc);
		be32_store(
			dst + 4, (uint32_t)report->fraction_lost << 24 | ((uint32_t)lost & 0xffffff)
		);
		be32_store(dst + 8, report->highest_seq);
		be32_store(dst + 12, report->jitter);
		be32_store(dst + 16, report->lsr);
		be32_store(dst + 20, report->dlsr);
	}
}

int plm_rtcp_sr_write(
	uint8_t *dst,
	size_t room,
	const struct plm_rtcp_sr *sr,
	const struct plm_rtcp_report *reports,
	int n
) {
	size_t len;

	if (n < 0 || n > PLM_RTCP_REPORT_MAX)
		return -EINVAL;
	len = SR_LEN + (size_t)n * REPORT_LEN;
	if (len > room)
		return -ENOSPC;
	header_write(dst, (unsigned)n, PLM_RTCP_SR, len);
	be32_store(dst + 4, sr->ssrc);
	be64_store(dst + 8, sr->ntp);
	be32_store(dst + 16, sr->rtp_timestamp);
	be32_store(dst + 20, sr->packets);
	be32_store(dst + 24, sr->octets);
	reports_write(dst + SR_LEN, reports, n);
	return (int)len;
}

int plm_rtcp_rr_write(
	uint8_t *dst,
	size_t room,
	uint32_t ssrc,
	const struct plm_rtcp_report *reports,
	int n
) {
	size_t len;

	if (n < 0 || n > PLM_RTCP_REPORT_MAX)
		return -EINVAL;
	len = RR_LEN + (size_t)n * REPORT_LEN;
	if (len > room)
		return -ENOSPC;
	header_write(dst, (unsigned)n, PLM_RTCP_RR, len);
	be32_store(dst + 4, ssrc);
	reports_write(dst + RR_LEN, reports, n);
	return (int)len;
}

int plm_rtcp_sdes_cname_write(uint8_t *dst, size_t room, uint32_t ssrc, const char *cname) {
	size_t text_len = strlen(cname), used, len;

	if (text_len > SDES_TEXT_MAX)
		return -EINVAL;
	used = HEADER_LEN + 4 + 2 + text_len;
	len = (used + 1 + 3) & ~(size_t)3; // at least one zero ends the list (RFC 3550 6.5)
	if (len > room)
		return -ENOSPC;
	header_write(dst, 1, PLM_RTCP_SDES, len);
	be32_store(dst + 4, ssrc);
	dst[8] = SDES_CNAME;
	dst[9] = (uint8_t)text_len;
	memcpy(dst + 10, cname, text_len);
	memset(dst + used, 0, len - used);
	return (int)len;
}

static void fb_write(
	uint8_t *dst,
	enum plm_rtcp_type type,
	unsigned fmt,
	size_t len,
	const uint32_t ssrcs[2]
) {
	header_write(dst, fmt, type, len);
	be32_store(dst + 4, ssrcs[0]);
	be32_store(dst + 8, ssrcs[1]);
}

int plm_rtcp_nack_write(
	uint8_t *dst,
	size_t room,
	uint32_t sender,
	uint32_t media,
	const uint16_t *seqs,
	int n
) {
	size_t len = FB_LEN;

	if (n <= 0 || n > UINT16_MAX - 2) // the item's length field counts 16 bits of words
		return -EINVAL;
	for (int i = 0; i < n;) {
		uint16_t pid = seqs[i++], blp = 0;

		for (; i < n; i++) {
			uint16_t distance = (uint16_t)(seqs[i] - pid);

			if (distance > NACK_BITS)
				break;
			if (distance > 0)
				blp |= (uint16_t)(1U << (distance - 1));
		}
		if (len + NACK_LEN > room)
			return -ENOSPC;
		be16_store(dst + len, pid);
		be16_store(dst + len + 2, blp);
		len += NACK_LEN;
	}
	fb_write(dst, PLM_RTCP_RTPFB, PLM_RTPFB_NACK, len, (uint32_t[]){sender, media});
	return (int)len;
}

int plm_rtcp_pli_write(uint8_t *dst, size_t room, uint32_t sender, uint32_t media) {
	if (FB_LEN > room)
		return -ENOSPC;
	fb_write(dst, PLM_RTCP_PSFB, PLM_PSFB_PLI, FB_LEN, (uint32_t[]){sender, media});
	return FB_LEN;
}

int plm_rtcp_fir_write(uint8_t *dst, size_t room, uint32_t sender, uint32_t media, uint8_t seq) {
	const size_t len = FB_LEN + FIR_LEN;

	if (len > room)
		return -ENOSPC;
	// RFC 5104 4.3.1.2: the header's media SSRC is 0, the entry names the source.
	fb_write(dst, PLM_RTCP_PSFB, PLM_PSFB_FIR, len, (uint32_t[]){sender, 0});
	be32_store(dst + FB_LEN, media);
	be32_store(dst + FB_LEN + 4, (uint32_t)seq << 24);
	return (int)len;
}

int plm_rtcp_remb_write(
	uint8_t *dst,
	size_t room,
	uint32_t sender,
	uint64_t bps,
	const uint32_t *ssrcs,
	int n
) {
	uint32_t exponent = 0;
	size_t len;

	if (n < 0 || n > UINT8_MAX)
		return -EINVAL;
	len = REMB_LEN + (size_t)n * 4;
	if (len > room)
		return -ENOSPC;
	while (bps >> exponent >= 1U << REMB_MANTISSA_BITS)
		exponent++;
	fb_write(dst, PLM_RTCP_PSFB, PLM_PSFB_ALFB, len, (uint32_t[]){sender, 0});
	be32_store(dst + 12, REMB_MAGIC);
	be32_store(
		dst + 16,
		(uint32_t)n << 24 | exponent << REMB_MANTISSA_BITS | (uint32_t)(bps >> exponent)
	);
	for (int i = 0; i < n; i++)
		be32_store(dst + REMB_LEN + i * 4, ssrcs[i]);
	return (int)len;
}

int plm_rtcp_bye_write(uint8_t *dst, size_t room, uint32_t ssrc) {
	const size_t len = HEADER_LEN + 4;

	if (len > room)
		return -ENOSPC;
	header_write(dst, 1, PLM_RTCP_BYE, len);
	be32_store(dst + 4, ssrc);
	return (int)len;
}
