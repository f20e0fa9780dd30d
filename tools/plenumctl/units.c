// SPDX-License-Identifier: BSD-3-Clause

#include "units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// n with the prefix that leaves one to three digits before the point.
static const char *scaled(uint64_t n, const char *unit, char *buf, size_t len) {
	static const char *const prefixes[] = {"", "k", "M", "G", "T", "P", "E"};
	double value = (double)n;
	unsigned i = 0;

	// 999.95 would print as 1000.0.
	while (value >= 999.95 && i + 1 < sizeof(prefixes) / sizeof(prefixes[0])) {
		value /= 1000;
		i++;
	}
	if (i == 0)
		snprintf(buf, len, "%" PRIu64 "%s%s", n, unit[0] != '\0' ? " " : "", unit);
	else
		snprintf(buf, len, "%.1f %s%s", value, prefixes[i], unit);
	return buf;
}

const char *units_count(uint64_t n, char *buf, size_t len) {
	if (n >= 10000)
		return scaled(n, "", buf, len);
	snprintf(buf, len, "%" PRIu64, n);
	return buf;
}

const char *units_bytes(uint64_t bytes, char *buf, size_t len) {
	return scaled(bytes, "B", buf, len);
}

const char *units_bitrate(uint64_t bits_s, char *buf, size_t len) {
	return scaled(bits_s, "bit/s", buf, len);
}

const char *units_us(uint64_t us, char *buf, size_t len) {
	if (us < 1000)
		snprintf(buf, len, "%" PRIu64 " us", us);
	else if (us < 999950)
		snprintf(buf, len, "%.1f ms", (double)us / 1e3);
	else
		snprintf(buf, len, "%.1f s", (double)us / 1e6);
	return buf;
}

const char *units_age(uint64_t ms, char *buf, size_t len) {
	const uint64_t s = ms / 1000;

	if (ms < 1000)
		snprintf(buf, len, "%" PRIu64 " ms", ms);
	else if (s < 60)
		snprintf(buf, len, "%" PRIu64 " s", s);
	else if (s < 3600)
		snprintf(buf, len, "%" PRIu64 " min %" PRIu64 " s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, len, "%" PRIu64 " h %" PRIu64 " min", s / 3600, s / 60 % 60);
	else
		snprintf(buf, len, "%" PRIu64 " d %" PRIu64 " h", s / 86400, s / 3600 % 24);
	return buf;
}

const char *units_permille(uint64_t permille, char *buf, size_t len) {
	snprintf(buf, len, "%" PRIu64 ".%" PRIu64 " %%", permille / 10, permille % 10);
	return buf;
}

const char *units_id(uint64_t id, char *buf, size_t len) {
	snprintf(buf, len, "%08" PRIx32 "-%" PRIx32, (uint32_t)(id >> 32), (uint32_t)id);
	return buf;
}

static int parse_hex(const char *text, size_t len, uint64_t *ret_value) {
	char digits[17], *end;

	if (len == 0 || len > 16 || strspn(text, "0123456789abcdefABCDEF") < len)
		return -EINVAL;
	memcpy(digits, text, len);
	digits[len] = '\0';
	*ret_value = strtoull(digits, &end, 16);
	return 0;
}

int units_parse_id(const char *text, uint64_t *ret_id) {
	const char *dash = strchr(text, '-');
	uint64_t high, low;

	if (dash == NULL)
		return parse_hex(text, strlen(text), ret_id);
	if (parse_hex(text, (size_t)(dash - text), &high) < 0
	    || parse_hex(dash + 1, strlen(dash + 1), &low) < 0 || high > UINT32_MAX
	    || low > UINT32_MAX)
		return -EINVAL;
	*ret_id = high << 32 | low;
	return 0;
}
