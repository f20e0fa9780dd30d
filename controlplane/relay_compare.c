// SPDX-License-Identifier: BSD-3-Clause

// Compares the desired state with what the dataplane lists, and repairs.

#include "relay_internal.h"

#include <plm_log.h>

#include <errno.h>
#include <stdlib.h>

LOG_TYPE("relay");

// A transport in the dataplane that an earlier control made, or one whose DEL is still to be sent.
struct stranger {
	struct table_link link;
	uint64_t id;
	uint64_t since_us;
	bool doomed; // deleted while the dataplane was away
	bool seen;
};

static const uint16_t list_types[] = {
	PLM_API_TRANSPORT_LIST,
	PLM_API_PRODUCER_LIST,
	PLM_API_CONSUMER_LIST,
};

static struct stranger *stranger_find(const struct relay *relay, uint64_t id) {
	return table_object(table_find_number(&relay->strangers, id), struct stranger, link);
}

static struct stranger *stranger_add(struct relay *relay, uint64_t id) {
	struct stranger *stranger = stranger_find(relay, id);

	if (stranger != NULL)
		return stranger;
	stranger = calloc(1, sizeof(*stranger));
	if (stranger == NULL)
		return NULL;
	stranger->id = id;
	stranger->since_us = plm_now_us();
	if (table_add_number(&relay->strangers, &stranger->link, id) < 0) {
		free(stranger);
		return NULL;
	}
	return stranger;
}

void relay_stranger_doom(struct relay *relay, uint64_t id) {
	struct stranger *stranger = stranger_add(relay, id);

	if (stranger != NULL)
		stranger->doomed = true;
}

static void stranger_forget(struct relay *relay, struct stranger *stranger) {
	table_remove(&relay->strangers, &stranger->link);
	free(stranger);
}

void relay_strangers_clear(struct relay *relay) {
	struct table_link *link, *next;

	for (link = table_next(&relay->strangers, NULL); link != NULL; link = next) {
		next = table_next(&relay->strangers, link);
		free(table_object(link, struct stranger, link));
	}
	table_clear(&relay->strangers);
}

static void lists_send(struct relay *relay, unsigned n) {
	const struct plm_list all = {0};

	relay->lists_left = n;
	for (unsigned i = 0; i < n; i++) {
		if (relay_send(relay, list_types[i], &all, sizeof(all), 0, 0, NULL, NULL) < 0)
			LOG(ERROR, "cannot list what the dataplane has: out of memory");
	}
}

void relay_state_compare(struct relay *relay) {
	struct table_link *link, *next;

	for (link = table_next(&relay->strangers, NULL); link != NULL; link = next) {
		struct stranger *stranger = table_object(link, struct stranger, link);
		const uint64_t id = stranger->id;

		next = table_next(&relay->strangers, link);
		stranger->seen = false;
		if (stranger->doomed) {
			stranger_forget(relay, stranger);
			relay_del_send(relay, PLM_API_TRANSPORT_DEL, id);
		}
	}
	for (link = table_next(&relay->objects, NULL); link != NULL;
	     link = table_next(&relay->objects, link))
		table_object(link, struct object, link)->seen = false;
	lists_send(relay, 3);
}

static void consent_lost_tell(struct relay *relay, uint64_t id) {
	const struct plm_event_transport event = {
		.id = id,
		.event = PLM_TRANSPORT_EV_CONSENT_LOST,
	};

	if (relay->events.transport != NULL)
		relay->events.transport(relay->events.user, &event);
}

// A transport that this control did not make. Media that runs is left alone: it ends by consent.
static void stranger_seen(struct relay *relay, const struct plm_transport_info *info) {
	struct stranger *stranger = stranger_add(relay, info->id);
	bool expired;

	if (stranger == NULL)
		return;
	stranger->seen = true;
	expired = info->state != PLM_TRANSPORT_SECURE
		&& plm_now_us() - stranger->since_us >= RELAY_GRACE_MS * 1000ULL;
	if (info->state == PLM_TRANSPORT_DEAD || expired) {
		stranger_forget(relay, stranger);
		relay->stats.deleted_unknown++;
		relay_del_send(relay, PLM_API_TRANSPORT_DEL, info->id);
	}
}

static void transport_seen(struct relay *relay, const struct plm_transport_info *info) {
	struct object *object = relay_object_find(relay, info->id, TRANSPORT);

	if (object == NULL) {
		stranger_seen(relay, info);
		return;
	}
	object->seen = true;
	object->acked = true;
	if (info->state == PLM_TRANSPORT_DEAD)
		consent_lost_tell(relay, info->id);
}

static void child_seen(
	struct relay *relay,
	uint64_t id,
	uint64_t transport_id,
	enum kind kind,
	uint16_t del
) {
	struct object *object = relay_object_find(relay, id, kind);

	if (object != NULL) {
		object->seen = true;
		object->acked = true;
	} else if (relay_object_find(relay, transport_id, TRANSPORT) != NULL) {
		relay->stats.deleted_unknown++;
		relay_del_send(relay, del, id);
	}
}

// A viewer may have paused or gone on while the dataplane was away.
static void paused_repair(struct relay *relay, const struct plm_consumer_info *info) {
	const struct object *object = relay_object_find(relay, info->id, CONSUMER);

	if (object != NULL && (object->add.consumer.paused != 0) != (info->paused != 0))
		relay_consumer_set(relay, info->id, object->add.consumer.paused);
}

void relay_state_item(struct relay *relay, uint16_t type, const void *payload) {
	switch (type) {
	case PLM_API_TRANSPORT_LIST:
		transport_seen(relay, payload);
		break;
	case PLM_API_PRODUCER_LIST: {
		const struct plm_producer_info *info = payload;

		child_seen(relay, info->id, info->transport_id, PRODUCER, PLM_API_PRODUCER_DEL);
		break;
	}
	case PLM_API_CONSUMER_LIST: {
		const struct plm_consumer_info *info = payload;

		child_seen(relay, info->id, info->transport_id, CONSUMER, PLM_API_CONSUMER_DEL);
		paused_repair(relay, info);
		break;
	}
	}
}

// Sends again what the dataplane does not have. A transport that it once had is not made again: its
// keys are gone with it, so that counts as lost consent.
static void missing_add(struct relay *relay, enum kind kind) {
	struct table_link *link, *next;

	for (link = table_next(&relay->objects, NULL); link != NULL; link = next) {
		struct object *object = table_object(link, struct object, link);

		next = table_next(&relay->objects, link);
		if (object->kind != kind || object->seen)
			continue;
		if (kind == TRANSPORT && object->acked)
			continue;
		relay->stats.readded++;
		relay_object_send(relay, object, NULL, NULL);
	}
}

static void gone_tell(struct relay *relay) {
	struct table_link *link = NULL;
	uint64_t *gone;
	size_t n = 0;

	// Who is told deletes from the table: collect first.
	gone = malloc((relay->objects.n + 1) * sizeof(*gone));
	if (gone == NULL)
		return;
	while ((link = table_next(&relay->objects, link)) != NULL) {
		const struct object *object = table_object(link, struct object, link);

		if (object->kind == TRANSPORT && object->acked && !object->seen)
			gone[n++] = object->id;
	}
	for (size_t i = 0; i < n; i++)
		consent_lost_tell(relay, gone[i]);
	free(gone);
}

static void strangers_prune(struct relay *relay) {
	struct table_link *link, *next;

	for (link = table_next(&relay->strangers, NULL); link != NULL; link = next) {
		struct stranger *stranger = table_object(link, struct stranger, link);

		next = table_next(&relay->strangers, link);
		if (!stranger->seen && !stranger->doomed)
			stranger_forget(relay, stranger);
		else
			stranger->seen = false;
	}
}

void relay_state_listed(struct relay *relay, uint16_t type) {
	if (type == PLM_API_TRANSPORT_LIST)
		strangers_prune(relay);
	if (relay->lists_left == 0 || --relay->lists_left > 0 || relay->phase != RELAY_SYNC)
		return;
	relay->phase = RELAY_UP;
	relay->sweep_us = plm_now_us() + RELAY_SWEEP_MS * 1000ULL;
	gone_tell(relay);
	missing_add(relay, TRANSPORT);
	missing_add(relay, PRODUCER);
	missing_add(relay, CONSUMER);
	if (relay->strangers.n > 0)
		LOG(INFO,
		    "%zu transports of an earlier control are left to end by themselves",
		    relay->strangers.n);
	if (relay->events.up != NULL)
		relay->events.up(relay->events.user, &relay->hello);
}

void relay_state_transport_event(struct relay *relay, const struct plm_event_transport *event) {
	struct stranger *stranger;

	if (relay_object_find(relay, event->id, TRANSPORT) != NULL) {
		if (relay->events.transport != NULL)
			relay->events.transport(relay->events.user, event);
		return;
	}
	if (event->event != PLM_TRANSPORT_EV_CONSENT_LOST)
		return;
	stranger = stranger_find(relay, event->id);
	if (stranger != NULL)
		stranger_forget(relay, stranger);
	relay->stats.deleted_unknown++;
	relay_del_send(relay, PLM_API_TRANSPORT_DEL, event->id);
}

void relay_state_producer_event(struct relay *relay, const struct plm_event_producer *event) {
	if (relay->events.producer != NULL && relay_object_find(relay, event->id, PRODUCER) != NULL)
		relay->events.producer(relay->events.user, event);
}

void relay_state_tick(struct relay *relay, uint64_t now_us) {
	if (relay->phase != RELAY_UP || relay->strangers.n == 0 || relay->lists_left > 0
	    || now_us < relay->sweep_us)
		return;
	relay->sweep_us = now_us + RELAY_SWEEP_MS * 1000ULL;
	lists_send(relay, 1);
}
