// SPDX-License-Identifier: BSD-3-Clause

// Snapshots for the admin API.

#include "rooms_internal.h"

#include <stdio.h>
#include <string.h>

static json_t *stream_json(const struct rooms *rooms, const struct room_stream *stream) {
	const struct media *media = rooms_media(rooms, stream->transport_id);
	const struct media *watcher;
	json_int_t n_watchers = 0;
	char transport_id[17];

	if (media != NULL) {
		LIST_FOREACH (watcher, &media->watchers, of_publication)
			n_watchers++;
	}
	snprintf(
		transport_id,
		sizeof(transport_id),
		"%016llx",
		(unsigned long long)stream->transport_id
	);
	return json_pack(
		"{s:s, s:s, s:b, s:b, s:b, s:I, s:o}",
		"streamId",
		stream->id,
		"transportId",
		transport_id,
		"live",
		stream->state == ROOM_STREAM_LIVE,
		"paused",
		stream->paused,
		"interrupted",
		stream->interrupted,
		"watchers",
		n_watchers,
		"tracks",
		rooms_tracks_json(stream->tracks, stream->n_tracks)
	);
}

static json_t *publisher_json(const struct rooms *rooms, const struct room_member *member) {
	const struct participant *participant = rooms_participant(rooms, member->session);
	json_t *streams = json_array();

	for (unsigned i = 0; i < member->n_streams; i++)
		json_array_append_new(streams, stream_json(rooms, &member->streams[i]));
	return json_pack(
		"{s:s, s:b, s:o}",
		"userId",
		member->user_id,
		"connected",
		participant != NULL && participant->conn_id != 0,
		"streams",
		streams
	);
}

static json_t *room_json(const struct rooms *rooms, const struct room *room) {
	const struct room_member *owner = room_owner(room);
	json_t *publishers = json_array();

	for (unsigned i = 0; i < room->n_publishers; i++)
		json_array_append_new(publishers, publisher_json(rooms, room->publishers[i]));
	return json_pack(
		"{s:s, s:s, s:s?, s:I, s:i, s:I, s:i, s:o}",
		"roomId",
		room->id,
		"type",
		room_type_name(room->type),
		"ownerId",
		owner != NULL ? owner->user_id : NULL,
		"viewerCount",
		(json_int_t)room_viewer_count(room),
		"maxPublishers",
		(int)room->max_publishers,
		"ageMs",
		(json_int_t)(rooms_now_ms() - room->created_ms),
		"requests",
		(int)room->n_requests,
		"publishers",
		publishers
	);
}

static json_t *rooms_list_json(const struct rooms *rooms) {
	const struct room *room = NULL;
	json_t *list = json_array();

	while ((room = store_next(rooms->store, room)) != NULL)
		json_array_append_new(list, room_json(rooms, room));
	return json_pack("{s:o}", "rooms", list);
}

static json_t *health_json(const struct rooms *rooms) {
	const struct plm_hello_rep *hello = relay_hello(rooms->relay);
	struct relay_stats stats;

	relay_stats(rooms->relay, &stats);
	return json_pack(
		"{s:b, s:I, s:I, s:I, s:I, s:I, s:{s:I, s:I, s:I, s:I, s:I, s:I, s:I}, s:i}",
		"dataplane",
		hello != NULL,
		"uptimeMs",
		(json_int_t)(rooms_now_ms() - rooms->started_ms),
		"rooms",
		(json_int_t)store_count(rooms->store),
		"participants",
		(json_int_t)rooms->participants.n,
		"connections",
		(json_int_t)rooms->connections.n,
		"media",
		(json_int_t)rooms->media.n,
		"relay",
		"connects",
		(json_int_t)stats.connects,
		"requests",
		(json_int_t)stats.requests,
		"errors",
		(json_int_t)stats.errors,
		"timeouts",
		(json_int_t)stats.timeouts,
		"transports",
		(json_int_t)stats.transports,
		"producers",
		(json_int_t)stats.producers,
		"consumers",
		(json_int_t)stats.consumers,
		"workers",
		hello != NULL ? hello->n_workers : 0
	);
}

json_t *rooms_admin_snapshot(const struct rooms *rooms, const char *what, const char *id) {
	const struct room *room;

	if (strcmp(what, "rooms") == 0)
		return rooms_list_json(rooms);
	if (strcmp(what, "health") == 0)
		return health_json(rooms);
	if (strcmp(what, "room") == 0 && id != NULL) {
		room = store_find(rooms->store, id);
		return room != NULL ? room_json(rooms, room) : NULL;
	}
	return NULL;
}
