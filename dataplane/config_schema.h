// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The libcyaml schema of section "dataplane" and libcyaml's errors as one line for people. Only for
// config.c and config_print.c: everybody else sees struct config.

#include <cyaml/cyaml.h>
#include <stddef.h>
#include <stdint.h>

// The section as the file has it. Pointers are NULL and counts 0 for keys that are not there, so
// that defaults can be told from values. Owned by libcyaml.
struct raw_section {
	char *api_socket;
	char *log_level;
	struct {
		char *device;
		int64_t *queues;
		int64_t *mtu;
	} port;
	char **addresses;
	unsigned n_addresses;
	char **gateways;
	unsigned n_gateways;
	char *tap;
	int64_t *public_port;
	struct {
		int64_t *min;
		int64_t *max;
	} agent_ports;
	struct {
		int64_t *cores;
		unsigned n_cores;
		int64_t *main_core;
		char *idle;
		int64_t *idle_max_us;
	} workers;
	struct {
		char *hugepages;
		int64_t *memory_mb;
		char *file_prefix;
		int64_t *mbufs;
	} memory;
	struct {
		char *backend;
	} srtp;
	struct {
		int64_t *transports;
		int64_t *producers;
		int64_t *consumers;
		int64_t *paths_per_transport;
	} limits;
	int64_t *rtx_packets;
};

struct raw_config {
	struct raw_section *dataplane;
};

extern const cyaml_schema_value_t config_schema;

// Reads text. On an error writes "NAME: KEY.PATH: why" to error and returns -EINVAL or -ENOMEM;
// *ret_raw is then untouched. Free with raw_config_free.
int raw_config_parse(
	const char *name,
	const uint8_t *text,
	size_t len,
	struct raw_config **ret_raw,
	char *error,
	size_t error_len
);
void raw_config_free(struct raw_config *raw); // NULL is allowed

// Makes what may come from a file fit for one line: control characters become '?'.
void config_line_clean(char *line);
