// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// A port without a wire that treats packets as a NIC does: a net_null device whose receive callback
// hands out what the benchmark has put into a ring, and whose transmit callback holds every frame
// until as many more have come as the descriptor ring is deep, so that buffers cycle through the
// caches as they would below a real queue. Both are bound to one queue and thread.

#include <stdbool.h>
#include <stdint.h>

struct rte_mbuf;
struct rte_mempool;
struct rte_ring;

#define NIC_DEPTH_MAX 8192
#define NIC_SHORT 200 // frames up to this length may be STUN and are looked at, always

struct nic {
	uint16_t port, queue;
	struct rte_ring *rx; // frames that "arrived"
	unsigned depth; // of the transmit queue; 0 = frames are freed at once
	unsigned head;
	struct rte_mbuf *held[NIC_DEPTH_MAX];
	uint64_t tx_frames, tx_bytes; // longer than NIC_SHORT
	uint64_t tx_short;

	// Called with every frame while look_at_all, else with short ones only.
	bool look_at_all;
	void (*look)(void *user, const struct rte_mbuf *m);
	void *user;
};

// Installs both callbacks; nothing is sent meanwhile. The queue is full of empty frames of pool
// from the beginning. 0 or -errno.
int nic_attach(
	struct nic *nic,
	uint16_t port,
	uint16_t queue,
	unsigned depth,
	struct rte_mempool *pool
);

// Frees what it holds. The callbacks stay until the port is closed.
void nic_empty(struct nic *nic);
