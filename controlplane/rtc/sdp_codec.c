// SPDX-License-Identifier: BSD-3-Clause

#include "sdp_codec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAYLOAD_TYPES 128 // RFC 3550: 7 bits
#define FMTP_KEYS 8
#define FMTP_VALUE_MAX 8

// fmtp: the parameters that we keep of an offer, and thus echo. usedtx of Opus is left out on
// purpose: a silent stream must still show that it is alive.
static const struct codec {
	const char *name;
	enum plm_kind kind;
	uint32_t clock_rate;
	uint8_t channels;
	const char *fmtp[FMTP_KEYS];
} codecs[PLM_CODEC_COUNT] = {
	[PLM_CODEC_OPUS]
	= {"opus",
	   PLM_KIND_AUDIO,
	   48000,
	   2,
	   {"minptime",
	    "useinbandfec",
	    "stereo",
	    "sprop-stereo",
	    "maxaveragebitrate",
	    "maxplaybackrate",
	    "sprop-maxcapturerate",
	    "cbr"}},
	[PLM_CODEC_VP8] = {"VP8", PLM_KIND_VIDEO, 90000, 1, {NULL}},
	[PLM_CODEC_VP9] = {"VP9", PLM_KIND_VIDEO, 90000, 1, {"profile-id"}},
	[PLM_CODEC_H264]
	= {"H264",
	   PLM_KIND_VIDEO,
	   90000,
	   1,
	   {"level-asymmetry-allowed", "packetization-mode", "profile-level-id"}},
	[PLM_CODEC_AV1] = {"AV1", PLM_KIND_VIDEO, 90000, 1, {"level-idx", "profile", "tier"}},
};

const char *sdp_codec_name(enum plm_codec codec) {
	return (unsigned)codec < PLM_CODEC_COUNT ? codecs[codec].name : NULL;
}

// ---------------------------------------------------------------------------- payload table

enum feedback {
	FEEDBACK_NACK = 1 << 0,
	FEEDBACK_PLI = 1 << 1,
	FEEDBACK_FIR = 1 << 2,
	FEEDBACK_REMB = 1 << 3,
	FEEDBACK_TRANSPORT_CC = 1 << 4,
};

static const struct {
	const char *text;
	unsigned bit;
} feedbacks[] = {
	{"nack", FEEDBACK_NACK},
	{"nack pli", FEEDBACK_PLI},
	{"ccm fir", FEEDBACK_FIR},
	{"goog-remb", FEEDBACK_REMB},
	{"transport-cc", FEEDBACK_TRANSPORT_CC},
};

struct payload {
	const char *rtpmap;
	const char *fmtp;
	unsigned feedback;
};

// The section's attributes by payload type, read once: an offer may have 2,000 lines.
struct payloads {
	struct payload by_type[PAYLOAD_TYPES];
	unsigned feedback_all; // a=rtcp-fb:*
};

static unsigned feedback_bit(const char *text) {
	for (size_t i = 0; i < sizeof(feedbacks) / sizeof(feedbacks[0]); i++)
		if (strcasecmp(text, feedbacks[i].text) == 0)
			return feedbacks[i].bit;
	return 0;
}

static void payloads_read(const struct sdp_media *media, struct payloads *payloads) {
	memset(payloads, 0, sizeof(*payloads));
	for (unsigned i = 0; i < media->n_attrs; i++) {
		const struct sdp_attr *attr = &media->attrs[i];
		bool is_feedback = strcmp(attr->name, "rtcp-fb") == 0;
		struct payload *payload;
		const char *rest;
		uint64_t type;

		if (is_feedback && strncmp(attr->value, "* ", 2) == 0) {
			payloads->feedback_all |= feedback_bit(attr->value + 2);
			continue;
		}
		if (!is_feedback && strcmp(attr->name, "rtpmap") != 0
		    && strcmp(attr->name, "fmtp") != 0)
			continue;
		if (sdp_number_parse(attr->value, PAYLOAD_TYPES - 1, &rest, &type) < 0
		    || *rest != ' ')
			continue;
		rest += strspn(rest, " ");
		payload = &payloads->by_type[type];
		if (is_feedback)
			payload->feedback |= feedback_bit(rest);
		else if (attr->name[0] == 'r' && payload->rtpmap == NULL)
			payload->rtpmap = rest;
		else if (attr->name[0] == 'f' && payload->fmtp == NULL)
			payload->fmtp = rest;
	}
}

// ---------------------------------------------------------------------------- format parameters

// Value of a parameter of "key=value;key=value". False if absent, too long or not a token.
static bool fmtp_find(const char *fmtp, const char *key, char value[FMTP_VALUE_MAX]) {
	size_t key_len = strlen(key);

	for (const char *p = fmtp; p != NULL && *p != '\0';) {
		size_t len;

		p += strspn(p, " ;");
		len = strcspn(p, ";");
		if (len > key_len && strncasecmp(p, key, key_len) == 0 && p[key_len] == '=') {
			const char *start = p + key_len + 1;

			len -= key_len + 1;
			while (len > 0 && start[len - 1] == ' ')
				len--;
			if (len == 0 || len >= FMTP_VALUE_MAX)
				return false;
			memcpy(value, start, len);
			value[len] = '\0';
			return sdp_is_token(value);
		}
		p += len;
	}
	return false;
}

// The known parameters of the codec, as offered.
static void fmtp_copy(const struct codec *codec, const char *fmtp, char *ret, size_t ret_len) {
	char value[FMTP_VALUE_MAX];
	size_t n = 0;

	ret[0] = '\0';
	for (unsigned i = 0; i < FMTP_KEYS && codec->fmtp[i] != NULL; i++) {
		const char *key = codec->fmtp[i];

		if (!fmtp_find(fmtp, key, value) || n + strlen(key) + strlen(value) + 3 > ret_len)
			continue;
		n += (size_t
		)snprintf(ret + n, ret_len - n, "%s%s=%s", n > 0 ? ";" : "", key, value);
	}
}

// A small number with a default where it is absent. Returns it or -EINVAL.
static int fmtp_number(const char *fmtp, const char *key, uint64_t max, int absent) {
	char value[FMTP_VALUE_MAX];
	uint64_t number;

	if (!fmtp_find(fmtp, key, value))
		return absent;
	return sdp_number_parse(value, max, NULL, &number) < 0 ? -EINVAL : (int)number;
}

// ---------------------------------------------------------------------------- H.264

enum h264_profile {
	H264_CONSTRAINED_BASELINE,
	H264_BASELINE,
	H264_MAIN,
	H264_EXTENDED,
	H264_CONSTRAINED_HIGH,
	H264_HIGH,
	H264_OTHER, // compared by its numbers
};

struct h264 {
	int packetization_mode;
	enum h264_profile profile;
	uint8_t profile_idc;
	uint8_t profile_iop;
};

// RFC 6184 table 5: the same profile can be written in several ways.
static const struct {
	uint8_t idc, mask, iop;
	enum h264_profile profile;
} h264_forms[] = {
	{0x42, 0x4f, 0x40, H264_CONSTRAINED_BASELINE},
	{0x4d, 0x8f, 0x80, H264_CONSTRAINED_BASELINE},
	{0x58, 0xcf, 0xc0, H264_CONSTRAINED_BASELINE},
	{0x42, 0x4f, 0x00, H264_BASELINE},
	{0x58, 0xcf, 0x80, H264_BASELINE},
	{0x4d, 0xaf, 0x00, H264_MAIN},
	{0x58, 0xcf, 0x00, H264_EXTENDED},
	{0x64, 0xff, 0x00, H264_HIGH},
	{0x64, 0xff, 0x0c, H264_CONSTRAINED_HIGH},
};

#define BIT(profile) (1U << (profile))
// Which offered profiles decode a stream of this one. Baseline counts as constrained baseline: what
// it allows beyond (FMO, ASO, redundant slices) no WebRTC encoder makes and no browser decodes, yet
// Chromium offers 42001f first and others offer 42e01f only.
static const unsigned h264_decoders[] = {
	[H264_CONSTRAINED_BASELINE] = BIT(H264_CONSTRAINED_BASELINE) | BIT(H264_BASELINE)
		| BIT(H264_MAIN) | BIT(H264_EXTENDED) | BIT(H264_CONSTRAINED_HIGH) | BIT(H264_HIGH),
	[H264_BASELINE] = BIT(H264_BASELINE) | BIT(H264_CONSTRAINED_BASELINE),
	[H264_MAIN] = BIT(H264_MAIN) | BIT(H264_HIGH),
	[H264_EXTENDED] = BIT(H264_EXTENDED),
	[H264_CONSTRAINED_HIGH] = BIT(H264_CONSTRAINED_HIGH) | BIT(H264_HIGH),
	[H264_HIGH] = BIT(H264_HIGH),
	[H264_OTHER] = 0,
};

// Returns 0 or -EINVAL. Absent: mode 0, baseline (RFC 6184 section 8.1). The level is not looked
// at: what we relay is as large as the publisher sends it.
static int h264_parse(const char *fmtp, struct h264 *h264) {
	char value[FMTP_VALUE_MAX], *end;
	unsigned long id = 0x42000a;

	// Mode 2 interleaves: no WebRTC client does it.
	h264->packetization_mode = fmtp_number(fmtp, "packetization-mode", 1, 0);
	if (h264->packetization_mode < 0)
		return -EINVAL;
	if (fmtp_find(fmtp, "profile-level-id", value)) {
		if (strspn(value, "0123456789abcdefABCDEF") != 6 || value[6] != '\0')
			return -EINVAL;
		id = strtoul(value, &end, 16);
	}
	h264->profile_idc = (uint8_t)(id >> 16);
	h264->profile_iop = (uint8_t)(id >> 8);
	h264->profile = H264_OTHER;
	for (size_t i = 0; i < sizeof(h264_forms) / sizeof(h264_forms[0]); i++)
		if (h264->profile_idc == h264_forms[i].idc
		    && (h264->profile_iop & h264_forms[i].mask) == h264_forms[i].iop)
			h264->profile = h264_forms[i].profile;
	return 0;
}

// How far offered is from the stream: 0 the same, more = less alike, -ENOTSUP = cannot take it.
static int h264_distance(const char *stream_fmtp, const char *offered_fmtp) {
	struct h264 stream, offered;
	bool same_profile;

	if (h264_parse(stream_fmtp, &stream) < 0 || h264_parse(offered_fmtp, &offered) < 0)
		return -ENOTSUP;
	// Mode 1 receives all that mode 0 sends, not the other way (RFC 6184 section 5.2).
	if (stream.packetization_mode > offered.packetization_mode)
		return -ENOTSUP;
	same_profile = stream.profile == H264_OTHER ? stream.profile_idc == offered.profile_idc
			&& stream.profile_iop == offered.profile_iop
						    : stream.profile == offered.profile;
	if (!same_profile && !(h264_decoders[stream.profile] & BIT(offered.profile)))
		return -ENOTSUP;
	return (same_profile ? 0 : 2)
		+ (stream.packetization_mode == offered.packetization_mode ? 0 : 1);
}

// ---------------------------------------------------------------------------- choice

// How far the offered parameters are from the stream's (stream NULL: only whether they make sense).
static int codec_distance(enum plm_codec codec, const char *stream, const char *offered) {
	int a, b;

	switch (codec) {
	case PLM_CODEC_H264:
		return h264_distance(stream != NULL ? stream : offered, offered);
	case PLM_CODEC_VP9:
		a = fmtp_number(offered, "profile-id", 3, 0);
		b = stream != NULL ? fmtp_number(stream, "profile-id", 3, 0) : a;
		return a < 0 || a != b ? -ENOTSUP : 0;
	case PLM_CODEC_AV1:
		a = fmtp_number(offered, "profile", 2, 0);
		b = stream != NULL ? fmtp_number(stream, "profile", 2, 0) : a;
		return a < 0 || a != b ? -ENOTSUP : 0;
	default:
		return 0;
	}
}

// "VP8/90000", "opus/48000/2"
static enum plm_codec codec_of_rtpmap(const char *rtpmap, enum plm_kind kind) {
	for (unsigned i = PLM_CODEC_NONE + 1; i < PLM_CODEC_COUNT; i++) {
		const struct codec *codec = &codecs[i];
		size_t len = strlen(codec->name);
		uint64_t clock_rate, channels = 1;
		const char *rest;

		if (codec->kind != kind || strncasecmp(rtpmap, codec->name, len) != 0
		    || rtpmap[len] != '/')
			continue;
		if (sdp_number_parse(rtpmap + len + 1, UINT32_MAX, &rest, &clock_rate) < 0)
			continue;
		if (*rest == '/' && sdp_number_parse(rest + 1, 255, &rest, &channels) < 0)
			continue;
		rest += strspn(rest, " ");
		if (*rest == '\0' && clock_rate == codec->clock_rate && channels == codec->channels)
			return (enum plm_codec)i;
	}
	return PLM_CODEC_NONE;
}

static void track_fill(
	struct sdp_track *track,
	enum plm_codec codec,
	unsigned type,
	const struct payload *payload,
	unsigned feedback
) {
	memset(track, 0, sizeof(*track));
	track->kind = codecs[codec].kind;
	track->codec = codec;
	track->payload_type = (uint8_t)type;
	track->clock_rate = codecs[codec].clock_rate;
	track->channels = codecs[codec].channels;
	fmtp_copy(&codecs[codec], payload->fmtp, track->fmtp, sizeof(track->fmtp));
	track->nack = feedback & FEEDBACK_NACK;
	track->pli = feedback & FEEDBACK_PLI;
	track->fir = feedback & FEEDBACK_FIR;
	track->remb = feedback & FEEDBACK_REMB;
	track->transport_cc = feedback & FEEDBACK_TRANSPORT_CC;
}

int sdp_codec_choose(
	const struct sdp_media *media,
	enum plm_kind kind,
	const struct sdp_track *want,
	struct sdp_track *ret_track
) {
	const char *cursor = media->formats;
	const char *stream = want != NULL ? want->fmtp : NULL;
	struct payloads payloads;
	int best = -ENOTSUP;
	char word[8];

	payloads_read(media, &payloads);
	while (best != 0 && sdp_word_next(&cursor, word, sizeof(word))) {
		const struct payload *payload;
		enum plm_codec codec;
		uint64_t type;
		int distance;

		if (sdp_number_parse(word, PAYLOAD_TYPES - 1, NULL, &type) < 0)
			continue;
		payload = &payloads.by_type[type];
		if (payload->rtpmap == NULL)
			continue;
		codec = codec_of_rtpmap(payload->rtpmap, kind);
		if (codec == PLM_CODEC_NONE || (want != NULL && codec != want->codec))
			continue;
		distance = codec_distance(codec, stream, payload->fmtp);
		if (distance < 0 || (best >= 0 && distance >= best))
			continue;
		best = distance;
		track_fill(
			ret_track,
			codec,
			(unsigned)type,
			payload,
			payload->feedback | payloads.feedback_all
		);
	}
	return best < 0 ? -ENOTSUP : 0;
}
