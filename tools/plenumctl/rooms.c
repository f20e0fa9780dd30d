// SPDX-License-Identifier: BSD-3-Clause

// plenumctl show rooms: what control knows, by its admin listener.

#include "plenumctl.h"
#include "units.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *text(const json_t *object, const char *key) {
	const char *value = json_string_value(json_object_get(object, key));

	return value != NULL ? value : "-";
}

static uint64_t number(const json_t *object, const char *key) {
	return (uint64_t)json_integer_value(json_object_get(object, key));
}

static void titles(struct columns *columns, const char *const *list) {
	// A leading ">": numbers, right-aligned.
	for (; *list != NULL; list++)
		columns_title(columns, **list == '>' ? *list + 1 : *list, **list == '>');
}

static void room_row(const json_t *room, struct columns *columns) {
	const json_t *publishers = json_object_get(room, "publishers"), *publisher;
	char buf[UNITS_LEN];
	size_t i, n_streams = 0;

	json_array_foreach(publishers, i, publisher) n_streams += json_array_size(
		json_object_get(publisher, "streams")
	);
	columns_cell(columns, text(room, "roomId"));
	columns_cell(columns, text(room, "type"));
	columns_cell(columns, text(room, "ownerId"));
	snprintf(
		buf,
		sizeof(buf),
		"%zu/%" PRIu64,
		json_array_size(publishers),
		number(room, "maxPublishers")
	);
	columns_cell(columns, buf);
	columns_cell(columns, units_count(n_streams, buf, sizeof(buf)));
	columns_cell(columns, units_count(number(room, "viewerCount"), buf, sizeof(buf)));
	columns_cell(columns, units_count(number(room, "requests"), buf, sizeof(buf)));
	columns_cell(columns, units_age(number(room, "ageMs"), buf, sizeof(buf)));
}

static int rooms_print(const json_t *list) {
	static const char *const heads[] = {
		"ROOM",
		"TYPE",
		"OWNER",
		">PUBLISHERS",
		">STREAMS",
		">VIEWERS",
		">REQUESTS",
		">AGE",
		NULL,
	};
	struct columns *columns = columns_new();
	const json_t *room;
	size_t i;

	if (columns != NULL) {
		titles(columns, heads);
		json_array_foreach(list, i, room) room_row(room, columns);
	}
	return columns_finish(columns, "No rooms.");
}

// "audio opus, video vp8".
static const char *tracks_text(const json_t *stream, char *buf, size_t len) {
	const json_t *track;
	size_t i, n = 0;

	buf[0] = '\0';
	json_array_foreach(json_object_get(stream, "tracks"), i, track) {
		int r = snprintf(
			buf + n,
			len - n,
			"%s%s %s",
			i > 0 ? ", " : "",
			text(track, "kind"),
			text(track, "codec")
		);

		if (r < 0 || (size_t)r >= len - n)
			break;
		n += (size_t)r;
	}
	return buf;
}

static void stream_row(const json_t *publisher, const json_t *stream, struct columns *columns) {
	uint64_t id = strtoull(text(stream, "transportId"), NULL, 16);
	const char *state = "live";
	char buf[128];

	if (!json_is_true(json_object_get(stream, "live")))
		state = "connecting";
	else if (json_is_true(json_object_get(stream, "interrupted")))
		state = "interrupted";
	else if (json_is_true(json_object_get(stream, "paused")))
		state = "paused";
	columns_cell(columns, text(publisher, "userId"));
	columns_cell(columns, text(stream, "streamId"));
	columns_cell(columns, state);
	columns_cell(columns, units_id(id, buf, sizeof(buf)));
	columns_cell(columns, units_count(number(stream, "watchers"), buf, sizeof(buf)));
	columns_cell(columns, tracks_text(stream, buf, sizeof(buf)));
}

static void watcher_row(
	const json_t *watcher,
	const json_t *publisher,
	const json_t *stream,
	struct columns *columns
) {
	uint64_t id = strtoull(text(watcher, "transportId"), NULL, 16);
	const char *state = "live";
	char buf[UNITS_LEN];

	if (!json_is_true(json_object_get(watcher, "live")))
		state = "connecting";
	else if (json_is_true(json_object_get(watcher, "paused")))
		state = "paused";
	columns_cell(columns, text(watcher, "userId"));
	columns_cell(columns, text(publisher, "userId"));
	columns_cell(columns, text(stream, "streamId"));
	columns_cell(columns, state);
	columns_cell(columns, units_id(id, buf, sizeof(buf)));
}

// Who watches what: the way from a user to his transports.
static int watchers_print(const json_t *room) {
	static const char *const heads[] = {
		"WATCHER", "PUBLISHER", "STREAM", "STATE", "TRANSPORT", NULL};
	const json_t *publisher, *stream, *list, *watcher;
	struct columns *columns = columns_new();
	size_t i, k, w, n = 0, n_shown = 0;
	int r;

	if (columns == NULL)
		return columns_finish(columns, NULL);
	titles(columns, heads);
	json_array_foreach(json_object_get(room, "publishers"), i, publisher) {
		json_array_foreach(json_object_get(publisher, "streams"), k, stream) {
			list = json_object_get(stream, "watcherList");
			n += number(stream, "watchers");
			n_shown += json_array_size(list);
			json_array_foreach(list, w, watcher)
				watcher_row(watcher, publisher, stream, columns);
		}
	}
	if (n == 0) {
		columns_free(columns);
		return EXIT_GOOD;
	}
	putchar('\n');
	r = columns_finish(columns, NULL);
	if (n > n_shown)
		printf("... and %zu more\n", n - n_shown);
	return r;
}

static int room_print(const json_t *room) {
	static const char *const heads[] = {
		"PUBLISHER", "STREAM", "STATE", "TRANSPORT", ">WATCHERS", "TRACKS", NULL};
	struct columns *columns = columns_new();
	const json_t *publisher, *stream;
	char age[UNITS_LEN];
	size_t i, k;
	int r;

	printf("room %s, %s, owner %s, %" PRIu64 " viewers, %s old\n\n",
	       text(room, "roomId"),
	       text(room, "type"),
	       text(room, "ownerId"),
	       number(room, "viewerCount"),
	       units_age(number(room, "ageMs"), age, sizeof(age)));
	if (columns != NULL) {
		titles(columns, heads);
		json_array_foreach(json_object_get(room, "publishers"), i, publisher) {
			json_array_foreach(json_object_get(publisher, "streams"), k, stream)
				stream_row(publisher, stream, columns);
		}
	}
	r = columns_finish(columns, "No streams.");
	return r == EXIT_GOOD ? watchers_print(room) : r;
}

// Letters, digits, "_.@-" (rooms.h): nothing that would have to be escaped in a path.
static bool is_id(const char *id) {
	size_t len = strlen(id);

	return len >= 1 && len <= 64
		&& strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.@-")
		== len;
}

int cmd_rooms(const struct options *options, int argc, char **argv) {
	char path[128] = "/v1/rooms";
	json_t *json;
	int r;

	if (argc > 1 || (argc == 1 && !is_id(argv[0]))) {
		fprintf(stderr, "plenumctl: show rooms [ROOM]\n");
		return EXIT_USAGE;
	}
	if (argc == 1)
		snprintf(path, sizeof(path), "/v1/rooms/%s", argv[0]);
	json = admin_get(options->admin, path, &r);
	if (json == NULL)
		return r;
	if (options->json)
		return json_print(json);
	r = argc == 1 ? room_print(json) : rooms_print(json_object_get(json, "rooms"));
	json_decref(json);
	return r;
}
