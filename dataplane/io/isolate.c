// SPDX-License-Identifier: BSD-3-Clause

#include "isolate.h"

#include <plm_log.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

LOG_TYPE("port");

// The number in a file of /proc/sys, or -errno (none of the settings read here is negative).
static int number_read(const char *path) {
	char text[16];
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return -EIO;
	text[n] = '\0';
	return atoi(text);
}

static int number_write(const char *path, int value) {
	char text[16];
	ssize_t n;
	int fd, err = 0;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	snprintf(text, sizeof(text), "%d", value);
	n = write(fd, text, strlen(text));
	if (n < 0)
		err = -errno;
	close(fd);
	return err;
}

int sysctl_set(
	const char *family,
	const char *ifname,
	const char *key,
	int value,
	char *error,
	size_t error_len
) {
	char path[128];
	int err;

	snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/%s", family, ifname, key);
	// In a container /proc/sys is often read-only but set as wanted.
	if (number_read(path) == value)
		return 0;
	err = number_write(path, value);
	if (err < 0)
		snprintf(
			error,
			error_len,
			"net.%s.conf.%s.%s cannot be set to %d: %s",
			family,
			ifname,
			key,
			value,
			strerror(-err)
		);
	return err;
}

int ifname_set_flags(const char *ifname, int flags) {
	struct ifreq ifr = {0};
	int fd, err = 0;

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	if (ioctl(fd, SIOCGIFFLAGS, &ifr) < 0) {
		err = -errno;
	} else {
		// Also when nothing changes: it tells whether we have the right.
		ifr.ifr_flags = (short)(ifr.ifr_flags | flags);
		if (ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
			err = -errno;
	}
	close(fd);
	return err;
}

static int ethtool(int fd, const char *ifname, void *command) {
	struct ifreq ifr = {.ifr_data = command};

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	return ioctl(fd, SIOCETHTOOL, &ifr) < 0 ? -errno : 0;
}

// Merged frames are larger than a packet buffer. Drivers that cannot merge refuse the commands.
static void merging_off(const char *ifname) {
	struct ethtool_value gro = {.cmd = ETHTOOL_SGRO, .data = 0};
	struct ethtool_value flags = {.cmd = ETHTOOL_GFLAGS};
	int fd;

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	ethtool(fd, ifname, &gro);
	if (ethtool(fd, ifname, &flags) == 0 && (flags.data & ETH_FLAG_LRO) != 0) {
		flags.cmd = ETHTOOL_SFLAGS;
		flags.data &= ~(uint32_t)ETH_FLAG_LRO;
		ethtool(fd, ifname, &flags);
	}
	close(fd);
}

int interface_prepare(const char *ifname, char *error, size_t error_len) {
	int err;

	merging_off(ifname);
	err = ifname_set_flags(ifname, IFF_UP | IFF_ALLMULTI);
	if (err < 0)
		snprintf(
			error,
			error_len,
			"%s cannot be set up: %s%s",
			ifname,
			strerror(-err),
			err == -EPERM ? " (needs CAP_NET_ADMIN)" : ""
		);
	return err;
}

int interface_isolate(const char *ifname, char *error, size_t error_len) {
	int err;

	// IPv6 goes first, before the interface is up and has a link-local address.
	err = sysctl_set("ipv6", ifname, "disable_ipv6", 1, error, error_len);
	if (err < 0 && err != -ENOENT)
		return err;
	err = sysctl_set("ipv4", ifname, "arp_ignore", 1, error, error_len);
	if (err < 0)
		return err;
	err = sysctl_set("ipv4", ifname, "rp_filter", 1, error, error_len);
	if (err < 0)
		return err;
	// The kernel takes the larger of both values, and 2 is the loose mode.
	if (number_read("/proc/sys/net/ipv4/conf/all/rp_filter") == 2)
		LOG(WARNING,
		    "net.ipv4.conf.all.rp_filter is 2: the kernel answers on %s too, so clients "
		    "may see packets twice; set it to 0 or 1",
		    ifname);
	return interface_prepare(ifname, error, error_len);
}
