// SPDX-License-Identifier: BSD-3-Clause

// The values in force through the same schema that reads them, so that the output loads again.

#include "config.h"
#include "config_keys.h"
#include "config_schema.h"

#include <stdio.h>

#define NUMBERS_MAX 32

static const char *const idle_names[] = {
	[CONFIG_IDLE_AUTO] = "auto",
	[CONFIG_IDLE_ADAPTIVE] = "adaptive",
	[CONFIG_IDLE_BUSY] = "busy",
};

void config_print(const struct config *config) {
	const cyaml_config_t cyaml = {.mem_fn = cyaml_mem, .flags = CYAML_CFG_STYLE_BLOCK};
	char addresses[CONFIG_ADDRS_MAX][PLM_ADDR_TEXT_LEN + 8], gateways[2][PLM_ADDR_TEXT_LEN];
	char *address_list[CONFIG_ADDRS_MAX], *gateway_list[2];
	int64_t numbers[NUMBERS_MAX], cores[CONFIG_WORKERS_MAX];
	struct raw_section section = {0};
	struct raw_config raw = {.dataplane = &section};
	unsigned n_numbers = 0;
	char *text = NULL;
	size_t len;

#define X(key, raw_member, member, min, max, fallback)                                             \
	numbers[n_numbers] = (int64_t)config->member;                                              \
	section.raw_member = &numbers[n_numbers++];
	CONFIG_NUMBERS(X)
#undef X
#define X(key, raw_member, member, fallback) section.raw_member = config->member;
	CONFIG_STRINGS(X)
#undef X
	section.workers.idle = (char *)idle_names[config->idle];
	section.memory.hugepages = config->hugepages ? (char *)"true" : (char *)"false";
	for (unsigned i = 0; i < config->n_workers; i++)
		cores[i] = config->worker_cores[i];
	section.workers.cores = cores;
	section.workers.n_cores = config->n_workers;
	for (unsigned i = 0; i < config->n_addrs; i++) {
		char ip[PLM_ADDR_TEXT_LEN];

		snprintf(
			addresses[i],
			sizeof(addresses[i]),
			"%s/%u",
			plm_addr_format_ip(&config->addrs[i].addr, ip, sizeof(ip)),
			config->addrs[i].prefix_len
		);
		address_list[i] = addresses[i];
	}
	section.addresses = address_list;
	section.n_addresses = config->n_addrs;
	section.gateways = gateway_list;
	for (unsigned i = 0; i < 2 && config->gateways[i].family != 0; i++) {
		plm_addr_format_ip(&config->gateways[i], gateways[i], sizeof(gateways[i]));
		gateway_list[section.n_gateways++] = gateways[i];
	}
	if (cyaml_save_data(&text, &len, &cyaml, &config_schema, &raw, 0) != CYAML_OK)
		return;
	fwrite(text, 1, len, stdout);
	cyaml_mem(NULL, text, 0);
}
