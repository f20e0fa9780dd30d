// SPDX-License-Identifier: BSD-3-Clause

#include "rx_stats.h"

#include <string.h>

#define SEQ_MOD (1U << 16)
#define DROPOUT_MAX 3000 // RFC 3550 A.1
// A.1 suggests 100, for streams without retransmission. Ours bring packets back from further, and
// two of those in a row would look like a restart of the sender.
#define MISORDER_MAX 1000
#define TRANSIT_STEP_S 5 // a jump of the timestamp, not jitter

void rx_stats_init(struct rx_stats *stats, uint32_t ssrc, uint32_t clock_rate) {
	memset(stats, 0, sizeof(*stats));
	stats->ssrc = ssrc;
	stats->clock_rate = clock_rate;
}

static void seq_init(struct rx_stats *stats, uint16_t seq) {
	stats->started = true;
	stats->max_seq = seq;
	stats->base_seq = seq;
	stats->bad_seq = SEQ_MOD + 1; // no sequence number
	stats->cycles = 0;
	stats->received = 0;
	stats->expected_prior = 0;
	stats->received_prior = 0;
	stats->has_transit = false;
}

enum seq_step {
	SEQ_ADVANCED,
	SEQ_LATE,
	SEQ_INVALID
};

static enum seq_step seq_update(struct rx_stats *stats, uint16_t seq) {
	uint16_t delta = seq - stats->max_seq;

	if (delta < DROPOUT_MAX) {
		if (seq < stats->max_seq)
			stats->cycles += SEQ_MOD;
		stats->max_seq = seq;
		return delta > 0 ? SEQ_ADVANCED : SEQ_LATE;
	}
	if (delta > SEQ_MOD - MISORDER_MAX)
		return SEQ_LATE;
	if (seq == stats->bad_seq) {
		// Two in a row after the jump: the sender began anew.
		seq_init(stats, seq);
		return SEQ_ADVANCED;
	}
	stats->bad_seq = (seq + 1) & (SEQ_MOD - 1);
	return SEQ_INVALID;
}

// RFC 3550 A.8.
static void jitter_update(struct rx_stats *stats, uint32_t timestamp, uint64_t now_us) {
	uint64_t arrival = now_us / 1000000 * stats->clock_rate
		+ now_us % 1000000 * stats->clock_rate / 1000000;
	uint32_t transit = (uint32_t)arrival - timestamp;
	uint32_t step = transit - stats->transit;

	if (step > INT32_MAX)
		step = -step;
	stats->transit = transit;
	if (!stats->has_transit) {
		stats->has_transit = true;
		return;
	}
	if (step >= (uint64_t)stats->clock_rate * TRANSIT_STEP_S)
		return;
	stats->jitter_q4 += step - ((stats->jitter_q4 + 8) >> 4);
}

void rx_stats_packet(struct rx_stats *stats, uint16_t seq, uint32_t timestamp, uint64_t now_us) {
	enum seq_step step = SEQ_ADVANCED;

	if (!stats->started)
		seq_init(stats, seq);
	else
		step = seq_update(stats, seq);
	if (step == SEQ_INVALID)
		return;
	stats->received++;
	// Late ones are mostly retransmissions, whose delay is a round trip and not the network's
	// jitter.
	if (step == SEQ_ADVANCED)
		jitter_update(stats, timestamp, now_us);
}

void rx_stats_sr(struct rx_stats *stats, uint64_t ntp, uint64_t now_us) {
	stats->lsr = (uint32_t)(ntp >> 16);
	stats->sr_us = now_us;
}

static uint32_t highest_seq(const struct rx_stats *stats) {
	return stats->cycles + stats->max_seq;
}

// Modulo 2^32, like the extended sequence number.
static uint32_t expected(const struct rx_stats *stats) {
	return stats->started ? highest_seq(stats) - stats->base_seq + 1 : 0;
}

// Negative with duplicates. Right as long as the difference, not the counts, fits 31 bits.
static int32_t lost(const struct rx_stats *stats) {
	return (int32_t)(expected(stats) - (uint32_t)stats->received);
}

static uint32_t dlsr(const struct rx_stats *stats, uint64_t now_us) {
	uint64_t us;

	if (stats->sr_us == 0 || now_us < stats->sr_us)
		return 0;
	us = now_us - stats->sr_us;
	if (us / 1000000 > UINT16_MAX)
		return UINT32_MAX;
	return (uint32_t)(us * 65536 / 1000000);
}

// RFC 3550 A.3; moves the interval on.
static uint8_t fraction_lost(struct rx_stats *stats) {
	uint32_t n_expected = expected(stats) - (uint32_t)stats->expected_prior;
	uint32_t n_received = (uint32_t)(stats->received - stats->received_prior);
	uint32_t n_lost = n_expected - n_received;

	stats->expected_prior = expected(stats);
	stats->received_prior = stats->received;
	if (n_expected == 0 || (int32_t)n_lost <= 0)
		return 0;
	n_lost = (uint32_t)(((uint64_t)n_lost << 8) / n_expected);
	return n_lost > UINT8_MAX ? UINT8_MAX : (uint8_t)n_lost;
}

void rx_stats_report(struct rx_stats *stats, uint64_t now_us, struct plm_rtcp_report *ret_report) {
	int32_t n_lost = lost(stats);

	if (n_lost > 0x7fffff)
		n_lost = 0x7fffff;
	if (n_lost < -0x800000)
		n_lost = -0x800000;
	*ret_report = (struct plm_rtcp_report){
		.ssrc = stats->ssrc,
		.fraction_lost = fraction_lost(stats),
		.cumulative_lost = n_lost,
		.highest_seq = highest_seq(stats),
		.jitter = rx_stats_jitter(stats),
		.lsr = stats->lsr,
		.dlsr = dlsr(stats, now_us),
	};
}

uint64_t rx_stats_lost(const struct rx_stats *stats) {
	int32_t n_lost = lost(stats);

	return n_lost > 0 ? (uint64_t)n_lost : 0;
}

uint32_t rx_stats_jitter(const struct rx_stats *stats) {
	return stats->jitter_q4 >> 4;
}
