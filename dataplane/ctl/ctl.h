// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The control thread's view: every object there is, by the API's ids, and who owns it now. All
// calls are of the control thread. Functions named after API requests return 0 or a positive errno,
// as the reply's status.

#include "../media/transport.h"
#include "../worker.h"

#include <plm_api.h>

struct exception;
struct rte_hash;

struct ctl_producer;
struct ctl_consumer;

#define CTL_GENERATIONS 2

struct ctl_transport {
	struct plm_transport_add add; // as given; credentials are the first generation's
	uint32_t index;
	bool used; // slot taken, until every worker has released it
	bool deleting;
	uint8_t owner; // worker, TRANSPORT_UNCLAIMED
	bool secure, dead;
	uint8_t n_generations;
	uint32_t generation; // newest
	char ufrags[CTL_GENERATIONS][PLM_UFRAG_MAX]; // local ones known to workers, newest first
	struct transport *transport;
	unsigned releases; // outstanding answers of workers
	struct srtp_session *rx, *tx; // keys that came before the claim
	uint16_t suite;
	struct ctl_producer *producers;
	struct ctl_consumer *consumers;
	uint32_t n_producers;
	uint32_t ssrcs[TRANSPORT_SSRCS_SENT]; // that consumers have had so far
	unsigned n_ssrcs;
};

struct ctl_producer {
	struct plm_producer_add add;
	uint32_t index;
	uint32_t serial;
	bool used, deleting;
	struct ctl_transport *transport;
	struct ctl_producer *next; // of the transport
	struct producer *producer;
	struct ctl_consumer *consumers;
	uint32_t n_consumers;
	uint32_t watchers[WORKER_MAX]; // consumers given to each worker
	unsigned releases;
};

struct ctl_consumer {
	struct plm_consumer_add add;
	uint32_t index;
	bool used, deleting, given;
	struct ctl_transport *transport;
	struct ctl_producer *producer;
	struct ctl_consumer *transport_next, *producer_next;
	struct consumer *consumer;
};

struct ctl_sink {
	void *user;
	// A message for the CONTROL client.
	void (*event)(void *user, uint16_t type, const void *payload, size_t len);
	// A DTLS record for the PUNT client of a channel. False: nobody there.
	bool (*dtls
	)(void *user, uint16_t channel, const struct plm_dtls_record *record, size_t len);
};

struct ctl {
	struct dataplane *dp;
	struct exception *exception;
	struct ctl_sink sink;
	struct rte_hash *transport_ids, *producer_ids, *consumer_ids;
	struct rte_hash *ufrags; // local ones that workers know: unique
	struct ctl_transport *transports;
	struct ctl_producer *producers;
	struct ctl_consumer *consumers;
	uint32_t next_transport, next_producer,
		next_consumer; // where the search for a slot goes on
	uint32_t n_transports, n_producers, n_consumers;
	uint32_t serial;
	uint64_t punt_drops; // records nobody took
	// What workers said while we waited for room in a mailbox; handled before anything newer.
	struct message *backlog;
	size_t n_backlog, backlog_room;
};

struct ctl *ctl_new(struct dataplane *dp); // NULL with errno
void ctl_free(struct ctl *ctl); // workers must have stopped

int ctl_transport_add(struct ctl *ctl, const struct plm_transport_add *add);
int ctl_transport_restart(struct ctl *ctl, const struct plm_transport_restart *restart);
int ctl_transport_secure(struct ctl *ctl, const struct plm_transport_secure *secure);
int ctl_transport_del(struct ctl *ctl, uint64_t id);
int ctl_producer_add(struct ctl *ctl, const struct plm_producer_add *add);
int ctl_producer_del(struct ctl *ctl, uint64_t id);
int ctl_producer_keyframe(struct ctl *ctl, uint64_t id);
int ctl_consumer_add(struct ctl *ctl, const struct plm_consumer_add *add);
int ctl_consumer_del(struct ctl *ctl, uint64_t id);
int ctl_consumer_set(struct ctl *ctl, const struct plm_consumer_set *set);
int ctl_trace_set(struct ctl *ctl, const struct plm_trace_set *set);
int ctl_dtls_out(struct ctl *ctl, const struct plm_dtls_record *record);

// The end: deletes every transport. Workers must still run, until ctl_is_empty.
void ctl_delete_all(struct ctl *ctl);
bool ctl_is_empty(const struct ctl *ctl);

// Handles what workers say; returns the number of messages.
unsigned ctl_take_events(struct ctl *ctl);

struct ctl_transport *ctl_transport_find(const struct ctl *ctl, uint64_t id);
struct ctl_producer *ctl_producer_find(const struct ctl *ctl, uint64_t id);
struct ctl_consumer *ctl_consumer_find(const struct ctl *ctl, uint64_t id);

// --- between the files of ctl/

// Posts to a worker's mailbox; waits while it is full. Meanwhile takes what workers say: they take
// no more messages when they cannot answer.
void ctl_post(struct ctl *ctl, unsigned worker, const struct message *message);

// An id's slot by hash, and back.
struct rte_hash *ctl_ids_new(const char *name, uint32_t max);
int64_t ctl_ids_find(const struct rte_hash *ids, uint64_t id); // index or -1
int ctl_ids_add(struct rte_hash *ids, uint64_t id, uint32_t index);
void ctl_ids_del(struct rte_hash *ids, uint64_t id);

// Local ufrags: keys of PLM_UFRAG_MAX bytes, zero padded.
struct rte_hash *ctl_ufrags_new(uint32_t max);

// The claimed transport's streams go to its worker.
void ctl_producer_give(struct ctl *ctl, struct ctl_producer *producer);
void ctl_consumer_give(struct ctl *ctl, struct ctl_consumer *consumer);
void ctl_producer_remove(struct ctl *ctl, struct ctl_producer *producer);
void ctl_consumer_remove(struct ctl *ctl, struct ctl_consumer *consumer);
void ctl_stream_released(struct ctl *ctl, const struct message *message);
