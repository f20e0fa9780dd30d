// SPDX-License-Identifier: BSD-3-Clause

// The http thread from outside: TLS, HTTP, WebSocket, and what strangers do to it. rooms is a
// stand-in that answers at once; auth is the real one.

#include "../unit.h"
#include "auth.h"
#include "client.h"
#include "jsonrpc.h"
#include "rooms.h"
#include "schema.h"
#include "server.h"
#include "signaling.h"
#include "tokens.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ftw.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define GOOD_HEADERS                                                                               \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"             \
	"Sec-WebSocket-Protocol: plenum.v1\r\n"

static char directory[64];
static struct config *config;
static struct auth *auth;
static uint16_t port, plain_port, admin_port;

// ---------------------------------------------------------------------------- rooms' stand-in

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned n_hello, n_closed;
static uint64_t last_conn_id;

void rooms_hello(
	uint64_t conn_id,
	const struct rooms_identity *identity,
	const char *resume_token,
	json_t *hello_id
) {
	pthread_mutex_lock(&lock);
	n_hello++;
	last_conn_id = conn_id;
	pthread_mutex_unlock(&lock);
	signaling_send(
		conn_id,
		jsonrpc_result(
			hello_id,
			json_pack(
				"{s:s, s:s, s:s, s:[], s:{}, s:{}}",
				"userId",
				identity->user_id,
				"connectionId",
				"c",
				"resumeToken",
				resume_token != NULL ? resume_token : "none",
				"iceServers",
				"limits",
				"server"
			)
		)
	);
	json_decref(hello_id);
}

void rooms_request(uint64_t conn_id, json_t *id, const char *method, json_t *params) {
	signaling_send(
		conn_id, jsonrpc_result(id, json_pack("{s:s, s:o}", "did", method, "with", params))
	);
	json_decref(id);
}

void rooms_closed(uint64_t conn_id) {
	(void)conn_id;
	pthread_mutex_lock(&lock);
	n_closed++;
	pthread_mutex_unlock(&lock);
}

void rooms_admin(
	const char *what,
	const char *id,
	void (*done)(void *user, json_t *result),
	void *user
) {
	if (strcmp(what, "health") == 0)
		done(user, json_pack("{s:b}", "dataplane", 0));
	else if (id != NULL && strcmp(id, "none") == 0)
		done(user, NULL);
	else
		done(user, json_pack("{s:s, s:s?}", "what", what, "id", id));
}

// ---------------------------------------------------------------------------- start and stop

// A token of ten minutes from then.
static char *token_make(const char *user, int64_t then) {
	struct rooms_identity identity = {
		.room = "*",
		.may_create = true,
		.may_publish = true,
		.may_view = true,
		.expires_at = then + 600,
	};
	char *token;

	strcpy(identity.user_id, user);
	token = auth_make(auth, &identity, then);
	assert_non_null(token);
	return token;
}

static void file_make(const char *name, const char *text) {
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void start(const char *more) {
	char text[2048], error[512] = "";

	snprintf(
		text,
		sizeof(text),
		"control:\n  listen: [{address: 127.0.0.1, port: 0, tls: true},\n"
		"    {address: 127.0.0.1, port: 0, tls: false}]\n"
		"  tls: {directory: %s/tls/new, names: [plenum.test, 127.0.0.1]}\n"
		"  web_root: %s/web\n%s",
		directory,
		directory,
		more
	);
	if (config_parse("t.yaml", (uint8_t *)text, strlen(text), &config, error, sizeof(error))
	    < 0)
		fail_msg("%s", error);
	config->admin.addr.port = 0; // any
	auth = tokens_open(config, error, sizeof(error));
	if (auth == NULL)
		fail_msg("%s", error);
	if (server_start(config, auth, error, sizeof(error)) < 0)
		fail_msg("%s", error);
	port = server_port(0);
	plain_port = server_port(1);
	admin_port = server_port(2);
	assert_true(port != 0 && plain_port != 0 && admin_port != 0);
	n_hello = n_closed = 0;
}

static int stop(void **) {
	server_stop();
	auth_free(auth);
	config_free(config);
	return 0;
}

static int start_usual(void **) {
	start("");
	return 0;
}

static int start_impatient(void **) {
	start("  limits: {hello_timeout_ms: 300, ping_interval_ms: 150, send_queue_bytes: 65536,\n"
	      "           connections_per_ip: 20}\n");
	return 0;
}

static int start_with_origins(void **) {
	start("  origins: ['https://page.test', 'http://other.test:81']\n");
	return 0;
}

static void msleep(unsigned ms) {
	nanosleep(&(struct timespec){ms / 1000, (long)(ms % 1000) * 1000000}, NULL);
}

static unsigned count(const unsigned *counter) {
	unsigned now;

	pthread_mutex_lock(&lock);
	now = *counter;
	pthread_mutex_unlock(&lock);
	return now;
}

// Waits for *counter to reach n, at most 5 s.
static void wait_for(const unsigned *counter, unsigned n) {
	for (int i = 0; i < 500; i++) {
		if (count(counter) >= n)
			return;
		msleep(10);
	}
	fail_msg("%u never came", n);
}

// The next text message, which must be one of the protocol.
static json_t *message_get(struct client *client) {
	static char text[1 << 17];
	char why[256];
	json_t *json;

	assert_int_equal(client_receive(client, text, sizeof(text), NULL), 1);
	json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(json);
	if (schema_check(schema_protocol(), "response", json, "m", why, sizeof(why)) < 0
	    && schema_check(schema_protocol(), "failure", json, "m", why, sizeof(why)) < 0
	    && schema_check(schema_protocol(), "event", json, "m", why, sizeof(why)) < 0)
		fail_msg("%s: %s", text, why);
	return json;
}

static void expect_error(struct client *client, enum protocol_error code, const char *sentence) {
	json_t *json = message_get(client), *error = json_object_get(json, "error");

	assert_int_equal(json_integer_value(json_object_get(error, "code")), code);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(error, "data"), "name")),
		protocol_error_text(code)
	);
	if (sentence != NULL)
		assert_string_equal(json_string_value(json_object_get(error, "message")), sentence);
	json_decref(json);
}

static void say_hello(struct client *client) {
	char *token = token_make("u1", time(NULL)), text[2048];
	json_t *json;

	snprintf(
		text,
		sizeof(text),
		"{\"jsonrpc\":\"2.0\",\"id\":\"h\",\"method\":\"hello\",\"params\":{\"token\":\"%"
		"s\"}}",
		token
	);
	free(token);
	assert_true(client_text(client, text));
	json = message_get(client);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(json, "result"), "userId")), "u1"
	);
	json_decref(json);
}

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

// ---------------------------------------------------------------------------- TLS, handshake

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

static const struct {
	const char *headers;
	int status;
} handshakes[] = {
	{GOOD_HEADERS, 101},
	{GOOD_HEADERS "Origin: https://plenum.test:8443\r\n", 101},
	{GOOD_HEADERS "Origin: https://PLENUM.test:8443\r\n", 101},
	{GOOD_HEADERS "Origin: https://plenum.test\r\n", 403},
	{GOOD_HEADERS "Origin: https://page.test\r\n", 403},
	{GOOD_HEADERS "Origin: https://plenum.test:8443.page.test\r\n", 403},
	{GOOD_HEADERS "Origin: null\r\n", 403},
	{GOOD_HEADERS "Origin: \r\n", 403},
	{GOOD_HEADERS "Origin: file://plenum.test:8443\r\n", 403},
	{"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n", 400},
	{"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
	 "Sec-WebSocket-Protocol: chat, plenum.v2\r\n",
	 400},
	{"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
	 "Sec-WebSocket-Protocol: chat ,plenum.v1, other\r\n",
	 101},
	{"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 12\r\n"
	 "Sec-WebSocket-Protocol: plenum.v1\r\n",
	 426},
	{"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: plenum.v1\r\n",
	 426},
	{"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: plenum.v1\r\n", 400},
	{"Sec-WebSocket-Key: short\r\nSec-WebSocket-Version: 13\r\n"
	 "Sec-WebSocket-Protocol: plenum.v1\r\n",
	 400},
};

static void test_handshake(void **) {
	for (size_t i = 0; i < sizeof(handshakes) / sizeof(handshakes[0]); i++) {
		struct client *client = client_connect(port, true, NULL);

		assert_non_null(client);
		assert_int_equal(
			client_upgrade(client, handshakes[i].headers), handshakes[i].status
		);
		client_free(client);
	}
}

static void test_origins(void **) {
	static const struct {
		const char *origin;
		int status;
	} cases[] = {
		{"Origin: https://page.test\r\n", 101},
		{"Origin: http://other.test:81\r\n", 101},
		{"Origin: http://page.test\r\n", 403},
		{"Origin: https://plenum.test:8443\r\n", 403}, // our own is not in the list
		{"Origin: https://page.test.evil.test\r\n", 403},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct client *client = client_connect(port, true, NULL);
		char headers[512];

		snprintf(headers, sizeof(headers), "%s%s", GOOD_HEADERS, cases[i].origin);
		assert_int_equal(client_upgrade(client, headers), cases[i].status);
		client_free(client);
	}
}

// ---------------------------------------------------------------------------- frames

#define BIG 65537
static char big[BIG + 1];

static const struct {
	const char *name;
	struct frame frames[3];
	int code; // of the close frame
} frame_cases[] = {
	{"unmasked", {{.fin = 1, .opcode = 1, .unmasked = 1, .payload = "{}", .len = 2}}, 1002},
	{"RSV1 without extension",
	 {{.fin = 1, .rsv = 4, .opcode = 1, .payload = "{}", .len = 2}},
	 1002},
	{"RSV3", {{.fin = 1, .rsv = 1, .opcode = 9}}, 1002},
	{"reserved opcode", {{.fin = 1, .opcode = 3, .payload = "{}", .len = 2}}, 1002},
	{"reserved control opcode", {{.fin = 1, .opcode = 11}}, 1002},
	{"fragmented ping", {{.fin = 0, .opcode = 9}}, 1002},
	{"long ping", {{.fin = 1, .opcode = 9, .payload = big, .len = 126}}, 1002},
	{"long close", {{.fin = 1, .opcode = 8, .payload = big, .len = 126}}, 1002},
	{"continuation of nothing", {{.fin = 1, .opcode = 0, .payload = "{}", .len = 2}}, 1002},
	{"a new message inside another",
	 {{.fin = 0, .opcode = 1, .payload = "{", .len = 1},
	  {.fin = 1, .opcode = 1, .payload = "{}", .len = 2}},
	 1002},
	{"invalid UTF-8", {{.fin = 1, .opcode = 1, .payload = "\"\xc0\xaf\"", .len = 4}}, 1007},
	{"UTF-8 surrogate", {{.fin = 1, .opcode = 1, .payload = "\xed\xa0\x80", .len = 3}}, 1007},
	{"cut UTF-8", {{.fin = 1, .opcode = 1, .payload = "\xe2\x82", .len = 2}}, 1007},
	{"invalid UTF-8 in a later fragment",
	 {{.fin = 0, .opcode = 1, .payload = "{\"a\":\"", .len = 6},
	  {.fin = 0, .opcode = 0, .payload = "\xff", .len = 1}},
	 1007},
	{"binary", {{.fin = 1, .opcode = 2, .payload = "{}", .len = 2}}, 1003},
	{"too big", {{.fin = 1, .opcode = 1, .payload = big, .len = BIG}}, 1009},
	{"too big, by its header alone",
	 {{.fin = 1, .opcode = 1, .claimed_len = 1ULL << 62, .payload = "{", .len = 1}},
	 1009},
	{"too big, in fragments",
	 {{.fin = 0, .opcode = 1, .payload = big, .len = 40000},
	  {.fin = 1, .opcode = 0, .payload = big, .len = 40000}},
	 1009},
	{"negative length", {{.fin = 1, .opcode = 1, .claimed_len = 1ULL << 63}}, 1002},
	{"close of one byte", {{.fin = 1, .opcode = 8, .payload = "\x03", .len = 1}}, 0}, // lenient
	{"close with a code nobody may send",
	 {{.fin = 1, .opcode = 8, .payload = "\x03\xed", .len = 2}},
	 1002},
	{"close reason not UTF-8",
	 {{.fin = 1, .opcode = 8, .payload = "\x03\xe8\xff", .len = 3}},
	 1007},
	{"good close", {{.fin = 1, .opcode = 8, .payload = "\x03\xe8", .len = 2}}, 1000},
};

static void test_frames(void **) {
	memset(big, ' ', BIG);
	for (size_t i = 0; i < sizeof(frame_cases) / sizeof(frame_cases[0]); i++) {
		struct client *client = client_websocket(port);
		int code;

		assert_non_null(client);
		for (size_t k = 0; k < 3; k++) {
			const struct frame *frame = &frame_cases[i].frames[k];

			if (frame->fin || frame->opcode || frame->len)
				client_send(client, frame);
		}
		code = client_close_code(client);
		if (code != frame_cases[i].code)
			fail_msg("%s: closed with %d", frame_cases[i].name, code);
		assert_int_equal(client_receive(client, big, 1, NULL), -1);
		memset(big, ' ', BIG);
		client_free(client);
	}
	// nobody of them had said hello
	assert_int_equal(count(&n_hello), 0);
	assert_int_equal(count(&n_closed), 0);
}

static void test_good_frames(void **) {
	static const char hello[] = "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"nothing\"}";
	struct frame frame = {.fin = true, .opcode = 9, .payload = "abc", .len = 3};
	struct client *client = client_websocket(port);
	char payload[256];
	size_t len;

	assert_non_null(client);
	assert_true(client_send(client, &frame));
	assert_int_equal(client_receive(client, payload, sizeof(payload), &len), 10);
	assert_int_equal(len, 3);
	assert_string_equal(payload, "abc");
	// unasked pong: nothing
	frame.opcode = 10;
	assert_true(client_send(client, &frame));
	// fragments, with a ping in between
	frame = (struct frame){.fin = false, .opcode = 1, .payload = hello, .len = 10};
	assert_true(client_send(client, &frame));
	frame = (struct frame){.fin = true, .opcode = 9};
	assert_true(client_send(client, &frame));
	frame = (struct frame){
		.fin = true, .opcode = 0, .payload = hello + 10, .len = sizeof(hello) - 11};
	assert_true(client_send(client, &frame));
	assert_int_equal(client_receive(client, payload, sizeof(payload), &len), 10);
	expect_error(client, PROTOCOL_UNAUTHORIZED, "hello comes first");
	// as large as allowed
	memset(big, ' ', BIG);
	big[BIG - 1] = '\0';
	assert_true(client_text(client, big));
	expect_error(client, PROTOCOL_PARSE, NULL);
	client_free(client);
}

// ---------------------------------------------------------------------------- messages

static const struct {
	const char *text;
	enum protocol_error code;
	const char *sentence;
} message_cases[] = {
	{"garbage", PROTOCOL_PARSE, NULL},
	{"", PROTOCOL_PARSE, NULL},
	{"[[[[[[[[[[[[[[[[[[[[", PROTOCOL_PARSE, "nested deeper than 16"},
	{"{\"a\":1,\"a\":2}", PROTOCOL_PARSE, NULL},
	{"{\"a\":\"\\u0000\"}", PROTOCOL_PARSE, NULL},
	{"[]", PROTOCOL_INVALID_REQUEST, "batches are not supported"},
	{"{}", PROTOCOL_INVALID_REQUEST, "jsonrpc: must be \"2.0\""},
	{"{\"jsonrpc\":\"2.0\",\"method\":\"room.leave\"}",
	 PROTOCOL_INVALID_REQUEST,
	 "id: missing"},
	{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"no.such\"}",
	 PROTOCOL_UNKNOWN_METHOD,
	 "there is no such method"},
	{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"snapshot\"}",
	 PROTOCOL_UNKNOWN_METHOD,
	 "there is no such method"},
	{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"room.create\",\"params\":{\"type\":\"m2m\","
	 "\"admin\":true}}",
	 PROTOCOL_INVALID_PARAMS,
	 "params.admin: unknown"},
	{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"room.create\",\"params\":{\"type\":\"m2m\","
	 "\"roomId\":\"<script>\"}}",
	 PROTOCOL_INVALID_PARAMS,
	 "params.roomId: does not match ^[A-Za-z0-9_.@-]+$"},
	{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"hello\",\"params\":{\"token\":\"t\"}}",
	 PROTOCOL_INVALID_REQUEST,
	 "hello was said already"},
};

static void test_messages(void **) {
	static const struct frame nul = {.fin = true, .opcode = 1, .payload = "{\0}", .len = 3};
	struct client *client = client_websocket(port);
	json_t *json;

	assert_non_null(client);
	say_hello(client);
	for (size_t i = 0; i < sizeof(message_cases) / sizeof(message_cases[0]); i++) {
		assert_true(client_text(client, message_cases[i].text));
		expect_error(client, message_cases[i].code, message_cases[i].sentence);
	}
	assert_true(client_send(client, &nul));
	expect_error(client, PROTOCOL_PARSE, NULL);
	// after all of that it still serves
	assert_true(client_text(
		client,
		"{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"room.leave\",\"params\":"
		"{\"roomId\":\"r\"}}"
	));
	json = message_get(client);
	assert_string_equal(json_string_value(json_object_get(json, "id")), "x");
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(json, "result"), "did")),
		"room.leave"
	);
	json_decref(json);
	client_free(client);
	wait_for(&n_closed, 1);
}

static void test_no_hello_no_service(void **) {
	struct client *client = client_websocket(port);

	assert_non_null(client);
	assert_true(client_text(
		client,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"room.leave\",\"params\":{\"roomId\":"
		"\"r\"}}"
	));
	expect_error(client, PROTOCOL_UNAUTHORIZED, "hello comes first");
	client_free(client);
}

static void test_bad_tokens(void **) {
	char *expired = token_make("u1", time(NULL) - 3600);
	char *forged = token_make("u1", time(NULL)), text[2048];
	const char *const tokens[] = {"t", "a.b.c", expired, forged};

	forged[strlen(forged) - 2] ^= 1;
	for (size_t i = 0; i < 4; i++) {
		struct client *client = client_websocket(port);

		assert_non_null(client);
		snprintf(
			text,
			sizeof(text),
			"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"hello\",\"params\":{\"token\":"
			"\"%s\"}}",
			tokens[i]
		);
		assert_true(client_text(client, text));
		expect_error(client, PROTOCOL_UNAUTHORIZED, NULL);
		assert_int_equal(client_close_code(client), SIGNALING_CLOSE_UNAUTHORIZED);
		client_free(client);
	}
	assert_int_equal(count(&n_hello), 0);
	free(expired);
	free(forged);
}

// ---------------------------------------------------------------------------- limits

static void test_message_flood(void **) {
	static const char message[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"none\"}";
	struct client *client = client_websocket(port);
	unsigned n_limited = 0, n_served = 0;
	int code = -1;

	assert_non_null(client);
	for (int i = 0; i < 1000 && code < 0; i++) {
		char payload[1024];
		size_t len;
		int opcode;

		assert_true(client_text(client, message));
		opcode = client_receive(client, payload, sizeof(payload), &len);
		if (opcode == 8)
			code = (uint8_t)payload[0] << 8 | (uint8_t)payload[1];
		else if (strstr(payload, "rate_limited") != NULL)
			n_limited++;
		else
			n_served++;
	}
	assert_int_equal(code, SIGNALING_CLOSE_FLOOD);
	assert_true(n_served >= 50);
	assert_true(n_limited > 0);
	client_free(client);
}

static void flood(const struct frame *frame) {
	struct client *client = client_websocket(port);

	assert_non_null(client);
	for (int i = 0; i < 2000; i++) {
		if (!client_send(client, frame))
			break;
	}
	assert_int_equal(client_close_code(client), SIGNALING_CLOSE_FLOOD);
	client_free(client);
}

static void test_frame_floods(void **) {
	static const struct frame ping = {.fin = true, .opcode = 9, .payload = "x", .len = 1};
	static const struct frame pong = {.fin = true, .opcode = 10};
	struct frame fragment = {.fin = false, .opcode = 1, .payload = " ", .len = 1};
	struct client *client;

	flood(&ping);
	flood(&pong);
	client = client_websocket(port);
	assert_non_null(client);
	for (int i = 0; i < 2000; i++) {
		if (!client_send(client, &fragment))
			break;
		fragment.opcode = 0;
	}
	assert_int_equal(client_close_code(client), SIGNALING_CLOSE_FLOOD);
	client_free(client);
}

static void test_hello_timeout(void **) {
	struct client *client = client_websocket(port);

	assert_non_null(client);
	assert_int_equal(client_close_code(client), SIGNALING_CLOSE_UNAUTHORIZED);
	client_free(client);
	// and also for who keeps talking
	client = client_websocket(port);
	assert_non_null(client);
	for (int i = 0; i < 20; i++) {
		if (!client_text(client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"none\"}"))
			break;
		msleep(50);
	}
	assert_int_equal(client_close_code(client), SIGNALING_CLOSE_UNAUTHORIZED);
	client_free(client);
}

static void test_pings(void **) {
	struct frame pong = {.fin = true, .opcode = 10};
	struct client *client = client_websocket(port);
	char payload[1024];

	assert_non_null(client);
	say_hello(client);
	// who answers stays
	for (int i = 0; i < 6; i++) {
		assert_int_equal(client_receive(client, payload, sizeof(payload), NULL), 9);
		assert_true(client_send(client, &pong));
	}
	assert_int_equal(count(&n_closed), 0);
	// who does not is dropped after two
	assert_int_equal(client_receive(client, payload, sizeof(payload), NULL), 9);
	assert_int_equal(client_receive(client, payload, sizeof(payload), NULL), 9);
	assert_int_equal(client_receive(client, payload, sizeof(payload), NULL), -1);
	wait_for(&n_closed, 1);
	client_free(client);
}

static void test_slow_reader(void **) {
	struct client *client = client_websocket(port);
	uint64_t conn_id;

	assert_non_null(client);
	say_hello(client);
	pthread_mutex_lock(&lock);
	conn_id = last_conn_id;
	pthread_mutex_unlock(&lock);
	// more than the queue and the kernel's buffers hold
	for (int i = 0; i < 400; i++) {
		char *text = malloc(32769);

		memset(text, ' ', 32768);
		text[32768] = '\0';
		signaling_send(conn_id, text);
	}
	wait_for(&n_closed, 1);
	client_free(client);
	// gone is gone
	signaling_send(conn_id, strdup("{}"));
	signaling_close(conn_id, 1000, "again");
}

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

// ---------------------------------------------------------------------------- the end

static void *stop_thread(void *) {
	server_stop();
	return NULL;
}

static void test_goodbye(void **) {
	struct client *client = client_websocket(port), *idle;
	pthread_t thread;
	json_t *json;

	assert_non_null(client);
	say_hello(client);
	idle = client_connect(port, true, NULL); // never says anything
	assert_non_null(idle);
	assert_int_equal(pthread_create(&thread, NULL, stop_thread, NULL), 0);
	json = message_get(client);
	assert_string_equal(json_string_value(json_object_get(json, "method")), "server.reconnect");
	json_decref(json);
	assert_int_equal(client_close_code(client), SIGNALING_CLOSE_GOING_AWAY);
	client_free(client);
	pthread_join(thread, NULL);
	assert_int_equal(count(&n_closed), 1);
	assert_null(client_connect(port, true, NULL));
	client_free(idle);
	signaling_send(last_conn_id, strdup("{}")); // too late, and harmless
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

static int entry_remove(const char *path, const struct stat *, int, struct FTW *) {
	return remove(path);
}

int main(void) {
	const struct CMUnitTest usual[] = {
		cmocka_unit_test(test_http),
		cmocka_unit_test(test_etag),
		cmocka_unit_test(test_admin),
		cmocka_unit_test(test_no_h2),
		cmocka_unit_test(test_handshake),
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_good_frames),
		cmocka_unit_test(test_no_hello_no_service),
		cmocka_unit_test(test_bad_tokens),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_message_flood),
		cmocka_unit_test(test_frame_floods),
	};
	const struct CMUnitTest others[] = {
		cmocka_unit_test_setup_teardown(test_origins, start_with_origins, stop),
		cmocka_unit_test_setup_teardown(test_hello_timeout, start_impatient, stop),
		cmocka_unit_test_setup_teardown(test_pings, start_impatient, stop),
		cmocka_unit_test_setup_teardown(test_slow_reader, start_impatient, stop),
		cmocka_unit_test_setup_teardown(test_connections_per_ip, start_impatient, stop),
		cmocka_unit_test_setup_teardown(test_goodbye, start_usual, stop),
		cmocka_unit_test(test_self_signed),
		cmocka_unit_test(test_bad_certificates),
		cmocka_unit_test(test_port_taken),
	};
	char path[256];
	int failed;

	strcpy(directory, "/tmp/plenum-http-XXXXXX");
	if (mkdtemp(directory) == NULL)
		return 2;
	snprintf(path, sizeof(path), "%s/web", directory);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/web/lib", directory);
	mkdir(path, 0755);
	file_make("web/index.html", "<p>the page");
	file_make("web/lib/a-b_c.js", "// a module");
	file_make("web/lib/.hidden.js", "hidden");
	file_make("web/.hidden.js", "hidden");
	file_make("web/key.pem", "not for pages");
	file_make("secret.txt", "secret");
	snprintf(path, sizeof(path), "%s/web/link.txt", directory);
	if (symlink("../secret.txt", path) < 0)
		return 2;
	failed = cmocka_run_group_tests(usual, start_usual, stop);
	failed += cmocka_run_group_tests(others, NULL, NULL);
	nftw(directory, entry_remove, 8, FTW_DEPTH | FTW_PHYS);
	return failed;
}
