// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Packet index and replay window of one SSRC (RFC 3711 sections 3.3.1, 3.3.2, appendix A). Pure.
// A receiver estimates, checks, authenticates, and only then updates. A sender estimates and
// updates. SRTCP carries its index in the packet: check and update alone.

#include "srtp_job.h"

#define SRTP_REPLAY_WINDOW 1024 // packets, a multiple of 64

// Zeroed = no packet yet.
struct srtp_index {
	uint64_t highest; // ROC * 65536 + SEQ of the newest authenticated packet
	uint64_t seen[SRTP_REPLAY_WINDOW / 64]; // bit index % window: of highest - 1023 .. highest
	bool started;
};

// The index that a packet with this sequence number most likely has: the one closest to highest.
// Before the first packet the ROC is 0, and it is never taken below 0.
uint64_t srtp_index_estimate(const struct srtp_index *state, uint16_t seq);

// SRTP_OK (new), SRTP_REPLAYED, SRTP_TOO_OLD (left of the window), SRTP_FAILED (beyond 48 bits: the
// key is used up, RFC 3711 9.2).
enum srtp_verdict srtp_index_check(const struct srtp_index *state, uint64_t index);

// The packet is authentic: marks index as seen and moves the window when it is the newest. Indexes
// left of the window change nothing.
void srtp_index_update(struct srtp_index *state, uint64_t index);
