// SPDX-License-Identifier: BSD-3-Clause

#include "table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS_MIN 16

static uint64_t mix(uint64_t hash) {
	hash ^= hash >> 32;
	hash *= 0xd6e8feb86659fd93ULL;
	hash ^= hash >> 32;
	hash *= 0xd6e8feb86659fd93ULL;
	return hash ^ hash >> 32;
}

static uint64_t name_hash(const struct table *table, const char *name) {
	uint64_t hash = table->seed;

	for (; *name != '\0'; name++)
		hash = mix(hash ^ (uint8_t)*name);
	return hash;
}

static uint64_t number_hash(const struct table *table, uint64_t number) {
	return mix(table->seed ^ mix(number));
}

static struct table_link **bucket(const struct table *table, uint64_t hash) {
	return &table->buckets[hash & (table->n_buckets - 1)];
}

void table_init(struct table *table, uint64_t seed) {
	*table = (struct table){.seed = seed};
}

void table_clear(struct table *table) {
	free(table->buckets);
	table_init(table, table->seed);
}

static int grow(struct table *table) {
	size_t n = table->n_buckets ? table->n_buckets * 2 : BUCKETS_MIN;
	struct table_link **old = table->buckets, *link, *next;
	size_t n_old = table->n_buckets;

	if (table->n < table->n_buckets)
		return 0;
	table->buckets = calloc(n, sizeof(struct table_link *));
	if (table->buckets == NULL) {
		table->buckets = old;
		return old != NULL ? 0 : -ENOMEM; // longer chains are slower, not wrong
	}
	table->n_buckets = n;
	for (size_t i = 0; i < n_old; i++) {
		for (link = old[i]; link != NULL; link = next) {
			struct table_link **head = bucket(table, link->hash);

			next = link->next;
			link->next = *head;
			*head = link;
		}
	}
	free(old);
	return 0;
}

static int add(struct table *table, struct table_link *link) {
	struct table_link **head;
	int r = grow(table);

	if (r < 0)
		return r;
	head = bucket(table, link->hash);
	link->next = *head;
	*head = link;
	table->n++;
	return 0;
}

int table_add_name(struct table *table, struct table_link *link, const char *name) {
	link->name = name;
	link->number = 0;
	link->hash = name_hash(table, name);
	return add(table, link);
}

int table_add_number(struct table *table, struct table_link *link, uint64_t number) {
	link->name = NULL;
	link->number = number;
	link->hash = number_hash(table, number);
	return add(table, link);
}

void table_remove(struct table *table, struct table_link *link) {
	struct table_link **at;

	for (at = bucket(table, link->hash); *at != link; at = &(*at)->next)
		;
	*at = link->next;
	link->next = NULL;
	table->n--;
}

struct table_link *table_find_name(const struct table *table, const char *name) {
	uint64_t hash = name_hash(table, name);

	if (table->n == 0)
		return NULL;
	for (struct table_link *link = *bucket(table, hash); link != NULL; link = link->next) {
		if (link->hash == hash && strcmp(link->name, name) == 0)
			return link;
	}
	return NULL;
}

struct table_link *table_find_number(const struct table *table, uint64_t number) {
	uint64_t hash = number_hash(table, number);

	if (table->n == 0)
		return NULL;
	for (struct table_link *link = *bucket(table, hash); link != NULL; link = link->next) {
		if (link->hash == hash && link->number == number)
			return link;
	}
	return NULL;
}

struct table_link *table_next(const struct table *table, const struct table_link *link) {
	size_t i = 0;

	if (link != NULL) {
		if (link->next != NULL)
			return link->next;
		i = (link->hash & (table->n_buckets - 1)) + 1;
	}
	for (; i < table->n_buckets; i++) {
		if (table->buckets[i] != NULL)
			return table->buckets[i];
	}
	return NULL;
}
