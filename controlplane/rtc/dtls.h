// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// One DTLS 1.2 server association (RFC 6347) that keys SRTP (RFC 5764): datagrams in and out by
// calls, no sockets, no threads. The peer's certificate must have the digest its SDP announced
// (RFC 8122); no key leaves an association whose peer is not proven so.

#include "cert.h"

#include <plm_api.h>

#include <stddef.h>
#include <stdint.h>

// Caps of one handshake, counted outside OpenSSL (which would hold much more).
#define DTLS_HANDSHAKE_INPUT_MAX (64 * 1024)
#define DTLS_HANDSHAKE_MS 10000
#define DTLS_MTU 1200 // of our datagrams: fits IPv6's smallest link

struct dtls_context; // what all associations share; threads may share it
struct dtls; // owned by one thread

// cert is borrowed and must outlive the context. NULL with errno.
struct dtls_context *dtls_context_new(const struct cert *cert);
void dtls_context_free(struct dtls_context *context);

enum dtls_state {
	DTLS_HANDSHAKE,
	DTLS_ESTABLISHED, // peer proven, suite agreed, keys may be exported
	DTLS_CLOSED, // was established; close_notify or a fatal alert came
	DTLS_FAILED, // was never established; see dtls_error
};

enum dtls_error {
	DTLS_ERROR_NONE,
	DTLS_ERROR_FINGERPRINT, // the certificate is not the one of the SDP
	// OpenSSL or the peer refused (no certificate, no common cipher, alert)
	DTLS_ERROR_HANDSHAKE,
	DTLS_ERROR_NO_SRTP, // no common SRTP protection profile
	DTLS_ERROR_TIMEOUT, // not done DTLS_HANDSHAKE_MS after the first record
	DTLS_ERROR_TOO_MUCH, // more than DTLS_HANDSHAKE_INPUT_MAX bytes
};

// Sends one datagram; called inside dtls_input, dtls_timeout and dtls_close. May drop it.
typedef void (*dtls_send)(void *user, const uint8_t *data, size_t len);

// hash, digest: the fingerprint of the SDP: "sha-256", "sha-384" or "sha-512" (RFC 8122 section 5;
// "sha-1" is refused). NULL with errno EINVAL for another hash or length, ENOMEM.
struct dtls *dtls_new(
	struct dtls_context *context,
	const char *hash,
	const uint8_t *digest,
	size_t digest_len,
	dtls_send send,
	void *user
);
void dtls_free(struct dtls *dtls); // sends nothing

// Takes a datagram. Anything that is not DTLS is ignored. Also answers a repeated last flight of
// the client after the handshake: the association must therefore live as long as the transport.
enum dtls_state dtls_input(struct dtls *dtls, const uint8_t *data, size_t len);

// When dtls_timeout is next due, in ms from now; -1 = never. Ask after each input and timeout.
int dtls_timeout_ms(const struct dtls *dtls);
enum dtls_state dtls_timeout(struct dtls *dtls);

enum dtls_state dtls_state(const struct dtls *dtls);
enum dtls_error dtls_error(const struct dtls *dtls); // of DTLS_FAILED

// The SRTP keys (RFC 5764 section 4.2) of an established association. rx: what the peer encrypts
// with. 0, or -EPERM in any other state. The caller wipes the keys.
int dtls_export(
	struct dtls *dtls,
	uint16_t *ret_suite,
	struct plm_srtp_key *ret_rx,
	struct plm_srtp_key *ret_tx
);

// Sends close_notify if established; the association is closed then.
void dtls_close(struct dtls *dtls);

const char *dtls_error_text(enum dtls_error error);
