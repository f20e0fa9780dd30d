// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The dataplane's part of plenum.yaml (section "dataplane"). Every key is documented in
// configs/plenum.yaml; unknown keys and wrong values are refused with file and key.

#include <plm_addr.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_WORKERS_MAX 16
#define CONFIG_ADDRS_MAX 4

enum config_idle {
	CONFIG_IDLE_AUTO, // adaptive on software ports, busy on NICs
	CONFIG_IDLE_ADAPTIVE, // sleeps up to idle_max_us when nothing comes
	CONFIG_IDLE_BUSY,
};

struct config_address {
	struct plm_addr addr;
	unsigned prefix_len;
};

struct config {
	char *api_socket; // path

	// port.device: "af_packet:IFACE", "af_xdp:IFACE", "memif:SOCKET[,role=server]", a PCI
	// address "0000:03:00.0", or "vdev:ARGS" for any other DPDK device.
	char *device;
	uint16_t queues; // RX/TX queue pairs asked for; 0 = one per worker where the port can
	uint16_t mtu;

	struct config_address addrs[CONFIG_ADDRS_MAX]; // of the TAP = of the appliance
	unsigned n_addrs;
	struct plm_addr gateways[2]; // default routes by the TAP; family 0 = none
	char *tap; // interface name, at most 15 characters

	uint16_t public_port;
	uint16_t agent_port_min, agent_port_max;

	unsigned worker_cores[CONFIG_WORKERS_MAX]; // CPU of each worker; may repeat
	unsigned n_workers;
	unsigned main_core;
	enum config_idle idle;
	unsigned idle_max_us;

	bool hugepages;
	unsigned memory_mb; // without hugepages: -m of the EAL
	char *file_prefix;
	unsigned mbufs; // in the packet pool

	char *srtp_backend; // "auto", "ipsec-mb", "libsrtp2"

	uint32_t max_transports, max_producers, max_consumers;
	uint32_t max_paths; // per transport
	uint32_t rtx_packets; // cached per video producer and worker, a power of two
	char *log_level;
};

// Reads the file. On an error writes one line ("plenum.yaml: dataplane.port.queues: why")
// to error and returns -ENOENT (no such file), -EINVAL or -ENOMEM; *ret_config is untouched.
int config_load(const char *path, struct config **ret_config, char *error, size_t error_len);

// The same for text in memory; name stands for the file in error lines. Returns 0, -EINVAL or
// -ENOMEM.
int config_parse(
	const char *name,
	const uint8_t *text,
	size_t len,
	struct config **ret_config,
	char *error,
	size_t error_len
);

// Calls visit with the dotted path of every key of the section ("dataplane.port.queues"), mappings
// included, in the schema's order.
void config_each_key(void (*visit)(void *user, const char *path), void *user);

// True for "0000:03:00.0".
bool config_device_is_pci(const char *device);

// NULL is allowed.
void config_free(struct config *config);

// Prints all values in force to stdout, as YAML that config_load accepts (--print-config).
void config_print(const struct config *config);
