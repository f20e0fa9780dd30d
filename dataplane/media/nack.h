// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Which packets of a producer are missing, and when to ask for them (RFC 4585 section 3.5, 6.2.1).
// Pure: time is an argument (microseconds, monotonic). Fixed size, no allocation.

#include <stdint.h>

#define NACK_MAX 128 // missing packets remembered; a larger gap forgets the oldest
#define NACK_TRIES 10 // times one packet is asked for
#define NACK_AGE_US 1000000 // asked for no longer than this
#define NACK_GAP_RESET 1000 // a jump this large is a new start, not loss
#define NACK_DELAY_US 5000 // first request waits this long: mere reordering heals itself

struct nack_entry {
	uint64_t first_us; // noticed
	uint64_t sent_us; // last asked, 0 = never
	uint16_t seq;
	uint8_t tries;
};

struct nack {
	struct nack_entry entries[NACK_MAX]; // ascending by seq
	uint16_t n;
	uint16_t highest;
	uint8_t started;
	uint64_t dropped; // entries forgotten without the packet coming
};

enum nack_verdict {
	NACK_NEW, // advances the sequence
	NACK_RECOVERED, // was missing and had been asked for
	NACK_LATE, // was missing, never asked for: reordered
	NACK_DUPLICATE, // at or below the highest and not missing
};

void nack_init(struct nack *nack);
enum nack_verdict nack_receive(struct nack *nack, uint16_t seq, uint64_t now_us);

// Sequence numbers to ask for now, ascending; each counts as one try. A packet is asked again after
// rtt_us * 1.25, at least 20 ms. Entries out of tries or age are forgotten. Returns their number.
int nack_due(struct nack *nack, uint64_t now_us, uint32_t rtt_us, uint16_t *ret_seqs, int max);

// When nack_due wants to be called next (0 = nothing missing).
uint64_t nack_next_us(const struct nack *nack, uint32_t rtt_us);

// Forgets everything older than a key frame at seq: nothing before it is worth asking for.
void nack_forget_before(struct nack *nack, uint16_t seq);
