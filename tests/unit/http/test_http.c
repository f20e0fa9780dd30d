// SPDX-License-Identifier: BSD-3-Clause

// HTTP, TLS, the admin listener, certificates.

#include "../unit.h"
#include "config.h"
#include "server.h"
#include "server_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

// ---------------------------------------------------------------------------- HTTP

static const struct {
	const char *request;
	int status;
	const char *part; // of the answer
} http_cases[] = {
	{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 200, "<p>the page"},
	{"GET /index.html HTTP/1.1\r\nHost: a\r\n\r\n", 200, "text/html; charset=utf-8"},
	{"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", 200, "content-length: 11"},
	{"GET /lib/a-b_c.js?v=1 HTTP/1.1\r\nHost: a\r\n\r\n", 200, "text/javascript"},
	{"GET /lib/ HTTP/1.1\r\nHost: a\r\n\r\n", 404, "no such page"},
	{"GET /lib HTTP/1.1\r\nHost: a\r\n\r\n", 404, "no such page"},
	{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 405, "allow: GET, HEAD"},
	{"GET /none.js HTTP/1.1\r\nHost: a\r\n\r\n", 404, "no such page"},
	{"GET /.hidden.js HTTP/1.1\r\nHost: a\r\n\r\n", 404, "no such page"},
	{"GET /lib/.hidden.js HTTP/1.1\r\nHost: a\r\n\r\n", 404, "no such page"},
	{"GET /key.pem HTTP/1.1\r\nHost: a\r\n\r\n", 404, "no such page"},
	{"GET /link.txt HTTP/1.1\r\nHost: a\r\n\r\n", 404, "no such page"},
	{"GET /../secret.txt HTTP/1.1\r\nHost: a\r\n\r\n", 404, "no such page"},
	{"GET /lib/../../secret.txt HTTP/1.1\r\nHost: a\r\n\r\n", 404, "no such page"},
	{"GET /%2e%2e/secret.txt HTTP/1.1\r\nHost: a\r\n\r\n", 404, "no such page"},
	{"GET /lib/%2e%2e%2f%2e%2e/secret.txt HTTP/1.1\r\nHost: a\r\n\r\n", 404, "no such page"},
	{"GET /..%5csecret.txt HTTP/1.1\r\nHost: a\r\n\r\n", 404, "no such page"},
	{"GET /index.html%00.js HTTP/1.1\r\nHost: a\r\n\r\n", 404, "no such page"},
	{"GET //etc/passwd.txt HTTP/1.1\r\nHost: a\r\n\r\n", 404, "no such page"},
	{"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 200, "{\"status\":\"ok\"}"},
	{"GET /v1/none HTTP/1.1\r\nHost: a\r\n\r\n", 404, "there is nothing here"},
	{"GET /v1/rooms HTTP/1.1\r\nHost: a\r\n\r\n", 404, "there is nothing here"},
	{"GET /v1/signal HTTP/1.1\r\nHost: a\r\n\r\n", 400, "WebSocket handshake"},
	{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 200, "content-security-policy: default-src 'none'"},
	{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 200, "x-content-type-options: nosniff"},
	{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 200, "referrer-policy: no-referrer"},
	{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 200, "cache-control: no-cache"},
	{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 200, "server: plenum\r\n"},
	{"garbage\r\n\r\n", 400, ""},
	// the demo's tokens
	{"GET /v1/demo/token HTTP/1.1\r\nHost: a\r\n\r\n", 405, "POST"},
	{"POST /v1/demo/token HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
	 "Content-Length: 25\r\n\r\n{\"user\":\"u1\",\"room\":\"r\"}  ",
	 200,
	 "{\"token\":\"ey"},
	{"POST /v1/demo/token HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
	 "Content-Length: 13\r\n\r\n{\"user\":\"u1\"}",
	 200,
	 "cache-control: no-store"},
	{"POST /v1/demo/token HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n"
	 "Content-Length: 13\r\n\r\n{\"user\":\"u1\"}",
	 405,
	 "application/json"},
	{"POST /v1/demo/token HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
	 "Content-Length: 14\r\n\r\n{\"user\":\"<b>\"}",
	 400,
	 "user and room"},
	{"POST /v1/demo/token HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
	 "Content-Length: 1\r\n\r\n{",
	 400,
	 "user and room"},
	{"POST /v1/demo/token HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
	 "Content-Length: 99999999\r\n\r\n",
	 413,
	 ""},
};

static void test_http(void **) {
	static char text[8192];

	for (size_t i = 0; i < sizeof(http_cases) / sizeof(http_cases[0]); i++) {
		struct client *client = client_connect(i % 2 ? port : plain_port, i % 2, NULL);
		int status;

		assert_non_null(client);
		status = client_request(client, http_cases[i].request, text, sizeof(text));
		if (status != http_cases[i].status || strcasestr(text, http_cases[i].part) == NULL)
			fail_msg("%s: %d\n%s", http_cases[i].request, status, text);
		client_free(client);
	}
}

static void test_etag(void **) {
	char text[4096], request[512], tag[128];
	struct client *client = client_connect(port, true, NULL);
	const char *at;

	assert_non_null(client);
	assert_int_equal(
		client_request(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", text, sizeof(text)), 200
	);
	at = strcasestr(text, "\r\netag: ");
	assert_non_null(at);
	snprintf(tag, sizeof(tag), "%.*s", (int)strcspn(at + 8, "\r"), at + 8);
	snprintf(
		request,
		sizeof(request),
		"GET / HTTP/1.1\r\nHost: a\r\nIf-None-Match: %s\r\n\r\n",
		tag
	);
	assert_int_equal(client_request(client, request, text, sizeof(text)), 304);
	// on the same connection: the answer before had no body
	assert_int_equal(
		client_request(
			client,
			"GET / HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"x\"\r\n\r\n",
			text,
			sizeof(text)
		),
		200
	);
	client_free(client);
}

static const struct {
	const char *path, *headers;
	int status;
	const char *part;
} admin_cases[] = {
	{"/healthz", "Host: localhost:9080\r\n", 200, "ok"},
	{"/readyz", "Host: 127.0.0.1\r\n", 503, "\"dataplane\":false"},
	{"/readyz", "", 503, "dataplane"}, // without Host, as by a shell script
	{"/v1/rooms", "Host: [::1]:9080\r\n", 200, "\"what\":\"rooms\""},
	{"/v1/rooms/r.1", "Host: 127.0.0.1\r\n", 200, "\"id\":\"r.1\""},
	{"/v1/rooms/none", "Host: 127.0.0.1\r\n", 404, "nothing"},
	{"/v1/rooms/", "Host: 127.0.0.1\r\n", 404, "nothing"},
	{"/v1/rooms/a%00b", "Host: 127.0.0.1\r\n", 404, "nothing"},
	{"/v1/rooms/a/b", "Host: 127.0.0.1\r\n", 404, "nothing"},
	{"/", "Host: 127.0.0.1\r\n", 404, "nothing"},
	{"/v1/signal", "Host: 127.0.0.1\r\n", 404, "nothing"},
	{"/v1/rooms", "Host: rebound.test\r\n", 403, "localhost"},
	{"/v1/rooms", "Host: 127.0.0.1.rebound.test\r\n", 403, "localhost"},
	{"/v1/rooms", "Host: 127.0.0.1\r\nOrigin: https://page.test\r\n", 403, "localhost"},
};

static void test_admin(void **) {
	char text[4096], request[512];

	for (size_t i = 0; i < sizeof(admin_cases) / sizeof(admin_cases[0]); i++) {
		struct client *client = client_connect(admin_port, false, NULL);
		int status;

		assert_non_null(client);
		snprintf(
			request,
			sizeof(request),
			"GET %s HTTP/1.1\r\n%s\r\n",
			admin_cases[i].path,
			admin_cases[i].headers
		);
		status = client_request(client, request, text, sizeof(text));
		if (status != admin_cases[i].status
		    || strcasestr(text, admin_cases[i].part) == NULL)
			fail_msg("%s: %d\n%s", request, status, text);
		client_free(client);
	}
}

// ---------------------------------------------------------------------------- TLS

static void test_no_h2(void **) {
	struct client *client = client_connect(port, true, "\x02h2\x08http/1.1");
	size_t len;
	char text[256];

	assert_non_null(client);
	assert_memory_equal(client_alpn(client, &len), "http/1.1", 8);
	assert_int_equal(len, 8);
	client_free(client);
	assert_null(client_connect(port, true, "\x02h2"));
	// nor with prior knowledge
	client = client_connect(port, true, NULL);
	assert_non_null(client);
	assert_int_not_equal(
		client_request(client, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", text, sizeof(text)), 200
	);
	assert_null(strstr(text, "HTTP/2"));
	client_free(client);
}

// ---------------------------------------------------------------------------- limits

static void test_connections_per_ip(void **) {
	struct client *clients[20], *more;
	char text[1024];

	for (int i = 0; i < 20; i++) {
		clients[i] = client_connect(plain_port, false, NULL);
		assert_non_null(clients[i]);
		assert_int_equal(
			client_request(
				clients[i],
				"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
				text,
				sizeof(text)
			),
			200
		);
	}
	more = client_connect(plain_port, false, NULL);
	assert_non_null(more);
	assert_int_equal(
		client_request(
			more, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", text, sizeof(text)
		),
		0
	);
	client_free(more);
	// the operator still gets in
	more = client_connect(admin_port, false, NULL);
	assert_int_equal(
		client_request(
			more, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", text, sizeof(text)
		),
		200
	);
	client_free(more);
	for (int i = 0; i < 20; i++)
		client_free(clients[i]);
	// and who comes later, when there is room
	for (int i = 0; i < 100; i++) {
		int status;

		more = client_connect(plain_port, false, NULL);
		status = client_request(
			more, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", text, sizeof(text)
		);
		client_free(more);
		if (status == 200)
			return;
		msleep(20);
	}
	fail();
}

// ---------------------------------------------------------------------------- certificates

static void test_self_signed(void **) {
	char path[256], command[1024];
	struct stat key, again;

	start("");
	snprintf(path, sizeof(path), "%s/tls/new/plenum.key", directory);
	assert_int_equal(stat(path, &key), 0);
	assert_int_equal(key.st_mode & 07777, 0600);
	snprintf(
		command,
		sizeof(command),
		"openssl x509 -in %s/tls/new/plenum.crt -noout -ext subjectAltName | "
		"grep -q 'DNS:plenum.test, IP Address:127.0.0.1'",
		directory
	);
	assert_int_equal(system(command), 0);
	stop(NULL);
	// the next start takes the same
	start("");
	assert_int_equal(stat(path, &again), 0);
	assert_int_equal(key.st_ino, again.st_ino);
	stop(NULL);
}

static void bad_certificate(const char *certificate, const char *key, const char *why) {
	char text[1024], error[512] = "";
	struct config *bad = NULL;

	snprintf(
		text,
		sizeof(text),
		"control: {listen: [{address: 127.0.0.1, port: 0}], tls: {certificate: %s/%s, "
		"key: %s/%s}}",
		directory,
		certificate,
		directory,
		key
	);
	assert_int_equal(
		config_parse("t.yaml", (uint8_t *)text, strlen(text), &bad, error, sizeof(error)), 0
	);
	assert_int_equal(server_start(bad, NULL, error, sizeof(error)), -EINVAL);
	if (strstr(error, why) == NULL || strchr(error, '\n') != NULL)
		fail_msg("%s", error);
	config_free(bad);
}

static void test_bad_certificates(void **) {
	char command[2048];

	start("");
	stop(NULL);
	snprintf(
		command,
		sizeof(command),
		"cd %s && cp tls/new/plenum.key open.key && chmod 644 open.key && "
		"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x "
		"-keyout other.key -out other.crt 2>/dev/null && chmod 600 other.key && "
		"openssl x509 -in other.crt -days -1 -signkey other.key -out old.crt 2>/dev/null",
		directory
	);
	assert_int_equal(system(command), 0);
	bad_certificate("none.crt", "other.key", "none.crt");
	bad_certificate("other.crt", "none.key", "No such file");
	bad_certificate("other.crt", "open.key", "chmod 0600");
	bad_certificate("other.crt", "tls/new/plenum.key", "not the key of");
	bad_certificate("other.crt", "web/index.html", "mode 0644");
	bad_certificate("web/index.html", "other.key", "no certificate");
	bad_certificate("old.crt", "other.key", "expired");
}

// A port that is taken: one line, and nothing left behind.
static void test_port_taken(void **) {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
	} sa = {.v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
	char text[256], error[512] = "", want[64];
	struct config *second = NULL;
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, &sa.any, sizeof(sa)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, &sa.any, &len), 0);
	snprintf(
		text,
		sizeof(text),
		"control: {listen: [{address: 127.0.0.1, port: 0, tls: false}, "
		"{address: 127.0.0.1, port: %u, tls: false}]}",
		ntohs(sa.v4.sin_port)
	);
	assert_int_equal(
		config_parse(
			"t.yaml", (uint8_t *)text, strlen(text), &second, error, sizeof(error)
		),
		0
	);
	assert_int_equal(server_start(second, NULL, error, sizeof(error)), -EADDRINUSE);
	snprintf(want, sizeof(want), "cannot listen on 127.0.0.1:%u: ", ntohs(sa.v4.sin_port));
	assert_non_null(strstr(error, want));
	config_free(second);
	close(fd);
}

int main(void) {
	const struct CMUnitTest usual[] = {
		cmocka_unit_test(test_http),
		cmocka_unit_test(test_etag),
		cmocka_unit_test(test_admin),
		cmocka_unit_test(test_no_h2),
	};
	const struct CMUnitTest others[] = {
		cmocka_unit_test_setup_teardown(test_connections_per_ip, start_impatient, stop),
		cmocka_unit_test(test_self_signed),
		cmocka_unit_test(test_bad_certificates),
		cmocka_unit_test(test_port_taken),
	};
	int failed;

	if (!directory_make())
		return 2;
	failed = cmocka_run_group_tests(usual, start_usual, stop);
	failed += cmocka_run_group_tests(others, NULL, NULL);
	directory_remove();
	return failed;
}
