// SPDX-License-Identifier: BSD-3-Clause

#include "nic.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <errno.h>
#include <stdio.h>

#define RX_RING 8192

static uint16_t receive(
	uint16_t port,
	uint16_t queue,
	struct rte_mbuf **frames,
	uint16_t n,
	uint16_t room,
	void *user
) {
	struct nic *nic = user;

	(void)port;
	(void)queue;
	return (uint16_t
	)(n + rte_ring_sc_dequeue_burst(nic->rx, (void **)&frames[n], room - n, NULL));
}

// The n oldest held frames change places with these; the device frees them.
static uint16_t transmit(
	uint16_t port,
	uint16_t queue,
	struct rte_mbuf **frames,
	uint16_t n,
	void *user
) {
	struct nic *nic = user;

	(void)port;
	(void)queue;
	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = frames[i];

		if (m->data_len <= NIC_SHORT)
			nic->tx_short++;
		else {
			nic->tx_frames++;
			nic->tx_bytes += m->data_len;
		}
		if (nic->look != NULL && (m->data_len <= NIC_SHORT || nic->look_at_all))
			nic->look(nic->user, m);
		if (nic->depth == 0)
			continue;
		frames[i] = nic->held[nic->head];
		nic->held[nic->head] = m;
		nic->head = nic->head + 1 == nic->depth ? 0 : nic->head + 1;
	}
	return n;
}

int nic_attach(
	struct nic *nic,
	uint16_t port,
	uint16_t queue,
	unsigned depth,
	struct rte_mempool *pool
) {
	char name[RTE_RING_NAMESIZE];

	if (depth > NIC_DEPTH_MAX)
		return -EINVAL;
	*nic = (struct nic){.port = port, .queue = queue, .depth = depth};
	snprintf(name, sizeof(name), "bench_rx%u_%u", port, queue);
	nic->rx = rte_ring_create(name, RX_RING, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (nic->rx == NULL)
		return -ENOMEM;
	if (depth > 0 && rte_pktmbuf_alloc_bulk(pool, nic->held, depth) != 0)
		return -ENOMEM;
	if (rte_eth_add_rx_callback(port, queue, receive, nic) == NULL
	    || rte_eth_add_tx_callback(port, queue, transmit, nic) == NULL)
		return -ENOTSUP;
	return 0;
}

void nic_empty(struct nic *nic) {
	for (unsigned i = 0; i < nic->depth; i++)
		rte_pktmbuf_free(nic->held[i]);
	nic->depth = 0;
}
