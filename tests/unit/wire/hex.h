// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Packets written as hex text. Each lies in memory of exactly its length, so that the sanitizer
// sees a read one byte too far.

#include "../unit.h"

#include <stdlib.h>
#include <string.h>

struct packet {
	uint8_t *data; // owned, packet_free
	size_t len;
};

static inline struct packet packet_copy(const void *data, size_t len) {
	struct packet packet = {malloc(len > 0 ? len : 1), len};

	assert_non_null(packet.data);
	if (len > 0)
		memcpy(packet.data, data, len);
	return packet;
}

static inline void packet_free(struct packet *packet) {
	free(packet->data);
	packet->data = NULL;
}

// Pairs of digits; blanks between them do not count.
static inline struct packet packet_from_hex(const char *hex) {
	uint8_t data[1024];
	size_t len = 0;

	for (const char *c = hex; *c != '\0';) {
		char digits[3] = {c[0], c[1], '\0'};
		char *end;

		if (*c == ' ') {
			c++;
			continue;
		}
		assert_true(len < sizeof(data));
		data[len++] = (uint8_t)strtoul(digits, &end, 16);
		assert_ptr_equal(end, digits + 2);
		c += 2;
	}
	return packet_copy(data, len);
}
