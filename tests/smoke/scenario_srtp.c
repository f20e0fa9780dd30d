// SPDX-License-Identifier: BSD-3-Clause

// Packets that must not pass, one drop reason each; the stream goes on.

#include "probe.h"

#include <stdio.h>
#include <string.h>

struct stage {
	struct peer *publisher, *viewer;
	struct source source;
	struct sink sink;
};

static void stage_setup(struct stage *stage, uint16_t suite, bool announce) {
	stage->publisher = peer_up(4, suite);
	stage->viewer = peer_up_elsewhere(4, suite, stage->publisher);
	source_add(&stage->source, stage->publisher, PLM_KIND_VIDEO, announce);
	sink_add(&stage->sink, stage->viewer, &stage->source);
	uint16_t first = stage->source.seq;
	source_send(&stage->source, true, 500);
	sink_expect(&stage->sink, 0, first, 1);
}

static void send_raw(struct stage *stage, const uint8_t *data, size_t len) {
	sock_send(stage->publisher->sock, data, len);
}

static void bad_rtp_suite(uint16_t suite) {
	struct stage stage;
	struct plm_transport_info info;
	uint8_t wire[1600];
	uint16_t first;
	unsigned len;

	stage_setup(&stage, suite, true);
	first = stage.source.seq;

	// Tampered: header, payload, tag.
	source_make(&stage.source, false, 300);
	len = stage.source.wire_len;
	memcpy(wire, stage.source.wire, len);
	for (unsigned i = 0; i < 3; i++) {
		unsigned at = i == 0 ? 5 : i == 1 ? len / 2 : len - 1;

		wire[at] ^= 0x40;
		send_raw(&stage, wire, len);
		wire[at] ^= 0x40;
	}
	drop_expect("srtp_auth", 3);
	send_raw(&stage, wire, len); // the good one
	send_raw(&stage, wire, len);
	drop_expect("srtp_replayed", 1);

	// Truncated: within the tag, within the header, header extension beyond the end.
	source_make(&stage.source, false, 300);
	send_raw(&stage, stage.source.wire, stage.source.wire_len - 1U);
	drop_expect("srtp_auth", 1);
	send_raw(&stage, stage.source.wire, stage.source.wire_len);
	send_raw(&stage, wire, 16);
	drop_expect("rtp_malformed", 1); // the extension is cut off
	wire[0] |= 0x0f; // fifteen CSRCs that are not there
	send_raw(&stage, wire, 40);
	drop_expect("rtp_malformed", 1);
	wire[0] &= 0xe0; // no extension: 12 bytes of header and less than a tag
	send_raw(&stage, wire, 15);
	drop_expect("srtp_malformed", 1);
	wire[0] = 0x40; // version 1
	send_raw(&stage, wire, 100);
	drop_expect("unknown_payload", 1);

	source_send(&stage.source, false, 300);
	sink_expect(&stage.sink, 1, first, 3);
	info = transport_info(stage.publisher->id);
	CHECK(info.rx_dropped == 8, "the transport counts %u dropped", (unsigned)info.rx_dropped);
	CHECK(info.rx_packets == 4, "the transport counts %u packets", (unsigned)info.rx_packets);
}

static void bad_rtp(void) {
	bad_rtp_suite(PLM_SRTP_AEAD_AES_128_GCM);
	bad_rtp_suite(PLM_SRTP_AES128_CM_HMAC_SHA1_80);
}

// Left of the replay window, which is 1024 wide.
static void too_old(void) {
	struct stage stage;
	uint8_t wire[1600];
	uint16_t first;
	unsigned len;

	stage_setup(&stage, SUITE_GCM, true);
	source_make(&stage.source, false, 100); // kept back
	len = stage.source.wire_len;
	memcpy(wire, stage.source.wire, len);
	stage.source.seq += 1100;
	first = stage.source.seq;
	source_send(&stage.source, false, 100);
	WAIT(sink_count(&stage.sink) == 2, WAIT_MS, "the stream does not go on after a jump");
	send_raw(&stage, wire, len);
	drop_expect("srtp_too_old", 1);
	source_send(&stage.source, false, 100);
	sink_expect(&stage.sink, 1, first, 2);
}

static void bad_rtcp(void) {
	struct stage stage;
	uint8_t data[256] = {0}, wire[256];
	// The last word is where SRTCP has its index: with the bit that says "encrypted".
	const struct plm_rtcp_sr sr = {.ssrc = 1, .ntp = 1, .octets = 0x80000100};
	int len;

	stage_setup(&stage, SUITE_GCM, true);
	len = plm_rtcp_sr_write(data, sizeof(data), &sr, NULL, 0);
	data[3] = 50; // the item is longer than the packet
	control_send(stage.publisher, data, (size_t)len);
	drop_expect("rtcp_malformed", 1);
	len = plm_rtcp_sr_write(data, sizeof(data), &sr, NULL, 0);
	memcpy(wire, data, (size_t)len);
	control_send(stage.publisher, data, (size_t)len); // of an SSRC that is not known: no matter
	sock_send(stage.publisher->sock, data, (size_t)len + 20);
	drop_expect("srtp_replayed", 1);
	sock_send(stage.publisher->sock, wire, (size_t)len); // in clear
	drop_expect("srtp_auth", 1);
	sock_send(stage.publisher->sock, wire, 8);
	drop_expect("srtp_malformed", 1);
	uint16_t first = stage.source.seq;
	source_send(&stage.source, false, 100);
	sink_expect(&stage.sink, 1, first, 1);
}

static void unknown_ssrc(void) {
	struct stage stage;
	struct source stranger;
	uint16_t first;

	stage_setup(&stage, SUITE_GCM, true);
	// A second stream that nobody negotiated: other SSRC, no MID.
	stranger = stage.source;
	stranger.ssrc ^= 0x5555;
	stranger.no_mid = true;
	source_send(&stranger, false, 100);
	drop_expect("unknown_ssrc", 1);
	// The announced SSRC with a payload type that was not negotiated.
	stranger = stage.source;
	stranger.add.payload_type = 97;
	source_send(&stranger, false, 100);
	drop_expect("unknown_ssrc", 1);
	stage.source.seq++; // that number is used up
	// Another SSRC cannot take over a stream whose SSRC was announced, MID or not.
	stranger = stage.source;
	stranger.ssrc ^= 0x7777;
	source_send(&stranger, true, 100);
	drop_expect("unknown_ssrc", 1);
	// A viewer that sends.
	stranger = stage.source;
	stranger.peer = stage.viewer;
	source_send(&stranger, true, 100);
	drop_expect("unknown_ssrc", 1);
	first = stage.source.seq;
	source_send(&stage.source, false, 100);
	WAIT(sink_count(&stage.sink) == 2, WAIT_MS, "the stream does not go on");
	CHECK(sink_at(&stage.sink, 1)->source_seq == first && sink_at(&stage.sink, 1)->intact,
	      "another packet came");
}

static void learn_mid(void) {
	struct peer *publisher = peer_up(4, SUITE_GCM), *viewer = peer_up(4, SUITE_GCM);
	struct source video, audio;
	struct sink to_video, to_audio;
	uint16_t first;

	source_add(&video, publisher, PLM_KIND_VIDEO, false);
	source_add(&audio, publisher, PLM_KIND_AUDIO, false);
	sink_add(&to_video, viewer, &video);
	sink_add(&to_audio, viewer, &audio);
	CHECK(producer_info(video.producer_id).ssrc == 0, "an SSRC before any packet");
	first = video.seq;
	source_send(&video, true, 200);
	WAIT(producer_info(video.producer_id).ssrc == video.ssrc, WAIT_MS, "the SSRC is not learned"
	);
	video.no_mid = true; // once is enough
	source_send(&video, false, 200);
	sink_expect(&to_video, 0, first, 2);
	WAIT(event_find(PLM_API_EVENT_PRODUCER, video.producer_id, PLM_PRODUCER_EV_ACTIVE) != NULL,
	     WAIT_MS,
	     "no event of the first packet");
	CHECK(event_find(PLM_API_EVENT_PRODUCER, video.producer_id, PLM_PRODUCER_EV_ACTIVE)->ssrc
		      == video.ssrc,
	      "the event names another SSRC");
	// By payload type where there is no MID at all.
	audio.no_mid = true;
	first = audio.seq;
	source_send(&audio, false, 80);
	source_send(&audio, false, 80);
	sink_expect(&to_audio, 0, first, 2);
	CHECK(producer_info(audio.producer_id).audio_level == 33,
	      "audio level %u",
	      producer_info(audio.producer_id).audio_level);
}

const struct scenario srtp_scenarios[] = {
	{"bad_rtp", bad_rtp, "tampered, replayed and truncated RTP is dropped by name"},
	{"too_old", too_old, "RTP left of the replay window is dropped"},
	{"bad_rtcp", bad_rtcp, "bad RTCP is dropped by name"},
	{"unknown_ssrc", unknown_ssrc, "streams that were not negotiated are dropped"},
	{"learn_mid", learn_mid, "SSRCs are learned by MID, else by payload type"},
	{0},
};
