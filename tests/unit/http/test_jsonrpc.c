// SPDX-License-Identifier: BSD-3-Clause

#include "../unit.h"
#include "jsonrpc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEEP_17 "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]"
#define DEEP_16 "[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]"
#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
	const char *text;
	size_t len; // 0 = strlen
	int code; // 0 = fine
	const char *id; // as JSON; NULL = none
	const char *sentence; // part of it
} cases[] = {
	{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"hello\",\"params\":{}}", 0, 0, "1", NULL},
	{"{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"hello\"}", 0, 0, "\"a\"", NULL},
	{" {\"method\":\"hello\",\"jsonrpc\":\"2.0\"} ", 0, 0, NULL, NULL},
	{"{\"jsonrpc\":\"2.0\",\"id\":\"" A64 "\",\"method\":\"" A64 "\"}",
	 0,
	 0,
	 "\"" A64 "\"",
	 NULL},
	{"{\"jsonrpc\":\"2.0\",\"id\":9007199254740991,\"method\":\"m\"}",
	 0,
	 0,
	 "9007199254740991",
	 NULL},
	// not JSON
	{"", 0, -32700, NULL, "not JSON"},
	{"nonsense", 0, -32700, NULL, "not JSON"},
	{"{\"jsonrpc\":\"2.0\"", 0, -32700, NULL, "not JSON"},
	{"{\"jsonrpc\":\"2.0\"} x", 0, -32700, NULL, "not JSON"},
	{"{\"id\":1,\"id\":2}", 0, -32700, NULL, "twice"},
	{"{\"a\":\"\\u0000\"}", 0, -32700, NULL, "not JSON"},
	{"{\"a\":\"b\0c\"}", 11, -32700, NULL, "not JSON"},
	{"{\"a\":\"\xff\"}", 0, -32700, NULL, "not JSON"},
	{"{\"a\":\"\\ud800\"}", 0, -32700, NULL, "not JSON"},
	{"{\"a\":1e999}", 0, -32700, NULL, "not JSON"},
	{"{\"a\":99999999999999999999}", 0, -32700, NULL, "not JSON"},
	{"{\"a\":NaN}", 0, -32700, NULL, "not JSON"},
	// depth
	{DEEP_17, 0, -32700, NULL, "deeper than 16"},
	{"{\"a\":" DEEP_16 "}", 0, -32700, NULL, "deeper than 16"},
	{DEEP_16, 0, -32600, NULL, "batches"},
	{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"[[[[[[[[[[[[[[[[[[\\\"{{{{\"}",
	 0,
	 0,
	 "1",
	 NULL},
	// shape
	{"[]", 0, -32600, NULL, "batches"},
	{"\"hello\"", 0, -32700, NULL, NULL}, // jansson takes objects and arrays only
	{"{}", 0, -32600, NULL, "jsonrpc"},
	{"{\"id\":5}", 0, -32600, "5", "jsonrpc"},
	{"{\"jsonrpc\":\"1.0\",\"id\":5,\"method\":\"m\"}", 0, -32600, "5", "jsonrpc"},
	{"{\"jsonrpc\":2.0,\"id\":5,\"method\":\"m\"}", 0, -32600, "5", "jsonrpc"},
	{"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"m\"}", 0, -32600, NULL, "id"},
	{"{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"m\"}", 0, -32600, NULL, "id"},
	{"{\"jsonrpc\":\"2.0\",\"id\":\"\",\"method\":\"m\"}", 0, -32600, NULL, "id"},
	{"{\"jsonrpc\":\"2.0\",\"id\":\"a" A64 "\",\"method\":\"m\"}", 0, -32600, NULL, "id"},
	{"{\"jsonrpc\":\"2.0\",\"id\":9007199254740992,\"method\":\"m\"}", 0, -32600, NULL, "id"},
	{"{\"jsonrpc\":\"2.0\",\"id\":[1],\"method\":\"m\"}", 0, -32600, NULL, "id"},
	{"{\"jsonrpc\":\"2.0\",\"id\":1}", 0, -32600, "1", "method"},
	{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}", 0, -32600, "1", "method"},
	{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\"}", 0, -32600, "1", "method"},
	{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a" A64 "\"}", 0, -32600, "1", "method"},
	{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"more\":1}",
	 0,
	 -32600,
	 "1",
	 "unknown member"},
	{"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", 0, -32600, "1", "unknown member"},
	{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":[]}", 0, -32602, "1", "params"},
	{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":null}",
	 0,
	 -32602,
	 "1",
	 "params"},
};

static void assert_id(const json_t *id, const char *want) {
	char *text = id != NULL ? json_dumps(id, JSON_ENCODE_ANY) : NULL;

	if (want == NULL)
		assert_null(text);
	else
		assert_string_equal(text, want);
	free(text);
}

static void test_parse(void **) {
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = cases[i].len != 0 ? cases[i].len : strlen(cases[i].text);
		struct jsonrpc_message message = {0};
		struct jsonrpc_failure failure = {0};
		char *copy = malloc(len + 1);
		int ret;

		memcpy(copy, cases[i].text, len);
		ret = jsonrpc_parse(copy, len, &message, &failure);
		free(copy);
		if (cases[i].code == 0) {
			assert_int_equal(ret, 0);
			assert_id(message.id, cases[i].id);
			assert_true(json_is_object(message.params));
			jsonrpc_message_free(&message);
			continue;
		}
		if (ret != -EBADMSG || (int)failure.code != cases[i].code)
			fail_msg("case %zu: %d, code %d", i, ret, (int)failure.code);
		assert_null(message.params);
		assert_id(failure.id, cases[i].id);
		if (cases[i].sentence != NULL)
			assert_non_null(strstr(failure.sentence, cases[i].sentence));
		json_decref(failure.id);
	}
}

static void test_build(void **) {
	json_t *id = json_string("x"), *params = json_pack("{s:s}", "roomId", "r");
	char *text;

	text = jsonrpc_result(id, json_pack("{s:i}", "a", 1));
	assert_string_equal(text, "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":{\"a\":1}}");
	free(text);
	text = jsonrpc_result(id, NULL);
	assert_string_equal(text, "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":{}}");
	free(text);
	text = jsonrpc_error(id, PROTOCOL_ROOM_FULL, "The room is \"full\".\n");
	assert_string_equal(
		text,
		"{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"error\":{\"code\":4092,\"message\":"
		"\"The room is \\\"full\\\".\\n\",\"data\":{\"name\":\"room_full\"}}}"
	);
	free(text);
	text = jsonrpc_error(NULL, PROTOCOL_PARSE, "not utf-8 \xff");
	assert_string_equal(
		text,
		"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":"
		"\"parse_error\",\"data\":{\"name\":\"parse_error\"}}}"
	);
	free(text);
	text = jsonrpc_event("room.closed", json_incref(params));
	assert_string_equal(
		text,
		"{\"jsonrpc\":\"2.0\",\"method\":\"room.closed\",\"params\":{\"roomId\":\"r\"}}"
	);
	free(text);
	text = jsonrpc_event("server.reconnect", NULL);
	assert_string_equal(
		text, "{\"jsonrpc\":\"2.0\",\"method\":\"server.reconnect\",\"params\":{}}"
	);
	free(text);
	// the builders gave back what they took, and only that
	assert_int_equal(params->refcount, 1);
	assert_int_equal(id->refcount, 1);
	json_decref(params);
	json_decref(id);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_build),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
