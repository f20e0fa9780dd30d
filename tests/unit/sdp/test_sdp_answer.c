// SPDX-License-Identifier: BSD-3-Clause

// Real offers: what is negotiated of them, and the answers they get.

#include "sdp_vectors.h"

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *attr(const struct sdp_media *media, const char *name) {
	return sdp_attr_find(media->attrs, media->n_attrs, name);
}

static unsigned attr_count(const struct sdp_media *media, const char *name) {
	unsigned count = 0;

	for (unsigned i = 0; i < media->n_attrs; i++)
		count += strcmp(media->attrs[i].name, name) == 0;
	return count;
}

static bool attr_has(const struct sdp_media *media, const char *name, const char *value) {
	for (unsigned i = 0; i < media->n_attrs; i++)
		if (strcmp(media->attrs[i].name, name) == 0
		    && strcmp(media->attrs[i].value, value) == 0)
			return true;
	return false;
}

// What holds for every accepted section of every answer.
static void check_accepted(const struct sdp_media *media) {
	assert_int_equal(media->n_formats, 1);
	assert_int_equal(media->port, 3478);
	assert_string_equal(attr(media, "ice-ufrag"), LOCAL_UFRAG);
	assert_string_equal(attr(media, "ice-pwd"), LOCAL_PWD);
	assert_string_equal(attr(media, "fingerprint"), LOCAL_FINGERPRINT);
	assert_string_equal(attr(media, "setup"), "passive");
	assert_non_null(attr(media, "rtcp-mux"));
	assert_int_equal(attr_count(media, "rtpmap"), 1);
	assert_null(attr(media, "rid"));
	assert_null(attr(media, "simulcast"));
	for (unsigned i = 0; i < media->n_attrs; i++)
		assert_null(strstr(media->attrs[i].value, "transport"));
}

// Not accepted, but the bundle rides on its transport.
static void check_kept(const struct sdp_media *media) {
	check_accepted(media);
	assert_non_null(attr(media, "inactive"));
	assert_null(attr(media, "recvonly"));
	assert_null(attr(media, "sendonly"));
	assert_null(attr(media, "extmap"));
	assert_null(attr(media, "ssrc"));
	assert_int_equal(attr_count(media, "candidate"), 2);
}

static void check_refused(const struct sdp_media *media) {
	assert_int_equal(media->port, 0);
	assert_non_null(attr(media, "inactive"));
	assert_null(attr(media, "ice-ufrag"));
	assert_null(attr(media, "candidate"));
}

static void publish_simulcast(void **) {
	struct negotiated out;
	const struct sdp_media *video, *audio;
	struct sdp *sdp;
	size_t len;
	char *offer = vector_read("chromium-publish-simulcast.sdp", &len);

	negotiate(offer, len, SDP_PUBLISH, false, NULL, 0, &out);
	assert_int_equal(out.result, 0);
	assert_int_equal(out.n, 2);
	assert_int_equal(out.tracks[0].kind, PLM_KIND_VIDEO);
	assert_int_equal(out.tracks[0].codec, PLM_CODEC_VP8);
	assert_int_equal(out.tracks[0].payload_type, 96);
	assert_int_equal(out.tracks[0].clock_rate, 90000);
	assert_int_equal(out.tracks[0].ssrc, 0);
	assert_string_equal(out.tracks[0].mid, "0");
	assert_string_equal(out.tracks[0].fmtp, "");
	assert_string_equal(out.tracks[0].msid, "304d7665-4aa0-477e-a897-71f5d2c03b5d");
	assert_true(out.tracks[0].nack && out.tracks[0].pli && out.tracks[0].fir);
	assert_true(out.tracks[0].remb && out.tracks[0].transport_cc);
	assert_int_equal(out.tracks[0].ext.ids[PLM_EXT_MID], 9);
	assert_int_equal(out.tracks[0].ext.ids[PLM_EXT_DEPENDENCY_DESCRIPTOR], 13);
	assert_int_equal(out.tracks[0].ext.ids[PLM_EXT_ABS_SEND_TIME], 2);
	assert_int_equal(out.tracks[0].ext.ids[PLM_EXT_TRANSPORT_CC], 0);
	assert_int_equal(out.tracks[0].ext.ids[PLM_EXT_TOFFSET], 0);
	assert_int_equal(out.tracks[0].ext.ids[PLM_EXT_RID], 10);
	assert_int_equal(out.tracks[0].ext.ids[PLM_EXT_REPAIRED_RID], 0);
	assert_int_equal(out.tracks[1].codec, PLM_CODEC_OPUS);
	assert_int_equal(out.tracks[1].payload_type, 111);
	assert_int_equal(out.tracks[1].channels, 2);
	assert_int_equal(out.tracks[1].ssrc, 4248205613U);
	assert_string_equal(out.tracks[1].fmtp, "minptime=10;useinbandfec=1");
	assert_int_equal(out.tracks[1].ext.ids[PLM_EXT_AUDIO_LEVEL], 12);
	assert_false(out.tracks[1].nack);

	assert_string_equal(out.remote.ufrag, "oXga");
	assert_string_equal(out.remote.pwd, "m0d+nUxOH4Nf+0ObrwssKr2E");
	assert_string_equal(out.remote.fingerprint_hash, "sha-256");
	assert_int_equal(out.remote.fingerprint_len, 32);
	assert_int_equal(out.remote.fingerprint[0], 0xcf);
	assert_int_equal(out.remote.fingerprint[31], 0x50);
	assert_false(out.remote.ice_lite);
	// The three over UDP of the section that carries the bundle.
	assert_int_equal(out.remote.n_candidates, 3);
	assert_string_equal(
		out.remote.candidates[0],
		"candidate:944819385 1 udp 2122194687 192.0.2.2 54064 typ host generation 0 "
		"network-id 1"
	);

	sdp = answer_parse(&out);
	assert_int_equal(sdp->version, 2);
	assert_int_equal(sdp->n_media, 2);
	assert_string_equal(sdp_attr_find(sdp->attrs, sdp->n_attrs, "group"), "BUNDLE 0 1");
	assert_string_equal(sdp_attr_find(sdp->attrs, sdp->n_attrs, "ice-options"), "trickle");
	assert_non_null(sdp_attr_find(sdp->attrs, sdp->n_attrs, "extmap-allow-mixed"));
	video = &sdp->media[0];
	audio = &sdp->media[1];
	check_accepted(video);
	check_accepted(audio);
	assert_string_equal(video->kind, "video");
	assert_string_equal(video->formats, "96");
	assert_string_equal(attr(video, "mid"), "0");
	assert_non_null(attr(video, "recvonly"));
	assert_non_null(attr(video, "rtcp-rsize"));
	assert_int_equal(attr_count(video, "rtcp-fb"), 4);
	assert_true(attr_has(video, "rtcp-fb", "96 nack"));
	assert_true(attr_has(video, "rtcp-fb", "96 nack pli"));
	assert_true(attr_has(video, "rtcp-fb", "96 ccm fir"));
	assert_true(attr_has(video, "rtcp-fb", "96 goog-remb"));
	assert_int_equal(attr_count(video, "extmap"), 8);
	assert_true(attr_has(video, "extmap", "9 urn:ietf:params:rtp-hdrext:sdes:mid"));
	assert_null(attr(video, "ssrc"));
	assert_int_equal(attr_count(video, "candidate"), 2);
	assert_true(attr_has(video, "candidate", "1 1 udp 2130706431 198.18.0.1 3478 typ host"));
	assert_true(attr_has(video, "candidate", "2 1 udp 2130706175 2001:db8::7 3478 typ host"));
	assert_non_null(attr(video, "end-of-candidates"));
	assert_int_equal(attr_count(audio, "candidate"), 0);
	assert_string_equal(attr(audio, "fmtp"), "111 minptime=10;useinbandfec=1");
	assert_int_equal(attr_count(audio, "rtcp-fb"), 0);
	assert_int_equal(attr_count(audio, "extmap"), 3);
	sdp_free(sdp);
	negotiated_clear(&out);
	free(offer);
}

static void publish_audio_only_room(void **) {
	struct negotiated out;
	struct sdp *sdp;
	size_t len;
	char *offer = vector_read("chromium-publish-simulcast.sdp", &len);

	negotiate(offer, len, SDP_PUBLISH, true, NULL, 0, &out);
	assert_int_equal(out.result, 0);
	assert_int_equal(out.n, 1);
	assert_string_equal(out.tracks[0].mid, "1");
	sdp = answer_parse(&out);
	assert_string_equal(sdp_attr_find(sdp->attrs, sdp->n_attrs, "group"), "BUNDLE 1");
	assert_int_equal(sdp->n_media, 2);
	check_refused(&sdp->media[0]);
	assert_string_equal(
		sdp->media[0].formats,
		"96 97 102 103 104 107 108 109 114 115 116 117 39 40 45 46 98 99 100 101 118 119 "
		"120"
	);
	check_accepted(&sdp->media[1]);
	assert_int_equal(attr_count(&sdp->media[1], "candidate"), 2);
	sdp_free(sdp);
	negotiated_clear(&out);
	free(offer);
}

static void publish_audio(void **) {
	struct negotiated out;
	struct sdp_track want;
	struct sdp *sdp;
	size_t len;
	char *offer = vector_read("chromium-publish-audio.sdp", &len);

	for (int audio_only = 0; audio_only < 2; audio_only++) {
		negotiate(offer, len, SDP_PUBLISH, audio_only, NULL, 0, &out);
		assert_int_equal(out.result, 0);
		assert_int_equal(out.n, 1);
		assert_int_equal(out.tracks[0].ssrc, 3372012657U);
		sdp = answer_parse(&out);
		check_accepted(&sdp->media[0]);
		sdp_free(sdp);
		negotiated_clear(&out);
	}
	want = stream_make(PLM_KIND_AUDIO, PLM_CODEC_OPUS, "");
	negotiate(offer, len, SDP_WATCH, false, &want, 1, &out);
	assert_int_equal(out.result, -EPROTO);
	assert_non_null(strstr(out.error, "recvonly"));
	free(offer);
}

static void watch(void **) {
	static const char *const files[] = {"chromium-watch.sdp", "chromium-watch-mdns.sdp"};
	struct sdp_track want[2] = {
		stream_make(PLM_KIND_AUDIO, PLM_CODEC_OPUS, "minptime=10;useinbandfec=1"),
		stream_make(
			PLM_KIND_VIDEO,
			PLM_CODEC_H264,
			"level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
		),
	};

	for (size_t f = 0; f < 2; f++) {
		struct negotiated out;
		struct sdp *sdp;
		size_t len;
		char *offer = vector_read(files[f], &len);

		negotiate(offer, len, SDP_WATCH, false, want, 2, &out);
		assert_int_equal(out.result, 0);
		assert_int_equal(out.n, 2);
		assert_int_equal(out.want_index[0], 1);
		assert_int_equal(out.want_index[1], 0);
		assert_int_equal(out.tracks[0].payload_type, 108);
		assert_int_equal(out.tracks[0].ext.ids[PLM_EXT_MID], 9);
		assert_int_equal(out.tracks[0].ext.ids[PLM_EXT_ABS_SEND_TIME], 0);
		assert_int_equal(out.tracks[1].payload_type, 111);
		assert_int_equal(out.tracks[1].ext.ids[PLM_EXT_AUDIO_LEVEL], 14);
		assert_int_equal(out.remote.n_candidates, f == 0 ? 3 : 2);
		for (unsigned i = 0; i < 2; i++) {
			out.tracks[i].ssrc = 1000 + i;
			strcpy(out.tracks[i].msid, "ann@home\r\na=evil");
			strcpy(out.tracks[i].cname, "cn");
		}
		sdp = answer_parse(&out);
		for (unsigned i = 0; i < 2; i++) {
			check_accepted(&sdp->media[i]);
			assert_non_null(attr(&sdp->media[i], "sendonly"));
			assert_null(attr(&sdp->media[i], "evil"));
		}
		assert_string_equal(attr(&sdp->media[0], "msid"), "ann@home__a=evil video-0");
		assert_true(attr_has(&sdp->media[0], "ssrc", "1000 cname:cn"));
		assert_true(attr_has(&sdp->media[0], "ssrc", "1000 msid:ann@home__a=evil video-0"));
		assert_true(attr_has(&sdp->media[1], "ssrc", "1001 cname:cn"));
		assert_string_equal(
			attr(&sdp->media[0], "fmtp"),
			"108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
		);
		sdp_free(sdp);
		negotiated_clear(&out);

		// Only audio is published: the video section is left over.
		negotiate(offer, len, SDP_WATCH, false, want, 1, &out);
		assert_int_equal(out.result, 0);
		assert_int_equal(out.n, 1);
		assert_string_equal(out.tracks[0].mid, "1");
		sdp = answer_parse(&out);
		// One has a port for each section, the other the same for both.
		if (f == 0)
			check_refused(&sdp->media[0]);
		else
			check_kept(&sdp->media[0]);
		assert_int_equal(attr_count(&sdp->media[1], "candidate"), f == 0 ? 2 : 0);

		check_accepted(&sdp->media[1]);
		sdp_free(sdp);
		negotiated_clear(&out);

		// Two audio tracks, one section: the second has no place.
		want[1] = want[0];
		negotiate(offer, len, SDP_WATCH, false, want, 2, &out);
		assert_int_equal(out.result, 0);
		assert_int_equal(out.n, 1);
		assert_int_equal(out.want_index[0], 0);
		negotiated_clear(&out);
		want[1] = stream_make(
			PLM_KIND_VIDEO,
			PLM_CODEC_H264,
			"packetization-mode=1;profile-level-id=42e01f"
		);

		negotiate(offer, len, SDP_PUBLISH, false, NULL, 0, &out);
		assert_int_equal(out.result, -EPROTO);
		assert_non_null(strstr(out.error, "sendonly"));
		free(offer);
	}
}

// Port 0 with a=bundle-only is an offer (RFC 9143); transport attributes once, at any level.
static void bundle_only(void **) {
	struct negotiated out;
	struct sdp *sdp;
	size_t len;
	char *offer = vector_read("bundle-only-session-level.sdp", &len);

	negotiate(offer, len, SDP_PUBLISH, false, NULL, 0, &out);
	assert_int_equal(out.result, 0);
	assert_int_equal(out.n, 2);
	assert_int_equal(out.tracks[0].payload_type, 120);
	assert_int_equal(out.tracks[0].ssrc, 3000000001U);
	assert_string_equal(out.tracks[0].msid, "camera");
	assert_int_equal(out.tracks[0].ext.ids[PLM_EXT_MID], 3);
	// One with a direction of its own is not taken.
	assert_int_equal(out.tracks[0].ext.ids[PLM_EXT_VIDEO_ORIENTATION], 0);
	assert_string_equal(out.tracks[1].mid, "mic");
	assert_int_equal(out.tracks[1].ext.ids[PLM_EXT_MID], 3);
	assert_int_equal(out.tracks[1].ext.ids[PLM_EXT_AUDIO_LEVEL], 1);
	assert_string_equal(out.tracks[1].fmtp, "useinbandfec=1;stereo=1;maxplaybackrate=48000");
	assert_string_equal(out.remote.ufrag, "a1b2c3d4");
	sdp = answer_parse(&out);
	assert_int_equal(sdp->version, 3);
	assert_int_equal(sdp->n_media, 3);
	assert_string_equal(sdp_attr_find(sdp->attrs, sdp->n_attrs, "group"), "BUNDLE cam mic");
	assert_null(sdp_attr_find(sdp->attrs, sdp->n_attrs, "extmap-allow-mixed"));
	check_accepted(&sdp->media[0]);
	check_accepted(&sdp->media[1]);
	check_refused(&sdp->media[2]);
	assert_string_equal(sdp->media[2].formats, "webrtc-datachannel");
	assert_string_equal(attr(&sdp->media[2], "mid"), "data");
	sdp_free(sdp);
	negotiated_clear(&out);

	// Max-bundle: the video carries the transport of the audio, so it stays, inactive.
	negotiate(offer, len, SDP_PUBLISH, true, NULL, 0, &out);
	assert_int_equal(out.result, 0);
	assert_int_equal(out.n, 1);
	assert_int_equal(out.tracks[0].kind, PLM_KIND_AUDIO);
	assert_string_equal(out.remote.ufrag, "a1b2c3d4");
	sdp = answer_parse(&out);
	assert_string_equal(sdp_attr_find(sdp->attrs, sdp->n_attrs, "group"), "BUNDLE cam mic");
	check_kept(&sdp->media[0]);
	check_accepted(&sdp->media[1]);
	assert_int_equal(attr_count(&sdp->media[1], "candidate"), 0);
	assert_non_null(attr(&sdp->media[1], "recvonly"));
	sdp_free(sdp);
	negotiated_clear(&out);
	free(offer);
}

static void extensions(void **) {
	for (enum plm_kind kind = PLM_KIND_AUDIO; kind <= PLM_KIND_VIDEO; kind++) {
		uint32_t publish = sdp_extensions_for(kind, SDP_PUBLISH);
		uint32_t watching = sdp_extensions_for(kind, SDP_WATCH);

		assert_int_equal(watching & ~publish, 0);
		assert_int_equal(
			publish & ~watching,
			1U << PLM_EXT_ABS_SEND_TIME
				| (kind == PLM_KIND_VIDEO ? 1U << PLM_EXT_RID : 0)
		);
		assert_int_equal(publish & 1U << PLM_EXT_TRANSPORT_CC, 0);
		assert_int_equal(publish & 1U << PLM_EXT_NONE, 0);
	}
	assert_int_equal(sdp_extensions_for(PLM_KIND_NONE, SDP_PUBLISH), 0);
}

// No address yet: port 9 and no candidate, still an answer.
static void no_address(void **) {
	struct sdp_local local = {
		.ufrag = LOCAL_UFRAG, .pwd = LOCAL_PWD, .fingerprint = LOCAL_FINGERPRINT};
	struct negotiated out;
	size_t len;
	char *offer = vector_read("chromium-publish-audio.sdp", &len), *answer;

	negotiate(offer, len, SDP_PUBLISH, false, NULL, 0, &out);
	assert_int_equal(out.result, 0);
	answer = sdp_answer(out.session, &local, out.tracks, out.n);
	assert_non_null(answer);
	assert_non_null(strstr(answer, "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"));
	assert_null(strstr(answer, "a=candidate"));
	free(answer);
	negotiated_clear(&out);
	free(offer);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(publish_simulcast),
		cmocka_unit_test(publish_audio_only_room),
		cmocka_unit_test(publish_audio),
		cmocka_unit_test(watch),
		cmocka_unit_test(bundle_only),
		cmocka_unit_test(extensions),
		cmocka_unit_test(no_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
