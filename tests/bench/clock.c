// SPDX-License-Identifier: BSD-3-Clause

#include "clock.h"

#include <rte_cycles.h>

#include <stdlib.h>
#include <sys/resource.h>

#define CHAIN 16384
#define MULTIPLY_CYCLES 3 // latency of a 64-bit multiplication since Nehalem and Zen
#define QUIET 0.94

static double ns_per_tick;
static double fastest_ghz;

void clock_init(void) {
	ns_per_tick = 1e9 / (double)rte_get_tsc_hz();
	for (int i = 0; i < 64; i++)
		clock_mark();
}

double clock_ns(uint64_t tsc_cycles) {
	return (double)tsc_cycles * ns_per_tick;
}

static double chain_ghz(void) {
	uint64_t x = 0x9e3779b97f4a7c15, start, cycles;

	start = rte_rdtsc();
	for (int i = 0; i < CHAIN; i++)
		__asm__ volatile("imul %0, %0" : "+r"(x));
	cycles = rte_rdtsc() - start;
	return CHAIN * MULTIPLY_CYCLES / clock_ns(cycles);
}

struct clock_mark clock_mark(void) {
	struct clock_mark mark;
	struct rusage usage;

	mark.ghz = chain_ghz();
	getrusage(RUSAGE_THREAD, &usage);
	mark.switches = (uint64_t)usage.ru_nivcsw;
	if (mark.ghz > fastest_ghz)
		fastest_ghz = mark.ghz;
	return mark;
}

bool clock_quiet(const struct clock_mark *before, const struct clock_mark *after) {
	return before->switches == after->switches && before->ghz >= QUIET * fastest_ghz
		&& after->ghz >= QUIET * fastest_ghz;
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
