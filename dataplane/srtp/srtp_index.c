// SPDX-License-Identifier: BSD-3-Clause

#include "srtp_index.h"

#include <string.h>

#define INDEX_BITS 48
#define HALF 0x8000

uint64_t srtp_index_estimate(const struct srtp_index *state, uint16_t seq) {
	uint64_t roc = state->highest >> 16;
	int newest = state->highest & 0xffff;

	if (!state->started)
		return seq;
	// RFC 3711 appendix A, but for ROC 0: there is no ROC -1, so the only index such a packet
	// can have is one far ahead.
	if (newest < HALF && seq - newest > HALF && roc > 0)
		roc--;
	else if (newest >= HALF && newest - HALF > seq)
		roc++;
	return roc << 16 | seq;
}

static bool window_get(const struct srtp_index *state, uint64_t index) {
	uint64_t bit = index % SRTP_REPLAY_WINDOW;

	return state->seen[bit / 64] >> bit % 64 & 1;
}

static void window_set(struct srtp_index *state, uint64_t index, bool seen) {
	uint64_t bit = index % SRTP_REPLAY_WINDOW;
	uint64_t mask = UINT64_C(1) << bit % 64;

	if (seen)
		state->seen[bit / 64] |= mask;
	else
		state->seen[bit / 64] &= ~mask;
}

enum srtp_verdict srtp_index_check(const struct srtp_index *state, uint64_t index) {
	if (index >> INDEX_BITS != 0)
		return SRTP_FAILED;
	if (!state->started || index > state->highest)
		return SRTP_OK;
	if (state->highest - index >= SRTP_REPLAY_WINDOW)
		return SRTP_TOO_OLD;
	return window_get(state, index) ? SRTP_REPLAYED : SRTP_OK;
}

void srtp_index_update(struct srtp_index *state, uint64_t index) {
	if (!state->started || index > state->highest) {
		if (!state->started || index - state->highest >= SRTP_REPLAY_WINDOW) {
			memset(state->seen, 0, sizeof(state->seen));
		} else {
			for (uint64_t i = state->highest + 1; i < index; i++)
				window_set(state, i, false);
		}
		state->started = true;
		state->highest = index;
	} else if (state->highest - index >= SRTP_REPLAY_WINDOW) {
		return;
	}
	window_set(state, index, true);
}
