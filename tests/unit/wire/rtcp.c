// SPDX-License-Identifier: BSD-3-Clause

#include "hex.h"

#include <plm_rtcp.h>

#include <errno.h>

#define SR "80c80006 11111111 e000000080000000 00000002 00000003 00000004" // without report blocks
#define RR "80c90001 22222222"
#define REPORT "33333333 40fffffe 00010005 00000006 00000007 00000008"
#define NACK(length) "81cd" length "00000001 00000002"

// The one item of a packet.
static void item_of(const struct packet *packet, struct plm_rtcp_item *ret_item) {
	size_t offset = 0;

	assert_int_equal(plm_rtcp_next(packet->data, packet->len, &offset, ret_item), 1);
	assert_int_equal(offset, packet->len);
}

static void walk_table(void **) {
	static const struct {
		const char *name;
		const char *hex;
		int n; // good items
		int r; // after them
		unsigned last_len;
	} rows[] = {
		{"empty", "", 0, 0, 0},
		{"one", RR, 1, 0, 8},
		{"three", SR RR "81cb0001 11111111", 3, 0, 8},
		{"header only", "80cb0000", 1, 0, 4},
		{"header cut", "80c900", 0, -EBADMSG, 0},
		{"trailing bytes", RR "80c9", 1, -EBADMSG, 8},
		{"longer than the packet", "80c90002 22222222", 0, -EBADMSG, 0},
		{"second longer than the packet", RR "80c9ffff 22222222", 1, -EBADMSG, 8},
		{"version 1", "40c90001 22222222", 0, -EBADMSG, 0},
		{"second of version 3", RR "c0c90001 22222222", 1, -EBADMSG, 8},
		{"padding of 4", "a0c90002 22222222 00000004", 1, 0, 8},
		{"padding of 3, in the middle",
		 "afcd0004 01010101 02020202 03030303 04000003" RR,
		 2,
		 0,
		 8},
		{"padding of 3", "afcd0004 01010101 02020202 03030303 04000003", 1, 0, 17},
		{"padding of 0", "a0c90002 22222222 00000000", 0, -EBADMSG, 0},
		{"padding of all but the header", "a0c90001 00000004", 1, 0, 4},
		{"padding eats the header", "a0c90001 00000005", 0, -EBADMSG, 0},
		{"padding of a bare header", "a0cb0000", 0, -EBADMSG, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct packet packet = packet_from_hex(rows[i].hex);
		struct plm_rtcp_item item = {0};
		size_t offset = 0, before = 0;
		int n = 0, r;

		while ((r = plm_rtcp_next(packet.data, packet.len, &offset, &item)) > 0) {
			assert_ptr_equal(item.data, packet.data + before);
			before = offset;
			n++;
		}
		if (n != rows[i].n || r != rows[i].r || item.len != rows[i].last_len)
			fail_msg("%s: %d items, then %d, last %u", rows[i].name, n, r, item.len);
		assert_int_equal(offset, before); // a failure moves nothing
		packet_free(&packet);
	}
}

static void offset_beyond_the_packet(void **) {
	struct packet packet = packet_from_hex(RR);
	struct plm_rtcp_item item;
	size_t offset = 9;

	assert_int_equal(plm_rtcp_next(packet.data, packet.len, &offset, &item), -EBADMSG);
	packet_free(&packet);
}

static void sr_parse(void **) {
	struct packet packet = packet_from_hex(
		"81c8000c 11111111 e000000080000000 00000002 00000003 00000004" REPORT
	);
	struct plm_rtcp_report report;
	struct plm_rtcp_item item;
	struct plm_rtcp_sr sr;

	item_of(&packet, &item);
	assert_int_equal(plm_rtcp_sr_parse(&item, &sr), 0);
	assert_int_equal(sr.ssrc, 0x11111111);
	assert_true(sr.ntp == 0xe000000080000000);
	assert_int_equal(sr.rtp_timestamp, 2);
	assert_int_equal(sr.packets, 3);
	assert_int_equal(sr.octets, 4);
	assert_int_equal(plm_rtcp_reports_parse(&item, &report, 1), 1);
	assert_int_equal(report.ssrc, 0x33333333);
	assert_int_equal(report.fraction_lost, 64);
	assert_int_equal(report.cumulative_lost, -2);
	assert_int_equal(report.highest_seq, 0x10005);
	assert_int_equal(report.jitter, 6);
	assert_int_equal(report.lsr, 7);
	assert_int_equal(report.dlsr, 8);
	assert_int_equal(plm_rtcp_reports_parse(&item, &report, 0), 0);
	packet_free(&packet);
}

enum parser {
	PARSE_SR,
	PARSE_REPORTS,
	PARSE_FB,
	PARSE_NACK,
	PARSE_FIR,
	PARSE_REMB
};

static int parse(enum parser parser, const struct plm_rtcp_item *item) {
	struct plm_rtcp_report reports[PLM_RTCP_REPORT_MAX];
	struct plm_rtcp_fir firs[16];
	uint32_t ssrcs[256], a, b;
	struct plm_rtcp_sr sr;
	uint16_t seqs[256];
	uint64_t bps;

	switch (parser) {
	case PARSE_SR:
		return plm_rtcp_sr_parse(item, &sr);
	case PARSE_REPORTS:
		return plm_rtcp_reports_parse(item, reports, PLM_RTCP_REPORT_MAX);
	case PARSE_FB:
		return plm_rtcp_fb_parse(item, &a, &b);
	case PARSE_NACK:
		return plm_rtcp_nack_parse(item, seqs, 256);
	case PARSE_FIR:
		return plm_rtcp_fir_parse(item, firs, 16);
	case PARSE_REMB:
		return plm_rtcp_remb_parse(item, &bps, ssrcs, 256);
	}
	return -EINVAL;
}

// Well-formed items that a parser must or must not take.
static void parser_table(void **) {
	static const struct {
		const char *name;
		enum parser parser;
		const char *hex;
		int r;
	} rows[] = {
		{"SR", PARSE_SR, SR, 0},
		{"RR as SR", PARSE_SR, RR, -EBADMSG},
		{"SR cut",
		 PARSE_SR,
		 "80c80005 11111111 e000000080000000 00000002 00000003",
		 -EBADMSG},
		{"SR counts a block it has not",
		 PARSE_SR,
		 "81c80006 11111111 e000000080000000 00000002 00000003 00000004",
		 -EBADMSG},
		{"reports of SR without", PARSE_REPORTS, SR, 0},
		{"reports of RR", PARSE_REPORTS, "81c90007 22222222" REPORT, 1},
		{"two reports", PARSE_REPORTS, "82c9000d 22222222" REPORT REPORT, 2},
		{"two reports, one there", PARSE_REPORTS, "82c90007 22222222" REPORT, -EBADMSG},
		{"31 reports, none there", PARSE_REPORTS, "9fc90001 22222222", -EBADMSG},
		{"RR without SSRC", PARSE_REPORTS, "80c90000", -EBADMSG},
		{"report padded away",
		 PARSE_REPORTS,
		 "a1c90007 22222222 33333333 40fffffe 00010005 00000006 00000007 00000004",
		 -EBADMSG},
		{"profile extension behind reports",
		 PARSE_REPORTS,
		 "80c90002 22222222 01020304",
		 0},
		{"reports of BYE", PARSE_REPORTS, "81cb0001 11111111", -EBADMSG},
		{"FB of PLI", PARSE_FB, "81ce0002 00000001 00000002", 0},
		{"FB cut", PARSE_FB, "81ce0001 00000001", -EBADMSG},
		{"FB of RR", PARSE_FB, "80c90002 22222222 00000000", -EBADMSG},
		{"NACK of 1", PARSE_NACK, NACK("0003") "00050000", 1},
		{"NACK of 17", PARSE_NACK, NACK("0003") "0005ffff", 17},
		{"NACK of 2 pairs", PARSE_NACK, NACK("0004") "00050001 01000000", 3},
		{"NACK of nothing", PARSE_NACK, NACK("0002"), -EBADMSG},
		{"NACK cut", PARSE_NACK, "81cd0001 00000001", -EBADMSG},
		{"NACK with half a pair",
		 PARSE_NACK,
		 "a1cd0004 00000001 00000002 00050000 00060002",
		 -EBADMSG},
		{"transport-cc as NACK",
		 PARSE_NACK,
		 "8fcd0003 00000001 00000002 00050000",
		 -EBADMSG},
		{"PSFB as NACK", PARSE_NACK, "81ce0003 00000001 00000002 00050000", -EBADMSG},
		{"FIR", PARSE_FIR, "84ce0004 00000001 00000000 00000009 07000000", 1},
		{"FIR of none", PARSE_FIR, "84ce0002 00000001 00000000", -EBADMSG},
		{"FIR with half an entry",
		 PARSE_FIR,
		 "84ce0003 00000001 00000000 00000009",
		 -EBADMSG},
		{"PLI as FIR", PARSE_FIR, "81ce0004 00000001 00000000 00000009 07000000", -EBADMSG},
		{"REMB",
		 PARSE_REMB,
		 "8fce0006 00000001 00000000 52454d42 02000001 00000007 00000008",
		 2},
		{"REMB for none", PARSE_REMB, "8fce0004 00000001 00000000 52454d42 00000001", 0},
		{"REMB counts one too many",
		 PARSE_REMB,
		 "8fce0005 00000001 00000000 52454d42 02000001 00000007",
		 -EBADMSG},
		{"REMB of 255, none there",
		 PARSE_REMB,
		 "8fce0004 00000001 00000000 52454d42 ff000001",
		 -EBADMSG},
		{"REMB cut", PARSE_REMB, "8fce0003 00000001 00000000 52454d42", -EBADMSG},
		{"other application",
		 PARSE_REMB,
		 "8fce0004 00000001 00000000 52454d43 00000001",
		 -EBADMSG},
		{"RTPFB as REMB",
		 PARSE_REMB,
		 "8fcd0004 00000001 00000000 52454d42 00000001",
		 -EBADMSG},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct packet packet = packet_from_hex(rows[i].hex);
		struct plm_rtcp_item item;
		int r;

		item_of(&packet, &item);
		r = parse(rows[i].parser, &item);
		if (r != rows[i].r)
			fail_msg("%s: %d, wanted %d", rows[i].name, r, rows[i].r);
		packet_free(&packet);
	}
}

static void nack_order_and_max(void **) {
	struct packet packet = packet_from_hex(NACK("0004") "fffe8005 00640001");
	static const uint16_t wanted[] = {0xfffe, 0xffff, 1, 14, 100, 101};
	struct plm_rtcp_item item;
	uint16_t seqs[6];

	item_of(&packet, &item);
	for (int max = 0; max <= 6; max++) {
		memset(seqs, 0xa5, sizeof(seqs));
		assert_int_equal(plm_rtcp_nack_parse(&item, seqs, max), max);
		assert_memory_equal(seqs, wanted, (size_t)max * sizeof(seqs[0]));
		if (max < 6)
			assert_int_equal(seqs[max], 0xa5a5);
	}
	assert_int_equal(plm_rtcp_nack_parse(&item, seqs, 100), 6);
	packet_free(&packet);
}

static void nack_round_trip(void **) {
	static const struct {
		uint16_t seqs[20];
		int n;
		int n_pairs;
	} rows[] = {
		{{5}, 1, 1},
		{{5, 6}, 2, 1},
		{{5, 21}, 2, 1},
		{{5, 22}, 2, 2},
		{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, 17, 1},
		{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17}, 18, 2},
		{{65535, 0, 15}, 3, 1},
		{{65535, 0, 16}, 3, 2},
		{{65520, 65530, 65535, 0, 1000}, 5, 2},
		{{1, 101, 201, 301}, 4, 4},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = 12 + (size_t)rows[i].n_pairs * 4;
		struct packet dst = {malloc(len), len};
		struct plm_rtcp_item item;
		uint32_t sender, media;
		uint16_t seqs[20];

		assert_non_null(dst.data);
		for (size_t room = 0; room < len; room++)
			assert_int_equal(
				plm_rtcp_nack_write(dst.data, room, 1, 2, rows[i].seqs, rows[i].n),
				-ENOSPC
			);
		assert_int_equal(
			plm_rtcp_nack_write(dst.data, len, 0xaabbccdd, 2, rows[i].seqs, rows[i].n),
			len
		);
		item_of(&dst, &item);
		assert_int_equal(plm_rtcp_fb_parse(&item, &sender, &media), 0);
		assert_int_equal(sender, 0xaabbccdd);
		assert_int_equal(media, 2);
		assert_int_equal(plm_rtcp_nack_parse(&item, seqs, 20), rows[i].n);
		assert_memory_equal(seqs, rows[i].seqs, (size_t)rows[i].n * sizeof(seqs[0]));
		packet_free(&dst);
	}
}

static void nack_repeated_number_is_one(void **) {
	static const uint16_t twice[] = {7, 7, 8, 8};
	struct packet dst = {malloc(16), 16};
	struct plm_rtcp_item item;
	uint16_t seqs[4];

	assert_int_equal(plm_rtcp_nack_write(dst.data, 16, 1, 2, twice, 4), 16);
	item_of(&dst, &item);
	assert_int_equal(plm_rtcp_nack_parse(&item, seqs, 4), 2);
	assert_int_equal(seqs[0], 7);
	assert_int_equal(seqs[1], 8);
	packet_free(&dst);
}

static void remb_exponents(void **) {
	static const struct {
		uint64_t bps, rounded;
	} rows[] = {
		{0, 0},
		{1, 1},
		{0x3ffff, 0x3ffff},
		{0x40000, 0x40000},
		{0x40001, 0x40000}, // rounds down, never promises more
		{1000000, 1000000},
		{2500001, 2500000},
		{10000000000, 9999941632},
		{UINT64_MAX, 0xffffc00000000000},
	};
	static const uint32_t ssrcs[] = {7, 0xfffffff8};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct packet dst = {malloc(28), 28};
		struct plm_rtcp_item item;
		uint32_t got[3] = {0};
		uint64_t bps;

		assert_non_null(dst.data);
		assert_int_equal(
			plm_rtcp_remb_write(dst.data, 27, 1, rows[i].bps, ssrcs, 2), -ENOSPC
		);
		assert_int_equal(plm_rtcp_remb_write(dst.data, 28, 1, rows[i].bps, ssrcs, 2), 28);
		item_of(&dst, &item);
		assert_int_equal(plm_rtcp_remb_parse(&item, &bps, got, 3), 2);
		assert_true(bps == rows[i].rounded);
		assert_memory_equal(got, ssrcs, sizeof(ssrcs));
		got[1] = 0;
		assert_int_equal(plm_rtcp_remb_parse(&item, &bps, got, 1), 1);
		assert_int_equal(got[1], 0);
		packet_free(&dst);
	}
}

// What 64 bits do not hold counts as no limit, not as a small one.
static void remb_saturates(void **) {
	static const struct {
		const char *hex;
		uint64_t bps;
	} rows[] = {
		{"8fce0004 00000001 00000000 52454d42 00fc0000", 0},
		{"8fce0004 00000001 00000000 52454d42 00fc0001", 1ULL << 63},
		{"8fce0004 00000001 00000000 52454d42 00fc0002", UINT64_MAX},
		{"8fce0004 00000001 00000000 52454d42 00bbffff", 0xffffc00000000000},
		{"8fce0004 00000001 00000000 52454d42 00bfffff", UINT64_MAX},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct packet packet = packet_from_hex(rows[i].hex);
		struct plm_rtcp_item item;
		uint64_t bps;

		item_of(&packet, &item);
		assert_int_equal(plm_rtcp_remb_parse(&item, &bps, NULL, 0), 0);
		assert_true(bps == rows[i].bps);
		packet_free(&packet);
	}
}

static void reports_round_trip(void **) {
	static const struct {
		int32_t lost, wanted;
	} rows[] = {
		{0, 0},
		{-1, -1},
		{0x7fffff, 0x7fffff},
		{-0x800000, -0x800000},
		{0x800000, 0x7fffff},
		{INT32_MAX, 0x7fffff},
		{INT32_MIN, -0x800000},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct plm_rtcp_report reports[PLM_RTCP_REPORT_MAX], got[PLM_RTCP_REPORT_MAX];
		struct plm_rtcp_sr sr = {1, 0x0102030405060708, 2, 3, 4}, got_sr;
		struct plm_rtcp_item item;
		uint8_t data[1024];
		size_t offset = 0;
		int len;

		for (int k = 0; k < PLM_RTCP_REPORT_MAX; k++)
			reports[k] = (struct plm_rtcp_report){
				(uint32_t)k, (uint8_t)(k * 8), rows[i].lost, 3, 4, 5, 6};
		len = plm_rtcp_sr_write(data, sizeof(data), &sr, reports, PLM_RTCP_REPORT_MAX);
		assert_int_equal(len, 28 + 31 * 24);
		assert_int_equal(
			plm_rtcp_sr_write(data, (size_t)len - 1, &sr, reports, PLM_RTCP_REPORT_MAX),
			-ENOSPC
		);
		assert_int_equal(plm_rtcp_next(data, (size_t)len, &offset, &item), 1);
		assert_int_equal(plm_rtcp_sr_parse(&item, &got_sr), 0);
		assert_int_equal(got_sr.ssrc, 1);
		assert_true(got_sr.ntp == sr.ntp);
		assert_int_equal(got_sr.rtp_timestamp, 2);
		assert_int_equal(got_sr.packets, 3);
		assert_int_equal(got_sr.octets, 4);
		assert_int_equal(plm_rtcp_reports_parse(&item, got, 31), 31);
		for (int k = 0; k < PLM_RTCP_REPORT_MAX; k++) {
			reports[k].cumulative_lost = rows[i].wanted;
			assert_memory_equal(&got[k].ssrc, &reports[k].ssrc, 4);
			assert_int_equal(got[k].fraction_lost, reports[k].fraction_lost);
			assert_int_equal(got[k].cumulative_lost, reports[k].cumulative_lost);
			assert_int_equal(got[k].dlsr, 6);
		}
	}
}

static void writers_bytes(void **) {
	static const struct plm_rtcp_report report = {0x33333333, 64, -2, 0x10005, 6, 7, 8};
	static const char compound[] = "81c90007 22222222" REPORT
				       "81ca0003 22222222 01026162 00000000"
				       "81ce0002 00000001 00000002"
				       "84ce0004 00000001 00000000 00000002 09000000"
				       "81cb0001 22222222";
	struct packet wanted = packet_from_hex(compound);
	struct packet dst = {malloc(wanted.len), wanted.len};
	size_t at = 0;

	assert_non_null(dst.data);
#define APPEND(call)                                                                               \
	do {                                                                                       \
		int r_ = (call);                                                                   \
		assert_true(r_ > 0);                                                               \
		at += (size_t)r_;                                                                  \
	} while (0)
	APPEND(plm_rtcp_rr_write(dst.data, dst.len, 0x22222222, &report, 1));
	APPEND(plm_rtcp_sdes_cname_write(dst.data + at, dst.len - at, 0x22222222, "ab"));
	APPEND(plm_rtcp_pli_write(dst.data + at, dst.len - at, 1, 2));
	APPEND(plm_rtcp_fir_write(dst.data + at, dst.len - at, 1, 2, 9));
	assert_int_equal(plm_rtcp_bye_write(dst.data + at, dst.len - at - 1, 0x22222222), -ENOSPC);
	APPEND(plm_rtcp_bye_write(dst.data + at, dst.len - at, 0x22222222));
#undef APPEND
	assert_int_equal(at, wanted.len);
	assert_memory_equal(dst.data, wanted.data, wanted.len);
	packet_free(&wanted);
	packet_free(&dst);
}

static void sdes_always_ends_with_zero(void **) {
	char cname[257];

	for (size_t n = 0; n <= 256; n++) {
		uint8_t data[300];
		int len;

		memset(cname, 'c', n);
		cname[n] = '\0';
		memset(data, 0xa5, sizeof(data));
		len = plm_rtcp_sdes_cname_write(data, sizeof(data), 1, cname);
		if (n == 256) {
			assert_int_equal(len, -EINVAL);
			break;
		}
		assert_int_equal(len % 4, 0);
		assert_true((size_t)len > 10 + n && (size_t)len <= 10 + n + 4);
		assert_int_equal((data[2] << 8 | data[3]) * 4 + 4, len);
		for (size_t i = 10 + n; i < (size_t)len; i++)
			assert_int_equal(data[i], 0);
		assert_int_equal(data[len], 0xa5);
		assert_int_equal(
			plm_rtcp_sdes_cname_write(data, (size_t)len - 1, 1, cname), -ENOSPC
		);
	}
}

static void writers_refuse(void **) {
	struct plm_rtcp_report reports[32] = {0};
	struct plm_rtcp_sr sr = {0};
	uint8_t data[2048];
	uint16_t seq = 0;

	assert_int_equal(plm_rtcp_sr_write(data, sizeof(data), &sr, reports, 32), -EINVAL);
	assert_int_equal(plm_rtcp_rr_write(data, sizeof(data), 1, reports, 32), -EINVAL);
	assert_int_equal(plm_rtcp_rr_write(data, sizeof(data), 1, reports, -1), -EINVAL);
	assert_int_equal(plm_rtcp_nack_write(data, sizeof(data), 1, 2, &seq, 0), -EINVAL);
	assert_int_equal(plm_rtcp_remb_write(data, sizeof(data), 1, 2, NULL, 256), -EINVAL);
	assert_int_equal(plm_rtcp_rr_write(data, 7, 1, NULL, 0), -ENOSPC);
	assert_int_equal(plm_rtcp_pli_write(data, 11, 1, 2), -ENOSPC);
	assert_int_equal(plm_rtcp_fir_write(data, 19, 1, 2, 3), -ENOSPC);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(walk_table),
		cmocka_unit_test(offset_beyond_the_packet),
		cmocka_unit_test(sr_parse),
		cmocka_unit_test(parser_table),
		cmocka_unit_test(nack_order_and_max),
		cmocka_unit_test(nack_round_trip),
		cmocka_unit_test(nack_repeated_number_is_one),
		cmocka_unit_test(remb_exponents),
		cmocka_unit_test(remb_saturates),
		cmocka_unit_test(reports_round_trip),
		cmocka_unit_test(writers_bytes),
		cmocka_unit_test(sdes_always_ends_with_zero),
		cmocka_unit_test(writers_refuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
