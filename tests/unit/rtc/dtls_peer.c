// SPDX-License-Identifier: BSD-3-Clause

#include "dtls_peer.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

static BIO_METHOD *method;

static int peer_read(BIO *bio, char *data, int len) {
	struct dtls_peer *peer = BIO_get_data(bio);
	size_t n;

	BIO_clear_retry_flags(bio);
	if (peer->in_len == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	n = peer->in_len < (size_t)len ? peer->in_len : (size_t)len;
	memcpy(data, peer->in, n);
	peer->in_len = 0;
	return (int)n;
}

static int peer_write(BIO *bio, const char *data, int len) {
	struct dtls_peer *peer = BIO_get_data(bio);

	if (peer->n_out < DTLS_PEER_QUEUE && len <= DTLS_PEER_DATAGRAM) {
		struct dtls_peer_datagram *datagram = &peer->out[peer->n_out++];

		datagram->len = (size_t)len;
		memcpy(datagram->data, data, (size_t)len);
	}
	return len;
}

static long peer_ctrl(BIO *, int cmd, long, void *) {
	return cmd == BIO_CTRL_FLUSH;
}

static int accept_any(X509_STORE_CTX *, void *) {
	return 1;
}

// A short retransmission timer, so that a test need not wait a second. (OpenSSL takes anything
// below 15 ms for due at once.)
static unsigned int short_timer(SSL *, unsigned int) {
	return 100000;
}

static bool make_cert(struct dtls_peer *peer) {
	peer->key = EVP_EC_gen("P-256");
	peer->cert = X509_new();
	return peer->key != NULL && peer->cert != NULL
		&& ASN1_INTEGER_set(X509_get_serialNumber(peer->cert), 1) == 1
		&& X509_gmtime_adj(X509_getm_notBefore(peer->cert), -3600) != NULL
		&& X509_gmtime_adj(X509_getm_notAfter(peer->cert), 3600) != NULL
		&& X509_set_pubkey(peer->cert, peer->key) == 1
		&& X509_sign(peer->cert, peer->key, EVP_sha256()) > 0;
}

struct dtls_peer *dtls_peer_new(const char *profiles, bool with_cert, unsigned mtu) {
	struct dtls_peer *peer = calloc(1, sizeof(*peer));
	BIO *bio;

	if (method == NULL) {
		method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "peer");
		BIO_meth_set_read(method, peer_read);
		BIO_meth_set_write(method, peer_write);
		BIO_meth_set_ctrl(method, peer_ctrl);
	}
	if (peer == NULL || !make_cert(peer))
		return NULL;
	peer->context = SSL_CTX_new(DTLS_client_method());
	SSL_CTX_set_verify(peer->context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(peer->context, accept_any, NULL);
	SSL_CTX_set_options(peer->context, SSL_OP_NO_QUERY_MTU);
	if (with_cert
	    && (SSL_CTX_use_certificate(peer->context, peer->cert) != 1
		|| SSL_CTX_use_PrivateKey(peer->context, peer->key) != 1))
		return NULL;
	if (profiles != NULL && SSL_CTX_set_tlsext_use_srtp(peer->context, profiles) != 0)
		return NULL;
	peer->ssl = SSL_new(peer->context);
	bio = BIO_new(method);
	BIO_set_data(bio, peer);
	BIO_set_init(bio, 1);
	SSL_set_bio(peer->ssl, bio, bio);
	SSL_set_mtu(peer->ssl, mtu);
	DTLS_set_timer_cb(peer->ssl, short_timer);
	SSL_set_connect_state(peer->ssl);
	return peer;
}

void dtls_peer_free(struct dtls_peer *peer) {
	if (peer == NULL)
		return;
	SSL_free(peer->ssl);
	SSL_CTX_free(peer->context);
	X509_free(peer->cert);
	EVP_PKEY_free(peer->key);
	free(peer);
}

void dtls_peer_fingerprint(const struct dtls_peer *peer, const char *hash, uint8_t *ret_digest) {
	unsigned int len;

	X509_digest(peer->cert, EVP_get_digestbyname(hash), ret_digest, &len);
}

static void step(struct dtls_peer *peer) {
	uint8_t scratch[256];
	int r, error;

	ERR_clear_error();
	if (!peer->done) {
		r = SSL_do_handshake(peer->ssl);
		if (r == 1) {
			peer->done = true;
		} else {
			error = SSL_get_error(peer->ssl, r);
			if (error != SSL_ERROR_WANT_READ)
				peer->failed = true;
			return;
		}
	}
	while ((r = SSL_read(peer->ssl, scratch, sizeof(scratch))) > 0) {}
	if (SSL_get_error(peer->ssl, r) != SSL_ERROR_WANT_READ)
		peer->closed = true;
}

void dtls_peer_start(struct dtls_peer *peer) {
	step(peer);
}

void dtls_peer_input(struct dtls_peer *peer, const uint8_t *data, size_t len) {
	if (peer->failed || peer->closed)
		return;
	peer->in = data;
	peer->in_len = len;
	step(peer);
	peer->in_len = 0;
}

void dtls_peer_timeout(struct dtls_peer *peer) {
	nanosleep(&(struct timespec){.tv_nsec = 120 * 1000 * 1000}, NULL);
	ERR_clear_error();
	DTLSv1_handle_timeout(peer->ssl);
}

void dtls_peer_close(struct dtls_peer *peer) {
	SSL_shutdown(peer->ssl);
}

bool dtls_peer_export(
	struct dtls_peer *peer,
	size_t key_len,
	size_t salt_len,
	uint8_t *ret_client,
	uint8_t *ret_server
) {
	uint8_t material[128];

	if (SSL_export_keying_material(
		    peer->ssl,
		    material,
		    2 * (key_len + salt_len),
		    "EXTRACTOR-dtls_srtp",
		    19,
		    NULL,
		    0,
		    0
	    )
	    != 1)
		return false;
	memcpy(ret_client, material, key_len);
	memcpy(ret_server, material + key_len, key_len);
	memcpy(ret_client + key_len, material + 2 * key_len, salt_len);
	memcpy(ret_server + key_len, material + 2 * key_len + salt_len, salt_len);
	return true;
}
