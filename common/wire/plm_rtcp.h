// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// RTCP compound packets (RFC 3550 section 6), feedback (RFC 4585, RFC 5104), REMB
// (draft-alvestrand-rmcat-remb-03), reduced size (RFC 5506). Pure.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum plm_rtcp_type {
	PLM_RTCP_SR = 200,
	PLM_RTCP_RR = 201,
	PLM_RTCP_SDES = 202,
	PLM_RTCP_BYE = 203,
	PLM_RTCP_APP = 204,
	PLM_RTCP_RTPFB = 205,
	PLM_RTCP_PSFB = 206,
	PLM_RTCP_XR = 207,
};

enum plm_rtcp_fmt {
	PLM_RTPFB_NACK = 1,
	PLM_RTPFB_TRANSPORT_CC = 15,
	PLM_PSFB_PLI = 1,
	PLM_PSFB_FIR = 4,
	PLM_PSFB_ALFB = 15, // REMB and others
};

#define PLM_RTCP_REPORT_MAX 31

// One packet of a compound.
struct plm_rtcp_item {
	uint8_t type; // enum plm_rtcp_type
	uint8_t count; // report count, or FMT
	uint16_t len; // bytes of the whole item with its header, padding excluded
	const uint8_t *data; // its header, in the packet
};

// Steps through a compound packet: *offset starts at 0. Returns 1 and the item, 0 at the end,
// -EBADMSG when the next item is malformed (version, length beyond the packet, padding longer than
// its item). Padding is taken in any item and of any length: so browsers pad transport-wide
// feedback.
int plm_rtcp_next(const uint8_t *data, size_t len, size_t *offset, struct plm_rtcp_item *ret_item);

struct plm_rtcp_sr {
	uint32_t ssrc;
	uint64_t ntp; // 32.32
	uint32_t rtp_timestamp;
	uint32_t packets;
	uint32_t octets;
};

struct plm_rtcp_report {
	uint32_t ssrc; // of the source reported on
	uint8_t fraction_lost;
	int32_t cumulative_lost; // 24 bit, signed
	uint32_t highest_seq; // extended
	uint32_t jitter;
	uint32_t lsr;
	uint32_t dlsr; // 1/65536 s
};

// Each returns 0 or -EBADMSG (wrong type, too short for its count).
int plm_rtcp_sr_parse(const struct plm_rtcp_item *item, struct plm_rtcp_sr *ret_sr);
// Report blocks of an SR or RR; returns their number, at most max (the rest is ignored).
int plm_rtcp_reports_parse(
	const struct plm_rtcp_item *item,
	struct plm_rtcp_report *ret_list,
	int max
);

// Feedback header of RTPFB and PSFB items (RFC 4585 6.1).
int plm_rtcp_fb_parse(const struct plm_rtcp_item *item, uint32_t *ret_sender, uint32_t *ret_media);

// Generic NACK (RFC 4585 6.2.1): writes the sequence numbers asked for, in order; returns their
// number, at most max (the rest is ignored).
int plm_rtcp_nack_parse(const struct plm_rtcp_item *item, uint16_t *ret_seqs, int max);

struct plm_rtcp_fir {
	uint32_t ssrc;
	uint8_t seq;
};
// RFC 5104 4.3.1. Returns the number of entries, at most max.
int plm_rtcp_fir_parse(const struct plm_rtcp_item *item, struct plm_rtcp_fir *ret_list, int max);

// REMB: bit/s and its SSRCs. Returns the number of SSRCs, at most max; -EBADMSG when not a REMB.
int plm_rtcp_remb_parse(
	const struct plm_rtcp_item *item,
	uint64_t *ret_bps,
	uint32_t *ret_ssrcs,
	int max
);

// Writers: append one item at dst, return its length in bytes, -ENOSPC, or -EINVAL: n out of range
// (reports 0..31, REMB 0..255, NACK at least 1), CNAME longer than 255.
int plm_rtcp_sr_write(
	uint8_t *dst,
	size_t room,
	const struct plm_rtcp_sr *sr,
	const struct plm_rtcp_report *reports,
	int n
);
int plm_rtcp_rr_write(
	uint8_t *dst,
	size_t room,
	uint32_t ssrc,
	const struct plm_rtcp_report *reports,
	int n
);
int plm_rtcp_sdes_cname_write(uint8_t *dst, size_t room, uint32_t ssrc, const char *cname);
// seqs in ascending order (RFC 1982); packed into PID/BLP pairs.
int plm_rtcp_nack_write(
	uint8_t *dst,
	size_t room,
	uint32_t sender,
	uint32_t media,
	const uint16_t *seqs,
	int n
);
int plm_rtcp_pli_write(uint8_t *dst, size_t room, uint32_t sender, uint32_t media);
int plm_rtcp_fir_write(uint8_t *dst, size_t room, uint32_t sender, uint32_t media, uint8_t seq);
int plm_rtcp_remb_write(
	uint8_t *dst,
	size_t room,
	uint32_t sender,
	uint64_t bps,
	const uint32_t *ssrcs,
	int n
);
int plm_rtcp_bye_write(uint8_t *dst, size_t room, uint32_t ssrc);
