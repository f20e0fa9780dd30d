// SPDX-License-Identifier: BSD-3-Clause

#include "hex.h"

#include <plm_rtp.h>

#include <errno.h>

#define FIXED "000100000002 00000003"

static void parse_table(void **) {
	static const struct {
		const char *name;
		const char *hex;
		int r, r_full;
		struct plm_rtp rtp;
	} rows[] = {
		{"empty", "", -EBADMSG, -EBADMSG, {}},
		{"11 bytes",
		 "8060"
		 "000100000002 000000",
		 -EBADMSG,
		 -EBADMSG,
		 {}},
		{"version 1", "4060" FIXED, -EBADMSG, -EBADMSG, {}},
		{"version 3", "c060" FIXED, -EBADMSG, -EBADMSG, {}},
		{"plain", "8060" FIXED, 0, 0, {.payload_type = 96, .header_len = 12}},
		{"marker",
		 "80ef" FIXED "ff",
		 0,
		 0,
		 {.marker = true, .payload_type = 111, .header_len = 12}},
		{"one CSRC",
		 "8160" FIXED "00000009",
		 0,
		 0,
		 {.payload_type = 96, .n_csrc = 1, .header_len = 16}},
		{"CSRC cut", "8160" FIXED "000000", -EBADMSG, -EBADMSG, {}},
		{"15 CSRCs, 14 there",
		 "8f60" FIXED "00000001000000020000000300000004000000050000000600000007"
		 "00000008000000090000000a0000000b0000000c0000000d0000000e",
		 -EBADMSG,
		 -EBADMSG,
		 {}},
		{"extension header cut", "9060" FIXED "bede00", -EBADMSG, -EBADMSG, {}},
		{"empty extension",
		 "9060" FIXED "bede0000",
		 0,
		 0,
		 {.payload_type = 96, .ext_profile = 0xbede, .ext_offset = 16, .header_len = 16}},
		{"extension",
		 "9060" FIXED "bede0001 10aa0000 ffff",
		 0,
		 0,
		 {.payload_type = 96,
		  .ext_profile = 0xbede,
		  .ext_offset = 16,
		  .ext_len = 4,
		  .header_len = 20}},
		{"extension after a CSRC",
		 "9160" FIXED "00000009 10050001 01000000",
		 0,
		 0,
		 {.payload_type = 96,
		  .n_csrc = 1,
		  .ext_profile = 0x1005,
		  .ext_offset = 20,
		  .ext_len = 4,
		  .header_len = 24}},
		{"extension one byte short",
		 "9060" FIXED "bede0001 10aa00",
		 -EBADMSG,
		 -EBADMSG,
		 {}},
		{"extension of 262140 bytes",
		 "9060" FIXED "bedeffff 10aa0000",
		 -EBADMSG,
		 -EBADMSG,
		 {}},
		{"padding of 1",
		 "a060" FIXED "aa01",
		 0,
		 0,
		 {.payload_type = 96, .padding_len = 1, .header_len = 12}},
		{"padding only",
		 "a060" FIXED "00000004",
		 0,
		 0,
		 {.payload_type = 96, .padding_len = 4, .header_len = 12}},
		{"padding 0",
		 "a060" FIXED "aa00",
		 0,
		 -EBADMSG,
		 {.payload_type = 96, .header_len = 12}},
		{"padding eats the header",
		 "a060" FIXED "00000005",
		 0,
		 -EBADMSG,
		 {.payload_type = 96, .header_len = 12}},
		{"padding bit, no payload",
		 "a060" FIXED,
		 0,
		 -EBADMSG,
		 {.payload_type = 96, .header_len = 12}},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct packet packet = packet_from_hex(rows[i].hex);

		for (int full = 0; full <= 1; full++) {
			int wanted = full ? rows[i].r_full : rows[i].r;
			struct plm_rtp rtp = {.ssrc = 0xdeadbeef};
			int r;

			r = (full ? plm_rtp_parse_full : plm_rtp_parse
			)(packet.data, packet.len, &rtp);
			if (r != wanted)
				fail_msg("%s: %d, wanted %d", rows[i].name, r, wanted);
			if (r < 0) {
				assert_int_equal(rtp.ssrc, 0xdeadbeef); // untouched
				continue;
			}
			assert_int_equal(rtp.marker, rows[i].rtp.marker);
			assert_int_equal(rtp.payload_type, rows[i].rtp.payload_type);
			assert_int_equal(rtp.n_csrc, rows[i].rtp.n_csrc);
			assert_int_equal(rtp.padding_len, full ? rows[i].rtp.padding_len : 0);
			assert_int_equal(rtp.seq, 1);
			assert_int_equal(rtp.timestamp, 2);
			assert_int_equal(rtp.ssrc, 3);
			assert_int_equal(rtp.ext_profile, rows[i].rtp.ext_profile);
			assert_int_equal(rtp.ext_offset, rows[i].rtp.ext_offset);
			assert_int_equal(rtp.ext_len, rows[i].rtp.ext_len);
			assert_int_equal(rtp.header_len, rows[i].rtp.header_len);
		}
		packet_free(&packet);
	}
}

static void longer_than_a_datagram_is_refused(void **) {
	struct packet packet = {calloc(1, 65536), 65536};
	struct plm_rtp rtp;

	assert_non_null(packet.data);
	packet.data[0] = 0x80;
	assert_int_equal(plm_rtp_parse(packet.data, 65535, &rtp), 0);
	assert_int_equal(plm_rtp_parse(packet.data, 65536, &rtp), -EBADMSG);
	packet_free(&packet);
}

static void ext_table(void **) {
	static const struct {
		const char *name;
		const char *hex; // profile, length, elements
		int n; // of ext_list
		const char *ids; // of those found one by one, in order
	} rows[] = {
		{"empty", "bede0000", 0, ""},
		{"one byte form", "bede0002 10aa 21bbbb 000000", 2, "\x1\x2"},
		{"padding before and between", "bede0002 00 10aa 0000 20bb 00", 2, "\x1\x2"},
		{"longest of the one byte form",
		 "bede0005 ef 000102030405060708090a0b0c0d0e0f 000000",
		 1,
		 "\xe"},
		{"id 15 ends the walk", "bede0002 10aa f0bb 20cc 0000", 1, "\x1"},
		{"id 0 with a length ends the walk", "bede0002 10aa 01bb 20cc 0000", 1, "\x1"},
		{"one byte too long", "bede0001 10aa 21bb", -EBADMSG, "\x1"},
		{"last byte is a header", "bede0001 11aaaa 20", -EBADMSG, "\x1"},
		{"two byte form", "10000002 0101aa ff02bbbb 00", 2, "\x1\xff"},
		{"two byte form, id 15", "10000001 0f01aa 00", 1, "\xf"},
		{"two byte form, no data", "10000001 0300 0400", 2, "\x3\x4"},
		{"two byte form, application bits", "100f0001 0101aa 00", 1, "\x1"},
		{"two byte form, too long", "10000002 0101aa 0205bbbbbb", -EBADMSG, "\x1"},
		{"two byte form, last byte is an id", "10000001 0101aa 02", -EBADMSG, "\x1"},
		{"unknown profile", "20000001 10aa0000", 0, ""},
		{"profile 0", "00000001 10aa0000", 0, ""},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char hex[256] = "9060" FIXED;
		struct plm_rtp_ext list[PLM_RTP_EXT_MAX];
		struct packet packet;
		struct plm_rtp rtp;
		int n;

		packet = packet_from_hex(strcat(hex, rows[i].hex));
		assert_int_equal(plm_rtp_parse(packet.data, packet.len, &rtp), 0);
		n = plm_rtp_ext_list(packet.data, &rtp, list, PLM_RTP_EXT_MAX);
		if (n != rows[i].n)
			fail_msg("%s: %d, wanted %d", rows[i].name, n, rows[i].n);
		if (n > 0)
			assert_int_equal(n, strlen(rows[i].ids));
		for (int id = 0; id < 256; id++) {
			uint8_t len = 0;
			const uint8_t *data = plm_rtp_ext_find(
				packet.data, &rtp, (uint8_t)id, &len
			);
			const char *at = id ? strchr(rows[i].ids, (char)id) : NULL;

			if ((data != NULL) != (at != NULL))
				fail_msg("%s: id %d", rows[i].name, id);
			if (data == NULL || n < 0)
				continue;
			assert_int_equal(list[at - rows[i].ids].id, id);
			assert_int_equal(list[at - rows[i].ids].len, len);
			assert_ptr_equal(list[at - rows[i].ids].data, data);
		}
		packet_free(&packet);
	}
}

static void ext_values(void **) {
	struct packet packet = packet_from_hex("9060" FIXED "bede0002 10aa 00 22bbccdd 00");
	struct plm_rtp rtp;
	const uint8_t *data;
	uint8_t len;

	assert_int_equal(plm_rtp_parse(packet.data, packet.len, &rtp), 0);
	data = plm_rtp_ext_find(packet.data, &rtp, 2, &len);
	assert_non_null(data);
	assert_int_equal(len, 3);
	assert_memory_equal(data, "\xbb\xcc\xdd", 3);
	packet_free(&packet);
}

static void more_than_max_is_malformed(void **) {
	struct packet packet = packet_from_hex("9060" FIXED "bede0002 10aa 20bb 30cc 40dd");
	struct plm_rtp_ext list[4];
	struct plm_rtp rtp;

	assert_int_equal(plm_rtp_parse(packet.data, packet.len, &rtp), 0);
	assert_int_equal(plm_rtp_ext_list(packet.data, &rtp, list, 4), 4);
	assert_int_equal(plm_rtp_ext_list(packet.data, &rtp, list, 3), -EBADMSG);
	assert_int_equal(plm_rtp_ext_list(packet.data, &rtp, list, 0), -EBADMSG);
	packet_free(&packet);
}

static void write_table(void **) {
	static const uint8_t long_value[17] = "0123456789abcdef";
	static const struct {
		const char *name;
		struct plm_rtp_ext_out ext[3];
		int n;
		bool padding;
		const char *hex;
	} rows[] = {
		{"no extension", {}, 0, false, "80e0 fffe 80000001 fedcba98"},
		{"padding bit", {}, 0, true, "a0e0 fffe 80000001 fedcba98"},
		{"one byte form",
		 {{1, 1, (const uint8_t *)"\xaa"}, {14, 2, (const uint8_t *)"\xbb\xcc"}},
		 2,
		 false,
		 "90e0 fffe 80000001 fedcba98 bede0002 10aa e1bbcc 000000"},
		{"length 16",
		 {{3, 16, long_value}},
		 1,
		 false,
		 "90e0 fffe 80000001 fedcba98 bede0005 3f 30313233343536373839616263646566 000000"},
		{"length 17",
		 {{3, 17, long_value}},
		 1,
		 false,
		 "90e0 fffe 80000001 fedcba98 10000005 0311 3031323334353637383961626364656600 00"},
		{"length 0",
		 {{3, 0, NULL}},
		 1,
		 false,
		 "90e0 fffe 80000001 fedcba98 10000001 03000000"},
		{"id 15",
		 {{15, 1, (const uint8_t *)"\xaa"}, {1, 1, (const uint8_t *)"\xbb"}},
		 2,
		 false,
		 "90e0 fffe 80000001 fedcba98 10000002 0f01aa 0101bb 0000"},
	};
	static const struct plm_rtp rtp = {
		.marker = true,
		.payload_type = 96,
		.seq = 0xfffe,
		.timestamp = 0x80000001,
		.ssrc = 0xfedcba98,
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct packet wanted = packet_from_hex(rows[i].hex);

		for (size_t room = 0; room <= wanted.len; room++) {
			struct packet dst = {malloc(room + (room == 0)), room};
			int r;

			assert_non_null(dst.data);
			r = plm_rtp_write(
				dst.data, room, &rtp, rows[i].padding, rows[i].ext, rows[i].n
			);
			if (room < wanted.len) {
				assert_int_equal(r, -ENOSPC);
			} else {
				if (r != (int)wanted.len)
					fail_msg("%s: %d", rows[i].name, r);
				assert_memory_equal(dst.data, wanted.data, wanted.len);
			}
			packet_free(&dst);
		}
		packet_free(&wanted);
	}
}

static void write_refuses(void **) {
	struct plm_rtp_ext_out ext[PLM_RTP_EXT_MAX + 1];
	struct plm_rtp rtp = {0};
	uint8_t data[256];

	for (int i = 0; i <= PLM_RTP_EXT_MAX; i++)
		ext[i] = (struct plm_rtp_ext_out){1, 1, (const uint8_t *)"x"};
	assert_int_equal(
		plm_rtp_write(data, sizeof(data), &rtp, false, ext, PLM_RTP_EXT_MAX), 12 + 4 + 32
	);
	assert_int_equal(
		plm_rtp_write(data, sizeof(data), &rtp, false, ext, PLM_RTP_EXT_MAX + 1), -EINVAL
	);
	assert_int_equal(plm_rtp_write(data, sizeof(data), &rtp, false, ext, -1), -EINVAL);
	ext[1].id = 0;
	assert_int_equal(plm_rtp_write(data, sizeof(data), &rtp, false, ext, 2), -EINVAL);
}

static void sequence_numbers_wrap(void **) {
	static const struct {
		uint16_t a, b;
		int diff;
	} rows[] = {
		{0, 0, 0},
		{1, 0, 1},
		{0, 1, -1},
		{0, 65535, 1},
		{65535, 0, -1},
		{5, 65530, 11},
		{32767, 0, 32767},
		{32768, 0, -32768},
		{0, 32768, -32768},
		{32769, 0, -32767},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(plm_seq_diff(rows[i].a, rows[i].b), rows[i].diff);
		assert_int_equal(plm_seq_newer(rows[i].a, rows[i].b), rows[i].diff > 0);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_table),
		cmocka_unit_test(longer_than_a_datagram_is_refused),
		cmocka_unit_test(ext_table),
		cmocka_unit_test(ext_values),
		cmocka_unit_test(more_than_max_is_malformed),
		cmocka_unit_test(write_table),
		cmocka_unit_test(write_refuses),
		cmocka_unit_test(sequence_numbers_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
