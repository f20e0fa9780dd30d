// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Base64 for URLs without padding (RFC 4648 section 5, RFC 7515 section 2). Pure.

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// Characters of len bytes, without a NUL.
#define BASE64URL_LEN(len) (((len)*4 + 2) / 3)

// Writes BASE64URL_LEN(len) characters and no NUL. Returns their number.
size_t base64url_encode(const void *bytes, size_t len, char *text);

// Strict: no padding, no other characters, unused bits zero, so that each value has one spelling.
// Returns the number of bytes, or -EINVAL, or -EMSGSIZE if they do not fit.
ssize_t base64url_decode(const char *text, size_t len, void *bytes, size_t size);
