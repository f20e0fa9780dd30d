// SPDX-License-Identifier: BSD-3-Clause

// Streams: what a source sends, what a sink must get of it, and RTCP.

#include "probe.h"

#include <plm_rtp.h>

#include <inttypes.h>
#include <srtp.h>
#include <stdio.h>
#include <string.h>

#define VIDEO_PT 96
#define AUDIO_PT 111

// The publishers' extension ids.
#define ID_LEVEL 1
#define ID_TIME 2
#define ID_TWCC 3
#define ID_MID 4
#define ID_ORIENTATION 13

static uint32_t next_ssrc = 0x10000000;

void source_add(struct source *source, struct peer *peer, enum plm_kind kind, bool announce_ssrc) {
	bool video = kind == PLM_KIND_VIDEO;

	*source = (struct source){
		.peer = peer,
		.producer_id = relay_id(),
		.ssrc = next_ssrc += 0x01010101,
		.seq = (uint16_t)(0xfff0 + peer->id * 7), // wraps soon
		.timestamp = 0xfffff000U,
	};
	source->add = (struct plm_producer_add){
		.id = source->producer_id,
		.transport_id = peer->id,
		.ssrc = announce_ssrc ? source->ssrc : 0,
		.clock_rate = video ? 90000 : 48000,
		.kind = (uint8_t)kind,
		.codec = video ? PLM_CODEC_VP8 : PLM_CODEC_OPUS,
		.payload_type = video ? VIDEO_PT : AUDIO_PT,
		.nack = video,
		.pli = video,
	};
	snprintf(source->add.mid, sizeof(source->add.mid), "%s", video ? "v0" : "a0");
	source->add.ext.ids[PLM_EXT_MID] = ID_MID;
	source->add.ext.ids[PLM_EXT_ABS_SEND_TIME] = ID_TIME;
	source->add.ext.ids[PLM_EXT_TRANSPORT_CC] = ID_TWCC;
	if (video)
		source->add.ext.ids[PLM_EXT_VIDEO_ORIENTATION] = ID_ORIENTATION;
	else
		source->add.ext.ids[PLM_EXT_AUDIO_LEVEL] = ID_LEVEL;
	relay_do(PLM_API_PRODUCER_ADD, &source->add, sizeof(source->add));
}

void source_make(struct source *source, bool keyframe, unsigned payload_len) {
	uint8_t payload[1400] = {0x10, keyframe ? 0x00 : 0x01};
	const uint8_t send_time[3] = {(uint8_t)(source->seq >> 8), (uint8_t)source->seq, 0x5a};
	const uint8_t one = 1, twcc[2] = {9, 9}, level = 0x80 | 33;
	const struct plm_rtp_ext_out ext[] = {
		{ID_TIME, 3, send_time},
		{ID_TWCC, 2, twcc},
		{source->add.kind == PLM_KIND_VIDEO ? ID_ORIENTATION : ID_LEVEL,
		 1,
		 source->add.kind == PLM_KIND_VIDEO ? &one : &level},
		{ID_MID, (uint8_t)strlen(source->add.mid), (const uint8_t *)source->add.mid},
	};
	const struct plm_rtp rtp = {
		.marker = source->seq % 3 == 0,
		.payload_type = source->add.payload_type,
		.seq = source->seq,
		.timestamp = source->timestamp,
		.ssrc = source->ssrc,
	};
	struct srtp_job job = {.session = source->peer->tx, .data = source->wire};
	int header_len = plm_rtp_write(
		source->wire, sizeof(source->wire), &rtp, false, ext, source->no_mid ? 3 : 4
	);

	CHECK(header_len > 0 && payload_len >= 8 && payload_len <= sizeof(payload),
	      "an RTP packet that cannot be made");
	payload[2] = (uint8_t)(source->seq >> 8);
	payload[3] = (uint8_t)source->seq;
	memcpy(payload + 4, &source->ssrc, 4);
	for (unsigned i = 8; i < payload_len; i++)
		payload[i] = (uint8_t)(source->seq * 31 + source->ssrc + i * 7);
	job.header_len = (uint16_t)header_len;
	job.payload = payload;
	job.payload_len = (uint16_t)payload_len;
	srtp_protect_rtp(&job, 1);
	CHECK(job.verdict == SRTP_OK, "protecting RTP: %u", job.verdict);
	source->wire_len = job.len;
	source->seq++;
	source->timestamp += 3000;
	source->n_sent++;
}

void source_send(struct source *source, bool keyframe, unsigned payload_len) {
	source_make(source, keyframe, payload_len);
	sock_send(source->peer->sock, source->wire, source->wire_len);
}

void source_send_n(struct source *source, unsigned n) {
	for (unsigned i = 0; i < n; i++) {
		source_send(source, false, 8 + (source->seq * 97U) % 1100);
		pump(2);
	}
}

void sink_add_with(struct sink *sink, struct peer *peer, struct source *source, bool paused) {
	bool video = source->add.kind == PLM_KIND_VIDEO;

	*sink = (struct sink){
		.peer = peer,
		.source = source,
		.consumer_id = relay_id(),
		.ssrc = next_ssrc += 0x01010101,
	};
	sink->add = (struct plm_consumer_add){
		.id = sink->consumer_id,
		.transport_id = peer->id,
		.producer_id = source->producer_id,
		.ssrc = sink->ssrc,
		.payload_type = video ? 101 : 110,
		.nack = video,
		.paused = paused,
		.mid = "7",
		.cname = "probe-cname",
	};
	sink->add.ext.ids[PLM_EXT_MID] = 9;
	sink->add.ext.ids[PLM_EXT_ABS_SEND_TIME] = 5;
	sink->add.ext.ids[PLM_EXT_VIDEO_ORIENTATION] = 1;
	sink->add.ext.ids[PLM_EXT_AUDIO_LEVEL] = 14;
	relay_do(PLM_API_CONSUMER_ADD, &sink->add, sizeof(sink->add));
}

void sink_add(struct sink *sink, struct peer *peer, struct source *source) {
	sink_add_with(sink, peer, source, false);
}

unsigned sink_count(const struct sink *sink) {
	unsigned n = 0;

	for (unsigned i = 0; i < sink->peer->n_media; i++)
		n += sink->peer->media[i]->ssrc == sink->ssrc;
	return n;
}

const struct media *sink_at(const struct sink *sink, unsigned i) {
	for (unsigned k = 0; k < sink->peer->n_media; k++) {
		if (sink->peer->media[k]->ssrc == sink->ssrc && i-- == 0)
			return sink->peer->media[k];
	}
	return NULL;
}

void sink_expect(const struct sink *sink, unsigned from, uint16_t first_seq, unsigned n) {
	const struct media *first;

	WAIT(sink_count(sink) >= from + n,
	     WAIT_MS,
	     "%u packets came instead of %u",
	     sink_count(sink) - from,
	     n);
	CHECK(sink->peer->n_bad == 0, "%u packets could not be opened", sink->peer->n_bad);
	CHECK(sink_count(sink) == from + n,
	      "%u packets came instead of %u",
	      sink_count(sink) - from,
	      n);
	first = sink_at(sink, from);
	for (unsigned i = 0; i < n; i++) {
		const struct media *m = sink_at(sink, from + i);
		unsigned source_step = (uint16_t)(m->source_seq - first_seq);

		CHECK(source_step == i, "packet %u is the source's number %u", i, source_step);
		CHECK((uint16_t)(m->seq - first->seq) == i,
		      "packet %u has number %u after %u",
		      i,
		      m->seq,
		      first->seq);
		CHECK(m->timestamp - first->timestamp == i * 3000,
		      "packet %u: timestamp %" PRIu32 " after %" PRIu32,
		      i,
		      m->timestamp,
		      first->timestamp);
		CHECK(m->intact, "packet %u: payload changed", i);
		CHECK(m->payload_type == sink->add.payload_type,
		      "packet %u has payload type %u",
		      i,
		      m->payload_type);
		CHECK(m->marker == (m->source_seq % 3 == 0), "packet %u: marker changed", i);
	}
}

const uint8_t *media_ext(const struct media *media, uint8_t id, uint8_t *ret_len) {
	for (unsigned i = 0; i < media->n_ext; i++) {
		if (media->ext_ids[i] == id) {
			*ret_len = media->ext_lens[i];
			return media->ext_data[i];
		}
	}
	return NULL;
}

void control_send(struct peer *peer, uint8_t *data, size_t len) {
	struct srtp_job job = {.session = peer->tx, .data = data, .len = (uint16_t)len};

	srtp_protect_rtcp(&job, 1);
	CHECK(job.verdict == SRTP_OK, "protecting RTCP: %u", job.verdict);
	sock_send(peer->sock, data, job.len);
}

void send_nack(struct peer *peer, uint32_t media_ssrc, const uint16_t *seqs, int n) {
	uint8_t data[1400];
	int len = plm_rtcp_nack_write(data, 1200, 1, media_ssrc, seqs, n);

	CHECK(len > 0, "a NACK that cannot be written");
	control_send(peer, data, (size_t)len);
}

void send_pli(struct peer *peer, uint32_t media_ssrc) {
	uint8_t data[128];
	int len = plm_rtcp_pli_write(data, 64, 1, media_ssrc);

	CHECK(len > 0, "a PLI that cannot be written");
	control_send(peer, data, (size_t)len);
}

unsigned control_count(
	const struct peer *peer,
	int type,
	int count,
	struct plm_rtcp_item *ret_item
) {
	unsigned n = 0;

	for (unsigned i = 0; i < peer->n_control; i++) {
		const struct control *control = peer->control[i];
		struct plm_rtcp_item item;
		size_t offset = 0;

		while (plm_rtcp_next(control->data, control->len, &offset, &item) > 0) {
			if (item.type != type || (count >= 0 && item.count != count))
				continue;
			n++;
			if (ret_item != NULL)
				*ret_item = item;
		}
	}
	return n;
}
