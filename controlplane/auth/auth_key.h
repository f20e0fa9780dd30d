// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// One key and its algorithm: signatures as JOSE spells them (RFC 7518, RFC 8037).

#include <plm_secret.h>

#include <openssl/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AUTH_SECRET_MIN 32 // bytes: no less than the hash (RFC 7518 section 3.2)
#define AUTH_SIGNATURE_MAX 1024 // RSA of 8192 bits

enum auth_algorithm {
	AUTH_HS256,
	AUTH_RS256,
	AUTH_ES256,
	AUTH_EDDSA
};

// Owned by struct auth; read only after its init.
struct auth_key {
	enum auth_algorithm algorithm;
	struct plm_secret secret; // HS256
	EVP_PKEY *pkey; // others
	bool can_sign;
};

// "ES256" and so on, as in a token's header.
const char *auth_algorithm_name(enum auth_algorithm algorithm);

// Returns 0 or -errno with one sentence in error; key is then empty.
int auth_key_init(
	struct auth_key *key,
	const char *algorithm,
	const char *secret,
	const char *key_file,
	char *error,
	size_t error_len
);
void auth_key_clear(struct auth_key *key);

// True if signature is that of the text.
bool auth_key_verify(
	const struct auth_key *key,
	const void *text,
	size_t text_len,
	const uint8_t *signature,
	size_t signature_len
);

// Returns 0, -EPERM without a private key, -ENOMEM.
int auth_key_sign(
	const struct auth_key *key,
	const void *text,
	size_t text_len,
	uint8_t ret_signature[AUTH_SIGNATURE_MAX],
	size_t *ret_signature_len
);
