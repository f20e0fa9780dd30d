// SPDX-License-Identifier: BSD-3-Clause

#include "telemetry.h"

#include "../exception.h"
#include "ctl.h"

#include <rte_mempool.h>
#include <rte_telemetry.h>

// Telemetry handlers have no user pointer; they run on DPDK's telemetry thread and only read
// counters.
static struct ctl *telemetry_ctl;

static int workers(const char *command, const char *parameters, struct rte_tel_data *data) {
	const struct dataplane *dp = telemetry_ctl->dp;

	(void)command;
	(void)parameters;
	rte_tel_data_start_dict(data);
	for (unsigned i = 0; i < dp->n_workers; i++) {
		const struct worker *w = dp->workers[i];
		struct rte_tel_data *item = rte_tel_data_alloc();
		char name[16];

		if (item == NULL)
			return -1;
		rte_tel_data_start_dict(item);
		rte_tel_data_add_dict_u64(item, "rx_packets", w->rx_packets);
		rte_tel_data_add_dict_u64(item, "tx_packets", w->tx_packets);
		rte_tel_data_add_dict_u64(item, "handed_over", w->handed_over);
		rte_tel_data_add_dict_u64(item, "fanned_out", w->fanned_out);
		rte_tel_data_add_dict_u64(item, "load_permille", w->load_permille);
		rte_tel_data_add_dict_u64(item, "transports", w->n_owned);
		rte_tel_data_add_dict_u64(item, "producers", w->n_produced);
		rte_tel_data_add_dict_u64(item, "consumers", w->n_consumers);
		snprintf(name, sizeof(name), "%u", i);
		rte_tel_data_add_dict_container(data, name, item, 0);
	}
	return 0;
}

static int drops(const char *command, const char *parameters, struct rte_tel_data *data) {
	const struct dataplane *dp = telemetry_ctl->dp;
	struct exception_stats stats;

	(void)command;
	(void)parameters;
	exception_stats(telemetry_ctl->exception, &stats);
	rte_tel_data_start_dict(data);
	for (unsigned reason = 0; reason < DROP_COUNT; reason++) {
		uint64_t sum = stats.drops[reason];

		for (unsigned i = 0; i < dp->n_workers; i++)
			sum += dp->workers[i]->drops[reason];
		rte_tel_data_add_dict_u64(data, drop_name((enum drop_reason)reason), sum);
	}
	return 0;
}

static int objects(const char *command, const char *parameters, struct rte_tel_data *data) {
	(void)command;
	(void)parameters;
	rte_tel_data_start_dict(data);
	rte_tel_data_add_dict_u64(data, "transports", telemetry_ctl->n_transports);
	rte_tel_data_add_dict_u64(data, "producers", telemetry_ctl->n_producers);
	rte_tel_data_add_dict_u64(data, "consumers", telemetry_ctl->n_consumers);
	rte_tel_data_add_dict_u64(
		data, "mbufs_free", rte_mempool_avail_count(telemetry_ctl->dp->packets)
	);
	return 0;
}

void telemetry_start(struct ctl *ctl) {
	telemetry_ctl = ctl;
	rte_telemetry_register_cmd(
		"/plenum/workers", workers, "Counters of each worker. No parameters"
	);
	rte_telemetry_register_cmd("/plenum/drops", drops, "Lost packets by reason. No parameters");
	rte_telemetry_register_cmd("/plenum/objects", objects, "Numbers of objects. No parameters");
}
