// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Between relay.c (connection, requests, replies), relay_state.c (what shall exist) and
// relay_compare.c (what does exist).

#include "relay.h"
#include "rooms/table.h"

#include <stddef.h>
#include <sys/queue.h>

enum kind {
	TRANSPORT,
	PRODUCER,
	CONSUMER
};

LIST_HEAD(object_list, object);

// Owned by relay->objects.
struct object {
	struct table_link link;
	uint64_t id;
	enum kind kind;
	bool acked; // the dataplane said yes to ADD
	bool seen; // in the comparison that runs
	struct object *transport; // of a producer or consumer
	LIST_ENTRY(object) of_transport;
	LIST_ENTRY(object) of_producer;
	struct object_list children; // of a transport: its producers and consumers
	struct object_list consumers; // of a producer
	union {
		struct plm_transport_add transport;
		struct plm_producer_add producer;
		struct plm_consumer_add consumer;
	} add;
};

struct request;

enum relay_phase {
	RELAY_DOWN,
	RELAY_HELLO, // connected, HELLO sent
	RELAY_SYNC, // listing and repairing
	RELAY_UP,
};

struct relay {
	struct plm_loop *loop;
	char *path;
	struct relay_events events;
	int fd; // -1 = not connected
	enum relay_phase phase;
	bool wants_out; // waits for EPOLLOUT
	int last_error; // of connect, to log a change only
	uint32_t seq;
	uint64_t retry_us;
	uint64_t boot_id; // 0 = never connected
	struct plm_hello_rep hello;

	struct request *head, **tail; // in the order of sending
	struct request *unsent; // first of these that is not sent yet
	size_t n_requests;
	struct relay_stats stats;

	struct table objects; // desired: transports, producers, consumers, by id
	struct table strangers; // transports that control does not know, by id
	uint64_t sweep_us;
	unsigned lists_left; // of the comparison that runs
};

// Sends a request; see relay.h for done. 0, -ENOTCONN, -ENOBUFS, -ENOMEM.
int relay_send(
	struct relay *relay,
	uint16_t type,
	const void *payload,
	size_t len,
	uint64_t id,
	uint64_t transport_id,
	relay_done *done,
	void *user
);

struct object *relay_object_find(const struct relay *relay, uint64_t id, enum kind kind);
int relay_object_send(struct relay *relay, struct object *object, relay_done *done, void *user);
void relay_del_send(struct relay *relay, uint16_t type, uint64_t id); // type: PLM_API_x_DEL
void relay_stranger_doom(struct relay *relay, uint64_t id); // to be deleted at the next connection
void relay_strangers_clear(struct relay *relay);

void relay_state_init(struct relay *relay);
void relay_state_clear(struct relay *relay); // forgets all
void relay_state_count(const struct relay *relay, struct relay_stats *stats);

// Starts the comparison: lists everything. Then one call an item, one at the end of each list.
void relay_state_compare(struct relay *relay);
void relay_state_item(struct relay *relay, uint16_t type, const void *payload);
void relay_state_listed(struct relay *relay, uint16_t type);

void relay_state_acked(struct relay *relay, uint64_t id); // ADD
void relay_state_refused(struct relay *relay, uint16_t type, uint64_t id);
void relay_state_transport_event(struct relay *relay, const struct plm_event_transport *event);
void relay_state_producer_event(struct relay *relay, const struct plm_event_producer *event);
void relay_state_tick(struct relay *relay, uint64_t now_us);
