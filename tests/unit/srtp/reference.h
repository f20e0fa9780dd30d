// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// SRTP written a second time, straight from the RFCs on single AES blocks and OpenSSL's HMAC and
// GCM: the other side of the differential tests. Slow, stateless; the caller gives the index.

#include "srtp_job.h"

struct reference_keys {
	uint8_t key[32];
	uint8_t auth[20];
	uint8_t salt[14];
};

// len bytes of AES-CM key derivation (RFC 3711 4.3.3).
void reference_derive(
	const uint8_t *key,
	size_t key_len,
	const uint8_t *salt,
	size_t salt_len,
	uint8_t label,
	uint8_t *bytes,
	size_t len
);

void reference_keys(
	const struct srtp_suite *suite,
	const uint8_t *master,
	bool rtcp,
	struct reference_keys *keys
);

// Protect packet..len in place (room for SRTP_TRAILER_MAX), return the new length.
size_t reference_protect_rtp(
	const struct srtp_suite *suite,
	const struct reference_keys *keys,
	uint8_t *packet,
	size_t len,
	size_t header_len,
	uint32_t roc
);
size_t reference_protect_rtcp(
	const struct srtp_suite *suite,
	const struct reference_keys *keys,
	uint8_t *packet,
	size_t len,
	uint32_t index
);
