// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// How one consumer renumbers one producer's packets: a constant offset of sequence number and
// timestamp per span of the source, so that a retransmission can be rebuilt byte for byte, and the
// viewer sees one continuous stream across a change of the source. Pure.

#include <plm_rtcp.h>

#include <stdbool.h>
#include <stdint.h>

struct rewrite {
	bool started;
	uint16_t seq_offset; // out = in + offset
	uint32_t ts_offset;
	uint16_t first_out; // of this span: older numbers belong to an earlier source
	uint16_t highest_out;
	uint16_t highest_in;
	uint32_t highest_ts_out;
	uint64_t highest_us; // when the newest went out
	uint32_t clock_rate;
	uint16_t start_seq; // random first values, so that nothing leaks between viewers
	uint32_t start_ts;
};

void rewrite_init(
	struct rewrite *rewrite,
	uint32_t clock_rate,
	uint16_t start_seq,
	uint32_t start_ts
);

// After init: the same stream was sent before, up to this number and timestamp at that time, under
// the same keys. Goes on behind it: a number used twice would use the cipher's key stream twice.
void rewrite_resume(struct rewrite *rewrite, uint16_t seq, uint32_t ts, uint64_t at_us);

// Maps a source packet. Returns false when it lies before the span's first packet (then it must not
// be sent: its number belongs to something else).
bool rewrite_packet(
	struct rewrite *rewrite,
	uint16_t seq_in,
	uint32_t ts_in,
	uint64_t now_us,
	uint16_t *ret_seq,
	uint32_t *ret_ts
);

// The same mapping without moving the state, for retransmission. False as above or not started.
bool rewrite_map(
	const struct rewrite *rewrite,
	uint16_t seq_in,
	uint32_t ts_in,
	uint16_t *ret_seq,
	uint32_t *ret_ts
);

// Source sequence number behind an outgoing one the viewer asks for; false when it is not of this
// span or newer than what was sent.
bool rewrite_unmap(const struct rewrite *rewrite, uint16_t seq_out, uint16_t *ret_seq_in);

// The next packet begins a new span (source changed its SSRC or was paused): numbers go on by one,
// timestamps by the time that passed.
void rewrite_restart(struct rewrite *rewrite);

// A sender report of the source in the viewer's terms: SSRC, RTP timestamp and counts are the
// viewer's, the NTP time stays the publisher's, so that lip sync holds (RFC 3550 6.4.1).
// False when nothing has been sent yet.
bool rewrite_sr(
	const struct rewrite *rewrite,
	const struct plm_rtcp_sr *in,
	uint32_t ssrc,
	uint32_t packets,
	uint32_t octets,
	struct plm_rtcp_sr *ret_sr
);
