// SPDX-License-Identifier: BSD-3-Clause

#include "pair.h"

#include "clock.h"
#include "scene.h"

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_pause.h>

#include <worker.h>

#define WORKERS 2
#define PATIENCE_NS 1e9 // for the frames of one run

// Of one run; the threads read what the other has sent from its struct nic.
struct side {
	struct scene *scene;
	unsigned w;
	uint64_t goal; // frames both have sent in all when the run is over
	uint64_t end_tsc;
	bool quiet, complete;
};

static unsigned ready; // atomic: threads at the start line

static uint64_t frames_sent(const struct scene *scene) {
	uint64_t sum = 0;

	for (unsigned w = 0; w < WORKERS; w++)
		sum += __atomic_load_n(&scene->nics[w].tx_frames, __ATOMIC_RELAXED);
	return sum;
}

static int race(void *argument) {
	struct side *side = argument;
	struct worker *worker = side->scene->dp->workers[side->w];
	struct clock_span span;
	uint64_t cycles;

	__atomic_fetch_add(&ready, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&ready, __ATOMIC_ACQUIRE) < WORKERS)
		rte_pause();
	clock_begin(&span);
	do {
		worker_round(worker);
		side->complete = frames_sent(side->scene) >= side->goal;
	} while (!side->complete && clock_ns(rte_rdtsc() - span.tsc) < PATIENCE_NS);
	side->end_tsc = rte_rdtsc();
	side->quiet = clock_end(&span, &cycles);
	return 0;
}

bool pair_take(struct scene *scene, unsigned size, unsigned n, struct pair_run *ret_run) {
	uint64_t frames = frames_sent(scene), bytes = 0, start, fed = 0;
	struct side sides[WORKERS];

	for (unsigned w = 0; w < WORKERS; w++) {
		scene_feed_answers(scene, w);
		scene_run(scene, w);
	}
	for (unsigned w = 0; w < WORKERS; w++) {
		fed += scene_feed(scene, w, size, n);
		bytes += scene->nics[w].tx_bytes;
	}
	for (unsigned w = 0; w < WORKERS; w++)
		sides[w] = (struct side){
			.scene = scene,
			.w = w,
			.goal = frames + fed * scene->options.viewers,
		};
	__atomic_store_n(&ready, 0, __ATOMIC_RELEASE);
	if (rte_eal_remote_launch(race, &sides[1], scene->dp->workers[1]->lcore) < 0)
		return false;
	while (__atomic_load_n(&ready, __ATOMIC_ACQUIRE) < WORKERS - 1)
		rte_pause();
	start = rte_rdtsc();
	race(&sides[0]);
	rte_eal_wait_lcore(scene->dp->workers[1]->lcore);
	*ret_run = (struct pair_run){
		.cycles = RTE_MAX(sides[0].end_tsc, sides[1].end_tsc) - start,
		.out = frames_sent(scene) - frames,
		.quiet = sides[0].quiet && sides[1].quiet,
	};
	for (unsigned w = 0; w < WORKERS; w++)
		ret_run->bytes += scene->nics[w].tx_bytes;
	ret_run->bytes -= bytes;
	scene_settle(scene);
	return sides[0].complete && sides[1].complete;
}
