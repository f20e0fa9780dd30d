// SPDX-License-Identifier: BSD-3-Clause

#include "cert.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Nobody checks the dates of a certificate that is known by its digest, but some stacks refuse one
// that is not yet valid by their clock, hence the day of slack.
#define CERT_BEFORE_S (-24L * 3600)
#define CERT_AFTER_S (10L * 365 * 24 * 3600)

struct cert {
	X509 *x509;
	EVP_PKEY *key;
	char fingerprint[CERT_FINGERPRINT_LEN];
};

static int cert_sign(struct cert *cert) {
	X509_NAME *name = X509_get_subject_name(cert->x509);
	uint64_t serial;

	if (RAND_bytes((unsigned char *)&serial, sizeof(serial)) != 1)
		return -EIO;
	// The name says nothing about the host; browsers use "WebRTC" too.
	if (X509_set_version(cert->x509, X509_VERSION_3) != 1
	    || ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert->x509), serial >> 1) != 1
	    || X509_gmtime_adj(X509_getm_notBefore(cert->x509), CERT_BEFORE_S) == NULL
	    || X509_gmtime_adj(X509_getm_notAfter(cert->x509), CERT_AFTER_S) == NULL
	    || X509_set_pubkey(cert->x509, cert->key) != 1
	    || X509_NAME_add_entry_by_txt(
		       name, "CN", MBSTRING_ASC, (const unsigned char *)"plenum", -1, -1, 0
	       ) != 1
	    || X509_set_issuer_name(cert->x509, name) != 1
	    || X509_sign(cert->x509, cert->key, EVP_sha256()) == 0)
		return -EIO;
	return 0;
}

static int cert_print_fingerprint(struct cert *cert) {
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len;
	char *at = cert->fingerprint;

	if (X509_digest(cert->x509, EVP_sha256(), digest, &len) != 1 || len != 32)
		return -EIO;
	at += sprintf(at, "sha-256 ");
	for (unsigned i = 0; i < len; i++)
		at += sprintf(at, i == 0 ? "%02X" : ":%02X", digest[i]);
	return 0;
}

struct cert *cert_new(void) {
	struct cert *cert = calloc(1, sizeof(*cert));
	int r = -EIO;

	if (cert == NULL)
		return NULL;
	cert->key = EVP_EC_gen("P-256");
	cert->x509 = X509_new();
	if (cert->key != NULL && cert->x509 != NULL)
		r = cert_sign(cert);
	if (r == 0)
		r = cert_print_fingerprint(cert);
	if (r < 0) {
		ERR_clear_error();
		cert_free(cert);
		errno = -r;
		return NULL;
	}
	return cert;
}

void cert_free(struct cert *cert) {
	if (cert == NULL)
		return;
	X509_free(cert->x509);
	EVP_PKEY_free(cert->key); // OpenSSL wipes private keys
	free(cert);
}

X509 *cert_x509(const struct cert *cert) {
	return cert->x509;
}

EVP_PKEY *cert_key(const struct cert *cert) {
	return cert->key;
}

const char *cert_fingerprint(const struct cert *cert) {
	return cert->fingerprint;
}
