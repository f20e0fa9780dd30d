// SPDX-License-Identifier: BSD-3-Clause

#include "dtls.h"

#include <plm_loop.h>
#include <plm_secret.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#define RECORD_HEADER_LEN 13 // RFC 6347 section 4.1

// Ours first: the server's order decides (RFC 5764 section 4.1.2 leaves it to us).
#define SRTP_PROFILES "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM"

// Forward secrecy and AEAD only. The certificate is ECDSA, so the ECDSA suites; the first is the
// one RFC 8827 section 6.5 requires everybody to have.
#define CIPHERS                                                                                    \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"                             \
	"ECDHE-ECDSA-CHACHA20-POLY1305"

// Retransmission of our flight: sooner than RFC 6347's second, since a lost flight is a black
// screen and media stacks do the same; doubling.
#define RETRANSMIT_FIRST_US 250000
#define RETRANSMIT_MAX_US 2000000

struct dtls_context {
	SSL_CTX *ssl;
	BIO_METHOD *method; // a BIO that keeps datagrams apart, which a memory BIO does not
};

// Owned by the peer connection.
struct dtls {
	SSL *ssl;
	const EVP_MD *hash;
	uint8_t digest[EVP_MAX_MD_SIZE];
	size_t digest_len;
	dtls_send send;
	void *user;
	enum dtls_state state;
	enum dtls_error error;
	bool mismatch; // the certificate's digest was not the SDP's
	const uint8_t *in; // the datagram being taken, until OpenSSL reads it
	size_t in_len;
	size_t taken; // bytes given to OpenSSL during the handshake
	uint64_t deadline_us; // of the handshake, 0 = no record yet
};

// ---------------------------------------------------------------------------- the datagram BIO

static int datagram_read(BIO *bio, char *data, int len) {
	struct dtls *dtls = BIO_get_data(bio);
	size_t n;

	BIO_clear_retry_flags(bio);
	if (dtls == NULL || dtls->in_len == 0 || len <= 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	n = dtls->in_len < (size_t)len ? dtls->in_len : (size_t)len;
	memcpy(data, dtls->in, n);
	dtls->in_len = 0; // as recv does: what does not fit is lost
	return (int)n;
}

static int datagram_write(BIO *bio, const char *data, int len) {
	struct dtls *dtls = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	if (dtls != NULL && len > 0)
		dtls->send(dtls->user, (const uint8_t *)data, (size_t)len);
	return len; // a datagram that could not be sent is a lost one
}

static long datagram_ctrl(BIO *, int cmd, long, void *) {
	switch (cmd) {
	case BIO_CTRL_FLUSH:
		return 1;
	case BIO_CTRL_DGRAM_QUERY_MTU:
	case BIO_CTRL_DGRAM_GET_MTU:
	case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
		return DTLS_MTU;
	default:
		return 0;
	}
}

// ---------------------------------------------------------------------------- the peer's proof

static bool peer_is_proven(const struct dtls *dtls, const X509 *peer) {
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	return peer != NULL && X509_digest(peer, dtls->hash, digest, &len) == 1
		&& len == dtls->digest_len && CRYPTO_memcmp(digest, dtls->digest, len) == 0;
}

// In place of OpenSSL's chain check: any chain will do, the digest decides. Refusing here tells the
// peer (bad_certificate) and spends no more work on it; OpenSSL checks the proof of possession
// later.
static int verify_peer(X509_STORE_CTX *store, void *) {
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct dtls *dtls = SSL_get_app_data(ssl);

	if (dtls != NULL && peer_is_proven(dtls, X509_STORE_CTX_get0_cert(store))) {
		X509_STORE_CTX_set_error(store, X509_V_OK);
		return 1;
	}
	if (dtls != NULL)
		dtls->mismatch = true;
	X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
	return 0;
}

// ---------------------------------------------------------------------------- context

struct dtls_context *dtls_context_new(const struct cert *cert) {
	struct dtls_context *context = calloc(1, sizeof(*context));
	SSL_CTX *ssl;

	if (context == NULL)
		return NULL;
	context->ssl = ssl = SSL_CTX_new(DTLS_server_method());
	context->method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagram");
	if (ssl == NULL || context->method == NULL
	    || BIO_meth_set_read(context->method, datagram_read) != 1
	    || BIO_meth_set_write(context->method, datagram_write) != 1
	    || BIO_meth_set_ctrl(context->method, datagram_ctrl) != 1
	    || SSL_CTX_set_min_proto_version(ssl, DTLS1_2_VERSION) != 1
	    || SSL_CTX_set_max_proto_version(ssl, DTLS1_2_VERSION) != 1
	    || SSL_CTX_set_cipher_list(ssl, CIPHERS) != 1
	    || SSL_CTX_set1_groups_list(ssl, "X25519:P-256:P-384") != 1
	    || SSL_CTX_use_certificate(ssl, cert_x509(cert)) != 1
	    || SSL_CTX_use_PrivateKey(ssl, cert_key(cert)) != 1
	    || SSL_CTX_set_tlsext_use_srtp(ssl, SRTP_PROFILES) != 0) { // 0 is its success
		ERR_clear_error();
		dtls_context_free(context);
		errno = EIO;
		return NULL;
	}
	SSL_CTX_set_options(
		ssl,
		SSL_OP_NO_QUERY_MTU | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET
			| SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE
	);
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ssl, verify_peer, NULL);
	return context;
}

void dtls_context_free(struct dtls_context *context) {
	if (context == NULL)
		return;
	SSL_CTX_free(context->ssl);
	BIO_meth_free(context->method);
	free(context);
}

// ---------------------------------------------------------------------------- association

static unsigned int retransmit_after(SSL *, unsigned int last_us) {
	if (last_us == 0)
		return RETRANSMIT_FIRST_US;
	return last_us * 2 < RETRANSMIT_MAX_US ? last_us * 2 : RETRANSMIT_MAX_US;
}

static const EVP_MD *hash_find(const char *name) {
	if (strcmp(name, "sha-256") == 0)
		return EVP_sha256();
	if (strcmp(name, "sha-384") == 0)
		return EVP_sha384();
	if (strcmp(name, "sha-512") == 0)
		return EVP_sha512();
	return NULL;
}

struct dtls *dtls_new(
	struct dtls_context *context,
	const char *hash,
	const uint8_t *digest,
	size_t digest_len,
	dtls_send send,
	void *user
) {
	const EVP_MD *md = hash_find(hash);
	struct dtls *dtls;
	BIO *bio;

	if (md == NULL || (size_t)EVP_MD_get_size(md) != digest_len) {
		errno = EINVAL;
		return NULL;
	}
	dtls = calloc(1, sizeof(*dtls));
	if (dtls == NULL)
		return NULL;
	dtls->hash = md;
	memcpy(dtls->digest, digest, digest_len);
	dtls->digest_len = digest_len;
	dtls->send = send;
	dtls->user = user;
	dtls->ssl = SSL_new(context->ssl);
	bio = BIO_new(context->method);
	if (dtls->ssl == NULL || bio == NULL) {
		BIO_free(bio);
		dtls_free(dtls);
		ERR_clear_error();
		errno = ENOMEM;
		return NULL;
	}
	BIO_set_data(bio, dtls);
	BIO_set_init(bio, 1);
	SSL_set_bio(dtls->ssl, bio, bio);
	SSL_set_app_data(dtls->ssl, dtls);
	SSL_set_mtu(dtls->ssl, DTLS_MTU);
	DTLS_set_timer_cb(dtls->ssl, retransmit_after);
	SSL_set_accept_state(dtls->ssl);
	return dtls;
}

void dtls_free(struct dtls *dtls) {
	if (dtls == NULL)
		return;
	SSL_free(dtls->ssl);
	free(dtls);
}

static enum dtls_state dtls_fail(struct dtls *dtls, enum dtls_error error) {
	dtls->state = DTLS_FAILED;
	dtls->error = error;
	ERR_clear_error();
	return dtls->state;
}

static bool suite_is_known(unsigned long id) {
	return id == PLM_SRTP_AES128_CM_HMAC_SHA1_80 || id == PLM_SRTP_AEAD_AES_128_GCM
		|| id == PLM_SRTP_AEAD_AES_256_GCM;
}

static void dtls_shake(struct dtls *dtls) {
	const SRTP_PROTECTION_PROFILE *profile;
	int r, error;

	ERR_clear_error();
	r = SSL_do_handshake(dtls->ssl);
	if (r != 1) {
		error = SSL_get_error(dtls->ssl, r);
		if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
			return;
		dtls_fail(dtls, dtls->mismatch ? DTLS_ERROR_FINGERPRINT : DTLS_ERROR_HANDSHAKE);
		return;
	}
	// The callback has refused a stranger already. Asked again of the finished handshake, so
	// that no way to an established association without this comparison can exist.
	if (SSL_get_verify_result(dtls->ssl) != X509_V_OK
	    || !peer_is_proven(dtls, SSL_get0_peer_certificate(dtls->ssl))) {
		dtls_fail(dtls, DTLS_ERROR_FINGERPRINT);
		return;
	}
	profile = SSL_get_selected_srtp_profile(dtls->ssl);
	if (profile == NULL || !suite_is_known(profile->id)) {
		SSL_shutdown(dtls->ssl); // the peer thinks it is connected: tell it
		dtls_fail(dtls, DTLS_ERROR_NO_SRTP);
		return;
	}
	dtls->state = DTLS_ESTABLISHED;
}

// Reads what there is: application data is thrown away (we negotiate no data channels), a repeated
// Finished makes OpenSSL repeat our last flight, alerts close.
static void dtls_drain(struct dtls *dtls) {
	uint8_t scratch[2048];
	int r, error;

	for (;;) {
		ERR_clear_error();
		r = SSL_read(dtls->ssl, scratch, sizeof(scratch));
		if (r > 0)
			continue;
		error = SSL_get_error(dtls->ssl, r);
		if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
			return;
		dtls->state = DTLS_CLOSED;
		ERR_clear_error();
		return;
	}
}

enum dtls_state dtls_input(struct dtls *dtls, const uint8_t *data, size_t len) {
	// RFC 7983: 20..63 is DTLS; of these only 20..23 are content types of version 1.2.
	if (len < RECORD_HEADER_LEN || data[0] < 20 || data[0] > 23)
		return dtls->state;
	if (dtls->state == DTLS_CLOSED || dtls->state == DTLS_FAILED)
		return dtls->state;
	if (dtls->state == DTLS_HANDSHAKE) {
		if (dtls->deadline_us == 0)
			dtls->deadline_us = plm_now_us() + DTLS_HANDSHAKE_MS * 1000ULL;
		if (len > DTLS_HANDSHAKE_INPUT_MAX - dtls->taken)
			return dtls_fail(dtls, DTLS_ERROR_TOO_MUCH);
		dtls->taken += len;
	}
	dtls->in = data;
	dtls->in_len = len;
	if (dtls->state == DTLS_HANDSHAKE)
		dtls_shake(dtls);
	if (dtls->state == DTLS_ESTABLISHED)
		dtls_drain(dtls);
	dtls->in = NULL;
	dtls->in_len = 0;
	return dtls->state;
}

int dtls_timeout_ms(const struct dtls *dtls) {
	uint64_t now_us, wait_us;
	struct timeval left;

	if (dtls->state == DTLS_CLOSED || dtls->state == DTLS_FAILED)
		return -1;
	wait_us = UINT64_MAX;
	if (DTLSv1_get_timeout(dtls->ssl, &left) == 1)
		wait_us = (uint64_t)left.tv_sec * 1000000 + (uint64_t)left.tv_usec;
	if (dtls->state == DTLS_HANDSHAKE && dtls->deadline_us != 0) {
		now_us = plm_now_us();
		if (dtls->deadline_us <= now_us)
			return 0;
		if (dtls->deadline_us - now_us < wait_us)
			wait_us = dtls->deadline_us - now_us;
	}
	return wait_us == UINT64_MAX ? -1 : (int)((wait_us + 999) / 1000);
}

enum dtls_state dtls_timeout(struct dtls *dtls) {
	if (dtls->state == DTLS_CLOSED || dtls->state == DTLS_FAILED)
		return dtls->state;
	if (dtls->state == DTLS_HANDSHAKE && dtls->deadline_us != 0
	    && plm_now_us() >= dtls->deadline_us)
		return dtls_fail(dtls, DTLS_ERROR_TIMEOUT);
	ERR_clear_error();
	if (DTLSv1_handle_timeout(dtls->ssl) < 0 && dtls->state == DTLS_HANDSHAKE)
		return dtls_fail(dtls, DTLS_ERROR_TIMEOUT);
	ERR_clear_error();
	return dtls->state;
}

enum dtls_state dtls_state(const struct dtls *dtls) {
	return dtls->state;
}

enum dtls_error dtls_error(const struct dtls *dtls) {
	return dtls->error;
}

int dtls_export(
	struct dtls *dtls,
	uint16_t *ret_suite,
	struct plm_srtp_key *ret_rx,
	struct plm_srtp_key *ret_tx
) {
	static const char label[] = "EXTRACTOR-dtls_srtp"; // RFC 5764 section 4.2
	uint8_t material[2 * PLM_SRTP_KEY_MAX];
	size_t key_len, salt_len;
	unsigned long suite;

	if (dtls->state != DTLS_ESTABLISHED)
		return -EPERM;
	suite = SSL_get_selected_srtp_profile(dtls->ssl)->id;
	key_len = suite == PLM_SRTP_AEAD_AES_256_GCM ? 32 : 16;
	salt_len = suite == PLM_SRTP_AES128_CM_HMAC_SHA1_80 ? 14 : 12;
	if (SSL_export_keying_material(
		    dtls->ssl,
		    material,
		    2 * (key_len + salt_len),
		    label,
		    sizeof(label) - 1,
		    NULL,
		    0,
		    0
	    )
	    != 1) {
		plm_wipe(material, sizeof(material));
		ERR_clear_error();
		return -EIO;
	}
	// client key, server key, client salt, server salt; the peer is the client.
	memset(ret_rx, 0, sizeof(*ret_rx));
	memset(ret_tx, 0, sizeof(*ret_tx));
	memcpy(ret_rx->bytes, material, key_len);
	memcpy(ret_tx->bytes, material + key_len, key_len);
	memcpy(ret_rx->bytes + key_len, material + 2 * key_len, salt_len);
	memcpy(ret_tx->bytes + key_len, material + 2 * key_len + salt_len, salt_len);
	plm_wipe(material, sizeof(material));
	*ret_suite = (uint16_t)suite;
	return 0;
}

void dtls_close(struct dtls *dtls) {
	if (dtls->state != DTLS_ESTABLISHED)
		return;
	ERR_clear_error();
	SSL_shutdown(dtls->ssl);
	ERR_clear_error();
	dtls->state = DTLS_CLOSED;
}

const char *dtls_error_text(enum dtls_error error) {
	switch (error) {
	case DTLS_ERROR_NONE:
		return "no error";
	case DTLS_ERROR_FINGERPRINT:
		return "The client's certificate is not the one its SDP announced.";
	case DTLS_ERROR_HANDSHAKE:
		return "The DTLS handshake failed.";
	case DTLS_ERROR_NO_SRTP:
		return "The client offered no SRTP protection profile that we have.";
	case DTLS_ERROR_TIMEOUT:
		return "The DTLS handshake was not finished in time.";
	case DTLS_ERROR_TOO_MUCH:
		return "The client sent too much before the DTLS handshake was finished.";
	}
	return "unknown error";
}
