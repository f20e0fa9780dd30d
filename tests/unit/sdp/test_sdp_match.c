// SPDX-License-Identifier: BSD-3-Clause

// Which of a viewer's payload types takes which stream, and which codec a publisher is answered
// with.

#include "sdp_vectors.h"

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRANSPORT                                                                                  \
	"a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n"                                 \
	"a=fingerprint:" LOCAL_FINGERPRINT "\r\na=setup:actpass\r\na=rtcp-mux\r\na=mid:0\r\n"

// One section with these payload types and lines.
static void offer_negotiate(
	const char *kind,
	const char *formats,
	const char *attrs,
	enum sdp_role role,
	const struct sdp_track *want,
	struct negotiated *out
) {
	char offer[4096];
	int len = snprintf(
		offer,
		sizeof(offer),
		"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
		"m=%s 9 UDP/TLS/RTP/SAVPF %s\r\n" TRANSPORT "%s",
		kind,
		formats,
		attrs
	);

	negotiate(offer, (size_t)len, role, false, want, want != NULL, out);
}

#define H264(type, fmtp) "a=rtpmap:" type " H264/90000\r\na=fmtp:" type " " fmtp "\r\n"
#define VP9(type, fmtp) "a=rtpmap:" type " VP9/90000\r\na=fmtp:" type " " fmtp "\r\n"
#define AV1(type, fmtp) "a=rtpmap:" type " AV1/90000\r\na=fmtp:" type " " fmtp "\r\n"
#define VP8(type) "a=rtpmap:" type " VP8/90000\r\n"
#define OPUS(type) "a=rtpmap:" type " opus/48000/2\r\n"

// What is published, what the viewer offers, the payload type it gets (-1: none).
static const struct {
	enum plm_codec codec;
	const char *stream;
	const char *formats;
	const char *attrs;
	int type;
} matrix[] = {
	{PLM_CODEC_OPUS, "", "111", OPUS("111"), 111},
	{PLM_CODEC_OPUS, "useinbandfec=1", "9 109", OPUS("109") "a=fmtp:109 stereo=1\r\n", 109},
	{PLM_CODEC_OPUS, "", "0 8", "a=rtpmap:0 PCMU/8000\r\n", -1},
	{PLM_CODEC_OPUS, "", "111", "a=rtpmap:111 opus/48000\r\n", -1},
	{PLM_CODEC_OPUS, "", "111", "a=rtpmap:111 opus/16000/2\r\n", -1},
	{PLM_CODEC_OPUS, "", "111", "", -1},
	{PLM_CODEC_VP8, "", "96", VP8("96"), 96},
	{PLM_CODEC_VP8, "", "97", "a=rtpmap:97 vp8/90000\r\n", 97},
	{PLM_CODEC_VP8, "", "97", "a=rtpmap:97 VP80/90000\r\n", -1},
	{PLM_CODEC_VP8, "", "97", VP8("96"), -1},
	{PLM_CODEC_VP8, "", "98 96", VP9("98", "profile-id=0") VP8("96"), 96},
	{PLM_CODEC_VP9, "", "98", VP9("98", "profile-id=0"), 98},
	{PLM_CODEC_VP9, "profile-id=0", "98", "a=rtpmap:98 VP9/90000\r\n", 98},
	{PLM_CODEC_VP9,
	 "profile-id=2",
	 "98 100",
	 VP9("98", "profile-id=0") VP9("100", "profile-id=2"),
	 100},
	{PLM_CODEC_VP9, "profile-id=1", "98", VP9("98", "profile-id=0"), -1},
	{PLM_CODEC_VP9, "", "98", VP9("98", "profile-id=x"), -1},
	{PLM_CODEC_AV1, "level-idx=5;profile=0;tier=0", "45", "a=rtpmap:45 AV1/90000\r\n", 45},
	{PLM_CODEC_AV1, "", "45 47", AV1("47", "profile=0") AV1("45", "profile=1"), 47},
	{PLM_CODEC_AV1, "profile=1", "45", AV1("45", "level-idx=5;profile=0"), -1},
	// The same profile in its several forms.
	{PLM_CODEC_H264,
	 "packetization-mode=1;profile-level-id=42e01f",
	 "102",
	 H264("102", "profile-level-id=42e034;packetization-mode=1"),
	 102},
	{PLM_CODEC_H264,
	 "packetization-mode=1;profile-level-id=42e01f",
	 "102",
	 H264("102", "packetization-mode=1; profile-level-id=42C00D"),
	 102},
	{PLM_CODEC_H264,
	 "packetization-mode=1;profile-level-id=4d8015",
	 "102",
	 H264("102", "packetization-mode=1;profile-level-id=42401f"),
	 102},
	// The exact profile and mode are preferred to a superset that stands before them.
	{PLM_CODEC_H264,
	 "packetization-mode=1;profile-level-id=42e01f",
	 "102 104 108",
	 H264("102", "packetization-mode=1;profile-level-id=42001f")
		 H264("104", "packetization-mode=0;profile-level-id=42e01f")
			 H264("108", "packetization-mode=1;profile-level-id=42e01f"),
	 108},
	{PLM_CODEC_H264,
	 "packetization-mode=1;profile-level-id=42001f",
	 "108 102",
	 H264("108", "packetization-mode=1;profile-level-id=42e01f")
		 H264("102", "packetization-mode=1;profile-level-id=42001f"),
	 102},
	// Supersets.
	{PLM_CODEC_H264,
	 "packetization-mode=1;profile-level-id=42e01f",
	 "99",
	 H264("99", "packetization-mode=1;profile-level-id=640c1f"),
	 99},
	{PLM_CODEC_H264,
	 "packetization-mode=1;profile-level-id=42001f",
	 "99",
	 H264("99", "packetization-mode=1;profile-level-id=42e01f"),
	 99},
	{PLM_CODEC_H264,
	 "packetization-mode=1;profile-level-id=4d001f",
	 "99",
	 H264("99", "packetization-mode=1;profile-level-id=64001f"),
	 99},
	{PLM_CODEC_H264,
	 "packetization-mode=1;profile-level-id=64001f",
	 "99",
	 H264("99", "packetization-mode=1;profile-level-id=42e01f"),
	 -1},
	{PLM_CODEC_H264,
	 "packetization-mode=1;profile-level-id=4d001f",
	 "99",
	 H264("99", "packetization-mode=1;profile-level-id=42e01f"),
	 -1},
	{PLM_CODEC_H264,
	 "packetization-mode=1;profile-level-id=f4001f",
	 "99",
	 H264("99", "packetization-mode=1;profile-level-id=f4001f"),
	 99},
	{PLM_CODEC_H264,
	 "packetization-mode=1;profile-level-id=f4001f",
	 "99",
	 H264("99", "packetization-mode=1;profile-level-id=64001f"),
	 -1},
	// Modes: 1 takes what 0 sends, not the other way; 2 is never taken.
	{PLM_CODEC_H264,
	 "packetization-mode=0;profile-level-id=42e01f",
	 "99",
	 H264("99", "packetization-mode=1;profile-level-id=42e01f"),
	 99},
	{PLM_CODEC_H264,
	 "packetization-mode=1;profile-level-id=42e01f",
	 "99",
	 H264("99", "profile-level-id=42e01f"),
	 -1},
	{PLM_CODEC_H264,
	 "packetization-mode=1;profile-level-id=42e01f",
	 "99",
	 H264("99", "packetization-mode=2;profile-level-id=42e01f"),
	 -1},
	// Defaults: mode 0, baseline.
	{PLM_CODEC_H264, "", "99", "a=rtpmap:99 H264/90000\r\n", 99},
	{PLM_CODEC_H264,
	 "packetization-mode=1;profile-level-id=42e01f",
	 "99",
	 H264("99", "packetization-mode=1;profile-level-id=42e0zz"),
	 -1},
};

static enum plm_kind kind_of(enum plm_codec codec) {
	return codec == PLM_CODEC_OPUS ? PLM_KIND_AUDIO : PLM_KIND_VIDEO;
}

static void watching(void **) {
	for (size_t i = 0; i < sizeof(matrix) / sizeof(matrix[0]); i++) {
		enum plm_kind kind = kind_of(matrix[i].codec);
		struct sdp_track want = stream_make(kind, matrix[i].codec, matrix[i].stream);
		struct negotiated out;
		int type;

		offer_negotiate(
			kind == PLM_KIND_AUDIO ? "audio" : "video",
			matrix[i].formats,
			matrix[i].attrs,
			SDP_WATCH,
			&want,
			&out
		);
		type = out.result == 0 ? out.tracks[0].payload_type : -1;
		if (type != matrix[i].type)
			fail_msg(
				"row %zu: type %d, not %d: %s", i, type, matrix[i].type, out.error
			);
		if (type < 0)
			assert_int_equal(out.result, -ENOTSUP);
		negotiated_clear(&out);
	}
}

static void publishing(void **) {
	static const struct {
		const char *kind, *formats, *attrs;
		int type;
		enum plm_codec codec;
		const char *fmtp;
	} cases[] = {
		// The offer's order of the m= line counts, not that of the attributes.
		{"video",
		 "98 96",
		 VP8("96") VP9("98", "profile-id=2"),
		 98,
		 PLM_CODEC_VP9,
		 "profile-id=2"},
		{"video",
		 "97 96",
		 "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n" VP8("96"),
		 96,
		 PLM_CODEC_VP8,
		 ""},
		{"video", "99 96", "a=rtpmap:99 H265/90000\r\n" VP8("96"), 96, PLM_CODEC_VP8, ""},
		{"video",
		 "99 96",
		 H264("99", "packetization-mode=2") VP8("96"),
		 96,
		 PLM_CODEC_VP8,
		 ""},
		{"video",
		 "99",
		 H264("99", "profile-level-id=42e01f;x=1;packetization-mode=1;y"),
		 99,
		 PLM_CODEC_H264,
		 "packetization-mode=1;profile-level-id=42e01f"},
		{"video",
		 "45",
		 AV1("45", "tier=0;level-idx=5;profile=0"),
		 45,
		 PLM_CODEC_AV1,
		 "level-idx=5;profile=0;tier=0"},
		{"audio",
		 "0 96",
		 "a=rtpmap:96 OPUS/48000/2\r\na=fmtp:96 usedtx=1; cbr=1\r\n",
		 96,
		 PLM_CODEC_OPUS,
		 "cbr=1"},
		{"audio",
		 "96",
		 OPUS("96") "a=fmtp:96 cbr=a\"b;stereo=;minptime=123456789\r\n",
		 96,
		 PLM_CODEC_OPUS,
		 ""},
		{"audio", "128 300 x", OPUS("128"), -1, 0, NULL},
		{"audio", "0 8 9", "", -1, 0, NULL},
		{"video", "111", OPUS("111"), -1, 0, NULL},
		{"text", "96", VP8("96"), -1, 0, NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct negotiated out;

		offer_negotiate(
			cases[i].kind, cases[i].formats, cases[i].attrs, SDP_PUBLISH, NULL, &out
		);
		if ((out.result == 0) != (cases[i].type >= 0))
			fail_msg("case %zu: %d %s", i, out.result, out.error);
		if (out.result == 0) {
			assert_int_equal(out.tracks[0].payload_type, cases[i].type);
			assert_int_equal(out.tracks[0].codec, cases[i].codec);
			assert_string_equal(out.tracks[0].fmtp, cases[i].fmtp);
		}
		negotiated_clear(&out);
	}
}

static void feedback(void **) {
	struct negotiated out;
	char *answer;

	offer_negotiate(
		"video",
		"96 97",
		VP8("96") "a=rtcp-fb:* nack pli\r\na=rtcp-fb:96 ccm fir\r\na=rtcp-fb:97 nack\r\n"
			  "a=rtcp-fb:96 nack foo\r\na=rtcp-fb:96 transport-cc\r\n",
		SDP_PUBLISH,
		NULL,
		&out
	);
	assert_int_equal(out.result, 0);
	assert_true(out.tracks[0].pli && out.tracks[0].fir && out.tracks[0].transport_cc);
	assert_false(out.tracks[0].nack || out.tracks[0].remb);
	answer = answer_print(&out);
	assert_non_null(strstr(answer, "a=rtcp-fb:96 nack pli\r\na=rtcp-fb:96 ccm fir\r\n"));
	assert_null(strstr(answer, "transport-cc"));
	assert_null(strstr(answer, "a=rtcp-fb:96 nack\r\n"));
	// One section needs no group; rtcp-rsize was not offered.
	assert_null(strstr(answer, "BUNDLE"));
	assert_null(strstr(answer, "rsize"));
	free(answer);
	negotiated_clear(&out);
}

static void extension_ids(void **) {
	struct negotiated out;

	offer_negotiate(
		"video",
		"96",
		VP8("96") "a=extmap:15 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
			  "a=extmap:0 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
			  "a=extmap:256 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
			  "a=extmap:255 urn:ietf:params:rtp-hdrext:sdes:mid attributes here\r\n"
			  "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
			  "a=extmap:3 urn:unknown\r\n"
			  "a=extmap:3 urn:3gpp:video-orientation\r\n"
			  "a=extmap:4 urn:3gpp:video-orientationX\r\n"
			  "a=extmap:5 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n",
		SDP_PUBLISH,
		NULL,
		&out
	);
	assert_int_equal(out.result, 0);
	assert_int_equal(out.tracks[0].ext.ids[PLM_EXT_MID], 255);
	assert_int_equal(out.tracks[0].ext.ids[PLM_EXT_VIDEO_ORIENTATION], 0);
	assert_int_equal(out.tracks[0].ext.ids[PLM_EXT_AUDIO_LEVEL], 0);
	negotiated_clear(&out);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(watching),
		cmocka_unit_test(publishing),
		cmocka_unit_test(feedback),
		cmocka_unit_test(extension_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
