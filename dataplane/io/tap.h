// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The kernel TAP of the exception path: a plain /dev/net/tun descriptor (no PMD: it can be polled,
// and needs no signals). Whole Ethernet frames, one per read and write.

#include <stddef.h>
#include <stdint.h>

struct config;

// Creates (or attaches to) the interface config->tap with this MAC and MTU, gives it the config's
// addresses (rtnetlink; IPv6 with nodad) and default routes, and sets it up. Non-blocking,
// close-on-exec. Returns the descriptor or -errno with a line in error. The interface disappears
// with the descriptor.
int tap_open(
	const struct config *config,
	const uint8_t mac[6],
	uint16_t mtu,
	char *error,
	size_t error_len
);
