// SPDX-License-Identifier: BSD-3-Clause

#include "../unit.h"
#include "errors.h"
#include "schema.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---------------------------------------------------------------------------- the checker

static const char small[] = "{\"$defs\": {"
			    "\"id\": {\"type\": \"string\", \"minLength\": 1, \"maxLength\": 4,"
			    "         \"pattern\": \"^[a-z]+$\"},"
			    "\"all\": {\"type\": \"object\", \"required\": [\"id\"],"
			    "  \"additionalProperties\": false, \"properties\": {"
			    "    \"id\": {\"$ref\": \"#/$defs/id\"},"
			    "    \"n\": {\"type\": \"integer\", \"minimum\": -1, \"maximum\": 3},"
			    "    \"x\": {\"type\": \"number\"},"
			    "    \"b\": {\"type\": [\"boolean\", \"null\"]},"
			    "    \"e\": {\"enum\": [\"a\", \"b\", 1]},"
			    "    \"c\": {\"const\": \"2.0\"},"
			    "    \"l\": {\"type\": \"array\", \"maxItems\": 2, \"items\": {"
			    "      \"type\": \"object\", \"required\": [\"id\"],"
			    "      \"properties\": {\"id\": {\"$ref\": \"#/$defs/id\"}}}}}},"
			    "\"either\": {\"oneOf\": ["
			    "  {\"title\": \"a\", \"type\": \"object\", \"required\": [\"a\"]},"
			    "  {\"title\": \"b and c\", \"type\": \"object\","
			    "   \"required\": [\"b\", \"c\"]}]},"
			    "\"unnamed\": {\"oneOf\": [{\"$ref\": \"#/$defs/id\"},"
			    "  {\"type\": \"null\"}]},"
			    "\"endless\": {\"$ref\": \"#/$defs/endless\"}"
			    "}}";

static const struct {
	const char *definition;
	const char *value;
	const char *error; // NULL = fine
} cases[] = {
	{"id", "\"ab\"", NULL},
	{"id", "\"\"", "p: shorter than 1"},
	{"id", "\"abcde\"", "p: longer than 4"},
	{"id", "\"aB\"", "p: does not match ^[a-z]+$"},
	{"id", "\"a\\n\"", "p: does not match ^[a-z]+$"},
	{"id",
	 "\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\"",
	 "p: does not match ^[a-z]+$"}, // 4 characters
	{"id", "\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\"", "p: longer than 4"},
	{"id", "7", "p: not of type string"},
	{"all", "{\"id\": \"a\"}", NULL},
	{"all", "[]", "p: not of type object"},
	{"all", "{}", "p.id: missing"},
	{"all", "{\"id\": null}", "p.id: not of type string"},
	{"all", "{\"id\": \"a\", \"z\": 1}", "p.z: unknown"},
	{"all", "{\"id\": \"a\", \"a\\\"\\n<b>\": 1}", "p.?: unknown"},
	{"all", "{\"id\": \"a\", \"\": 1}", "p.?: unknown"},
	{"all", "{\"id\": \"a\", \"n\": 3}", NULL},
	{"all", "{\"id\": \"a\", \"n\": -1}", NULL},
	{"all", "{\"id\": \"a\", \"n\": 4}", "p.n: more than 3"},
	{"all", "{\"id\": \"a\", \"n\": -2}", "p.n: less than -1"},
	{"all", "{\"id\": \"a\", \"n\": 1.0}", "p.n: not of type integer"},
	{"all", "{\"id\": \"a\", \"n\": true}", "p.n: not of type integer"},
	{"all", "{\"id\": \"a\", \"x\": 1}", NULL},
	{"all", "{\"id\": \"a\", \"x\": 1.5}", NULL},
	{"all", "{\"id\": \"a\", \"x\": \"1\"}", "p.x: not of type number"},
	{"all", "{\"id\": \"a\", \"b\": null}", NULL},
	{"all", "{\"id\": \"a\", \"b\": false}", NULL},
	{"all", "{\"id\": \"a\", \"b\": 0}", "p.b: not of type boolean or null"},
	{"all", "{\"id\": \"a\", \"e\": \"b\"}", NULL},
	{"all", "{\"id\": \"a\", \"e\": 1}", NULL},
	{"all", "{\"id\": \"a\", \"e\": \"c\"}", "p.e: not one of a, b"},
	{"all", "{\"id\": \"a\", \"c\": \"2.0\"}", NULL},
	{"all", "{\"id\": \"a\", \"c\": 2.0}", "p.c: not the one value allowed"},
	{"all", "{\"id\": \"a\", \"l\": []}", NULL},
	{"all", "{\"id\": \"a\", \"l\": [{\"id\": \"a\"}, {\"id\": \"b\", \"more\": 1}]}", NULL},
	{"all", "{\"id\": \"a\", \"l\": [{\"id\": \"a\"}, {}]}", "p.l[1].id: missing"},
	{"all", "{\"id\": \"a\", \"l\": [1, 2, 3]}", "p.l: more than 2 elements"},
	{"all", "{\"id\": \"a\", \"l\": {}}", "p.l: not of type array"},
	{"either", "{\"a\": 1}", NULL},
	{"either", "{\"b\": 1, \"c\": 1}", NULL},
	{"either", "{\"b\": 1}", "p: needs either a, or b and c"},
	{"either", "{\"a\": 1, \"b\": 1, \"c\": 1}", "p: needs either a, or b and c"},
	{"either", "{}", "p: needs either a, or b and c"},
	{"unnamed", "null", NULL},
	{"unnamed", "\"a\"", NULL},
	{"unnamed", "1", "p: has none of the forms allowed"},
	{"endless", "1", "p: nested too deep"},
};

static void test_check(void **) {
	char error[128];
	struct schema *schema = schema_new(small, strlen(small), error, sizeof(error));

	assert_non_null(schema);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *value = json_loads(cases[i].value, JSON_DECODE_ANY, NULL);
		int ret;

		assert_non_null(value);
		strcpy(error, "untouched");
		ret = schema_check(schema, cases[i].definition, value, "p", error, sizeof(error));
		assert_string_equal(error, cases[i].error != NULL ? cases[i].error : "untouched");
		assert_int_equal(ret, cases[i].error != NULL ? -EINVAL : 0);
		json_decref(value);
	}
	assert_int_equal(schema_check(schema, "none", NULL, "p", error, sizeof(error)), -ENOENT);
	assert_int_equal(schema_check(schema, "id", NULL, "p", error, sizeof(error)), -EINVAL);
	schema_free(schema);
}

// What the checker does not understand must not be silently ignored.
static void test_refused_schemas(void **) {
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"{\"$defs\": []}",
		"{\"$defs\": {\"a\": 1}}",
		"{\"$defs\": {\"a\": {\"type\": \"text\"}}}",
		"{\"$defs\": {\"a\": {\"type\": [\"string\", 1]}}}",
		"{\"$defs\": {\"a\": {\"minItems\": 1}}}",
		"{\"$defs\": {\"a\": {\"format\": \"uri\"}}}",
		"{\"$defs\": {\"a\": {\"additionalProperties\": true}}}",
		"{\"$defs\": {\"a\": {\"additionalProperties\": {}}}}",
		"{\"$defs\": {\"a\": {\"pattern\": \"[a\"}}}",
		"{\"$defs\": {\"a\": {\"pattern\": 1}}}",
		"{\"$defs\": {\"a\": {\"maxLength\": -1}}}",
		"{\"$defs\": {\"a\": {\"maxLength\": \"1\"}}}",
		"{\"$defs\": {\"a\": {\"minimum\": 0.5}}}",
		"{\"$defs\": {\"a\": {\"required\": \"b\"}}}",
		"{\"$defs\": {\"a\": {\"$ref\": \"#/$defs/b\"}}}",
		"{\"$defs\": {\"a\": {\"$ref\": \"other.json\"}}}",
		"{\"$defs\": {\"a\": {\"oneOf\": {}}}}",
		"{\"$defs\": {\"a\": {\"oneOf\": [{\"type\": \"string\"}, {\"anyOf\": []}]}}}",
		"{\"$defs\": {\"a\": {\"properties\": {\"b\": {\"items\": {\"$ref\": 1}}}}}}",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char error[128] = "";

		assert_null(schema_new(bad[i], strlen(bad[i]), error, sizeof(error)));
		assert_int_equal(errno, EINVAL);
		assert_true(error[0] != '\0');
	}
}

// ---------------------------------------------------------------------------- the protocol

static const struct {
	const char *definition;
	const char *value;
	const char *error;
} protocol_cases[] = {
	{"hello.params", "{\"token\": \"t\"}", NULL},
	{"hello.params", "{\"token\": \"t\", \"resumeToken\": \"r\", \"client\": \"c 1\"}", NULL},
	{"hello.params", "{}", "params.token: missing"},
	{"hello.params", "{\"token\": \"t\", \"admin\": true}", "params.admin: unknown"},
	{"room.create.params", "{\"type\": \"m2m\"}", NULL},
	{"room.create.params", "{\"type\": \"m3m\"}", "params.type: not one of m2m, a2m, p2m, p2p"},
	{"room.create.params", "{\"type\": \"p2p\", \"roomId\": \"a.B_c@d-9\"}", NULL},
	{"room.create.params",
	 "{\"type\": \"p2p\", \"roomId\": \"<b>\"}",
	 "params.roomId: does not match ^[A-Za-z0-9_.@-]+$"},
	{"room.create.params",
	 "{\"type\": \"p2p\", \"roomId\": \"\"}",
	 "params.roomId: shorter than 1"},
	{"room.join.params", "{\"roomId\": \"r\", \"role\": \"publisher\"}", NULL},
	{"room.leave.params", "{\"roomId\": 1}", "params.roomId: not of type string"},
	{"stream.publish.params", "{\"roomId\": \"r\", \"sdp\": \"v=0\"}", NULL},
	{"stream.publish.params", "{\"roomId\": \"r\"}", "params.sdp: missing"},
	{"stream.subscribe.params",
	 "{\"roomId\": \"r\", \"publisherId\": \"p\", \"sdp\": \"v=0\"}",
	 "params.streamId: missing"},
	{"stream.update.params", "{\"subscriptionId\": \"s\", \"paused\": true}", NULL},
	{"stream.update.params", "{\"roomId\": \"r\", \"streamId\": \"s\"}", NULL},
	{"stream.update.params",
	 "{\"roomId\": \"r\"}",
	 "params: needs either subscriptionId, or streamId"},
	{"stream.update.params",
	 "{\"subscriptionId\": \"s\", \"paused\": 1}",
	 "params.paused: not of type boolean"},
	{"ice.candidate.params", "{\"streamId\": \"s\", \"candidate\": \"\"}", NULL},
	{"ice.candidate.params",
	 "{\"candidate\": \"candidate:1\"}",
	 "params: needs either subscriptionId, or streamId"},
	{"ice.restart.params", "{\"subscriptionId\": \"s\"}", "params.sdp: missing"},
	{"signal.params",
	 "{\"roomId\": \"r\", \"to\": \"u\", \"data\": {\"type\": \"offer\"}}",
	 NULL},
	{"room.owner_changed.event", "{\"roomId\": \"r\", \"ownerId\": null}", NULL},
	{"room.closed.event", "{\"roomId\": \"r\", \"reason\": \"left\", \"later\": 1}", NULL},
	{"server.reconnect.event", "{\"delayMs\": 700000}", "params.delayMs: more than 600000"},
	{"snapshot",
	 "{\"roomId\": \"r\", \"type\": \"m2m\", \"role\": \"publisher\", \"ownerId\": \"u\","
	 " \"viewerCount\": 3, \"publishers\": [{\"userId\": \"u\", \"streams\": ["
	 "{\"streamId\": \"s\", \"tracks\": [{\"kind\": \"audio\", \"codec\": \"opus\"}]}]}]}",
	 NULL},
	{"snapshot",
	 "{\"roomId\": \"r\", \"type\": \"m2m\", \"role\": \"publisher\", \"ownerId\": \"u\","
	 " \"viewerCount\": 3, \"publishers\": [{\"userId\": \"u\", \"streams\": ["
	 "{\"streamId\": \"s\", \"tracks\": [{\"kind\": \"text\"}]}]}]}",
	 "params.publishers[0].streams[0].tracks[0].kind: not one of audio, video"},
	{"request",
	 "{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"room.leave\", \"params\": {\"roomId\": "
	 "\"r\"}}",
	 NULL},
	{"request",
	 "{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"room.burn\", \"params\": {}}",
	 "params: has none of the forms allowed"},
	{"failure",
	 "{\"jsonrpc\": \"2.0\", \"id\": null, \"error\": {\"code\": 4290, \"message\": \"m\", "
	 "\"data\": {\"name\": \"rate_limited\"}}}",
	 NULL},
};

static void test_protocol(void **) {
	for (size_t i = 0; i < sizeof(protocol_cases) / sizeof(protocol_cases[0]); i++) {
		json_t *value = json_loads(protocol_cases[i].value, JSON_DECODE_ANY, NULL);
		char error[160] = "";

		assert_non_null(value);
		schema_check(
			schema_protocol(),
			protocol_cases[i].definition,
			value,
			"params",
			error,
			sizeof(error)
		);
		assert_string_equal(
			error, protocol_cases[i].error != NULL ? protocol_cases[i].error : ""
		);
		json_decref(value);
	}
}

static void test_too_long(void **) {
	size_t len = 262145;
	char *sdp = malloc(len + 1), error[160] = "";
	json_t *value;

	memset(sdp, 'a', len);
	sdp[len] = '\0';
	value = json_pack("{s:s, s:s}", "roomId", "r", "sdp", sdp);
	schema_check(
		schema_protocol(), "stream.publish.params", value, "params", error, sizeof(error)
	);
	assert_string_equal(error, "params.sdp: longer than 262144");
	sdp[len - 1] = '\0';
	json_object_set_new(value, "sdp", json_string(sdp));
	assert_int_equal(
		schema_check(
			schema_protocol(),
			"stream.publish.params",
			value,
			"params",
			error,
			sizeof(error)
		),
		0
	);
	json_decref(value);
	free(sdp);
}

// Every method has parameters, a result and a place in the list of requests; every event likewise;
// and the codes of errors.h are the ones the schema lists.
static json_t *file; // the schema, argv[1]

static void one_of_names(const char *definition, const char *suffix) {
	json_t *defs = json_object_get(file, "$defs"), *form, *value;
	json_t *names = json_object();
	const char *key;
	size_t i;

	json_array_foreach(json_object_get(json_object_get(defs, definition), "oneOf"), i, form) {
		const char *name = json_string_value(json_object_get(
			json_object_get(json_object_get(form, "properties"), "method"), "const"
		));

		assert_non_null(name);
		assert_int_equal(json_object_set_new(names, name, json_true()), 0);
	}
	assert_true(json_object_size(names) > 0);
	json_object_foreach(defs, key, value) {
		size_t n = strlen(key), m = strlen(suffix);
		char name[64];

		if (n <= m || strcmp(key + n - m, suffix) != 0)
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)(n - m), key);
		if (json_object_del(names, name) != 0)
			fail_msg("%s is not in %s", key, definition);
		snprintf(name, sizeof(name), "%.*s.result", (int)(n - m), key);
		if (strcmp(suffix, ".params") == 0 && json_object_get(defs, name) == NULL)
			fail_msg("no %s", name);
	}
	assert_int_equal(json_object_size(names), 0);
	json_decref(names);
}

static void test_complete(void **) {
	one_of_names("request", ".params");
	one_of_names("event", ".event");
}

static void test_error_names(void **) {
	static const char *const names[] = {
#define X(name, code, text) text,
		PROTOCOL_ERRORS(X)
#undef X
	};
	json_t *list = json_object_get(json_object_get(file, "$defs"), "error");

	list = json_object_get(json_object_get(list, "properties"), "data");
	list = json_object_get(json_object_get(list, "properties"), "name");
	list = json_object_get(list, "enum");
	assert_int_equal(json_array_size(list), sizeof(names) / sizeof(names[0]));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_string_equal(json_string_value(json_array_get(list, i)), names[i]);
}

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_refused_schemas),
		cmocka_unit_test(test_protocol),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_complete),
		cmocka_unit_test(test_error_names),
	};
	int ret;

	if (argc != 2)
		return 2;
	file = json_load_file(argv[1], 0, NULL);
	if (file == NULL)
		return 2;
	ret = cmocka_run_group_tests(tests, NULL, NULL);
	json_decref(file);
	return ret;
}
