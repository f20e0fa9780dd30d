// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Time of a benchmark, and how far to trust it: on a shared machine a sample may be interrupted or
// run on a core that a neighbour slows down. There is no performance counter in most guests, so the
// core's clock is measured by a chain of dependent multiplications beside every sample.

#include <stdbool.h>
#include <stdint.h>

// A stretch of work that is timed.
struct clock_span {
	uint64_t tsc, cpu_ns;
};

// Call once, after rte_eal_init.
void clock_init(void);

double clock_ns(uint64_t tsc_cycles);

void clock_begin(struct clock_span *ret_span);

// True when this thread had the core for at least 96 % of the time since clock_begin; then
// *ret_cycles (TSC) is that time without what others took of it.
bool clock_end(const struct clock_span *span, uint64_t *ret_cycles);

// Clock of the core by the canary, GHz: about 15 us.
double clock_ghz(void);

// True when the core ran at no less than 94 % of its usual clock, which is the middle of what the
// canary showed at the start or, if that is faster, of the newest readings.
bool clock_steady(double ghz);

// Middle value of values, which are sorted on the way; 0 of none.
double clock_median(double *values, unsigned n);
