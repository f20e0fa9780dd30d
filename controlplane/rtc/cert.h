// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The DTLS certificate of this process: ECDSA P-256, self-signed, made at start and never written
// anywhere (RFC 8827 section 6.5: peers are proven by the fingerprint in the SDP, not by a chain).

#include <openssl/types.h>

// "sha-256 " and 32 bytes "AA:BB:..." and NUL.
#define CERT_FINGERPRINT_LEN (8 + 32 * 3)

struct cert; // immutable once made: threads share it

struct cert *cert_new(void); // NULL with errno
void cert_free(struct cert *cert);

X509 *cert_x509(const struct cert *cert); // borrowed
EVP_PKEY *cert_key(const struct cert *cert); // borrowed, secret

// For a=fingerprint (RFC 8122 section 5), as struct sdp_local wants it.
const char *cert_fingerprint(const struct cert *cert);
