// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The whole rtc part with what stands around it: a dataplane's end of the punt connections, and
// clients of libnice and OpenSSL. One loop, run by the test's thread; rtc's events arrive by a
// locked list. Test code.

#include "dtls_peer.h"
#include "ice_peer.h"
#include "plane_peer.h"
#include "rtc.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define SCENE_CLIENTS 16
#define SCENE_WAIT_MS 15000
#define SCENE_SDP_MAX 8192

struct client {
	uint64_t id;
	struct dtls_peer *dtls;
	struct ice_peer *ice;
	char offer[SCENE_SDP_MAX];
	bool lose_last; // the server's last flight gets lost

	// of the events; under the scene's lock
	unsigned n_answered, n_restarted, n_refused, n_connected, n_failed, n_closed;
	unsigned n_decided; // answered or failed
	char answer[SCENE_SDP_MAX];
	struct plm_ice_credentials credentials;
	uint16_t port_v4, port_v6, channel, suite;
	unsigned n_tracks;
	struct sdp_track tracks[SDP_TRACKS_MAX];
	unsigned want_index[SDP_TRACKS_MAX];
	enum rtc_failure why;
	char text[200];
};

struct scene {
	char dir[64];
	char path[96];
	GMainContext *context; // of the clients' agents
	struct plane_peer plane;
	struct rtc_config config;
	pthread_mutex_t lock;
	struct client clients[SCENE_CLIENTS];
	unsigned n_clients;
};

// Starts rtc; with a dataplane, and then waits until all threads have met it.
void scene_open(struct scene *scene, bool with_plane, void (*change)(struct rtc_config *config));
void scene_close(struct scene *scene);

// A client with an offer: one Opus section, sendonly or recvonly.
struct client *scene_client(struct scene *scene, uint64_t id, enum sdp_role role);
void client_offer(struct client *client, enum sdp_role role); // prints it anew (after a restart)
void scene_clear(struct scene *scene); // frees all clients; rtc may still hold their transports

int client_create(struct client *client, enum sdp_role role);

// Runs until the number is at least n; fails the test when it takes too long.
void scene_until(struct scene *scene, const unsigned *number, unsigned n);
void scene_run(struct scene *scene, int ms); // and nothing else

void client_connect(struct scene *scene, struct client *client); // ICE and ClientHello
void client_flush(struct scene *scene, struct client *client); // sends what DTLS has to say
