// SPDX-License-Identifier: BSD-3-Clause

#include "scene.h"

#include "peers.h"
#include "scene_start.h"
#include "scene_traffic.h"

#include <plm_loop.h>

#include <rte_mempool.h>
#include <rte_ring.h>

#include <config.h>
#include <ctl/ctl.h>
#include <io/port.h>
#include <mailbox.h>
#include <srtp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <worker.h>

#define SETUP_BATCH 512
#define RESTING_ROUNDS 20

static void ignore_event(void *user, uint16_t type, const void *payload, size_t len) {
	(void)user;
	(void)type;
	(void)payload;
	(void)len;
}

static bool ignore_dtls(
	void *user,
	uint16_t channel,
	const struct plm_dtls_record *record,
	size_t len
) {
	(void)user;
	(void)channel;
	(void)record;
	(void)len;
	return true;
}

void scene_settle(struct scene *scene) {
	for (unsigned resting = 0; resting < RESTING_ROUNDS; resting++) {
		unsigned n = ctl_take_events(scene->ctl);

		for (unsigned w = 0; w < scene->options.n_workers; w++)
			n += worker_round(scene->dp->workers[w]);
		if (n > 0)
			resting = 0;
	}
}

void scene_run(struct scene *scene, unsigned w) {
	struct worker *worker = scene->dp->workers[w];
	struct rte_ring *rx = scene->nics[w].rx;

	while (!rte_ring_empty(rx))
		worker_round(worker);
}

static void refused(const char *what, uint32_t peer, int err) {
	fprintf(stderr, "worker_bench: %s of peer %u: %s\n", what, peer, strerror(err));
	exit(1);
}

static void add_streams(struct scene *scene, uint32_t publisher) {
	const struct scene_options *options = &scene->options;

	for (unsigned s = 0; s < options->n_sizes; s++) {
		bool video = scene_is_video(options->sizes[s]);
		struct plm_producer_add add = {
			.id = scene_producer_id(publisher, s),
			.transport_id = publisher + 1,
			.ssrc = scene->streams[s * options->publishers + publisher].ssrc,
			.clock_rate = video ? 90000 : 48000,
			.kind = video ? PLM_KIND_VIDEO : PLM_KIND_AUDIO,
			.codec = video ? PLM_CODEC_VP8 : PLM_CODEC_OPUS,
			.payload_type = video ? 96 : 111,
			.nack = video,
			.pli = video,
			.mid = "0",
		};
		int err;

		if (options->extensions) {
			add.ext.ids[PLM_EXT_ABS_SEND_TIME] = 2;
			add.ext.ids[PLM_EXT_MID] = 4;
		}
		err = ctl_producer_add(scene->ctl, &add);
		if (err != 0)
			refused("producer", publisher, err);
	}
}

static void add_consumers(struct scene *scene, uint32_t peer) {
	const struct scene_options *options = &scene->options;
	uint32_t viewer = peer - options->publishers;

	for (unsigned s = 0; s < options->n_sizes; s++) {
		bool video = scene_is_video(options->sizes[s]);
		struct plm_consumer_add add = {
			.id = 1 + (uint64_t)viewer * SCENE_SIZES_MAX + s,
			.transport_id = peer + 1,
			.producer_id = scene_producer_id(viewer / options->viewers, s),
			.ssrc = scene_viewer_ssrc(viewer, s),
			.payload_type = video ? 96 : 111,
			.nack = video,
			.mid = "0",
			.cname = "bench",
		};
		int err;

		if (options->extensions) {
			add.ext.ids[PLM_EXT_ABS_SEND_TIME] = 2;
			add.ext.ids[PLM_EXT_MID] = 4;
		}
		err = ctl_consumer_add(scene->ctl, &add);
		if (err != 0)
			refused("consumer", peer, err);
	}
}

unsigned scene_worker_of(const struct scene *scene, uint32_t peer) {
	const struct scene_options *options = &scene->options;

	if (peer < options->publishers)
		return peer % options->n_workers;
	return (peer - options->publishers) % options->viewers % options->n_workers;
}

// first .. first + n: transports with a path, keys and streams.
static void add_peers(struct scene *scene, uint32_t first, uint32_t n) {
	for (uint32_t peer = first; peer < first + n; peer++) {
		const struct plm_transport_add add = {.id = peer + 1, .ice = peer_ice(peer)};
		int err = ctl_transport_add(scene->ctl, &add);

		if (err != 0)
			refused("transport", peer, err);
	}
	scene_settle(scene);
	for (uint32_t peer = first; peer < first + n; peer++)
		scene_feed_request(scene, peer);
	scene_settle(scene);
	for (uint32_t peer = first; peer < first + n; peer++) {
		struct plm_transport_secure secure = peer_secure(peer, scene->options.suite);
		int err;

		secure.id = peer + 1;
		err = ctl_transport_secure(scene->ctl, &secure);
		if (err != 0)
			refused("keys", peer, err);
	}
	scene_settle(scene);
	for (uint32_t peer = first; peer < first + n; peer++) {
		if (peer < scene->options.publishers)
			add_streams(scene, peer);
		else
			add_consumers(scene, peer);
	}
	for (unsigned w = 0; w < scene->options.n_workers; w++)
		scene_feed_answers(scene, w);
	scene_settle(scene);
}

static double resident_bytes(void) {
	unsigned long size = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (file == NULL)
		return 0;
	if (fscanf(file, "%lu %lu", &size, &resident) != 2)
		resident = 0;
	fclose(file);
	return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static void populate(struct scene *scene) {
	uint32_t n_publishers = scene->options.publishers;
	uint32_t n = n_publishers * scene->options.viewers, done;
	double before;

	for (done = 0; done < n_publishers; done += SETUP_BATCH)
		add_peers(scene, done, RTE_MIN(n_publishers - done, (uint32_t)SETUP_BATCH));
	before = resident_bytes();
	for (done = 0; done < n; done += SETUP_BATCH) {
		add_peers(scene, n_publishers + done, RTE_MIN(n - done, (uint32_t)SETUP_BATCH));
		if (n >= 10000 && done / 10000 != (done + SETUP_BATCH) / 10000)
			fprintf(stderr, "  %u viewers\r", done / 10000 * 10000 + 10000);
	}
	scene->bytes_per_viewer = (resident_bytes() - before) / n;
}

struct scene *scene_new(const struct scene_options *options) {
	struct scene *scene = calloc(1, sizeof(*scene));
	uint64_t start_us = plm_now_us();

	if (scene == NULL)
		return NULL;
	scene->options = *options;
	if (scene_start(scene) < 0)
		return NULL;
	scene->ctl->sink.event = ignore_event;
	scene->ctl->sink.dtls = ignore_dtls;
	if (scene_traffic_new(scene) < 0)
		return NULL;
	populate(scene);
	scene->setup_s = (double)(plm_now_us() - start_us) / 1e6;
	return scene;
}

uint64_t scene_drops(const struct scene *scene, char *text, unsigned len) {
	uint64_t sum = 0;
	unsigned used = 0;

	text[0] = '\0';
	for (enum drop_reason reason = 0; reason < DROP_COUNT; reason++) {
		uint64_t n = 0;

		if (reason == DROP_NO_CONSUMER || reason == DROP_CACHE_CLOSED)
			continue; // no losses
		for (unsigned w = 0; w < scene->options.n_workers; w++)
			n += scene->dp->workers[w]->drops[reason];
		if (n > 0 && used < len)
			used += (unsigned)snprintf(
				text + used,
				len - used,
				"%s%s=%lu",
				sum == 0 ? "" : " ",
				drop_name(reason),
				n
			);
		sum += n;
	}
	return sum;
}
