// SPDX-License-Identifier: BSD-3-Clause

#include "port.h"

#include "config.h"
#include "dpdk_log.h"
#include "port_device.h"

#include <plm_log.h>

#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

LOG_TYPE("port");

#define DESCRIPTORS 1024 // of a NIC's queue, where it takes as many
#define L2_BYTES (unsigned)(RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN)

static uint16_t queues_wanted(const struct config *config) {
	return config->queues > 0 ? config->queues : (uint16_t)config->n_workers;
}

// What the port can do of what we want. Fills the queue and offload fields of port, too.
static void conf_make(
	const struct config *config,
	const struct rte_eth_dev_info *info,
	struct port *port,
	struct rte_eth_conf *ret_conf
) {
	const uint64_t rss = (RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP) & info->flow_type_rss_offloads;
	const uint64_t cksum = (RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM)
		& info->tx_offload_capa;
	uint16_t n = queues_wanted(config);

	n = RTE_MIN(n, RTE_MIN(info->max_rx_queues, info->max_tx_queues));
	port->n_rx_queues = RTE_MAX(n, 1);
	port->n_tx_queues = RTE_MAX(n, 1);
	port->ipv4_cksum_offload = (cksum & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM) != 0;
	port->udp_cksum_offload = (cksum & RTE_ETH_TX_OFFLOAD_UDP_CKSUM) != 0;
	memset(ret_conf, 0, sizeof(*ret_conf));
	ret_conf->txmode.offloads = cksum;
	if (port->n_rx_queues > 1 && rss != 0) {
		ret_conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		ret_conf->rx_adv_conf.rss_conf.rss_hf = rss;
	}
}

static int queues_setup(
	const struct port *port,
	const struct rte_eth_dev_info *info,
	struct rte_mempool *pool
) {
	uint16_t n_rx_desc = DESCRIPTORS, n_tx_desc = DESCRIPTORS;
	int socket = rte_eth_dev_socket_id(port->id);
	int err;

	err = rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &n_rx_desc, &n_tx_desc);
	for (uint16_t i = 0; err == 0 && i < port->n_rx_queues; i++) {
		struct rte_eth_rxconf rx = info->default_rxconf;

		rx.offloads = 0;
		err = rte_eth_rx_queue_setup(port->id, i, n_rx_desc, (unsigned)socket, &rx, pool);
	}
	for (uint16_t i = 0; err == 0 && i < port->n_tx_queues; i++) {
		struct rte_eth_txconf tx = info->default_txconf;

		tx.offloads = (RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM)
			& info->tx_offload_capa;
		err = rte_eth_tx_queue_setup(port->id, i, n_tx_desc, (unsigned)socket, &tx);
	}
	return err;
}

// True for errors that mean: the device has no such switch.
static bool not_supported(int err) {
	return err == -ENOTSUP || err == -ENOSYS || err == -EOPNOTSUPP;
}

static int mtu_set(struct port *port, uint16_t mtu) {
	int err;

	port->mtu = mtu;
	err = rte_eth_dev_set_mtu(port->id, mtu);
	return not_supported(err) ? 0 : err;
}

// Promiscuous off, since the TAP has the port's own MAC; all multicast, for neighbour discovery.
static int filters_set(const struct port *port) {
	int err;

	err = rte_eth_promiscuous_disable(port->id);
	if (err < 0 && !not_supported(err))
		return err;
	err = rte_eth_allmulticast_enable(port->id);
	return not_supported(err) ? 0 : err;
}

static int port_start(
	const struct config *config,
	struct rte_mempool *pool,
	struct port *port,
	const char **ret_step
) {
	struct rte_eth_dev_info info;
	struct rte_ether_addr mac;
	struct rte_eth_conf conf;
	int err;

	*ret_step = "device information";
	err = rte_eth_dev_info_get(port->id, &info);
	if (err < 0)
		return err;
	snprintf(port->driver, sizeof(port->driver), "%s", info.driver_name);
	conf_make(config, &info, port, &conf);
	*ret_step = "configuring";
	err = rte_eth_dev_configure(port->id, port->n_rx_queues, port->n_tx_queues, &conf);
	if (err < 0)
		return err;
	*ret_step = "setting the MTU";
	err = mtu_set(port, config->mtu);
	if (err < 0)
		return err;
	*ret_step = "setting up its queues";
	err = queues_setup(port, &info, pool);
	if (err < 0)
		return err;
	*ret_step = "starting";
	err = rte_eth_dev_start(port->id);
	if (err < 0)
		return err;
	*ret_step = "filters";
	err = filters_set(port);
	if (err < 0)
		return err;
	*ret_step = "setting the link up";
	err = rte_eth_dev_set_link_up(port->id);
	if (err < 0 && !not_supported(err))
		return err;
	*ret_step = "its MAC";
	err = rte_eth_macaddr_get(port->id, &mac);
	if (err < 0)
		return err;
	memcpy(port->mac, mac.addr_bytes, sizeof(port->mac));
	return 0;
}

int port_open(
	const struct config *config,
	struct rte_mempool *pool,
	struct port *ret_port,
	char *error,
	size_t error_len
) {
	struct port port = {.software = !config_device_is_pci(config->device)};
	unsigned room = rte_pktmbuf_data_room_size(pool);
	const char *step, *why;
	int err;

	if (room < RTE_PKTMBUF_HEADROOM + L2_BYTES + config->mtu) {
		snprintf(
			error,
			error_len,
			"port %s: packets of %u bytes do not fit buffers of %u",
			config->device,
			config->mtu,
			room
		);
		return -EINVAL;
	}
	err = device_probe(config, queues_wanted(config), &port.id, error, error_len);
	if (err < 0)
		return err;
	snprintf(port.name, sizeof(port.name), "%s", config->device);
	dpdk_log_keep_begin();
	err = port_start(config, pool, &port, &step);
	why = dpdk_log_keep_end(err < 0 ? rte_strerror(-err) : "");
	if (err < 0) {
		snprintf(error, error_len, "port %s: %s: %s", config->device, step, why);
		port_close(&port);
		return err;
	}
	LOG(INFO,
	    "%s (%s), MAC %02x:%02x:%02x:%02x:%02x:%02x, MTU %u, %u queue pairs",
	    port.name,
	    port.driver,
	    port.mac[0],
	    port.mac[1],
	    port.mac[2],
	    port.mac[3],
	    port.mac[4],
	    port.mac[5],
	    port.mtu,
	    port.n_rx_queues);
	*ret_port = port;
	return 0;
}

void port_close(struct port *port) {
	char name[RTE_ETH_NAME_MAX_LEN];
	bool named = rte_eth_dev_get_name_by_port(port->id, name) == 0;

	dpdk_log_keep_begin(); // a port that never started complains
	rte_eth_dev_stop(port->id);
	rte_eth_dev_close(port->id);
	if (port->software && named)
		rte_eal_hotplug_remove("vdev", name);
	dpdk_log_keep_end("");
}

void port_info(const struct port *port, struct plm_port_info *ret_info) {
	struct rte_eth_stats stats = {0};
	struct rte_eth_link link = {0};

	memset(ret_info, 0, sizeof(*ret_info));
	ret_info->index = port->id;
	ret_info->n_rx_queues = port->n_rx_queues;
	ret_info->n_tx_queues = port->n_tx_queues;
	memcpy(ret_info->mac, port->mac, sizeof(ret_info->mac));
	ret_info->mtu = port->mtu;
	memcpy(ret_info->name, port->name, sizeof(ret_info->name));
	memcpy(ret_info->driver, port->driver, sizeof(ret_info->driver));
	if (rte_eth_link_get_nowait(port->id, &link) == 0) {
		ret_info->link_up = link.link_status == RTE_ETH_LINK_UP;
		if (link.link_speed != RTE_ETH_SPEED_NUM_UNKNOWN)
			ret_info->link_mbps = link.link_speed;
	}
	if (rte_eth_stats_get(port->id, &stats) == 0) {
		ret_info->rx_packets = stats.ipackets;
		ret_info->rx_bytes = stats.ibytes;
		ret_info->rx_missed = stats.imissed;
		ret_info->rx_errors = stats.ierrors;
		ret_info->rx_nombuf = stats.rx_nombuf;
		ret_info->tx_packets = stats.opackets;
		ret_info->tx_bytes = stats.obytes;
		ret_info->tx_errors = stats.oerrors;
	}
}
