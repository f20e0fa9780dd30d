// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The life of one WebRTC connection on its thread:
//
//   GATHERING   offer negotiated, the agent binds its ports
//   CONNECTING  answered; the client's checks and DTLS come by the dataplane
//   SECURING    DTLS done, peer proven, TRANSPORT_SECURE asked for
//   SECURE      keys installed; the agent goes after a linger, DTLS stays until the end
//
// and away when it fails, the client closes, or rtc_close.

#include "dtls.h"
#include "punt_client.h"
#include "rtc.h"

#include <glib.h>

struct peer_connection; // owned by the thread

// What a thread gives to its connections.
struct peer_host {
	GMainContext *context;
	uint16_t channel; // the thread's index
	struct punt_client *punt;
	struct dtls_context *dtls;
	const char *fingerprint; // ours, for the answer
	const struct rtc_config *config;
	void *user; // of the callbacks; they come from the thread's loop

	void (*answered)(void *user, const struct rtc_answer *answer);
	void (*restarted)(void *user, const struct rtc_answer *answer);
	void (*restart_refused
	)(void *user, uint64_t transport_id, enum rtc_failure why, const char *text);
	void (*connected)(void *user, uint64_t transport_id, uint16_t suite);
	// The end, and the last call of this connection: the host frees it inside. why 0: was
	// connected, and the client closed.
	void (*ended)(void *user, uint64_t transport_id, enum rtc_failure why, const char *text);
	void (*agent_gone)(void *user, uint64_t transport_id); // no longer counts as establishing
	void (*dtls_started)(void *user);
	void (*dtls_ended)(void *user);
	void (*handshake_failed)(void *user);
};

// request: its tracks are copied. Never fails with a callback inside: failures to start are told by
// ended() from the loop. NULL with errno ENOMEM.
struct peer_connection *peer_connection_new(
	const struct peer_host *host,
	const struct rtc_request *request
);

// Sends nothing. Takes NULL.
void peer_connection_free(struct peer_connection *connection);

void peer_connection_record(struct peer_connection *connection, const uint8_t *data, size_t len);
void peer_connection_candidate(struct peer_connection *connection, const char *text);
void peer_connection_restart(struct peer_connection *connection, const char *offer, size_t len);
void peer_connection_close(struct peer_connection *connection); // sends close_notify

// The punt client is up (again): what was lost with the old connection is asked once more.
void peer_connection_dataplane_up(struct peer_connection *connection);
// The dataplane has started anew and knows nothing: ends. SRTP keys are never installed twice,
// since its packet counters start at 0 again (RFC 3711 section 9.1: a keystream used twice).
void peer_connection_dataplane_lost(struct peer_connection *connection);
