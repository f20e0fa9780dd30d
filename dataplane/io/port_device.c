// SPDX-License-Identifier: BSD-3-Clause

#include "port_device.h"

#include "config.h"
#include "dpdk_log.h"
#include "isolate.h"

#include <plm_unixsock.h>

#include <rte_dev.h>
#include <rte_ethdev.h>

#include <dirent.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// Frames of a packet ring, each way and queue: 10 ms at 200,000 packets per second, the most that
// one takes. 4 MiB of kernel memory each. 2048 bytes a frame fit the usual packet buffer.
#define RING_FRAMES 2048
#define RING_FRAME_BYTES 2048

static const char *const devices[] = {"net_af_packet0", "net_af_xdp0", "net_memif0"};
enum device_kind {
	DEVICE_AF_PACKET,
	DEVICE_AF_XDP,
	DEVICE_MEMIF,
};

static int interface_check(
	const struct config *config,
	const char *ifname,
	char *error,
	size_t error_len
) {
	int fd, err;

	if (if_nametoindex(ifname) == 0) {
		snprintf(
			error,
			error_len,
			"port %s: there is no interface %s",
			config->device,
			ifname
		);
		return -ENODEV;
	}
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		err = -errno;
		snprintf(
			error,
			error_len,
			"port %s: a packet socket: %s (needs CAP_NET_RAW and CAP_NET_ADMIN)",
			config->device,
			strerror(-err)
		);
		return err;
	}
	close(fd);
	return 0;
}

// Receive queues of a kernel interface, at least 1.
static uint16_t interface_queues(const char *ifname) {
	char path[64];
	struct dirent *entry;
	uint16_t n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/class/net/%s/queues", ifname);
	dir = opendir(path);
	if (dir == NULL)
		return 1;
	while ((entry = readdir(dir)) != NULL) {
		if (strncmp(entry->d_name, "rx-", 3) == 0)
			n++;
	}
	closedir(dir);
	return n > 0 ? n : 1;
}

// A socket file that nobody listens at keeps a memif server from starting.
static void stale_socket_remove(const char *path, size_t path_len) {
	char copy[108];
	int fd;

	if (path_len >= sizeof(copy))
		return;
	memcpy(copy, path, path_len);
	copy[path_len] = '\0';
	fd = plm_unixsock_connect(copy, 0);
	if (fd >= 0)
		close(fd);
	else if (fd == -ECONNREFUSED)
		unlink(copy);
}

static int vdev_make(
	const struct config *config,
	const char *name,
	const char *args,
	uint16_t *ret_port_id,
	char *error,
	size_t error_len
) {
	const char *why;
	int err;

	dpdk_log_keep_begin();
	err = rte_eal_hotplug_add("vdev", name, args);
	why = dpdk_log_keep_end(err < 0 ? strerror(-err) : "");
	if (err == 0 && rte_eth_dev_get_port_by_name(name, ret_port_id) < 0) {
		why = "the device is no network port";
		err = -ENODEV;
	}
	if (err < 0)
		snprintf(error, error_len, "port %s: %s", config->device, why);
	return err < 0 ? err : 0;
}

static int interface_probe(
	const struct config *config,
	enum device_kind kind,
	const char *ifname,
	uint16_t n_queues,
	uint16_t *ret_port_id,
	char *error,
	size_t error_len
) {
	char why[256], args[160];
	int err;

	err = interface_check(config, ifname, error, error_len);
	if (err < 0)
		return err;
	err = kind == DEVICE_AF_PACKET ? interface_isolate(ifname, why, sizeof(why))
				       : interface_prepare(ifname, why, sizeof(why));
	if (err < 0) {
		snprintf(error, error_len, "port %s: %s", config->device, why);
		return err;
	}
	if (kind == DEVICE_AF_PACKET) {
		snprintf(
			args,
			sizeof(args),
			"iface=%s,qpairs=%u,framesz=%u,framecnt=%u",
			ifname,
			n_queues,
			RING_FRAME_BYTES,
			RING_FRAMES
		);
	} else {
		uint16_t most = interface_queues(ifname);

		snprintf(
			args,
			sizeof(args),
			"iface=%s,start_queue=0,queue_count=%u",
			ifname,
			n_queues < most ? n_queues : most
		);
	}
	return vdev_make(config, devices[kind], args, ret_port_id, error, error_len);
}

// arg: SOCKET[,more arguments of net_memif].
static int memif_probe(
	const struct config *config,
	const char *arg,
	uint16_t *ret_port_id,
	char *error,
	size_t error_len
) {
	size_t path_len = strcspn(arg, ",");
	const char *more = arg + path_len; // with its comma
	char args[400];

	if (strstr(more, "role=server") != NULL)
		stale_socket_remove(arg, path_len);
	snprintf(
		args,
		sizeof(args),
		"socket-abstract=no,socket=%.*s,bsize=2048,rsize=11%s%s",
		(int)path_len,
		arg,
		strstr(more, "role=") != NULL ? "" : ",role=client",
		more
	);
	return vdev_make(config, devices[DEVICE_MEMIF], args, ret_port_id, error, error_len);
}

// The EAL probed it at start, if a driver of DPDK may have it.
static int pci_find(
	const struct config *config,
	uint16_t *ret_port_id,
	char *error,
	size_t error_len
) {
	char path[64], target[256];
	const char *driver = NULL;
	ssize_t n;

	if (rte_eth_dev_get_port_by_name(config->device, ret_port_id) == 0)
		return 0;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.16s", config->device);
	if (access(path, F_OK) < 0) {
		snprintf(error, error_len, "port %s: there is no such PCI device", config->device);
		return -ENODEV;
	}
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.16s/driver", config->device);
	n = readlink(path, target, sizeof(target) - 1);
	if (n > 0) {
		target[n] = '\0';
		driver = strrchr(target, '/');
	}
	snprintf(
		error,
		error_len,
		"port %s: no DPDK driver took it; its kernel driver is %s (vfio-pci is wanted: "
		"dpdk-devbind.py -b vfio-pci %s)",
		config->device,
		driver != NULL ? driver + 1 : "none",
		config->device
	);
	return -ENODEV;
}

int device_probe(
	const struct config *config,
	uint16_t n_queues,
	uint16_t *ret_port_id,
	char *error,
	size_t error_len
) {
	const char *arg = strchr(config->device, ':');
	char name[RTE_ETH_NAME_MAX_LEN];
	size_t len;

	if (config_device_is_pci(config->device))
		return pci_find(config, ret_port_id, error, error_len);
	if (arg == NULL)
		return -EINVAL; // config_load lets none through
	arg++;
	if (strncmp(config->device, "af_packet:", 10) == 0)
		return interface_probe(
			config, DEVICE_AF_PACKET, arg, n_queues, ret_port_id, error, error_len
		);
	if (strncmp(config->device, "af_xdp:", 7) == 0)
		return interface_probe(
			config, DEVICE_AF_XDP, arg, n_queues, ret_port_id, error, error_len
		);
	if (strncmp(config->device, "memif:", 6) == 0)
		return memif_probe(config, arg, ret_port_id, error, error_len);
	len = strcspn(arg, ",");
	if (len >= sizeof(name)) {
		snprintf(
			error, error_len, "port %s: the device's name is too long", config->device
		);
		return -EINVAL;
	}
	memcpy(name, arg, len);
	name[len] = '\0';
	arg += len;
	return vdev_make(config, name, *arg == ',' ? arg + 1 : "", ret_port_id, error, error_len);
}
