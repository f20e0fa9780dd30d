// SPDX-License-Identifier: BSD-3-Clause

// The desired state: what shall exist in the dataplane.

#include "relay_internal.h"

#include <plm_secret.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct object *relay_object_find(const struct relay *relay, uint64_t id, enum kind kind) {
	struct object *object;

	object = table_object(table_find_number(&relay->objects, id), struct object, link);
	return object != NULL && object->kind == kind ? object : NULL;
}

static void object_free(struct object *object) {
	plm_wipe(&object->add, sizeof(object->add)); // passwords
	free(object);
}

void relay_state_init(struct relay *relay) {
	const uint64_t seed = plm_now_us() ^ (uintptr_t)relay;

	table_init(&relay->objects, seed);
	table_init(&relay->strangers, seed);
}

void relay_state_clear(struct relay *relay) {
	struct table_link *link, *next;

	for (link = table_next(&relay->objects, NULL); link != NULL; link = next) {
		next = table_next(&relay->objects, link);
		object_free(table_object(link, struct object, link));
	}
	table_clear(&relay->objects);
	relay_strangers_clear(relay);
}

void relay_state_count(const struct relay *relay, struct relay_stats *stats) {
	struct table_link *link = NULL;

	stats->transports = stats->producers = stats->consumers = 0;
	while ((link = table_next(&relay->objects, link)) != NULL) {
		const enum kind kind = table_object(link, struct object, link)->kind;

		if (kind == TRANSPORT)
			stats->transports++;
		else if (kind == PRODUCER)
			stats->producers++;
		else
			stats->consumers++;
	}
}

// ---------------------------------------------------------------------------- adding

static uint64_t object_transport(const struct object *object) {
	return object->transport != NULL ? object->transport->id : object->id;
}

int relay_object_send(struct relay *relay, struct object *object, relay_done *done, void *user) {
	static const uint16_t types[] = {
		PLM_API_TRANSPORT_ADD, PLM_API_PRODUCER_ADD, PLM_API_CONSUMER_ADD};
	static const size_t sizes[] = {
		sizeof(struct plm_transport_add),
		sizeof(struct plm_producer_add),
		sizeof(struct plm_consumer_add),
	};

	return relay_send(
		relay,
		types[object->kind],
		&object->add,
		sizes[object->kind],
		object->id,
		object_transport(object),
		done,
		user
	);
}

void relay_state_acked(struct relay *relay, uint64_t id) {
	struct object *object;

	object = table_object(table_find_number(&relay->objects, id), struct object, link);
	if (object != NULL)
		object->acked = true;
}

static struct object *object_new(uint64_t id, enum kind kind) {
	struct object *object = calloc(1, sizeof(*object));

	if (object == NULL)
		return NULL;
	object->id = id;
	object->kind = kind;
	LIST_INIT(&object->children);
	LIST_INIT(&object->consumers);
	return object;
}

static void object_unlink(struct relay *relay, struct object *object) {
	table_remove(&relay->objects, &object->link);
	if (object->transport != NULL)
		LIST_REMOVE(object, of_transport);
	if (object->kind == CONSUMER)
		LIST_REMOVE(object, of_producer);
}

// Takes the object over.
static int object_add(
	struct relay *relay,
	struct object *object,
	struct object *transport,
	struct object *producer,
	relay_done *done,
	void *user
) {
	int r;

	r = table_add_number(&relay->objects, &object->link, object->id);
	if (r < 0) {
		object_free(object);
		return r;
	}
	object->transport = transport;
	if (transport != NULL)
		LIST_INSERT_HEAD(&transport->children, object, of_transport);
	if (producer != NULL)
		LIST_INSERT_HEAD(&producer->consumers, object, of_producer);
	r = relay_object_send(relay, object, done, user);
	if (r < 0) {
		object_unlink(relay, object);
		object_free(object);
	}
	return r;
}

static int may_add(const struct relay *relay, uint64_t id) {
	if (relay->phase != RELAY_UP)
		return -ENOTCONN;
	return table_find_number(&relay->objects, id) != NULL ? -EEXIST : 0;
}

int relay_transport_add(
	struct relay *relay,
	const struct plm_transport_add *add,
	relay_done *done,
	void *user
) {
	struct object *object;
	int r = may_add(relay, add->id);

	if (r < 0)
		return r;
	object = object_new(add->id, TRANSPORT);
	if (object == NULL)
		return -ENOMEM;
	object->add.transport = *add;
	return object_add(relay, object, NULL, NULL, done, user);
}

int relay_producer_add(
	struct relay *relay,
	const struct plm_producer_add *add,
	relay_done *done,
	void *user
) {
	struct object *transport = relay_object_find(relay, add->transport_id, TRANSPORT);
	struct object *object;
	int r = may_add(relay, add->id);

	if (r < 0)
		return r;
	if (transport == NULL)
		return -ENOENT;
	object = object_new(add->id, PRODUCER);
	if (object == NULL)
		return -ENOMEM;
	object->add.producer = *add;
	return object_add(relay, object, transport, NULL, done, user);
}

int relay_consumer_add(
	struct relay *relay,
	const struct plm_consumer_add *add,
	relay_done *done,
	void *user
) {
	struct object *transport = relay_object_find(relay, add->transport_id, TRANSPORT);
	struct object *producer = relay_object_find(relay, add->producer_id, PRODUCER);
	struct object *object;
	int r = may_add(relay, add->id);

	if (r < 0)
		return r;
	if (transport == NULL || producer == NULL)
		return -ENOENT;
	object = object_new(add->id, CONSUMER);
	if (object == NULL)
		return -ENOMEM;
	object->add.consumer = *add;
	return object_add(relay, object, transport, producer, done, user);
}

int relay_transport_restart(
	struct relay *relay,
	const struct plm_transport_restart *restart,
	relay_done *done,
	void *user
) {
	struct object *object = relay_object_find(relay, restart->id, TRANSPORT);
	int r;

	if (relay->phase != RELAY_UP)
		return -ENOTCONN;
	if (object == NULL)
		return -ENOENT;
	r = relay_send(
		relay,
		PLM_API_TRANSPORT_RESTART,
		restart,
		sizeof(*restart),
		restart->id,
		restart->id,
		done,
		user
	);
	if (r == 0) {
		object->add.transport.ice = restart->ice;
		object->add.transport.agent_port_v4 = restart->agent_port_v4;
		object->add.transport.agent_port_v6 = restart->agent_port_v6;
	}
	return r;
}

int relay_consumer_set(struct relay *relay, uint64_t id, bool paused) {
	struct object *object = relay_object_find(relay, id, CONSUMER);
	const struct plm_consumer_set set = {.id = id, .paused = paused};

	int r;

	if (object == NULL)
		return -ENOENT;
	object->add.consumer.paused = paused;
	r = relay_send(
		relay,
		PLM_API_CONSUMER_SET,
		&set,
		sizeof(set),
		id,
		object_transport(object),
		NULL,
		NULL
	);
	return r == -ENOTCONN ? 0 : r; // away: the next comparison repairs it
}

int relay_producer_keyframe(struct relay *relay, uint64_t id) {
	const struct plm_id msg = {.id = id};

	if (relay_object_find(relay, id, PRODUCER) == NULL)
		return -ENOENT;
	return relay_send(relay, PLM_API_PRODUCER_KEYFRAME, &msg, sizeof(msg), id, 0, NULL, NULL);
}

// ---------------------------------------------------------------------------- deleting

// A DEL whose reply never came is sent again after the next connection.
static void transport_del_done(void *user, uint64_t transport_id, int error) {
	if (error == -ENOTCONN)
		relay_stranger_doom(user, transport_id);
}

void relay_del_send(struct relay *relay, uint16_t type, uint64_t id) {
	const struct plm_id msg = {.id = id};
	int r;

	if (type != PLM_API_TRANSPORT_DEL) {
		// Lost ones are found by the next comparison: their transport is known.
		relay_send(relay, type, &msg, sizeof(msg), id, 0, NULL, NULL);
		return;
	}
	r = relay_send(relay, type, &msg, sizeof(msg), id, id, transport_del_done, relay);
	if (r < 0)
		transport_del_done(relay, id, -ENOTCONN);
}

void relay_consumer_del(struct relay *relay, uint64_t id) {
	struct object *object = relay_object_find(relay, id, CONSUMER);

	if (object == NULL)
		return;
	relay_del_send(relay, PLM_API_CONSUMER_DEL, id);
	object_unlink(relay, object);
	object_free(object);
}

void relay_producer_del(struct relay *relay, uint64_t id) {
	struct object *object = relay_object_find(relay, id, PRODUCER), *consumer;

	if (object == NULL)
		return;
	while ((consumer = LIST_FIRST(&object->consumers)) != NULL)
		relay_consumer_del(relay, consumer->id);
	relay_del_send(relay, PLM_API_PRODUCER_DEL, id);
	object_unlink(relay, object);
	object_free(object);
}

void relay_transport_del(struct relay *relay, uint64_t id) {
	struct object *object = relay_object_find(relay, id, TRANSPORT), *child;

	if (object == NULL)
		return;
	while ((child = LIST_FIRST(&object->children)) != NULL) {
		if (child->kind == PRODUCER)
			relay_producer_del(relay, child->id);
		else
			relay_consumer_del(relay, child->id);
	}
	relay_del_send(relay, PLM_API_TRANSPORT_DEL, id);
	object_unlink(relay, object);
	object_free(object);
}

// ADD was refused: with it goes what was built on it. Callers hear of each by its own reply.
void relay_state_refused(struct relay *relay, uint16_t type, uint64_t id) {
	switch (type) {
	case PLM_API_TRANSPORT_ADD:
		relay_transport_del(relay, id);
		break;
	case PLM_API_PRODUCER_ADD:
		relay_producer_del(relay, id);
		break;
	case PLM_API_CONSUMER_ADD:
		relay_consumer_del(relay, id);
		break;
	}
}
