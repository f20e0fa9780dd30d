// SPDX-License-Identifier: BSD-3-Clause

#include "auth.h"

#include "auth_key.h"
#include "base64url.h"

#include <jansson.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIME_MAX 253402300799LL // the year 9999: sums with it do not overflow

struct auth {
	struct auth_key key;
};

// What a token may allow, and where it is kept.
static const struct {
	const char *name;
	size_t offset;
} rights[] = {
	{"create", offsetof(struct rooms_identity, may_create)},
	{"publish", offsetof(struct rooms_identity, may_publish)},
	{"view", offsetof(struct rooms_identity, may_view)},
};
#define N_RIGHTS (sizeof(rights) / sizeof(rights[0]))

struct auth *auth_new(const struct auth_config *config, char *error, size_t error_len) {
	struct auth *auth = calloc(1, sizeof(*auth));
	int r;

	if (auth == NULL) {
		snprintf(error, error_len, "Out of memory.");
		errno = ENOMEM;
		return NULL;
	}
	r = auth_key_init(
		&auth->key, config->algorithm, config->secret, config->key_file, error, error_len
	);
	if (r < 0) {
		free(auth);
		errno = -r;
		return NULL;
	}
	return auth;
}

void auth_free(struct auth *auth) {
	if (auth == NULL)
		return;
	auth_key_clear(&auth->key);
	free(auth);
}

// ---------------------------------------------------------------------------- ids

static size_t id_span(const char *text) {
	return strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.@-");
}

// "." and ".." would climb in URLs, where user ids stand between slashes.
static bool is_user_id(const char *text) {
	size_t len = strlen(text);

	return len >= 1 && len <= ROOMS_ID_MAX && id_span(text) == len && strcmp(text, ".") != 0
		&& strcmp(text, "..") != 0;
}

static bool is_room_pattern(const char *text) {
	size_t len = strlen(text), span = id_span(text);

	return len >= 1 && len <= ROOMS_ID_MAX
		&& (span == len || (span == len - 1 && text[span] == '*'));
}

// ---------------------------------------------------------------------------- verification

__attribute__((format(printf, 3, 4))) static int refuse(
	char *error,
	size_t error_len,
	const char *format,
	...
) {
	va_list args;

	va_start(args, format);
	vsnprintf(error, error_len, format, args);
	va_end(args);
	return -EACCES;
}

// A JSON object of one base64url part, or NULL.
static json_t *part_parse(const char *text, size_t len) {
	char bytes[AUTH_TOKEN_MAX];
	ssize_t n = base64url_decode(text, len, bytes, sizeof(bytes));
	json_t *json;

	if (n < 0)
		return NULL;
	// Two claims of one name: which one counts would be our parser's secret (RFC 7519 section
	// 4).
	json = json_loadb(bytes, (size_t)n, JSON_REJECT_DUPLICATES, NULL);
	if (json != NULL && !json_is_object(json)) {
		json_decref(json);
		return NULL;
	}
	return json;
}

// The algorithm is ours, not the token's (RFC 8725 section 3.1); kid, jku, jwk, x5c are ignored.
static int header_check(
	const struct auth *auth,
	const char *text,
	size_t len,
	char *error,
	size_t error_len
) {
	const char *expected = auth_algorithm_name(auth->key.algorithm);
	json_t *header = part_parse(text, len);
	const char *algorithm;
	int r = 0;

	if (header == NULL)
		return refuse(error, error_len, "The token's header is not valid.");
	algorithm = json_string_value(json_object_get(header, "alg"));
	if (algorithm == NULL || strcmp(algorithm, expected) != 0)
		r = refuse(error, error_len, "The token is not signed with %s.", expected);
	else if (json_object_get(header, "crit") != NULL)
		r = refuse(error, error_len, "The token has critical extensions.");
	json_decref(header);
	return r;
}

// A NumericDate (RFC 7519 section 2). 0, -ENOENT, -EINVAL.
static int time_read(const json_t *claims, const char *name, int64_t *ret_time) {
	const json_t *value = json_object_get(claims, name);
	double seconds;

	if (value == NULL)
		return -ENOENT;
	if (!json_is_number(value))
		return -EINVAL;
	seconds = json_number_value(value);
	if (!(seconds >= 0 && seconds <= (double)TIME_MAX))
		return -EINVAL;
	*ret_time = (int64_t)seconds;
	return 0;
}

static int times_check(
	const json_t *claims,
	int64_t now,
	struct rooms_identity *identity,
	char *error,
	size_t error_len
) {
	int64_t exp, nbf, iat;
	int r;

	if (time_read(claims, "exp", &exp) < 0)
		return refuse(error, error_len, "The token has no valid expiry (exp).");
	if (now >= exp + AUTH_LEEWAY_S)
		return refuse(error, error_len, "The token has expired.");
	r = time_read(claims, "nbf", &nbf);
	if (r == -EINVAL)
		return refuse(error, error_len, "The token's nbf is not a time.");
	if (r == 0 && now + AUTH_LEEWAY_S < nbf)
		return refuse(error, error_len, "The token is not valid yet.");
	r = time_read(claims, "iat", &iat);
	if (r == -EINVAL)
		return refuse(error, error_len, "The token's iat is not a time.");
	if (r == 0 && now + AUTH_LEEWAY_S < iat)
		return refuse(error, error_len, "The token was issued in the future.");
	if (r == 0 && exp <= iat)
		return refuse(error, error_len, "The token expired before it was issued.");
	identity->expires_at = exp;
	return 0;
}

static int rights_read(
	const json_t *claims,
	struct rooms_identity *identity,
	char *error,
	size_t error_len
) {
	const json_t *can = json_object_get(claims, "can"), *value;
	size_t i, k;

	if (!json_is_array(can))
		return refuse(error, error_len, "The token's can is not an array.");
	json_array_foreach(can, i, value) {
		const char *text = json_string_value(value);

		for (k = 0; k < N_RIGHTS; k++)
			if (text != NULL && strcmp(text, rights[k].name) == 0)
				break;
		if (k == N_RIGHTS)
			return refuse(
				error,
				error_len,
				"The token's can holds something else than create, publish, view."
			);
		*(bool *)((char *)identity + rights[k].offset) = true;
	}
	return 0;
}

static int claims_read(
	const char *text,
	size_t len,
	int64_t now,
	struct rooms_identity *identity,
	char *error,
	size_t error_len
) {
	json_t *claims = part_parse(text, len);
	const char *sub, *room;
	int r;

	if (claims == NULL)
		return refuse(error, error_len, "The token's claims are not valid.");
	r = times_check(claims, now, identity, error, error_len);
	if (r < 0)
		goto out;
	sub = json_string_value(json_object_get(claims, "sub"));
	room = json_string_value(json_object_get(claims, "room"));
	if (sub == NULL || !is_user_id(sub)) {
		r = refuse(error, error_len, "The token's sub is not a user id.");
		goto out;
	}
	if (room == NULL || !is_room_pattern(room)) {
		r = refuse(error, error_len, "The token's room is not a room id or pattern.");
		goto out;
	}
	memcpy(identity->user_id, sub, strlen(sub) + 1);
	memcpy(identity->room, room, strlen(room) + 1);
	r = rights_read(claims, identity, error, error_len);
out:
	json_decref(claims);
	return r;
}

int auth_verify(
	const struct auth *auth,
	const char *token,
	int64_t now,
	struct rooms_identity *ret_identity,
	char *error,
	size_t error_len
) {
	struct rooms_identity identity = {0};
	uint8_t signature[AUTH_SIGNATURE_MAX];
	const char *claims, *last;
	ssize_t signature_len;
	size_t len;
	int r;

	if (token == NULL || token[0] == '\0')
		return refuse(error, error_len, "There is no token.");
	len = strnlen(token, AUTH_TOKEN_MAX + 1);
	if (len > AUTH_TOKEN_MAX)
		return refuse(error, error_len, "The token is longer than 4 KiB.");
	claims = strchr(token, '.');
	last = claims != NULL ? strchr(claims + 1, '.') : NULL;
	if (last == NULL || strchr(last + 1, '.') != NULL)
		return refuse(error, error_len, "The token has not three parts.");
	claims++;
	r = header_check(auth, token, (size_t)(claims - 1 - token), error, error_len);
	if (r < 0)
		return r;
	signature_len = base64url_decode(
		last + 1, (size_t)(token + len - last - 1), signature, sizeof(signature)
	);
	if (signature_len < 0
	    || !auth_key_verify(
		    &auth->key, token, (size_t)(last - token), signature, (size_t)signature_len
	    ))
		return refuse(error, error_len, "The token's signature is wrong.");
	r = claims_read(claims, (size_t)(last - claims), now, &identity, error, error_len);
	if (r == 0)
		*ret_identity = identity;
	return r;
}

// ---------------------------------------------------------------------------- making

static char *claims_print(const struct rooms_identity *identity, int64_t now) {
	json_t *can = json_array(), *claims;
	char *text;

	for (size_t i = 0; i < N_RIGHTS; i++)
		if (*(const bool *)((const char *)identity + rights[i].offset))
			json_array_append_new(can, json_string(rights[i].name));
	claims = json_pack(
		"{s:s, s:s, s:o, s:I, s:I}",
		"sub",
		identity->user_id,
		"room",
		identity->room,
		"can",
		can,
		"iat",
		(json_int_t)now,
		"exp",
		(json_int_t)identity->expires_at
	);
	text = claims != NULL ? json_dumps(claims, JSON_COMPACT) : NULL;
	json_decref(claims);
	return text;
}

char *auth_make(const struct auth *auth, const struct rooms_identity *identity, int64_t now) {
	uint8_t signature[AUTH_SIGNATURE_MAX];
	size_t n, signature_len;
	char header[64], *claims, *token;
	int r;

	if (!is_user_id(identity->user_id) || !is_room_pattern(identity->room)
	    || identity->expires_at <= now || identity->expires_at > TIME_MAX || now < 0) {
		errno = EINVAL;
		return NULL;
	}
	snprintf(
		header,
		sizeof(header),
		"{\"alg\":\"%s\",\"typ\":\"JWT\"}",
		auth_algorithm_name(auth->key.algorithm)
	);
	claims = claims_print(identity, now);
	token = claims != NULL ? malloc(
			BASE64URL_LEN(strlen(header)) + BASE64URL_LEN(strlen(claims))
			+ BASE64URL_LEN(sizeof(signature)) + 3
		)
			       : NULL;
	if (token == NULL) {
		free(claims);
		errno = ENOMEM;
		return NULL;
	}
	n = base64url_encode(header, strlen(header), token);
	token[n++] = '.';
	n += base64url_encode(claims, strlen(claims), token + n);
	free(claims);
	r = auth_key_sign(&auth->key, token, n, signature, &signature_len);
	if (r < 0) {
		free(token);
		errno = -r;
		return NULL;
	}
	token[n++] = '.';
	n += base64url_encode(signature, signature_len, token + n);
	token[n] = '\0';
	return token;
}
