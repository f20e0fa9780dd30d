// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Tokens: JSON Web Tokens (RFC 7519, RFC 7515, RFC 8725) that say who a client is and what it may
// do. The algorithm is fixed by configuration; what a token's header says of keys is not looked at.
//
// Claims: sub (user id), room (id or prefix with a trailing *), can (array of "create", "publish",
// "view"), exp; nbf and iat are checked if present.

#include "rooms.h"

#include <stddef.h>
#include <stdint.h>

#define AUTH_TOKEN_MAX 4096
#define AUTH_LEEWAY_S 60 // between our clock and the issuer's

struct auth_config {
	const char *algorithm; // "HS256", "RS256", "ES256", "EdDSA"
	const char *secret; // HS256, else NULL
	const char *key_file; // others: PEM public key (a private key also makes tokens), else NULL
};

// Immutable: any thread may verify and make.
struct auth;

// Copies what it needs of config. Returns NULL with errno (EINVAL, ENOMEM, that of opening
// key_file) and one sentence in error.
struct auth *auth_new(const struct auth_config *config, char *error, size_t error_len);
void auth_free(struct auth *auth);

// token may be NULL. now: unix seconds. Returns 0, or -EACCES with one sentence in error that may
// be told to the client.
int auth_verify(
	const struct auth *auth,
	const char *token,
	int64_t now,
	struct rooms_identity *ret_identity,
	char *error,
	size_t error_len
);

// A token for identity, issued now, until identity->expires_at. To free(). NULL with errno: EINVAL
// (bad ids, expires_at not after now), EPERM (only a public key is known), ENOMEM.
char *auth_make(const struct auth *auth, const struct rooms_identity *identity, int64_t now);
