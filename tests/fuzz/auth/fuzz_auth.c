// SPDX-License-Identifier: BSD-3-Clause

// A token, verified as it stands; then its claims, signed well, so that what lies behind the
// signature is reached too.

#include "auth.h"
#include "base64url.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdlib.h>
#include <string.h>

#define SECRET "0123456789abcdef0123456789abcdef"
#define HEADER "eyJhbGciOiJIUzI1NiJ9." // {"alg":"HS256"}
#define CLAIMS_MAX 3000
#define NOW 1700000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct auth *auth;

static void verify(const char *token) {
	struct rooms_identity identity;
	char error[128], *again;

	if (auth_verify(auth, token, NOW, &identity, error, sizeof(error)) < 0)
		return;
	if (identity.user_id[0] == '\0' || strlen(identity.user_id) > ROOMS_ID_MAX
	    || identity.room[0] == '\0' || strlen(identity.room) > ROOMS_ID_MAX)
		abort();
	// What was accepted can be issued again, unless it lives on leeway only.
	again = auth_make(auth, &identity, NOW);
	if (again == NULL && identity.expires_at > NOW)
		abort();
	free(again);
}

static void verify_signed(const uint8_t *data, size_t size) {
	char token[AUTH_TOKEN_MAX + 1] = HEADER;
	size_t n = strlen(HEADER);
	uint8_t mac[32];

	if (size > CLAIMS_MAX)
		return;
	n += base64url_encode(data, size, token + n);
	HMAC(EVP_sha256(), SECRET, (int)strlen(SECRET), (uint8_t *)token, n, mac, NULL);
	token[n++] = '.';
	n += base64url_encode(mac, sizeof(mac), token + n);
	token[n] = '\0';
	verify(token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char *token = malloc(size + 1), error[128];

	if (auth == NULL)
		auth = auth_new(
			&(struct auth_config){.algorithm = "HS256", .secret = SECRET},
			error,
			sizeof(error)
		);
	if (token == NULL || auth == NULL)
		abort();
	memcpy(token, data, size);
	token[size] = '\0';
	verify(token);
	free(token);
	verify_signed(data, size);
	return 0;
}
