// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Numbers as people read them. Pure. Each returns buf.

#include <stddef.h>
#include <stdint.h>

#define UNITS_LEN 32

const char *units_count(uint64_t n, char *buf, size_t len); // "12.3 M", below 10000 as is
const char *units_bytes(uint64_t bytes, char *buf, size_t len); // "12.3 MB", powers of 1000
const char *units_bitrate(uint64_t bits_s, char *buf, size_t len); // "1.2 Mbit/s"
const char *units_us(uint64_t us, char *buf, size_t len); // "850 us", "12.3 ms", "4.1 s"
const char *units_age(
	uint64_t ms,
	char *buf,
	size_t len
); // "850 ms", "12 s", "3 min 5 s", "2 h 3 min"
const char *units_permille(uint64_t permille, char *buf, size_t len); // "12.3 %"

// Ids of objects: the random half of control, "-", the count: "b746525f-3a".
const char *units_id(uint64_t id, char *buf, size_t len);
// Reads both that form and 16 hex digits. 0 or -EINVAL.
int units_parse_id(const char *text, uint64_t *ret_id);
