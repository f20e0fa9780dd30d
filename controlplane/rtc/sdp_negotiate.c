// SPDX-License-Identifier: BSD-3-Clause

#include "sdp_answer.h"
#include "sdp_codec.h"
#include "sdp_session.h"
#include "sdp_transport.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Whether a section can be accepted at all, before its codecs are looked at.
enum usable {
	USABLE,
	UNUSABLE_KIND, // not audio or video, not RTP, switched off by the offerer
	UNUSABLE_VIDEO, // video in an audio-only room
	UNUSABLE_DIRECTION, // wrong way round
};

// One run of sdp_negotiate.
struct negotiation {
	const struct sdp *sdp;
	enum sdp_role role;
	bool audio_only;
	const struct sdp_track *want;
	unsigned n_want;
	char *error;
	size_t error_len;

	char mids[SDP_MEDIA_MAX][PLM_MID_MAX];
	unsigned order[SDP_MEDIA_MAX]; // sections of the BUNDLE group, in its order
	unsigned n_order;
	bool in_group[SDP_MEDIA_MAX];
	enum usable usable[SDP_MEDIA_MAX];
	bool accepted[SDP_MEDIA_MAX];
	struct sdp_track tracks[SDP_MEDIA_MAX]; // of the accepted ones
	unsigned want_index[SDP_MEDIA_MAX];
	unsigned n_accepted;
	unsigned tagged;
	int kept; // a section that is not accepted but carries the transport of the others, or -1
	struct sdp_track kept_track;
	uint8_t ext_owner[256]; // who has an id in this bundle: enum plm_ext, EXT_UNKNOWN, 0 = free
};

#define EXT_UNKNOWN 255

__attribute__((format(printf, 3, 4))) static int fail(
	struct negotiation *n,
	int error,
	const char *format,
	...
) {
	va_list args;

	va_start(args, format);
	vsnprintf(n->error, n->error_len, format, args);
	va_end(args);
	return error;
}

// ---------------------------------------------------------------------------- sections

static int mids_read(struct negotiation *n) {
	for (unsigned i = 0; i < n->sdp->n_media; i++) {
		const struct sdp_media *media = &n->sdp->media[i];
		const char *mid = sdp_attr_find(media->attrs, media->n_attrs, "mid");

		if (mid == NULL)
			continue;
		if (!sdp_is_token(mid) || strlen(mid) >= PLM_MID_MAX)
			return fail(n, -EPROTO, "a=mid is not a token of 1 to 15 characters.");
		for (unsigned k = 0; k < i; k++)
			if (strcmp(n->mids[k], mid) == 0)
				return fail(n, -EPROTO, "Two media sections have the same a=mid.");
		memcpy(n->mids[i], mid, strlen(mid) + 1);
	}
	return 0;
}

// The first BUNDLE group. Names of no section are ignored.
static void group_read(struct negotiation *n) {
	char word[PLM_MID_MAX];

	for (unsigned i = 0; i < n->sdp->n_attrs; i++) {
		const struct sdp_attr *attr = &n->sdp->attrs[i];
		const char *cursor = attr->value;

		if (strcmp(attr->name, "group") != 0 || !sdp_word_next(&cursor, word, sizeof(word))
		    || strcmp(word, "BUNDLE") != 0)
			continue;
		while (sdp_word_next(&cursor, word, sizeof(word))) {
			for (unsigned k = 0; k < n->sdp->n_media; k++) {
				if (strcmp(n->mids[k], word) != 0 || n->in_group[k])
					continue;
				n->in_group[k] = true;
				n->order[n->n_order++] = k;
			}
		}
		return;
	}
}

static enum plm_kind kind_of(const struct sdp_media *media) {
	if (strcmp(media->kind, "audio") == 0)
		return PLM_KIND_AUDIO;
	return strcmp(media->kind, "video") == 0 ? PLM_KIND_VIDEO : PLM_KIND_NONE;
}

static bool has_attr(const struct sdp_media *media, const char *name) {
	return sdp_attr_find(media->attrs, media->n_attrs, name) != NULL;
}

// Profiles that mean SRTP keyed by DTLS, the old spellings included (RFC 8829 section 5.1.2).
static bool is_webrtc_proto(const char *proto) {
	static const char *const protos[] = {
		"UDP/TLS/RTP/SAVPF",
		"TCP/DTLS/RTP/SAVPF",
		"RTP/SAVPF",
		"UDP/TLS/RTP/SAVP",
		"TCP/DTLS/RTP/SAVP",
		"RTP/SAVP",
	};

	for (size_t i = 0; i < sizeof(protos) / sizeof(protos[0]); i++)
		if (strcmp(proto, protos[i]) == 0)
			return true;
	return false;
}

// True if the section sends (publishing) or receives (watching). Default: both (RFC 8866 6.7).
static bool direction_fits(const struct negotiation *n, const struct sdp_media *media) {
	static const char *const names[] = {"sendrecv", "sendonly", "recvonly", "inactive"};
	const char *direction = NULL;

	for (size_t i = 0; i < 4 && direction == NULL; i++)
		if (has_attr(media, names[i]))
			direction = names[i];
	for (size_t i = 0; i < 4 && direction == NULL; i++)
		if (sdp_attr_find(n->sdp->attrs, n->sdp->n_attrs, names[i]) != NULL)
			direction = names[i];
	if (direction == NULL || strcmp(direction, "sendrecv") == 0)
		return true;
	return strcmp(direction, n->role == SDP_PUBLISH ? "sendonly" : "recvonly") == 0;
}

static enum usable usable_judge(const struct negotiation *n, const struct sdp_media *media) {
	enum plm_kind kind = kind_of(media);

	if (kind == PLM_KIND_NONE || !is_webrtc_proto(media->proto))
		return UNUSABLE_KIND;
	// Port 0 with a=bundle-only shares the bundle's port (RFC 9143 section 6).
	if (media->port == 0 && !has_attr(media, "bundle-only"))
		return UNUSABLE_KIND;
	if (!direction_fits(n, media))
		return UNUSABLE_DIRECTION;
	if (kind == PLM_KIND_VIDEO && n->audio_only)
		return UNUSABLE_VIDEO;
	return USABLE;
}

static void section_accept(struct negotiation *n, unsigned i, const struct sdp_track *track) {
	n->accepted[i] = true;
	n->tracks[i] = *track;
	n->n_accepted++;
}

static void accept_publisher(struct negotiation *n) {
	struct sdp_track track;

	for (unsigned i = 0; i < n->sdp->n_media && n->n_accepted < SDP_TRACKS_MAX; i++) {
		const struct sdp_media *media = &n->sdp->media[i];

		if (n->usable[i] == USABLE
		    && sdp_codec_choose(media, kind_of(media), NULL, &track) == 0)
			section_accept(n, i, &track);
	}
}

static void accept_viewer(struct negotiation *n) {
	struct sdp_track track;

	for (unsigned w = 0; w < n->n_want && n->n_accepted < SDP_TRACKS_MAX; w++) {
		for (unsigned i = 0; i < n->sdp->n_media; i++) {
			const struct sdp_media *media = &n->sdp->media[i];

			if (n->usable[i] != USABLE || n->accepted[i]
			    || kind_of(media) != n->want[w].kind
			    || sdp_codec_choose(media, n->want[w].kind, &n->want[w], &track) < 0)
				continue;
			section_accept(n, i, &track);
			n->want_index[i] = w;
			break;
		}
	}
}

// Nothing was accepted: says why.
static int nothing_accepted(struct negotiation *n) {
	bool seen[UNUSABLE_DIRECTION + 1] = {false};

	for (unsigned i = 0; i < n->sdp->n_media; i++)
		seen[n->usable[i]] = true;
	if (seen[USABLE] && n->role == SDP_PUBLISH)
		return fail(n, -ENOTSUP, "No codec in common: send Opus, VP8, VP9, H.264 or AV1.");
	if (seen[USABLE])
		return fail(n, -ENOTSUP, "The offer cannot receive the codec of this stream.");
	if (seen[UNUSABLE_VIDEO])
		return fail(n, -ENOTSUP, "This room is audio only: video is refused.");
	if (seen[UNUSABLE_DIRECTION] && n->role == SDP_PUBLISH)
		return fail(n, -EPROTO, "No media section is sendonly or sendrecv.");
	if (seen[UNUSABLE_DIRECTION])
		return fail(n, -EPROTO, "No media section is recvonly or sendrecv.");
	return fail(n, -EPROTO, "The offer has no audio or video section over DTLS.");
}

// The transport is that of the first section of the group (RFC 9143 section 7.3.1). Where we do not
// want that one but the accepted ones have no transport of their own (max-bundle), it must not get
// port 0: Chromium then cannot apply the answer. It stays, inactive.
static void tagged_keep(struct negotiation *n) {
	const struct sdp_media *first;
	bool needed = false;

	if (n->n_order == 0 || n->accepted[n->order[0]])
		return;
	first = &n->sdp->media[n->order[0]];
	for (unsigned i = 0; i < n->sdp->n_media; i++) {
		unsigned port = n->sdp->media[i].port;

		if (n->accepted[i] && n->in_group[i] && (port == 0 || port == first->port))
			needed = true;
	}
	if (!needed || first->port == 0 || kind_of(first) == PLM_KIND_NONE
	    || !is_webrtc_proto(first->proto)
	    || sdp_codec_choose(first, kind_of(first), NULL, &n->kept_track) < 0)
		return;
	n->kept = (int)n->order[0];
	n->tagged = n->order[0];
}

static int sections_accept(struct negotiation *n) {
	for (unsigned i = 0; i < n->sdp->n_media; i++)
		n->usable[i] = usable_judge(n, &n->sdp->media[i]);
	if (n->role == SDP_PUBLISH)
		accept_publisher(n);
	else
		accept_viewer(n);
	if (n->n_accepted == 0)
		return nothing_accepted(n);

	n->tagged = SDP_MEDIA_MAX;
	tagged_keep(n);
	for (unsigned k = 0; k < n->n_order && n->tagged == SDP_MEDIA_MAX; k++)
		if (n->accepted[n->order[k]])
			n->tagged = n->order[k];
	for (unsigned i = 0; i < n->sdp->n_media; i++) {
		if (!n->accepted[i])
			continue;
		if (n->tagged == SDP_MEDIA_MAX)
			n->tagged = i;
		if (n->n_accepted > 1 && !n->in_group[i])
			return fail(n, -EPROTO, "The media sections are not in one BUNDLE group.");
	}
	return 0;
}

// ---------------------------------------------------------------------------- tracks

// "<id>[/<direction>] <uri> ...": extensions with a direction of their own are left out.
static void extension_read(
	struct negotiation *n,
	const char *value,
	uint32_t allowed,
	struct plm_ext_map *map
) {
	unsigned ext = EXT_UNKNOWN;
	const char *rest;
	uint64_t id;
	size_t len;

	// 15 ends the list in one-byte headers (RFC 8285 section 4.2).
	if (sdp_number_parse(value, 255, &rest, &id) < 0 || id == 0 || id == 15 || *rest != ' ')
		return;
	rest += strspn(rest, " ");
	len = strcspn(rest, " ");
	for (unsigned i = PLM_EXT_NONE + 1; i < PLM_EXT_COUNT; i++)
		if (strlen(sdp_extension_uris[i]) == len
		    && memcmp(sdp_extension_uris[i], rest, len) == 0)
			ext = i;
	// An id means the same in all sections of a bundle (RFC 9143 section 9.1).
	if (n->ext_owner[id] != 0 && n->ext_owner[id] != ext)
		return;
	n->ext_owner[id] = (uint8_t)ext;
	if (ext != EXT_UNKNOWN && (allowed & 1U << ext) && map->ids[ext] == 0)
		map->ids[ext] = (uint8_t)id;
}

static void extensions_read(struct negotiation *n, unsigned i) {
	const struct sdp_media *media = &n->sdp->media[i];
	struct sdp_track *track = &n->tracks[i];
	uint32_t allowed = sdp_extensions_for(track->kind, n->role);

	for (unsigned k = 0; k < media->n_attrs; k++)
		if (strcmp(media->attrs[k].name, "extmap") == 0)
			extension_read(n, media->attrs[k].value, allowed, &track->ext);
	for (unsigned k = 0; k < n->sdp->n_attrs; k++)
		if (strcmp(n->sdp->attrs[k].name, "extmap") == 0)
			extension_read(n, n->sdp->attrs[k].value, allowed, &track->ext);
}

// The publisher's SSRC, if announced: the first of its a=ssrc-group:FID (the media; the second is
// RTX), else of a=ssrc. With RIDs there is none to be had.
static uint32_t ssrc_read(const struct sdp_media *media) {
	const char *value = NULL, *rest;
	uint64_t ssrc;

	if (has_attr(media, "rid"))
		return 0;
	for (unsigned i = 0; i < media->n_attrs && value == NULL; i++)
		if (strcmp(media->attrs[i].name, "ssrc-group") == 0
		    && strncmp(media->attrs[i].value, "FID ", 4) == 0)
			value = media->attrs[i].value + 4;
	if (value == NULL)
		value = sdp_attr_find(media->attrs, media->n_attrs, "ssrc");
	if (value == NULL || sdp_number_parse(value, UINT32_MAX, &rest, &ssrc) < 0)
		return 0;
	return *rest == ' ' || *rest == '\0' ? (uint32_t)ssrc : 0;
}

static void track_complete(struct negotiation *n, unsigned i) {
	const struct sdp_media *media = &n->sdp->media[i];
	struct sdp_track *track = &n->tracks[i];
	const char *msid = sdp_attr_find(media->attrs, media->n_attrs, "msid");
	char stream[sizeof(track->msid)];

	memcpy(track->mid, n->mids[i], sizeof(track->mid));
	extensions_read(n, i);
	if (n->role != SDP_PUBLISH)
		return;
	track->ssrc = ssrc_read(media);
	// "-" means: of no stream (RFC 8830 section 2).
	if (msid != NULL && sdp_word_next(&msid, stream, sizeof(stream)) && sdp_is_token(stream)
	    && strcmp(stream, "-") != 0)
		memcpy(track->msid, stream, sizeof(track->msid));
}

// ---------------------------------------------------------------------------- session

static const char *string_add(char **cursor, const char *text) {
	size_t size = strlen(text) + 1;
	char *start = *cursor;

	memcpy(start, text, size);
	*cursor += size;
	return start;
}

// What the answer needs of the offer, in little memory: there may be 100,000 viewers.
static struct sdp_session *session_new(const struct negotiation *n, const struct sdp_scope *scope) {
	const struct sdp *sdp = n->sdp;
	struct sdp_session *session = calloc(
		1, sizeof(*session) + sdp->n_media * sizeof(session->sections[0])
	);
	size_t size = 0;
	char *cursor;
	int track = 0;

	for (unsigned i = 0; i < sdp->n_media; i++)
		size += strlen(sdp->media[i].kind) + strlen(sdp->media[i].proto)
			+ strlen(sdp->media[i].formats) + strlen(n->mids[i]) + 4;
	if (session == NULL || (session->strings = cursor = malloc(size)) == NULL) {
		free(session);
		return NULL;
	}
	session->version = sdp->version;
	session->role = n->role;
	session->grouped = n->in_group[n->tagged];
	session->allow_mixed = sdp_attr_inherited(sdp, scope->tagged, "extmap-allow-mixed") != NULL;
	session->rsize = has_attr(scope->tagged, "rtcp-rsize");
	session->tagged = n->tagged;
	session->kept = n->kept;
	session->kept_track = n->kept_track;
	session->n_sections = sdp->n_media;
	session->n_order = n->n_order;
	memcpy(session->order, n->order, sizeof(session->order));
	for (unsigned i = 0; i < sdp->n_media; i++) {
		struct section *section = &session->sections[i];

		section->kind = string_add(&cursor, sdp->media[i].kind);
		section->proto = string_add(&cursor, sdp->media[i].proto);
		section->formats = string_add(&cursor, sdp->media[i].formats);
		section->mid = string_add(&cursor, n->mids[i]);
		section->track = n->accepted[i] ? track++ : -1;
	}
	return session;
}

static void scope_fill(const struct negotiation *n, struct sdp_scope *scope) {
	scope->sdp = n->sdp;
	scope->tagged = &n->sdp->media[n->tagged];
	if (!n->in_group[n->tagged])
		return;
	for (unsigned k = 0; k < n->n_order; k++)
		if (n->order[k] != n->tagged)
			scope->others[scope->n_others++] = &n->sdp->media[n->order[k]];
}

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
) {
	struct negotiation n = {
		.role = role,
		.audio_only = audio_only,
		.want = want,
		.n_want = n_want,
		.error = error,
		.error_len = error_len,
		.kept = -1,
	};
	struct sdp_scope scope = {0};
	struct sdp_remote remote;
	struct sdp_session *session;
	struct sdp *sdp;
	unsigned count = 0;
	int r;

	r = sdp_parse(offer, len, &sdp, error, error_len);
	if (r < 0)
		return r;
	n.sdp = sdp;
	r = sdp->n_media == 0 ? fail(&n, -EPROTO, "The offer has no media section.")
			      : mids_read(&n);
	if (r < 0)
		goto out;
	group_read(&n);
	r = sections_accept(&n);
	if (r < 0)
		goto out;
	scope_fill(&n, &scope);
	r = sdp_transport_read(&scope, &remote, error, error_len);
	if (r < 0)
		goto out;
	session = session_new(&n, &scope);
	if (session == NULL) {
		r = -ENOMEM;
		goto out;
	}
	for (unsigned i = 0; i < sdp->n_media; i++) {
		if (!n.accepted[i])
			continue;
		track_complete(&n, i);
		ret_tracks[count] = n.tracks[i];
		if (ret_want_index != NULL)
			ret_want_index[count] = n.want_index[i];
		count++;
	}
	*ret_remote = remote;
	*ret_session = session;
	*ret_n = count;
out:
	sdp_free(sdp);
	return r;
}
