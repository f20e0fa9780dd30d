// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The DPDK port: EAL start, device by the config's name, queues, statistics. Not for workers, who
// call rte_eth_rx_burst and rte_eth_tx_burst with id and queue themselves.

#include <plm_api.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config;
struct rte_mempool;

struct port {
	uint16_t id;
	uint16_t n_rx_queues; // may be fewer than workers: those without one get packets by ring
	uint16_t n_tx_queues;
	uint16_t mtu;
	uint8_t mac[6];
	bool software; // a veth or memif: adaptive sleep is sensible
	bool ipv4_cksum_offload;
	bool udp_cksum_offload; // both IPv4 and IPv6
	char name[PLM_API_NAME_LEN]; // the config's device
	char driver[PLM_API_NAME_LEN]; // of DPDK
};

// rte_eal_init with arguments made from the config: lcores '0@main,1@core0,...' (main lcore 0,
// worker i is lcore i + 1), hugepages or not, file prefix, no PCI scan for software ports,
// telemetry on. Logs of DPDK below warning are kept off stderr. Returns 0 or -errno, one clear
// line in error (for example: no hugepages).
int eal_start(const struct config *config, const char *argv0, char *error, size_t error_len);

// Makes and starts the port: device present, at least one queue pair, MTU, promiscuous off,
// RSS over addresses and ports where the device can. For af_packet the kernel interface is
// isolated as platform-facts says (rp_filter, arp_ignore, disable_ipv6). The interface named must
// exist. Returns 0 or -errno and a line in error.
int port_open(
	const struct config *config,
	struct rte_mempool *pool,
	struct port *ret_port,
	char *error,
	size_t error_len
);
void port_close(struct port *port);

// Fills all but the tap fields.
void port_info(const struct port *port, struct plm_port_info *ret_info);
