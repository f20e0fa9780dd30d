// SPDX-License-Identifier: BSD-3-Clause

// plenum-dataplane: the order of start and stop, and the control thread's loop. The main lcore runs
// the API server and the exception path; every worker lcore runs worker_run.

#include "config.h"
#include "ctl/ctl.h"
#include "ctl/server.h"
#include "ctl/telemetry.h"
#include "exception.h"
#include "io/port.h"
#include "io/tap.h"
#include "mailbox.h"
#include "media/transport.h"
#include "worker.h"

#include <plm_log.h>
#include <plm_loop.h>
#include <plm_notify.h>
#include <plm_secret.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_launch.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <srtp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

LOG_TYPE("main");

#define EVENTS_SIZE 16384
#define KERNEL_RING 1024
#define LET_GO_US 3000000
#define SLEEP_ADAPTIVE_MS 200 // workers wake us
#define SLEEP_BUSY_MS 1 // workers make no system calls: we look

static bool stop_asked;

static void signal_ready(void *user, uint32_t events) {
	struct signalfd_siginfo info;

	(void)events;
	if (read(*(int *)user, &info, sizeof(info)) == sizeof(info))
		stop_asked = true;
}

static void tap_ready(void *user, uint32_t events) {
	(void)events;
	exception_from_kernel(user);
}

static void usage(FILE *out) {
	fputs("usage: plenum-dataplane [-c FILE] [--check-config] [--print-config] [--version]\n"
	      "  -c, --config FILE  default /etc/plenum/plenum.yaml\n"
	      "  --check-config     read the file, say what is wrong, exit\n"
	      "  --print-config     print every value in force, exit\n",
	      out);
}

struct options {
	const char *config;
	bool check, print;
};

// Returns -1 to go on, else the exit code.
static int options_parse(int argc, char **argv, struct options *ret_options) {
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'},
		{"check-config", no_argument, NULL, 'k'},
		{"print-config", no_argument, NULL, 'p'},
		{"version", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int c;

	*ret_options = (struct options){.config = "/etc/plenum/plenum.yaml"};
	while ((c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			ret_options->config = optarg;
			break;
		case 'k':
			ret_options->check = true;
			break;
		case 'p':
			ret_options->print = true;
			break;
		case 'v':
			puts("plenum-dataplane " PLENUM_VERSION);
			return 0;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	return -1;
}

// Rings, claims and workers. 0 or -errno.
static int dataplane_make(struct dataplane *dp) {
	const struct config *config = dp->config;
	struct port *port = dp->port;

	dp->start_us = plm_now_us();
	dp->tsc_hz = rte_get_tsc_hz();
	dp->adaptive = config->idle == CONFIG_IDLE_ADAPTIVE
		|| (config->idle == CONFIG_IDLE_AUTO && port->software);
	dp->claims = malloc(config->max_transports);
	dp->events = mailbox_new("events", EVENTS_SIZE);
	dp->to_kernel = rte_ring_create("to_kernel", KERNEL_RING, SOCKET_ID_ANY, RING_F_SC_DEQ);
	dp->stun_answers = rte_ring_create(
		"stun_answers", KERNEL_RING, SOCKET_ID_ANY, RING_F_SC_DEQ
	);
	if (dp->claims == NULL || dp->events == NULL || dp->to_kernel == NULL
	    || dp->stun_answers == NULL)
		return -ENOMEM;
	memset(dp->claims, TRANSPORT_UNCLAIMED, config->max_transports);
	for (unsigned i = 0; i < config->n_workers; i++) {
		struct worker *worker = worker_new(dp, i, i + 1);

		if (worker == NULL)
			return -errno;
		worker->rx_queue = i < port->n_rx_queues ? (int)i : -1;
		worker->tx_queue = i < port->n_tx_queues ? (int)i : -1;
		dp->workers[i] = worker;
		dp->n_workers = i + 1;
	}
	for (unsigned i = 0; i < dp->n_workers; i++)
		dp->workers[i]->tx_worker = dp->workers[i % port->n_tx_queues];
	return 0;
}

static void drain(struct rte_ring *ring) {
	void *m = NULL;

	while (ring != NULL && rte_ring_dequeue(ring, &m) == 0)
		rte_pktmbuf_free(m);
}

static void dataplane_free(struct dataplane *dp) {
	for (unsigned i = 0; i < dp->n_workers; i++)
		worker_free(dp->workers[i]);
	mailbox_free(dp->events);
	drain(dp->to_kernel);
	drain(dp->stun_answers);
	rte_ring_free(dp->to_kernel);
	rte_ring_free(dp->stun_answers);
	free(dp->claims);
}

// The control thread: until a signal asks to stop.
static void control_run(struct dataplane *dp, struct ctl *ctl, struct exception *exception) {
	while (!stop_asked) {
		unsigned n = ctl_take_events(ctl) + exception_to_kernel(exception);
		int timeout_ms = 0;

		if (n == 0) {
			timeout_ms = dp->adaptive ? SLEEP_ADAPTIVE_MS : SLEEP_BUSY_MS;
			__atomic_store_n(&dp->control_sleeps, 1, __ATOMIC_SEQ_CST);
			// What came between the look above and the flag would wake nobody.
			if (mailbox_free_count(dp->events) < EVENTS_SIZE - 1
			    || !rte_ring_empty(dp->to_kernel) || !rte_ring_empty(dp->stun_answers))
				timeout_ms = 0;
		}
		plm_loop_run_once(dp->control_loop, timeout_ms);
		__atomic_store_n(&dp->control_sleeps, 0, __ATOMIC_RELAXED);
	}
}

// All objects are given back, so that keys are wiped; not waited for longer than this.
static void let_go(struct ctl *ctl) {
	uint64_t end_us = plm_now_us() + LET_GO_US;

	ctl_delete_all(ctl);
	while (!ctl_is_empty(ctl) && plm_now_us() < end_us)
		ctl_take_events(ctl);
}

// Everything after the port exists. Returns the exit code.
static int run(struct dataplane *dp, int tap_fd, int signal_fd) {
	struct exception *exception = NULL;
	struct server *server = NULL;
	struct ctl *ctl = NULL;
	uint64_t boot_id = 0;
	int code = 1;

	dp->control_loop = plm_loop_new();
	if (dp->control_loop == NULL || dataplane_make(dp) < 0
	    || (exception = exception_new(dp, tap_fd)) == NULL || (ctl = ctl_new(dp)) == NULL
	    || getrandom(&boot_id, sizeof(boot_id), 0) != sizeof(boot_id)) {
		LOG(ERROR, "out of memory: lower limits or raise memory in the configuration");
		goto out;
	}
	ctl->exception = exception;
	server = server_new(ctl, dp->control_loop, boot_id);
	if (server == NULL) {
		LOG(ERROR, "%s: %s", dp->config->api_socket, strerror(errno));
		goto out;
	}
	if (plm_loop_add(dp->control_loop, tap_fd, EPOLLIN, tap_ready, exception) < 0
	    || plm_loop_add(dp->control_loop, signal_fd, EPOLLIN, signal_ready, &signal_fd) < 0)
		goto out;
	telemetry_start(ctl);
	for (unsigned i = 0; i < dp->n_workers; i++)
		rte_eal_remote_launch(worker_run, dp->workers[i], dp->workers[i]->lcore);
	LOG(INFO,
	    "forwarding on %s (%s), UDP port %u, %u worker%s, SRTP by %s, idle %s",
	    dp->port->name,
	    dp->port->driver,
	    dp->config->public_port,
	    dp->n_workers,
	    dp->n_workers == 1 ? "" : "s",
	    srtp_backend_name(),
	    dp->adaptive ? "adaptive" : "busy");
	plm_notify("READY=1\nSTATUS=forwarding");
	control_run(dp, ctl, exception);
	LOG(INFO, "stopping");
	plm_notify("STOPPING=1");
	let_go(ctl);
	__atomic_store_n(&dp->stop, true, __ATOMIC_RELAXED);
	rte_eal_mp_wait_lcore();
	code = 0;
out:
	server_free(server);
	ctl_free(ctl);
	exception_free(exception);
	dataplane_free(dp);
	plm_loop_free(dp->control_loop);
	return code;
}

int main(int argc, char **argv) {
	struct dataplane dp = {0};
	struct config *config = NULL;
	struct options options;
	struct port port = {0};
	char error[512] = "";
	int signal_fd, tap_fd, code;
	sigset_t signals;

	plm_secret_harden_process();
	plm_log_init("dataplane");
	code = options_parse(argc, argv, &options);
	if (code >= 0)
		return code;
	if (config_load(options.config, &config, error, sizeof(error)) < 0) {
		LOG(ERROR, "%s", error);
		return 78; // EX_CONFIG
	}
	if (options.check || options.print) {
		if (options.print)
			config_print(config);
		config_free(config);
		return 0;
	}
	plm_log_set_level(config->log_level);
	// Before any thread exists, so that all inherit it.
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);

	code = 1;
	if (srtp_init(config->srtp_backend) < 0) {
		LOG(ERROR,
		    "srtp.backend %s: not usable, or its self-test failed",
		    config->srtp_backend);
		return code;
	}
	if (eal_start(config, argv[0], error, sizeof(error)) < 0) {
		LOG(ERROR, "%s", error);
		return code;
	}
	dp.config = config;
	dp.port = &port;
	dp.packets = rte_pktmbuf_pool_create(
		"packets",
		config->mbufs,
		256,
		PACKET_PRIV_SIZE,
		RTE_MBUF_DEFAULT_BUF_SIZE,
		SOCKET_ID_ANY
	);
	if (dp.packets == NULL) {
		LOG(ERROR,
		    "no memory for %u packet buffers: raise memory.memory_mb or lower memory.mbufs",
		    config->mbufs);
		goto out;
	}
	if (port_open(config, dp.packets, &port, error, sizeof(error)) < 0) {
		LOG(ERROR, "%s", error);
		goto out;
	}
	tap_fd = tap_open(config, port.mac, port.mtu, error, sizeof(error));
	if (tap_fd < 0) {
		LOG(ERROR, "%s", error);
		port_close(&port);
		goto out;
	}
	code = run(&dp, tap_fd, signal_fd);
	close(tap_fd);
	port_close(&port);
out:
	rte_eal_cleanup();
	config_free(config);
	return code;
}
