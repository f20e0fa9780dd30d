// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Bytes of a hex string; aborts when it is none or longer than room.
static inline size_t hex_read(const char *hex, uint8_t *bytes, size_t room) {
	size_t len = strlen(hex) / 2;

	if (len > room || strlen(hex) % 2 != 0)
		abort();
	for (size_t i = 0; i < len; i++) {
		unsigned byte;

		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			abort();
		bytes[i] = (uint8_t)byte;
	}
	return len;
}
