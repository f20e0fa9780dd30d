// SPDX-License-Identifier: BSD-3-Clause

#include "consent.h"

#include <string.h>

void consent_start(struct consent *consent, uint64_t now_us) {
	memset(consent, 0, sizeof(*consent));
	consent->next_us = now_us + CONSENT_FIRST_US;
	consent->ok_us = now_us;
}

bool consent_due(
	struct consent *consent,
	uint64_t now_us,
	const uint8_t txid[CONSENT_TXID_LEN],
	uint32_t spread
) {
	if (now_us < consent->next_us)
		return false;
	memcpy(consent->txids[consent->next], txid, CONSENT_TXID_LEN);
	consent->sent_us[consent->next] = now_us;
	consent->next = (consent->next + 1) % CONSENT_IDS;
	consent->next_us = now_us + CONSENT_MIN_US + spread % CONSENT_SPREAD_US;
	return true;
}

bool consent_answer(
	struct consent *consent,
	uint64_t now_us,
	const uint8_t txid[CONSENT_TXID_LEN]
) {
	// Lost is final (RFC 7675 5.1): no answer that is merely late brings it back.
	if (consent_lost(consent, now_us))
		return false;
	for (int i = 0; i < CONSENT_IDS; i++) {
		uint64_t sent_us = consent->sent_us[i];

		if (sent_us == 0 || memcmp(consent->txids[i], txid, CONSENT_TXID_LEN) != 0)
			continue;
		consent->sent_us[i] = 0;
		consent->ok_us = now_us;
		consent->rtt_us = now_us > sent_us ? (uint32_t)(now_us - sent_us) : 1;
		return true;
	}
	return false;
}

void consent_refresh(struct consent *consent, uint64_t now_us) {
	if (!consent_lost(consent, now_us))
		consent->ok_us = now_us;
}

bool consent_lost(const struct consent *consent, uint64_t now_us) {
	return now_us > consent->ok_us && now_us - consent->ok_us >= CONSENT_EXPIRE_US;
}
