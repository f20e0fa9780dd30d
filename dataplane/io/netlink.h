// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The few rtnetlink requests that the TAP needs (rtnetlink(7)). Blocking; for start-up only.

#include <plm_addr.h>

// Returns a socket or -errno; close() it.
int netlink_open(void);

// Gives the interface an address; the same one again is no error. IPv6 without duplicate address
// detection: it is usable at once. Returns 0 or -errno.
int netlink_addr_add(int fd, unsigned ifindex, const struct plm_addr *addr, unsigned prefix_len);

// Sets the default route of the gateway's family. The gateway need not be in a prefix of the
// interface (as hosters do it with /32). Returns 0 or -errno.
int netlink_default_route_set(int fd, unsigned ifindex, const struct plm_addr *gateway);
