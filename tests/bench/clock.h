// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Time of a benchmark, and how far to trust it: on a shared machine a sample may be interrupted or
// run on a core that a neighbour slows down. There is no performance counter in most guests, so the
// core's clock is measured by a chain of dependent multiplications beside every sample.

#include <stdbool.h>
#include <stdint.h>

struct clock_mark {
	uint64_t switches; // involuntary context switches of this thread
	double ghz; // of the core, by the chain
};

// Call once, after rte_eal_init.
void clock_init(void);

double clock_ns(uint64_t tsc_cycles);

// Reads switches and canary: about 15 us.
struct clock_mark clock_mark(void);

// True when nothing disturbed what ran between two marks: no involuntary switch, and at both the
// core ran at no less than 94 % of the fastest clock seen so far.
bool clock_quiet(const struct clock_mark *before, const struct clock_mark *after);

// Middle value of values, which are sorted on the way; 0 of none.
double clock_median(double *values, unsigned n);
