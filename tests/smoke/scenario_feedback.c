// SPDX-License-Identifier: BSD-3-Clause

// RTCP: what viewers ask for, what the publisher is asked for, reports both ways.

#include "probe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct stage {
	struct peer *publisher, *viewer;
	struct source source;
	struct sink sink;
};

// A video stream with n packets sent and received.
static void stage_setup(struct stage *stage, unsigned n) {
	uint16_t first;

	stage->publisher = peer_up(4, SUITE_GCM);
	stage->viewer = peer_up_elsewhere(4, SUITE_GCM, stage->publisher);
	source_add(&stage->source, stage->publisher, PLM_KIND_VIDEO, true);
	sink_add(&stage->sink, stage->viewer, &stage->source);
	first = stage->source.seq;
	source_send(&stage->source, true, 700);
	source_send_n(&stage->source, n - 1);
	sink_expect(&stage->sink, 0, first, n);
}

static void nack_viewer(void) {
	struct plm_consumer_info info;
	struct stage stage;
	uint16_t seqs[3], unknown;

	stage_setup(&stage, 30);
	for (unsigned i = 0; i < 3; i++)
		seqs[i] = sink_at(&stage.sink, 7 + 5 * i)->seq;
	send_nack(stage.viewer, stage.sink.ssrc, seqs, 3);
	WAIT(sink_count(&stage.sink) == 33,
	     WAIT_MS,
	     "%u of 3 came again",
	     sink_count(&stage.sink) - 30);
	for (unsigned i = 0; i < 3; i++) {
		const struct media *before = sink_at(&stage.sink, 7 + 5 * i);
		const struct media *again = sink_at(&stage.sink, 30 + i);

		CHECK(again->wire_len == before->wire_len
			      && memcmp(again->wire, before->wire, before->wire_len) == 0,
		      "number %u is not the same packet again",
		      before->seq);
	}
	// Not sent yet, before the first one, and of a stream that is not the viewer's.
	unknown = sink_at(&stage.sink, 29)->seq + 1;
	send_nack(stage.viewer, stage.sink.ssrc, &unknown, 1);
	unknown = sink_at(&stage.sink, 0)->seq - 1;
	send_nack(stage.viewer, stage.sink.ssrc, &unknown, 1);
	send_nack(stage.viewer, stage.source.ssrc, seqs, 1);
	send_nack(stage.publisher, stage.sink.ssrc, seqs, 1);
	WAIT(consumer_info(stage.sink.consumer_id).nack_misses == 2, WAIT_MS, "no misses");
	info = consumer_info(stage.sink.consumer_id);
	CHECK(info.nacks == 5 && info.retransmitted == 3,
	      "%u asked, %u sent again",
	      (unsigned)info.nacks,
	      (unsigned)info.retransmitted);
	CHECK(info.packets == 30, "retransmissions count as packets");
	pump_for(20);
	CHECK(sink_count(&stage.sink) == 33, "something else came");
}

// A viewer that asks for everything again and again gets a bounded number.
static void nack_budget(void) {
	struct stage stage;
	struct plm_consumer_info info;
	uint16_t seqs[30];

	stage_setup(&stage, 30);
	for (unsigned i = 0; i < 30; i++)
		seqs[i] = (uint16_t)(sink_at(&stage.sink, 0)->seq + i);
	for (unsigned i = 0; i < 20; i++)
		send_nack(stage.viewer, stage.sink.ssrc, seqs, 30);
	WAIT(consumer_info(stage.sink.consumer_id).nacks == 600, WAIT_MS, "NACKs are lost");
	info = consumer_info(stage.sink.consumer_id);
	CHECK(info.retransmitted >= 30 && info.retransmitted <= 2 * (50 + 30 / 4),
	      "%u packets of 600 asked for",
	      (unsigned)info.retransmitted);
	CHECK(info.retransmitted + info.nack_misses == 600, "the counts do not add up");
}

// The numbers that the relay asked the publisher for, how often each.
static unsigned nacked(const struct peer *publisher, uint16_t seq) {
	unsigned n = 0;

	for (unsigned i = 0; i < publisher->n_control; i++) {
		const struct control *control = publisher->control[i];
		struct plm_rtcp_item item;
		size_t offset = 0;

		while (plm_rtcp_next(control->data, control->len, &offset, &item) > 0) {
			uint16_t seqs[256];
			int n_seqs;

			if (item.type != PLM_RTCP_RTPFB || item.count != PLM_RTPFB_NACK)
				continue;
			n_seqs = plm_rtcp_nack_parse(&item, seqs, 256);
			for (int k = 0; k < n_seqs; k++)
				n += seqs[k] == seq;
		}
	}
	return n;
}

static void nack_publisher(void) {
	struct stage stage;
	uint8_t lost[3][1600];
	uint16_t lens[3], first_lost, highest_before;
	struct plm_rtcp_item item;
	uint32_t sender, media;
	unsigned n;

	stage_setup(&stage, 10);
	highest_before = sink_at(&stage.sink, 9)->seq;
	first_lost = stage.source.seq;
	for (unsigned i = 0; i < 3; i++) {
		source_make(&stage.source, false, 300);
		lens[i] = stage.source.wire_len;
		memcpy(lost[i], stage.source.wire, lens[i]);
	}
	source_send_n(&stage.source, 5);
	WAIT(nacked(stage.publisher, first_lost) >= 2, WAIT_MS, "a gap is not NACKed twice");
	CHECK(control_count(stage.publisher, PLM_RTCP_RTPFB, PLM_RTPFB_NACK, &item) > 0, "no NACK");
	CHECK(plm_rtcp_fb_parse(&item, &sender, &media) == 0 && media == stage.source.ssrc,
	      "the NACK names another stream");
	CHECK(nacked(stage.publisher, (uint16_t)(first_lost - 1)) == 0
		      && nacked(stage.publisher, (uint16_t)(first_lost + 3)) == 0,
	      "numbers that came are NACKed");
	// Two of three come, in another order; they go on to the viewer in their places.
	sock_send(stage.publisher->sock, lost[1], lens[1]);
	sock_send(stage.publisher->sock, lost[0], lens[0]);
	WAIT(sink_count(&stage.sink) == 17, WAIT_MS, "recovered packets are not forwarded");
	for (unsigned i = 0; i < 2; i++) {
		const struct media *m = sink_at(&stage.sink, 15 + i);

		CHECK(m->intact && m->source_seq == (uint16_t)(first_lost + 1 - i),
		      "a recovered packet is not what was lost");
		CHECK(m->seq == (uint16_t)(highest_before + 2 - i),
		      "a recovered packet has number %u",
		      m->seq);
	}
	CHECK(producer_info(stage.source.producer_id).recovered == 2, "recovered counts otherwise");
	n = nacked(stage.publisher, first_lost);
	// The third never comes: bounded tries.
	pump_for(1300);
	CHECK(nacked(stage.publisher, first_lost) == n, "what came is still asked for");
	n = nacked(stage.publisher, (uint16_t)(first_lost + 2));
	CHECK(n >= 2 && n <= 10, "asked %u times for one packet", n);
	pump_for(200);
	CHECK(nacked(stage.publisher, (uint16_t)(first_lost + 2)) == n, "it never ends");
	CHECK(producer_info(stage.source.producer_id).lost == 1,
	      "%u lost",
	      (unsigned)producer_info(stage.source.producer_id).lost);
	// The same again is a duplicate, also for SRTP.
	sock_send(stage.publisher->sock, lost[0], lens[0]);
	drop_expect("srtp_replayed", 1);
}

static unsigned plis(const struct stage *stage) {
	return control_count(stage->publisher, PLM_RTCP_PSFB, PLM_PSFB_PLI, NULL);
}

static void pli(void) {
	struct stage stage;
	struct plm_rtcp_item item;
	struct plm_producer_info info;
	uint32_t sender, media;
	unsigned before;
	uint64_t start_us;

	stage_setup(&stage, 5);
	// The viewer's joining asked once.
	WAIT(plis(&stage) >= 1, WAIT_MS, "joining asks for no key frame");
	control_count(stage.publisher, PLM_RTCP_PSFB, PLM_PSFB_PLI, &item);
	CHECK(plm_rtcp_fb_parse(&item, &sender, &media) == 0 && media == stage.source.ssrc,
	      "the PLI names another stream");
	pump_for(1100); // beyond the pause after the one of the start
	before = plis(&stage);
	start_us = plm_now_us();
	for (unsigned i = 0; i < 20; i++) {
		send_pli(stage.viewer, stage.sink.ssrc);
		pump_for(50);
	}
	// At most one a second.
	WAIT(plis(&stage) > before, WAIT_MS, "PLIs do not reach the publisher");
	CHECK(plis(&stage) - before <= 1 + (plm_now_us() - start_us) / 1000000,
	      "%u PLIs in %u ms",
	      plis(&stage) - before,
	      (unsigned)((plm_now_us() - start_us) / 1000));
	WAIT(consumer_info(stage.sink.consumer_id).plis == 20, WAIT_MS, "PLIs are lost");
	// Once the key frame is there, nobody asks any more.
	source_send(&stage.source, true, 700);
	WAIT(sink_count(&stage.sink) == 6, WAIT_MS, "the key frame is lost");
	before = plis(&stage);
	pump_for(1200);
	CHECK(plis(&stage) == before, "asked for although it came");
	info = producer_info(stage.source.producer_id);
	CHECK(info.keyframes == 2 && info.keyframe_requests == before && info.keyframe_asked >= 21,
	      "%u key frames, %u requests, %u asked",
	      (unsigned)info.keyframes,
	      (unsigned)info.keyframe_requests,
	      (unsigned)info.keyframe_asked);
	// By the API, too.
	relay_del(PLM_API_PRODUCER_KEYFRAME, stage.source.producer_id);
	WAIT(plis(&stage) > before, WAIT_MS, "PRODUCER_KEYFRAME does nothing");
	// Nobody can ask for a stream that is not his.
	send_pli(stage.viewer, stage.source.ssrc);
	send_pli(stage.publisher, stage.sink.ssrc);
	pump_for(50);
	CHECK(consumer_info(stage.sink.consumer_id).plis == 20, "a stranger's PLI counts");
}

static void sender_report(struct stage *stage, const struct plm_rtcp_sr *sr) {
	uint8_t data[256];
	int len = plm_rtcp_sr_write(data, 128, sr, NULL, 0);

	len += plm_rtcp_sdes_cname_write(data + len, 64, sr->ssrc, "publisher");
	control_send(stage->publisher, data, (size_t)len);
}

static void reports(void) {
	struct plm_rtcp_report report = {0};
	struct plm_rtcp_item item;
	struct plm_consumer_info info;
	struct stage stage;
	struct plm_rtcp_sr sr, got;
	uint8_t data[256];
	unsigned rrs;
	int len;

	stage_setup(&stage, 10);
	sr = (struct plm_rtcp_sr){
		.ssrc = stage.source.ssrc,
		.ntp = 0x123456789abcdef0,
		.rtp_timestamp = stage.source.timestamp,
		.packets = 10,
		.octets = 5000,
	};
	sender_report(&stage, &sr);
	WAIT(control_count(stage.viewer, PLM_RTCP_SR, -1, &item) == 1, WAIT_MS, "no sender report");
	CHECK(plm_rtcp_sr_parse(&item, &got) == 0, "a malformed sender report");
	const struct media *m = sink_at(&stage.sink, 0);
	uint32_t offset = m->timestamp - (sr.rtp_timestamp - 30000);
	CHECK(got.ssrc == stage.sink.ssrc, "the report names another stream");
	CHECK(got.ntp == sr.ntp, "the NTP time was changed");
	CHECK(got.rtp_timestamp == sr.rtp_timestamp + offset,
	      "the RTP time does not fit the packets': %" PRIu32 " instead of %" PRIu32,
	      got.rtp_timestamp,
	      sr.rtp_timestamp + offset);
	CHECK(got.packets == 10, "%" PRIu32 " packets", got.packets);
	CHECK(control_count(stage.viewer, PLM_RTCP_SDES, -1, &item) == 1
		      && memmem(item.data, item.len, "probe-cname", 11) != NULL,
	      "no CNAME with it");

	// The viewer's report, and the round trip it tells.
	report = (struct plm_rtcp_report){
		.ssrc = stage.sink.ssrc,
		.fraction_lost = 64,
		.cumulative_lost = 17,
		.jitter = 1234,
		.lsr = (uint32_t)(sr.ntp >> 16),
		.dlsr = 1,
	};
	len = plm_rtcp_rr_write(data, 128, 99, &report, 1);
	control_send(stage.viewer, data, (size_t)len);
	WAIT(consumer_info(stage.sink.consumer_id).jitter == 1234, WAIT_MS, "the RR is lost");
	info = consumer_info(stage.sink.consumer_id);
	CHECK(info.lost == 17 && info.fraction_lost == 64, "%u lost", info.lost);
	CHECK(info.rtt_us > 0 && info.rtt_us < 2000000, "a round trip of %u us", info.rtt_us);

	// Receiver reports to the publisher each second: two of four lost since the last.
	rrs = control_count(stage.publisher, PLM_RTCP_RR, -1, NULL);
	WAIT(control_count(stage.publisher, PLM_RTCP_RR, -1, NULL) > rrs, WAIT_MS, "no RR");
	rrs++;
	stage.source.seq += 2;
	source_send_n(&stage.source, 2);
	WAIT(control_count(stage.publisher, PLM_RTCP_RR, -1, &item) > rrs, WAIT_MS, "no RR");
	CHECK(plm_rtcp_reports_parse(&item, &report, 1) == 1, "an RR without a report");
	CHECK(report.ssrc == stage.source.ssrc, "the RR names another stream");
	CHECK(report.cumulative_lost == 2 && report.fraction_lost == 128,
	      "%d lost, fraction %u/256",
	      report.cumulative_lost,
	      report.fraction_lost);
	CHECK((uint16_t)report.highest_seq == (uint16_t)(stage.source.seq - 1),
	      "highest number %" PRIu32,
	      report.highest_seq);
	CHECK(report.lsr == (uint32_t)(sr.ntp >> 16) && report.dlsr > 0,
	      "the RR does not tell of the sender report");
	rrs = control_count(stage.publisher, PLM_RTCP_RR, -1, NULL);
	pump_for(2500);
	rrs = control_count(stage.publisher, PLM_RTCP_RR, -1, NULL) - rrs;
	CHECK(rrs >= 1 && rrs <= 3, "%u RRs in 2.5 s", rrs);
}

// FIR where PLI was not negotiated; REMB where it was.
static void fir_remb(void) {
	struct peer *publisher = peer_up(4, SUITE_GCM), *viewer = peer_up(4, SUITE_GCM);
	struct plm_rtcp_fir fir;
	struct plm_rtcp_item item;
	struct source source;
	struct sink sink;
	uint64_t bps;
	uint32_t ssrc;

	source_add(&source, publisher, PLM_KIND_VIDEO, true);
	relay_del(PLM_API_PRODUCER_DEL, source.producer_id);
	source.producer_id = relay_id();
	source.add.id = source.producer_id;
	source.add.pli = 0;
	source.add.fir = 1;
	source.add.remb = 1;
	source.add.max_bitrate = 1500000;
	relay_do(PLM_API_PRODUCER_ADD, &source.add, sizeof(source.add));
	sink_add(&sink, viewer, &source);
	source_send(&source, false, 100);
	WAIT(control_count(publisher, PLM_RTCP_PSFB, PLM_PSFB_FIR, &item) >= 1, WAIT_MS, "no FIR");
	CHECK(plm_rtcp_fir_parse(&item, &fir, 1) == 1 && fir.ssrc == source.ssrc,
	      "the FIR names another stream");
	WAIT(control_count(publisher, PLM_RTCP_PSFB, PLM_PSFB_ALFB, &item) >= 1, WAIT_MS, "no REMB"
	);
	CHECK(plm_rtcp_remb_parse(&item, &bps, &ssrc, 1) == 1 && ssrc == source.ssrc
		      && bps <= 1500000 && bps > 1400000,
	      "REMB of %u bit/s",
	      (unsigned)bps);
	CHECK(control_count(publisher, PLM_RTCP_PSFB, PLM_PSFB_PLI, NULL) == 0, "a PLI");
}

static void idle_event(void) {
	struct stage stage;
	uint64_t id;

	stage_setup(&stage, 3);
	id = stage.source.producer_id;
	WAIT(event_count(PLM_API_EVENT_PRODUCER, id, PLM_PRODUCER_EV_ACTIVE) == 1,
	     WAIT_MS,
	     "no event of the first packet");
	WAIT(event_count(PLM_API_EVENT_PRODUCER, id, PLM_PRODUCER_EV_IDLE) == 1,
	     2 * WAIT_MS,
	     "no event of silence");
	source_send_n(&stage.source, 1);
	WAIT(event_count(PLM_API_EVENT_PRODUCER, id, PLM_PRODUCER_EV_ACTIVE) == 2,
	     WAIT_MS,
	     "no event after silence");
}

const struct scenario feedback_scenarios[] = {
	{"nack_viewer", nack_viewer, "a viewer's NACK is answered with the very same packet"},
	{"nack_budget", nack_budget, "retransmissions are bounded"},
	{"nack_publisher", nack_publisher, "gaps are NACKed, recovered packets forwarded"},
	{"pli", pli, "key frame requests: coalesced, on joining, by the API"},
	{"reports", reports, "SR in the viewer's terms, RR to the publisher each second"},
	{"fir_remb", fir_remb, "FIR and REMB where negotiated"},
	{"idle_event", idle_event, "events of a stream's silence and return"},
	{0},
};
