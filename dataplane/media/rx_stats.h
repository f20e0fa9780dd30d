// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Reception statistics of one source and its report blocks (RFC 3550 section 6.4.1, appendices A.1,
// A.3, A.8). Pure; time is an argument, monotonic microseconds.

#include <plm_rtcp.h>

#include <stdbool.h>
#include <stdint.h>

struct rx_stats {
	uint32_t clock_rate;
	uint32_t ssrc;
	bool started;
	uint16_t max_seq;
	uint32_t cycles; // shifted count of wraps
	uint32_t base_seq;
	uint32_t bad_seq;
	uint64_t received;
	uint64_t expected_prior;
	uint64_t received_prior;
	uint32_t jitter_q4; // jitter << 4
	uint32_t transit;
	bool has_transit;
	uint32_t lsr; // of the newest sender report
	uint64_t sr_us; // when it came, 0 = never
};

void rx_stats_init(struct rx_stats *stats, uint32_t ssrc, uint32_t clock_rate);

// One packet (not a duplicate).
void rx_stats_packet(struct rx_stats *stats, uint16_t seq, uint32_t timestamp, uint64_t now_us);

// A sender report came.
void rx_stats_sr(struct rx_stats *stats, uint64_t ntp, uint64_t now_us);

// The report block for now; moves the interval of fraction_lost on.
void rx_stats_report(struct rx_stats *stats, uint64_t now_us, struct plm_rtcp_report *ret_report);

// Packets lost so far, never below 0.
uint64_t rx_stats_lost(const struct rx_stats *stats);

uint32_t rx_stats_jitter(const struct rx_stats *stats);
