// SPDX-License-Identifier: BSD-3-Clause

#include "store.h"

#include <errno.h>
#include <stdlib.h>

struct store {
	struct table rooms;
	unsigned max_rooms;
};

struct store *store_memory_new(unsigned max_rooms, uint64_t seed) {
	struct store *store = calloc(1, sizeof(*store));

	if (store == NULL)
		return NULL;
	store->max_rooms = max_rooms;
	table_init(&store->rooms, seed);
	return store;
}

void store_free(struct store *store) {
	struct room *room, *next;

	if (store == NULL)
		return;
	for (room = store_next(store, NULL); room != NULL; room = next) {
		next = store_next(store, room);
		room_free(room);
	}
	table_clear(&store->rooms);
	free(store);
}

int store_add(struct store *store, struct room *room) {
	if (store_find(store, room->id) != NULL)
		return -EEXIST;
	if (store->rooms.n >= store->max_rooms)
		return -ENOSPC;
	return table_add_name(&store->rooms, &room->link, room->id);
}

struct room *store_find(const struct store *store, const char *id) {
	return table_object(table_find_name(&store->rooms, id), struct room, link);
}

void store_remove(struct store *store, struct room *room) {
	table_remove(&store->rooms, &room->link);
	room_free(room);
}

size_t store_count(const struct store *store) {
	return store->rooms.n;
}

struct room *store_next(const struct store *store, const struct room *room) {
	return table_object(
		table_next(&store->rooms, room != NULL ? &room->link : NULL), struct room, link
	);
}
