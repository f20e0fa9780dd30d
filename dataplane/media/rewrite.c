// SPDX-License-Identifier: BSD-3-Clause

#include "rewrite.h"

#include <plm_rtp.h>

#include <string.h>

// How far back a span is remembered. Needed because first_out, standing still, would look newer
// than the newest after 32768 packets.
#define SPAN_MAX 0x4000

void rewrite_init(
	struct rewrite *rewrite,
	uint32_t clock_rate,
	uint16_t start_seq,
	uint32_t start_ts
) {
	memset(rewrite, 0, sizeof(*rewrite));
	rewrite->clock_rate = clock_rate;
	rewrite->start_seq = start_seq;
	rewrite->start_ts = start_ts;
	rewrite->highest_out = start_seq - 1;
}

void rewrite_resume(struct rewrite *rewrite, uint16_t seq, uint32_t ts, uint64_t at_us) {
	rewrite->highest_out = seq;
	rewrite->highest_ts_out = ts;
	rewrite->highest_us = at_us;
}

// Of the first packet of a span: the start value, or what the clock says since the last packet;
// always at least one tick on, so that two frames never share a timestamp.
static uint32_t span_ts(const struct rewrite *rewrite, uint64_t now_us) {
	uint64_t us = now_us > rewrite->highest_us ? now_us - rewrite->highest_us : 0;
	uint64_t ticks = us / 1000000 * rewrite->clock_rate
		+ us % 1000000 * rewrite->clock_rate / 1000000;

	if (rewrite->highest_us == 0)
		return rewrite->start_ts;
	return rewrite->highest_ts_out + (uint32_t)(ticks > 0 ? ticks : 1);
}

static void span_start(struct rewrite *rewrite, uint16_t seq_in, uint32_t ts_in, uint64_t now_us) {
	rewrite->first_out = rewrite->highest_out + 1;
	rewrite->seq_offset = rewrite->first_out - seq_in;
	rewrite->ts_offset = span_ts(rewrite, now_us) - ts_in;
	rewrite->started = true;
}

// Compared by distance from the newest: right for all numbers, also after a jump forward.
static bool span_has(const struct rewrite *rewrite, uint16_t seq_out) {
	uint16_t back = rewrite->highest_out - seq_out;

	return back <= (uint16_t)(rewrite->highest_out - rewrite->first_out);
}

static void advance(
	struct rewrite *rewrite,
	uint16_t seq_in,
	uint16_t seq_out,
	uint32_t ts_out,
	uint64_t now_us
) {
	uint32_t span = (uint16_t)(rewrite->highest_out - rewrite->first_out);

	span += (uint16_t)(seq_out - rewrite->highest_out);
	if (span > SPAN_MAX)
		rewrite->first_out = seq_out - SPAN_MAX;
	rewrite->highest_in = seq_in;
	rewrite->highest_out = seq_out;
	rewrite->highest_ts_out = ts_out;
	rewrite->highest_us = now_us > 0 ? now_us : 1; // 0 = nothing sent yet
}

bool rewrite_packet(
	struct rewrite *rewrite,
	uint16_t seq_in,
	uint32_t ts_in,
	uint64_t now_us,
	uint16_t *ret_seq,
	uint32_t *ret_ts
) {
	bool first = !rewrite->started;
	uint16_t seq_out;
	uint32_t ts_out;

	if (first)
		span_start(rewrite, seq_in, ts_in, now_us);
	seq_out = seq_in + rewrite->seq_offset;
	ts_out = ts_in + rewrite->ts_offset;
	if (first) {
		rewrite->highest_out = seq_out;
		advance(rewrite, seq_in, seq_out, ts_out, now_us);
	} else if (plm_seq_newer(seq_out, rewrite->highest_out)) {
		advance(rewrite, seq_in, seq_out, ts_out, now_us);
	} else if (!span_has(rewrite, seq_out)) {
		return false;
	}
	*ret_seq = seq_out;
	*ret_ts = ts_out;
	return true;
}

bool rewrite_map(
	const struct rewrite *rewrite,
	uint16_t seq_in,
	uint32_t ts_in,
	uint16_t *ret_seq,
	uint32_t *ret_ts
) {
	uint16_t seq_out = seq_in + rewrite->seq_offset;

	if (!rewrite->started)
		return false;
	if (!plm_seq_newer(seq_out, rewrite->highest_out) && !span_has(rewrite, seq_out))
		return false;
	*ret_seq = seq_out;
	*ret_ts = ts_in + rewrite->ts_offset;
	return true;
}

bool rewrite_unmap(const struct rewrite *rewrite, uint16_t seq_out, uint16_t *ret_seq_in) {
	if (!rewrite->started || !span_has(rewrite, seq_out))
		return false;
	*ret_seq_in = seq_out - rewrite->seq_offset;
	return true;
}

void rewrite_restart(struct rewrite *rewrite) {
	rewrite->started = false;
}

bool rewrite_sr(
	const struct rewrite *rewrite,
	const struct plm_rtcp_sr *in,
	uint32_t ssrc,
	uint32_t packets,
	uint32_t octets,
	struct plm_rtcp_sr *ret_sr
) {
	if (!rewrite->started)
		return false;
	*ret_sr = (struct plm_rtcp_sr){
		.ssrc = ssrc,
		.ntp = in->ntp,
		.rtp_timestamp = in->rtp_timestamp + rewrite->ts_offset,
		.packets = packets,
		.octets = octets,
	};
	return true;
}
