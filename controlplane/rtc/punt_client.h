// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// A thread's connection to the dataplane (role PUNT): DTLS records of its channel in and out, by
// transport id, and the keys of finished handshakes. Never blocks; connects again every 500 ms when
// down. One thread, one GMainContext.

#include <plm_api.h>

#include <glib.h>

#include <stddef.h>
#include <stdint.h>

#define PUNT_RECONNECT_MS 500
#define PUNT_QUEUE_MAX 1024 // messages waiting for the socket; beyond it records are dropped

struct punt_config {
	GMainContext *context;
	const char *path; // borrowed
	uint16_t channel; // below PLM_PUNT_CHANNELS
	// Callbacks may call all functions here but punt_client_free.
	void (*up)(void *user, const struct plm_hello_rep *hello);
	void (*down)(void *user); // pending requests are forgotten without done()
	void (*record)(void *user, uint64_t transport_id, const uint8_t *data, size_t len);
	void *user;
};

struct punt_client;

struct punt_client *punt_client_new(const struct punt_config *config); // NULL with errno
void punt_client_free(struct punt_client *client); // takes NULL

// What the dataplane said about itself; NULL when down. Valid until the next loop iteration.
const struct plm_hello_rep *punt_client_hello(const struct punt_client *client);

// Sends one DTLS datagram to the selected path of a transport. 0, -ENOTCONN, -EMSGSIZE above
// PLM_DTLS_MAX, -ENOBUFS.
int punt_client_record(
	struct punt_client *client,
	uint64_t transport_id,
	const uint8_t *data,
	size_t len
);

// Asks for TRANSPORT_SECURE. done gets 0 or the dataplane's -errno, from the loop. Own copies of
// the keys are wiped once sent. Returns a number > 0 for punt_client_forget, or -ENOTCONN, -ENOMEM.
int64_t punt_client_secure(
	struct punt_client *client,
	const struct plm_transport_secure *secure,
	void (*done)(void *user, int status),
	void *user
);

// The answer of this request is not wanted any more. Unknown numbers are ignored.
void punt_client_forget(struct punt_client *client, int64_t request);
