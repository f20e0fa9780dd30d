// SPDX-License-Identifier: BSD-3-Clause

#include "scene_start.h"

#include "clock.h"
#include "scene.h"

#include <plm_log.h>
#include <plm_loop.h>

#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <config.h>
#include <ctl/ctl.h>
#include <errno.h>
#include <exception.h>
#include <io/port.h>
#include <mailbox.h>
#include <packet.h>
#include <srtp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <worker.h>

#define EVENTS_SIZE 16384 // as main.c has it
#define KERNEL_RING 1024

static unsigned free_hugepages(void) {
	FILE *file = fopen("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "re");
	unsigned n = 0;

	if (file == NULL)
		return 0;
	if (fscanf(file, "%u", &n) != 1)
		n = 0;
	fclose(file);
	return access("/dev/hugepages", W_OK) == 0 ? n : 0;
}

// The configuration of the real process, as its file would have it.
static struct config *configure(const struct scene_options *options) {
	uint32_t n_peers = options->publishers * (options->viewers + 1);
	uint32_t n_streams = options->n_sizes * n_peers;
	uint32_t cached = options->publishers * (options->rtx_packets + 64) * options->n_workers;
	unsigned mbufs = 65536 + cached * 4 / 3;
	unsigned memory_mb = mbufs / 320 + 256 + n_peers / 64; // 2.5 KB a buffer with its padding
	bool huge = free_hugepages() * 2 >= memory_mb;
	struct config *config;
	char text[2048], error[256], cores[32];
	int len;

	if (options->n_workers > 1)
		snprintf(cores, sizeof(cores), "%u, %u", options->cpus[0], options->cpus[1]);
	else
		snprintf(cores, sizeof(cores), "%u", options->cpus[0]);

	len = snprintf(
		text,
		sizeof(text),
		"dataplane:\n"
		"  log_level: error\n"
		"  port: {device: 'vdev:net_null0,no-rx=1', queues: %u}\n"
		"  addresses: [198.18.0.2/15]\n"
		"  workers: {cores: [%s], main_core: %u, idle: busy}\n"
		"  memory: {hugepages: %s, memory_mb: %u, mbufs: %u, file_prefix: plmbench%d}\n"
		"  limits: {transports: %u, producers: %u, consumers: %u}\n"
		"  srtp: {backend: %s}\n"
		"  rtx_packets: %u\n",
		options->n_workers,
		cores,
		options->cpus[0],
		huge ? "true" : "false",
		memory_mb,
		mbufs,
		(int)getpid(),
		n_peers + 16,
		options->publishers * options->n_sizes + 16,
		n_streams + 16,
		options->backend,
		options->rtx_packets
	);
	if (len >= (int)sizeof(text))
		return NULL;
	if (config_parse("bench", (const uint8_t *)text, (size_t)len, &config, error, sizeof(error))
	    < 0) {
		fprintf(stderr, "worker_bench: %s\n", error);
		return NULL;
	}
	return config;
}

// Rings, claims and workers, as main.c makes them. 0 or -errno.
static int dataplane_make(struct dataplane *dp) {
	const struct config *config = dp->config;

	dp->start_us = plm_now_us();
	dp->tsc_hz = rte_get_tsc_hz();
	dp->claims = malloc(config->max_transports);
	dp->events = mailbox_new("events", EVENTS_SIZE);
	dp->to_kernel = rte_ring_create("to_kernel", KERNEL_RING, SOCKET_ID_ANY, RING_F_SC_DEQ);
	dp->stun_answers = rte_ring_create(
		"stun_answers", KERNEL_RING, SOCKET_ID_ANY, RING_F_SC_DEQ
	);
	if (dp->claims == NULL || dp->events == NULL || dp->to_kernel == NULL
	    || dp->stun_answers == NULL)
		return -ENOMEM;
	memset(dp->claims, 0xff, config->max_transports); // TRANSPORT_UNCLAIMED
	for (unsigned i = 0; i < config->n_workers; i++) {
		struct worker *worker = worker_new(dp, i, i + 1);

		if (worker == NULL)
			return -errno;
		worker->rx_queue = (int)i;
		worker->tx_queue = (int)i;
		worker->tx_worker = worker;
		dp->workers[i] = worker;
		dp->n_workers = i + 1;
	}
	return 0;
}

static int fail(const char *what) {
	fprintf(stderr, "worker_bench: %s\n", what);
	return -EINVAL;
}

static int port_make(struct scene *scene) {
	const struct scene_options *options = &scene->options;
	static struct port port;
	char error[256];
	int err;

	if (port_open(scene->config, scene->dp->packets, &port, error, sizeof(error)) < 0)
		return fail(error);
	scene->dp->port = &port;
	port.ipv4_cksum_offload = options->cksum == SCENE_CKSUM_OFFLOAD;
	port.udp_cksum_offload = options->cksum == SCENE_CKSUM_OFFLOAD;
	for (unsigned w = 0; w < options->n_workers; w++) {
		err = nic_attach(
			&scene->nics[w], port.id, (uint16_t)w, options->tx_depth, scene->dp->packets
		);
		if (err < 0)
			return fail(strerror(-err));
	}
	return 0;
}

int scene_start(struct scene *scene) {
	struct exception *exception;
	char error[512];

	plm_log_init("worker_bench");
	plm_log_set_level("error");
	scene->config = configure(&scene->options);
	if (scene->config == NULL)
		return -EINVAL;
	if (srtp_init(scene->config->srtp_backend) < 0)
		return fail("this SRTP backend is not in this build, or its self-test failed");
	if (eal_start(scene->config, "worker_bench", error, sizeof(error)) < 0)
		return fail(error);
	clock_init();
	scene->dp = calloc(1, sizeof(*scene->dp));
	if (scene->dp == NULL)
		return fail("no memory");
	scene->dp->config = scene->config;
	scene->memory = scene->config->hugepages ? "hugepages" : "4 KiB pages";
	scene->dp->packets = rte_pktmbuf_pool_create(
		"packets",
		scene->config->mbufs,
		256,
		PACKET_PRIV_SIZE,
		RTE_MBUF_DEFAULT_BUF_SIZE,
		SOCKET_ID_ANY
	);
	if (scene->dp->packets == NULL)
		return fail("no memory for packet buffers");
	if (port_make(scene) < 0)
		return -EINVAL;
	if (dataplane_make(scene->dp) < 0 || (exception = exception_new(scene->dp, -1)) == NULL
	    || (scene->ctl = ctl_new(scene->dp)) == NULL)
		return fail("no memory for the dataplane's tables");
	scene->ctl->exception = exception;
	return 0;
}
