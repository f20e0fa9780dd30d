// SPDX-License-Identifier: BSD-3-Clause

#include "flow_table.h"

#include <rte_hash.h>
#include <rte_jhash.h>

#include <errno.h>
#include <stdlib.h>

struct flow_table {
	struct rte_hash *hash;
};

_Static_assert(sizeof(struct plm_addr) == 20, "the key has no padding");

static void *flow_pack(struct flow flow) {
	return (void *)((uintptr_t)flow.owner << 32 | flow.transport);
}

static struct flow flow_unpack(const void *data) {
	return (struct flow){(uint32_t)(uintptr_t)data, (uint8_t)((uintptr_t)data >> 32)};
}

struct flow_table *flow_table_new(const char *name, uint32_t max) {
	const struct rte_hash_parameters parameters = {
		.name = name,
		.entries = max < 8 ? 8 : max,
		.key_len = sizeof(struct plm_addr),
		.hash_func = rte_jhash,
		.socket_id = SOCKET_ID_ANY,
		.extra_flag = RTE_HASH_EXTRA_FLAGS_EXT_TABLE,
	};
	struct flow_table *table = calloc(1, sizeof(*table));

	if (table == NULL)
		return NULL;
	table->hash = rte_hash_create(&parameters);
	if (table->hash == NULL) {
		free(table);
		errno = ENOMEM;
		return NULL;
	}
	return table;
}

void flow_table_free(struct flow_table *table) {
	if (table == NULL)
		return;
	rte_hash_free(table->hash);
	free(table);
}

int flow_table_set(struct flow_table *table, const struct plm_addr *remote, struct flow flow) {
	return rte_hash_add_key_data(table->hash, remote, flow_pack(flow)) < 0 ? -ENOSPC : 0;
}

bool flow_table_get(
	const struct flow_table *table,
	const struct plm_addr *remote,
	struct flow *ret_flow
) {
	void *data;

	if (rte_hash_lookup_data(table->hash, remote, &data) < 0)
		return false;
	*ret_flow = flow_unpack(data);
	return true;
}

void flow_table_get_bulk(
	const struct flow_table *table,
	const struct plm_addr *const *remotes,
	unsigned n,
	struct flow *ret_flows,
	uint64_t *ret_found
) {
	const void *keys[RTE_HASH_LOOKUP_BULK_MAX];
	void *data[RTE_HASH_LOOKUP_BULK_MAX];

	*ret_found = 0;
	if (n == 0)
		return;
	for (unsigned i = 0; i < n; i++)
		keys[i] = remotes[i];
	rte_hash_lookup_bulk_data(table->hash, keys, n, ret_found, data);
	for (unsigned i = 0; i < n; i++) {
		if (*ret_found & UINT64_C(1) << i)
			ret_flows[i] = flow_unpack(data[i]);
	}
}

void flow_table_remove(
	struct flow_table *table,
	const struct plm_addr *remote,
	uint32_t transport
) {
	struct flow flow;

	if (flow_table_get(table, remote, &flow) && flow.transport == transport)
		rte_hash_del_key(table->hash, remote);
}

bool flow_table_next(
	const struct flow_table *table,
	uint32_t *cursor,
	struct plm_addr *ret_remote,
	struct flow *ret_flow
) {
	const void *key;
	void *data;

	if (rte_hash_iterate(table->hash, &key, &data, cursor) < 0) {
		*cursor = 0;
		return false;
	}
	*ret_remote = *(const struct plm_addr *)key;
	*ret_flow = flow_unpack(data);
	return true;
}

uint32_t flow_table_count(const struct flow_table *table) {
	return (uint32_t)rte_hash_count(table->hash);
}
