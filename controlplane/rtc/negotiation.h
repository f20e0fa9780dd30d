// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// What a peer connection asks of an offer, on top of sdp_negotiate.

#include "rtc.h"

struct negotiation_terms {
	enum sdp_role role;
	bool audio_only;
	struct sdp_track want[SDP_TRACKS_MAX]; // watching
	unsigned n_want;
};

struct negotiation {
	struct sdp_session *session; // owned by the caller
	struct sdp_remote remote;
	struct sdp_track
		tracks[SDP_TRACKS_MAX]; // watching: with ssrc, cname, msid of the wanted ones
	unsigned want_index[SDP_TRACKS_MAX];
	unsigned n_tracks;
};

// 0, or why not, with a sentence in text and session NULL.
enum rtc_failure negotiate(
	const struct negotiation_terms *terms,
	const char *offer,
	size_t len,
	struct negotiation *ret_result,
	char *text,
	size_t text_len
);

// The same sections as tracks: kind, codec, payload type and mid.
bool negotiation_has_tracks(
	const struct negotiation *negotiation,
	const struct sdp_track *tracks,
	unsigned n
);
