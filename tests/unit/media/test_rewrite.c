// SPDX-License-Identifier: BSD-3-Clause

#include "rewrite.h"

// cmocka.h wants the others before it.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#define RATE 90000
#define START_SEQ 65530
#define START_TS 0xffffff00

static void rewrite_open(struct rewrite *rewrite) {
	rewrite_init(rewrite, RATE, START_SEQ, START_TS);
}

// A source packet goes out as this.
static void goes_out(
	struct rewrite *rewrite,
	uint16_t seq_in,
	uint32_t ts_in,
	uint64_t now_us,
	uint16_t want_seq,
	uint32_t want_ts
) {
	uint16_t seq, seq_in_again;
	uint32_t ts;

	assert_true(rewrite_packet(rewrite, seq_in, ts_in, now_us, &seq, &ts));
	assert_int_equal(seq, want_seq);
	assert_int_equal(ts, want_ts);
	// Rebuilt for a retransmission it is the same.
	assert_true(rewrite_unmap(rewrite, seq, &seq_in_again));
	assert_int_equal(seq_in_again, seq_in);
	assert_true(rewrite_map(rewrite, seq_in, ts_in, &seq, &ts));
	assert_int_equal(seq, want_seq);
	assert_int_equal(ts, want_ts);
}

static void refused(struct rewrite *rewrite, uint16_t seq_in) {
	uint16_t seq = 0x5555;
	uint32_t ts = 0x66666666;
	struct rewrite before;

	memcpy(&before, rewrite, sizeof(before));
	assert_false(rewrite_packet(rewrite, seq_in, 0, 99, &seq, &ts));
	assert_false(rewrite_map(rewrite, seq_in, 0, &seq, &ts));
	assert_int_equal(seq, 0x5555);
	assert_int_equal(ts, 0x66666666);
	assert_memory_equal(&before, rewrite, sizeof(before));
}

static void nothing_before_the_first(void **) {
	const struct plm_rtcp_sr in = {.ssrc = 1};
	struct plm_rtcp_sr sr;
	struct rewrite rewrite;
	uint16_t seq;
	uint32_t ts;

	rewrite_open(&rewrite);
	assert_false(rewrite_map(&rewrite, 1, 2, &seq, &ts));
	assert_false(rewrite_unmap(&rewrite, START_SEQ, &seq));
	assert_false(rewrite_sr(&rewrite, &in, 9, 1, 1, &sr));
}

// Start values, wraps of both on the way, gaps kept, reordering, duplicates.
static void one_span(void **) {
	static const struct {
		uint16_t in, out;
	} rows[] = {
		{1000, 65530},
		{1001, 65531},
		{1005, 65535},
		{1003, 65533},
		{1006, 0},
		{1002, 65532},
		{1006, 0},
		{1020, 14},
		{1000, 65530},
	};
	struct rewrite rewrite;
	uint16_t seq;

	rewrite_open(&rewrite);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t step = (rows[i].in - 1000U) * 3000;

		goes_out(&rewrite, rows[i].in, 50 + step, 5 + i, rows[i].out, START_TS + step);
	}
	assert_int_equal(rewrite.highest_in, 1020);
	assert_int_equal(rewrite.highest_out, 14);
	refused(&rewrite, 999);
	refused(&rewrite, (uint16_t)(1000 - 20000));
	assert_false(rewrite_unmap(&rewrite, 15, &seq)); // not sent yet
	assert_false(rewrite_unmap(&rewrite, 65529, &seq)); // before the first
}

static void start_at_time_0(void **) {
	struct rewrite rewrite;

	rewrite_open(&rewrite);
	goes_out(&rewrite, 5, 5, 0, START_SEQ, START_TS);
	rewrite_restart(&rewrite);
	goes_out(&rewrite, 500, 5, 1000001, START_SEQ + 1, START_TS + RATE);
}

static void continuous_across_restart(void **) {
	static const struct {
		uint64_t pause_us;
		uint32_t ticks;
	} rows[] = {
		{0, 1}, // at least one
		{1, 1},
		{33333, 2999},
		{1000000, 90000},
		{86400000000, (uint32_t)(86400ULL * 90000)},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t at = 7000000 + rows[i].pause_us;
		uint32_t ts = START_TS + 3000 + rows[i].ticks;
		struct rewrite rewrite;
		uint16_t seq;
		uint32_t out_ts;

		rewrite_open(&rewrite);
		goes_out(&rewrite, 100, 1000, 6000000, START_SEQ, START_TS);
		goes_out(&rewrite, 101, 4000, 7000000, START_SEQ + 1, START_TS + 3000);
		goes_out(&rewrite, 100, 1000, 7500000, START_SEQ, START_TS); // late: moves no clock
		rewrite_restart(&rewrite);
		// Between the spans nothing maps.
		assert_false(rewrite_map(&rewrite, 101, 4000, &seq, &out_ts));
		assert_false(rewrite_unmap(&rewrite, START_SEQ + 1, &seq));
		// Another source altogether.
		goes_out(&rewrite, 40000, 0xabcdef01, at, START_SEQ + 2, ts);
		goes_out(&rewrite, 40002, 0xabcdef01 + 3000, at + 40000, START_SEQ + 4, ts + 3000);
		// What the viewer asks for from the older span is not to be had any more.
		assert_false(rewrite_unmap(&rewrite, START_SEQ + 1, &seq));
		assert_false(rewrite_unmap(&rewrite, START_SEQ, &seq));
		refused(&rewrite, 39999);
		refused(&rewrite, 39990);
	}
}

// Another consumer of the same SSRC goes on behind its predecessor's last number and time.
static void continuous_after_resume(void **) {
	struct rewrite rewrite;

	rewrite_open(&rewrite);
	rewrite_resume(&rewrite, 65535, 1000, 5000000);
	goes_out(&rewrite, 7, 7, 6000000, 0, 1000 + RATE);
	refused(&rewrite, 6);
}

static void restart_twice_without_a_packet(void **) {
	struct rewrite rewrite;

	rewrite_open(&rewrite);
	rewrite_restart(&rewrite); // before any
	goes_out(&rewrite, 100, 1000, 1000000, START_SEQ, START_TS);
	rewrite_restart(&rewrite);
	rewrite_restart(&rewrite);
	goes_out(&rewrite, 7, 7, 2000000, START_SEQ + 1, START_TS + RATE);
}

// More than half the number space in one span: late packets still map, very old ones do not.
static void long_span(void **) {
	struct rewrite rewrite;
	uint16_t seq;
	uint32_t ts;

	rewrite_open(&rewrite);
	for (uint32_t i = 0; i < 200000; i++) {
		assert_true(rewrite_packet(&rewrite, (uint16_t)i, i, i, &seq, &ts));
		assert_int_equal(seq, (uint16_t)(START_SEQ + i));
		if (i > 1000) {
			assert_true(rewrite_map(&rewrite, (uint16_t)(i - 1000), i - 1000, &seq, &ts)
			);
			assert_int_equal(seq, (uint16_t)(START_SEQ + i - 1000));
			assert_true(rewrite_unmap(&rewrite, seq, &seq));
			assert_int_equal(seq, (uint16_t)(i - 1000));
		}
		if (i > 30000)
			assert_false(rewrite_map(&rewrite, (uint16_t)(i - 20000), 0, &seq, &ts));
	}
	// A jump far forward is followed.
	goes_out(
		&rewrite,
		(uint16_t)(199999 + 32000),
		1,
		200001,
		(uint16_t)(START_SEQ + 231999),
		START_TS + 1
	);
}

// Audio and video of one publisher, whose reports name the same wall clock: for a viewer too, the
// media time of a packet stays as far from its report as it was.
static void sender_report_keeps_lip_sync(void **) {
	static const struct {
		uint32_t rate, ts_in, sr_ts;
	} media[] = {
		{90000, 0xfffffff0, 0x00000100}, // over the wrap
		{48000, 123456, 100000}, // a report from before the packet
	};

	for (size_t i = 0; i < 2; i++) {
		const struct plm_rtcp_sr in = {
			.ssrc = 1,
			.ntp = 0xe8a1b2c3d4e5f607,
			.rtp_timestamp = media[i].sr_ts,
			.packets = 10,
			.octets = 1000,
		};
		struct plm_rtcp_sr sr;
		struct rewrite rewrite;
		uint16_t seq;
		uint32_t ts;

		rewrite_init(&rewrite, media[i].rate, 5, 0x1000);
		assert_true(rewrite_packet(&rewrite, 5, 77, 1000000, &seq, &ts));
		rewrite_restart(&rewrite);
		assert_false(rewrite_sr(&rewrite, &in, 9, 1, 1, &sr)); // of which source?
		assert_true(rewrite_packet(&rewrite, 900, media[i].ts_in, 3000000, &seq, &ts));
		assert_true(rewrite_sr(&rewrite, &in, 0x99, 33, 4444, &sr));
		assert_int_equal(sr.ssrc, 0x99);
		assert_int_equal(sr.ntp, in.ntp);
		assert_int_equal(sr.packets, 33);
		assert_int_equal(sr.octets, 4444);
		assert_int_equal(
			(uint32_t)(sr.rtp_timestamp - ts),
			(uint32_t)(media[i].sr_ts - media[i].ts_in)
		);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_before_the_first),
		cmocka_unit_test(one_span),
		cmocka_unit_test(start_at_time_0),
		cmocka_unit_test(continuous_across_restart),
		cmocka_unit_test(continuous_after_resume),
		cmocka_unit_test(restart_twice_without_a_packet),
		cmocka_unit_test(long_span),
		cmocka_unit_test(sender_report_keeps_lip_sync),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
