// SPDX-License-Identifier: BSD-3-Clause

#include "scene.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// clang-format off
#include <cmocka.h> // after what it does not include itself
// clang-format on

static unsigned agents_now(void) {
	struct rtc_stats stats;

	rtc_stats(&stats);
	return stats.agents;
}

static unsigned dtls_now(void) {
	struct rtc_stats stats;

	rtc_stats(&stats);
	return stats.dtls;
}

// Runs until no connection is establishing and n DTLS objects are left.
static void until_quiet(struct scene *scene, unsigned n_dtls) {
	for (unsigned i = 0; i < 1000 && (agents_now() > 0 || dtls_now() != n_dtls); i++)
		scene_run(scene, 10);
	assert_int_equal(agents_now(), 0);
	assert_int_equal(dtls_now(), n_dtls);
}

static struct client *answered_client(struct scene *scene, uint64_t id, enum sdp_role role) {
	struct client *client = scene_client(scene, id, role);

	assert_int_equal(client_create(client, role), 0);
	scene_until(scene, &client->n_answered, 1);
	return client;
}

static struct client *connected_client(struct scene *scene, uint64_t id) {
	struct client *client = answered_client(scene, id, SDP_PUBLISH);

	client_connect(scene, client);
	scene_until(scene, &client->n_connected, 1);
	return client;
}

static void public_address(struct rtc_config *config) {
	config->public_addrs[0] = (struct plm_addr){.family = 4, .port = 0, .ip = {203, 0, 113, 5}};
	config->public_addrs[1] = (struct plm_addr){.family = 6, .port = 0, .ip = {0x20, 1}};
	config->n_public_addrs = 2;
}

// ---------------------------------------------------------------------------- tests

static void whole_life(void **) {
	uint8_t rx[PLM_SRTP_KEY_MAX] = {0}, tx[PLM_SRTP_KEY_MAX] = {0};
	struct plm_transport_secure *secured;
	struct rtc_stats stats;
	struct client *client;
	struct scene scene;
	char line[100];

	scene_open(&scene, true, NULL);
	client = answered_client(&scene, 0x1234567890, SDP_PUBLISH);
	assert_in_range(client->port_v4, 33000, 34999);
	assert_int_equal(client->port_v6, 0);
	assert_in_range(client->channel, 0, 1);
	assert_int_equal(strlen(client->credentials.local_ufrag), 12);
	assert_string_equal(client->credentials.remote_ufrag, client->ice->ufrag);
	assert_string_equal(client->credentials.remote_pwd, client->ice->pwd);
	assert_int_equal(client->n_tracks, 1);
	assert_int_equal(client->tracks[0].codec, PLM_CODEC_OPUS);
	snprintf(line, sizeof(line), "a=ice-ufrag:%s\r\n", client->credentials.local_ufrag);
	assert_non_null(strstr(client->answer, line));
	assert_non_null(strstr(client->answer, " 127.0.0.1 3478 typ host"));
	assert_null(strstr(client->answer, " 3300")); // the private port stays private
	assert_int_equal(agents_now(), 1);
	assert_int_equal(dtls_now(), 0);

	client_connect(&scene, client);
	scene_until(&scene, &client->n_connected, 1);
	assert_int_equal(client->suite, PLM_SRTP_AEAD_AES_128_GCM);
	assert_true(client->dtls->done);
	assert_int_equal(scene.plane.n_secured, 1);
	secured = &scene.plane.secured[0];
	assert_int_equal(secured->id, client->id);
	assert_int_equal(secured->suite, client->suite);
	assert_true(dtls_peer_export(client->dtls, 16, 12, rx, tx));
	assert_memory_equal(secured->rx.bytes, rx, sizeof(rx));
	assert_memory_equal(secured->tx.bytes, tx, sizeof(tx));
	until_quiet(&scene, 1); // the agent goes, DTLS stays

	dtls_peer_close(client->dtls);
	client_flush(&scene, client);
	scene_until(&scene, &client->n_closed, 1);
	until_quiet(&scene, 0);
	assert_int_equal(client->n_failed, 0);
	assert_int_equal(rtc_close(client->id), -ENOENT);
	rtc_stats(&stats);
	assert_int_equal(stats.handshakes, 1);
	assert_int_equal(stats.handshake_failures, 0);
	assert_int_equal(stats.threads, 2);
	scene_close(&scene);
}

// The client's own ICE agent and ours find each other without DTLS.
static void ice_connects(void **) {
	struct client *client;
	struct scene scene;

	scene_open(&scene, true, NULL);
	client = answered_client(&scene, 5, SDP_WATCH);
	ice_peer_connect(
		client->ice,
		client->credentials.local_ufrag,
		client->credentials.local_pwd,
		"127.0.0.1",
		client->port_v4
	);
	for (unsigned i = 0; i < 1000 && !ice_peer_connected(client->ice); i++)
		scene_run(&scene, 10);
	assert_true(ice_peer_connected(client->ice));
	// Trickled candidates, good and bad, do no harm.
	assert_int_equal(rtc_candidate(5, "candidate:1 1 udp 1 198.51.100.9 5000 typ host"), 0);
	assert_int_equal(rtc_candidate(5, "candidate:nonsense"), 0);
	assert_int_equal(rtc_candidate(5, ""), 0);
	assert_int_equal(
		rtc_candidate(6, "candidate:1 1 udp 1 198.51.100.9 5000 typ host"), -ENOENT
	);
	scene_run(&scene, 30);
	assert_int_equal(client->n_failed, 0);
	scene_close(&scene);
}

static void watching(void **) {
	struct client *client;
	struct scene scene;

	scene_open(&scene, true, public_address);
	client = answered_client(&scene, 5, SDP_WATCH);
	assert_int_equal(client->n_tracks, 1);
	assert_int_equal(client->want_index[0], 0);
	assert_int_equal(client->tracks[0].payload_type, 111); // the viewer's number
	assert_int_equal(client->tracks[0].ssrc, 0x5eed);
	assert_non_null(strstr(client->answer, "cname-of-ours"));
	assert_non_null(strstr(client->answer, "stream-of-ours"));
	// 1:1 NAT: the public address of the family we have, with the public port
	assert_non_null(strstr(client->answer, " 203.0.113.5 3478 typ host"));
	assert_null(strstr(client->answer, "127.0.0.1 3478"));
	assert_null(strstr(client->answer, " 2001::"));
	scene_close(&scene);
}

static void lost_last_flight(void **) {
	struct client *client;
	struct scene scene;

	scene_open(&scene, true, NULL);
	client = answered_client(&scene, 9, SDP_PUBLISH);
	client->lose_last = true;
	client_connect(&scene, client);
	scene_until(&scene, &client->n_connected, 1);
	assert_false(client->dtls->done);
	until_quiet(&scene, 1); // the agent is gone
	client->lose_last = false;
	for (unsigned i = 0; i < 20 && !client->dtls->done; i++) {
		dtls_peer_timeout(client->dtls);
		client_flush(&scene, client);
		scene_run(&scene, 20);
	}
	assert_true(client->dtls->done);
	assert_int_equal(client->n_closed + client->n_failed, 0);
	scene_close(&scene);
}

static void wrong_fingerprint(void **) {
	struct client *client;
	struct rtc_stats stats;
	struct scene scene;
	char *digit;

	scene_open(&scene, true, NULL);
	client = scene_client(&scene, 3, SDP_PUBLISH);
	digit = strstr(client->offer, "sha-256 ") + 8;
	*digit = *digit == '0' ? '1' : '0';
	assert_int_equal(client_create(client, SDP_PUBLISH), 0);
	scene_until(&scene, &client->n_answered, 1);
	client_connect(&scene, client);
	scene_until(&scene, &client->n_failed, 1);
	assert_int_equal(client->why, RTC_FAILED_FINGERPRINT);
	assert_int_equal(scene.plane.n_secured, 0);
	assert_int_equal(client->n_connected, 0);
	until_quiet(&scene, 0);
	rtc_stats(&stats);
	assert_int_equal(stats.handshake_failures, 1);
	scene_close(&scene);
}

static void soon(struct rtc_config *config) {
	config->connect_timeout_ms = 200;
}

static void timeouts(void **) {
	struct client *silent, *keyless;
	struct rtc_stats stats;
	struct scene scene;

	scene_open(&scene, true, soon);
	silent = answered_client(&scene, 3, SDP_PUBLISH);
	scene_until(&scene, &silent->n_failed, 1);
	assert_int_equal(silent->why, RTC_FAILED_TIMEOUT);
	scene.plane.secure_status = -1; // the dataplane does not answer
	keyless = answered_client(&scene, 4, SDP_PUBLISH);
	client_connect(&scene, keyless);
	scene_until(&scene, &keyless->n_failed, 1);
	// A slow machine may not even reach the keys in time.
	assert_true(keyless->why == RTC_FAILED_DATAPLANE || keyless->why == RTC_FAILED_TIMEOUT);
	assert_int_equal(keyless->n_connected, 0);
	until_quiet(&scene, 0);
	rtc_stats(&stats);
	assert_true(stats.timeouts >= 1);
	scene_close(&scene);
}

static void keys_refused(void **) {
	struct client *client;
	struct scene scene;

	scene_open(&scene, true, NULL);
	scene.plane.secure_status = ENOENT;
	client = answered_client(&scene, 4, SDP_PUBLISH);
	client_connect(&scene, client);
	scene_until(&scene, &client->n_failed, 1);
	assert_int_equal(client->why, RTC_FAILED_DATAPLANE);
	assert_int_equal(client->n_connected, 0);
	scene_run(&scene, 50);
	assert_true(client->dtls->closed); // it was told
	until_quiet(&scene, 0);
	scene_close(&scene);
}

static void bad_offers(void **) {
	static const struct {
		const char *from, *to;
		enum rtc_failure why;
	} cases[] = {
		{"v=0", "x=0", RTC_FAILED_SDP},
		{"a=rtcp-mux", "a=rtcp-mix", RTC_FAILED_SDP},
		{"a=fingerprint", "a=fingerprunt", RTC_FAILED_SDP},
		{"sha-256 ", "sha-1 ", RTC_FAILED_SDP},
		{"a=ice-ufrag", "a=ice-afrag", RTC_FAILED_SDP},
		{"opus/48000", "xpus/48000", RTC_FAILED_CODEC},
		{"a=extmap-allow-mixed", "a=ice-lite", RTC_FAILED_SDP},
	};
	struct scene scene;

	scene_open(&scene, true, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct client *client = scene_client(&scene, 10 + i, SDP_PUBLISH);
		char before[SCENE_SDP_MAX], *at;

		strcpy(before, client->offer);
		at = strstr(before, cases[i].from);
		assert_non_null(at);
		snprintf(
			client->offer,
			sizeof(client->offer),
			"%.*s%s%s",
			(int)(at - before),
			before,
			cases[i].to,
			at + strlen(cases[i].from)
		);
		assert_int_equal(client_create(client, SDP_PUBLISH), 0);
		scene_until(&scene, &client->n_failed, 1);
		if (client->why != cases[i].why)
			fail_msg("%s: %d %s", cases[i].to, client->why, client->text);
		assert_true(strlen(client->text) > 0);
		assert_int_equal(client->n_answered, 0);
	}
	until_quiet(&scene, 0);
	scene_close(&scene);
}

static void few(struct rtc_config *config) {
	config->max_agents = 1;
}

static void busy(void **) {
	struct client *clients[4];
	struct scene scene;

	scene_open(&scene, true, few);
	for (unsigned i = 0; i < 2; i++)
		clients[i] = answered_client(&scene, 20 + i, SDP_PUBLISH);
	assert_int_not_equal(clients[0]->channel, clients[1]->channel); // spread
	assert_int_equal(client_create(clients[0], SDP_PUBLISH), -EEXIST);
	clients[2] = scene_client(&scene, 22, SDP_PUBLISH);
	assert_int_equal(client_create(clients[2], SDP_PUBLISH), 0);
	scene_until(&scene, &clients[2]->n_failed, 1);
	assert_int_equal(clients[2]->why, RTC_FAILED_BUSY);
	// A connected one no longer counts.
	client_connect(&scene, clients[0]);
	scene_until(&scene, &clients[0]->n_connected, 1);
	for (unsigned i = 0; i < 500 && agents_now() > 1; i++)
		scene_run(&scene, 10);
	clients[3] = answered_client(&scene, 23, SDP_PUBLISH);
	assert_int_equal(clients[3]->channel, clients[0]->channel);
	scene_close(&scene);
}

static void narrow_range(void **) {
	struct client *client;
	struct scene scene;
	unsigned n;

	scene_open(&scene, false, NULL);
	scene.plane.hello.agent_port_min = scene.plane.hello.agent_port_max = 35000;
	assert_true(plane_peer_up(&scene.plane));
	scene_until(&scene, &scene.plane.n_hello, 2);
	scene_run(&scene, 50);
	for (n = 0; n < 2; n++) {
		client = scene_client(&scene, 30 + n, SDP_PUBLISH);
		assert_int_equal(client_create(client, SDP_PUBLISH), 0);
		scene_until(&scene, &client->n_decided, 1);
		if (client->n_failed > 0)
			break;
	}
	assert_in_range(n, 0, 1); // one port, so not two connections
	assert_int_equal(client->why, RTC_FAILED_BUSY);
	scene_close(&scene);
}

static void dataplane_away(void **) {
	struct client *early, *late, *waiting;
	struct scene scene;

	scene_open(&scene, false, NULL);
	early = scene_client(&scene, 1, SDP_PUBLISH);
	assert_int_equal(client_create(early, SDP_PUBLISH), 0);
	scene_until(&scene, &early->n_failed, 1);
	assert_int_equal(early->why, RTC_FAILED_DATAPLANE);
	assert_true(plane_peer_up(&scene.plane));
	scene_until(&scene, &scene.plane.n_hello, 2); // by itself
	scene_run(&scene, 50);
	late = connected_client(&scene, 2);

	// Away and back, still the same: the keys that were not taken are offered again.
	scene.plane.secure_status = -1;
	waiting = answered_client(&scene, 3, SDP_PUBLISH);
	client_connect(&scene, waiting);
	scene_until(&scene, &scene.plane.n_secured, 2);
	plane_peer_down(&scene.plane);
	scene_run(&scene, 50);
	scene.plane.secure_status = 0;
	assert_true(plane_peer_up(&scene.plane));
	scene_until(&scene, &waiting->n_connected, 1);
	assert_int_equal(scene.plane.n_secured, 3);
	assert_memory_equal(
		&scene.plane.secured[1], &scene.plane.secured[2], sizeof(scene.plane.secured[1])
	);
	assert_int_equal(late->n_closed + late->n_failed, 0);

	// Another dataplane: nothing of the old one can go on, and no key goes out twice.
	plane_peer_down(&scene.plane);
	scene_run(&scene, 50);
	scene.plane.hello.boot_id++;
	assert_true(plane_peer_up(&scene.plane));
	scene_until(&scene, &late->n_closed, 1);
	scene_until(&scene, &waiting->n_closed, 1);
	assert_int_equal(scene.plane.n_secured, 3);
	until_quiet(&scene, 0);
	scene_close(&scene);
}

static void closing(void **) {
	struct client *client;
	struct scene scene;

	scene_open(&scene, true, NULL);
	client = connected_client(&scene, 8);
	assert_int_equal(rtc_close(8), 0);
	assert_int_equal(rtc_close(8), -ENOENT);
	until_quiet(&scene, 0);
	assert_true(client->dtls->closed); // close_notify came
	assert_int_equal(client->n_closed + client->n_failed, 0); // no callback
	// The id is free again, and a close at once after the create is in order.
	assert_int_equal(client_create(client, SDP_PUBLISH), 0);
	assert_int_equal(rtc_close(8), 0);
	until_quiet(&scene, 0);
	assert_int_equal(client->n_failed, 0);
	// The end of the process is no end of anybody's media.
	client = connected_client(&scene, 9);
	rtc_stop();
	scene_run(&scene, 20);
	assert_false(client->dtls->closed);
	scene_close(&scene);
}

static void restart_when_secure(void **) {
	struct plm_ice_credentials first;
	struct client *client;
	struct scene scene;

	scene_open(&scene, true, NULL);
	client = connected_client(&scene, 8);
	first = client->credentials;
	ice_peer_restart(client->ice);
	client_offer(client, SDP_PUBLISH);
	assert_int_equal(rtc_restart(8, client->offer, strlen(client->offer)), 0);
	scene_until(&scene, &client->n_restarted, 1);
	assert_int_equal(client->port_v4, 0);
	assert_int_equal(client->port_v6, 0);
	assert_string_not_equal(client->credentials.local_ufrag, first.local_ufrag);
	assert_string_not_equal(client->credentials.local_pwd, first.local_pwd);
	assert_string_equal(client->credentials.remote_ufrag, client->ice->ufrag);
	assert_non_null(strstr(client->answer, client->credentials.local_ufrag));
	assert_non_null(strstr(client->answer, " 127.0.0.1 3478 typ host"));
	until_quiet(&scene, 1); // no new agent
	// DTLS goes on: the client's close still comes through.
	dtls_peer_close(client->dtls);
	client_flush(&scene, client);
	scene_until(&scene, &client->n_closed, 1);
	assert_int_equal(rtc_restart(8, client->offer, strlen(client->offer)), -ENOENT);
	scene_close(&scene);
}

static void restart_while_connecting(void **) {
	struct client *client;
	struct scene scene;
	uint16_t port;

	scene_open(&scene, true, NULL);
	client = answered_client(&scene, 8, SDP_PUBLISH);
	port = client->port_v4;
	ice_peer_restart(client->ice);
	client_offer(client, SDP_PUBLISH);
	assert_int_equal(rtc_restart(8, client->offer, strlen(client->offer)), 0);
	scene_until(&scene, &client->n_restarted, 1);
	assert_int_equal(client->port_v4, port); // the same agent
	client_connect(&scene, client);
	scene_until(&scene, &client->n_connected, 1);
	scene_close(&scene);
}

static void restart_refusals(void **) {
	struct client *client;
	struct scene scene;
	char *digit;

	scene_open(&scene, true, NULL);
	client = connected_client(&scene, 8);
	assert_int_equal(rtc_restart(8, client->offer, strlen(client->offer)), 0); // no news
	scene_until(&scene, &client->n_refused, 1);
	assert_int_equal(client->why, RTC_FAILED_SDP);
	assert_int_equal(rtc_restart(8, "rubbish", 7), 0);
	scene_until(&scene, &client->n_refused, 2);
	ice_peer_restart(client->ice);
	client_offer(client, SDP_PUBLISH);
	digit = strstr(client->offer, "sha-256 ") + 8;
	*digit = *digit == '0' ? '1' : '0'; // another certificate
	assert_int_equal(rtc_restart(8, client->offer, strlen(client->offer)), 0);
	scene_until(&scene, &client->n_refused, 3);
	assert_int_equal(client->why, RTC_FAILED_SDP);
	assert_int_equal(client->n_restarted, 0);
	// None of it ended the connection.
	assert_int_equal(client->n_closed + client->n_failed, 0);
	dtls_peer_close(client->dtls);
	client_flush(&scene, client);
	scene_until(&scene, &client->n_closed, 1);
	scene_close(&scene);
}

// What a dataplane must never send is ignored, and the connection to it survives.
static void odd_messages(void **) {
	struct {
		struct plm_api_header header;
		struct plm_dtls_record record;
	} message = {0};
	struct client *client;
	struct scene scene;

	scene_open(&scene, true, NULL);
	client = connected_client(&scene, 8);
	plane_peer_raw(&scene.plane, "x", 1);
	plane_peer_raw(&scene.plane, &message, sizeof(message.header));
	message.header.type = PLM_API_DTLS_RECORD;
	message.header.flags = PLM_API_EVENT;
	message.header.length = 8; // shorter than its fixed part
	plane_peer_raw(&scene.plane, &message, sizeof(message.header) + 8);
	message.header.length = 16 + 4;
	message.record.transport_id = 8;
	message.record.len = 5; // more than there is
	plane_peer_raw(&scene.plane, &message, sizeof(message.header) + 20);
	message.record.len = UINT16_MAX;
	plane_peer_raw(&scene.plane, &message, sizeof(message.header) + 20);
	message.header.flags = PLM_API_REPLY; // to nothing we asked
	message.header.type = PLM_API_TRANSPORT_SECURE;
	message.header.seq = 4711;
	plane_peer_raw(&scene.plane, &message, sizeof(message.header) + 20);
	plane_peer_record(&scene.plane, client->channel, 999, (const uint8_t *)"record", 6);
	scene_run(&scene, 50);
	assert_int_equal(scene.plane.n_hello, 2);
	dtls_peer_close(client->dtls);
	client_flush(&scene, client);
	scene_until(&scene, &client->n_closed, 1);
	scene_close(&scene);
}

// ---------------------------------------------------------------------------- leaks

static unsigned count_fds(void) {
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

static void no_leak(void **) {
	struct client *client;
	struct scene scene;
	unsigned before = 0;

	scene_open(&scene, true, NULL);
	for (unsigned i = 0; i < 200; i++) {
		if (i == 8) { // what is opened once is open
			until_quiet(&scene, 0);
			before = count_fds();
		}
		client = scene_client(&scene, 1000 + i, i % 2 ? SDP_WATCH : SDP_PUBLISH);
		assert_int_equal(client_create(client, i % 2 ? SDP_WATCH : SDP_PUBLISH), 0);
		if (i % 4 > 0)
			scene_until(&scene, &client->n_answered, 1);
		if (i % 4 == 2)
			client_connect(&scene, client);
		if (i % 8 == 2) {
			scene.plane.n_secured = 0;
			scene_until(&scene, &client->n_connected, 1);
		}
		assert_int_equal(rtc_close(client->id), 0);
		scene_clear(&scene);
	}
	until_quiet(&scene, 0);
	scene_run(&scene, 50);
	assert_int_equal(count_fds(), before);
	scene_close(&scene);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_life),
		cmocka_unit_test(ice_connects),
		cmocka_unit_test(watching),
		cmocka_unit_test(lost_last_flight),
		cmocka_unit_test(wrong_fingerprint),
		cmocka_unit_test(timeouts),
		cmocka_unit_test(keys_refused),
		cmocka_unit_test(bad_offers),
		cmocka_unit_test(busy),
		cmocka_unit_test(narrow_range),
		cmocka_unit_test(dataplane_away),
		cmocka_unit_test(closing),
		cmocka_unit_test(restart_when_secure),
		cmocka_unit_test(restart_while_connecting),
		cmocka_unit_test(restart_refusals),
		cmocka_unit_test(odd_messages),
		cmocka_unit_test(no_leak),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
