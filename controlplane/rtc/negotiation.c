// SPDX-License-Identifier: BSD-3-Clause

#include "negotiation.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static enum rtc_failure failure_of_sdp(int r) {
	switch (r) {
	case -EBADMSG:
	case -EPROTO:
		return RTC_FAILED_SDP;
	case -ENOTSUP:
		return RTC_FAILED_CODEC;
	default:
		return RTC_FAILED_INTERNAL;
	}
}

static bool hash_is_good(const struct sdp_remote *remote) {
	return strcmp(remote->fingerprint_hash, "sha-256") == 0
		|| strcmp(remote->fingerprint_hash, "sha-384") == 0
		|| strcmp(remote->fingerprint_hash, "sha-512") == 0;
}

enum rtc_failure negotiate(
	const struct negotiation_terms *terms,
	const char *offer,
	size_t len,
	struct negotiation *ret_result,
	char *text,
	size_t text_len
) {
	const bool watch = terms->role == SDP_WATCH;
	int r;

	memset(ret_result, 0, sizeof(*ret_result));
	snprintf(text, text_len, "The offer could not be negotiated.");
	r = sdp_negotiate(
		offer,
		len,
		terms->role,
		terms->audio_only,
		watch ? terms->want : NULL,
		watch ? terms->n_want : 0,
		&ret_result->session,
		&ret_result->remote,
		ret_result->tracks,
		ret_result->want_index,
		&ret_result->n_tracks,
		text,
		text_len
	);
	if (r < 0) {
		ret_result->session = NULL;
		return failure_of_sdp(r);
	}
	if (ret_result->remote.ice_lite) {
		snprintf(text, text_len, "An ICE lite client cannot connect to this server.");
		r = -EPROTO;
	} else if (!hash_is_good(&ret_result->remote)) {
		snprintf(text, text_len, "The fingerprint must be sha-256, sha-384 or sha-512.");
		r = -EPROTO;
	}
	if (r < 0) {
		sdp_session_free(ret_result->session);
		ret_result->session = NULL;
		return RTC_FAILED_SDP;
	}
	for (unsigned i = 0; watch && i < ret_result->n_tracks; i++) {
		const struct sdp_track *want = &terms->want[ret_result->want_index[i]];
		struct sdp_track *track = &ret_result->tracks[i];

		track->ssrc = want->ssrc;
		memcpy(track->msid, want->msid, sizeof(track->msid));
		memcpy(track->cname, want->cname, sizeof(track->cname));
	}
	return 0;
}

bool negotiation_has_tracks(
	const struct negotiation *negotiation,
	const struct sdp_track *tracks,
	unsigned n
) {
	if (negotiation->n_tracks != n)
		return false;
	for (unsigned i = 0; i < n; i++) {
		const struct sdp_track *a = &negotiation->tracks[i], *b = &tracks[i];

		if (a->kind != b->kind || a->codec != b->codec || a->payload_type != b->payload_type
		    || strcmp(a->mid, b->mid) != 0)
			return false;
	}
	return true;
}
