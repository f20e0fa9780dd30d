// SPDX-License-Identifier: BSD-3-Clause

#include "sdp_vectors.h"

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *vector_read(const char *name, size_t *ret_len) {
	char path[4096];
	FILE *file;
	char *text;
	size_t len;

	snprintf(path, sizeof(path), "%s/%s", SDP_VECTORS, name);
	file = fopen(path, "rb");
	text = malloc(SDP_LEN_MAX);
	if (file == NULL || text == NULL) {
		fprintf(stderr, "cannot read %s\n", path);
		abort();
	}
	len = fread(text, 1, SDP_LEN_MAX - 1, file);
	text[len] = '\0';
	fclose(file);
	if (ret_len != NULL)
		*ret_len = len;
	return text;
}

void negotiate(
	const char *offer,
	size_t len,
	enum sdp_role role,
	bool audio_only,
	const struct sdp_track *want,
	unsigned n_want,
	struct negotiated *out
) {
	memset(out, 0, sizeof(*out));
	out->result = sdp_negotiate(
		offer,
		len,
		role,
		audio_only,
		want,
		n_want,
		&out->session,
		&out->remote,
		out->tracks,
		out->want_index,
		&out->n,
		out->error,
		sizeof(out->error)
	);
}

void negotiated_clear(struct negotiated *out) {
	sdp_session_free(out->session);
	out->session = NULL;
}

char *answer_print(const struct negotiated *out) {
	struct sdp_local local = {
		.ufrag = LOCAL_UFRAG,
		.pwd = LOCAL_PWD,
		.fingerprint = LOCAL_FINGERPRINT,
		.n_addrs = 2,
		.addrs = {
			{.family = 4, .port = 3478, .ip = {198, 18, 0, 1}},
			{.family = 6, .port = 3478, .ip = {0x20, 1, 0xd, 0xb8, [15] = 7}},
		},
	};
	char *text = sdp_answer(out->session, &local, out->tracks, out->n);

	assert_non_null(text);
	return text;
}

struct sdp *answer_parse(const struct negotiated *out) {
	char *text = answer_print(out), error[160];
	struct sdp *sdp = NULL;

	if (sdp_parse(text, strlen(text), &sdp, error, sizeof(error)) < 0)
		fail_msg("own answer refused: %s\n%s", error, text);
	free(text);
	return sdp;
}

struct sdp_track stream_make(enum plm_kind kind, enum plm_codec codec, const char *fmtp) {
	struct sdp_track track = {.kind = kind, .codec = codec};

	snprintf(track.fmtp, sizeof(track.fmtp), "%s", fmtp);
	return track;
}
