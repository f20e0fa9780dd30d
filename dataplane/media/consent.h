// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Consent freshness of one transport (RFC 7675 section 5.1): when to check, which answers count,
// when consent is lost. Pure; microseconds; randomness is an argument.

#include <stdbool.h>
#include <stdint.h>

#define CONSENT_FIRST_US 50000 // first check after SECURE
#define CONSENT_MIN_US 4000000 // then every 4-6 s (RFC 7675: 5 s times 0.8..1.2)
#define CONSENT_SPREAD_US 2000000
#define CONSENT_EXPIRE_US 30000000 // without a good answer
#define CONSENT_IDS 4 // newest checks whose answers count
#define CONSENT_TXID_LEN 12

struct consent {
	uint8_t txids[CONSENT_IDS][CONSENT_TXID_LEN];
	uint64_t sent_us[CONSENT_IDS]; // 0 = unused or answered
	uint8_t next; // slot of the next check
	uint64_t next_us; // when the next check is due
	uint64_t ok_us; // last good answer, or the start
	uint32_t rtt_us; // of the newest answer, 0 = none yet
};

void consent_start(struct consent *consent, uint64_t now_us);

// True when a check is due: txid (random, made by the caller) is remembered and the next check
// planned with spread, a random number.
bool consent_due(
	struct consent *consent,
	uint64_t now_us,
	const uint8_t txid[CONSENT_TXID_LEN],
	uint32_t spread
);

// An authenticated answer from the path the check went to. True when it is one of ours and unused.
bool consent_answer(struct consent *consent, uint64_t now_us, const uint8_t txid[CONSENT_TXID_LEN]);

// The peer answered another check of ours (RFC 7675 5.1: any authenticated answer is consent).
void consent_refresh(struct consent *consent, uint64_t now_us);

bool consent_lost(const struct consent *consent, uint64_t now_us);
