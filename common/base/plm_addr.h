// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// struct plm_addr: text and comparison.

#include <plm_api.h>

#include <stdbool.h>
#include <stddef.h>

#define PLM_ADDR_TEXT_LEN 64

// "198.18.0.1:5000", "[2001:db8::1]:5000", "-" for family 0. Returns buf.
const char *plm_addr_format(const struct plm_addr *addr, char *buf, size_t len);

// The address alone, without port and brackets.
const char *plm_addr_format_ip(const struct plm_addr *addr, char *buf, size_t len);

// Parses an IP literal without port ("198.18.0.1", "2001:db8::1"). Returns 0 or -EINVAL.
int plm_addr_parse_ip(const char *text, struct plm_addr *ret_addr);

// Parses "198.18.0.2/24". Returns 0 or -EINVAL.
int plm_addr_parse_prefix(const char *text, struct plm_addr *ret_addr, unsigned *ret_prefix_len);

bool plm_addr_equal(const struct plm_addr *a, const struct plm_addr *b); // with port
bool plm_addr_ip_equal(const struct plm_addr *a, const struct plm_addr *b); // without
