// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// A DTLS client as a browser is one: OpenSSL over a pair of datagram queues. Test code.

#include <openssl/ssl.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DTLS_PEER_QUEUE 64
#define DTLS_PEER_DATAGRAM 2048

struct dtls_peer_datagram {
	size_t len;
	uint8_t data[DTLS_PEER_DATAGRAM];
};

struct dtls_peer {
	SSL_CTX *context;
	SSL *ssl;
	X509 *cert;
	EVP_PKEY *key;
	struct dtls_peer_datagram out[DTLS_PEER_QUEUE]; // what it sent, oldest first
	unsigned n_out;
	const uint8_t *in;
	size_t in_len;
	bool done; // handshake finished
	bool failed;
	bool closed; // close_notify or a fatal alert of the server
};

// profiles: use_srtp list, NULL = no extension. with_cert: presents its certificate. mtu: of its
// datagrams. NULL on any error (the test then fails).
struct dtls_peer *dtls_peer_new(const char *profiles, bool with_cert, unsigned mtu);
void dtls_peer_free(struct dtls_peer *peer);

// SHA-256 of its certificate.
void dtls_peer_fingerprint(const struct dtls_peer *peer, const char *hash, uint8_t *ret_digest);

void dtls_peer_start(struct dtls_peer *peer); // sends ClientHello
void dtls_peer_input(struct dtls_peer *peer, const uint8_t *data, size_t len);
void dtls_peer_timeout(struct dtls_peer *peer); // repeats its flight, as if its timer had fired
void dtls_peer_close(struct dtls_peer *peer); // close_notify

// Keys as RFC 5764 lays them out: client write key and salt, server write key and salt.
bool dtls_peer_export(
	struct dtls_peer *peer,
	size_t key_len,
	size_t salt_len,
	uint8_t *ret_client,
	uint8_t *ret_server
);
