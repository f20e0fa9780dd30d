// SPDX-License-Identifier: BSD-3-Clause

// Takes a burst from the port's queue, and what other workers hand over.

#include "../io/port.h"
#include "../output.h"
#include "stages.h"

#include <rte_ethdev.h>
#include <rte_ring.h>

#include <string.h>

// Frames that other threads finished but have no queue to send on.
static unsigned take_to_send(struct worker *worker) {
	struct rte_mbuf *frames[WORKER_BURST];
	unsigned n = rte_ring_dequeue_burst(worker->to_send, (void *)frames, WORKER_BURST, NULL);

	for (unsigned i = 0; i < n; i++)
		output_frame(worker, frames[i]);
	return n;
}

unsigned stage_rx(struct worker *worker) {
	struct batch *batch = &worker->batch;
	unsigned n = 0, n_port = 0, n_send;

	n_send = take_to_send(worker);
	if (worker->rx_queue >= 0) {
		n_port = rte_eth_rx_burst(
			worker->dp->port->id, (uint16_t)worker->rx_queue, batch->in, WORKER_BURST
		);
		for (unsigned i = 0; i < n_port; i++) {
			struct packet *packet = packet_of(batch->in[i]);

			memset(packet, 0, sizeof(*packet));
			packet->from = (uint8_t)worker->index;
			packet->rx_us = worker->now_us;
		}
		worker->rx_packets += n_port;
		n = n_port;
	}
	// Strays were classified by the worker that received them, but are cheap to classify again:
	// one way through the stages for all.
	n += rte_ring_dequeue_burst(worker->strays, (void *)&batch->in[n], WORKER_BURST, NULL);
	batch->n_in = n;
	return n + n_send;
}
