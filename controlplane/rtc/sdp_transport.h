// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// What an offer says about its one transport (ICE, DTLS, RTP/RTCP multiplexing). Pure.

#include "sdp.h"
#include "sdp_answer.h"

// Where transport attributes are looked for, first to last. With BUNDLE, sections that share the
// transport may leave them out (RFC 9143 section 7.1.3), so: the section that carries the
// transport, the session level, then the other sections of its group.
struct sdp_scope {
	const struct sdp *sdp;
	const struct sdp_media *tagged;
	const struct sdp_media *others[SDP_MEDIA_MAX];
	unsigned n_others;
};

// Reads and checks all of it. Returns 0 or -EPROTO with one sentence for people in error.
int sdp_transport_read(
	const struct sdp_scope *scope,
	struct sdp_remote *ret_remote,
	char *error,
	size_t error_len
);
