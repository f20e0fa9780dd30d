// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// When to ask a producer for a key frame: viewers' wishes coalesced to at most one request a second
// (RFC 4585 6.3.1, RFC 5104 3.5.1), asked again while no key frame comes. Pure; microseconds.

#include <stdbool.h>
#include <stdint.h>

#define KEYFRAME_INTERVAL_US 1000000 // between two requests of one producer
#define KEYFRAME_TRIES 5 // unanswered repetitions of one wish

struct keyframe {
	uint64_t sent_us; // 0 = never
	uint64_t asked; // wishes
	uint64_t requests; // sent
	uint8_t tries; // of the pending wish
	bool pending; // somebody waits
};

void keyframe_init(struct keyframe *keyframe);

// A viewer joined or asked. Returns true when a request is to be sent now.
bool keyframe_ask(struct keyframe *keyframe, uint64_t now_us);

// Called now and then: true when a pending wish is to be sent (again) now.
bool keyframe_due(struct keyframe *keyframe, uint64_t now_us);

// A key frame came: nobody waits any more.
void keyframe_seen(struct keyframe *keyframe, uint64_t now_us);
