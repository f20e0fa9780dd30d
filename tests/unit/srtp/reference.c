// SPDX-License-Identifier: BSD-3-Clause

#include "reference.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

static void be32_write(uint8_t *dst, uint32_t value) {
	for (int i = 0; i < 4; i++)
		dst[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void aes_block(const uint8_t *key, size_t key_len, const uint8_t in[16], uint8_t out[16]) {
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0;

	CHECK(ctx != NULL);
	CHECK(EVP_EncryptInit_ex(
		ctx, key_len == 16 ? EVP_aes_128_ecb() : EVP_aes_256_ecb(), NULL, key, NULL
	));
	CHECK(EVP_EncryptUpdate(ctx, out, &n, in, 16) && n == 16);
	EVP_CIPHER_CTX_free(ctx);
}

// RFC 3711 4.1.1: the low 16 bits of iv count blocks.
static void aes_cm(
	const uint8_t *key,
	size_t key_len,
	const uint8_t iv[14],
	uint8_t *data,
	size_t len
) {
	uint8_t counter[16], stream[16];

	memcpy(counter, iv, 14);
	for (size_t i = 0; i < len; i++) {
		if (i % 16 == 0) {
			counter[14] = (uint8_t)(i / 16 >> 8);
			counter[15] = (uint8_t)(i / 16);
			aes_block(key, key_len, counter, stream);
		}
		data[i] ^= stream[i % 16];
	}
}

void reference_derive(
	const uint8_t *key,
	size_t key_len,
	const uint8_t *salt,
	size_t salt_len,
	uint8_t label,
	uint8_t *bytes,
	size_t len
) {
	uint8_t x[14] = {0};

	memcpy(x, salt, salt_len);
	x[7] ^= label;
	memset(bytes, 0, len);
	aes_cm(key, key_len, x, bytes, len);
}

void reference_keys(
	const struct srtp_suite *suite,
	const uint8_t *master,
	bool rtcp,
	struct reference_keys *keys
) {
	const uint8_t *salt = master + suite->key_len;
	size_t key_len = suite->key_len, salt_len = suite->salt_len;
	uint8_t first = rtcp ? 3 : 0;

	reference_derive(master, key_len, salt, salt_len, first, keys->key, key_len);
	reference_derive(master, key_len, salt, salt_len, first + 1, keys->auth, 20);
	reference_derive(master, key_len, salt, salt_len, first + 2, keys->salt, salt_len);
}

// 48 bits of index, at the places that RFC 3711 4.1.1 and RFC 7714 8.1, 9.1 give them.
static void iv_make(
	uint8_t *iv,
	size_t len,
	const uint8_t *salt,
	const uint8_t *ssrc,
	uint64_t index
) {
	memset(iv, 0, len);
	memcpy(iv + len - 10, ssrc, 4);
	for (int i = 0; i < 6; i++)
		iv[len - 6 + i] = (uint8_t)(index >> (40 - 8 * i));
	for (size_t i = 0; i < len; i++)
		iv[i] ^= salt[i];
}

static void hmac80(
	const uint8_t auth[20],
	const uint8_t *data,
	size_t len,
	uint32_t roc,
	uint8_t *tag
) {
	uint8_t *message = malloc(len + 4);
	uint8_t digest[20];
	unsigned n = 0;

	CHECK(message != NULL);
	memcpy(message, data, len);
	be32_write(message + len, roc);
	CHECK(HMAC(EVP_sha1(), auth, 20, message, len + 4, digest, &n) != NULL && n == 20);
	memcpy(tag, digest, 10);
	free(message);
}

// Encrypts data..len in place and writes 16 bytes of tag behind it.
static void gcm(
	const uint8_t *key,
	size_t key_len,
	const uint8_t iv[12],
	const uint8_t *aad,
	size_t aad_len,
	uint8_t *data,
	size_t len
) {
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0;

	CHECK(ctx != NULL);
	CHECK(EVP_EncryptInit_ex(
		ctx, key_len == 16 ? EVP_aes_128_gcm() : EVP_aes_256_gcm(), NULL, key, iv
	));
	CHECK(EVP_EncryptUpdate(ctx, NULL, &n, aad, (int)aad_len));
	CHECK(len == 0 || EVP_EncryptUpdate(ctx, data, &n, data, (int)len));
	CHECK(EVP_EncryptFinal_ex(ctx, data + len, &n) && n == 0);
	CHECK(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, data + len));
	EVP_CIPHER_CTX_free(ctx);
}

size_t reference_protect_rtp(
	const struct srtp_suite *suite,
	const struct reference_keys *keys,
	uint8_t *packet,
	size_t len,
	size_t header_len,
	uint32_t roc
) {
	uint64_t index = (uint64_t)roc << 16 | (unsigned)(packet[2] << 8 | packet[3]);
	uint8_t *payload = packet + header_len;
	uint8_t iv[14];

	if (suite->aead) {
		iv_make(iv, 12, keys->salt, packet + 8, index);
		gcm(keys->key, suite->key_len, iv, packet, header_len, payload, len - header_len);
		return len + 16;
	}
	iv_make(iv, 14, keys->salt, packet + 8, index);
	aes_cm(keys->key, suite->key_len, iv, payload, len - header_len);
	hmac80(keys->auth, packet, len, roc, packet + len);
	return len + 10;
}

size_t reference_protect_rtcp(
	const struct srtp_suite *suite,
	const struct reference_keys *keys,
	uint8_t *packet,
	size_t len,
	uint32_t index
) {
	uint32_t word = UINT32_C(1) << 31 | index; // E
	uint8_t aad[12];
	uint8_t iv[14];

	if (suite->aead) {
		memcpy(aad, packet, 8);
		be32_write(aad + 8, word);
		iv_make(iv, 12, keys->salt, packet + 4, index);
		gcm(keys->key, suite->key_len, iv, aad, 12, packet + 8, len - 8);
		be32_write(packet + len + 16, word);
		return len + 20;
	}
	iv_make(iv, 14, keys->salt, packet + 4, index);
	aes_cm(keys->key, suite->key_len, iv, packet + 8, len - 8);
	be32_write(packet + len, word);
	hmac80(keys->auth, packet, len, word, packet + len + 4);
	return len + 14;
}
