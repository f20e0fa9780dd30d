// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Only for port.c: from the config's device to a DPDK port that is probed and not yet configured.

#include <stddef.h>
#include <stdint.h>

struct config;

// Checks what can be checked before (interface, rights, PCI device), prepares the kernel
// interface and makes the device. Returns 0 or -errno and a line in error.
int device_probe(
	const struct config *config,
	uint16_t n_queues,
	uint16_t *ret_port_id,
	char *error,
	size_t error_len
);
