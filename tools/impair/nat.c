// SPDX-License-Identifier: BSD-3-Clause
#include "nat.h"

#include <stdlib.h>
#include <string.h>

#define TABLE_SIZE 8192 // power of two; entries are never removed: a test does not live that long
#define TABLE_MAX (TABLE_SIZE / 4 * 3)
#define SALT_MASK 0x3ff

struct endpoint {
	bool used;
	bool is_v6;
	uint16_t port; // inner, host order
	uint8_t addr[UDP_ADDR_LEN];
};

struct nat {
	uint16_t salt;
	unsigned n_used;
	struct endpoint table[TABLE_SIZE];
};

struct nat *nat_new(void) {
	return calloc(1, sizeof(struct nat));
}

struct nat *nat_free(struct nat *nat) {
	free(nat);
	return NULL;
}

void nat_rebind(struct nat *nat, uint64_t random) {
	// Never 0 and never the same again: the change differs from 0 and from the salt in use.
	uint16_t salt = (uint16_t)(random & SALT_MASK);
	while (salt == 0 || salt == nat->salt)
		salt = (salt + 1) & SALT_MASK;
	nat->salt = salt;
}

uint16_t nat_salt(const struct nat *nat) {
	return nat->salt;
}

static struct endpoint endpoint_make(
	const struct udp_view *view,
	const uint8_t *addr,
	uint16_t port
) {
	struct endpoint key = {.used = true, .is_v6 = view->is_v6, .port = port};
	memcpy(key.addr, addr, view->is_v6 ? 16 : 4);
	return key;
}

static bool endpoint_equal(const struct endpoint *a, const struct endpoint *b) {
	return a->port == b->port && a->is_v6 == b->is_v6
		&& memcmp(a->addr, b->addr, sizeof(a->addr)) == 0;
}

// The slot that holds the key, or the free one where it belongs. There is always a free one.
static unsigned find_slot(const struct nat *nat, const struct endpoint *key) {
	uint32_t hash = 2166136261u ^ key->port; // FNV-1a
	for (unsigned i = 0; i < sizeof(key->addr); i++)
		hash = (hash ^ key->addr[i]) * 16777619u;
	unsigned slot = hash & (TABLE_SIZE - 1);
	while (nat->table[slot].used && !endpoint_equal(&nat->table[slot], key))
		slot = (slot + 1) & (TABLE_SIZE - 1);
	return slot;
}

bool nat_outward(struct nat *nat, struct udp_view *view) {
	uint16_t port = udp_src_port(view);
	struct endpoint key = endpoint_make(view, view->src_addr, port);
	unsigned slot = find_slot(nat, &key);
	if (!nat->table[slot].used) {
		if (nat->n_used >= TABLE_MAX)
			return false;
		nat->table[slot] = key;
		nat->n_used++;
	}
	if (nat->salt)
		udp_set_src_port(view, port ^ nat->salt);
	return true;
}

bool nat_inward(const struct nat *nat, struct udp_view *view) {
	if (nat->salt == 0)
		return true;
	uint16_t port = udp_dst_port(view) ^ nat->salt;
	struct endpoint key = endpoint_make(view, view->dst_addr, port);
	if (!nat->table[find_slot(nat, &key)].used)
		return false;
	udp_set_dst_port(view, port);
	return true;
}
