// SPDX-License-Identifier: BSD-3-Clause

#include "sdp_answer.h"

#include "sdp_codec.h"
#include "sdp_session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXT_BIT(name) (1U << PLM_EXT_##name)

const char *const sdp_extension_uris[PLM_EXT_COUNT] = {
	NULL,
#define X(name, uri) uri,
	PLM_EXTENSIONS(X)
#undef X
};

// MID is told to viewers too: their demultiplexer needs no a=ssrc then. What a relay cannot keep
// true is left out: send times and transport-wide numbers are ours, not the publisher's. RID is
// taken from publishers though we ask for one encoding: Chromium cannot offer again (ICE restart)
// without it.
uint32_t sdp_extensions_for(enum plm_kind kind, enum sdp_role role) {
	uint32_t set = EXT_BIT(MID) | EXT_BIT(ABS_CAPTURE_TIME);

	if (kind == PLM_KIND_AUDIO)
		set |= EXT_BIT(AUDIO_LEVEL);
	else if (kind == PLM_KIND_VIDEO)
		set |= EXT_BIT(VIDEO_ORIENTATION) | EXT_BIT(PLAYOUT_DELAY)
			| EXT_BIT(VIDEO_CONTENT_TYPE) | EXT_BIT(COLOR_SPACE)
			| EXT_BIT(DEPENDENCY_DESCRIPTOR);
	else
		return 0;
	if (role == SDP_PUBLISH)
		set |= EXT_BIT(ABS_SEND_TIME);
	if (role == SDP_PUBLISH && kind == PLM_KIND_VIDEO)
		set |= EXT_BIT(RID);
	return set;
}

void sdp_session_free(struct sdp_session *session) {
	if (session == NULL)
		return;
	free(session->strings);
	free(session);
}

// Where media would go without ICE: the first address, and port 9 without one (RFC 8840 4.1.1).
static void print_address(struct sdp_printer *printer, const struct sdp_local *local) {
	char ip[INET6_ADDRSTRLEN] = "0.0.0.0";
	bool is_v6 = local->n_addrs > 0 && local->addrs[0].family == 6;

	if (local->n_addrs > 0)
		inet_ntop(is_v6 ? AF_INET6 : AF_INET, local->addrs[0].ip, ip, sizeof(ip));
	sdp_print_line(printer, "c=IN IP%d %s", is_v6 ? 6 : 4, ip);
}

// Host candidates (RFC 8839 section 5.1). Each has a foundation of its own: they are different
// bases.
static void print_candidates(struct sdp_printer *printer, const struct sdp_local *local) {
	for (unsigned i = 0; i < local->n_addrs && i < PLM_HELLO_ADDRS; i++) {
		const struct plm_addr *addr = &local->addrs[i];
		// RFC 8445 section 5.1.2.1: type preference of a host, ours in order, component 1.
		uint32_t priority = 126U << 24 | (65535U - i) << 8 | 255U;
		char ip[INET6_ADDRSTRLEN];

		if (addr->family != 4 && addr->family != 6)
			continue;
		inet_ntop(addr->family == 6 ? AF_INET6 : AF_INET, addr->ip, ip, sizeof(ip));
		sdp_print_line(
			printer,
			"a=candidate:%u 1 udp %u %s %u typ host",
			i + 1,
			priority,
			ip,
			addr->port
		);
	}
	sdp_print_line(printer, "a=end-of-candidates");
}

static void print_codec(struct sdp_printer *printer, const struct sdp_track *track) {
	unsigned type = track->payload_type;

	if (track->kind == PLM_KIND_AUDIO)
		sdp_print_line(
			printer,
			"a=rtpmap:%u %s/%u/%u",
			type,
			sdp_codec_name(track->codec),
			track->clock_rate,
			track->channels
		);
	else
		sdp_print_line(
			printer,
			"a=rtpmap:%u %s/%u",
			type,
			sdp_codec_name(track->codec),
			track->clock_rate
		);
	if (track->fmtp[0] != '\0')
		sdp_print_line(printer, "a=fmtp:%u %s", type, track->fmtp);
	if (track->nack)
		sdp_print_line(printer, "a=rtcp-fb:%u nack", type);
	if (track->pli)
		sdp_print_line(printer, "a=rtcp-fb:%u nack pli", type);
	if (track->fir)
		sdp_print_line(printer, "a=rtcp-fb:%u ccm fir", type);
	if (track->remb)
		sdp_print_line(printer, "a=rtcp-fb:%u goog-remb", type);
}

// Ids come from users: one word of visible characters, "-" for none.
static void word_copy(const char *text, char *word, size_t size) {
	size_t n = 0;

	for (; *text != '\0' && n + 1 < size; text++)
		word[n++] = *text > 0x20 && *text < 0x7f ? *text : '_';
	if (n == 0)
		word[n++] = '-';
	word[n] = '\0';
}

// What a viewer is told of a stream (RFC 8830, RFC 5576). The track's id only has to differ within
// the
// stream: it is made of the mid.
static void print_source(
	struct sdp_printer *printer,
	const struct section *section,
	const struct sdp_track *track
) {
	char stream[sizeof(track->msid)], cname[sizeof(track->cname)];

	word_copy(track->msid, stream, sizeof(stream));
	word_copy(track->cname, cname, sizeof(cname));
	sdp_print_line(printer, "a=msid:%s %s-%s", stream, section->kind, section->mid);
	if (track->ssrc == 0)
		return;
	sdp_print_line(printer, "a=ssrc:%u cname:%s", track->ssrc, cname);
	sdp_print_line(
		printer, "a=ssrc:%u msid:%s %s-%s", track->ssrc, stream, section->kind, section->mid
	);
}

static void print_accepted(
	struct sdp_printer *printer,
	const struct sdp_session *session,
	const struct section *section,
	const struct sdp_local *local,
	const struct sdp_track *track
) {
	unsigned port = local->n_addrs > 0 ? local->addrs[0].port : 9;

	// All sections of a bundle repeat its port (RFC 9143 section 7.3.2).
	sdp_print_line(
		printer, "m=%s %u %s %u", section->kind, port, section->proto, track->payload_type
	);
	print_address(printer, local);
	sdp_print_line(printer, "a=ice-ufrag:%s", local->ufrag);
	sdp_print_line(printer, "a=ice-pwd:%s", local->pwd);
	sdp_print_line(printer, "a=fingerprint:%s", local->fingerprint);
	sdp_print_line(printer, "a=setup:passive");
	if (section->mid[0] != '\0')
		sdp_print_line(printer, "a=mid:%s", section->mid);
	for (unsigned ext = PLM_EXT_NONE + 1; ext < PLM_EXT_COUNT; ext++)
		if (track->ext.ids[ext] != 0)
			sdp_print_line(
				printer,
				"a=extmap:%u %s",
				track->ext.ids[ext],
				sdp_extension_uris[ext]
			);
	if (section->track < 0)
		sdp_print_line(printer, "a=inactive");
	else
		sdp_print_line(printer, session->role == SDP_PUBLISH ? "a=recvonly" : "a=sendonly");
	sdp_print_line(printer, "a=rtcp-mux");
	if (session->rsize)
		sdp_print_line(printer, "a=rtcp-rsize");
	print_codec(printer, track);
	if (session->role == SDP_WATCH && section->track >= 0)
		print_source(printer, section, track);
	if (section == &session->sections[session->tagged])
		print_candidates(printer, local);
}

// RFC 3264 section 6: port 0, formats as offered.
static void print_refused(struct sdp_printer *printer, const struct section *section) {
	sdp_print_line(printer, "m=%s 0 %s %s", section->kind, section->proto, section->formats);
	sdp_print_line(printer, "c=IN IP4 0.0.0.0");
	if (section->mid[0] != '\0')
		sdp_print_line(printer, "a=mid:%s", section->mid);
	sdp_print_line(printer, "a=inactive");
}

// a=group:BUNDLE with the accepted sections in the offer's order, the tagged one first.
static void print_group(struct sdp_printer *printer, const struct sdp_session *session) {
	char mids[(SDP_TRACKS_MAX + 1) * (PLM_MID_MAX + 1) + 1] = "";
	size_t len = 0;

	for (unsigned k = 0; k < session->n_order; k++) {
		const struct section *section = &session->sections[session->order[k]];

		if (section->track >= 0 || (int)session->order[k] == session->kept)
			len += (size_t
			)snprintf(mids + len, sizeof(mids) - len, " %s", section->mid);
	}
	sdp_print_line(printer, "a=group:BUNDLE%s", mids);
}

char *sdp_answer(
	const struct sdp_session *session,
	const struct sdp_local *local,
	const struct sdp_track *tracks,
	unsigned n
) {
	struct sdp_printer printer = {0};

	sdp_print_line(&printer, "v=0");
	sdp_print_line(&printer, "o=- 1 %llu IN IP4 0.0.0.0", (unsigned long long)session->version);
	sdp_print_line(&printer, "s=-");
	sdp_print_line(&printer, "t=0 0");
	if (session->grouped)
		print_group(&printer, session);
	if (session->allow_mixed)
		sdp_print_line(&printer, "a=extmap-allow-mixed");
	sdp_print_line(&printer, "a=ice-options:trickle");
	for (unsigned i = 0; i < session->n_sections; i++) {
		const struct section *section = &session->sections[i];

		if (section->track >= 0 && (unsigned)section->track < n)
			print_accepted(&printer, session, section, local, &tracks[section->track]);
		else if ((int)i == session->kept)
			print_accepted(&printer, session, section, local, &session->kept_track);
		else
			print_refused(&printer, section);
	}
	if (printer.failed) {
		free(printer.text);
		errno = ENOMEM;
		return NULL;
	}
	return printer.text;
}
