// SPDX-License-Identifier: BSD-3-Clause

#include "connections.h"

#include <openssl/rand.h>

#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BUCKETS 4096 // a power of two

// All connections of one IPv4 address or one IPv6 /64, which is what one client gets.
struct peer {
	struct peer *next;
	uint8_t key[9]; // family, address
	unsigned n;
};

struct connection {
	struct connections *all;
	struct connection *next, **link;
	struct peer *peer;
	int fd;
};

struct connections {
	unsigned max, max_per_ip, n;
	uint64_t seed; // strangers choose their addresses, not their buckets
	struct connection *list;
	struct peer *buckets[BUCKETS];
};

struct connections *connections_new(unsigned max, unsigned max_per_ip) {
	struct connections *all = calloc(1, sizeof(*all));

	if (all == NULL)
		return NULL;
	all->max = max;
	all->max_per_ip = max_per_ip;
	if (RAND_bytes((unsigned char *)&all->seed, sizeof(all->seed)) != 1)
		all->seed = (uintptr_t)all;
	return all;
}

void connections_free(struct connections *all) {
	free(all);
}

static void key_get(h2o_socket_t *sock, uint8_t key[9]) {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} sa = {0};

	memset(key, 0, 9);
	if (h2o_socket_getpeername(sock, &sa.any) == 0)
		return;
	key[0] = (uint8_t)sa.any.sa_family;
	if (sa.any.sa_family == AF_INET)
		memcpy(key + 1, &sa.v4.sin_addr, 4);
	else if (sa.any.sa_family == AF_INET6)
		memcpy(key + 1, &sa.v6.sin6_addr, 8);
}

static struct peer **bucket(struct connections *all, const uint8_t key[9]) {
	uint64_t hash = all->seed;

	for (size_t i = 0; i < 9; i++)
		hash = (hash ^ key[i]) * 0x9e3779b97f4a7c15ULL;
	hash ^= hash >> 32;
	return &all->buckets[hash & (BUCKETS - 1)];
}

static struct peer **peer_find(struct connections *all, const uint8_t key[9]) {
	struct peer **link = bucket(all, key);

	while (*link != NULL && memcmp((*link)->key, key, 9) != 0)
		link = &(*link)->next;
	return link;
}

static void closed(void *user) {
	struct connection *connection = user;
	struct connections *all = connection->all;
	struct peer *peer = connection->peer, **link;

	all->n--;
	if (--peer->n == 0) {
		link = peer_find(all, peer->key);
		*link = peer->next;
		free(peer);
	}
	*connection->link = connection->next;
	if (connection->next != NULL)
		connection->next->link = connection->link;
	free(connection);
}

bool connections_add(struct connections *all, h2o_socket_t *sock) {
	struct connection *connection;
	struct peer **link, *peer;
	uint8_t key[9];

	if (all->n >= all->max)
		return false;
	key_get(sock, key);
	link = peer_find(all, key);
	peer = *link;
	if (peer != NULL && peer->n >= all->max_per_ip)
		return false;
	connection = calloc(1, sizeof(*connection));
	if (connection == NULL)
		return false;
	if (peer == NULL) {
		peer = calloc(1, sizeof(*peer));
		if (peer == NULL) {
			free(connection);
			return false;
		}
		memcpy(peer->key, key, sizeof(key));
		*link = peer;
	}
	peer->n++;
	all->n++;
	*connection = (struct connection){
		.all = all,
		.next = all->list,
		.link = &all->list,
		.peer = peer,
		.fd = h2o_socket_get_fd(sock),
	};
	if (all->list != NULL)
		all->list->link = &connection->next;
	all->list = connection;
	sock->on_close.cb = closed;
	sock->on_close.data = connection;
	return true;
}

unsigned connections_count(const struct connections *all) {
	return all->n;
}

void connections_shutdown(struct connections *all) {
	for (const struct connection *one = all->list; one != NULL; one = one->next)
		shutdown(one->fd, SHUT_RDWR);
}
