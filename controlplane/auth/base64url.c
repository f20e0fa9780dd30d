// SPDX-License-Identifier: BSD-3-Clause

#include "base64url.h"

#include <errno.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int value_of(char c) {
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-')
		return 62;
	return c == '_' ? 63 : -1;
}

size_t base64url_encode(const void *bytes, size_t len, char *text) {
	const uint8_t *in = bytes;
	unsigned n_bits = 0;
	uint32_t bits = 0;
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | in[i];
		for (n_bits += 8; n_bits >= 6; n_bits -= 6)
			text[n++] = alphabet[bits >> (n_bits - 6) & 63];
	}
	if (n_bits > 0)
		text[n++] = alphabet[bits << (6 - n_bits) & 63];
	return n;
}

ssize_t base64url_decode(const char *text, size_t len, void *bytes, size_t size) {
	uint8_t *out = bytes;
	unsigned n_bits = 0;
	uint32_t bits = 0;
	size_t n = 0;

	if (len % 4 == 1)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		int value = value_of(text[i]);

		if (value < 0)
			return -EINVAL;
		bits = bits << 6 | (uint32_t)value;
		n_bits += 6;
		if (n_bits < 8)
			continue;
		n_bits -= 8;
		if (n == size)
			return -EMSGSIZE;
		out[n++] = (uint8_t)(bits >> n_bits);
	}
	return bits & ((1U << n_bits) - 1) ? -EINVAL : (ssize_t)n;
}
