// SPDX-License-Identifier: BSD-3-Clause

// What the rooms thread says, as JSON (shapes: rooms_json.h and plenum.v1.schema.json).

#include "rooms_json.h"

#include "jsonrpc.h"
#include "rooms_internal.h"
#include "signaling.h"

#include <plm_api_codec.h>
#include <plm_log.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

LOG_TYPE("rooms");

static void send_text(uint64_t conn_id, char *text) {
	if (text == NULL)
		LOG(ERROR, "out of memory for a message");
	else if (conn_id == 0)
		free(text);
	else
		signaling_send(conn_id, text);
}

void rooms_reply(uint64_t conn_id, const json_t *id, json_t *result) {
	send_text(conn_id, jsonrpc_result(id, result));
}

void rooms_reply_error(
	uint64_t conn_id,
	const json_t *id,
	enum protocol_error code,
	const char *sentence
) {
	send_text(conn_id, jsonrpc_error(id, code, sentence));
}

void rooms_notify(const struct participant *participant, const char *method, json_t *params) {
	if (participant->conn_id == 0)
		json_decref(params);
	else
		send_text(participant->conn_id, jsonrpc_event(method, params));
}

static void pending_clear(struct pending_reply *reply) {
	json_decref(reply->id);
	*reply = (struct pending_reply){0};
}

void rooms_pending_result(struct pending_reply *reply, json_t *result) {
	if (reply->id == NULL) {
		json_decref(result);
		return;
	}
	rooms_reply(reply->conn_id, reply->id, result);
	pending_clear(reply);
}

void rooms_pending_error(
	struct pending_reply *reply,
	enum protocol_error code,
	const char *sentence
) {
	if (reply->id == NULL)
		return;
	rooms_reply_error(reply->conn_id, reply->id, code, sentence);
	pending_clear(reply);
}

json_t *rooms_tracks_json(const struct room_track *tracks, unsigned n) {
	json_t *list = json_array();

	for (unsigned i = 0; i < n; i++) {
		json_array_append_new(
			list,
			json_pack(
				"{s:s, s:s}",
				"kind",
				plm_kind_name(tracks[i].kind),
				"codec",
				plm_codec_name(tracks[i].codec)
			)
		);
	}
	return list;
}

json_t *rooms_playlist_json(
	const struct rooms *rooms,
	const struct room *room,
	const char *publisher_id,
	const char *stream_id
) {
	char url[1024];

	if (room_rules(room->type)->watched)
		return json_object();
	snprintf(
		url,
		sizeof(url),
		"%s/%s/live/%s/%s/playlist.m3u8",
		rooms->config.hls_endpoint,
		rooms->config.hls_stage,
		publisher_id,
		stream_id
	);
	return json_pack("{s:s}", "playlist", url);
}

static json_t *publisher_json(
	const struct rooms *rooms,
	const struct room *room,
	const struct room_member *member
) {
	json_t *streams = json_array();

	for (unsigned i = 0; i < member->n_streams; i++) {
		const struct room_stream *stream = &member->streams[i];
		json_t *json;

		if (stream->state != ROOM_STREAM_LIVE)
			continue;
		json = rooms_playlist_json(rooms, room, member->user_id, stream->id);
		json_object_update_new(
			json,
			json_pack(
				"{s:s, s:b, s:b, s:o}",
				"streamId",
				stream->id,
				"paused",
				stream->paused,
				"interrupted",
				stream->interrupted,
				"tracks",
				rooms_tracks_json(stream->tracks, stream->n_tracks)
			)
		);
		json_array_append_new(streams, json);
	}
	return json_pack("{s:s, s:o}", "userId", member->user_id, "streams", streams);
}

json_t *rooms_snapshot(
	const struct rooms *rooms,
	const struct room *room,
	const struct room_member *self
) {
	const struct room_member *owner = room_owner(room);
	json_t *publishers = json_array(), *snapshot;

	for (unsigned i = 0; i < room->n_publishers; i++)
		json_array_append_new(publishers, publisher_json(rooms, room, room->publishers[i]));
	snapshot = json_pack(
		"{s:s, s:s, s:s?, s:s, s:i, s:I, s:o}",
		"roomId",
		room->id,
		"type",
		room_type_name(room->type),
		"ownerId",
		owner != NULL ? owner->user_id : NULL,
		"role",
		self->role == ROOM_PUBLISHER ? "publisher" : "viewer",
		"maxPublishers",
		(int)room->max_publishers,
		"viewerCount",
		(json_int_t)room_viewer_count(room),
		"publishers",
		publishers
	);
	if (self == owner) {
		json_t *requests = json_array();

		for (unsigned i = 0; i < room->n_requests; i++) {
			json_array_append_new(
				requests, json_pack("{s:s}", "userId", room->requests[i]->user_id)
			);
		}
		json_object_set_new(snapshot, "requests", requests);
	}
	return snapshot;
}

static void set(json_t *object, const char *key, const char *value) {
	json_object_set_new(object, key, json_string(value));
}

static json_t *event_json(
	const struct rooms *rooms,
	const struct room *room,
	const struct room_event *event
) {
	json_t *params = json_pack("{s:s}", "roomId", room->id);

	switch (event->type) {
	case ROOM_EVENT_OWNER_CHANGED:
		if (event->user_id[0] != '\0')
			set(params, "ownerId", event->user_id);
		else
			json_object_set_new(params, "ownerId", json_null());
		break;
	case ROOM_EVENT_VIEWER_COUNT:
		json_object_set_new(params, "count", json_integer((json_int_t)event->count));
		break;
	case ROOM_EVENT_KICKED:
		if (event->user_id[0] != '\0')
			set(params, "by", event->user_id);
		break;
	case ROOM_EVENT_STREAM_PUBLISHED:
		json_object_update_new(
			params, rooms_playlist_json(rooms, room, event->user_id, event->stream_id)
		);
		json_object_set_new(
			params, "tracks", rooms_tracks_json(event->tracks, event->n_tracks)
		);
		// fall through
	case ROOM_EVENT_STREAM_UPDATED:
		json_object_set_new(params, "paused", json_boolean(event->paused));
		json_object_set_new(params, "interrupted", json_boolean(event->interrupted));
		// fall through
	case ROOM_EVENT_STREAM_INTERRUPTED:
	case ROOM_EVENT_STREAM_UNPUBLISHED:
		set(params, "publisherId", event->user_id);
		set(params, "streamId", event->stream_id);
		break;
	case ROOM_EVENT_PUBLISHER_JOINED:
	case ROOM_EVENT_PUBLISHER_LEFT:
	case ROOM_EVENT_REQUESTED:
	case ROOM_EVENT_WITHDRAWN:
		set(params, "userId", event->user_id);
		break;
	case ROOM_EVENT_CLOSED:
	case ROOM_EVENT_GRANTED:
	case ROOM_EVENT_REJECTED:
		break;
	}
	if (event->reason[0] != '\0')
		set(params, "reason", event->reason);
	return params;
}

// The same text to everyone: written once, copied for each.
static void broadcast(
	const struct rooms *rooms,
	const struct room *room,
	const struct room_event *event,
	const char *text
) {
	struct table_link *link = NULL;

	while ((link = table_next(&room->members, link)) != NULL) {
		const struct room_member *member = table_object(link, struct room_member, link);
		const struct participant *participant;

		if (member->session == event->but)
			continue;
		participant = rooms_participant(rooms, member->session);
		if (participant != NULL && participant->conn_id != 0)
			send_text(participant->conn_id, strdup(text));
	}
}

void rooms_tell(struct rooms *rooms, struct room *room, struct room_events *events) {
	for (size_t i = 0; i < events->n; i++) {
		const struct room_event *event = &events->list[i];
		const struct participant *participant;
		char *text;

		text = jsonrpc_event(
			room_event_method(event->type), event_json(rooms, room, event)
		);
		if (text == NULL) {
			LOG(ERROR, "out of memory for an event");
			continue;
		}
		if (event->to == 0) {
			broadcast(rooms, room, event, text);
			free(text);
			continue;
		}
		participant = rooms_participant(rooms, event->to);
		send_text(participant != NULL ? participant->conn_id : 0, text);
	}
	if (events->failed)
		LOG(ERROR, "out of memory: an event of room %s was lost", room->id);
	room_events_clear(events);
	if (room->closed && !room->closing) {
		room->closing = true;
		room->next_closed = rooms->closed;
		rooms->closed = room;
	}
}
