// SPDX-License-Identifier: BSD-3-Clause

// plenum-control: the order of start and stop. The work is done by threads: http (listeners), rooms
// (decides), rtc (ICE and DTLS); this one waits for signals.

#include "config.h"
#include "rooms.h"
#include "rtc.h"
#include "server.h"
#include "tokens.h"

#include <plm_log.h>
#include <plm_notify.h>
#include <plm_secret.h>

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

LOG_TYPE("main");

#define DESCRIPTORS_OWN 64 // listeners, the API, timers
#define DESCRIPTORS_PER_AGENT 4 // sockets of both families and what wakes them

static void usage(FILE *out) {
	fputs("usage: plenum-control [-c FILE] [-v] [--check-config] [--print-config] [--version]\n"
	      "  -c, --config FILE  default /etc/plenum/plenum.yaml\n"
	      "  -v, --verbose      log level debug, whatever the file says\n"
	      "  --check-config     read the file, say what is wrong, exit\n"
	      "  --print-config     print every value in force but secrets, exit\n",
	      out);
}

struct options {
	const char *config;
	bool check, print, verbose;
};

// Returns -1 to go on, else the exit code.
static int options_parse(int argc, char **argv, struct options *ret_options) {
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'},
		{"check-config", no_argument, NULL, 'k'},
		{"print-config", no_argument, NULL, 'p'},
		{"verbose", no_argument, NULL, 'v'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int c;

	*ret_options = (struct options){.config = "/etc/plenum/plenum.yaml"};
	while ((c = getopt_long(argc, argv, "c:vh", longs, NULL)) != -1) {
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
			ret_options->verbose = true;
			break;
		case 'V':
			puts("plenum-control " PLENUM_VERSION);
			return 0;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind == argc)
		return -1;
	usage(stderr);
	return 2;
}

// As many descriptors as we may have; clients get those that the other threads do not need.
static void descriptors_share(struct config *config) {
	rlim_t needed = DESCRIPTORS_OWN
		+ (rlim_t)config->rtc.n_threads * config->rtc.max_agents * DESCRIPTORS_PER_AGENT;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0
	    || limit.rlim_cur >= needed + config->limits.connections)
		return;
	config->limits.connections = limit.rlim_cur > needed + DESCRIPTORS_OWN
		? (unsigned)(limit.rlim_cur - needed)
		: DESCRIPTORS_OWN;
	LOG(WARNING,
	    "only %llu file descriptors are allowed: limits.connections is %u",
	    (unsigned long long)limit.rlim_cur,
	    config->limits.connections);
}

static void signals_wait(const sigset_t *signals) {
	int signo;

	do {
		if (sigwait(signals, &signo) != 0)
			return;
	} while (signo == SIGHUP);
	LOG(INFO, "stopping: %s", strsignal(signo));
}

// Each thread serves the one started after it, so they end in reverse; rooms last of all, since
// the others post to it. Returns the exit code.
static int run(const struct config *config, const struct auth *auth, const sigset_t *signals) {
	struct rtc_events events;
	char error[512] = "";
	int err;

	err = rooms_start(&config->rooms);
	if (err < 0) {
		LOG(ERROR, "cannot start rooms: %s", strerror(-err));
		return 1;
	}
	rooms_rtc_events(&events);
	err = rtc_start(&config->rtc, &events);
	if (err < 0) {
		LOG(ERROR, "cannot start rtc: %s", strerror(-err));
		rooms_stop();
		return 1;
	}
	err = server_start(config, auth, error, sizeof(error));
	if (err < 0) {
		LOG(ERROR, "%s", error);
	} else {
		plm_notify("READY=1\nSTATUS=serving");
		signals_wait(signals);
		plm_notify("STOPPING=1\nSTATUS=sending clients away");
		server_stop();
	}
	rtc_stop();
	rooms_stop();
	return err < 0 ? 1 : 0;
}

int main(int argc, char **argv) {
	struct config *config = NULL;
	struct options options;
	char error[512] = "";
	struct auth *auth;
	sigset_t signals;
	int code;

	plm_secret_harden_process();
	plm_log_init("control");
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
	plm_log_set_level(options.verbose ? "debug" : config->log_level);
	// Before any thread exists, so that all inherit it.
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	descriptors_share(config);
	auth = tokens_open(config, error, sizeof(error));
	if (auth == NULL) {
		LOG(ERROR, "%s", error);
		config_free(config);
		return 78;
	}
	if (config->auth.demo)
		LOG(WARNING,
		    "demo mode: no token key is configured, and everybody who reaches "
		    "/v1/demo/token gets a token");
	code = run(config, auth, &signals);
	auth_free(auth);
	config_free(config);
	return code;
}
