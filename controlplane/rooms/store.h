// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Where rooms are kept, by id. store_memory.c keeps those of one node.

#include "room.h"

#include <stddef.h>

struct store;

// seed: random. NULL with errno.
struct store *store_memory_new(unsigned max_rooms, uint64_t seed);
void store_free(struct store *store); // takes NULL; frees the rooms

// Takes the room over. 0, -EEXIST, -ENOSPC at max_rooms, -ENOMEM (the room stays the caller's).
int store_add(struct store *store, struct room *room);
struct room *store_find(const struct store *store, const char *id);
void store_remove(struct store *store, struct room *room); // frees the room
size_t store_count(const struct store *store);

// Walks all rooms in no order: pass NULL to begin. A room may be removed when the next one is
// known.
struct room *store_next(const struct store *store, const struct room *room);
