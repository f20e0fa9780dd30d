// SPDX-License-Identifier: BSD-3-Clause

// WebSocket and signaling, and what strangers do to them.

#include "../unit.h"
#include "server.h"
#include "server_fixture.h"
#include "signaling.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define GOOD_HEADERS                                                                               \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"             \
	"Sec-WebSocket-Protocol: plenum.v1\r\n"

// ---------------------------------------------------------------------------- handshake

static int start_with_origins(void **) {
	start("  origins: ['https://page.test', 'http://other.test:81']\n");
	return 0;
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
	conn_id = last_conn_id; // written before the answer to hello
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

int main(void) {
	const struct CMUnitTest usual[] = {
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
		cmocka_unit_test_setup_teardown(test_goodbye, start_usual, stop),
	};
	int failed;

	if (!directory_make())
		return 2;
	failed = cmocka_run_group_tests(usual, start_usual, stop);
	failed += cmocka_run_group_tests(others, NULL, NULL);
	directory_remove();
	return failed;
}
