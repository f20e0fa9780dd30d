// SPDX-License-Identifier: BSD-3-Clause

#include "session.h"

#include "audience.h"
#include "mailbox.h"
#include "media/stream.h"
#include "media/transport.h"
#include "output.h"

#include <plm_addr.h>

#include <rte_hash.h>

#include <errno.h>
#include <string.h>

static void release(struct worker *worker, uint32_t index, enum release kind, void *object) {
	const struct message message = {
		.type = MESSAGE_RELEASED,
		.index = index,
		.value = kind,
		.object = object,
	};

	worker_event(worker, &message);
}

int session_adopt(struct worker *worker, struct credential *credential) {
	struct transport *transport = credential->transport;
	const struct message message = {
		.type = MESSAGE_CLAIMED,
		.index = transport->index,
		.value = worker->index,
		.id = transport->id,
	};

	if (worker->transports[transport->index] != NULL)
		return 0;
	if (worker_event(worker, &message) != 0)
		return -ENOSPC; // the next request tries again
	worker->transports[transport->index] = transport;
	transport->slot = worker->n_owned;
	worker->owned[worker->n_owned++] = transport;
	__atomic_fetch_add(&worker->n_transports, 1, __ATOMIC_RELAXED);
	transport->rtcp_ssrc = (uint32_t)worker_random(worker) | 1;
	transport->report_us = worker->now_us + worker_random(worker) % 1000000;
	// All generations: a restart may have come before the first packet.
	transport->credentials = worker->generations[transport->index];
	transport->generation = transport->credentials->generation;
	return 0;
}

static void event_path(struct worker *worker, struct transport *transport) {
	const struct message message = {
		.type = MESSAGE_PATH,
		.index = transport->index,
		.value = transport->generation,
		.addr = transport->paths[transport->selected].remote,
		.id = transport->id,
	};

	worker_event(worker, &message);
}

// After a restart: the newest credentials carry the selected path, the older ones are of no use.
static void finish_restart(struct worker *worker, struct transport *transport) {
	const struct message message = {
		.type = MESSAGE_RESTARTED,
		.index = transport->index,
		.value = transport->generation,
		.id = transport->id,
	};

	if (transport->credentials->next == NULL)
		return;
	if (transport->paths[transport->selected].generation == transport->generation)
		worker_event(worker, &message);
}

static void select_path(struct worker *worker, struct transport *transport, struct path *path) {
	uint8_t slot = transport_path_slot(transport, path);

	transport->nominated = TRANSPORT_NO_PATH;
	if (transport->selected == slot)
		return;
	transport->selected = slot;
	transport->path_changes++;
	audience_refresh(worker, transport);
	event_path(worker, transport);
	finish_restart(worker, transport);
}

// A path is gone: its address no longer leads here, nor from the worker that receives its packets.
// Else a client with ever new addresses would fill the other worker's table.
static void forget_address(struct worker *worker, uint32_t index, const struct path *path) {
	const struct message gone = {
		.type = MESSAGE_PATH_GONE,
		.index = index,
		.addr = path->remote,
	};

	flow_table_remove(worker->flows, &path->remote, index);
	if (path->from != worker->index)
		mailbox_post(worker->dp->workers[path->from]->mailbox, &gone);
}

struct path *session_path(
	struct worker *worker,
	struct transport *transport,
	const struct packet *packet,
	uint32_t generation
) {
	const struct flow mine = {transport->index, (uint8_t)worker->index};
	struct path *path = transport_path_find(transport, &packet->remote);
	struct path evicted;
	struct flow other;

	if (path == NULL) {
		// A used address of another transport (its port was reused) moves over.
		if (flow_table_get(worker->flows, &packet->remote, &other)
		    && other.transport != transport->index)
			session_path_taken(worker, &packet->remote, other);
		if (flow_table_set(worker->flows, &packet->remote, mine) != 0)
			return NULL;
		path = transport_path_take(transport, &evicted);
		if (evicted.remote.family != 0)
			forget_address(worker, transport->index, &evicted);
		path->remote = packet->remote;
	}
	path->local = packet->local;
	path->from = packet->from;
	path->seen_us = worker->now_us;
	path->generation = generation;
	if (memcmp(path->mac, packet->src_mac, sizeof(path->mac)) != 0) {
		memcpy(path->mac, packet->src_mac, sizeof(path->mac));
		if (transport_path_slot(transport, path) == transport->selected)
			audience_refresh(worker, transport);
	}
	if (transport->state == PLM_TRANSPORT_NEW)
		transport->state = PLM_TRANSPORT_PATH;
	return path;
}

static void random_txid(struct worker *worker, uint8_t *ret_txid) {
	uint64_t a = worker_random(worker), b = worker_random(worker);

	memcpy(ret_txid, &a, 8);
	memcpy(ret_txid + 8, &b, 4);
}

void session_nominate(struct worker *worker, struct transport *transport, struct path *path) {
	uint8_t slot = transport_path_slot(transport, path);

	// Between two generations, late packets of the older one must not move media back.
	if (transport->selected != TRANSPORT_NO_PATH
	    && path->generation < transport->paths[transport->selected].generation)
		return;
	if (transport->selected == slot
	    && (transport->state != PLM_TRANSPORT_SECURE || path->validated)) {
		transport->nominated = TRANSPORT_NO_PATH;
		finish_restart(worker, transport);
		return;
	}
	if (transport->state != PLM_TRANSPORT_SECURE || path->validated) {
		select_path(worker, transport, path);
		return;
	}
	// A signed request may come from a spoofed source: no media before the address has answered
	// a check of ours. One check a request, so nothing is amplified; all of one transaction, so
	// that answers slower than the peer's requests count.
	if (transport->nominated != slot) {
		transport->nominated = slot;
		random_txid(worker, transport->nominate_txid);
	}
	session_check(worker, transport, path, transport->nominate_txid);
}

bool session_answered(
	struct worker *worker,
	struct transport *transport,
	struct path *path,
	const uint8_t *txid
) {
	uint8_t slot = transport_path_slot(transport, path);
	bool proven = !path->validated;

	if (slot == transport->nominated
	    && memcmp(txid, transport->nominate_txid, PLM_STUN_TXID_LEN) == 0) {
		path->validated = 1;
		consent_refresh(&transport->consent, worker->now_us);
		select_path(worker, transport, path);
	} else if (slot != transport->selected || !consent_answer(&transport->consent, worker->now_us, txid)) {
		return false;
	}
	transport->consent_received++;
	path->seen_us = worker->now_us;
	path->validated = 1;
	if (proven)
		audience_refresh(worker, transport);
	return true;
}

void session_check(
	struct worker *worker,
	struct transport *transport,
	const struct path *path,
	const uint8_t *txid
) {
	const struct credential *credential = transport_credential(transport, path->generation);
	struct plm_stun_request request = {.txid = txid, .priority = 0x6e7f00ff};
	uint8_t message[256];
	int len;

	if (credential == NULL)
		credential = transport->credentials; // a path from before the restart
	if (credential == NULL)
		return;
	request.username = credential->username;
	len = plm_stun_request_write(message, sizeof(message), &request, &credential->remote_key);
	if (len < 0)
		return;
	transport->consent_sent++;
	output_plain(worker, transport, path, message, (size_t)len);
}

void session_secure(
	struct worker *worker,
	struct transport *transport,
	uint16_t suite,
	struct srtp_session *rx,
	struct srtp_session *tx
) {
	struct path *path;

	transport->suite = suite;
	transport->tag_len = srtp_suite_find(suite)->rtp_tag_len;
	transport->rx = rx;
	transport->tx = tx;
	transport->state = PLM_TRANSPORT_SECURE;
	consent_start(&transport->consent, worker->now_us);
	if (transport->selected == TRANSPORT_NO_PATH && transport->dtls_path != TRANSPORT_NO_PATH)
		select_path(worker, transport, &transport->paths[transport->dtls_path]);
	if (transport->selected == TRANSPORT_NO_PATH)
		return;
	path = &transport->paths[transport->selected];
	// The handshake has proven the address that all of our records went to: the peer used them.
	// Any other was only claimed so far, and must answer first.
	if (transport->dtls_sent == transport->selected)
		path->validated = 1;
	else
		session_nominate(worker, transport, path);
	audience_refresh(worker, transport);
}

void session_dtls_sent(struct transport *transport, uint8_t slot) {
	if (transport->dtls_sent == TRANSPORT_NO_PATH)
		transport->dtls_sent = slot;
	else if (transport->dtls_sent != slot)
		transport->dtls_sent = TRANSPORT_SEVERAL_PATHS;
}

static void die(struct worker *worker, struct transport *transport) {
	struct message message = {
		.type = MESSAGE_CONSENT_LOST,
		.index = transport->index,
		.id = transport->id,
	};

	if (transport->selected != TRANSPORT_NO_PATH)
		message.addr = transport->paths[transport->selected].remote;
	if (worker_event(worker, &message) != 0)
		return; // the next tick tells it
	transport->state = PLM_TRANSPORT_DEAD;
	audience_refresh(worker, transport);
}

void session_tick(struct worker *worker, struct transport *transport) {
	uint8_t txid[PLM_STUN_TXID_LEN];

	if (transport->state != PLM_TRANSPORT_SECURE)
		return;
	if (consent_lost(&transport->consent, worker->now_us)) {
		die(worker, transport);
		return;
	}
	if (transport->selected == TRANSPORT_NO_PATH)
		return;
	random_txid(worker, txid);
	if (consent_due(&transport->consent, worker->now_us, txid, (uint32_t)worker_random(worker)))
		session_check(worker, transport, &transport->paths[transport->selected], txid);
}

void session_credential_add(struct worker *worker, struct credential *credential) {
	struct transport *transport = worker->transports[credential->index];

	if (rte_hash_add_key_data(worker->credentials, credential->local_ufrag, credential) < 0) {
		release(worker, credential->index, RELEASE_CREDENTIAL, credential);
		return;
	}
	credential->next = worker->generations[credential->index];
	worker->generations[credential->index] = credential;
	if (transport != NULL) {
		transport->credentials = credential;
		transport->generation = credential->generation;
	}
}

void session_credential_remove(struct worker *worker, uint32_t index, const char *ufrag) {
	struct transport *transport = worker->transports[index];
	struct credential **link = &worker->generations[index], *credential;

	while (*link != NULL && memcmp((*link)->local_ufrag, ufrag, PLM_UFRAG_MAX) != 0)
		link = &(*link)->next;
	credential = *link;
	if (credential == NULL)
		return;
	*link = credential->next;
	if (transport != NULL)
		transport->credentials = worker->generations[index];
	rte_hash_del_key(worker->credentials, ufrag);
	release(worker, index, RELEASE_CREDENTIAL, credential);
}

void session_path_lost(struct worker *worker, uint32_t index, const struct plm_addr *remote) {
	struct transport *transport = worker->transports[index];
	struct path *path;
	uint8_t slot;

	if (transport == NULL || (path = transport_path_find(transport, remote)) == NULL)
		return;
	slot = transport_path_slot(transport, path);
	if (transport->selected == slot) {
		transport->selected = TRANSPORT_NO_PATH;
		audience_refresh(worker, transport);
	}
	if (transport->nominated == slot)
		transport->nominated = TRANSPORT_NO_PATH;
	if (transport->dtls_path == slot)
		transport->dtls_path = TRANSPORT_NO_PATH;
	if (transport->dtls_sent == slot)
		transport->dtls_sent = TRANSPORT_SEVERAL_PATHS;
	forget_address(worker, index, path);
	memset(path, 0, sizeof(*path));
}

void session_path_taken(struct worker *worker, const struct plm_addr *remote, struct flow before) {
	const struct message lost = {
		.type = MESSAGE_PATH_TAKEN,
		.index = before.transport,
		.addr = *remote,
	};

	if (before.owner == worker->index)
		session_path_lost(worker, before.transport, remote);
	else
		mailbox_post(worker->dp->workers[before.owner]->mailbox, &lost);
}

void session_forget(struct worker *worker, uint32_t index) {
	struct transport *transport = worker->transports[index];

	if (transport != NULL) {
		struct transport *last = worker->owned[--worker->n_owned];

		for (unsigned i = 0; i < TRANSPORT_PATHS; i++) {
			if (transport->paths[i].seen_us != 0)
				forget_address(worker, index, &transport->paths[i]);
		}
		worker->owned[transport->slot] = last;
		last->slot = transport->slot;
		worker->transports[index] = NULL;
		__atomic_fetch_sub(&worker->n_transports, 1, __ATOMIC_RELAXED);
		transport->credentials = NULL;
	}
	release(worker, index, RELEASE_TRANSPORT, transport);
}
