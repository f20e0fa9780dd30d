// SPDX-License-Identifier: BSD-3-Clause

#include "sdp_transport.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

// The attributes of one level of the scope.
struct level {
	const struct sdp_attr *attrs;
	unsigned n_attrs;
};

static int fail(char *error, size_t error_len, const char *text) {
	snprintf(error, error_len, "%s", text);
	return -EPROTO;
}

// The first level that has the attribute. What belongs together (ufrag and pwd) must be taken from
// one level.
static bool level_find(const struct sdp_scope *scope, const char *name, struct level *ret_level) {
	for (unsigned i = 0; i < scope->n_others + 2; i++) {
		struct level level = {scope->sdp->attrs, scope->sdp->n_attrs};

		if (i != 1) {
			const struct sdp_media *media = i == 0 ? scope->tagged
							       : scope->others[i - 2];

			level = (struct level){media->attrs, media->n_attrs};
		}
		if (sdp_attr_find(level.attrs, level.n_attrs, name) != NULL) {
			*ret_level = level;
			return true;
		}
	}
	return false;
}

// ice-char (RFC 8839 section 5.4), min..size-1 of them.
static bool is_ice_text(const char *text, size_t min, size_t size) {
	size_t len = strlen(text);

	if (len < min || len >= size)
		return false;
	for (; *text != '\0'; text++)
		if (!isascii(*text) || (!isalnum(*text) && *text != '+' && *text != '/'))
			return false;
	return true;
}

static int credentials_read(
	const struct sdp_scope *scope,
	struct sdp_remote *remote,
	char *error,
	size_t error_len
) {
	const char *ufrag, *pwd;
	struct level level;

	if (!level_find(scope, "ice-ufrag", &level))
		return fail(error, error_len, "The offer has no a=ice-ufrag.");
	ufrag = sdp_attr_find(level.attrs, level.n_attrs, "ice-ufrag");
	pwd = sdp_attr_find(level.attrs, level.n_attrs, "ice-pwd");
	if (pwd == NULL)
		return fail(error, error_len, "The offer has no a=ice-pwd beside its a=ice-ufrag.");
	if (!is_ice_text(ufrag, 4, sizeof(remote->ufrag)))
		return fail(
			error, error_len, "a=ice-ufrag is not 4 to 31 letters, digits, + or /."
		);
	if (!is_ice_text(pwd, 22, sizeof(remote->pwd)))
		return fail(error, error_len, "a=ice-pwd is not 22 to 63 letters, digits, + or /.");
	memcpy(remote->ufrag, ufrag, strlen(ufrag) + 1);
	memcpy(remote->pwd, pwd, strlen(pwd) + 1);
	return 0;
}

// Hashes that still hold; MD5 and SHA-1 do not (RFC 8122 section 5).
static const struct {
	const char *name;
	uint8_t len;
} hashes[] = {{"sha-256", 32}, {"sha-384", 48}, {"sha-512", 64}};

// "AB:CD:..." of exactly len bytes.
static bool hex_read(const char *text, uint8_t *bytes, size_t len) {
	for (size_t i = 0; i < len; i++, text += 3) {
		unsigned value = 0;

		for (unsigned k = 0; k < 2; k++) {
			int c = tolower((unsigned char)text[k]);

			if (!isxdigit(c))
				return false;
			value = value << 4 | (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
		}
		bytes[i] = (uint8_t)value;
		if (text[2] != (i + 1 < len ? ':' : '\0'))
			return false;
	}
	return true;
}

// Several fingerprints may stand at one level: the first of the first known hash counts.
static int fingerprint_read(
	const struct sdp_scope *scope,
	struct sdp_remote *remote,
	char *error,
	size_t error_len
) {
	struct level level;

	if (!level_find(scope, "fingerprint", &level))
		return fail(error, error_len, "The offer has no a=fingerprint (DTLS is needed).");
	for (size_t h = 0; h < sizeof(hashes) / sizeof(hashes[0]); h++) {
		size_t name_len = strlen(hashes[h].name);

		for (unsigned i = 0; i < level.n_attrs; i++) {
			const char *value = level.attrs[i].value;

			if (strcmp(level.attrs[i].name, "fingerprint") != 0
			    || strncasecmp(value, hashes[h].name, name_len) != 0
			    || value[name_len] != ' ')
				continue;
			if (!hex_read(value + name_len + 1, remote->fingerprint, hashes[h].len))
				return fail(
					error, error_len, "a=fingerprint has a bad value or length."
				);
			remote->fingerprint_len = hashes[h].len;
			memcpy(remote->fingerprint_hash, hashes[h].name, name_len + 1);
			return 0;
		}
	}
	return fail(error, error_len, "a=fingerprint needs sha-256, sha-384 or sha-512.");
}

// We are passive: the peer must be able to be the DTLS client. Absent means active (RFC 4145).
static int setup_read(const struct sdp_scope *scope, char *error, size_t error_len) {
	struct level level;
	const char *setup;

	if (!level_find(scope, "setup", &level))
		return 0;
	setup = sdp_attr_find(level.attrs, level.n_attrs, "setup");
	if (strcmp(setup, "actpass") == 0 || strcmp(setup, "active") == 0)
		return 0;
	return fail(error, error_len, "a=setup must be actpass or active: this server is passive.");
}

// "<foundation> <component> <transport> <priority> <address> <port> typ ..."; we take component 1
// over UDP. The rest is for the ICE agent to judge.
static bool is_candidate(const char *value) {
	const char *cursor = value;
	char component[8], transport[8], foundation[40];

	for (const char *p = value; *p != '\0'; p++)
		if (*p < 0x20 || *p > 0x7e)
			return false;
	return sdp_word_next(&cursor, foundation, sizeof(foundation))
		&& sdp_word_next(&cursor, component, sizeof(component))
		&& sdp_word_next(&cursor, transport, sizeof(transport))
		&& strcmp(component, "1") == 0 && strcasecmp(transport, "udp") == 0;
}

static void candidates_read(const struct sdp_scope *scope, struct sdp_remote *remote) {
	struct level level;

	if (!level_find(scope, "candidate", &level))
		return;
	for (unsigned i = 0; i < level.n_attrs; i++) {
		const struct sdp_attr *attr = &level.attrs[i];

		if (strcmp(attr->name, "candidate") != 0 || !is_candidate(attr->value))
			continue;
		if (remote->n_candidates == SDP_CANDIDATES_MAX)
			return;
		if (strlen(attr->value) + sizeof("candidate:") > sizeof(remote->candidates[0]))
			continue;
		snprintf(
			remote->candidates[remote->n_candidates++],
			sizeof(remote->candidates[0]),
			"candidate:%s",
			attr->value
		);
	}
}

int sdp_transport_read(
	const struct sdp_scope *scope,
	struct sdp_remote *ret_remote,
	char *error,
	size_t error_len
) {
	struct sdp_remote remote = {0};
	struct level level;
	int r;

	r = credentials_read(scope, &remote, error, error_len);
	if (r == 0)
		r = fingerprint_read(scope, &remote, error, error_len);
	if (r == 0)
		r = setup_read(scope, error, error_len);
	if (r < 0)
		return r;
	if (!level_find(scope, "rtcp-mux", &level))
		return fail(error, error_len, "The offer has no a=rtcp-mux.");
	remote.ice_lite = sdp_attr_find(scope->sdp->attrs, scope->sdp->n_attrs, "ice-lite") != NULL;
	candidates_read(scope, &remote);
	*ret_remote = remote;
	return 0;
}
