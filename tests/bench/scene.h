// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The dataplane in this process, with publishers and viewers, made as the real process makes them:
// eal_start, port_open, worker_new, ctl_*, and STUN requests that the worker verifies. Time is the
// caller's: nothing moves but by scene_round.

#include "nic.h"

#include <plm_api.h>

#include <stdbool.h>
#include <stdint.h>

struct config;
struct ctl;
struct dataplane;
struct scene_sample;
struct scene_side;
struct srtp_session;
struct worker;

#define SCENE_SIZES_MAX 2
#define SCENE_WORKERS_MAX 2

enum scene_cksum {
	SCENE_CKSUM_SOFTWARE, // of IP and UDP, by the worker
	SCENE_CKSUM_OFFLOAD, // the port does them, as a NIC: the flags of struct port are forced
};

struct scene_options {
	unsigned publishers; // each with one stream of every size
	unsigned viewers; // of each publisher, watching all its streams
	unsigned n_workers;
	unsigned cpus[SCENE_WORKERS_MAX];
	uint16_t suite; // enum plm_srtp_suite
	const char *backend; // of srtp_init
	unsigned sizes[SCENE_SIZES_MAX]; // RTP payload; below 400 it is audio
	unsigned n_sizes;
	bool extensions; // packets carry abs-send-time and MID, as browsers' do
	enum scene_cksum cksum;
	unsigned tx_depth; // see nic.h
	unsigned rtx_packets;
};

struct scene_stream { // of one publisher and size
	uint32_t ssrc, timestamp;
	uint16_t seq;
	bool started; // the key frame has been sent
};

// What came back to the viewers that are looked at.
struct scene_check {
	uint64_t good, bad; // frames decrypted and as the publisher made them, others
	char why[128]; // of the first bad one
};

struct scene {
	struct scene_options options;
	struct config *config;
	struct dataplane *dp;
	struct ctl *ctl;
	struct nic nics[SCENE_WORKERS_MAX];
	struct scene_stream *streams; // [size * publishers + publisher]
	struct srtp_session **publisher_tx; // by publisher
	unsigned next_publisher[SCENE_SIZES_MAX][SCENE_WORKERS_MAX];
	struct scene_side *sides; // by worker
	struct scene_check check;
	struct scene_sample *samples; // viewers that are looked at
	unsigned n_samples;
	const char *memory; // where packets lie: hugepages or 4 KiB pages
	double bytes_per_viewer; // resident memory that each viewer added, all counted
	double setup_s;
};

// Starts the EAL and everything else. Returns NULL after saying why on stderr.
struct scene *scene_new(const struct scene_options *options);

// Puts n packets of one size (an index) into worker w's ring, its publishers in turn. Returns how
// many fitted. Publisher p is worker p % n_workers's, its viewer v worker v % n_workers's.
unsigned scene_feed(struct scene *scene, unsigned w, unsigned size, unsigned n);

// Puts the answers to the consent checks seen so far into worker w's ring.
void scene_feed_answers(struct scene *scene, unsigned w);

// worker_round until worker w's ring is empty.
void scene_run(struct scene *scene, unsigned w);

// Everything at rest: control thread's and workers' queues empty.
void scene_settle(struct scene *scene);

// Sends a few packets of every stream and decrypts what sample viewers get. True when all came and
// nothing was lost or wrong.
bool scene_verify(struct scene *scene);

// Losses so far that are losses, of all workers, as "reason=n ..." into text; returns their number.
uint64_t scene_drops(const struct scene *scene, char *text, unsigned len);

unsigned scene_rtp_header_len(const struct scene *scene);
