// SPDX-License-Identifier: BSD-3-Clause

#include "nack.h"

#include <plm_rtp.h>

#include <string.h>

#define AGAIN_MIN_US 20000

void nack_init(struct nack *nack) {
	memset(nack, 0, sizeof(*nack));
}

static void oldest_forget(struct nack *nack, uint16_t n) {
	nack->dropped += n;
	nack->n -= n;
	memmove(nack->entries, nack->entries + n, nack->n * sizeof(nack->entries[0]));
}

// Notes all numbers between the highest and seq as missing; only the newest NACK_MAX fit.
static void gap_add(struct nack *nack, uint16_t seq, uint64_t now_us) {
	unsigned n_missing = (uint16_t)(seq - nack->highest - 1);
	uint16_t first = nack->highest + 1;

	if (n_missing > NACK_MAX) {
		nack->dropped += n_missing - NACK_MAX;
		first = seq - NACK_MAX;
		n_missing = NACK_MAX;
	}
	if (nack->n + n_missing > NACK_MAX)
		oldest_forget(nack, (uint16_t)(nack->n + n_missing - NACK_MAX));
	for (unsigned i = 0; i < n_missing; i++)
		nack->entries[nack->n++] = (struct nack_entry){
			.first_us = now_us,
			.seq = (uint16_t)(first + i),
		};
}

static void advance(struct nack *nack, uint16_t seq, uint64_t now_us) {
	uint16_t n_old = 0;

	gap_add(nack, seq, now_us);
	nack->highest = seq;
	// Without this an entry nobody collects could lie half the number space back and turn
	// "newer".
	while (n_old < nack->n && plm_seq_diff(seq, nack->entries[n_old].seq) >= NACK_GAP_RESET)
		n_old++;
	if (n_old > 0)
		oldest_forget(nack, n_old);
}

static enum nack_verdict late(struct nack *nack, uint16_t seq) {
	for (unsigned i = 0; i < nack->n; i++) {
		struct nack_entry *entry = &nack->entries[i];
		bool asked = entry->tries > 0;

		if (entry->seq != seq)
			continue;
		nack->n--;
		memmove(entry, entry + 1, (nack->n - i) * sizeof(*entry));
		return asked ? NACK_RECOVERED : NACK_LATE;
	}
	return NACK_DUPLICATE;
}

enum nack_verdict nack_receive(struct nack *nack, uint16_t seq, uint64_t now_us) {
	int diff = plm_seq_diff(seq, nack->highest);

	if (!nack->started || diff >= NACK_GAP_RESET || diff <= -NACK_GAP_RESET) {
		oldest_forget(nack, nack->n);
		nack->started = 1;
		nack->highest = seq;
		return NACK_NEW;
	}
	if (diff <= 0)
		return late(nack, seq);
	advance(nack, seq, now_us);
	return NACK_NEW;
}

static uint64_t again_us(uint32_t rtt_us) {
	uint64_t us = (uint64_t)rtt_us * 5 / 4;

	return us > AGAIN_MIN_US ? us : AGAIN_MIN_US;
}

// When entry is to be asked for (again).
static uint64_t entry_due_us(const struct nack_entry *entry, uint64_t again) {
	return entry->tries == 0 ? entry->first_us + NACK_DELAY_US : entry->sent_us + again;
}

int nack_due(struct nack *nack, uint64_t now_us, uint32_t rtt_us, uint16_t *ret_seqs, int max) {
	uint64_t again = again_us(rtt_us);
	uint16_t n_kept = 0;
	int n = 0;

	for (unsigned i = 0; i < nack->n; i++) {
		struct nack_entry entry = nack->entries[i];
		bool due = now_us >= entry_due_us(&entry, again);

		// The last request too is given the time of a round trip to be answered.
		if (now_us >= entry.first_us + NACK_AGE_US || (due && entry.tries >= NACK_TRIES)) {
			nack->dropped++;
			continue;
		}
		if (due && n < max) {
			entry.tries++;
			entry.sent_us = now_us;
			ret_seqs[n++] = entry.seq;
		}
		nack->entries[n_kept++] = entry;
	}
	nack->n = n_kept;
	return n;
}

uint64_t nack_next_us(const struct nack *nack, uint32_t rtt_us) {
	uint64_t again = again_us(rtt_us);
	uint64_t next = UINT64_MAX;

	if (nack->n == 0)
		return 0;
	for (unsigned i = 0; i < nack->n; i++) {
		const struct nack_entry *entry = &nack->entries[i];
		uint64_t due = entry_due_us(entry, again);
		uint64_t end = entry->first_us + NACK_AGE_US;

		if (due > end)
			due = end;
		if (due < next)
			next = due;
	}
	return next;
}

void nack_forget_before(struct nack *nack, uint16_t seq) {
	uint16_t n_old = 0;

	while (n_old < nack->n && plm_seq_newer(seq, nack->entries[n_old].seq))
		n_old++;
	if (n_old > 0)
		oldest_forget(nack, n_old);
}
