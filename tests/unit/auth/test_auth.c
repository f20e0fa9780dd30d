// SPDX-License-Identifier: BSD-3-Clause

// Tokens made, verified and forged. Keys are made here, so that none lies in the tree.

#include "auth.h"
#include "auth_key.h"
#include "base64url.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Last: it wants the headers above and does not include them.
#include <cmocka.h>

#define NOW 1700000000
#define SECRET "0123456789abcdef0123456789abcdef"
#define N_ALGORITHMS 4

// For each algorithm one that can make and one that can only verify.
static struct {
	const char *name;
	char private_file[64], public_file[64];
	struct auth *maker, *verifier;
} keys[N_ALGORITHMS] = {{"HS256"}, {"RS256"}, {"ES256"}, {"EdDSA"}};

static struct auth *auth_open(const char *algorithm, const char *secret, const char *key_file) {
	struct auth_config config = {algorithm, secret, key_file};
	char error[200] = "";
	struct auth *auth = auth_new(&config, error, sizeof(error));

	if (auth == NULL)
		assert_string_not_equal(error, "");
	return auth;
}

static void pem_write(EVP_PKEY *pkey, char *path, bool private) {
	FILE *file;
	int fd;

	strcpy(path, "/tmp/plenum-test-key-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	file = fdopen(fd, "w");
	if (private)
		assert_int_equal(PEM_write_PrivateKey(file, pkey, NULL, NULL, 0, NULL, NULL), 1);
	else
		assert_int_equal(PEM_write_PUBKEY(file, pkey), 1);
	fclose(file);
}

static int keys_make(void **) {
	for (int i = 0; i < N_ALGORITHMS; i++) {
		EVP_PKEY *pkey;

		if (i == 0) {
			keys[i].maker = auth_open("HS256", SECRET, NULL);
			keys[i].verifier = auth_open("HS256", SECRET, NULL);
			continue;
		}
		pkey = i == 1	 ? EVP_RSA_gen(2048)
			: i == 2 ? EVP_EC_gen("P-256")
				 : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		pem_write(pkey, keys[i].private_file, true);
		pem_write(pkey, keys[i].public_file, false);
		EVP_PKEY_free(pkey);
		keys[i].maker = auth_open(keys[i].name, NULL, keys[i].private_file);
		keys[i].verifier = auth_open(keys[i].name, NULL, keys[i].public_file);
	}
	for (int i = 0; i < N_ALGORITHMS; i++)
		if (keys[i].maker == NULL || keys[i].verifier == NULL)
			return -1;
	return 0;
}

static int keys_remove(void **) {
	for (int i = 0; i < N_ALGORITHMS; i++) {
		auth_free(keys[i].maker);
		auth_free(keys[i].verifier);
		if (i > 0) {
			unlink(keys[i].private_file);
			unlink(keys[i].public_file);
		}
	}
	return 0;
}

static const struct rooms_identity ann = {
	.user_id = "ann.b-c_d@example.org",
	.room = "team-*",
	.may_publish = true,
	.may_view = true,
	.expires_at = NOW + 600,
};

// A token of our own spelling, signed with the secret.
static char *token_sign(const char *header, const char *claims, const char *secret) {
	char *token = malloc(BASE64URL_LEN(strlen(header)) + BASE64URL_LEN(strlen(claims)) + 64);
	uint8_t mac[32];
	size_t n;

	n = base64url_encode(header, strlen(header), token);
	token[n++] = '.';
	n += base64url_encode(claims, strlen(claims), token + n);
	HMAC(EVP_sha256(), secret, (int)strlen(secret), (uint8_t *)token, n, mac, NULL);
	token[n++] = '.';
	n += base64url_encode(mac, sizeof(mac), token + n);
	token[n] = '\0';
	return token;
}

static int verify(const struct auth *auth, const char *token, int64_t now, char error[160]) {
	struct rooms_identity identity, untouched;
	int r;

	memset(&identity, 0x55, sizeof(identity));
	memset(&untouched, 0x55, sizeof(untouched));
	error[0] = '\0';
	r = auth_verify(auth, token, now, &identity, error, 160);
	if (r < 0) {
		assert_int_equal(r, -EACCES);
		assert_memory_equal(&identity, &untouched, sizeof(identity));
		assert_true(strlen(error) > 10 && error[strlen(error) - 1] == '.');
	}
	return r;
}

static void round_trip(void **) {
	char error[160];

	for (int i = 0; i < N_ALGORITHMS; i++) {
		char *token = auth_make(keys[i].maker, &ann, NOW);
		struct rooms_identity identity;

		assert_non_null(token);
		assert_int_equal(
			auth_verify(keys[i].verifier, token, NOW, &identity, error, sizeof(error)),
			0
		);
		assert_string_equal(identity.user_id, ann.user_id);
		assert_string_equal(identity.room, ann.room);
		assert_int_equal(identity.expires_at, ann.expires_at);
		assert_false(identity.may_create);
		assert_true(identity.may_publish && identity.may_view);
		// No other algorithm's verifier takes it.
		for (int k = 0; k < N_ALGORITHMS; k++)
			assert_true((verify(keys[k].verifier, token, NOW, error) == 0) == (k == i));
		free(token);
	}
}

static void making(void **) {
	static const struct {
		const char *user, *room;
		int64_t expires_at;
		int err;
	} cases[] = {
		{"u", "*", NOW + 1, 0},
		{"u", "r", NOW, EINVAL},
		{"", "r", NOW + 1, EINVAL},
		{"..", "r", NOW + 1, EINVAL},
		{"u v", "r", NOW + 1, EINVAL},
		{"u", "", NOW + 1, EINVAL},
		{"u", "a*b", NOW + 1, EINVAL},
		{"u", "**", NOW + 1, EINVAL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rooms_identity identity = {.expires_at = cases[i].expires_at};
		char *token;

		strcpy(identity.user_id, cases[i].user);
		strcpy(identity.room, cases[i].room);
		errno = 0;
		token = auth_make(keys[0].maker, &identity, NOW);
		assert_true((token != NULL) == (cases[i].err == 0));
		assert_int_equal(errno, cases[i].err);
		free(token);
	}
	for (int i = 1; i < N_ALGORITHMS; i++) {
		assert_null(auth_make(keys[i].verifier, &ann, NOW));
		assert_int_equal(errno, EPERM);
	}
}

#define GOOD_HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define SUB "\"sub\":\"u\""
#define ROOM "\"room\":\"r\""
#define CAN "\"can\":[\"view\"]"
#define EXP "\"exp\":1700000600"
#define U64 "uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu"

// Well signed all of them: only what they say differs.
static const struct {
	const char *header, *claims;
	const char *sentence; // part of it; NULL: accepted
} contents[] = {
	{GOOD_HEADER, "{" SUB "," ROOM "," CAN "," EXP "}", NULL},
	{"{\"alg\":\"HS256\"}", "{" SUB "," ROOM "," CAN "," EXP "}", NULL},
	{"{\"alg\":\"HS256\",\"kid\":\"../../etc/passwd\",\"jku\":\"http://evil/\",\"jwk\":{}}",
	 "{" SUB "," ROOM "," CAN "," EXP "}",
	 NULL},
	{GOOD_HEADER,
	 "{" SUB "," ROOM "," CAN "," EXP ",\"iss\":\"x\",\"aud\":[\"y\"],\"x\":{}}",
	 NULL},
	{GOOD_HEADER, "{" SUB "," ROOM ",\"can\":[]," EXP "}", NULL},
	{GOOD_HEADER, "{" SUB "," ROOM "," CAN ",\"exp\":1700000600.9}", NULL},
	{GOOD_HEADER, "{\"sub\":\"" U64 "\"," ROOM "," CAN "," EXP "}", NULL},
	{GOOD_HEADER, "{" SUB ",\"room\":\"*\"," CAN "," EXP "}", NULL},

	{"{\"alg\":\"none\"}", "{" SUB "," ROOM "," CAN "," EXP "}", "HS256"},
	{"{\"alg\":\"None\"}", "{" SUB "," ROOM "," CAN "," EXP "}", "HS256"},
	{"{\"alg\":\"hs256\"}", "{" SUB "," ROOM "," CAN "," EXP "}", "HS256"},
	{"{\"alg\":\"HS384\"}", "{" SUB "," ROOM "," CAN "," EXP "}", "HS256"},
	{"{\"alg\":\"RS256\"}", "{" SUB "," ROOM "," CAN "," EXP "}", "HS256"},
	{"{\"alg\":null}", "{" SUB "," ROOM "," CAN "," EXP "}", "HS256"},
	{"{\"alg\":[\"HS256\"]}", "{" SUB "," ROOM "," CAN "," EXP "}", "HS256"},
	{"{}", "{" SUB "," ROOM "," CAN "," EXP "}", "HS256"},
	{"{\"alg\":\"HS256\",\"alg\":\"HS256\"}", "{" SUB "," ROOM "," CAN "," EXP "}", "header"},
	{"{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":false}",
	 "{" SUB "," ROOM "," CAN "," EXP "}",
	 "critical"},
	{"[\"HS256\"]", "{" SUB "," ROOM "," CAN "," EXP "}", "header"},
	{"", "{" SUB "," ROOM "," CAN "," EXP "}", "header"},

	{GOOD_HEADER, "", "claims"},
	{GOOD_HEADER, "[]", "claims"},
	{GOOD_HEADER, "\"x\"", "claims"},
	{GOOD_HEADER, "{" SUB "," ROOM "," CAN "," EXP, "claims"},
	{GOOD_HEADER, "{" SUB "," ROOM "," CAN "," EXP "}x", "claims"},
	{GOOD_HEADER, "{" SUB "," SUB "," ROOM "," CAN "," EXP "}", "claims"},
	{GOOD_HEADER, "{" SUB "," ROOM "," CAN "," EXP "," EXP "}", "claims"},
	{GOOD_HEADER, "{\"sub\":\"a\\u0000b\"," ROOM "," CAN "," EXP "}", "claims"},
	{GOOD_HEADER, "{\"sub\":\"\xff\"," ROOM "," CAN "," EXP "}", "claims"},

	{GOOD_HEADER, "{" SUB "," ROOM "," CAN "}", "exp"},
	{GOOD_HEADER, "{" SUB "," ROOM "," CAN ",\"exp\":\"1700000600\"}", "exp"},
	{GOOD_HEADER, "{" SUB "," ROOM "," CAN ",\"exp\":true}", "exp"},
	{GOOD_HEADER, "{" SUB "," ROOM "," CAN ",\"exp\":-1}", "exp"},
	{GOOD_HEADER, "{" SUB "," ROOM "," CAN ",\"exp\":1e300}", "exp"},
	{GOOD_HEADER, "{" SUB "," ROOM "," CAN ",\"exp\":9223372036854775807}", "exp"},
	{GOOD_HEADER, "{" SUB "," ROOM "," CAN ",\"exp\":99999999999999999999999}", "claims"},
	{GOOD_HEADER, "{" SUB "," ROOM "," CAN ",\"exp\":1699999940}", "expired"},
	{GOOD_HEADER, "{" SUB "," ROOM "," CAN ",\"exp\":1699999941}", NULL},
	{GOOD_HEADER, "{" SUB "," ROOM "," CAN "," EXP ",\"nbf\":1700000060}", NULL},
	{GOOD_HEADER, "{" SUB "," ROOM "," CAN "," EXP ",\"nbf\":1700000061}", "not valid yet"},
	{GOOD_HEADER, "{" SUB "," ROOM "," CAN "," EXP ",\"nbf\":\"0\"}", "nbf"},
	{GOOD_HEADER, "{" SUB "," ROOM "," CAN "," EXP ",\"iat\":1700000060}", NULL},
	{GOOD_HEADER, "{" SUB "," ROOM "," CAN "," EXP ",\"iat\":1700000061}", "future"},
	{GOOD_HEADER, "{" SUB "," ROOM "," CAN "," EXP ",\"iat\":[]}", "iat"},
	{GOOD_HEADER, "{" SUB "," ROOM "," CAN ",\"exp\":1700000000,\"iat\":1700000000}", "before"},

	{GOOD_HEADER, "{" ROOM "," CAN "," EXP "}", "sub"},
	{GOOD_HEADER, "{\"sub\":7," ROOM "," CAN "," EXP "}", "sub"},
	{GOOD_HEADER, "{\"sub\":\"\"," ROOM "," CAN "," EXP "}", "sub"},
	{GOOD_HEADER, "{\"sub\":\"..\"," ROOM "," CAN "," EXP "}", "sub"},
	{GOOD_HEADER, "{\"sub\":\"a/b\"," ROOM "," CAN "," EXP "}", "sub"},
	{GOOD_HEADER, "{\"sub\":\"a\\r\\nb\"," ROOM "," CAN "," EXP "}", "sub"},
	{GOOD_HEADER, "{\"sub\":\"*\"," ROOM "," CAN "," EXP "}", "sub"},
	{GOOD_HEADER, "{\"sub\":\"\u00e9\"," ROOM "," CAN "," EXP "}", "sub"},
	{GOOD_HEADER, "{\"sub\":\"" U64 "u\"," ROOM "," CAN "," EXP "}", "sub"},
	{GOOD_HEADER, "{" SUB "," CAN "," EXP "}", "room"},
	{GOOD_HEADER, "{" SUB ",\"room\":[\"r\"]," CAN "," EXP "}", "room"},
	{GOOD_HEADER, "{" SUB ",\"room\":\"\"," CAN "," EXP "}", "room"},
	{GOOD_HEADER, "{" SUB ",\"room\":\"a*b\"," CAN "," EXP "}", "room"},
	{GOOD_HEADER, "{" SUB ",\"room\":\"" U64 "*\"," CAN "," EXP "}", "room"},
	{GOOD_HEADER, "{" SUB "," ROOM "," EXP "}", "can"},
	{GOOD_HEADER, "{" SUB "," ROOM ",\"can\":\"view\"," EXP "}", "can"},
	{GOOD_HEADER, "{" SUB "," ROOM ",\"can\":{\"view\":true}," EXP "}", "can"},
	{GOOD_HEADER, "{" SUB "," ROOM ",\"can\":[1]," EXP "}", "can"},
	{GOOD_HEADER, "{" SUB "," ROOM ",\"can\":[\"admin\"]," EXP "}", "can"},
};

static void claims(void **) {
	char error[160];

	for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
		char *token = token_sign(contents[i].header, contents[i].claims, SECRET);
		int r = verify(keys[0].verifier, token, NOW, error);

		if ((r == 0) != (contents[i].sentence == NULL)
		    || (r < 0 && strstr(error, contents[i].sentence) == NULL))
			fail_msg("row %zu: %d \"%s\": %s", i, r, error, contents[i].claims);
		free(token);
	}
}

// The public key's file as the secret of an HMAC: the forgery that a fixed algorithm prevents.
static void confusion(void **) {
	char error[160], pem[4096] = "", *token;
	FILE *file = fopen(keys[1].public_file, "r");

	assert_true(fread(pem, 1, sizeof(pem) - 1, file) > 0);
	fclose(file);
	for (int i = 0; i < 2; i++) {
		token = token_sign(
			i == 0 ? GOOD_HEADER : "{\"alg\":\"RS256\"}",
			"{" SUB "," ROOM "," CAN "," EXP "}",
			pem
		);
		assert_int_equal(verify(keys[1].verifier, token, NOW, error), -EACCES);
		free(token);
	}
	token = token_sign(GOOD_HEADER, "{" SUB "," ROOM "," CAN "," EXP "}", SECRET "x");
	assert_int_equal(verify(keys[0].verifier, token, NOW, error), -EACCES);
	assert_non_null(strstr(error, "signature"));
	free(token);
}

// Every cut, and every character changed to each of a few others, must be refused.
static void forged(void **) {
	static const char others[] = "AQgw_-. =+/\n";
	char error[160];

	for (int i = 0; i < N_ALGORITHMS; i++) {
		char *token = auth_make(keys[i].maker, &ann, NOW);
		size_t len = strlen(token);
		char *copy = malloc(len + 3);

		for (size_t n = 0; n < len; n++) {
			memcpy(copy, token, n);
			copy[n] = '\0';
			assert_int_equal(verify(keys[i].verifier, copy, NOW, error), -EACCES);
		}
		for (size_t n = 0; n < len; n += i == 0 ? 1 : 3) {
			memcpy(copy, token, len + 1);
			copy[n] = others[n % (sizeof(others) - 1)];
			if (copy[n] == token[n])
				copy[n] = '~';
			assert_int_equal(verify(keys[i].verifier, copy, NOW, error), -EACCES);
		}
		for (size_t k = 0; k < sizeof(others) - 1; k++) {
			memcpy(copy, token, len);
			copy[len] = others[k];
			copy[len + 1] = '\0';
			assert_int_equal(verify(keys[i].verifier, copy, NOW, error), -EACCES);
		}
		// Without a signature.
		memcpy(copy, token, len + 1);
		strrchr(copy, '.')[1] = '\0';
		assert_int_equal(verify(keys[i].verifier, copy, NOW, error), -EACCES);
		free(copy);
		free(token);
	}
	assert_int_equal(verify(keys[0].verifier, NULL, NOW, error), -EACCES);
	assert_int_equal(verify(keys[0].verifier, "", NOW, error), -EACCES);
	assert_int_equal(verify(keys[0].verifier, "..", NOW, error), -EACCES);
	assert_int_equal(verify(keys[0].verifier, "...", NOW, error), -EACCES);
}

static void too_long(void **) {
	char error[160], claims_text[AUTH_TOKEN_MAX + 200], *token;

	for (int width = 2900; width <= 3100; width += 200) {
		snprintf(
			claims_text,
			sizeof(claims_text),
			"{" SUB "," ROOM "," CAN "," EXP ",\"x\":\"%0*d\"}",
			width - 75,
			0
		);
		token = token_sign(GOOD_HEADER, claims_text, SECRET);
		assert_int_equal(
			verify(keys[0].verifier, token, NOW, error),
			strlen(token) > AUTH_TOKEN_MAX ? -EACCES : 0
		);
		assert_true((width == 3100) == (strlen(token) > AUTH_TOKEN_MAX));
		free(token);
	}
}

static void configuration(void **) {
	char weak[64];
	EVP_PKEY *pkey = EVP_RSA_gen(1024);
	static const char *const wrong[] = {"none", "HS512", "hs256", ""};

	pem_write(pkey, weak, true);
	EVP_PKEY_free(pkey);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_null(auth_open(wrong[i], SECRET, NULL));
	assert_null(auth_open("HS256", NULL, NULL));
	assert_null(auth_open("HS256", "too short", NULL));
	assert_null(auth_open("HS256", SECRET, keys[1].public_file));
	assert_null(auth_open("RS256", SECRET, NULL));
	assert_null(auth_open("RS256", NULL, NULL));
	assert_null(auth_open("RS256", NULL, weak));
	assert_null(auth_open("RS256", NULL, "/dev/null"));
	assert_null(auth_open("RS256", NULL, "/nonexistent/key"));
	assert_int_equal(errno, ENOENT);
	for (int i = 1; i < N_ALGORITHMS; i++)
		for (int k = 1; k < N_ALGORITHMS; k++)
			if (i != k)
				assert_null(auth_open(keys[i].name, NULL, keys[k].public_file));
	unlink(weak);
	auth_free(NULL);
}

// A secret longer than HMAC's block is hashed once: the same MAC.
static void long_secret(void **) {
	static const char secret[] = SECRET SECRET SECRET;
	struct auth *auth = auth_open("HS256", secret, NULL);
	char error[160];
	char *token = token_sign(GOOD_HEADER, "{" SUB "," ROOM "," CAN "," EXP "}", secret);

	assert_int_equal(verify(auth, token, NOW, error), 0);
	free(token);
	auth_free(auth);
}

static const char rfc7515_claims[] = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9le"
				     "GFtcGxlLmNvbS9pc19yb290Ijp0"
				     "cnVlfQ";

// Known answers: RFC 7515 A.1 and A.3, RFC 8037 A.4.
static void vectors(void **) {
	static const char secret[] = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-"
				     "1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
	static const char ec[] = "-----BEGIN PUBLIC KEY-----\n"
				 "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7"
				 "\n"
				 "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
				 "-----END PUBLIC KEY-----\n";
	static const char ed[] = "-----BEGIN PUBLIC KEY-----\n"
				 "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
				 "-----END PUBLIC KEY-----\n";
	const struct {
		const char *name, *pem, *header, *claims, *signature;
	} cases[] = {
		{"HS256",
		 NULL,
		 "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9",
		 rfc7515_claims,
		 "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"},
		{"ES256",
		 ec,
		 "eyJhbGciOiJFUzI1NiJ9",
		 rfc7515_claims,
		 "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-"
		 "Kg6NU1Q"},
		{"EdDSA",
		 ed,
		 "eyJhbGciOiJFZERTQSJ9",
		 "RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
		 "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_"
		 "MuM0KAg"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char path[] = "/tmp/plenum-test-key-XXXXXX", text[512], error[160];
		uint8_t signature[AUTH_SIGNATURE_MAX];
		struct auth_key key;
		ssize_t len;

		if (cases[i].pem != NULL) {
			int fd = mkstemp(path);

			assert_true(write(fd, cases[i].pem, strlen(cases[i].pem)) > 0);
			close(fd);
			assert_int_equal(
				auth_key_init(
					&key, cases[i].name, NULL, path, error, sizeof(error)
				),
				0
			);
			unlink(path);
		} else {
			assert_int_equal(
				auth_key_init(&key, "HS256", SECRET, NULL, error, sizeof(error)), 0
			);
			key.secret.len = (uint16_t)base64url_decode(
				secret, strlen(secret), key.secret.bytes, sizeof(key.secret.bytes)
			);
			assert_int_equal(key.secret.len, 64);
		}
		snprintf(text, sizeof(text), "%s.%s", cases[i].header, cases[i].claims);
		len = base64url_decode(
			cases[i].signature, strlen(cases[i].signature), signature, sizeof(signature)
		);
		assert_true(auth_key_verify(&key, text, strlen(text), signature, (size_t)len));
		signature[7] ^= 1;
		assert_false(auth_key_verify(&key, text, strlen(text), signature, (size_t)len));
		auth_key_clear(&key);
	}
}

static void base64url(void **) {
	static const struct {
		const char *text;
		int len; // of the bytes; negative: error
		const char *bytes;
	} cases[] = {
		{"", 0, ""},
		{"Zg", 1, "f"},
		{"Zm8", 2, "fo"},
		{"Zm9v", 3, "foo"},
		{"Zm9vYg", 4, "foob"},
		{"-_-_", 3, "\xfb\xff\xbf"},
		{"Z", -EINVAL, ""},
		{"Zm9vY", -EINVAL, ""},
		{"Zh", -EINVAL, ""}, // unused bits
		{"Zm9", -EINVAL, ""},
		{"Zg==", -EINVAL, ""},
		{"Zm9+", -EINVAL, ""},
		{"Zm9/", -EINVAL, ""},
		{"Zm 9", -EINVAL, ""},
		{"Zm\n9", -EINVAL, ""},
		{"Zm9vYmFy", -EMSGSIZE, ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char bytes[5], text[8];

		assert_int_equal(
			base64url_decode(
				cases[i].text, strlen(cases[i].text), bytes, sizeof(bytes)
			),
			cases[i].len
		);
		if (cases[i].len < 0)
			continue;
		assert_memory_equal(bytes, cases[i].bytes, (size_t)cases[i].len);
		assert_int_equal(
			base64url_encode(bytes, (size_t)cases[i].len, text), strlen(cases[i].text)
		);
		assert_int_equal(BASE64URL_LEN(cases[i].len), strlen(cases[i].text));
		assert_memory_equal(text, cases[i].text, strlen(cases[i].text));
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(making),
		cmocka_unit_test(claims),
		cmocka_unit_test(confusion),
		cmocka_unit_test(forged),
		cmocka_unit_test(too_long),
		cmocka_unit_test(configuration),
		cmocka_unit_test(long_secret),
		cmocka_unit_test(vectors),
		cmocka_unit_test(base64url),
	};

	return cmocka_run_group_tests(tests, keys_make, keys_remove);
}
