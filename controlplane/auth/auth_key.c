// SPDX-License-Identifier: BSD-3-Clause

#include "auth_key.h"

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX (AUTH_SIGNATURE_MAX * 8)
#define P256_LEN 32 // bytes of r and of s
#define ES256_LEN (2 * P256_LEN)
#define ES256_DER_MAX 80 // two integers of at most 33 bytes and their headers: 72

static const char *const algorithm_names[] = {
	[AUTH_HS256] = "HS256",
	[AUTH_RS256] = "RS256",
	[AUTH_ES256] = "ES256",
	[AUTH_EDDSA] = "EdDSA",
};

const char *auth_algorithm_name(enum auth_algorithm algorithm) {
	return algorithm_names[algorithm];
}

static int fail(int err, char *error, size_t error_len, const char *text) {
	snprintf(error, error_len, "%s", text);
	return err;
}

// ---------------------------------------------------------------------------- keys

// Never asks a terminal: a key with a passphrase is refused.
static int no_passphrase(char *, int, int, void *) {
	return -1;
}

static bool pkey_fits(const EVP_PKEY *pkey, enum auth_algorithm algorithm) {
	char group[32] = "";

	switch (algorithm) {
	case AUTH_RS256:
		return EVP_PKEY_is_a(pkey, "RSA") && EVP_PKEY_get_bits(pkey) >= RSA_BITS_MIN
			&& EVP_PKEY_get_bits(pkey) <= RSA_BITS_MAX;
	case AUTH_ES256:
		return EVP_PKEY_is_a(pkey, "EC")
			&& EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) == 1
			&& strcmp(group, "prime256v1") == 0;
	case AUTH_EDDSA:
		return EVP_PKEY_is_a(pkey, "ED25519");
	default:
		return false;
	}
}

static int pkey_load(struct auth_key *key, const char *path, char *error, size_t error_len) {
	FILE *file = fopen(path, "re");

	if (file == NULL) {
		int err = -errno;

		snprintf(error, error_len, "Cannot open %s: %s.", path, strerror(-err));
		return err;
	}
	key->pkey = PEM_read_PUBKEY(file, NULL, no_passphrase, NULL);
	if (key->pkey == NULL) {
		rewind(file);
		key->pkey = PEM_read_PrivateKey(file, NULL, no_passphrase, NULL);
		key->can_sign = key->pkey != NULL;
	}
	fclose(file);
	ERR_clear_error();
	if (key->pkey == NULL) {
		snprintf(error, error_len, "%s holds no PEM key.", path);
		return -EINVAL;
	}
	if (!pkey_fits(key->pkey, key->algorithm)) {
		snprintf(
			error,
			error_len,
			"The key in %s does not fit %s.",
			path,
			auth_algorithm_name(key->algorithm)
		);
		return -EINVAL;
	}
	return 0;
}

// HMAC replaces keys longer than its block of 64 bytes by their hash (RFC 2104): done once here.
static int secret_load(struct auth_key *key, const char *secret, char *error, size_t error_len) {
	uint8_t hash[SHA256_DIGEST_LENGTH];
	size_t len = strlen(secret);
	int r;

	if (len < AUTH_SECRET_MIN)
		return fail(-EINVAL, error, error_len, "The secret is shorter than 32 bytes.");
	key->can_sign = true;
	if (len <= PLM_SECRET_MAX)
		return plm_secret_init(&key->secret, secret, len);
	SHA256((const uint8_t *)secret, len, hash);
	r = plm_secret_init(&key->secret, hash, sizeof(hash));
	plm_wipe(hash, sizeof(hash));
	return r;
}

int auth_key_init(
	struct auth_key *key,
	const char *algorithm,
	const char *secret,
	const char *key_file,
	char *error,
	size_t error_len
) {
	bool known = false;
	int r;

	memset(key, 0, sizeof(*key));
	for (unsigned i = 0; i < sizeof(algorithm_names) / sizeof(algorithm_names[0]); i++) {
		if (strcmp(algorithm, algorithm_names[i]) != 0)
			continue;
		key->algorithm = (enum auth_algorithm)i;
		known = true;
	}
	if (!known)
		return fail(
			-EINVAL,
			error,
			error_len,
			"The algorithm is not HS256, RS256, ES256 or EdDSA."
		);
	// A public key taken for a secret is the classic forgery: never both kinds at once.
	if (key->algorithm == AUTH_HS256 ? secret == NULL || key_file != NULL
					 : key_file == NULL || secret != NULL)
		return fail(
			-EINVAL,
			error,
			error_len,
			"HS256 takes a secret, the other algorithms a key file."
		);
	r = key->algorithm == AUTH_HS256 ? secret_load(key, secret, error, error_len)
					 : pkey_load(key, key_file, error, error_len);
	if (r < 0)
		auth_key_clear(key);
	return r;
}

void auth_key_clear(struct auth_key *key) {
	plm_secret_wipe(&key->secret);
	EVP_PKEY_free(key->pkey);
	memset(key, 0, sizeof(*key));
}

// ---------------------------------------------------------------------------- signatures

// JOSE writes r and s with 32 bytes each (RFC 7518 section 3.4), OpenSSL wants DER. Returns its
// length or 0.
static size_t es256_to_der(const uint8_t *signature, uint8_t der[ES256_DER_MAX]) {
	BIGNUM *r = BN_bin2bn(signature, P256_LEN, NULL);
	BIGNUM *s = BN_bin2bn(signature + P256_LEN, P256_LEN, NULL);
	ECDSA_SIG *sig = ECDSA_SIG_new();
	uint8_t *p = der;
	int len = 0;

	if (r == NULL || s == NULL || sig == NULL || ECDSA_SIG_set0(sig, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		goto out;
	}
	len = i2d_ECDSA_SIG(sig, NULL);
	if (len > 0 && len <= ES256_DER_MAX)
		len = i2d_ECDSA_SIG(sig, &p);
	else
		len = 0;
out:
	ECDSA_SIG_free(sig);
	return len > 0 ? (size_t)len : 0;
}

static bool es256_from_der(const uint8_t *der, size_t der_len, uint8_t signature[ES256_LEN]) {
	const uint8_t *p = der;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)der_len);
	bool ok = sig != NULL
		&& BN_bn2binpad(ECDSA_SIG_get0_r(sig), signature, P256_LEN) == P256_LEN
		&& BN_bn2binpad(ECDSA_SIG_get0_s(sig), signature + P256_LEN, P256_LEN) == P256_LEN;

	ECDSA_SIG_free(sig);
	return ok;
}

static bool hmac(const struct auth_key *key, const void *text, size_t len, uint8_t *ret_mac) {
	return HMAC(EVP_sha256(), key->secret.bytes, key->secret.len, text, len, ret_mac, NULL)
		!= NULL;
}

bool auth_key_verify(
	const struct auth_key *key,
	const void *text,
	size_t text_len,
	const uint8_t *signature,
	size_t signature_len
) {
	uint8_t mac[SHA256_DIGEST_LENGTH], der[ES256_DER_MAX];
	EVP_MD_CTX *ctx;
	bool ok;

	if (key->algorithm == AUTH_HS256)
		return signature_len == sizeof(mac) && hmac(key, text, text_len, mac)
			&& CRYPTO_memcmp(mac, signature, sizeof(mac)) == 0;
	if (key->algorithm == AUTH_ES256) {
		if (signature_len != ES256_LEN)
			return false;
		signature_len = es256_to_der(signature, der);
		signature = der;
	}
	ctx = EVP_MD_CTX_new();
	ok = ctx != NULL && signature_len > 0
		&& EVP_DigestVerifyInit(
			   ctx,
			   NULL,
			   key->algorithm == AUTH_EDDSA ? NULL : EVP_sha256(),
			   NULL,
			   key->pkey
		   ) == 1
		&& EVP_DigestVerify(ctx, signature, signature_len, text, text_len) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return ok;
}

int auth_key_sign(
	const struct auth_key *key,
	const void *text,
	size_t text_len,
	uint8_t ret_signature[AUTH_SIGNATURE_MAX],
	size_t *ret_signature_len
) {
	uint8_t signature[AUTH_SIGNATURE_MAX];
	size_t len = sizeof(signature);
	EVP_MD_CTX *ctx;
	bool ok;

	if (!key->can_sign)
		return -EPERM;
	if (key->algorithm == AUTH_HS256) {
		*ret_signature_len = SHA256_DIGEST_LENGTH;
		return hmac(key, text, text_len, ret_signature) ? 0 : -ENOMEM;
	}
	ctx = EVP_MD_CTX_new();
	ok = ctx != NULL
		&& EVP_DigestSignInit(
			   ctx,
			   NULL,
			   key->algorithm == AUTH_EDDSA ? NULL : EVP_sha256(),
			   NULL,
			   key->pkey
		   ) == 1
		&& EVP_DigestSign(ctx, signature, &len, text, text_len) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	if (!ok)
		return -ENOMEM;
	if (key->algorithm == AUTH_ES256) {
		if (!es256_from_der(signature, len, ret_signature))
			return -ENOMEM;
		len = ES256_LEN;
	} else {
		memcpy(ret_signature, signature, len);
	}
	*ret_signature_len = len;
	return 0;
}
