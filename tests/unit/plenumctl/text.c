// SPDX-License-Identifier: BSD-3-Clause

// How plenumctl writes values and tables.

#include "../unit.h"
#include "columns.h"
#include "fields.h"
#include "units.h"

#include <plm_api.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void test_units(void **) {
	static const struct {
		const char *(*format)(uint64_t n, char *buf, size_t len);
		uint64_t n;
		const char *expected;
	} cases[] = {
		{units_count, 0, "0"},
		{units_count, 9999, "9999"},
		{units_count, 10000, "10.0 k"},
		{units_count, 999949, "999.9 k"},
		{units_count, 999950, "1.0 M"},
		{units_count, UINT64_MAX, "18.4 E"},
		{units_bytes, 999, "999 B"},
		{units_bytes, 1000, "1.0 kB"},
		{units_bytes, 12345678, "12.3 MB"},
		{units_bitrate, 0, "0 bit/s"},
		{units_bitrate, 1200000, "1.2 Mbit/s"},
		{units_us, 850, "850 us"},
		{units_us, 12300, "12.3 ms"},
		{units_us, 4100000, "4.1 s"},
		{units_age, 999, "999 ms"},
		{units_age, 1000, "1 s"},
		{units_age, 185000, "3 min 5 s"},
		{units_age, 7380000, "2 h 3 min"},
		{units_age, 90000000, "1 d 1 h"},
		{units_permille, 123, "12.3 %"},
		{units_permille, 1000, "100.0 %"},
		{units_id, 0xb746525f0000003a, "b746525f-3a"},
		{units_id, 1, "00000000-1"},
	};
	char buf[UNITS_LEN];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(
			cases[i].format(cases[i].n, buf, sizeof(buf)), cases[i].expected
		);
}

static void test_parse_id(void **) {
	static const struct {
		const char *text;
		int error;
		uint64_t id;
	} cases[] = {
		{"b746525f-3a", 0, 0xb746525f0000003a},
		{"B746525F0000003A", 0, 0xb746525f0000003a},
		{"1", 0, 1},
		{"", -EINVAL, 0},
		{"-", -EINVAL, 0},
		{"1-", -EINVAL, 0},
		{"-1", -EINVAL, 0},
		{"123456789-1", -EINVAL, 0},
		{"1-2-3", -EINVAL, 0},
		{"00000000000000001", -EINVAL, 0},
		{"0x1", -EINVAL, 0},
		{"12g", -EINVAL, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t id = 77;

		assert_int_equal(units_parse_id(cases[i].text, &id), cases[i].error);
		assert_int_equal(id, cases[i].error == 0 ? cases[i].id : 77);
	}
}

static char *printed(struct columns *columns) {
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_int_equal(columns_print(columns, out), 0);
	fclose(out);
	columns_free(columns);
	return text;
}

static void test_columns(void **) {
	struct columns *columns = columns_new();
	char *text;

	columns_title(columns, "NAME", 0);
	columns_title(columns, "N", 1);
	columns_title(columns, "LAST", 0);
	columns_cell(columns, "h\xc3\xa9");
	columns_cell(columns, "12345");
	columns_cell(columns, "x");
	columns_cell(columns, "longer");
	columns_cell(columns, "1");
	columns_cell(columns, "");
	assert_int_equal(columns_rows(columns), 2);
	text = printed(columns);
	assert_string_equal(
		text,
		"NAME        N  LAST\n"
		"h\xc3\xa9      12345  x\n"
		"longer      1  \n"
	);
	free(text);
	columns = columns_new();
	columns_title(columns, "NAME", 0);
	text = printed(columns);
	assert_string_equal(text, "");
	free(text);
	columns_free(NULL);
}

static const char *member(const json_t *object, const char *key) {
	return json_string_value(json_object_get(object, key));
}

static void test_fields(void **) {
	const struct plm_transport_info info = {
		.id = 0xb746525f00000001,
		.state = PLM_TRANSPORT_SECURE,
		.worker = 255,
		.suite = PLM_SRTP_AEAD_AES_128_GCM,
		.rtt_us = 12300,
		.rx_packets = 1234567,
		.remote = {.family = 4, .port = 5000, .ip = {198, 18, 0, 1}},
	};
	struct plm_port_info port = {.mac = {2, 0, 0, 0, 0, 10}};
	struct columns *columns = columns_new();
	json_t *json = fields_json(transport_fields, &info);
	char *text;

	assert_string_equal(member(json, "id"), "b746525f00000001");
	assert_string_equal(member(json, "state"), "secure");
	assert_string_equal(member(json, "remote"), "198.18.0.1:5000");
	assert_string_equal(member(json, "suite"), "AEAD_AES_128_GCM");
	assert_true(json_is_null(json_object_get(json, "worker")));
	assert_int_equal(json_integer_value(json_object_get(json, "rx_packets")), 1234567);
	assert_int_equal(json_integer_value(json_object_get(json, "rtt_us")), 12300);
	json_decref(json);

	fields_titles(transport_fields, columns);
	fields_row(transport_fields, &info, columns);
	assert_int_equal(columns_rows(columns), 1);
	text = printed(columns);
	assert_non_null(strstr(text, "b746525f-1"));
	assert_non_null(strstr(text, "12.3 ms"));
	assert_non_null(strstr(text, "1.2 M"));
	free(text);

	// Names are the dataplane's, but the terminal is the operator's.
	memset(port.name, '\x1b', sizeof(port.name)); // and without a NUL
	json = fields_json(port_fields, &port);
	assert_int_equal(strspn(member(json, "name"), "?"), PLM_API_NAME_LEN);
	assert_string_equal(member(json, "mac"), "02:00:00:00:00:0a");
	json_decref(json);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_parse_id),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
