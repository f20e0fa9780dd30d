// SPDX-License-Identifier: BSD-3-Clause

// An offer, negotiated both ways and answered; our own parser must take every answer.

#include <sdp.h>
#include <sdp_answer.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct sdp_track wanted[] = {
	{.kind = PLM_KIND_AUDIO, .codec = PLM_CODEC_OPUS},
	{.kind = PLM_KIND_VIDEO,
	 .codec = PLM_CODEC_H264,
	 .fmtp = "packetization-mode=1;profile-level-id=42e01f"},
	{.kind = PLM_KIND_VIDEO, .codec = PLM_CODEC_VP9, .fmtp = "profile-id=0"},
	{.kind = PLM_KIND_VIDEO, .codec = PLM_CODEC_VP8},
	{.kind = PLM_KIND_VIDEO, .codec = PLM_CODEC_AV1, .fmtp = "profile=0"},
};

static const struct sdp_local local = {
	.ufrag = "ufragufrag12",
	.pwd = "passwordpasswordpassword",
	.fingerprint = "sha-256 00",
	.n_addrs = 1,
	.addrs = {{.family = 4, .port = 3478, .ip = {198, 18, 0, 1}}},
};

static void negotiate(const uint8_t *data, size_t size, enum sdp_role role, bool audio_only) {
	struct sdp_track tracks[SDP_TRACKS_MAX];
	unsigned want_index[SDP_TRACKS_MAX], n;
	struct sdp_session *session;
	struct sdp_remote remote;
	char error[100], *answer;
	struct sdp *sdp;
	int r;

	r = sdp_negotiate(
		(const char *)data,
		size,
		role,
		audio_only,
		role == SDP_WATCH ? wanted : NULL,
		role == SDP_WATCH ? sizeof(wanted) / sizeof(wanted[0]) : 0,
		&session,
		&remote,
		tracks,
		want_index,
		&n,
		error,
		sizeof(error)
	);
	if (r < 0)
		return;
	if (n == 0 || n > SDP_TRACKS_MAX)
		abort();
	for (unsigned i = 0; i < n && role == SDP_WATCH; i++)
		if (wanted[want_index[i]].codec != tracks[i].codec)
			abort();
	answer = sdp_answer(session, &local, tracks, n);
	if (answer == NULL || sdp_parse(answer, strlen(answer), &sdp, error, sizeof(error)) < 0)
		abort();
	sdp_free(sdp);
	free(answer);
	sdp_session_free(session);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	negotiate(data, size, SDP_PUBLISH, false);
	negotiate(data, size, SDP_PUBLISH, true);
	negotiate(data, size, SDP_WATCH, false);
	return 0;
}
