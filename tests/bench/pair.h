// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Two workers at once, each on its own core and queue: half of the publishers and half of every
// audience belong to each, so every source packet crosses by ring to the other worker once.

#include <stdbool.h>
#include <stdint.h>

struct scene;

struct pair_run {
	uint64_t cycles; // TSC from the common start until the last frame was sent
	uint64_t out, bytes; // of both
	bool quiet; // both had their cores for nearly all of it
};

// Feeds n packets to each worker, then lets both run. False: frames are missing after a while.
bool pair_take(struct scene *scene, unsigned size, unsigned n, struct pair_run *ret_run);
