// SPDX-License-Identifier: BSD-3-Clause

#include "srtp_kdf.h"

#include <openssl/evp.h>

#include <errno.h>
#include <limits.h>
#include <string.h>

#define LABEL_AT 7 // key_id is label and a 48-bit index (0), right-aligned in the 14 bytes of salt

// The output for counter block iv is the key stream: zeros encrypted in place.
static int key_stream(
	const uint8_t *key,
	size_t key_len,
	const uint8_t iv[16],
	uint8_t *bytes,
	int len
) {
	const EVP_CIPHER *cipher = key_len == 16 ? EVP_aes_128_ctr() : EVP_aes_256_ctr();
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int done = 0;
	bool ok;

	if (ctx == NULL)
		return -ENOMEM;
	ok = EVP_EncryptInit_ex(ctx, cipher, NULL, key, iv) == 1
		&& EVP_EncryptUpdate(ctx, bytes, &done, bytes, len) == 1 && done == len;
	EVP_CIPHER_CTX_free(ctx); // wipes
	return ok ? 0 : -ENOMEM;
}

int srtp_kdf_derive(
	const uint8_t *key,
	size_t key_len,
	const uint8_t *salt,
	size_t salt_len,
	enum srtp_label label,
	uint8_t *ret_bytes,
	size_t len
) {
	uint8_t iv[16] = {0};
	int err;

	if ((key_len != 16 && key_len != 32) || salt_len > SRTP_SALT_MAX || len > INT_MAX)
		return -EINVAL;
	memcpy(iv, salt, salt_len);
	iv[LABEL_AT] ^= (uint8_t)label;
	memset(ret_bytes, 0, len);
	err = key_stream(key, key_len, iv, ret_bytes, (int)len);
	if (err < 0)
		plm_wipe(ret_bytes, len);
	plm_wipe(iv, sizeof(iv));
	return err;
}

// first is the label of the key; those of auth and salt follow.
static int keys_derive(
	const struct srtp_suite *suite,
	const struct plm_secret *master,
	enum srtp_label first,
	struct srtp_session_keys *keys
) {
	const uint8_t *salt = master->bytes + suite->key_len;
	const struct {
		uint8_t *bytes;
		size_t len;
	} parts[] = {
		{keys->key, suite->key_len},
		{keys->auth, suite->aead ? 0 : SRTP_AUTH_KEY_LEN},
		{keys->salt, suite->salt_len},
	};

	memset(keys, 0, sizeof(*keys));
	for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		int err;

		if (parts[i].len == 0)
			continue;
		err = srtp_kdf_derive(
			master->bytes,
			suite->key_len,
			salt,
			suite->salt_len,
			(enum srtp_label)(first + i),
			parts[i].bytes,
			parts[i].len
		);
		if (err < 0)
			return err;
	}
	return 0;
}

int srtp_kdf_session(
	const struct srtp_suite *suite,
	const struct plm_secret *master,
	struct srtp_session_keys *ret_rtp,
	struct srtp_session_keys *ret_rtcp
) {
	struct srtp_session_keys rtp, rtcp;
	int err;

	if (master->len != suite->key_len + suite->salt_len)
		return -EINVAL;
	err = keys_derive(suite, master, SRTP_LABEL_RTP_KEY, &rtp);
	if (err == 0)
		err = keys_derive(suite, master, SRTP_LABEL_RTCP_KEY, &rtcp);
	if (err == 0) {
		*ret_rtp = rtp;
		*ret_rtcp = rtcp;
	}
	plm_wipe(&rtp, sizeof(rtp));
	plm_wipe(&rtcp, sizeof(rtcp));
	return err;
}
