// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Control's part of plenum.yaml (section "control"). Every key is documented in
// configs/plenum.yaml; unknown keys and wrong values are refused with file and key.

#include "rooms.h"
#include "rtc.h"

#include <plm_addr.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_LISTENERS_MAX 8
#define CONFIG_NAMES_MAX 16
#define CONFIG_ORIGINS_MAX 32

struct config_listener {
	struct plm_addr addr; // with port; 0 = any free one
	bool tls;
};

// Strings are never NULL; empty = not set. Owned by config.
struct config {
	struct config_listener listeners[CONFIG_LISTENERS_MAX];
	unsigned n_listeners;
	struct {
		char *certificate, *key; // PEM files
		char *directory; // of the self-signed ones
		bool self_signed;
		char *names[CONFIG_NAMES_MAX]; // DNS names and IP addresses of this server
		unsigned n_names;
	} tls;
	char *web_root;
	char *origins[CONFIG_ORIGINS_MAX]; // none = the Host of the request
	unsigned n_origins;
	struct {
		char *algorithm; // HS256, ES256, RS256, EdDSA
		char *secret; // wiped by config_free
		char *secret_file;
		char *key_file;
		bool demo; // also true when there is no key and all listeners are loopback
	} auth;
	char *dataplane_socket;
	struct rtc_config rtc; // borrows dataplane_socket
	struct rooms_config rooms; // borrows dataplane_socket and hls
	struct {
		char *endpoint, *stage; // of playlists: {endpoint}/{stage}/live/...
	} hls;
	struct {
		unsigned connections, connections_per_ip;
		unsigned message_bytes;
		unsigned messages_burst, messages_per_second;
		unsigned hello_timeout_ms, ping_interval_ms;
		unsigned send_queue_bytes;
	} limits;
	struct {
		struct plm_addr addr; // with port
		unsigned port; // 0 = no admin listener
		bool allow_remote;
	} admin;
	char *log_level;
};

// Reads the file. On an error writes one line for people ("plenum.yaml: control.tls.key: ...") to
// error and returns -EINVAL, -ENOENT or -ENOMEM; *ret_config is untouched.
int config_load(const char *path, struct config **ret_config, char *error, size_t error_len);
// The same from memory; name is that of the file, for errors.
int config_parse(
	const char *name,
	const uint8_t *text,
	size_t len,
	struct config **ret_config,
	char *error,
	size_t error_len
);
void config_free(struct config *config); // takes NULL

// Prints all values in force, as YAML (--print-config), secrets left out.
void config_print(const struct config *config);

// Visits the path of every key ("control.tls.key"); a test keeps the sample complete with it.
void config_each_key(void (*visit)(void *user, const char *path), void *user);
