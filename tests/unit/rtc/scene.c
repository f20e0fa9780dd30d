// SPDX-License-Identifier: BSD-3-Clause

#include "scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
// clang-format off
#include <cmocka.h> // after what it does not include itself
// clang-format on

// ---------------------------------------------------------------------------- events

static struct client *find(struct scene *scene, uint64_t id) {
	for (unsigned i = 0; i < scene->n_clients; i++) {
		if (scene->clients[i].id == id)
			return &scene->clients[i];
	}
	return NULL;
}

// All on rtc's threads.
static void take_answer(struct scene *scene, const struct rtc_answer *answer, bool restart) {
	struct client *client;

	pthread_mutex_lock(&scene->lock);
	client = find(scene, answer->transport_id);
	if (client != NULL) {
		client->credentials = answer->ice;
		client->port_v4 = answer->agent_port_v4;
		client->port_v6 = answer->agent_port_v6;
		client->channel = answer->punt_channel;
		client->n_tracks = answer->n_tracks;
		memcpy(client->tracks, answer->tracks, answer->n_tracks * sizeof(*answer->tracks));
		memcpy(client->want_index,
		       answer->want_index,
		       answer->n_tracks * sizeof(*answer->want_index));
		snprintf(client->answer, sizeof(client->answer), "%s", answer->sdp);
		if (restart)
			client->n_restarted++;
		else
			client->n_answered++;
		client->n_decided++;
	}
	pthread_mutex_unlock(&scene->lock);
}

static void answered(void *user, const struct rtc_answer *answer) {
	take_answer(user, answer, false);
}

static void restarted(void *user, const struct rtc_answer *answer) {
	take_answer(user, answer, true);
}

static void take_failure(
	struct scene *scene,
	uint64_t id,
	enum rtc_failure why,
	const char *text,
	bool restart
) {
	struct client *client;

	pthread_mutex_lock(&scene->lock);
	client = find(scene, id);
	if (client != NULL) {
		client->why = why;
		snprintf(client->text, sizeof(client->text), "%s", text);
		if (restart)
			client->n_refused++;
		else
			client->n_failed++;
		client->n_decided++;
	}
	pthread_mutex_unlock(&scene->lock);
}

static void restart_refused(void *user, uint64_t id, enum rtc_failure why, const char *text) {
	take_failure(user, id, why, text, true);
}

static void failed(void *user, uint64_t id, enum rtc_failure why, const char *text) {
	take_failure(user, id, why, text, false);
}

static void connected(void *user, uint64_t id, uint16_t suite) {
	struct scene *scene = user;
	struct client *client;

	pthread_mutex_lock(&scene->lock);
	client = find(scene, id);
	if (client != NULL) {
		client->suite = suite;
		client->n_connected++;
	}
	pthread_mutex_unlock(&scene->lock);
}

static void closed(void *user, uint64_t id) {
	struct scene *scene = user;
	struct client *client;

	pthread_mutex_lock(&scene->lock);
	client = find(scene, id);
	if (client != NULL)
		client->n_closed++;
	pthread_mutex_unlock(&scene->lock);
}

// ---------------------------------------------------------------------------- loop

void client_flush(struct scene *scene, struct client *client) {
	for (unsigned i = 0; i < client->dtls->n_out; i++)
		plane_peer_record(
			&scene->plane,
			client->channel,
			client->id,
			client->dtls->out[i].data,
			client->dtls->out[i].len
		);
	client->dtls->n_out = 0;
}

static void record(void *user, uint64_t id, const uint8_t *data, size_t len) {
	struct scene *scene = user;
	struct client *client = find(scene, id);

	if (client == NULL || client->dtls == NULL)
		return;
	if (client->lose_last && SSL_get_state(client->dtls->ssl) == TLS_ST_CW_FINISHED)
		return;
	dtls_peer_input(client->dtls, data, len);
	client_flush(scene, client);
}

static void step(struct scene *scene) {
	plane_peer_step(&scene->plane);
	if (!g_main_context_iteration(scene->context, FALSE))
		g_usleep(500);
}

void scene_run(struct scene *scene, int ms) {
	gint64 end = g_get_monotonic_time() + ms * 1000LL;

	while (g_get_monotonic_time() < end)
		step(scene);
}

void scene_until(struct scene *scene, const unsigned *number, unsigned n) {
	gint64 end = g_get_monotonic_time() + SCENE_WAIT_MS * 1000LL;

	for (;;) {
		bool done;

		pthread_mutex_lock(&scene->lock);
		done = *number >= n;
		pthread_mutex_unlock(&scene->lock);
		if (done)
			return;
		if (g_get_monotonic_time() > end)
			fail_msg("waited in vain");
		step(scene);
	}
}

// ---------------------------------------------------------------------------- life

void scene_open(struct scene *scene, bool with_plane, void (*change)(struct rtc_config *config)) {
	struct rtc_events events = {
		.user = scene,
		.answered = answered,
		.restarted = restarted,
		.restart_refused = restart_refused,
		.connected = connected,
		.failed = failed,
		.closed = closed,
	};

	memset(scene, 0, sizeof(*scene));
	strcpy(scene->dir, "/tmp/plm-rtc-XXXXXX");
	assert_non_null(mkdtemp(scene->dir));
	snprintf(scene->path, sizeof(scene->path), "%s/dataplane.sock", scene->dir);
	pthread_mutex_init(&scene->lock, NULL);
	scene->context = g_main_context_new();
	plane_peer_init(&scene->plane, scene->path);
	scene->plane.record = record;
	scene->plane.user = scene;
	if (with_plane)
		assert_true(plane_peer_up(&scene->plane));
	scene->config = (struct rtc_config){
		.n_threads = 2,
		.max_agents = 50,
		.dataplane_socket = scene->path,
		.connect_timeout_ms = 20000,
		.agent_linger_ms = 50,
	};
	if (change != NULL)
		change(&scene->config);
	assert_int_equal(rtc_start(&scene->config, &events), 0);
	if (with_plane) {
		scene_until(scene, &scene->plane.n_hello, scene->config.n_threads);
		scene_run(scene, 50); // the replies are read
	}
}

void scene_clear(struct scene *scene) {
	pthread_mutex_lock(&scene->lock);
	for (unsigned i = 0; i < scene->n_clients; i++) {
		dtls_peer_free(scene->clients[i].dtls);
		ice_peer_free(scene->clients[i].ice);
	}
	memset(scene->clients, 0, sizeof(scene->clients));
	scene->n_clients = 0;
	pthread_mutex_unlock(&scene->lock);
}

void scene_close(struct scene *scene) {
	rtc_stop();
	scene_clear(scene);
	plane_peer_down(&scene->plane);
	g_main_context_unref(scene->context);
	pthread_mutex_destroy(&scene->lock);
	rmdir(scene->dir);
}

// ---------------------------------------------------------------------------- clients

void client_offer(struct client *client, enum sdp_role role) {
	char fingerprint[100], *at = fingerprint;
	uint8_t digest[32];

	dtls_peer_fingerprint(client->dtls, "sha256", digest);
	for (unsigned i = 0; i < sizeof(digest); i++)
		at += sprintf(at, i == 0 ? "%02X" : ":%02X", digest[i]);
	snprintf(
		client->offer,
		sizeof(client->offer),
		"v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
		"a=group:BUNDLE 0\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS s\r\n"
		"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\n"
		"a=rtcp:9 IN IP4 0.0.0.0\r\n"
		"a=candidate:1 1 udp 2113937151 127.0.0.1 40000 typ host generation 0\r\n"
		"a=candidate:2 1 udp 2113937151 7ac0.local 40000 typ host generation 0\r\n"
		"a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=ice-options:trickle\r\n"
		"a=fingerprint:sha-256 %s\r\na=setup:actpass\r\na=mid:0\r\n"
		"a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
		"a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
		"a=%s\r\n%sa=rtcp-mux\r\na=rtcp-rsize\r\n"
		"a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\n"
		"a=fmtp:111 minptime=10;useinbandfec=1\r\n%s",
		client->ice->ufrag,
		client->ice->pwd,
		fingerprint,
		role == SDP_PUBLISH ? "sendonly" : "recvonly",
		role == SDP_PUBLISH ? "a=msid:s t\r\n" : "",
		role == SDP_PUBLISH ? "a=ssrc:1234 cname:c\r\n" : ""
	);
}

struct client *scene_client(struct scene *scene, uint64_t id, enum sdp_role role) {
	struct client *client;

	assert_in_range(scene->n_clients, 0, SCENE_CLIENTS - 1);
	pthread_mutex_lock(&scene->lock);
	client = &scene->clients[scene->n_clients++];
	memset(client, 0, sizeof(*client));
	client->id = id;
	pthread_mutex_unlock(&scene->lock);
	client->dtls = dtls_peer_new(
		"SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM", true, 1200
	);
	assert_non_null(client->dtls);
	client->ice = ice_peer_new(scene->context);
	client_offer(client, role);
	return client;
}

int client_create(struct client *client, enum sdp_role role) {
	static const struct sdp_track want[] = {
		{
			.kind = PLM_KIND_AUDIO,
			.codec = PLM_CODEC_OPUS,
			.payload_type = 109,
			.clock_rate = 48000,
			.channels = 2,
			.ssrc = 0x5eed,
			.cname = "cname-of-ours",
			.msid = "stream-of-ours",
		},
	};
	struct rtc_request request = {
		.transport_id = client->id,
		.role = role,
		.offer = client->offer,
		.offer_len = strlen(client->offer),
		.want = role == SDP_WATCH ? want : NULL,
		.n_want = role == SDP_WATCH ? 1 : 0,
	};

	return rtc_create(&request);
}

void client_connect(struct scene *scene, struct client *client) {
	ice_peer_connect(
		client->ice,
		client->credentials.local_ufrag,
		client->credentials.local_pwd,
		"127.0.0.1",
		client->port_v4
	);
	dtls_peer_start(client->dtls);
	client_flush(scene, client);
}
