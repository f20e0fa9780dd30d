// SPDX-License-Identifier: BSD-3-Clause

// The values in force through the same schema that reads them, so that the output loads again (but
// for secrets, which are not printed).

#include "config.h"
#include "config_keys.h"
#include "config_schema.h"

#include <stdio.h>

#define NUMBERS_MAX 32

static const char *switch_text(bool on) {
	return on ? "true" : "false";
}

void config_print(const struct config *config) {
	const cyaml_config_t cyaml = {.mem_fn = cyaml_mem, .flags = CYAML_CFG_STYLE_BLOCK};
	char listen_ips[CONFIG_LISTENERS_MAX][PLM_ADDR_TEXT_LEN], admin_ip[PLM_ADDR_TEXT_LEN];
	char public_ips[PLM_HELLO_ADDRS][PLM_ADDR_TEXT_LEN], *public_list[PLM_HELLO_ADDRS];
	struct raw_listener listeners[CONFIG_LISTENERS_MAX];
	int64_t numbers[NUMBERS_MAX], ports[CONFIG_LISTENERS_MAX];
	struct raw_section section = {0};
	struct raw_config raw = {.control = &section};
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
#define X(key, raw_member, member, fallback)                                                       \
	section.raw_member = (char *)switch_text(config->member);
	CONFIG_SWITCHES(X)
#undef X
	section.auth.secret = NULL;
	for (unsigned i = 0; i < config->n_listeners; i++) {
		const struct config_listener *listener = &config->listeners[i];

		plm_addr_format_ip(&listener->addr, listen_ips[i], sizeof(listen_ips[i]));
		ports[i] = listener->addr.port;
		listeners[i] = (struct raw_listener){
			.address = listen_ips[i],
			.port = &ports[i],
			.tls = (char *)switch_text(listener->tls),
		};
	}
	section.listen = listeners;
	section.n_listen = config->n_listeners;
	section.tls.names = (char **)config->tls.names;
	section.tls.n_names = config->tls.n_names;
	section.origins = (char **)config->origins;
	section.n_origins = config->n_origins;
	for (unsigned i = 0; i < config->rtc.n_public_addrs; i++) {
		plm_addr_format_ip(
			&config->rtc.public_addrs[i], public_ips[i], sizeof(public_ips[i])
		);
		public_list[i] = public_ips[i];
	}
	section.public_addresses = public_list;
	section.n_public_addresses = config->rtc.n_public_addrs;
	plm_addr_format_ip(&config->admin.addr, admin_ip, sizeof(admin_ip));
	section.admin.address = admin_ip;
	if (cyaml_save_data(&text, &len, &cyaml, &config_schema, &raw, 0) != CYAML_OK)
		return;
	fwrite(text, 1, len, stdout);
	cyaml_mem(NULL, text, 0);
}
