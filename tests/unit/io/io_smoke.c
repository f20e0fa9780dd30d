// SPDX-License-Identifier: BSD-3-Clause

// The port and the TAP of a configuration, and every frame from one to the other: the exception
// path without workers. Run by tests/smoke/io.sh. argv[1]: configuration, argv[2]: seconds to run.
// Prints "ready" once it forwards, and its counters at the end.

#include "config.h"
#include "port.h"
#include "tap.h"

#include <plm_log.h>
#include <plm_loop.h>

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BURST 32

static volatile sig_atomic_t stopped;

static void stop(int signal) {
	(void)signal;
	stopped = 1;
}

static unsigned nic_to_tap(const struct port *port, int tap) {
	struct rte_mbuf *mbufs[BURST];
	unsigned n_all = 0;

	for (uint16_t queue = 0; queue < port->n_rx_queues; queue++) {
		uint16_t n = rte_eth_rx_burst(port->id, queue, mbufs, BURST);

		for (uint16_t i = 0; i < n; i++) {
			const void *frame = rte_pktmbuf_mtod(mbufs[i], const void *);

			if (write(tap, frame, rte_pktmbuf_data_len(mbufs[i])) < 0)
				fprintf(stderr, "tap write: %s\n", strerror(errno));
			rte_pktmbuf_free(mbufs[i]);
		}
		n_all += n;
	}
	return n_all;
}

static unsigned tap_to_nic(const struct port *port, int tap, struct rte_mempool *pool) {
	struct rte_mbuf *mbuf;
	unsigned n_all = 0;
	ssize_t n;

	while (n_all < BURST) {
		mbuf = rte_pktmbuf_alloc(pool);
		if (mbuf == NULL)
			return n_all;
		n = read(tap, rte_pktmbuf_mtod(mbuf, void *), rte_pktmbuf_tailroom(mbuf));
		if (n <= 0) {
			rte_pktmbuf_free(mbuf);
			return n_all;
		}
		rte_pktmbuf_append(mbuf, (uint16_t)n);
		if (rte_eth_tx_burst(port->id, 0, &mbuf, 1) == 0)
			rte_pktmbuf_free(mbuf);
		n_all++;
	}
	return n_all;
}

static void forward(const struct port *port, int tap, struct rte_mempool *pool, unsigned seconds) {
	uint64_t end = plm_now_us() + seconds * 1000000ULL;

	puts("ready");
	fflush(stdout);
	while (!stopped && plm_now_us() < end) {
		if (nic_to_tap(port, tap) + tap_to_nic(port, tap, pool) == 0)
			usleep(200);
	}
}

int main(int argc, char **argv) {
	struct config *config = NULL;
	struct rte_mempool *pool;
	struct plm_port_info info;
	char error[512];
	struct port port;
	int tap, status = 1;

	if (argc != 3) {
		fprintf(stderr, "usage: %s CONFIG SECONDS\n", argv[0]);
		return 2;
	}
	signal(SIGTERM, stop);
	plm_log_init("io_smoke");
	if (config_load(argv[1], &config, error, sizeof(error)) < 0)
		goto out;
	plm_log_set_level(config->log_level);
	if (eal_start(config, argv[0], error, sizeof(error)) < 0)
		goto out;
	pool = rte_pktmbuf_pool_create(
		"packets", config->mbufs, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY
	);
	if (pool == NULL) {
		snprintf(error, sizeof(error), "no memory for %u packet buffers", config->mbufs);
		goto out_eal;
	}
	if (port_open(config, pool, &port, error, sizeof(error)) < 0)
		goto out_eal;
	tap = tap_open(config, port.mac, port.mtu, error, sizeof(error));
	if (tap < 0)
		goto out_port;
	forward(&port, tap, pool, (unsigned)atoi(argv[2]));
	close(tap);
	port_info(&port, &info);
	printf("%s %s link %u queues %u rx %" PRIu64 " tx %" PRIu64 " errors %" PRIu64 "\n",
	       info.name,
	       info.driver,
	       info.link_up,
	       info.n_rx_queues,
	       info.rx_packets,
	       info.tx_packets,
	       info.rx_errors + info.tx_errors);
	status = 0;
out_port:
	port_close(&port);
out_eal:
	rte_eal_cleanup();
out:
	if (status != 0)
		fprintf(stderr, "error: %s\n", error);
	config_free(config);
	return status;
}
