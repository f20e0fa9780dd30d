// SPDX-License-Identifier: BSD-3-Clause

#include "rx_stats.h"

// cmocka.h wants the others before it.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#define RATE 8000
#define TICK 125 // microseconds of one timestamp unit

// n packets in order, evenly spaced (20 ms), from seq on.
static void feed(struct rx_stats *stats, uint16_t seq, unsigned n) {
	for (unsigned i = 0; i < n; i++) {
		uint16_t number = seq + i;

		rx_stats_packet(stats, number, number * 160U, 1000000 + number * 20000ULL);
	}
}

static struct plm_rtcp_report report(struct rx_stats *stats) {
	struct plm_rtcp_report out;

	rx_stats_report(stats, 5000000, &out);
	return out;
}

static void nothing_yet(void **) {
	struct plm_rtcp_report got;
	struct rx_stats stats;

	rx_stats_init(&stats, 7, RATE);
	got = report(&stats);
	assert_int_equal(got.ssrc, 7);
	assert_int_equal(got.fraction_lost, 0);
	assert_int_equal(got.cumulative_lost, 0);
	assert_int_equal(got.highest_seq, 0);
	assert_int_equal(got.jitter, 0);
	assert_int_equal(got.lsr, 0);
	assert_int_equal(got.dlsr, 0);
	assert_int_equal(rx_stats_lost(&stats), 0);
}

// RFC 3550 A.3. The second of two intervals loses packets at its middle.
static void fraction_lost(void **) {
	static const struct {
		unsigned received, lost; // in that interval
		uint8_t want;
	} rows[] = {
		{100, 0, 0},
		{75, 25, 64}, // 25 of 100: 1/4
		{50, 50, 128},
		{255, 1, 1},
		{256, 1, 0}, // below 1/256
		{2, 254, 254},
		{2, 2000, 255},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned half = rows[i].received / 2;
		struct plm_rtcp_report got;
		struct rx_stats stats;

		rx_stats_init(&stats, 7, RATE);
		feed(&stats, 65500, 30); // the interval goes over the wrap
		assert_int_equal(report(&stats).fraction_lost, 0);
		feed(&stats, 65530, half);
		feed(&stats, (uint16_t)(65530 + half + rows[i].lost), rows[i].received - half);
		got = report(&stats);
		assert_int_equal(got.fraction_lost, rows[i].want);
		assert_int_equal(got.cumulative_lost, rows[i].lost);
		assert_int_equal(rx_stats_lost(&stats), rows[i].lost);
		assert_int_equal(got.highest_seq, 65530 + rows[i].received + rows[i].lost - 1);
		// The next interval begins clean, what was lost in all stays.
		assert_int_equal(report(&stats).fraction_lost, 0);
		assert_int_equal(report(&stats).cumulative_lost, rows[i].lost);
	}
}

// Recovered after the report: the interval has more than it expected, which is no loss.
static void recovered_later(void **) {
	struct rx_stats stats;

	rx_stats_init(&stats, 7, RATE);
	feed(&stats, 100, 10);
	feed(&stats, 115, 5);
	assert_int_equal(report(&stats).cumulative_lost, 5);
	feed(&stats, 110, 5);
	feed(&stats, 120, 1);
	assert_int_equal(report(&stats).fraction_lost, 0);
	assert_int_equal(report(&stats).cumulative_lost, 0);
	assert_int_equal(rx_stats_lost(&stats), 0);
}

static void duplicates_are_negative(void **) {
	struct rx_stats stats;

	rx_stats_init(&stats, 7, RATE);
	feed(&stats, 100, 10);
	feed(&stats, 100, 10);
	assert_int_equal(report(&stats).cumulative_lost, -10);
	assert_int_equal(report(&stats).fraction_lost, 0);
	assert_int_equal(rx_stats_lost(&stats), 0);
}

static void cumulative_lost_has_24_bits(void **) {
	struct rx_stats stats;

	rx_stats_init(&stats, 7, RATE);
	feed(&stats, 0, 1);
	for (uint32_t i = 1; i < 3000; i++)
		feed(&stats, (uint16_t)(i * 2999), 1);
	assert_int_equal(rx_stats_lost(&stats), 2999 * 2998);
	assert_int_equal(report(&stats).cumulative_lost, 0x7fffff);
}

static void sequence_wraps(void **) {
	struct plm_rtcp_report got;
	struct rx_stats stats;

	rx_stats_init(&stats, 7, RATE);
	feed(&stats, 60000, 200000);
	got = report(&stats);
	assert_int_equal(got.highest_seq, 60000 + 200000 - 1);
	assert_int_equal(got.cumulative_lost, 0);
	// Late, from before a wrap: does not count another one.
	rx_stats_init(&stats, 7, RATE);
	feed(&stats, 65530, 4);
	feed(&stats, 2, 1);
	feed(&stats, 65534, 2);
	feed(&stats, 3, 1);
	got = report(&stats);
	assert_int_equal(got.highest_seq, 65536 + 3);
	assert_int_equal(got.cumulative_lost, 2);
}

// RFC 3550 A.1: one wild number is not counted; two in a row are a sender that began anew.
static void jumps(void **) {
	static const uint16_t wild[] = {3100, 30000, 65000 - 2000};

	for (size_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
		struct rx_stats stats;

		rx_stats_init(&stats, 7, RATE);
		feed(&stats, 10, 50);
		feed(&stats, wild[i], 1);
		feed(&stats, 60, 1);
		assert_int_equal(report(&stats).highest_seq, 60);
		assert_int_equal(report(&stats).cumulative_lost, 0);
		feed(&stats, wild[i], 2);
		assert_int_equal(report(&stats).highest_seq, wild[i] + 1);
		assert_int_equal(report(&stats).cumulative_lost, 0);
		assert_int_equal(stats.received, 1);
	}
}

// Two retransmissions in a row from 900 back are no new start.
static void far_retransmissions(void **) {
	struct rx_stats stats;

	rx_stats_init(&stats, 7, RATE);
	feed(&stats, 10, 90);
	feed(&stats, 102, 900);
	feed(&stats, 100, 2);
	feed(&stats, 1002, 1);
	assert_int_equal(report(&stats).highest_seq, 1002);
	assert_int_equal(report(&stats).cumulative_lost, 0);
}

// RFC 3550 A.8 by hand: J += (|D| - J) / 16 in sixteenths, with rounding.
static void jitter(void **) {
	// Arrival of each packet off its place, in timestamp units, and jitter_q4 after it.
	static const struct {
		int offset;
		uint32_t q4;
	} rows[] = {
		{0, 0},
		{0, 0},
		{16, 16}, // D 16
		{0, 31}, // D -16: 16 + 16 - (24 >> 4)
		{160, 189}, // D 160: 31 + 160 - (39 >> 4)
		{160, 177}, // D 0: 189 - (197 >> 4)
		{100, 226}, // D -60: 177 + 60 - (185 >> 4)
	};
	struct rx_stats stats;

	rx_stats_init(&stats, 7, RATE);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		// The timestamp wraps on the way.
		uint32_t timestamp = 0xfffffe00 + i * 160;
		uint64_t now = 50000000 + (uint64_t)(i * 160 + rows[i].offset) * TICK;

		rx_stats_packet(&stats, (uint16_t)(65533 + i), timestamp, now);
		assert_int_equal(stats.jitter_q4, rows[i].q4);
		assert_int_equal(rx_stats_jitter(&stats), rows[i].q4 >> 4);
	}
	assert_int_equal(report(&stats).jitter, 226 >> 4);
}

// Constant jitter of 40 units settles at 40.
static void jitter_settles(void **) {
	struct rx_stats stats;

	rx_stats_init(&stats, 7, 90000);
	for (unsigned i = 0; i < 1000; i++)
		rx_stats_packet(
			&stats,
			(uint16_t)i,
			i * 3600 + (i % 2 ? 40 : 0),
			1000000000000 + i * 40000ULL
		);
	assert_in_range(rx_stats_jitter(&stats), 39, 40);
}

static void jitter_ignores_late_packets_and_jumps(void **) {
	struct rx_stats stats;

	rx_stats_init(&stats, 7, RATE);
	feed(&stats, 0, 10);
	feed(&stats, 11, 10);
	rx_stats_packet(&stats, 10, 10 * 160, 1000000 + 400000); // retransmitted
	assert_int_equal(stats.jitter_q4, 0);
	rx_stats_packet(&stats, 21, 0x80000000, 1000000 + 21 * 20000); // timestamps begin anew
	rx_stats_packet(&stats, 22, 0x80000000 + 160, 1000000 + 22 * 20000);
	assert_int_equal(stats.jitter_q4, 0);
}

static void sender_reports(void **) {
	static const struct {
		uint64_t after_us;
		uint32_t dlsr;
	} rows[] = {
		{0, 0},
		{1000000, 65536},
		{5250000, 0x00054000}, // RFC 3550 6.4.1, figure 2: 5.250 s
		{65535000000, 4294901760},
		{70000000000, UINT32_MAX},
	};
	struct plm_rtcp_report got;
	struct rx_stats stats;

	rx_stats_init(&stats, 7, RATE);
	feed(&stats, 1, 2);
	got = report(&stats);
	assert_int_equal(got.lsr, 0);
	assert_int_equal(got.dlsr, 0);
	// NTP time of the same figure: its middle 32 bits are 0xb7052000.
	rx_stats_sr(&stats, 0xb44db70520000000, 1000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rx_stats_report(&stats, 1000 + rows[i].after_us, &got);
		assert_int_equal(got.lsr, 0xb7052000);
		assert_int_equal(got.dlsr, rows[i].dlsr);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_yet),
		cmocka_unit_test(fraction_lost),
		cmocka_unit_test(recovered_later),
		cmocka_unit_test(duplicates_are_negative),
		cmocka_unit_test(cumulative_lost_has_24_bits),
		cmocka_unit_test(sequence_wraps),
		cmocka_unit_test(jumps),
		cmocka_unit_test(far_retransmissions),
		cmocka_unit_test(jitter),
		cmocka_unit_test(jitter_settles),
		cmocka_unit_test(jitter_ignores_late_packets_and_jumps),
		cmocka_unit_test(sender_reports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
