// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Codecs of one media section: which of its payload types we can relay, and which of a viewer's
// payload types can take a publisher's stream. Pure.

#include "sdp.h"
#include "sdp_answer.h"

// Publishing (want NULL): the first payload type, in the section's order, of a codec that we relay.
// Watching: the payload type that takes the stream want (its codec and fmtp are used): the same
// parameters first, else a superset of them.
// Fills kind, codec, payload_type, clock_rate, channels, fmtp (the known parameters as offered) and
// the feedback flags of *ret_track, zeroes the rest. Returns 0 or -ENOTSUP.
int sdp_codec_choose(
	const struct sdp_media *media,
	enum plm_kind kind,
	const struct sdp_track *want,
	struct sdp_track *ret_track
);

// "H264", as in a=rtpmap. NULL for none.
const char *sdp_codec_name(enum plm_codec codec);
