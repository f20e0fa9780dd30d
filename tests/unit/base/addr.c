// SPDX-License-Identifier: BSD-3-Clause

#include "../unit.h"

#include <plm_addr.h>

#include <errno.h>
#include <string.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

static void parse_and_format(void **) {
	static const struct {
		const char *text;
		int family; // 0: refused
		const char *formatted;
	} rows[] = {
		{"198.18.0.1", 4, "198.18.0.1"},
		{"0.0.0.0", 4, "0.0.0.0"},
		{"255.255.255.255", 4, "255.255.255.255"},
		{"::", 6, "::"},
		{"2001:DB8:0:0:0:0:0:1", 6, "2001:db8::1"},
		{"fe80::1:2:3:4", 6, "fe80::1:2:3:4"},
		{"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
		 6,
		 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
		{"", 0, NULL},
		{"198.18.0", 0, NULL},
		{"198.18.0.256", 0, NULL},
		{"198.18.0.1 ", 0, NULL},
		{" 198.18.0.1", 0, NULL},
		{"198.18.0.1:80", 0, NULL},
		{"198.18.0.1/24", 0, NULL},
		{"0x7f.0.0.1", 0, NULL},
		{"[::1]", 0, NULL},
		{"fe80::1%lo", 0, NULL},
		{"1:2:3:4:5:6:7:8:9", 0, NULL},
		{"::1::", 0, NULL},
		{"localhost", 0, NULL},
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct plm_addr addr;
		char buf[PLM_ADDR_TEXT_LEN];
		int r;

		memset(&addr, 0xa5, sizeof(addr));
		r = plm_addr_parse_ip(rows[i].text, &addr);
		if (r != (rows[i].family ? 0 : -EINVAL))
			fail_msg("\"%s\": %d", rows[i].text, r);
		if (r < 0) {
			assert_int_equal(addr.family, 0xa5); // untouched
			continue;
		}
		assert_int_equal(addr.family, rows[i].family);
		assert_int_equal(addr.port, 0);
		assert_string_equal(plm_addr_format_ip(&addr, buf, sizeof(buf)), rows[i].formatted);
	}
}

static void format_with_port(void **) {
	static const struct {
		const char *ip;
		uint16_t port;
		const char *formatted;
	} rows[] = {
		{"198.18.0.1", 5000, "198.18.0.1:5000"},
		{"198.18.0.1", 0, "198.18.0.1:0"},
		{"2001:db8::1", 65535, "[2001:db8::1]:65535"},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		 65535,
		 "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
	};
	struct plm_addr addr = {0};
	char buf[PLM_ADDR_TEXT_LEN];

	for (size_t i = 0; i < N(rows); i++) {
		assert_int_equal(plm_addr_parse_ip(rows[i].ip, &addr), 0);
		addr.port = rows[i].port;
		assert_string_equal(plm_addr_format(&addr, buf, sizeof(buf)), rows[i].formatted);
	}
	addr.family = 0;
	assert_string_equal(plm_addr_format(&addr, buf, sizeof(buf)), "-");
	assert_string_equal(plm_addr_format_ip(&addr, buf, sizeof(buf)), "-");
}

static void parse_prefix(void **) {
	static const struct {
		const char *text;
		int r;
		unsigned len;
	} rows[] = {
		{"198.18.0.2/24", 0, 24},
		{"0.0.0.0/0", 0, 0},
		{"198.18.0.2/32", 0, 32},
		{"2001:db8::1/128", 0, 128},
		{"::/0", 0, 0},
		{"198.18.0.2", -EINVAL, 0},
		{"198.18.0.2/", -EINVAL, 0},
		{"198.18.0.2/33", -EINVAL, 0},
		{"198.18.0.2/-1", -EINVAL, 0},
		{"198.18.0.2/+1", -EINVAL, 0},
		{"198.18.0.2/ 1", -EINVAL, 0},
		{"198.18.0.2/24x", -EINVAL, 0},
		{"198.18.0.2/24/24", -EINVAL, 0},
		{"198.18.0.2/0x18", -EINVAL, 0},
		{"198.18.0.2/18446744073709551640", -EINVAL, 0}, // 24 in 64 bits
		{"2001:db8::1/129", -EINVAL, 0},
		{"/24", -EINVAL, 0},
		{"", -EINVAL, 0},
		{"11111111111111111111111111111111111111111111111111111111111111111111/1",
		 -EINVAL,
		 0},
	};

	for (size_t i = 0; i < N(rows); i++) {
		unsigned len = 1000;
		struct plm_addr addr;
		int r = plm_addr_parse_prefix(rows[i].text, &addr, &len);

		if (r != rows[i].r)
			fail_msg("\"%s\": %d", rows[i].text, r);
		assert_int_equal(len, r < 0 ? 1000 : rows[i].len);
	}
}

static void equality(void **) {
	struct plm_addr a = {.family = 4, .port = 1, .ip = {198, 18, 0, 1}}, b = a;

	assert_true(plm_addr_equal(&a, &b));
	b.ip[15] = 9; // not a part of an IPv4 address
	b.pad = 9;
	assert_true(plm_addr_equal(&a, &b));
	b.port = 2;
	assert_false(plm_addr_equal(&a, &b));
	assert_true(plm_addr_ip_equal(&a, &b));
	b.ip[3] = 2;
	assert_false(plm_addr_ip_equal(&a, &b));
	b = a;
	b.family = 6;
	assert_false(plm_addr_equal(&a, &b));
	a.family = 6;
	assert_true(plm_addr_equal(&a, &b));
	b.ip[15] = 9;
	assert_false(plm_addr_equal(&a, &b));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_and_format),
		cmocka_unit_test(format_with_port),
		cmocka_unit_test(parse_prefix),
		cmocka_unit_test(equality),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
