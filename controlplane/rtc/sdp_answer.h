// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Offer/answer (RFC 3264, RFC 8829, RFC 8843) as a relay does it: the client always offers,
// sendonly to publish and recvonly to watch; we answer. Pure: sdp.c parses and prints, this
// negotiates.

#include "sdp.h"

#include <plm_api.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SDP_TRACKS_MAX 4
#define SDP_FMTP_MAX 160
#define SDP_CANDIDATES_MAX 20 // of one offer; more are ignored

// One negotiated media section.
struct sdp_track {
	enum plm_kind kind;
	enum plm_codec codec;
	uint8_t payload_type; // the peer's number
	uint32_t clock_rate;
	uint8_t channels;
	char fmtp[SDP_FMTP_MAX]; // parameters as offered, so that a viewer's match can be found
	char mid[PLM_MID_MAX];
	uint32_t ssrc; // publisher: from a=ssrc, 0 = not announced. Viewer: ours, set by the caller
	struct plm_ext_map ext;
	bool nack, pli, fir, remb, transport_cc; // of the offer
	char msid[64]; // publisher: stream id; viewer: what we announce
	char cname[PLM_CNAME_MAX]; // viewer: ours
};

// What the peer's offer says about its transport (bundled: one for all sections).
struct sdp_remote {
	char ufrag[PLM_UFRAG_MAX];
	char pwd[PLM_PWD_MAX];
	char fingerprint_hash[16]; // "sha-256", lower case
	uint8_t fingerprint[64];
	uint8_t fingerprint_len;
	bool ice_lite;
	// a=candidate lines of the offer, verbatim without "a=", UDP only, at most
	// SDP_CANDIDATES_MAX
	unsigned n_candidates;
	char candidates[SDP_CANDIDATES_MAX][160];
};

// A parsed and negotiated offer; everything an answer needs but our own transport.
struct sdp_session; // opaque: holds the offer's sections in order

enum sdp_role {
	SDP_PUBLISH, // sendonly (or sendrecv) sections are received by us
	SDP_WATCH, // recvonly sections get the tracks given
};

// Negotiates. Publishing: from each section the first codec of the offer's order that we relay
// (Opus; VP8, VP9, H.264, AV1); audio_only refuses video sections (port 0).
// Watching: each of the publisher's tracks goes to the first free section of its kind that offers
// its codec with matching parameters (H.264: packetization-mode and profile, VP9: profile-id, AV1:
// profile); sections left over are refused.
// A section that is not accepted gets port 0; where it is the first of the bundle and the accepted
// ones ride on its transport (max-bundle), it gets a=inactive instead and no track.
// want, n_want: watching: the publisher's tracks (codec, fmtp, kind used). Else NULL, 0.
// On success *ret_tracks holds the accepted tracks, *ret_n their number (>= 1), in section order.
// want_index[i] says which of want track i carries.
// Errors (one sentence for people in error): -EBADMSG not SDP or over the limits; -EPROTO lacks
// what WebRTC needs (ICE credentials, fingerprint, rtcp-mux, BUNDLE); -ENOTSUP no common codec.
int sdp_negotiate(
	const char *offer,
	size_t len,
	enum sdp_role role,
	bool audio_only,
	const struct sdp_track *want,
	unsigned n_want,
	struct sdp_session **ret_session,
	struct sdp_remote *ret_remote,
	struct sdp_track ret_tracks[SDP_TRACKS_MAX],
	unsigned ret_want_index[SDP_TRACKS_MAX],
	unsigned *ret_n,
	char *error,
	size_t error_len
);
void sdp_session_free(struct sdp_session *session);

// Our side of the transport, for printing the answer.
struct sdp_local {
	const char *ufrag;
	const char *pwd;
	const char *fingerprint; // "sha-256 AA:BB:..."
	unsigned n_addrs;
	struct plm_addr addrs[PLM_HELLO_ADDRS]; // host candidates, public address and port
};

// The answer: setup:passive, ice-options:trickle, one bundle, rtcp-mux, rtcp-rsize, candidates in
// the first section with end-of-candidates; extension ids and payload types as the offer numbered
// them (only those in the tracks' ext maps); feedback nack, nack pli, ccm fir, goog-remb as the
// tracks say, no RTX. Watching: a=ssrc with cname and msid of each track. Returns a string to
// free() or NULL with errno ENOMEM.
// tracks: those of sdp_negotiate, in its order (ssrc, cname, msid and ext may be changed).
// The version of the answer's o= line is that of the offer: the same offer gets the same answer, a
// restart's offer has a higher one (RFC 3264 section 8), so nothing must be kept between them.
char *sdp_answer(
	const struct sdp_session *session,
	const struct sdp_local *local,
	const struct sdp_track *tracks,
	unsigned n
);

// Extensions we can carry for this kind; a bit per enum plm_ext.
uint32_t sdp_extensions_for(enum plm_kind kind, enum sdp_role role);
