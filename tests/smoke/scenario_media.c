// SPDX-License-Identifier: BSD-3-Clause

// Streams from a publisher to viewers.

#include "probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PACKETS 100
#define VIEWERS 12

static void forward_suite(uint8_t family, uint16_t suite, uint16_t viewer_suite) {
	struct peer *publisher = peer_up(family, suite), *viewer = peer_up(family, viewer_suite);
	struct source source;
	struct sink sink;

	source_add(&source, publisher, PLM_KIND_VIDEO, true);
	sink_add(&sink, viewer, &source);
	uint16_t first = source.seq;
	source_send(&source, true, 1100);
	source_send_n(&source, PACKETS - 1);
	sink_expect(&sink, 0, first, PACKETS);
	CHECK(sink_at(&sink, 0)->ssrc == sink.ssrc, "another SSRC");
	CHECK(consumer_info(sink.consumer_id).packets == PACKETS, "the consumer counts otherwise");
	CHECK(producer_info(source.producer_id).packets == PACKETS,
	      "the producer counts otherwise");
	CHECK(producer_info(source.producer_id).lost == 0, "the producer counts losses");
}

static void forward(void) {
	forward_suite(4, PLM_SRTP_AEAD_AES_128_GCM, PLM_SRTP_AEAD_AES_128_GCM);
	forward_suite(4, PLM_SRTP_AES128_CM_HMAC_SHA1_80, PLM_SRTP_AEAD_AES_256_GCM);
	forward_suite(4, PLM_SRTP_AEAD_AES_256_GCM, PLM_SRTP_AES128_CM_HMAC_SHA1_80);
}

static void forward_v6(void) {
	forward_suite(6, SUITE_GCM, SUITE_GCM);
}

// Video and audio of one publisher to viewers on every worker, each in its own SSRCs.
static void fan_out(void) {
	struct peer *publisher = peer_up(4, SUITE_GCM), *viewers[VIEWERS];
	struct sink video_sinks[VIEWERS], audio_sinks[VIEWERS];
	struct source video, audio;
	uint64_t before = 0, after = 0;
	unsigned on_worker[16] = {0};

	source_add(&video, publisher, PLM_KIND_VIDEO, true);
	source_add(&audio, publisher, PLM_KIND_AUDIO, true);
	for (unsigned i = 0; i < VIEWERS; i++) {
		viewers[i] = i == 0 ? peer_up_elsewhere(4, SUITE_GCM, publisher)
				    : peer_up(i % 3 ? 4 : 6, SUITE_GCM);
		sink_add(&video_sinks[i], viewers[i], &video);
		sink_add(&audio_sinks[i], viewers[i], &audio);
		on_worker[transport_info(viewers[i]->id).worker]++;
	}
	for (unsigned w = 0; w < hello.n_workers; w++)
		before += worker_info(w).fanned_out;
	uint16_t first_video = video.seq, first_audio = audio.seq;
	for (unsigned i = 0; i < PACKETS; i++) {
		source_send(&video, i == 0, 1000);
		source_send(&audio, false, 100);
		pump(3);
	}
	for (unsigned i = 0; i < VIEWERS; i++) {
		sink_expect(&video_sinks[i], 0, first_video, PACKETS);
		sink_expect(&audio_sinks[i], 0, first_audio, PACKETS);
	}
	for (unsigned w = 0; w < hello.n_workers; w++) {
		after += worker_info(w).fanned_out;
		CHECK(on_worker[w] > 0 || hello.n_workers > 2, "worker %u has no viewer", w);
	}
	// One ring entry a packet and worker, not one a viewer.
	CHECK(after - before == 2U * PACKETS * (hello.n_workers - 1U),
	      "%u source packets were given to other workers",
	      (unsigned)(after - before));
	if (hello.n_workers > 1 && worker_info(1).rx_packets == 0)
		CHECK(worker_info(0).handed_over > 0, "no stray was handed over");
}

static void extensions(void) {
	struct peer *publisher = peer_up(4, SUITE_GCM), *viewer = peer_up(4, SUITE_GCM);
	struct source source;
	struct sink sink, wide;
	const uint8_t *data;
	uint8_t len;

	source_add(&source, publisher, PLM_KIND_VIDEO, true);
	sink_add(&sink, viewer, &source);
	// A second consumer with ids that only the two-byte form has, and one extension only.
	wide = sink;
	wide.ssrc ^= 0xff;
	wide.consumer_id = relay_id();
	wide.add.id = wide.consumer_id;
	wide.add.ssrc = wide.ssrc;
	memset(&wide.add.ext, 0, sizeof(wide.add.ext));
	wide.add.ext.ids[PLM_EXT_ABS_SEND_TIME] = 200;
	relay_do(PLM_API_CONSUMER_ADD, &wide.add, sizeof(wide.add));
	uint16_t first = source.seq;
	source_send(&source, true, 333);
	sink_expect(&sink, 0, first, 1);
	sink_expect(&wide, 0, first, 1);

	const struct media *m = sink_at(&sink, 0);
	CHECK(m->n_ext == 3, "%u extensions instead of 3", m->n_ext);
	data = media_ext(m, 9, &len);
	CHECK(data != NULL && len == 1 && data[0] == '7', "the viewer's MID is not there");
	data = media_ext(m, 5, &len);
	CHECK(data != NULL && len == 3 && data[2] == 0x5a && data[1] == (uint8_t)first,
	      "abs-send-time is not there");
	data = media_ext(m, 1, &len);
	CHECK(data != NULL && len == 1 && data[0] == 1, "video-orientation is not there");
	m = sink_at(&wide, 0);
	data = media_ext(m, 200, &len);
	CHECK(m->n_ext == 1 && data != NULL && len == 3 && data[2] == 0x5a,
	      "the two-byte form is wrong");
}

static void starts_at_keyframe(void) {
	struct peer *publisher = peer_up(4, SUITE_GCM), *viewer = peer_up(4, SUITE_GCM);
	struct source source;
	struct sink sink;

	source_add(&source, publisher, PLM_KIND_VIDEO, true);
	source_send_n(&source, 20);
	sink_add(&sink, viewer, &source);
	source_send_n(&source, 20);
	CHECK(sink_count(&sink) == 0, "a viewer got what it cannot decode");
	CHECK(consumer_info(sink.consumer_id).waiting_keyframe == 1, "it does not wait");
	WAIT(control_count(publisher, PLM_RTCP_PSFB, PLM_PSFB_PLI, NULL) >= 1,
	     WAIT_MS,
	     "the publisher was not asked for a key frame");
	uint16_t first = source.seq;
	source_send(&source, true, 900);
	source_send_n(&source, 20);
	sink_expect(&sink, 0, first, 21);
	CHECK(sink_at(&sink, 0)->keyframe, "the first packet is no key frame");
	CHECK(consumer_info(sink.consumer_id).waiting_keyframe == 0, "it still waits");
}

static void set_paused(const struct sink *sink, bool paused) {
	const struct plm_consumer_set set = {.id = sink->consumer_id, .paused = paused};

	relay_do(PLM_API_CONSUMER_SET, &set, sizeof(set));
}

// Numbers and times go on after a gap in the source.
static void continues(const struct sink *sink, unsigned at) {
	const struct media *before = sink_at(sink, at - 1), *after = sink_at(sink, at);
	uint32_t ticks = after->timestamp - before->timestamp;

	CHECK((uint16_t)(after->seq - before->seq) == 1,
	      "number %u after %u",
	      after->seq,
	      before->seq);
	CHECK(ticks > 0 && ticks < 90000 * 10, "the timestamp moves by %u", ticks);
}

static void pause_resume(void) {
	struct peer *publisher = peer_up(4, SUITE_GCM), *viewer = peer_up(4, SUITE_GCM);
	struct source source;
	struct sink sink;
	unsigned plis, had;

	source_add(&source, publisher, PLM_KIND_VIDEO, true);
	sink_add(&sink, viewer, &source);
	uint16_t first = source.seq;
	source_send(&source, true, 100);
	source_send_n(&source, 9);
	sink_expect(&sink, 0, first, 10);
	set_paused(&sink, true);
	CHECK(consumer_info(sink.consumer_id).paused == 1, "not paused");
	source_send_n(&source, 15);
	plis = control_count(publisher, PLM_RTCP_PSFB, PLM_PSFB_PLI, NULL);
	set_paused(&sink, false);
	source_send_n(&source, 5); // not decodable yet
	WAIT(control_count(publisher, PLM_RTCP_PSFB, PLM_PSFB_PLI, NULL) > plis,
	     WAIT_MS,
	     "no key frame is asked for after the pause");
	had = sink_count(&sink);
	CHECK(had == 10, "%u packets came in the pause", had - 10);
	first = source.seq;
	source_send(&source, true, 100);
	source_send_n(&source, 9);
	sink_expect(&sink, 10, first, 10);
	continues(&sink, 10);
	// One that starts paused.
	struct sink paused;
	sink_add_with(&paused, viewer, &source, true);
	source_send(&source, true, 100);
	source_send_n(&source, 3);
	CHECK(sink_count(&paused) == 0, "packets for one that starts paused");
	set_paused(&paused, false);
	first = source.seq;
	source_send(&source, true, 100);
	source_send_n(&source, 3);
	sink_expect(&paused, 0, first, 4);
}

// A consumer that is deleted and added anew uses its SSRC and its keys a second time: no number may
// be used a second time.
static void comes_back(void) {
	struct peer *publisher = peer_up(4, SUITE_GCM);
	struct peer *viewer = peer_up_elsewhere(4, SUITE_GCM, publisher);
	struct source source;
	struct sink sink;
	unsigned n = 0;

	source_add(&source, publisher, PLM_KIND_VIDEO, true);
	sink_add(&sink, viewer, &source);
	for (unsigned life = 0; life < 10; life++) {
		uint16_t first = source.seq;

		source_send(&source, true, 200);
		source_send_n(&source, 4);
		sink_expect(&sink, n, first, 5);
		if (n > 0)
			continues(&sink, n);
		n += 5;
		relay_del(PLM_API_CONSUMER_DEL, sink.consumer_id);
		sink.consumer_id = sink.add.id = relay_id();
		relay_do(PLM_API_CONSUMER_ADD, &sink.add, sizeof(sink.add));
	}
	// The SSRCs of a transport are bounded.
	for (unsigned i = 1; i <= 15; i++) {
		struct plm_consumer_add add = sink.add;

		add.id = relay_id();
		add.ssrc += i;
		CHECK(relay_try(PLM_API_CONSUMER_ADD, &add, sizeof(add)) == (i < 15 ? 0 : ENOSPC),
		      "SSRC %u",
		      i + 1);
		relay_del(PLM_API_CONSUMER_DEL, add.id);
	}
}

// The publisher's stream goes on under another SSRC, many times; MID tells. Late packets of the one
// before are nobody's.
static void ssrc_change(void) {
	struct peer *publisher = peer_up(4, SUITE_GCM);
	struct peer *viewer = peer_up_elsewhere(4, SUITE_GCM, publisher);
	struct source source, before;
	struct sink sink;
	unsigned n = 0;

	source_add(&source, publisher, PLM_KIND_VIDEO, false);
	sink_add(&sink, viewer, &source);
	for (unsigned change = 0; change < 20; change++) {
		uint16_t first = source.seq;

		source_send(&source, true, 200);
		source_send_n(&source, 4);
		sink_expect(&sink, n, first, 5);
		if (n > 0)
			continues(&sink, n);
		n += 5;
		CHECK(producer_info(source.producer_id).ssrc == source.ssrc,
		      "change %u: the SSRC is not learned",
		      change);
		if (change > 0) {
			source_send(&before, false, 200);
			drop_expect("unknown_ssrc", 1);
		}
		before = source;
		source.ssrc += 0x00100001;
		source.seq = (uint16_t)(source.seq * 5 + 77);
		source.timestamp *= 3;
	}
}

// Both directions in one transport.
static void send_and_receive(void) {
	struct peer *a = peer_up(4, SUITE_GCM), *b = peer_up_elsewhere(4, SUITE_GCM, a);
	struct source from_a, from_b;
	struct sink to_a, to_b;

	source_add(&from_a, a, PLM_KIND_AUDIO, true);
	source_add(&from_b, b, PLM_KIND_AUDIO, true);
	sink_add(&to_a, a, &from_b);
	sink_add(&to_b, b, &from_a);
	uint16_t first_a = from_a.seq, first_b = from_b.seq;
	for (unsigned i = 0; i < 50; i++) {
		source_send(&from_a, false, 100);
		source_send(&from_b, false, 100);
		pump(2);
	}
	sink_expect(&to_a, 0, first_b, 50);
	sink_expect(&to_b, 0, first_a, 50);
}

const struct scenario media_scenarios[] = {
	{"forward", forward, "every packet once, in order, renumbered, in each SRTP suite"},
	{"forward_v6", forward_v6, "the same over IPv6"},
	{"fan_out", fan_out, "viewers on all workers get everything once"},
	{"extensions", extensions, "header extensions under the viewer's ids, MID replaced"},
	{"starts_at_keyframe", starts_at_keyframe, "a viewer starts at a key frame"},
	{"pause_resume", pause_resume, "numbers go on after a pause"},
	{"comes_back", comes_back, "numbers go on when a consumer's SSRC is used again"},
	{"ssrc_change", ssrc_change, "numbers go on when the publisher changes its SSRC"},
	{"send_and_receive", send_and_receive, "one transport sends and receives"},
	{0},
};
