// SPDX-License-Identifier: BSD-3-Clause

// 64-bit ids of the API -> slots.

#include "ctl.h"

#include <rte_hash.h>
#include <rte_jhash.h>

#include <errno.h>

struct rte_hash *ctl_ids_new(const char *name, uint32_t max) {
	const struct rte_hash_parameters parameters = {
		.name = name,
		.entries = max < 8 ? 8 : max,
		.key_len = sizeof(uint64_t),
		.hash_func = rte_jhash,
		.socket_id = SOCKET_ID_ANY,
		.extra_flag = RTE_HASH_EXTRA_FLAGS_EXT_TABLE,
	};

	return rte_hash_create(&parameters);
}

int64_t ctl_ids_find(const struct rte_hash *ids, uint64_t id) {
	void *data;

	return rte_hash_lookup_data(ids, &id, &data) < 0 ? -1 : (int64_t)(uintptr_t)data;
}

int ctl_ids_add(struct rte_hash *ids, uint64_t id, uint32_t index) {
	return rte_hash_add_key_data(ids, &id, (void *)(uintptr_t)index) < 0 ? -ENOSPC : 0;
}

void ctl_ids_del(struct rte_hash *ids, uint64_t id) {
	rte_hash_del_key(ids, &id);
}

struct rte_hash *ctl_ufrags_new(uint32_t max) {
	const struct rte_hash_parameters parameters = {
		.name = "ufrags",
		.entries = max < 8 ? 8 : max,
		.key_len = PLM_UFRAG_MAX,
		.hash_func = rte_jhash,
		.socket_id = SOCKET_ID_ANY,
		.extra_flag = RTE_HASH_EXTRA_FLAGS_EXT_TABLE,
	};

	return rte_hash_create(&parameters);
}
