// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// What the negotiation keeps for the answer. Only sdp_negotiate.c and sdp_answer.c look inside.

#include "sdp.h"
#include "sdp_answer.h"

// What the answer repeats of one section of the offer. Strings are the session's.
struct section {
	const char *kind, *proto, *formats;
	const char *mid; // "" = none
	int track; // index of its track, -1 = refused
};

// Owned by the caller of sdp_negotiate; never changes.
struct sdp_session {
	uint64_t version;
	enum sdp_role role;
	bool grouped; // the accepted sections are in a BUNDLE group
	bool allow_mixed; // a=extmap-allow-mixed
	bool rsize; // a=rtcp-rsize
	unsigned tagged; // section that carries the transport (RFC 9143)
	unsigned order[SDP_MEDIA_MAX]; // sections of the group, in its order
	unsigned n_order;
	int kept; // section that is inactive but carries the transport, -1 = none
	struct sdp_track kept_track;
	char *strings;
	unsigned n_sections;
	struct section sections[];
};

extern const char *const sdp_extension_uris[PLM_EXT_COUNT];
