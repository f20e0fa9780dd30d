// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Settings of kernel interfaces: /proc/sys/net of this network namespace, flags and offloads.

#include <stddef.h>
#include <stdint.h>

// Sets net.FAMILY.conf.IFNAME.KEY ("ipv4" or "ipv6") unless it has the value already. Returns 0
// or -errno (-ENOENT: the kernel has no such setting) and then a line in error.
int sysctl_set(
	const char *family,
	const char *ifname,
	const char *key,
	int value,
	char *error,
	size_t error_len
);

// Sets flags such as IFF_UP. Returns 0 or -errno.
int ifname_set_flags(const char *ifname, int flags);

// Makes the kernel's own stack ignore what arrives on this interface, which net_af_packet reads
// along with it: rp_filter, arp_ignore, disable_ipv6. Frames stay as they were on the wire: no GRO,
// no LRO. Sets it up, all multicast (neighbour discovery wants it). Returns 0 or -errno and a line
// in error.
int interface_isolate(const char *ifname, char *error, size_t error_len);

// Up, all multicast, no LRO and GRO: for net_af_xdp, which takes the frames from the kernel.
int interface_prepare(const char *ifname, char *error, size_t error_len);
