// SPDX-License-Identifier: BSD-3-Clause

// Snapshots for the admin API.

#include "rooms_internal.h"

#include <string.h>

#define WATCHERS_SHOWN 200 // of a stream; the rest is a number

static json_t *transport_id_json(uint64_t id) {
	return json_sprintf("%016llx", (unsigned long long)id);
}

static json_t *watcher_json(const struct media *watcher) {
	return json_pack(
		"{s:s, s:o, s:b, s:b}",
		"userId",
		watcher->participant->identity.user_id,
		"transportId",
		transport_id_json(watcher->transport_id),
		"live",
		watcher->state == MEDIA_CONNECTED,
		"paused",
		watcher->paused
	);
}

// full: with the watchers.
static json_t *stream_json(const struct rooms *rooms, const struct room_stream *stream, bool full) {
	const struct media *media = rooms_media(rooms, stream->transport_id);
	json_t *watchers = full ? json_array() : NULL, *json;
	const struct media *watcher;
	json_int_t n_watchers = 0;

	if (media != NULL) {
		LIST_FOREACH (watcher, &media->watchers, of_publication) {
			if (full && n_watchers < WATCHERS_SHOWN)
				json_array_append_new(watchers, watcher_json(watcher));
			n_watchers++;
		}
	}
	json = json_pack(
		"{s:s, s:o, s:b, s:b, s:b, s:I, s:o}",
		"streamId",
		stream->id,
		"transportId",
		transport_id_json(stream->transport_id),
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
	if (full)
		json_object_set_new(json, "watcherList", watchers);
	return json;
}

static json_t *publisher_json(
	const struct rooms *rooms,
	const struct room_member *member,
	bool full
) {
	const struct participant *participant = rooms_participant(rooms, member->session);
	json_t *streams = json_array();

	for (unsigned i = 0; i < member->n_streams; i++)
		json_array_append_new(streams, stream_json(rooms, &member->streams[i], full));
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

static json_t *room_json(const struct rooms *rooms, const struct room *room, bool full) {
	const struct room_member *owner = room_owner(room);
	json_t *publishers = json_array();

	for (unsigned i = 0; i < room->n_publishers; i++)
		json_array_append_new(publishers, publisher_json(rooms, room->publishers[i], full));
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
		json_array_append_new(list, room_json(rooms, room, false));
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
		return room != NULL ? room_json(rooms, room, true) : NULL;
	}
	return NULL;
}
