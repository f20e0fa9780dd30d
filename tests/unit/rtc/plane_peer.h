// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The dataplane's end of the punt connections, as far as rtc sees it: answers HELLO and
// TRANSPORT_SECURE and passes DTLS records. Test code; stepped by the test's own loop.

#include <plm_api.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLANE_CHANNELS 4
#define PLANE_SECURED_MAX 64

struct plane_peer {
	const char *path;
	int listener; // -1 = not there
	struct {
		int fd; // -1 = none
		int channel;
	} clients[PLANE_CHANNELS];
	struct plm_hello_rep hello;
	int secure_status; // of its replies; -1 = keeps quiet
	struct plm_transport_secure secured[PLANE_SECURED_MAX];
	unsigned n_secured; // requests so far
	unsigned n_hello; // greeted now
	void (*record)(void *user, uint64_t transport_id, const uint8_t *data, size_t len);
	void *user;
};

void plane_peer_init(struct plane_peer *plane, const char *path);
bool plane_peer_up(struct plane_peer *plane); // listens
void plane_peer_down(struct plane_peer *plane);
void plane_peer_step(struct plane_peer *plane); // takes what has come; never blocks

// A record from the client's path, to the channel of its transport.
void plane_peer_record(
	struct plane_peer *plane,
	int channel,
	uint64_t transport_id,
	const uint8_t *data,
	size_t len
);
// Any bytes, to all clients.
void plane_peer_raw(struct plane_peer *plane, const void *data, size_t len);
