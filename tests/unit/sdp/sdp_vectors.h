// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Shared by the tests of SDP: the stored offers, a negotiation with all its outputs.

#include <sdp.h>
#include <sdp_answer.h>
#include <setjmp.h> // cmocka.h needs these three before it
#include <stdarg.h>
#include <stdint.h>

// The file of tests/vectors/sdp/, NUL-terminated, to free(). Aborts if it is missing.
char *vector_read(const char *name, size_t *ret_len);

struct negotiated {
	int result;
	struct sdp_session *session;
	struct sdp_remote remote;
	struct sdp_track tracks[SDP_TRACKS_MAX];
	unsigned want_index[SDP_TRACKS_MAX];
	unsigned n;
	char error[160];
};

void negotiate(
	const char *offer,
	size_t len,
	enum sdp_role role,
	bool audio_only,
	const struct sdp_track *want,
	unsigned n_want,
	struct negotiated *out
);
void negotiated_clear(struct negotiated *out);

// The answer with fixed local parameters, two addresses; to free().
char *answer_print(const struct negotiated *out);
// The same, parsed by our own parser, which must take it.
struct sdp *answer_parse(const struct negotiated *out);

#define LOCAL_UFRAG "servrUfrag12"
#define LOCAL_PWD "serverPasswordOf24Chars+/"
#define LOCAL_FINGERPRINT                                                                          \
	"sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:"   \
	"1A:1B:1C:1D:1E:1F"

// A track as a publisher's negotiation would have left it.
struct sdp_track stream_make(enum plm_kind kind, enum plm_codec codec, const char *fmtp);
