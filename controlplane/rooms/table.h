// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// A hash table of objects that carry their own link, found by a name or a number. It owns nothing.
// Keys come from clients: each table has a random seed.

#include <stddef.h>
#include <stdint.h>

struct table_link {
	struct table_link *next; // of the same bucket
	uint64_t hash;
	const char *name; // key of a table of names; lives in the object
	uint64_t number; // key of a table of numbers
};

struct table {
	struct table_link **buckets; // NULL while empty
	size_t n_buckets; // a power of two
	size_t n;
	uint64_t seed;
};

void table_init(struct table *table, uint64_t seed);
void table_clear(struct table *table); // forgets the objects, frees the buckets

// The key must not be in the table. Return 0 or -ENOMEM.
int table_add_name(struct table *table, struct table_link *link, const char *name);
int table_add_number(struct table *table, struct table_link *link, uint64_t number);
void table_remove(struct table *table, struct table_link *link); // a link that is in the table

struct table_link *table_find_name(const struct table *table, const char *name);
struct table_link *table_find_number(const struct table *table, uint64_t number);

// Walks all links in no order: pass NULL to begin. The link returned may be removed if the next one
// is asked for before that.
struct table_link *table_next(const struct table *table, const struct table_link *link);

#define table_object(link, type, member)                                                           \
	((link) != NULL ? (type *)((char *)(link)-offsetof(type, member)) : NULL)
