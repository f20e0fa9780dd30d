// SPDX-License-Identifier: BSD-3-Clause

#include "clock.h"

#include <rte_cycles.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHAIN 16384
#define MULTIPLY_CYCLES 3 // latency of a 64-bit multiplication since Nehalem and Zen
#define STEADY 0.94
#define ON_CORE 0.96
#define READINGS 64

static double ns_per_tick;
static double readings[READINGS], usual_ghz;
static unsigned n_readings;

void clock_init(void) {
	ns_per_tick = 1e9 / (double)rte_get_tsc_hz();
	for (int i = 0; i < READINGS; i++)
		clock_ghz();
}

double clock_ns(uint64_t tsc_cycles) {
	return (double)tsc_cycles * ns_per_tick;
}

static uint64_t cpu_ns(void) {
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void clock_begin(struct clock_span *ret_span) {
	ret_span->cpu_ns = cpu_ns();
	ret_span->tsc = rte_rdtsc();
}

bool clock_end(const struct clock_span *span, uint64_t *ret_cycles) {
	uint64_t cycles = rte_rdtsc() - span->tsc;
	double on_core = (double)(cpu_ns() - span->cpu_ns) / ns_per_tick;

	// The two system calls are in the second clock and not in the first.
	if (on_core > (double)cycles)
		on_core = (double)cycles;
	*ret_cycles = (uint64_t)on_core;
	return on_core >= ON_CORE * (double)cycles;
}

double clock_ghz(void) {
	uint64_t x = 0x9e3779b97f4a7c15, start, cycles;
	double ghz, sorted[READINGS], middle;

	start = rte_rdtsc();
	for (int i = 0; i < CHAIN; i++)
		__asm__ volatile("imul %0, %0" : "+r"(x));
	cycles = rte_rdtsc() - start;
	ghz = CHAIN * MULTIPLY_CYCLES / clock_ns(cycles);
	readings[n_readings++ % READINGS] = ghz;
	if (n_readings % READINGS == 0) {
		memcpy(sorted, readings, sizeof(sorted));
		middle = clock_median(sorted, READINGS);
		usual_ghz = middle > usual_ghz ? middle : usual_ghz;
	}
	return ghz;
}

bool clock_steady(double ghz) {
	return ghz >= STEADY * usual_ghz;
}

static int compare(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double clock_median(double *values, unsigned n) {
	if (n == 0)
		return 0;
	qsort(values, n, sizeof(*values), compare);
	return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}
