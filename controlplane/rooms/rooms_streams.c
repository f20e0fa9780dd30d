// SPDX-License-Identifier: BSD-3-Clause

// The methods stream.* and ice.*.

#include "rooms_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void pending_set(struct call *call, struct pending_reply *reply) {
	reply->conn_id = call->conn_id;
	reply->id = json_incref(call->id);
	call->deferred = true;
}

static int need_dataplane(struct call *call) {
	if (relay_is_up(call->rooms->relay))
		return 0;
	return call_fail(call, PROTOCOL_NO_DATAPLANE, "The media relay is not available.");
}

static int no_relay(struct call *call) {
	return call_fail(
		call,
		PROTOCOL_FORBIDDEN,
		"The media of a call goes directly between the two: negotiate it by signal."
	);
}

// A new connection of the caller. 0 or an error.
static int media_begin(
	struct call *call,
	struct room *room,
	enum media_kind kind,
	const char *publisher_id,
	const char *stream_id,
	struct media **ret_media
) {
	struct media *media;

	media = media_new(call->who, room, kind, rooms_object_id(call->rooms));
	if (media == NULL && errno == ENOSPC)
		return call_fail(
			call,
			PROTOCOL_BUSY,
			"At most %d connections at a time.",
			PARTICIPANT_MEDIA_MAX
		);
	if (media == NULL && errno == EBUSY)
		return call_fail(
			call,
			PROTOCOL_BUSY,
			"At most %d connections in the making at a time.",
			PARTICIPANT_CONNECTING_MAX
		);
	if (media == NULL)
		return call_fail(call, PROTOCOL_INTERNAL, "Out of memory.");
	if (rooms_media_register(call->rooms, media) < 0) {
		media_free(media);
		return call_fail(call, PROTOCOL_INTERNAL, "Out of memory.");
	}
	snprintf(media->publisher_id, sizeof(media->publisher_id), "%s", publisher_id);
	snprintf(media->stream_id, sizeof(media->stream_id), "%s", stream_id);
	*ret_media = media;
	return 0;
}

// Why rtc took no message.
static int rtc_refused(struct call *call, int r) {
	switch (r) {
	case -ENOENT:
		return call_fail(call, PROTOCOL_CONNECT_FAILED, "The connection has ended.");
	case -EMSGSIZE:
		return call_fail(call, PROTOCOL_BAD_SDP, "The offer is too long.");
	case -ENOBUFS:
	case -ENOTCONN:
		return call_fail(call, PROTOCOL_BUSY, "The server is overloaded.");
	default:
		return call_fail(call, PROTOCOL_INTERNAL, "Out of memory.");
	}
}

static int media_negotiate(
	struct call *call,
	struct media *media,
	const struct sdp_track *want,
	unsigned n_want
) {
	const char *offer = call_string(call, "sdp");
	const struct rtc_request request = {
		.transport_id = media->transport_id,
		.role = media->kind == MEDIA_PUBLISH ? SDP_PUBLISH : SDP_WATCH,
		.audio_only = room_rules(media->room->type)->audio_only,
		.offer = offer,
		.offer_len = strlen(offer),
		.want = want,
		.n_want = n_want,
	};

	const int r = rtc_create(&request);

	if (r < 0) {
		rooms_media_end(call->rooms, media, "failed", true, false);
		return rtc_refused(call, r);
	}
	pending_set(call, &media->reply);
	return 0;
}

// An older publication of the same name gives way when it does not stand: it was never connected,
// or nothing comes from it. (The client lost it; the server would know in 30 s.)
static void publication_supersede(
	struct rooms *rooms,
	struct room_member *member,
	const char *stream_id
) {
	const struct room_stream *stream = room_stream_find(member, stream_id);
	struct media *media;

	if (stream == NULL)
		return;
	media = rooms_media(rooms, stream->transport_id);
	if (media != NULL && (media->state != MEDIA_CONNECTED || media_interrupted(media)))
		rooms_media_end(rooms, media, "replaced", false, false);
}

int method_stream_publish(struct call *call) {
	const char *wanted = call_string(call, "streamId");
	char stream_id[ROOMS_ID_MAX + 1];
	struct room_member *member;
	struct media *media;
	struct room *room;
	int r;

	if ((r = call_room(call, &room, &member)) != 0 || (r = call_authorize(call, room->id)) != 0)
		return r;
	if (!room_rules(room->type)->publishes)
		return no_relay(call);
	if (member->role != ROOM_PUBLISHER)
		return call_fail(call, PROTOCOL_NOT_PUBLISHER, "Only publishers may publish.");
	// The place may be that of an older session, with another token.
	if (!call->who->identity.may_publish)
		return call_fail(call, PROTOCOL_FORBIDDEN, "The token may not publish.");
	r = need_dataplane(call);
	if (r != 0)
		return r;
	if (wanted != NULL)
		snprintf(stream_id, sizeof(stream_id), "%s", wanted);
	else
		rooms_random_hex(stream_id, 12);
	publication_supersede(call->rooms, member, stream_id);
	r = media_begin(call, room, MEDIA_PUBLISH, member->user_id, stream_id, &media);
	if (r != 0)
		return r;
	r = room_stream_add(room, member->user_id, stream_id, media->transport_id);
	if (r < 0) {
		// Not by rooms_media_end: it would end the other stream of this name.
		table_remove(&call->rooms->media, &media->link);
		media_free(media);
	}
	switch (r) {
	case 0:
		break;
	case -EEXIST:
		return call_fail(
			call, PROTOCOL_STREAM_EXISTS, "You have a stream %s already.", stream_id
		);
	case -ENOSPC:
		return call_fail(
			call,
			PROTOCOL_BUSY,
			"A publisher may have %d streams at a time.",
			ROOM_STREAMS_MAX
		);
	default:
		return call_fail(call, PROTOCOL_INTERNAL, "The stream could not be added.");
	}
	rooms_random_hex(media->cname, 16);
	return media_negotiate(call, media, NULL, 0);
}

// The caller's own publication, by roomId and streamId.
static struct media *publication_find(
	const struct rooms *rooms,
	const struct room *room,
	const char *user_id,
	const char *stream_id
) {
	struct room_member *member = room_member_find(room, user_id);
	const struct room_stream *stream;

	stream = member != NULL ? room_stream_find(member, stream_id) : NULL;
	return stream != NULL ? rooms_media(rooms, stream->transport_id) : NULL;
}

int method_stream_unpublish(struct call *call) {
	struct room_member *member;
	struct media *media;
	struct room *room;
	int r;

	r = call_room(call, &room, &member);
	if (r != 0)
		return r;
	media = publication_find(call->rooms, room, member->user_id, call_string(call, "streamId"));
	if (media == NULL)
		return call_fail(call, PROTOCOL_UNKNOWN_STREAM, "You have no such stream.");
	rooms_media_end(call->rooms, media, "unpublished", false, false);
	return 0;
}

// What the viewer shall get: the publisher's tracks with SSRCs of our own, which are unique in this
// connection.
static void tracks_want(const struct media *publication, struct sdp_track *ret_want) {
	for (unsigned i = 0; i < publication->n_tracks; i++) {
		struct sdp_track *track = &ret_want[i];

		*track = publication->tracks[i].sdp;
		do {
			track->ssrc = (uint32_t)rooms_random();
			for (unsigned k = 0; k < i; k++) {
				if (ret_want[k].ssrc == track->ssrc)
					track->ssrc = 0;
			}
		} while (track->ssrc == 0);
		snprintf(track->cname, sizeof(track->cname), "%s", publication->cname);
		snprintf(track->msid, sizeof(track->msid), "%.63s", publication->stream_id);
	}
}

int method_stream_subscribe(struct call *call) {
	const char *publisher_id = call_string(call, "publisherId");
	const char *stream_id = call_string(call, "streamId");
	struct sdp_track want[SDP_TRACKS_MAX];
	struct media *publication, *media;
	struct room_member *member;
	struct room *room;
	int r;

	if ((r = call_room(call, &room, &member)) != 0 || (r = call_authorize(call, room->id)) != 0)
		return r;
	if (!room_rules(room->type)->publishes)
		return no_relay(call);
	if (!room_rules(room->type)->watched)
		return call_fail(
			call,
			PROTOCOL_FORBIDDEN,
			"Watch this room by HLS: the stream's playlist is its address."
		);
	if (!call->who->identity.may_view)
		return call_fail(call, PROTOCOL_FORBIDDEN, "The token may not view.");
	r = need_dataplane(call);
	if (r != 0)
		return r;
	publication = publication_find(call->rooms, room, publisher_id, stream_id);
	if (publication == NULL || publication->state != MEDIA_CONNECTED)
		return call_fail(
			call,
			PROTOCOL_UNKNOWN_STREAM,
			"%s publishes no stream %s here.",
			publisher_id,
			stream_id
		);
	r = media_begin(call, room, MEDIA_WATCH, publisher_id, stream_id, &media);
	if (r != 0)
		return r;
	media_watch(media, publication);
	tracks_want(publication, want);
	return media_negotiate(call, media, want, publication->n_tracks);
}

// The caller's own subscription.
static struct media *subscription_find(const struct call *call, const char *id) {
	struct media *media;
	char *end;

	if (strspn(id, "0123456789abcdef") != 16 || id[16] != '\0')
		return NULL;
	media = rooms_media(call->rooms, strtoull(id, &end, 16));
	return media != NULL && media->kind == MEDIA_WATCH && media->participant == call->who
		? media
		: NULL;
}

int method_stream_unsubscribe(struct call *call) {
	struct media *media = subscription_find(call, call_string(call, "subscriptionId"));

	if (media == NULL)
		return call_fail(
			call, PROTOCOL_UNKNOWN_SUBSCRIPTION, "You have no such subscription."
		);
	rooms_media_end(call->rooms, media, "unsubscribed", false, false);
	return 0;
}

// The caller's connection, by subscriptionId or streamId; streamId in roomId, or in any room he is
// in.
static int connection_find(struct call *call, struct media **ret_media) {
	const char *subscription_id = call_string(call, "subscriptionId");
	const char *stream_id = call_string(call, "streamId");
	const char *room_id = call_string(call, "roomId");
	struct media *media = NULL;

	if (subscription_id != NULL) {
		media = subscription_find(call, subscription_id);
		if (media == NULL)
			return call_fail(
				call,
				PROTOCOL_UNKNOWN_SUBSCRIPTION,
				"You have no such subscription."
			);
	} else if (stream_id != NULL) {
		LIST_FOREACH (media, &call->who->media, of_participant) {
			if (media->kind == MEDIA_PUBLISH && strcmp(media->stream_id, stream_id) == 0
			    && (room_id == NULL || strcmp(media->room->id, room_id) == 0))
				break;
		}
		if (media == NULL)
			return call_fail(call, PROTOCOL_UNKNOWN_STREAM, "You have no such stream.");
	} else {
		return call_fail(
			call, PROTOCOL_INVALID_PARAMS, "subscriptionId or streamId is needed."
		);
	}
	*ret_media = media;
	return 0;
}

int method_stream_update(struct call *call) {
	const json_t *paused = json_object_get(call->params, "paused");
	struct media *media;
	int r;

	r = connection_find(call, &media);
	if (r != 0 || paused == NULL)
		return r;
	if (media->paused == json_is_true(paused))
		return 0;
	media->paused = json_is_true(paused);
	if (media->kind == MEDIA_PUBLISH) {
		rooms_update_stream(call->rooms, media);
		return 0;
	}
	for (unsigned i = 0; i < media->n_tracks; i++) {
		if (media->tracks[i].id == 0)
			continue;
		relay_consumer_set(call->rooms->relay, media->tracks[i].id, media->paused);
	}
	return 0;
}

int method_ice_candidate(struct call *call) {
	struct media *media;
	int r;

	r = connection_find(call, &media);
	if (r != 0)
		return r;
	r = rtc_candidate(media->transport_id, call_string(call, "candidate"));
	// One for a connection that ends at this moment is no error: its end is on its way.
	return r < 0 && r != -ENOENT ? rtc_refused(call, r) : 0;
}

int method_ice_restart(struct call *call) {
	const char *offer = call_string(call, "sdp");
	struct media *media;
	int r;

	if ((r = connection_find(call, &media)) != 0 || (r = need_dataplane(call)) != 0)
		return r;
	if (media->state < MEDIA_ANSWERED)
		return call_fail(call, PROTOCOL_CONNECT_FAILED, "It is not connected yet.");
	// The newest wins: who asks again gave the older one up, or lost its answer.
	rooms_pending_error(&media->restart, PROTOCOL_CONNECT_FAILED, "A newer restart came.");
	r = rtc_restart(media->transport_id, offer, strlen(offer));
	if (r < 0)
		return rtc_refused(call, r);
	media->n_restarts_asked++;
	pending_set(call, &media->restart);
	return 0;
}
