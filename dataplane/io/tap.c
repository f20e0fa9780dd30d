// SPDX-License-Identifier: BSD-3-Clause

#include "tap.h"

#include "config.h"
#include "isolate.h"
#include "netlink.h"

#include <plm_addr.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *tun_error_text(int err) {
	switch (err) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return "/dev/net/tun is not there (module tun)";
	case EPERM:
	case EACCES:
		return "no permission (needs CAP_NET_ADMIN)";
	case EBUSY:
		return "another process uses the interface";
	case EINVAL:
		return "an interface of this name exists and is no plain TAP";
	default:
		return strerror(err);
	}
}

// The descriptor or -errno.
static int tun_attach(const char *name) {
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	int fd, err;

	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

static int link_set(
	const char *name,
	const uint8_t mac[6],
	uint16_t mtu,
	char *error,
	size_t error_len
) {
	struct ifreq ifr = {0};
	const char *what = "MAC";
	int fd, err = 0;

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		err = -errno;
		snprintf(error, error_len, "TAP %s: %s", name, strerror(-err));
		return err;
	}
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	ifr.ifr_hwaddr.sa_family = ARPHRD_ETHER;
	memcpy(ifr.ifr_hwaddr.sa_data, mac, 6);
	if (ioctl(fd, SIOCSIFHWADDR, &ifr) < 0)
		err = -errno;
	if (err == 0) {
		what = "MTU";
		ifr.ifr_mtu = mtu;
		if (ioctl(fd, SIOCSIFMTU, &ifr) < 0)
			err = -errno;
	}
	close(fd);
	if (err < 0)
		snprintf(
			error, error_len, "TAP %s: setting its %s: %s", name, what, strerror(-err)
		);
	return err;
}

static bool has_ipv6(const struct config *config) {
	for (unsigned i = 0; i < config->n_addrs; i++) {
		if (config->addrs[i].addr.family == 6)
			return true;
	}
	return false;
}

// Without IPv6 addresses the TAP speaks none; with them only the configured ones and routes count.
static int ipv6_set(const struct config *config, char *error, size_t error_len) {
	bool wanted = has_ipv6(config);
	int err;

	err = sysctl_set("ipv6", config->tap, "disable_ipv6", wanted ? 0 : 1, error, error_len);
	if (err == -ENOENT && !wanted)
		return 0;
	if (err == 0 && wanted)
		err = sysctl_set("ipv6", config->tap, "accept_ra", 0, error, error_len);
	return err;
}

static int addresses_add(
	const struct config *config,
	int fd,
	unsigned ifindex,
	char *error,
	size_t error_len
) {
	char ip[PLM_ADDR_TEXT_LEN];

	for (unsigned i = 0; i < config->n_addrs; i++) {
		const struct config_address *address = &config->addrs[i];
		int err;

		err = netlink_addr_add(fd, ifindex, &address->addr, address->prefix_len);
		if (err < 0) {
			snprintf(
				error,
				error_len,
				"TAP %s: adding address %s/%u: %s",
				config->tap,
				plm_addr_format_ip(&address->addr, ip, sizeof(ip)),
				address->prefix_len,
				strerror(-err)
			);
			return err;
		}
	}
	return 0;
}

static int routes_set(
	const struct config *config,
	int fd,
	unsigned ifindex,
	char *error,
	size_t error_len
) {
	char ip[PLM_ADDR_TEXT_LEN];

	for (unsigned i = 0; i < 2 && config->gateways[i].family != 0; i++) {
		const struct plm_addr *gateway = &config->gateways[i];
		int err;

		err = netlink_default_route_set(fd, ifindex, gateway);
		if (err < 0) {
			snprintf(
				error,
				error_len,
				"TAP %s: default route by %s: %s",
				config->tap,
				plm_addr_format_ip(gateway, ip, sizeof(ip)),
				strerror(-err)
			);
			return err;
		}
	}
	return 0;
}

// Addresses before the link is up, routes after.
static int network_set(const struct config *config, char *error, size_t error_len) {
	unsigned ifindex = if_nametoindex(config->tap);
	int fd, err;

	err = ipv6_set(config, error, error_len);
	if (err < 0)
		return err;
	fd = netlink_open();
	if (fd < 0) {
		snprintf(error, error_len, "TAP %s: netlink: %s", config->tap, strerror(-fd));
		return fd;
	}
	err = addresses_add(config, fd, ifindex, error, error_len);
	if (err == 0) {
		err = ifname_set_flags(config->tap, IFF_UP);
		if (err < 0)
			snprintf(
				error,
				error_len,
				"TAP %s cannot be set up: %s",
				config->tap,
				strerror(-err)
			);
	}
	if (err == 0)
		err = routes_set(config, fd, ifindex, error, error_len);
	close(fd);
	return err;
}

int tap_open(
	const struct config *config,
	const uint8_t mac[6],
	uint16_t mtu,
	char *error,
	size_t error_len
) {
	int fd, err;

	fd = tun_attach(config->tap);
	if (fd < 0) {
		snprintf(error, error_len, "TAP %s: %s", config->tap, tun_error_text(-fd));
		return fd;
	}
	err = link_set(config->tap, mac, mtu, error, error_len);
	if (err == 0)
		err = network_set(config, error, error_len);
	if (err < 0) {
		close(fd);
		return err;
	}
	return fd;
}
