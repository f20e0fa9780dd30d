// SPDX-License-Identifier: BSD-3-Clause

// Runs the scenarios one after another: each prints ok or FAILED with a reason. Exit status 0 when
// all passed. Those with a begin run beside the others.

#include "probe.h"

#include <getopt.h>
#include <setjmp.h>
#include <srtp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCENARIOS_MAX 128

struct options options;
struct plm_hello_rep hello;

static const struct scenario *const lists[] = {
	life_scenarios,
	api_scenarios,
	ice_scenarios,
	path_scenarios,
	move_scenarios,
	dtls_scenarios,
	srtp_scenarios,
	media_scenarios,
	feedback_scenarios,
};

static struct {
	const struct scenario *scenario;
	bool failed;
	uint64_t took_us;
} runs[SCENARIOS_MAX];
static unsigned n_runs;
static jmp_buf way_out;
static char reason[512];

const struct scenario *running;

_Noreturn void fail(const char *format, ...) {
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	longjmp(way_out, 1);
}

// True when it came through.
static bool attempt(void (*run)(void)) {
	if (setjmp(way_out) != 0)
		return false;
	run();
	return true;
}

static void clean(void) {
	peers_clean(running);
	sockets_clean(running);
}

static void run_one(unsigned i) {
	const struct scenario *scenario = runs[i].scenario;
	uint64_t start_us = plm_now_us();
	bool good;

	if (runs[i].failed) // in begin
		return;
	running = scenario;
	good = attempt(drops_begin) && attempt(scenario->run) && attempt(drops_end);
	if (!good) {
		printf("FAILED  %-20s %s\n        %s\n", scenario->name, scenario->sentence, reason
		);
		attempt(relay_dump);
	} else {
		printf("ok      %-20s %s (%.1f s)\n",
		       scenario->name,
		       scenario->sentence,
		       (double)(plm_now_us() - start_us) / 1e6);
	}
	fflush(stdout);
	runs[i].failed = !good;
	if (!good) { // it may have left another client in control
		relay_close();
		relay_open();
	}
	if (!attempt(clean)) {
		printf("FAILED  %s: cleaning up: %s\n", scenario->name, reason);
		runs[i].failed = true;
	}
}

static void collect(void) {
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		for (const struct scenario *s = lists[i]; s->name != NULL; s++) {
			if (options.only != NULL && strcmp(options.only, s->name) != 0)
				continue;
			if (options.quick && s->begin != NULL)
				continue;
			if (n_runs < SCENARIOS_MAX)
				runs[n_runs++].scenario = s;
		}
	}
}

static void begin(void) {
	for (unsigned i = 0; i < n_runs; i++) {
		running = runs[i].scenario;
		if (running->begin == NULL || attempt(running->begin))
			continue;
		printf("FAILED  %-20s %s\n        at the beginning: %s\n",
		       running->name,
		       running->sentence,
		       reason);
		runs[i].failed = true;
	}
}

static int usage(void) {
	fprintf(stderr,
		"usage: probe --socket PATH --netns NAME --pid PID [--only SCENARIO] [--quick]\n");
	return 2;
}

int main(int argc, char **argv) {
	static const struct option longs[] = {
		{"socket", required_argument, NULL, 's'},
		{"netns", required_argument, NULL, 'n'},
		{"pid", required_argument, NULL, 'p'},
		{"only", required_argument, NULL, 'o'},
		{"quick", no_argument, NULL, 'q'},
		{0},
	};
	unsigned n_failed = 0;
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 's':
			options.api_socket = optarg;
			break;
		case 'n':
			options.relay_netns = optarg;
			break;
		case 'p':
			options.pid = atoi(optarg);
			break;
		case 'o':
			options.only = optarg;
			break;
		case 'q':
			options.quick = true;
			break;
		default:
			return usage();
		}
	}
	if (options.api_socket == NULL || options.relay_netns == NULL || options.pid <= 0)
		return usage();
	if (srtp_init("auto") < 0) {
		fprintf(stderr, "SRTP does not work\n");
		return 2;
	}
	net_init();
	relay_open();
	collect();
	begin();
	// What waits long comes last.
	for (unsigned i = 0; i < n_runs; i++) {
		if (runs[i].scenario->begin == NULL)
			run_one(i);
	}
	for (unsigned i = 0; i < n_runs; i++) {
		if (runs[i].scenario->begin != NULL)
			run_one(i);
	}
	for (unsigned i = 0; i < n_runs; i++)
		n_failed += runs[i].failed;
	running = NULL;
	if (!attempt(life_leave)) {
		printf("FAILED  at the end: %s\n", reason);
		n_failed++;
	}
	relay_close();
	printf("%u passed, %u failed\n", n_runs - n_failed, n_failed);
	return n_failed == 0 && n_runs > 0 ? 0 : 1;
}
