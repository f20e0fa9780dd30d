// SPDX-License-Identifier: BSD-3-Clause

// The configuration file: whatever is in it, it is either refused with one line or gives values
// that keep the promises of config.h.

#include "config.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition) {
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct config *config = NULL;
	char error[256] = "";

	if (config_parse("f", data, size, &config, error, sizeof(error)) < 0) {
		require(config == NULL);
		require(strncmp(error, "f: ", 3) == 0 && strchr(error, '\n') == NULL);
		return 0;
	}
	require(config->n_workers >= 1 && config->n_workers <= CONFIG_WORKERS_MAX);
	require(config->n_addrs >= 1 && config->n_addrs <= CONFIG_ADDRS_MAX);
	require(config->agent_port_min <= config->agent_port_max);
	require(strlen(config->tap) >= 1 && strlen(config->tap) <= 15);
	require(config->rtx_packets != 0 && (config->rtx_packets & (config->rtx_packets - 1)) == 0);
	config_free(config);
	return 0;
}
