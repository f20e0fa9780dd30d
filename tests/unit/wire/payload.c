// SPDX-License-Identifier: BSD-3-Clause

#include "hex.h"

#include <plm_payload.h>

static const struct row {
	const char *name;
	enum plm_codec codec;
	const char *hex;
	bool keyframe;
} rows[] = {
	{"no codec", PLM_CODEC_NONE, "10000000", false},
	{"opus", PLM_CODEC_OPUS, "10000000", false},
	{"codec out of range", PLM_CODEC_COUNT, "10000000", false},

	// RFC 7741 4.2: X R N S R PID, then I L T K
	{"vp8 empty", PLM_CODEC_VP8, "", false},
	{"vp8 descriptor only", PLM_CODEC_VP8, "10", false},
	{"vp8 key", PLM_CODEC_VP8, "10 500142 9d012a", true},
	{"vp8 key, not a reference", PLM_CODEC_VP8, "30 500142 9d012a", true},
	{"vp8 inter frame", PLM_CODEC_VP8, "10 510142", false},
	{"vp8 not the start", PLM_CODEC_VP8, "00 500142", false},
	{"vp8 partition 1", PLM_CODEC_VP8, "11 500142", false},
	{"vp8 partition 4", PLM_CODEC_VP8, "14 500142", false},
	{"vp8 X without fields", PLM_CODEC_VP8, "9000 50", true},
	{"vp8 7 bit picture id", PLM_CODEC_VP8, "9080 11 50", true},
	{"vp8 15 bit picture id", PLM_CODEC_VP8, "9080 9234 50", true},
	{"vp8 15 bit picture id, inter", PLM_CODEC_VP8, "9080 9234 51", false},
	{"vp8 picture id cut", PLM_CODEC_VP8, "9080", false},
	{"vp8 15 bit picture id cut", PLM_CODEC_VP8, "9080 92", false},
	{"vp8 all fields", PLM_CODEC_VP8, "90f0 9234 05 20 50", true},
	{"vp8 all fields, inter", PLM_CODEC_VP8, "90f0 9234 05 20 51", false},
	{"vp8 all fields, no payload", PLM_CODEC_VP8, "90f0 9234 05 20", false},
	{"vp8 T alone", PLM_CODEC_VP8, "9020 21 50", true},
	{"vp8 K alone", PLM_CODEC_VP8, "9010 21 50", true},
	{"vp8 L alone", PLM_CODEC_VP8, "9040 21 50", true},

	// RFC 9628 4.2: I P L F B E V Z
	{"vp9 empty", PLM_CODEC_VP9, "", false},
	{"vp9 descriptor only", PLM_CODEC_VP9, "08", false},
	{"vp9 key", PLM_CODEC_VP9, "08 82", true},
	{"vp9 predicted", PLM_CODEC_VP9, "48 86", false},
	{"vp9 not the start", PLM_CODEC_VP9, "04 82", false},
	{"vp9 7 bit picture id", PLM_CODEC_VP9, "88 11 82", true},
	{"vp9 15 bit picture id", PLM_CODEC_VP9, "88 9111 82", true},
	{"vp9 15 bit picture id, no payload", PLM_CODEC_VP9, "88 9111", false},
	{"vp9 picture id cut", PLM_CODEC_VP9, "88 91", false},
	{"vp9 layer 0, TL0PICIDX", PLM_CODEC_VP9, "a8 9111 00 05 82", true},
	{"vp9 layer 0, no payload", PLM_CODEC_VP9, "a8 9111 00 05", false},
	{"vp9 layer 1", PLM_CODEC_VP9, "a8 9111 03 05 82", false},
	{"vp9 layer 7", PLM_CODEC_VP9, "a8 9111 0e 05 82", false},
	{"vp9 layer 0 of temporal layer 2", PLM_CODEC_VP9, "a8 9111 50 05 82", true},
	{"vp9 layer cut", PLM_CODEC_VP9, "a8 9111", false},
	{"vp9 flexible: no TL0PICIDX", PLM_CODEC_VP9, "b8 9111 00 82", true},
	{"vp9 layer without picture id", PLM_CODEC_VP9, "28 00 05 82", true},

	{"h264 empty", PLM_CODEC_H264, "", false},
	{"h264 header only", PLM_CODEC_H264, "65", false},
	{"h264 IDR", PLM_CODEC_H264, "65 88", true},
	{"h264 SPS", PLM_CODEC_H264, "67 42e01f", true},
	{"h264 PPS", PLM_CODEC_H264, "68 ce", false},
	{"h264 slice", PLM_CODEC_H264, "41 9a", false},
	{"h264 SEI", PLM_CODEC_H264, "06 05", false},
	{"h264 STAP-A SPS PPS", PLM_CODEC_H264, "78 0002 6742 0002 68ce", true},
	{"h264 STAP-A IDR last", PLM_CODEC_H264, "78 0002 0605 0002 6588", true},
	{"h264 STAP-A of slices", PLM_CODEC_H264, "78 0002 419a 0002 419b", false},
	{"h264 STAP-A unit too long", PLM_CODEC_H264, "78 0003 6742", false},
	{"h264 STAP-A second too long", PLM_CODEC_H264, "78 0002 0605 ffff 65", false},
	{"h264 STAP-A empty unit", PLM_CODEC_H264, "78 0000 0002 6588", false},
	{"h264 STAP-A size cut", PLM_CODEC_H264, "78 0002 0605 00", false},
	{"h264 STAP-A size alone", PLM_CODEC_H264, "78 0002", false},
	{"h264 FU-A first of IDR", PLM_CODEC_H264, "7c 85 88", true},
	{"h264 FU-A middle of IDR", PLM_CODEC_H264, "7c 05 88", false},
	{"h264 FU-A last of IDR", PLM_CODEC_H264, "7c 45 88", false},
	{"h264 FU-A first of slice", PLM_CODEC_H264, "5c 81 9a", false},
	{"h264 FU-A cut", PLM_CODEC_H264, "7c", false},

	// Aggregation header Z Y W W N; OBU header: type in bits 3-6 (1 sequence header, 6 frame)
	{"av1 empty", PLM_CODEC_AV1, "", false},
	{"av1 header only", PLM_CODEC_AV1, "08", false},
	{"av1 N", PLM_CODEC_AV1, "18 0a0b", true},
	{"av1 N but a continuation", PLM_CODEC_AV1, "98 0a0b", false},
	{"av1 W 1, sequence header", PLM_CODEC_AV1, "10 0a0b", true},
	{"av1 W 1, frame", PLM_CODEC_AV1, "10 320b", false},
	{"av1 W 2, sequence header first", PLM_CODEC_AV1, "20 02 0a0b 3200", true},
	{"av1 W 2, sequence header last", PLM_CODEC_AV1, "20 02 3200 0a0b", true},
	{"av1 W 2, none", PLM_CODEC_AV1, "20 02 3200 320b", false},
	{"av1 W 3, last", PLM_CODEC_AV1, "30 01 32 01 32 0a", true},
	{"av1 W 1, tail is not looked at", PLM_CODEC_AV1, "10 32 0a", false},
	{"av1 W 0, third", PLM_CODEC_AV1, "00 01 32 02 3200 02 0a0b", true},
	{"av1 W 0, element too long", PLM_CODEC_AV1, "00 03 0a0b", false},
	{"av1 W 0, empty element, then it", PLM_CODEC_AV1, "00 00 01 0a", true},
	{"av1 two byte length", PLM_CODEC_AV1, "00 8200 3200 01 0a", true},
	{"av1 length never ends", PLM_CODEC_AV1, "00 ffffffffffffffffffffff", false},
	{"av1 length cut", PLM_CODEC_AV1, "00 80", false},
	{"av1 length of 56 bits", PLM_CODEC_AV1, "00 ffffffffffffff7f 0a", false},
	{"av1 W 2, second missing", PLM_CODEC_AV1, "20 02 3200", false},
	{"av1 continuation", PLM_CODEC_AV1, "90 0a0b", false},
};

static void keyframe_table(void **) {
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct packet packet = packet_from_hex(rows[i].hex);

		if (plm_payload_is_keyframe(rows[i].codec, packet.data, packet.len)
		    != rows[i].keyframe)
			fail_msg("%s: wanted %d", rows[i].name, rows[i].keyframe);
		packet_free(&packet);
	}
}

static void has_keyframes_table(void **) {
	static const bool wanted[PLM_CODEC_COUNT + 1] = {
		[PLM_CODEC_VP8] = true,
		[PLM_CODEC_VP9] = true,
		[PLM_CODEC_H264] = true,
		[PLM_CODEC_AV1] = true,
	};

	for (int codec = 0; codec <= PLM_CODEC_COUNT; codec++)
		assert_int_equal(plm_payload_has_keyframes((enum plm_codec)codec), wanted[codec]);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keyframe_table),
		cmocka_unit_test(has_keyframes_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
