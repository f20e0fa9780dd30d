// SPDX-License-Identifier: BSD-3-Clause

// Remote address -> transport. Only addresses that ICE has validated are known. What belongs to
// another worker goes to its ring; DTLS goes to the control plane with the transport's id.

#include "../media/flow_table.h"
#include "../media/transport.h"
#include "../output.h"
#include "stages.h"

#include <plm_demux.h>

#include <rte_ring.h>

static void punt_dtls(struct worker *worker, struct rte_mbuf *m, struct transport *transport) {
	struct packet *packet = packet_of(m);
	struct path *path = transport_path_find(transport, &packet->remote);
	struct message message = {
		.type = MESSAGE_DTLS_IN,
		.index = transport->index,
		.object = m,
		.id = transport->id,
	};

	if (packet->payload_len > PLM_DTLS_MAX) {
		worker_drop(worker, m, PLM_STAGE_LOOKUP, DROP_DTLS_TOO_LONG);
		return;
	}
	if (path != NULL)
		transport->dtls_path = transport_path_slot(transport, path);
	trace_packet(worker, m, PLM_STAGE_LOOKUP, TRACE_DONE, 0);
	if (worker_event(worker, &message) != 0)
		worker_drop(worker, m, PLM_STAGE_LOOKUP, DROP_PUNT_FULL);
}

static void hand_over(struct worker *worker, struct rte_mbuf *m, unsigned owner) {
	trace_packet(worker, m, PLM_STAGE_LOOKUP, TRACE_HANDED_OVER, 0);
	if (rte_ring_enqueue(worker->dp->workers[owner]->strays, m) != 0) {
		worker_drop(worker, m, PLM_STAGE_LOOKUP, DROP_HANDOVER_FULL);
		return;
	}
	worker->handed_over++;
}

static void sort(struct worker *worker, struct rte_mbuf *m, struct flow flow) {
	struct batch *batch = &worker->batch;
	struct packet *packet = packet_of(m);
	struct transport *transport;

	if (flow.owner != worker->index) {
		hand_over(worker, m, flow.owner);
		return;
	}
	transport = worker->transports[flow.transport];
	packet->transport = flow.transport;
	if (transport->state == PLM_TRANSPORT_DEAD) {
		worker_drop(worker, m, PLM_STAGE_LOOKUP, DROP_TRANSPORT_DEAD);
		return;
	}
	if (packet->kind == PLM_PAYLOAD_DTLS) {
		punt_dtls(worker, m, transport);
		return;
	}
	if (transport->state != PLM_TRANSPORT_SECURE) {
		worker_drop(worker, m, PLM_STAGE_LOOKUP, DROP_NOT_SECURE);
		return;
	}
	if (packet->kind == PLM_PAYLOAD_RTP)
		batch->rtp[batch->n_rtp++] = m;
	else
		batch->rtcp[batch->n_rtcp++] = m;
}

unsigned stage_lookup(struct worker *worker) {
	struct batch *batch = &worker->batch;

	batch->n_rtp = 0;
	batch->n_rtcp = 0;
	for (unsigned done = 0; done < batch->n_flow; done += WORKER_BURST) {
		unsigned n = RTE_MIN(batch->n_flow - done, (unsigned)WORKER_BURST);
		const struct plm_addr *remotes[WORKER_BURST];
		struct flow flows[WORKER_BURST];
		uint64_t found;

		for (unsigned i = 0; i < n; i++)
			remotes[i] = &packet_of(batch->flow[done + i])->remote;
		flow_table_get_bulk(worker->flows, remotes, n, flows, &found);
		for (unsigned i = 0; i < n; i++) {
			struct rte_mbuf *m = batch->flow[done + i];

			if (found & UINT64_C(1) << i)
				sort(worker, m, flows[i]);
			else
				worker_drop(worker, m, PLM_STAGE_LOOKUP, DROP_UNKNOWN_PATH);
		}
	}
	return batch->n_flow;
}
