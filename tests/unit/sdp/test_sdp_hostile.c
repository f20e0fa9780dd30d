// SPDX-License-Identifier: BSD-3-Clause

// Offers that must be refused with a sentence, and mutations of good ones that must never crash.

#include "sdp_vectors.h"

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Replaces every occurrence of from; to free().
static char *replace(const char *text, const char *from, const char *to) {
	size_t size = strlen(text) * 2 + strlen(to) * 200 + 1, n = 0;
	char *out = malloc(size);

	for (const char *p = text; *p != '\0';) {
		if (from[0] != '\0' && strncmp(p, from, strlen(from)) == 0) {
			n += (size_t)snprintf(out + n, size - n, "%s", to);
			p += strlen(from);
		} else {
			out[n++] = *p++;
		}
		assert_true(n < size);
	}
	out[n] = '\0';
	return out;
}

#define FINGERPRINT                                                                                \
	"a=fingerprint:sha-256 CF:3E:58:EC:27:5C:6D:5E:33:70:F9:37:54:61:BD:73:1D:CA:83:6B:C9:6B:" \
	"1B:D9:4F:4E:A8:E3:82:C5:F4:50\r\n"
#define LONG_MID "0123456789abcdef"

// Each takes one thing from a good offer, or puts one in.
static const struct {
	const char *from, *to;
	int result;
	const char *sentence; // part of it
} spoilt[] = {
	{"a=ice-ufrag:oXga\r\n", "", -EPROTO, "ice-ufrag"},
	{"a=ice-pwd:m0d+nUxOH4Nf+0ObrwssKr2E\r\n", "", -EPROTO, "ice-pwd"},
	{"a=ice-ufrag:oXga", "a=ice-ufrag:oXg", -EPROTO, "ice-ufrag"},
	{"a=ice-ufrag:oXga", "a=ice-ufrag:oXg a", -EPROTO, "ice-ufrag"},
	{"a=ice-ufrag:oXga", "a=ice-ufrag:oXg\xc3\xa9", -EPROTO, "ice-ufrag"},
	{"a=ice-ufrag:oXga", "a=ice-ufrag:abcdefghijklmnopqrstuvwxyz012345", -EPROTO, "ice-ufrag"},
	{"a=ice-ufrag:oXga", "a=ice-ufrag:abcdefghijklmnopqrstuvwxyz01234", 0, ""},
	{"a=ice-pwd:m0d+nUxOH4Nf+0ObrwssKr2E",
	 "a=ice-pwd:m0d+nUxOH4Nf+0Obrwss",
	 -EPROTO,
	 "ice-pwd"},
	{"a=rtcp-mux\r\n", "", -EPROTO, "rtcp-mux"},
	{"a=group:BUNDLE 0 1\r\n", "", -EPROTO, "BUNDLE"},
	{"a=group:BUNDLE 0 1", "a=group:BUNDLE 0", -EPROTO, "BUNDLE"},
	{"a=group:BUNDLE 0 1", "a=group:LS 0 1", -EPROTO, "BUNDLE"},
	{"a=group:BUNDLE 0 1", "a=group:LS 0 1\r\na=group:BUNDLE 1 9 0 0 1", 0, ""},
	{"a=setup:actpass", "a=setup:passive", -EPROTO, "setup"},
	{"a=setup:actpass", "a=setup:holdconn", -EPROTO, "setup"},
	{"a=setup:actpass", "a=setup:active", 0, ""},
	{"a=setup:actpass\r\n", "", 0, ""},
	{FINGERPRINT, "", -EPROTO, "fingerprint"},
	{FINGERPRINT, "a=fingerprint:sha-256\r\n", -EPROTO, "fingerprint"},
	{FINGERPRINT, "a=fingerprint:sha-256 \r\n", -EPROTO, "fingerprint"},
	{FINGERPRINT, "a=fingerprint:sha-1 AB:CD\r\n", -EPROTO, "sha-256"},
	{FINGERPRINT, "a=fingerprint:md5 AB:CD\r\n" FINGERPRINT, 0, ""},
	{FINGERPRINT, "a=fingerprint:sha-384 AB:CD\r\n" FINGERPRINT, 0, ""},
	{":F4:50", ":F4", -EPROTO, "fingerprint"},
	{":F4:50", ":F4:50:51", -EPROTO, "fingerprint"},
	{":F4:50", ":F4:5", -EPROTO, "fingerprint"},
	{":F4:50", ":F4:5g", -EPROTO, "fingerprint"},
	{":F4:50", ":f4-50", -EPROTO, "fingerprint"},
	{":F4:50", ":f4:50", 0, ""},
	{"a=mid:1\r\n", "a=mid:0\r\n", -EPROTO, "same a=mid"},
	{"a=mid:1\r\n", "", -EPROTO, "BUNDLE"},
	{"a=mid:0\r\n", "a=mid:\r\n", -EPROTO, "a=mid"},
	{"a=mid:0\r\n", "a=mid:" LONG_MID "\r\n", -EPROTO, "a=mid"},
	{"a=mid:0\r\n", "a=mid:0 1\r\n", -EPROTO, "a=mid"},
	{"a=sendonly", "a=recvonly", -EPROTO, "sendonly"},
	{"a=sendonly", "a=inactive", -EPROTO, "sendonly"},
	{"a=sendonly", "a=sendrecv", 0, ""},
	{"a=sendonly\r\n", "", 0, ""},
	{"UDP/TLS/RTP/SAVPF", "RTP/AVPF", -EPROTO, "DTLS"},
	{"m=video 54064", "m=video 0", 0, ""},
	{"t=0 0\r\n", "t=0 0\r\n\r\n", -EBADMSG, "line 5"},
	{"t=0 0\r\n", "t=0 0\r\na=x\r", -EBADMSG, "line 5"},
	{"a=rtpmap:96 VP8", "a=rtpmap:96 VPX", 0, ""},
	{"a=rtpmap:111 opus", "a=rtpmap:111 speex", 0, ""},
	{"/90000", "/8000", 0, ""},
	{"a=rtpmap", "a=rtpmop", -ENOTSUP, "codec"},
};

static void refusals(void **) {
	char *good = vector_read("chromium-publish-simulcast.sdp", NULL);

	for (size_t i = 0; i < sizeof(spoilt) / sizeof(spoilt[0]); i++) {
		char *offer = replace(good, spoilt[i].from, spoilt[i].to);
		struct negotiated out;

		assert_non_null(strstr(good, spoilt[i].from));
		negotiate(offer, strlen(offer), SDP_PUBLISH, false, NULL, 0, &out);
		if (out.result != spoilt[i].result || strstr(out.error, spoilt[i].sentence) == NULL)
			fail_msg(
				"row %zu (%s -> %s): %d \"%s\"",
				i,
				spoilt[i].from,
				spoilt[i].to,
				out.result,
				out.error
			);
		if (out.result < 0) {
			// Sentences end with a full stop, and nothing was given out.
			assert_int_equal(out.error[strlen(out.error) - 1], '.');
			assert_null(out.session);
			assert_int_equal(out.n, 0);
		} else {
			sdp_free(answer_parse(&out));
		}
		negotiated_clear(&out);
		free(offer);
	}
	free(good);
}

static void no_media(void **) {
	static const char text[] = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n";
	struct negotiated out;

	negotiate(text, strlen(text), SDP_PUBLISH, false, NULL, 0, &out);
	assert_int_equal(out.result, -EPROTO);
	negotiate(text, 0, SDP_PUBLISH, false, NULL, 0, &out);
	assert_int_equal(out.result, -EBADMSG);
}

static void audio_only_video(void **) {
	char *good = vector_read("chromium-publish-simulcast.sdp", NULL), *audio;
	struct negotiated out;

	audio = strstr(good, "m=audio");
	*audio = '\0';
	negotiate(good, strlen(good), SDP_PUBLISH, true, NULL, 0, &out);
	assert_int_equal(out.result, -ENOTSUP);
	assert_non_null(strstr(out.error, "audio only"));
	free(good);
}

// Many good sections: the first four are taken, the others refused in their places.
static void many_sections(void **) {
	static char offer[SDP_LEN_MAX];

	for (unsigned sections = 5; sections <= 300;
	     sections = sections == 5 ? 32 : sections + 268) {
		struct negotiated out;
		struct sdp *sdp;
		size_t n;

		n = (size_t)snprintf(
			offer,
			sizeof(offer),
			"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
			"a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n" FINGERPRINT
			"a=group:BUNDLE"
		);
		for (unsigned i = 0; i < sections; i++)
			n += (size_t
			)snprintf(offer + n, sizeof(offer) - n, " section-number%u", i % 10);
		for (unsigned i = 0; i < sections; i++)
			n += (size_t)snprintf(
				offer + n,
				sizeof(offer) - n,
				"\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2"
				"\r\na=rtcp-mux%s%u",
				i < 10 ? "\r\na=mid:section-number" : "\r\na=x:",
				i
			);
		negotiate(offer, n, SDP_PUBLISH, false, NULL, 0, &out);
		assert_int_equal(out.result, sections > SDP_MEDIA_MAX ? -EBADMSG : 0);
		if (out.result == 0) {
			assert_int_equal(out.n, SDP_TRACKS_MAX);
			sdp = answer_parse(&out);
			assert_int_equal(sdp->n_media, sections);
			for (unsigned i = 0; i < sections; i++)
				assert_int_equal(sdp->media[i].port, i < 4 ? 3478 : 0);
			sdp_free(sdp);
		}
		negotiated_clear(&out);
	}
}

// More candidates than we keep, some over TCP, some with tricks in them.
static void candidates(void **) {
	char *good = vector_read("chromium-publish-audio.sdp", NULL), *more = malloc(40000), *offer;
	struct negotiated out;
	size_t n = 0;

	n += (size_t)snprintf(
		more,
		40000,
		"a=mid:0\r\na=candidate:1 2 udp 1 192.0.2.1 1 typ host\r\n"
		"a=candidate:1 1 tcp 1 192.0.2.1 1 typ host\r\na=candidate:\r\na=candidate:1 1\r\n"
		"a=candidate:1 1 udp 1 192.0.2.1 1 typ host \x01\r\na=candidate:1 1 udp %0200d\r\n",
		7
	);
	for (int i = 0; i < 100; i++)
		n += (size_t)snprintf(
			more + n, 40000 - n, "a=candidate:1 1 UDP %d 192.0.2.1 1 typ host\r\n", i
		);
	offer = replace(good, "a=mid:0\r\n", more);
	negotiate(offer, strlen(offer), SDP_PUBLISH, false, NULL, 0, &out);
	assert_int_equal(out.result, 0);
	assert_int_equal(out.remote.n_candidates, SDP_CANDIDATES_MAX);
	assert_string_equal(out.remote.candidates[3], "candidate:1 1 UDP 0 192.0.2.1 1 typ host");
	negotiated_clear(&out);
	free(offer);
	free(more);
	free(good);
}

static uint64_t random_next(uint64_t *state) {
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

// Lines doubled, dropped and swapped, bytes turned over: any result, but an answer is always SDP.
static size_t mutate(const char *offer, size_t len, char *out, uint64_t *state) {
	size_t n = 0;

	for (const char *p = offer, *end = offer + len; p < end;) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		size_t line = newline != NULL ? (size_t)(newline + 1 - p) : (size_t)(end - p);
		unsigned copies = 1;

		if (random_next(state) % 64 == 0)
			copies = (unsigned)(random_next(state) % 3);
		for (unsigned i = 0; i < copies && n + line < SDP_LEN_MAX; i++, n += line)
			memcpy(out + n, p, line);
		p += line;
	}
	for (uint64_t k = random_next(state) % 4; k > 0 && n > 0; k--) {
		static const char bytes[] = "0919: /;=-amvx\r\n\xff";

		out[random_next(state) % n] = bytes[random_next(state) % (sizeof(bytes) - 1)];
	}
	return n;
}

static void mutations(void **) {
	static const char *const files[] = {
		"chromium-publish-simulcast.sdp",
		"chromium-publish-audio.sdp",
		"chromium-watch.sdp",
		"chromium-watch-mdns.sdp",
		"bundle-only-session-level.sdp",
	};
	struct sdp_track want[2] = {
		stream_make(PLM_KIND_VIDEO, PLM_CODEC_VP8, ""),
		stream_make(PLM_KIND_AUDIO, PLM_CODEC_OPUS, ""),
	};
	uint64_t state = 88172645463325252ULL;
	char *mutant = malloc(SDP_LEN_MAX);
	unsigned good = 0, bad = 0;

	for (size_t f = 0; f < sizeof(files) / sizeof(files[0]); f++) {
		size_t len;
		char *offer = vector_read(files[f], &len);

		for (int i = 0; i < 400; i++) {
			size_t n = mutate(offer, len, mutant, &state);
			char *copy = malloc(n ? n : 1);

			memcpy(copy, mutant, n);
			for (int role = SDP_PUBLISH; role <= SDP_WATCH; role++) {
				struct negotiated out;

				negotiate(copy, n, (enum sdp_role)role, i & 1, want, 2, &out);
				if (out.result == 0) {
					assert_in_range(out.n, 1, SDP_TRACKS_MAX);
					sdp_free(answer_parse(&out));
					good++;
				} else {
					assert_string_not_equal(out.error, "");
					bad++;
				}
				negotiated_clear(&out);
			}
			free(copy);
		}
		free(offer);
	}
	// The mutations must reach both ends to mean anything.
	assert_true(good > 200 && bad > 200);
	free(mutant);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refusals),
		cmocka_unit_test(no_media),
		cmocka_unit_test(audio_only_video),
		cmocka_unit_test(many_sections),
		cmocka_unit_test(candidates),
		cmocka_unit_test(mutations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
