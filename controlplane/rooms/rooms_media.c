// SPDX-License-Identifier: BSD-3-Clause

// The life of a WebRTC connection, as rtc and the dataplane report it: offered, answered, added to
// the dataplane, told to the client, connected, ended.

#include "rooms_internal.h"

#include <plm_log.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

LOG_TYPE("media");

struct media *rooms_media(const struct rooms *rooms, uint64_t transport_id) {
	return table_object(table_find_number(&rooms->media, transport_id), struct media, link);
}

int rooms_media_register(struct rooms *rooms, struct media *media) {
	return table_add_number(&rooms->media, &media->link, media->transport_id);
}

static void track_forget(struct rooms *rooms, struct media_track *track) {
	if (track->id == 0)
		return;
	if (track->media->kind == MEDIA_PUBLISH) {
		relay_producer_del(rooms->relay, track->id);
		table_remove(&rooms->producers, &track->link);
	} else {
		relay_consumer_del(rooms->relay, track->id);
	}
	track->id = 0;
}

// A transport without media that waits for its close_notify to pass: rtc sends it by the dataplane,
// and that is another thread and another socket.
struct grave {
	TAILQ_ENTRY(grave) next;
	uint64_t transport_id;
	uint64_t due_ms;
};

static void transport_bury(struct rooms *rooms, uint64_t transport_id, bool later) {
	struct grave *grave = later ? malloc(sizeof(*grave)) : NULL;

	if (grave == NULL) {
		relay_transport_del(rooms->relay, transport_id);
		return;
	}
	grave->transport_id = transport_id;
	grave->due_ms = rooms_now_ms() + ROOMS_BURY_MS;
	TAILQ_INSERT_TAIL(&rooms->graves, grave, next);
}

void rooms_media_tick(struct rooms *rooms, uint64_t now_ms) {
	struct grave *grave;

	while ((grave = TAILQ_FIRST(&rooms->graves)) != NULL && now_ms >= grave->due_ms) {
		TAILQ_REMOVE(&rooms->graves, grave, next);
		relay_transport_del(rooms->relay, grave->transport_id);
		free(grave);
	}
}

// The client learns that his own connection ended.
static void ended_tell(const struct media *media, const char *reason) {
	char id[24];

	if (media->kind == MEDIA_WATCH) {
		snprintf(id, sizeof(id), "%016llx", (unsigned long long)media->transport_id);
		rooms_notify(
			media->participant,
			"subscription.closed",
			json_pack("{s:s, s:s}", "subscriptionId", id, "reason", reason)
		);
	} else if (media->state != MEDIA_CONNECTED) {
		// Nobody was told of the stream yet, so the room is silent.
		rooms_notify(
			media->participant,
			"stream.unpublished",
			json_pack(
				"{s:s, s:s, s:s, s:s}",
				"roomId",
				media->room->id,
				"publisherId",
				media->publisher_id,
				"streamId",
				media->stream_id,
				"reason",
				reason
			)
		);
	}
}

void rooms_media_end(
	struct rooms *rooms,
	struct media *media,
	const char *reason,
	bool rtc_gone,
	bool tell
) {
	const bool answered = media->state >= MEDIA_ANSWERED;
	struct room_events events = {0};
	struct media *watcher;

	if (media->kind == MEDIA_PUBLISH && media->state == MEDIA_CONNECTED)
		LOG(INFO,
		    "room %s: %s of %s ends: %s",
		    media->room->id,
		    media->stream_id,
		    media->publisher_id,
		    reason);
	// Out of the table first: what follows may not find it again.
	table_remove(&rooms->media, &media->link);
	if (media->kind == MEDIA_PUBLISH) {
		room_stream_end(
			media->room, media->publisher_id, media->stream_id, reason, &events
		);
		rooms_tell(rooms, media->room, &events);
		while ((watcher = LIST_FIRST(&media->watchers)) != NULL)
			rooms_media_end(rooms, watcher, "stream_ended", false, true);
	}
	// Media stops now.
	for (unsigned i = 0; i < media->n_tracks; i++)
		track_forget(rooms, &media->tracks[i]);
	if (!rtc_gone)
		rtc_close(media->transport_id);
	transport_bury(rooms, media->transport_id, !rtc_gone && media->state == MEDIA_CONNECTED);
	rooms_pending_error(&media->reply, PROTOCOL_CONNECT_FAILED, "The connection was ended.");
	rooms_pending_error(&media->restart, PROTOCOL_CONNECT_FAILED, "The connection was ended.");
	if (tell && answered)
		ended_tell(media, reason);
	media_free(media);
}

// Ends what never got as far as its answer: the request is answered with an error.
static void media_refuse(
	struct rooms *rooms,
	struct media *media,
	bool rtc_gone,
	enum protocol_error code,
	const char *sentence
) {
	rooms_pending_error(&media->reply, code, sentence);
	rooms_media_end(rooms, media, "failed", rtc_gone, false);
}

// ---------------------------------------------------------------------------- the dataplane

static enum protocol_error relay_error(int error, const char **ret_sentence) {
	switch (error) {
	case -ENOTCONN:
		*ret_sentence = "The media relay is not available.";
		return PROTOCOL_NO_DATAPLANE;
	case -ENOSPC:
	case -ENOBUFS:
		*ret_sentence = "The media relay is full.";
		return PROTOCOL_BUSY;
	default:
		*ret_sentence = "The media relay refused the connection.";
		return PROTOCOL_INTERNAL;
	}
}

// All of it is in the dataplane: now the client may have the answer.
static void media_added(struct rooms *rooms, struct media *media) {
	json_t *result;
	char id[24];

	if (media->error != 0) {
		const char *sentence;
		const enum protocol_error code = relay_error(media->error, &sentence);

		media_refuse(rooms, media, false, code, sentence);
		return;
	}
	media->state = MEDIA_ANSWERED;
	snprintf(id, sizeof(id), "%016llx", (unsigned long long)media->transport_id);
	result = json_pack("{s:s}", "sdp", media->sdp);
	if (media->kind == MEDIA_PUBLISH) {
		json_object_set_new(result, "streamId", json_string(media->stream_id));
		json_object_update_new(
			result,
			rooms_playlist_json(
				rooms, media->room, media->publisher_id, media->stream_id
			)
		);
	} else {
		json_object_set_new(result, "subscriptionId", json_string(id));
	}
	rooms_pending_result(&media->reply, result);
	free(media->sdp);
	media->sdp = NULL;
}

static void add_done(void *user, uint64_t transport_id, int error) {
	struct rooms *rooms = user;
	struct media *media = rooms_media(rooms, transport_id);

	if (media == NULL || media->state != MEDIA_ADDING)
		return; // ended meanwhile
	if (error < 0 && media->error == 0)
		media->error = error;
	if (--media->n_waiting == 0)
		media_added(rooms, media);
}

static int producer_add(struct rooms *rooms, struct media_track *track) {
	const struct sdp_track *sdp = &track->sdp;
	struct plm_producer_add add = {
		.id = rooms_object_id(rooms),
		.transport_id = track->media->transport_id,
		.ssrc = sdp->ssrc,
		.clock_rate = sdp->clock_rate,
		.kind = (uint8_t)sdp->kind,
		.codec = (uint8_t)sdp->codec,
		.payload_type = sdp->payload_type,
		.nack = sdp->nack,
		.pli = sdp->pli,
		.fir = sdp->fir,
		.remb = sdp->remb,
		.ext = sdp->ext,
	};
	int r;

	if (sdp->kind == PLM_KIND_VIDEO)
		add.max_bitrate = rooms->config.publisher_max_bitrate;
	memcpy(add.mid, sdp->mid, sizeof(add.mid));
	r = relay_producer_add(rooms->relay, &add, add_done, rooms);
	if (r < 0)
		return r;
	track->media->n_waiting++;
	r = table_add_number(&rooms->producers, &track->link, add.id);
	if (r == 0)
		track->id = add.id;
	return r;
}

// want: the publisher's track that this one carries.
static int consumer_add(
	struct rooms *rooms,
	struct media_track *track,
	const struct media_track *want
) {
	const struct sdp_track *sdp = &track->sdp;
	struct plm_consumer_add add = {
		.id = rooms_object_id(rooms),
		.transport_id = track->media->transport_id,
		.producer_id = want->id,
		.ssrc = sdp->ssrc,
		.payload_type = sdp->payload_type,
		.nack = sdp->nack,
		.paused = track->media->paused,
		.ext = sdp->ext,
	};
	int r;

	memcpy(add.mid, sdp->mid, sizeof(add.mid));
	memcpy(add.cname, sdp->cname, sizeof(add.cname));
	r = relay_consumer_add(rooms->relay, &add, add_done, rooms);
	if (r < 0)
		return r;
	track->media->n_waiting++;
	track->id = add.id;
	return 0;
}

static int transport_add(
	struct rooms *rooms,
	struct media *media,
	const struct rtc_answer *answer
) {
	const struct plm_transport_add add = {
		.id = media->transport_id,
		.agent_port_v4 = answer->agent_port_v4,
		.agent_port_v6 = answer->agent_port_v6,
		.punt_channel = answer->punt_channel,
		.ice = answer->ice,
	};
	int r;

	r = relay_transport_add(rooms->relay, &add, add_done, rooms);
	if (r == 0)
		media->n_waiting++;
	return r;
}

static int media_add(struct rooms *rooms, struct media *media, const struct rtc_answer *answer) {
	int r = transport_add(rooms, media, answer);

	for (unsigned i = 0; i < media->n_tracks && r == 0; i++) {
		struct media_track *track = &media->tracks[i];
		const unsigned want = media->kind == MEDIA_WATCH ? answer->want_index[i] : 0;

		if (media->kind == MEDIA_PUBLISH)
			r = producer_add(rooms, track);
		else if (media->publication == NULL || want >= media->publication->n_tracks)
			r = -EINVAL;
		else
			r = consumer_add(rooms, track, &media->publication->tracks[want]);
	}
	return r;
}

// ---------------------------------------------------------------------------- rtc

void rooms_rtc_answered(struct rooms *rooms, const struct rtc_answer *answer) {
	struct media *media = rooms_media(rooms, answer->transport_id);
	const char *sentence;
	enum protocol_error code;
	int r;

	if (media == NULL || media->state != MEDIA_OFFERED)
		return; // ended meanwhile
	media->state = MEDIA_ADDING;
	media->n_tracks = answer->n_tracks <= SDP_TRACKS_MAX ? answer->n_tracks : SDP_TRACKS_MAX;
	for (unsigned i = 0; i < media->n_tracks; i++)
		media->tracks[i].sdp = answer->tracks[i];
	media->sdp = strdup(answer->sdp);
	r = media->sdp != NULL ? media_add(rooms, media, answer) : -ENOMEM;
	if (r < 0) {
		code = relay_error(r, &sentence);
		media_refuse(rooms, media, false, code, sentence);
	}
}

static void restart_done(void *user, uint64_t transport_id, int error) {
	struct media *media = rooms_media(user, transport_id);
	const char *sentence;
	enum protocol_error code;

	if (media == NULL)
		return;
	// The newest restart is the one that waits: it must not get the answer of an older one.
	if (--media->n_restarts_sent > 0 || media->n_restarts_asked > 0 || media->sdp == NULL)
		return;
	if (error < 0) {
		code = relay_error(error, &sentence);
		rooms_pending_error(&media->restart, code, sentence);
	} else {
		rooms_pending_result(&media->restart, json_pack("{s:s}", "sdp", media->sdp));
	}
	free(media->sdp);
	media->sdp = NULL;
}

void rooms_rtc_restarted(struct rooms *rooms, const struct rtc_answer *answer) {
	const struct plm_transport_restart restart = {
		.id = answer->transport_id,
		.agent_port_v4 = answer->agent_port_v4,
		.agent_port_v6 = answer->agent_port_v6,
		.ice = answer->ice,
	};
	struct media *media = rooms_media(rooms, answer->transport_id);
	int r;

	if (media == NULL || media->state < MEDIA_ANSWERED)
		return;
	media->n_restarts_asked--;
	free(media->sdp);
	media->sdp = strdup(answer->sdp);
	if (media->sdp == NULL) {
		rooms_pending_error(&media->restart, PROTOCOL_INTERNAL, "Out of memory.");
		return;
	}
	media->n_restarts_sent++;
	r = relay_transport_restart(rooms->relay, &restart, restart_done, rooms);
	if (r < 0)
		restart_done(rooms, answer->transport_id, r);
}

void rooms_rtc_connected(struct rooms *rooms, uint64_t transport_id, uint16_t suite) {
	struct media *media = rooms_media(rooms, transport_id);
	struct room_track tracks[SDP_TRACKS_MAX];
	struct room_events events = {0};

	if (media == NULL || media->state != MEDIA_ANSWERED)
		return;
	media->state = MEDIA_CONNECTED;
	LOG(DEBUG, "transport %016llx connected, suite %#x", (unsigned long long)transport_id, suite
	);
	if (media->kind == MEDIA_PUBLISH) {
		LOG(INFO,
		    "room %s: %s publishes %s, transport %016llx",
		    media->room->id,
		    media->publisher_id,
		    media->stream_id,
		    (unsigned long long)transport_id);
		for (unsigned i = 0; i < media->n_tracks; i++)
			tracks[i] = (struct room_track){
				media->tracks[i].sdp.kind, media->tracks[i].sdp.codec};
		room_stream_live(
			media->room,
			media->publisher_id,
			media->stream_id,
			tracks,
			media->n_tracks,
			&events
		);
		rooms_tell(rooms, media->room, &events);
		rooms_update_stream(rooms, media);
		return;
	}
	// The picture begins with a key frame; the one asked for at the add may have come too
	// early.
	for (unsigned i = 0; media->publication != NULL && i < media->publication->n_tracks; i++) {
		if (media->publication->tracks[i].sdp.kind == PLM_KIND_VIDEO)
			relay_producer_keyframe(rooms->relay, media->publication->tracks[i].id);
	}
}

static enum protocol_error failure_code(enum rtc_failure why) {
	switch (why) {
	case RTC_FAILED_SDP:
		return PROTOCOL_BAD_SDP;
	case RTC_FAILED_CODEC:
		return PROTOCOL_UNSUPPORTED_CODEC;
	case RTC_FAILED_BUSY:
		return PROTOCOL_BUSY;
	case RTC_FAILED_TIMEOUT:
	case RTC_FAILED_FINGERPRINT:
	case RTC_FAILED_DTLS:
		return PROTOCOL_CONNECT_FAILED;
	case RTC_FAILED_DATAPLANE:
		return PROTOCOL_NO_DATAPLANE;
	case RTC_FAILED_INTERNAL:
		break;
	}
	return PROTOCOL_INTERNAL;
}

void rooms_rtc_failed(
	struct rooms *rooms,
	uint64_t transport_id,
	enum rtc_failure why,
	const char *text
) {
	struct media *media = rooms_media(rooms, transport_id);

	if (media == NULL)
		return;
	LOG(INFO,
	    "transport %016llx of %s failed: %s",
	    (unsigned long long)transport_id,
	    media->participant->identity.user_id,
	    text);
	rooms_pending_error(&media->reply, failure_code(why), text);
	rooms_media_end(rooms, media, "failed", true, true);
}

void rooms_rtc_restart_refused(
	struct rooms *rooms,
	uint64_t transport_id,
	enum rtc_failure why,
	const char *text
) {
	struct media *media = rooms_media(rooms, transport_id);

	if (media == NULL)
		return;
	if (--media->n_restarts_asked == 0)
		rooms_pending_error(&media->restart, failure_code(why), text);
}

void rooms_rtc_closed(struct rooms *rooms, uint64_t transport_id) {
	struct media *media = rooms_media(rooms, transport_id);

	if (media != NULL)
		rooms_media_end(rooms, media, "closed", true, true);
}

// ---------------------------------------------------------------------------- events

void rooms_update_stream(struct rooms *rooms, struct media *publication) {
	struct room_events events = {0};
	const bool interrupted = media_interrupted(publication);

	if (publication->state != MEDIA_CONNECTED)
		return;
	room_stream_update(
		publication->room,
		publication->publisher_id,
		publication->stream_id,
		publication->paused,
		interrupted && !publication->paused,
		interrupted ? "no_media" : "",
		&events
	);
	rooms_tell(rooms, publication->room, &events);
}

static void on_transport(void *user, const struct plm_event_transport *event) {
	struct rooms *rooms = user;
	struct media *media = rooms_media(rooms, event->id);
	struct participant *participant;

	if (media == NULL || event->event != PLM_TRANSPORT_EV_CONSENT_LOST)
		return;
	participant = media->participant;
	LOG(INFO,
	    "transport %016llx of %s lost consent",
	    (unsigned long long)event->id,
	    participant->identity.user_id);
	rooms_media_end(rooms, media, "consent_lost", false, true);
	// Neither signaling nor media: he is gone, his place need not wait.
	if (participant->conn_id == 0 && participant->n_media == 0)
		rooms_participant_remove(rooms, participant, "lost");
}

static void on_producer(void *user, const struct plm_event_producer *event) {
	struct rooms *rooms = user;
	struct media_track *track;

	track = table_object(
		table_find_number(&rooms->producers, event->id), struct media_track, link
	);
	if (track == NULL)
		return;
	track->active = event->event == PLM_PRODUCER_EV_ACTIVE;
	if (track->active)
		track->media->was_active = true;
	rooms_update_stream(rooms, track->media);
}

static void on_down(void *user) {
	(void)user;
	LOG(WARNING, "the media relay is away; what runs goes on, nothing new can begin");
}

// The dataplane restarted: no transport exists any more, everyone must negotiate anew.
static void on_lost(void *user) {
	struct rooms *rooms = user;
	struct table_link *link;

	while ((link = table_next(&rooms->media, NULL)) != NULL) {
		struct media *media = table_object(link, struct media, link);

		// Publications first take their watchers with them.
		if (media->kind == MEDIA_WATCH && media->publication != NULL
		    && rooms_media(rooms, media->publication->transport_id) != NULL)
			media = media->publication;
		rooms_media_end(rooms, media, "relay_restarted", false, true);
	}
}

void rooms_relay_events(struct rooms *rooms, struct relay_events *ret_events) {
	*ret_events = (struct relay_events){
		.user = rooms,
		.down = on_down,
		.lost = on_lost,
		.transport = on_transport,
		.producer = on_producer,
	};
}
