// SPDX-License-Identifier: BSD-3-Clause

// STUN for the public port (RFC 8445, RFC 7675). Every Binding request is verified before anything
// else happens, and nothing is ever sent in answer to one that fails. Requests go by USERNAME,
// answers by address and transaction.
//
//   NEW, PATH: the path is made or moved, the request goes on to the agent's private port
//   SECURE:    the dataplane answers; USE-CANDIDATE selects; ICE-CONTROLLED is a role conflict
//   DEAD:      dropped

#include "../config.h"
#include "../frame.h"
#include "../media/flow_table.h"
#include "../media/transport.h"
#include "../output.h"
#include "../session.h"
#include "stages.h"

#include <plm_stun.h>

#include <rte_hash.h>
#include <rte_ring.h>

#include <string.h>

static void hand_over(struct worker *worker, struct rte_mbuf *m, unsigned owner) {
	trace_packet(worker, m, PLM_STAGE_STUN, TRACE_HANDED_OVER, 0);
	if (rte_ring_enqueue(worker->dp->workers[owner]->strays, m) != 0) {
		worker_drop(worker, m, PLM_STAGE_STUN, DROP_HANDOVER_FULL);
		return;
	}
	worker->handed_over++;
}

// Whose ufrag this is, with all checks of RFC 8445 7.3 but in the cheapest order: ufrag, then
// FINGERPRINT, then MESSAGE-INTEGRITY. NULL with *ret_reason.
static struct credential *authenticate(
	struct worker *worker,
	const uint8_t *data,
	const struct plm_stun *msg,
	enum drop_reason *ret_reason
) {
	const char *ours, *theirs;
	size_t ours_len, theirs_len;
	char key[PLM_UFRAG_MAX] = {0};
	struct credential *credential;
	void *found;

	*ret_reason = DROP_STUN_USERNAME;
	if (plm_stun_username_split(msg, &ours, &ours_len, &theirs, &theirs_len) < 0)
		return NULL;
	*ret_reason = DROP_STUN_UNKNOWN_UFRAG;
	if (ours_len >= sizeof(key))
		return NULL;
	memcpy(key, ours, ours_len);
	if (rte_hash_lookup_data(worker->credentials, key, &found) < 0)
		return NULL;
	credential = found;
	*ret_reason = DROP_STUN_UFRAG_MISMATCH;
	if (theirs_len != strlen(credential->remote_ufrag)
	    || memcmp(theirs, credential->remote_ufrag, theirs_len) != 0)
		return NULL;
	*ret_reason = DROP_STUN_FINGERPRINT;
	if (!plm_stun_fingerprint_ok(data, msg))
		return NULL;
	*ret_reason = DROP_STUN_INTEGRITY;
	if (!plm_stun_integrity_ok(data, msg, &credential->local_key))
		return NULL;
	return credential;
}

// The worker that is to own the transport: the one that received the packet where the port spreads
// addresses over queues, else the least loaded.
static unsigned choose_owner(const struct worker *worker) {
	const struct dataplane *dp = worker->dp;
	unsigned best = worker->index;

	if (dp->port->n_rx_queues >= dp->n_workers)
		return best;
	for (unsigned i = 0; i < dp->n_workers; i++) {
		if (__atomic_load_n(&dp->workers[i]->n_transports, __ATOMIC_RELAXED)
		    < __atomic_load_n(&dp->workers[best]->n_transports, __ATOMIC_RELAXED))
			best = i;
	}
	return best;
}

static unsigned claim(struct worker *worker, uint32_t index) {
	uint8_t *word = &worker->dp->claims[index];
	uint8_t owner = __atomic_load_n(word, __ATOMIC_ACQUIRE);

	if (owner != TRANSPORT_UNCLAIMED)
		return owner;
	uint8_t chosen = (uint8_t)choose_owner(worker);
	if (__atomic_compare_exchange_n(
		    word, &owner, chosen, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE
	    ))
		return chosen;
	return owner;
}

// The request belongs to another worker's transport: it gets the packet now, and this address's
// other packets from now on.
static void give_away(
	struct worker *worker,
	struct rte_mbuf *m,
	const struct credential *credential,
	unsigned owner
) {
	const struct flow flow = {credential->index, (uint8_t)owner};
	struct packet *packet = packet_of(m);
	struct flow before;

	if (flow_table_get(worker->flows, &packet->remote, &before)
	    && before.transport != flow.transport)
		session_path_taken(worker, &packet->remote, before);
	if (flow_table_set(worker->flows, &packet->remote, flow) != 0) {
		worker_drop(worker, m, PLM_STAGE_STUN, DROP_PATHS_FULL);
		return;
	}
	hand_over(worker, m, owner);
}

// Rewrites the destination port to the agent's private one and passes the frame to the kernel.
static void to_agent(struct worker *worker, struct rte_mbuf *m, uint16_t agent_port) {
	struct packet *packet = packet_of(m);
	struct rte_udp_hdr *udp = rte_pktmbuf_mtod_offset(
		m, struct rte_udp_hdr *, packet->payload_offset - sizeof(struct rte_udp_hdr)
	);
	rte_be16_t port = rte_cpu_to_be_16(agent_port);

	udp->dgram_cksum = frame_cksum_update(udp->dgram_cksum, udp->dst_port, port);
	udp->dst_port = port;
	trace_packet(worker, m, PLM_STAGE_STUN, TRACE_TO_KERNEL, 0);
	output_kernel(worker, m, PLM_STAGE_STUN);
}

static void answer(
	struct worker *worker,
	struct transport *transport,
	const struct path *path,
	const struct credential *credential,
	const struct plm_stun *msg
) {
	uint8_t reply[128];
	int len;

	// We are always the controlled side with the smallest tie-breaker (RFC 8445 7.3.1.1).
	if (msg->controlled)
		len = plm_stun_error_write(
			reply,
			sizeof(reply),
			msg->txid,
			487,
			"Role Conflict",
			&credential->local_key
		);
	else
		len = plm_stun_success_write(
			reply, sizeof(reply), msg->txid, &path->remote, &credential->local_key
		);
	if (len > 0)
		output_plain(worker, transport, path, reply, (size_t)len);
}

static void take_request(
	struct worker *worker,
	struct rte_mbuf *m,
	struct credential *credential,
	const struct plm_stun *msg
) {
	struct transport *transport = credential->transport;
	struct packet *packet = packet_of(m);
	struct path *path = transport_path_find(transport, &packet->remote);
	uint16_t agent_port = credential->agent_ports[packet->remote.family == 4 ? 0 : 1];

	packet->transport = transport->index;
	if (transport->state == PLM_TRANSPORT_DEAD) {
		worker_drop(worker, m, PLM_STAGE_STUN, DROP_TRANSPORT_DEAD);
		return;
	}
	// Late packets of an old generation must not move a path back.
	if (path != NULL && credential->generation < path->generation) {
		worker_drop(worker, m, PLM_STAGE_STUN, DROP_STUN_OLD_GENERATION);
		return;
	}
	path = session_path(worker, transport, packet, credential->generation);
	if (path == NULL) {
		worker_drop(worker, m, PLM_STAGE_STUN, DROP_PATHS_FULL);
		return;
	}
	transport->stun_requests++;
	// A nomination that waits for its proof is pursued with every request: not all peers repeat
	// USE-CANDIDATE.
	if (!msg->controlled
	    && (msg->use_candidate || transport_path_slot(transport, path) == transport->nominated))
		session_nominate(worker, transport, path);
	if (transport->state != PLM_TRANSPORT_SECURE && agent_port != 0) {
		to_agent(worker, m, agent_port);
		return;
	}
	answer(worker, transport, path, credential, msg);
	trace_packet(worker, m, PLM_STAGE_STUN, TRACE_DONE, 0);
	rte_pktmbuf_free(m);
}

static void handle_request(struct worker *worker, struct rte_mbuf *m, const struct plm_stun *msg) {
	enum drop_reason reason;
	struct credential *credential;
	unsigned owner;

	credential = authenticate(worker, packet_payload(m), msg, &reason);
	if (credential == NULL) {
		worker_drop(worker, m, PLM_STAGE_STUN, reason);
		return;
	}
	owner = claim(worker, credential->index);
	if (owner != worker->index) {
		give_away(worker, m, credential, owner);
		return;
	}
	if (session_adopt(worker, credential) != 0) {
		worker_drop(worker, m, PLM_STAGE_STUN, DROP_PUNT_FULL);
		return;
	}
	take_request(worker, m, credential, msg);
}

// Answers to agents' checks are matched and verified by the control thread, which saw the request.
static void to_control(struct worker *worker, struct rte_mbuf *m) {
	trace_packet(worker, m, PLM_STAGE_STUN, TRACE_TO_KERNEL, 0);
	if (rte_ring_enqueue(worker->dp->stun_answers, m) != 0) {
		worker_drop(worker, m, PLM_STAGE_STUN, DROP_EXCEPTION_FULL);
		return;
	}
	output_wake_control(worker);
}

static void handle_answer(struct worker *worker, struct rte_mbuf *m, const struct plm_stun *msg) {
	struct packet *packet = packet_of(m);
	const struct credential *credential;
	struct transport *transport;
	struct path *path;
	struct flow flow;

	if (!flow_table_get(worker->flows, &packet->remote, &flow)) {
		to_control(worker, m);
		return;
	}
	if (flow.owner != worker->index) {
		hand_over(worker, m, flow.owner);
		return;
	}
	transport = worker->transports[flow.transport];
	packet->transport = flow.transport;
	path = transport_path_find(transport, &packet->remote);
	if (transport->state != PLM_TRANSPORT_SECURE || path == NULL) {
		to_control(worker, m);
		return;
	}
	credential = transport_credential(transport, path->generation);
	if (credential == NULL
	    || !plm_stun_integrity_ok(packet_payload(m), msg, &credential->remote_key)) {
		worker_drop(worker, m, PLM_STAGE_STUN, DROP_STUN_INTEGRITY);
		return;
	}
	if (msg->type != PLM_STUN_BINDING_SUCCESS
	    || !session_answered(worker, transport, path, msg->txid)) {
		to_control(worker, m); // may answer a check the agent sent before the hand-over
		return;
	}
	trace_packet(worker, m, PLM_STAGE_STUN, TRACE_DONE, 0);
	rte_pktmbuf_free(m);
}

unsigned stage_stun(struct worker *worker) {
	struct batch *batch = &worker->batch;

	for (unsigned i = 0; i < batch->n_stun; i++) {
		struct rte_mbuf *m = batch->stun[i];
		struct plm_stun msg;

		if (plm_stun_parse(packet_payload(m), packet_of(m)->payload_len, &msg) < 0) {
			worker_drop(worker, m, PLM_STAGE_STUN, DROP_STUN_MALFORMED);
			continue;
		}
		switch (msg.type) {
		case PLM_STUN_BINDING_REQUEST:
			handle_request(worker, m, &msg);
			break;
		case PLM_STUN_BINDING_SUCCESS:
		case PLM_STUN_BINDING_ERROR:
			handle_answer(worker, m, &msg);
			break;
		default:
			worker_drop(worker, m, PLM_STAGE_STUN, DROP_STUN_UNEXPECTED);
		}
	}
	return batch->n_stun;
}
