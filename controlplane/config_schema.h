// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The libcyaml schema of section "control". Only for config.c and config_print.c: everybody else
// sees struct config.

#include <plm_yaml.h>

#include <stdint.h>

struct raw_listener {
	char *address;
	int64_t *port;
	char *tls;
};

// The section as the file has it. Pointers are NULL and counts 0 for keys that are not there, so
// that defaults can be told from values. Owned by libcyaml.
struct raw_section {
	struct raw_listener *listen;
	unsigned n_listen;
	struct {
		char *certificate, *key, *self_signed, *directory;
		char **names;
		unsigned n_names;
	} tls;
	char *web_root;
	char **origins;
	unsigned n_origins;
	struct {
		char *algorithm, *secret, *secret_file, *key_file, *demo;
	} auth;
	char *dataplane_socket;
	char **public_addresses;
	unsigned n_public_addresses;
	struct {
		int64_t *threads, *max_agents, *connect_timeout_ms, *agent_linger_ms;
	} rtc;
	struct {
		int64_t *max_publishers, *max_rooms, *max_participants;
		int64_t *empty_room_ms, *resume_ms, *publisher_max_bitrate;
	} rooms;
	struct {
		char *endpoint, *stage;
	} hls;
	struct {
		int64_t *connections, *connections_per_ip, *message_bytes;
		int64_t *messages_burst, *messages_per_second;
		int64_t *hello_timeout_ms, *ping_interval_ms, *send_queue_bytes;
	} limits;
	struct {
		char *address;
		int64_t *port;
		char *allow_remote;
	} admin;
	char *log_level;
};

struct raw_config {
	struct raw_section *control;
};

extern const cyaml_schema_value_t config_schema;
