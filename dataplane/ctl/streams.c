// SPDX-License-Identifier: BSD-3-Clause

// Producers and consumers as the control thread keeps them. An object goes to a worker when the
// transport it belongs to is claimed; a producer's audience is made on each worker that gets its
// first viewer there and goes with the last one.

#include "../config.h"
#include "../media/stream.h"
#include "../media/transport.h"
#include "ctl.h"

#include <plm_payload.h>
#include <plm_rtp.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define AUDIO_CACHE 16 // Opus is not NACKed; the least the cache takes

struct ctl_producer *ctl_producer_find(const struct ctl *ctl, uint64_t id) {
	int64_t index = ctl_ids_find(ctl->producer_ids, id);

	return index < 0 ? NULL : &ctl->producers[index];
}

struct ctl_consumer *ctl_consumer_find(const struct ctl *ctl, uint64_t id) {
	int64_t index = ctl_ids_find(ctl->consumer_ids, id);

	return index < 0 ? NULL : &ctl->consumers[index];
}

static struct ctl_producer *producer_slot(struct ctl *ctl) {
	uint32_t max = ctl->dp->config->max_producers;

	for (uint32_t i = 0; i < max; i++) {
		uint32_t index = (ctl->next_producer + i) % max;

		if (ctl->producers[index].used)
			continue;
		ctl->next_producer = index + 1;
		memset(&ctl->producers[index], 0, sizeof(ctl->producers[index]));
		ctl->producers[index].index = index;
		return &ctl->producers[index];
	}
	return NULL;
}

static struct ctl_consumer *consumer_slot(struct ctl *ctl) {
	uint32_t max = ctl->dp->config->max_consumers;

	for (uint32_t i = 0; i < max; i++) {
		uint32_t index = (ctl->next_consumer + i) % max;

		if (ctl->consumers[index].used)
			continue;
		ctl->next_consumer = index + 1;
		memset(&ctl->consumers[index], 0, sizeof(ctl->consumers[index]));
		ctl->consumers[index].index = index;
		return &ctl->consumers[index];
	}
	return NULL;
}

static void ext_reverse(const struct plm_ext_map *map, uint8_t ret_ext_of_id[256]) {
	memset(ret_ext_of_id, 0, 256);
	for (unsigned ext = 1; ext < PLM_EXT_COUNT; ext++) {
		if (map->ids[ext] != 0)
			ret_ext_of_id[map->ids[ext]] = (uint8_t)ext;
	}
}

static uint64_t audience_mask(const struct ctl_producer *producer) {
	uint64_t mask = 0;

	for (unsigned i = 0; i < WORKER_MAX; i++) {
		if (producer->watchers[i] > 0)
			mask |= UINT64_C(1) << i;
	}
	return mask;
}

// The producer's worker learns which workers have viewers.
static void tell_audience(struct ctl *ctl, struct ctl_producer *producer) {
	const struct message message = {
		.type = MESSAGE_PRODUCER_AUDIENCE,
		.index = producer->index,
		.value = audience_mask(producer),
	};

	if (producer->producer == NULL && producer->transport->owner != TRANSPORT_UNCLAIMED)
		ctl_post(ctl, producer->transport->owner, &message);
}

int ctl_producer_add(struct ctl *ctl, const struct plm_producer_add *add) {
	struct ctl_transport *transport = ctl_transport_find(ctl, add->transport_id);
	struct ctl_producer *known = ctl_producer_find(ctl, add->id), *producer;

	if (add->id == 0 || add->payload_type > 127 || add->codec >= PLM_CODEC_COUNT
	    || (add->kind != PLM_KIND_AUDIO && add->kind != PLM_KIND_VIDEO)
	    || add->clock_rate < 1000 || add->clock_rate > 1000000)
		return EINVAL;
	if (known != NULL)
		return memcmp(&known->add, add, sizeof(*add)) == 0 ? 0 : EEXIST;
	if (transport == NULL)
		return ENOENT;
	if (transport->n_producers >= TRANSPORT_SSRCS)
		return ENOSPC;
	producer = producer_slot(ctl);
	if (producer == NULL)
		return ENOSPC;
	producer->producer = calloc(1, sizeof(struct producer));
	if (producer->producer == NULL)
		return ENOMEM;
	if (ctl_ids_add(ctl->producer_ids, add->id, producer->index) < 0) {
		free(producer->producer);
		return ENOSPC;
	}
	producer->used = true;
	producer->add = *add;
	producer->serial = ++ctl->serial;
	producer->transport = transport;
	producer->next = transport->producers;
	transport->producers = producer;
	transport->n_producers++;
	ctl->n_producers++;
	*producer->producer = (struct producer){
		.add = *add,
		.index = producer->index,
		.serial = producer->serial,
		.transport_index = transport->index,
		.audio_level = 255,
	};
	ext_reverse(&add->ext, producer->producer->ext_of_id);
	if (transport->owner != TRANSPORT_UNCLAIMED)
		ctl_producer_give(ctl, producer);
	return 0;
}

void ctl_producer_give(struct ctl *ctl, struct ctl_producer *producer) {
	struct message message = {
		.type = MESSAGE_PRODUCER_ADD,
		.index = producer->index,
		.object = producer->producer,
	};

	producer->producer->audience_mask = audience_mask(producer);
	producer->producer = NULL; // the worker's now
	ctl_post(ctl, producer->transport->owner, &message);
	// Viewers that were there first wait until it is known whom to ask for key frames.
	for (struct ctl_consumer *c = producer->consumers; c != NULL; c = c->producer_next)
		ctl_consumer_give(ctl, c);
}

void ctl_producer_remove(struct ctl *ctl, struct ctl_producer *producer) {
	const struct message message = {.type = MESSAGE_PRODUCER_DEL, .index = producer->index};
	struct ctl_producer **link = &producer->transport->producers;

	while (producer->consumers != NULL)
		ctl_consumer_remove(ctl, producer->consumers);
	while (*link != producer)
		link = &(*link)->next;
	*link = producer->next;
	producer->transport->n_producers--;
	ctl_ids_del(ctl->producer_ids, producer->add.id);
	producer->deleting = true;
	if (producer->producer != NULL) {
		free(producer->producer); // never given
		producer->used = false;
		producer->producer = NULL;
		ctl->n_producers--;
		return;
	}
	ctl_post(ctl, producer->transport->owner, &message);
}

int ctl_producer_del(struct ctl *ctl, uint64_t id) {
	struct ctl_producer *producer = ctl_producer_find(ctl, id);

	if (producer != NULL)
		ctl_producer_remove(ctl, producer);
	return 0;
}

int ctl_producer_keyframe(struct ctl *ctl, uint64_t id) {
	struct ctl_producer *producer = ctl_producer_find(ctl, id);
	struct message message = {.type = MESSAGE_PRODUCER_KEYFRAME};

	if (producer == NULL)
		return ENOENT;
	message.index = producer->index;
	if (producer->producer == NULL)
		ctl_post(ctl, producer->transport->owner, &message);
	return 0;
}

// Makes the audience of a producer on a worker. 0 or ENOMEM.
static int audience_make(struct ctl *ctl, struct ctl_producer *producer, unsigned worker) {
	uint32_t n = producer->add.kind == PLM_KIND_VIDEO ? ctl->dp->config->rtx_packets
							  : AUDIO_CACHE;
	struct audience *audience = calloc(1, sizeof(*audience) + n * sizeof(struct rtx_slot));
	struct message message = {.type = MESSAGE_AUDIENCE_ADD, .index = producer->index};

	if (audience == NULL)
		return ENOMEM;
	audience->producer_index = producer->index;
	audience->producer_serial = producer->serial;
	audience->producer_worker = producer->transport->owner;
	audience->codec = producer->add.codec;
	audience->kind = producer->add.kind;
	ext_reverse(&producer->add.ext, audience->ext_of_id);
	rtx_cache_init(&audience->cache, audience->slots, n);
	message.object = audience;
	ctl_post(ctl, worker, &message);
	return 0;
}

// An SSRC stays its transport's for good: keys outlive consumers, and numbers that were used under
// them must be known. False when there is no room for another.
static bool ssrc_note(struct ctl_transport *transport, uint32_t ssrc) {
	for (unsigned i = 0; i < transport->n_ssrcs; i++) {
		if (transport->ssrcs[i] == ssrc)
			return true;
	}
	if (transport->n_ssrcs == TRANSPORT_SSRCS_SENT)
		return false;
	transport->ssrcs[transport->n_ssrcs++] = ssrc;
	return true;
}

int ctl_consumer_add(struct ctl *ctl, const struct plm_consumer_add *add) {
	struct ctl_transport *transport = ctl_transport_find(ctl, add->transport_id);
	struct ctl_producer *producer = ctl_producer_find(ctl, add->producer_id);
	struct ctl_consumer *known = ctl_consumer_find(ctl, add->id), *consumer;

	if (add->id == 0 || add->ssrc == 0 || add->payload_type > 127)
		return EINVAL;
	if (known != NULL)
		return memcmp(&known->add, add, sizeof(*add)) == 0 ? 0 : EEXIST;
	if (transport == NULL || producer == NULL)
		return ENOENT;
	for (struct ctl_consumer *c = transport->consumers; c != NULL; c = c->transport_next) {
		if (c->add.ssrc == add->ssrc)
			return EINVAL;
	}
	consumer = consumer_slot(ctl);
	if (consumer == NULL)
		return ENOSPC;
	consumer->consumer = calloc(1, sizeof(struct consumer));
	if (consumer->consumer == NULL)
		return ENOMEM;
	if (!ssrc_note(transport, add->ssrc)
	    || ctl_ids_add(ctl->consumer_ids, add->id, consumer->index) < 0) {
		free(consumer->consumer);
		return ENOSPC;
	}
	consumer->used = true;
	consumer->add = *add;
	consumer->transport = transport;
	consumer->producer = producer;
	consumer->transport_next = transport->consumers;
	transport->consumers = consumer;
	consumer->producer_next = producer->consumers;
	producer->consumers = consumer;
	producer->n_consumers++;
	ctl->n_consumers++;
	*consumer->consumer = (struct consumer){
		.add = *add,
		.index = consumer->index,
		.transport_index = transport->index,
		.producer_index = producer->index,
		.kind = producer->add.kind,
		.codec = producer->add.codec,
		.clock_rate = producer->add.clock_rate,
		.waiting_keyframe = producer->add.kind == PLM_KIND_VIDEO
			&& plm_payload_has_keyframes(producer->add.codec),
	};
	ctl_consumer_give(ctl, consumer);
	return 0;
}

// Gives a consumer to its worker as soon as both transports are claimed.
void ctl_consumer_give(struct ctl *ctl, struct ctl_consumer *consumer) {
	struct ctl_producer *producer = consumer->producer;
	unsigned worker = consumer->transport->owner;
	struct message message = {
		.type = MESSAGE_CONSUMER_ADD,
		.index = consumer->index,
		.consumer = {consumer->consumer, NULL},
	};

	if (consumer->given || worker == TRANSPORT_UNCLAIMED
	    || producer->transport->owner == TRANSPORT_UNCLAIMED || producer->producer != NULL)
		return;
	// The worker's legs fill chunks in the order of our messages: we know when one is full.
	// Out of memory the viewer stays without media; its statistics say so.
	if (producer->watchers[worker] % LEG_CHUNK == 0) {
		message.consumer.chunk = aligned_alloc(64, sizeof(struct leg_chunk));
		if (message.consumer.chunk == NULL)
			return;
		memset(message.consumer.chunk, 0, sizeof(struct leg_chunk));
	}
	if (producer->watchers[worker] == 0 && audience_make(ctl, producer, worker) != 0) {
		free(message.consumer.chunk);
		return;
	}
	consumer->given = true;
	ctl_post(ctl, worker, &message);
	if (++producer->watchers[worker] == 1)
		tell_audience(ctl, producer);
}

void ctl_consumer_remove(struct ctl *ctl, struct ctl_consumer *consumer) {
	struct ctl_producer *producer = consumer->producer;
	struct ctl_consumer **link = &consumer->transport->consumers;
	unsigned worker = consumer->transport->owner;
	struct message message = {.type = MESSAGE_CONSUMER_DEL, .index = consumer->index};

	while (*link != consumer)
		link = &(*link)->transport_next;
	*link = consumer->transport_next;
	link = &producer->consumers;
	while (*link != consumer)
		link = &(*link)->producer_next;
	*link = consumer->producer_next;
	producer->n_consumers--;
	ctl_ids_del(ctl->consumer_ids, consumer->add.id);
	consumer->deleting = true;
	if (!consumer->given) {
		free(consumer->consumer);
		consumer->consumer = NULL;
		consumer->used = false;
		ctl->n_consumers--;
		return;
	}
	ctl_post(ctl, worker, &message);
	if (--producer->watchers[worker] == 0) {
		message.type = MESSAGE_AUDIENCE_DEL;
		message.index = producer->index;
		ctl_post(ctl, worker, &message);
		tell_audience(ctl, producer);
	}
}

int ctl_consumer_del(struct ctl *ctl, uint64_t id) {
	struct ctl_consumer *consumer = ctl_consumer_find(ctl, id);

	if (consumer != NULL)
		ctl_consumer_remove(ctl, consumer);
	return 0;
}

int ctl_consumer_set(struct ctl *ctl, const struct plm_consumer_set *set) {
	struct ctl_consumer *consumer = ctl_consumer_find(ctl, set->id);
	struct message message = {.type = MESSAGE_CONSUMER_SET, .value = set->paused != 0};

	if (consumer == NULL)
		return ENOENT;
	message.index = consumer->index;
	if (consumer->given)
		ctl_post(ctl, consumer->transport->owner, &message);
	else
		consumer->consumer->add.paused = set->paused != 0;
	return 0;
}

void ctl_stream_released(struct ctl *ctl, const struct message *message) {
	switch (message->value) {
	case RELEASE_PRODUCER:
		free(message->object);
		ctl->producers[message->index].used = false;
		ctl->n_producers--;
		break;
	case RELEASE_CONSUMER:
		free(message->object);
		ctl->consumers[message->index].used = false;
		ctl->consumers[message->index].consumer = NULL;
		ctl->n_consumers--;
		break;
	case RELEASE_AUDIENCE:
	case RELEASE_CHUNK:
		free(message->object);
		break;
	default:
		break;
	}
}
