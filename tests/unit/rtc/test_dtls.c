// SPDX-License-Identifier: BSD-3-Clause

#include "dtls.h"
#include "dtls_peer.h"

#include <plm_secret.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
// clang-format off
#include <cmocka.h> // after what it does not include itself
// clang-format on

#define CHROMIUM_PROFILES "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM"

struct link {
	struct cert *cert;
	struct dtls_context *context;
	struct dtls_peer *peer;
	struct dtls *dtls;
	struct dtls_peer_datagram out[DTLS_PEER_QUEUE]; // what the server sent
	unsigned n_out;
	unsigned client_sent; // datagrams given to the server
};

static void server_send(void *user, const uint8_t *data, size_t len) {
	struct link *link = user;
	struct dtls_peer_datagram *datagram;

	assert_in_range(len, 1, DTLS_MTU);
	assert_in_range(link->n_out, 0, DTLS_PEER_QUEUE - 1);
	datagram = &link->out[link->n_out++];
	datagram->len = len;
	memcpy(datagram->data, data, len);
}

static struct link *link_open_mtu(
	const char *profiles,
	bool with_cert,
	const char *hash,
	bool wrong,
	unsigned mtu
) {
	struct link *link = calloc(1, sizeof(*link));
	uint8_t digest[64];
	size_t len = strcmp(hash, "sha-512") == 0 ? 64 : strcmp(hash, "sha-384") == 0 ? 48 : 32;
	char name[16];

	snprintf(name, sizeof(name), "sha%s", hash + 4);
	link->cert = cert_new();
	assert_non_null(link->cert);
	link->context = dtls_context_new(link->cert);
	assert_non_null(link->context);
	link->peer = dtls_peer_new(profiles, with_cert, mtu);
	assert_non_null(link->peer);
	dtls_peer_fingerprint(link->peer, name, digest);
	if (wrong)
		digest[len - 1] ^= 1;
	link->dtls = dtls_new(link->context, hash, digest, len, server_send, link);
	assert_non_null(link->dtls);
	return link;
}

static struct link *link_open(const char *profiles) {
	return link_open_mtu(profiles, true, "sha-256", false, 1200);
}

static void link_close(struct link *link) {
	dtls_free(link->dtls);
	dtls_context_free(link->context);
	cert_free(link->cert);
	dtls_peer_free(link->peer);
	free(link);
}

// All that the client has to say goes to the server.
static void to_server(struct link *link) {
	for (unsigned i = 0; i < link->peer->n_out; i++) {
		dtls_input(link->dtls, link->peer->out[i].data, link->peer->out[i].len);
		link->client_sent++;
	}
	link->peer->n_out = 0;
}

static void to_client(struct link *link) {
	unsigned n = link->n_out;

	link->n_out = 0;
	for (unsigned i = 0; i < n; i++)
		dtls_peer_input(link->peer, link->out[i].data, link->out[i].len);
}

static void shake(struct link *link) {
	dtls_peer_start(link->peer);
	for (unsigned i = 0; i < 10 && (link->peer->n_out > 0 || link->n_out > 0); i++) {
		to_server(link);
		to_client(link);
	}
}

static void assert_no_keys(struct link *link) {
	struct plm_srtp_key rx, tx;
	uint16_t suite;

	assert_int_equal(dtls_export(link->dtls, &suite, &rx, &tx), -EPERM);
}

// ---------------------------------------------------------------------------- tests

static void suites(void **) {
	static const struct {
		const char *offered;
		uint16_t expected;
		size_t key, salt;
	} cases[] = {
		{CHROMIUM_PROFILES, PLM_SRTP_AEAD_AES_128_GCM, 16, 12},
		{"SRTP_AES128_CM_SHA1_80", PLM_SRTP_AES128_CM_HMAC_SHA1_80, 16, 14},
		{"SRTP_AES128_CM_SHA1_32:SRTP_AES128_CM_SHA1_80",
		 PLM_SRTP_AES128_CM_HMAC_SHA1_80,
		 16,
		 14},
		{"SRTP_AEAD_AES_256_GCM", PLM_SRTP_AEAD_AES_256_GCM, 32, 12},
		{"SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80",
		 PLM_SRTP_AES128_CM_HMAC_SHA1_80,
		 16,
		 14},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint8_t client[PLM_SRTP_KEY_MAX] = {0}, server[PLM_SRTP_KEY_MAX] = {0};
		struct link *link = link_open(cases[i].offered);
		struct plm_srtp_key rx, tx;
		uint16_t suite;

		assert_no_keys(link); // before
		assert_int_equal(dtls_timeout_ms(link->dtls), -1);
		shake(link);
		assert_true(link->peer->done);
		assert_int_equal(dtls_state(link->dtls), DTLS_ESTABLISHED);
		assert_int_equal(dtls_export(link->dtls, &suite, &rx, &tx), 0);
		assert_int_equal(suite, cases[i].expected);
		assert_true(
			dtls_peer_export(link->peer, cases[i].key, cases[i].salt, client, server)
		);
		assert_memory_equal(rx.bytes, client, sizeof(client));
		assert_memory_equal(tx.bytes, server, sizeof(server));
		assert_memory_not_equal(rx.bytes, tx.bytes, cases[i].key);
		assert_int_equal(SSL_version(link->peer->ssl), DTLS1_2_VERSION);
		assert_int_equal(SSL_session_reused(link->peer->ssl), 0);
		assert_false(SSL_SESSION_has_ticket(SSL_get_session(link->peer->ssl)));
		assert_int_equal(dtls_timeout_ms(link->dtls), -1);
		link_close(link);
	}
}

static void hashes(void **) {
	static const char *const good[] = {"sha-256", "sha-384", "sha-512"};
	static const struct {
		const char *hash;
		size_t len;
	} bad[] = {
		{"sha-1", 20},
		{"md5", 16},
		{"sha-256", 20},
		{"sha-256", 0},
		{"", 32},
		{"SHA-256x", 32}};
	struct link *link;
	uint8_t digest[64] = {0};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		link = link_open_mtu(CHROMIUM_PROFILES, true, good[i], false, 1200);
		shake(link);
		assert_int_equal(dtls_state(link->dtls), DTLS_ESTABLISHED);
		link_close(link);
		link = link_open_mtu(CHROMIUM_PROFILES, true, good[i], true, 1200);
		shake(link);
		assert_int_equal(dtls_error(link->dtls), DTLS_ERROR_FINGERPRINT);
		assert_no_keys(link);
		link_close(link);
	}
	link = link_open(CHROMIUM_PROFILES);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		errno = 0;
		assert_null(
			dtls_new(link->context, bad[i].hash, digest, bad[i].len, server_send, link)
		);
		assert_int_equal(errno, EINVAL);
	}
	link_close(link);
}

static void wrong_fingerprint(void **) {
	struct link *link = link_open_mtu(CHROMIUM_PROFILES, true, "sha-256", true, 1200);

	shake(link);
	assert_int_equal(dtls_state(link->dtls), DTLS_FAILED);
	assert_int_equal(dtls_error(link->dtls), DTLS_ERROR_FINGERPRINT);
	assert_no_keys(link);
	assert_false(link->peer->done);
	assert_true(link->peer->failed); // it was told
	// Nothing brings it back.
	dtls_peer_timeout(link->peer);
	to_server(link);
	assert_int_equal(dtls_state(link->dtls), DTLS_FAILED);
	assert_no_keys(link);
	link_close(link);
}

static void no_certificate(void **) {
	struct link *link = link_open_mtu(CHROMIUM_PROFILES, false, "sha-256", false, 1200);

	shake(link);
	assert_int_equal(dtls_state(link->dtls), DTLS_FAILED);
	assert_int_equal(dtls_error(link->dtls), DTLS_ERROR_HANDSHAKE);
	assert_no_keys(link);
	assert_false(link->peer->done);
	link_close(link);
}

static void no_srtp(void **) {
	static const char *const offered[] = {NULL, "SRTP_AES128_CM_SHA1_32"};

	for (size_t i = 0; i < 2; i++) {
		struct link *link = link_open(offered[i]);

		shake(link);
		assert_int_equal(dtls_state(link->dtls), DTLS_FAILED);
		assert_int_equal(dtls_error(link->dtls), DTLS_ERROR_NO_SRTP);
		assert_no_keys(link);
		link_close(link);
	}
}

// A ClientHello in several datagrams, as Chromium's with its post-quantum key share is.
static void fragmented_hello(void **) {
	struct link *link = link_open_mtu(CHROMIUM_PROFILES, true, "sha-256", false, 256);

	SSL_set_tlsext_host_name(
		link->peer->ssl,
		"a-name-that-is-long-enough-to-need-another-datagram.a-name-that-is-long-enough."
		"a-name-that-is-long-enough-to-need-another-datagram.example.org"
	);
	dtls_peer_start(link->peer);
	assert_true(link->peer->n_out >= 2);
	for (unsigned i = 0; i < 10 && (link->peer->n_out > 0 || link->n_out > 0); i++) {
		to_server(link);
		to_client(link);
	}
	assert_int_equal(dtls_state(link->dtls), DTLS_ESTABLISHED);
	link_close(link);
}

// Up to the server's last flight, which stays in link->out.
static void shake_but_last(struct link *link) {
	dtls_peer_start(link->peer);
	for (unsigned i = 0; i < 10; i++) {
		to_server(link);
		if (dtls_state(link->dtls) != DTLS_HANDSHAKE)
			break;
		to_client(link);
	}
	assert_int_equal(dtls_state(link->dtls), DTLS_ESTABLISHED);
	assert_false(link->peer->done);
	assert_true(link->n_out > 0);
}

static void lost_last_flight(void **) {
	struct link *link = link_open(CHROMIUM_PROFILES);

	shake_but_last(link);
	for (unsigned i = 0; i < 3; i++) {
		link->n_out = 0; // lost
		dtls_peer_timeout(link->peer);
		assert_true(link->peer->n_out > 0);
		to_server(link);
		assert_int_equal(dtls_state(link->dtls), DTLS_ESTABLISHED);
		assert_true(link->n_out > 0); // said again
	}
	to_client(link);
	assert_true(link->peer->done);
	dtls_peer_close(link->peer);
	to_server(link);
	assert_int_equal(dtls_state(link->dtls), DTLS_CLOSED);
	link_close(link);
}

static void lost_first_flight(void **) {
	struct link *link = link_open(CHROMIUM_PROFILES);
	int wait_ms;

	dtls_peer_start(link->peer);
	to_server(link);
	assert_true(link->n_out > 0);
	link->n_out = 0; // lost
	wait_ms = dtls_timeout_ms(link->dtls);
	assert_in_range(wait_ms, 1, 1000);
	dtls_timeout(link->dtls); // not due yet: nothing
	assert_int_equal(link->n_out, 0);
	nanosleep(&(struct timespec){.tv_nsec = (wait_ms + 20L) * 1000000}, NULL);
	assert_int_equal(dtls_timeout(link->dtls), DTLS_HANDSHAKE);
	assert_true(link->n_out > 0);
	to_client(link);
	to_server(link);
	to_client(link);
	assert_int_equal(dtls_state(link->dtls), DTLS_ESTABLISHED);
	assert_true(link->peer->done);
	link_close(link);
}

static void closing(void **) {
	struct link *link = link_open(CHROMIUM_PROFILES);

	shake(link);
	dtls_peer_close(link->peer);
	to_server(link);
	assert_int_equal(dtls_state(link->dtls), DTLS_CLOSED);
	assert_no_keys(link);
	link_close(link);

	link = link_open(CHROMIUM_PROFILES);
	shake(link);
	dtls_close(link->dtls);
	assert_int_equal(dtls_state(link->dtls), DTLS_CLOSED);
	assert_int_equal(link->n_out, 1);
	to_client(link);
	assert_true(link->peer->closed);
	link_close(link);

	// Before the end of the handshake there is nothing to close.
	link = link_open(CHROMIUM_PROFILES);
	dtls_close(link->dtls);
	assert_int_equal(link->n_out, 0);
	link_close(link);
}

static void garbage(void **) {
	static const uint8_t short_record[] = {22, 0xfe, 0xfd, 0, 0};
	static const uint8_t stun[32] = {0, 1, 0, 12, 0x21, 0x12, 0xa4, 0x42};
	// plain text alerts and handshake messages of epoch 0, as anybody can write them
	static const uint8_t alert[] = {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 99, 0, 2, 2, 40};
	static const uint8_t close_notify[] = {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 98, 0, 2, 1, 0};
	static const uint8_t finished[] = {
		22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 99, 0, 4, 1, 2, 3, 4};
	static const uint8_t bad_version[] = {22, 1, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 1, 2};
	static const uint8_t bad_length[] = {
		22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0xff, 0xff, 1, 2};
	static const uint8_t tls13[] = {0x2f, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	static const struct {
		const uint8_t *data;
		size_t len;
	} junk[] = {
		{short_record, sizeof(short_record)},
		{stun, sizeof(stun)},
		{finished, sizeof(finished)},
		{bad_version, sizeof(bad_version)},
		{bad_length, sizeof(bad_length)},
		{tls13, sizeof(tls13)},
		{stun, 0},
	};
	struct link *link = link_open(CHROMIUM_PROFILES);
	struct plm_srtp_key rx, tx;
	uint16_t suite;

	for (size_t i = 0; i < sizeof(junk) / sizeof(*junk); i++)
		assert_int_equal(dtls_input(link->dtls, junk[i].data, junk[i].len), DTLS_HANDSHAKE);
	shake(link);
	assert_int_equal(dtls_state(link->dtls), DTLS_ESTABLISHED);
	for (size_t i = 0; i < sizeof(junk) / sizeof(*junk); i++)
		assert_int_equal(
			dtls_input(link->dtls, junk[i].data, junk[i].len), DTLS_ESTABLISHED
		);
	// Alerts without protection are nobody's word once there are keys.
	assert_int_equal(dtls_input(link->dtls, alert, sizeof(alert)), DTLS_ESTABLISHED);
	assert_int_equal(
		dtls_input(link->dtls, close_notify, sizeof(close_notify)), DTLS_ESTABLISHED
	);
	assert_int_equal(dtls_export(link->dtls, &suite, &rx, &tx), 0);
	link_close(link);
}

static void application_data(void **) {
	struct link *link = link_open(CHROMIUM_PROFILES);

	shake(link);
	assert_int_equal(SSL_write(link->peer->ssl, "hello", 5), 5);
	to_server(link);
	assert_int_equal(dtls_state(link->dtls), DTLS_ESTABLISHED);
	assert_int_equal(link->n_out, 0);
	link_close(link);
}

static void no_renegotiation(void **) {
	struct link *link = link_open(CHROMIUM_PROFILES);
	struct plm_srtp_key rx, tx, rx2, tx2;
	uint16_t suite;

	shake(link);
	assert_int_equal(dtls_export(link->dtls, &suite, &rx, &tx), 0);
	SSL_renegotiate(link->peer->ssl);
	SSL_do_handshake(link->peer->ssl);
	assert_true(link->peer->n_out > 0);
	for (unsigned i = 0; i < 6 && (link->peer->n_out > 0 || link->n_out > 0); i++) {
		to_server(link);
		to_client(link);
	}
	// Refused by an alert; the association is the old one, or closed by the client.
	if (dtls_state(link->dtls) == DTLS_ESTABLISHED) {
		assert_int_equal(dtls_export(link->dtls, &suite, &rx2, &tx2), 0);
		assert_memory_equal(&rx, &rx2, sizeof(rx));
		assert_memory_equal(&tx, &tx2, sizeof(tx));
	} else {
		assert_int_equal(dtls_state(link->dtls), DTLS_CLOSED);
	}
	link_close(link);
}

static void input_cap(void **) {
	// A record of epoch 5: OpenSSL throws it away, but it must count.
	uint8_t record[1000] = {22, 0xfe, 0xfd, 0, 5, 0, 0, 0, 0, 0, 1, 0x03, 0xdb};
	struct link *link = link_open(CHROMIUM_PROFILES);
	unsigned n = 0;

	while (dtls_input(link->dtls, record, sizeof(record)) == DTLS_HANDSHAKE)
		assert_true(++n < 100);
	assert_int_equal(n, DTLS_HANDSHAKE_INPUT_MAX / sizeof(record));
	assert_int_equal(dtls_error(link->dtls), DTLS_ERROR_TOO_MUCH);
	link_close(link);

	// After the handshake there is no cap: transports live for hours.
	link = link_open(CHROMIUM_PROFILES);
	shake(link);
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(dtls_input(link->dtls, record, sizeof(record)), DTLS_ESTABLISHED);
	link_close(link);
}

// A client on DTLS 1.0, or with cipher suites without forward secrecy, is refused.
static void downgrade(void **) {
	for (unsigned i = 0; i < 2; i++) {
		struct link *link = link_open(CHROMIUM_PROFILES);

		if (i == 0) {
			SSL_set_security_level(link->peer->ssl, 0);
			SSL_set_min_proto_version(link->peer->ssl, DTLS1_VERSION);
			SSL_set_max_proto_version(link->peer->ssl, DTLS1_VERSION);
		} else {
			SSL_set_cipher_list(link->peer->ssl, "AES128-GCM-SHA256:AES128-SHA");
		}
		shake(link);
		assert_int_equal(dtls_state(link->dtls), DTLS_FAILED);
		assert_int_equal(dtls_error(link->dtls), DTLS_ERROR_HANDSHAKE);
		link_close(link);
	}
}

static void certificates(void **) {
	struct cert *a = cert_new(), *b = cert_new();

	assert_non_null(a);
	assert_non_null(b);
	assert_int_equal(strlen(cert_fingerprint(a)), CERT_FINGERPRINT_LEN - 1);
	assert_memory_equal(cert_fingerprint(a), "sha-256 ", 8);
	for (const char *c = cert_fingerprint(a) + 8; *c != '\0'; c++)
		assert_non_null(strchr("0123456789ABCDEF:", *c));
	assert_string_not_equal(cert_fingerprint(a), cert_fingerprint(b));
	cert_free(a);
	cert_free(b);
	cert_free(NULL);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificates),
		cmocka_unit_test(suites),
		cmocka_unit_test(hashes),
		cmocka_unit_test(wrong_fingerprint),
		cmocka_unit_test(no_certificate),
		cmocka_unit_test(no_srtp),
		cmocka_unit_test(fragmented_hello),
		cmocka_unit_test(lost_last_flight),
		cmocka_unit_test(lost_first_flight),
		cmocka_unit_test(closing),
		cmocka_unit_test(garbage),
		cmocka_unit_test(application_data),
		cmocka_unit_test(no_renegotiation),
		cmocka_unit_test(input_cap),
		cmocka_unit_test(downgrade),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
