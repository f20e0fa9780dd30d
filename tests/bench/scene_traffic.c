// SPDX-License-Identifier: BSD-3-Clause

#include "scene_traffic.h"

#include "peers.h"

#include <plm_rtp.h>

#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <rte_udp.h>

#include <config.h>
#include <errno.h>
#include <io/port.h>
#include <media/transport.h>
#include <srtp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <worker.h>

#define ANSWERS_MAX 131072 // consent checks seen and not yet answered
#define FEED_BATCH 64
#define PAYLOAD_MAX 1400
#define MARK_LEN 12 // of what is different in every packet's payload
#define SAMPLES 9

struct answer {
	uint32_t peer;
	uint8_t txid[PLM_STUN_TXID_LEN];
};

// What one worker's port saw.
struct scene_side {
	struct scene *scene;
	struct plm_addr relay;
	unsigned n_answers;
	struct answer answers[ANSWERS_MAX];
};

// A viewer whose packets are opened.
struct scene_sample {
	uint32_t viewer;
	struct srtp_session *rx;
	struct {
		bool begun;
		uint16_t seq, source_seq;
		uint64_t n;
	} streams[SCENE_SIZES_MAX];
};

static uint8_t pattern[PAYLOAD_MAX];

// ---------------------------------------------------------------------------- what they send

static bool feed(struct scene *scene, unsigned w, struct rte_mbuf *m) {
	if (rte_ring_sp_enqueue(scene->nics[w].rx, m) == 0)
		return true;
	rte_pktmbuf_free(m);
	return false;
}

void scene_feed_request(struct scene *scene, uint32_t peer) {
	unsigned w = scene_worker_of(scene, peer);
	uint8_t data[256], *payload;
	size_t len = peer_stun_request(peer, data);
	struct rte_mbuf *m = peer_frame(
		peer,
		&scene->sides[w].relay,
		scene->dp->port->mac,
		scene->dp->packets,
		len,
		&payload
	);

	if (m == NULL)
		return;
	memcpy(payload, data, len);
	feed(scene, w, m);
}

void scene_feed_answers(struct scene *scene, unsigned w) {
	struct scene_side *side = &scene->sides[w];
	unsigned room = rte_ring_free_count(scene->nics[w].rx) / 2;

	while (side->n_answers > 0 && room-- > 0) {
		const struct answer *answer = &side->answers[--side->n_answers];
		uint8_t data[256], *payload;
		size_t len = peer_stun_answer(answer->peer, answer->txid, &side->relay, data);
		struct rte_mbuf *m = peer_frame(
			answer->peer,
			&side->relay,
			scene->dp->port->mac,
			scene->dp->packets,
			len,
			&payload
		);

		if (m == NULL)
			return;
		memcpy(payload, data, len);
		feed(scene, w, m);
	}
}

unsigned scene_rtp_header_len(const struct scene *scene) {
	return scene->options.extensions ? PLM_RTP_HEADER_LEN + 4 + 8 : PLM_RTP_HEADER_LEN;
}

// What makes a packet's payload this packet's: checked at the other end.
static void mark_write(uint8_t *payload, bool video, bool key, uint32_t publisher, uint16_t seq) {
	payload[0] = 0x10; // VP8 (RFC 7741 4.2): a partition begins
	payload[1] = video && key ? 0 : 1;
	memcpy(payload + 2, &publisher, 4);
	memcpy(payload + 6, &seq, 2);
	memset(payload + 8, 0x5a, 4);
}

// The next packet of a stream as the publisher's job: the mbuf holds header and room, the payload
// comes from bytes.
static struct rte_mbuf *packet_make(
	struct scene *scene,
	uint32_t publisher,
	unsigned s,
	uint8_t *bytes,
	struct srtp_job *ret_job
) {
	struct scene_stream *stream = &scene->streams[s * scene->options.publishers + publisher];
	unsigned w = scene_worker_of(scene, publisher), size = scene->options.sizes[s];
	bool video = scene_is_video(size);
	const uint8_t send_time[3] = {1, 2, 3};
	const struct plm_rtp_ext_out ext[] = {
		{2, 3, send_time},
		{4, 1, (const uint8_t *)"0"},
	};
	const struct plm_rtp rtp = {
		.payload_type = video ? 96 : 111,
		.seq = stream->seq,
		.timestamp = stream->timestamp,
		.ssrc = stream->ssrc,
	};
	unsigned header_len = scene_rtp_header_len(scene);
	uint8_t *payload;
	struct rte_mbuf *m = peer_frame(
		publisher,
		&scene->sides[w].relay,
		scene->dp->port->mac,
		scene->dp->packets,
		header_len + size + SRTP_TRAILER_MAX,
		&payload
	);

	if (m == NULL)
		return NULL;
	plm_rtp_write(payload, 64, &rtp, false, ext, scene->options.extensions ? 2 : 0);
	memcpy(bytes, pattern, size);
	mark_write(bytes, video, !stream->started, publisher, stream->seq);
	*ret_job = (struct srtp_job){
		.session = scene->publisher_tx[publisher],
		.data = payload,
		.payload = bytes,
		.header_len = (uint16_t)header_len,
		.payload_len = (uint16_t)size,
	};
	stream->started = true;
	stream->seq++;
	stream->timestamp += video ? 3000 : 960;
	return m;
}

// After encryption: the lengths that were not known before.
static void packet_finish(struct rte_mbuf *m, const struct srtp_job *job) {
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, 14);
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(ip + 1);

	udp->dgram_len = rte_cpu_to_be_16((uint16_t)(sizeof(*udp) + job->len));
	ip->total_length = rte_cpu_to_be_16((uint16_t)(sizeof(*ip) + sizeof(*udp) + job->len));
	m->data_len = (uint16_t)(42 + job->len);
	m->pkt_len = m->data_len;
}

unsigned scene_feed(struct scene *scene, unsigned w, unsigned size, unsigned n) {
	static __thread uint8_t bytes[FEED_BATCH][PAYLOAD_MAX];
	unsigned *next = &scene->next_publisher[size][w], n_fed = 0;

	while (n_fed < n) {
		struct srtp_job jobs[FEED_BATCH];
		struct rte_mbuf *packets[FEED_BATCH];
		unsigned k = 0;

		while (k < FEED_BATCH && n_fed + k < n) {
			if (*next >= scene->options.publishers)
				*next = w;
			packets[k] = packet_make(scene, *next, size, bytes[k], &jobs[k]);
			if (packets[k] == NULL)
				break;
			*next += scene->options.n_workers;
			k++;
		}
		if (k == 0)
			return n_fed;
		srtp_protect_rtp(jobs, k);
		for (unsigned i = 0; i < k; i++) {
			packet_finish(packets[i], &jobs[i]);
			n_fed += feed(scene, w, packets[i]);
		}
	}
	return n_fed;
}

// ---------------------------------------------------------------------------- what they get

static void wrong(struct scene *scene, const char *what, uint32_t viewer) {
	struct scene_check *check = &scene->check;

	if (check->bad++ == 0)
		snprintf(check->why, sizeof(check->why), "viewer %u: %s", viewer, what);
}

// One media packet of a sample viewer.
static void open_packet(
	struct scene *scene,
	struct scene_sample *sample,
	const uint8_t *data,
	size_t len
) {
	const struct scene_options *options = &scene->options;
	uint32_t publisher = sample->viewer / options->viewers, marked;
	struct srtp_job job = {.session = sample->rx, .len = (uint16_t)len};
	uint8_t copy[2048];
	struct plm_rtp rtp;
	uint16_t source_seq;
	unsigned s;

	memcpy(copy, data, len);
	job.data = copy;
	srtp_unprotect_rtp(&job, 1);
	if (job.verdict != SRTP_OK || plm_rtp_parse_full(copy, job.len, &rtp) < 0) {
		wrong(scene, "a packet that cannot be opened", sample->viewer);
		return;
	}
	for (s = 0; s < options->n_sizes; s++) {
		if (scene_viewer_ssrc(sample->viewer, s) == rtp.ssrc)
			break;
	}
	if (s == options->n_sizes || job.len != rtp.header_len + options->sizes[s]
	    || rtp.header_len != scene_rtp_header_len(scene)) {
		wrong(scene, "a packet of another stream or length", sample->viewer);
		return;
	}
	memcpy(&marked, copy + rtp.header_len + 2, 4);
	memcpy(&source_seq, copy + rtp.header_len + 6, 2);
	if (marked != publisher
	    || memcmp(copy + rtp.header_len + MARK_LEN,
		      pattern + MARK_LEN,
		      options->sizes[s] - MARK_LEN)
		    != 0) {
		wrong(scene, "other contents", sample->viewer);
		return;
	}
	if (sample->streams[s].begun
	    && (rtp.seq != (uint16_t)(sample->streams[s].seq + 1)
		|| source_seq != (uint16_t)(sample->streams[s].source_seq + 1)))
		wrong(scene, "lost, doubled or out of order", sample->viewer);
	sample->streams[s].begun = true;
	sample->streams[s].seq = rtp.seq;
	sample->streams[s].source_seq = source_seq;
	sample->streams[s].n++;
	scene->check.good++;
}

static void look(void *user, const struct rte_mbuf *m) {
	struct scene_side *side = user;
	struct scene *scene = side->scene;
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *), *payload = frame + 42;
	const struct rte_udp_hdr *udp = (const void *)(frame + 34);
	uint32_t peer;

	if (m->data_len < 62)
		return;
	peer = peer_of_addr(frame + 30, rte_be_to_cpu_16(udp->dst_port));
	if (payload[0] < 2) {
		struct answer *answer = &side->answers[side->n_answers];

		if (payload[0] != 0 || payload[1] != 1 || side->n_answers == ANSWERS_MAX)
			return; // the relay's answer to our request
		answer->peer = peer;
		memcpy(answer->txid, payload + 8, sizeof(answer->txid));
		side->n_answers++;
		return;
	}
	if (!scene->nics[0].look_at_all || (payload[1] >= 192 && payload[1] <= 223))
		return; // RTCP
	for (unsigned i = 0; i < scene->n_samples; i++) {
		struct scene_sample *sample = &scene->samples[i];

		if (sample->viewer + scene->options.publishers == peer)
			open_packet(scene, sample, payload, m->data_len - 42U);
	}
}

bool scene_verify(struct scene *scene) {
	const struct scene_options *options = &scene->options;
	uint64_t expected = scene->check.good, rounds = 4;

	for (unsigned w = 0; w < options->n_workers; w++)
		scene->nics[w].look_at_all = true;
	for (unsigned i = 0; i < rounds; i++) {
		for (unsigned s = 0; s < options->n_sizes; s++) {
			for (unsigned w = 0; w < options->n_workers; w++)
				scene_feed(
					scene,
					w,
					s,
					(options->publishers - w + options->n_workers - 1)
						/ options->n_workers
				);
			scene_settle(scene);
		}
	}
	for (unsigned w = 0; w < options->n_workers; w++)
		scene->nics[w].look_at_all = false;
	expected += rounds * options->n_sizes * scene->n_samples;
	if (scene->check.bad == 0 && scene->check.good != expected)
		snprintf(
			scene->check.why,
			sizeof(scene->check.why),
			"%lu packets came to the sample viewers instead of %lu",
			scene->check.good,
			expected
		);
	return scene->check.bad == 0 && scene->check.good == expected;
}

// ---------------------------------------------------------------------------- start

// First, middle and last viewer of the first, middle and last publisher.
static int samples_make(struct scene *scene) {
	const struct scene_options *options = &scene->options;
	const struct srtp_suite *suite = srtp_suite_find(options->suite);

	scene->samples = calloc(SAMPLES, sizeof(*scene->samples));
	if (scene->samples == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < SAMPLES; i++) {
		uint32_t publisher = (options->publishers - 1) * (i / 3) / 2;
		uint32_t viewer = publisher * options->viewers
			+ (options->viewers - 1) * (i % 3) / 2;
		struct scene_sample *sample = &scene->samples[scene->n_samples];
		struct plm_transport_secure secure;
		struct plm_secret key;
		bool known = false;

		for (unsigned k = 0; k < scene->n_samples; k++)
			known |= scene->samples[k].viewer == viewer;
		if (known)
			continue;
		secure = peer_secure(viewer + options->publishers, options->suite);
		plm_secret_init(&key, secure.tx.bytes, (size_t)suite->key_len + suite->salt_len);
		sample->viewer = viewer;
		sample->rx = srtp_session_new(suite, SRTP_RX, &key);
		if (sample->rx == NULL)
			return -errno;
		scene->n_samples++;
	}
	return 0;
}

static int publishers_make(struct scene *scene) {
	const struct scene_options *options = &scene->options;
	const struct srtp_suite *suite = srtp_suite_find(options->suite);

	scene->streams = calloc(
		(size_t)options->publishers * options->n_sizes, sizeof(*scene->streams)
	);
	scene->publisher_tx = calloc(options->publishers, sizeof(*scene->publisher_tx));
	if (scene->streams == NULL || scene->publisher_tx == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < options->publishers * options->n_sizes; i++)
		scene->streams[i] = (struct scene_stream){.ssrc = 0x10000000 + i};
	for (unsigned i = 0; i < options->publishers; i++) {
		struct plm_transport_secure secure = peer_secure(i, options->suite);
		struct plm_secret key;

		plm_secret_init(&key, secure.rx.bytes, (size_t)suite->key_len + suite->salt_len);
		scene->publisher_tx[i] = srtp_session_new(suite, SRTP_TX, &key);
		if (scene->publisher_tx[i] == NULL)
			return -errno;
	}
	return 0;
}

int scene_traffic_new(struct scene *scene) {
	int err;

	for (unsigned i = 0; i < PAYLOAD_MAX; i++)
		pattern[i] = (uint8_t)(i * 37 + (i >> 3));
	scene->sides = calloc(scene->options.n_workers, sizeof(*scene->sides));
	if (scene->sides == NULL)
		return -ENOMEM;
	for (unsigned w = 0; w < scene->options.n_workers; w++) {
		scene->sides[w].scene = scene;
		scene->sides[w].relay = scene->config->addrs[0].addr;
		scene->sides[w].relay.port = scene->config->public_port;
		for (unsigned s = 0; s < SCENE_SIZES_MAX; s++)
			scene->next_publisher[s][w] = w;
		scene->nics[w].look = look;
		scene->nics[w].user = &scene->sides[w];
	}
	err = publishers_make(scene);
	if (err == 0)
		err = samples_make(scene);
	if (err < 0)
		fprintf(stderr, "worker_bench: publishers: %s\n", strerror(-err));
	return err;
}
