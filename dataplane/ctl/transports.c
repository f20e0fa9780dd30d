// SPDX-License-Identifier: BSD-3-Clause

// Transports as the control thread keeps them: known to every worker by credentials, owned by the
// one that claims them, deleted when every worker has said so.

#include "../config.h"
#include "../exception.h"
#include "../mailbox.h"
#include "../media/transport.h"
#include "ctl.h"

#include <plm_log.h>
#include <plm_loop.h>
#include <plm_secret.h>

#include <rte_hash.h>
#include <rte_mbuf.h>

#include <errno.h>
#include <sched.h>
#include <srtp.h>
#include <stdlib.h>
#include <string.h>

LOG_TYPE("ctl");

#define TAKE_MAX 64 // messages of workers at a time

struct ctl *ctl_new(struct dataplane *dp) {
	const struct config *config = dp->config;
	struct ctl *ctl = calloc(1, sizeof(*ctl));

	if (ctl == NULL)
		return NULL;
	ctl->dp = dp;
	ctl->transport_ids = ctl_ids_new("transport_ids", config->max_transports);
	ctl->producer_ids = ctl_ids_new("producer_ids", config->max_producers);
	ctl->consumer_ids = ctl_ids_new("consumer_ids", config->max_consumers);
	ctl->ufrags = ctl_ufrags_new(CTL_GENERATIONS * config->max_transports);
	ctl->transports = calloc(config->max_transports, sizeof(*ctl->transports));
	ctl->producers = calloc(config->max_producers, sizeof(*ctl->producers));
	ctl->consumers = calloc(config->max_consumers, sizeof(*ctl->consumers));
	if (ctl->transport_ids == NULL || ctl->producer_ids == NULL || ctl->consumer_ids == NULL
	    || ctl->ufrags == NULL || ctl->transports == NULL || ctl->producers == NULL
	    || ctl->consumers == NULL) {
		ctl_free(ctl);
		errno = ENOMEM;
		return NULL;
	}
	return ctl;
}

void ctl_free(struct ctl *ctl) {
	if (ctl == NULL)
		return;
	rte_hash_free(ctl->transport_ids);
	rte_hash_free(ctl->producer_ids);
	rte_hash_free(ctl->consumer_ids);
	rte_hash_free(ctl->ufrags);
	if (ctl->transports != NULL) {
		for (uint32_t i = 0; i < ctl->dp->config->max_transports; i++) {
			struct transport *transport = ctl->transports[i].transport;

			if (transport == NULL)
				continue;
			srtp_session_free(transport->rx);
			srtp_session_free(transport->tx);
			free(transport);
		}
		plm_wipe(
			ctl->transports, ctl->dp->config->max_transports * sizeof(*ctl->transports)
		);
	}
	free(ctl->transports);
	free(ctl->producers);
	free(ctl->consumers);
	free(ctl->backlog);
	free(ctl);
}

// Keeps what workers say for later: its handlers post messages themselves.
static void backlog_take(struct ctl *ctl) {
	unsigned n;

	if (ctl->n_backlog + TAKE_MAX > ctl->backlog_room) {
		size_t room = 2 * ctl->backlog_room + TAKE_MAX;
		struct message *more = realloc(ctl->backlog, room * sizeof(*more));

		if (more == NULL)
			return; // tried again
		ctl->backlog = more;
		ctl->backlog_room = room;
	}
	n = mailbox_take(ctl->dp->events, &ctl->backlog[ctl->n_backlog], TAKE_MAX);
	ctl->n_backlog += n;
}

void ctl_post(struct ctl *ctl, unsigned worker, const struct message *message) {
	while (mailbox_post(ctl->dp->workers[worker]->mailbox, message) != 0) {
		backlog_take(ctl);
		sched_yield();
	}
}

struct ctl_transport *ctl_transport_find(const struct ctl *ctl, uint64_t id) {
	int64_t index = ctl_ids_find(ctl->transport_ids, id);

	return index < 0 ? NULL : &ctl->transports[index];
}

static struct ctl_transport *slot_take(struct ctl *ctl) {
	uint32_t max = ctl->dp->config->max_transports;

	for (uint32_t i = 0; i < max; i++) {
		uint32_t index = (ctl->next_transport + i) % max;

		if (!ctl->transports[index].used) {
			ctl->next_transport = index + 1;
			ctl->transports[index].index = index;
			return &ctl->transports[index];
		}
	}
	return NULL;
}

static bool credentials_ok(const struct plm_ice_credentials *ice) {
	// RFC 8445 5.3: at least 4 and 22 characters.
	return strlen(ice->local_ufrag) >= 4 && strlen(ice->local_pwd) >= 22
		&& strlen(ice->remote_ufrag) >= 4 && strlen(ice->remote_pwd) >= 22;
}

// One copy of the credentials for a worker.
static struct credential *credential_new(
	const struct ctl_transport *transport,
	const struct plm_ice_credentials *ice,
	uint32_t generation,
	uint16_t port_v4,
	uint16_t port_v6
) {
	struct credential *credential = calloc(1, sizeof(*credential));

	if (credential == NULL)
		return NULL;
	strcpy(credential->local_ufrag, ice->local_ufrag);
	strcpy(credential->remote_ufrag, ice->remote_ufrag);
	snprintf(
		credential->username,
		sizeof(credential->username),
		"%s:%s",
		ice->remote_ufrag,
		ice->local_ufrag
	);
	plm_stun_key_init(&credential->local_key, ice->local_pwd, strlen(ice->local_pwd));
	plm_stun_key_init(&credential->remote_key, ice->remote_pwd, strlen(ice->remote_pwd));
	credential->transport = transport->transport;
	credential->index = transport->index;
	credential->generation = generation;
	credential->agent_ports[0] = port_v4;
	credential->agent_ports[1] = port_v6;
	return credential;
}

static void credential_free(struct credential *credential) {
	if (credential == NULL)
		return;
	plm_wipe(credential, sizeof(*credential));
	free(credential);
}

static bool ufrag_known(const struct ctl *ctl, const char *ufrag) {
	char key[PLM_UFRAG_MAX] = {0};

	strcpy(key, ufrag);
	return rte_hash_lookup(ctl->ufrags, key) >= 0;
}

// Gives every worker its copy; all or none.
static int credentials_spread(
	struct ctl *ctl,
	struct ctl_transport *transport,
	const struct plm_ice_credentials *ice,
	uint16_t port_v4,
	uint16_t port_v6
) {
	struct credential *copies[WORKER_MAX] = {0};
	unsigned n = ctl->dp->n_workers;
	char ufrag[PLM_UFRAG_MAX] = {0};

	strcpy(ufrag, ice->local_ufrag);
	if (ufrag_known(ctl, ice->local_ufrag))
		return EEXIST; // requests would not tell whose they are
	if (rte_hash_add_key(ctl->ufrags, ufrag) < 0)
		return ENOSPC;
	for (unsigned i = 0; i < n; i++) {
		copies[i] = credential_new(transport, ice, transport->generation, port_v4, port_v6);
		if (copies[i] == NULL) {
			while (i > 0)
				credential_free(copies[--i]);
			rte_hash_del_key(ctl->ufrags, ufrag);
			return ENOMEM;
		}
	}
	for (unsigned i = 0; i < n; i++) {
		const struct message message = {
			.type = MESSAGE_CREDENTIAL_ADD,
			.index = transport->index,
			.object = copies[i],
		};

		ctl_post(ctl, i, &message);
	}
	memmove(transport->ufrags[1], transport->ufrags[0], PLM_UFRAG_MAX);
	memcpy(transport->ufrags[0], ufrag, PLM_UFRAG_MAX);
	transport->n_generations++;
	return 0;
}

static void credentials_withdraw(struct ctl *ctl, struct ctl_transport *transport, unsigned which) {
	struct message message = {
		.type = MESSAGE_CREDENTIAL_DEL,
		.index = transport->index,
	};

	memcpy(message.ufrag, transport->ufrags[which], PLM_UFRAG_MAX);
	rte_hash_del_key(ctl->ufrags, message.ufrag);
	for (unsigned i = 0; i < ctl->dp->n_workers; i++)
		ctl_post(ctl, i, &message);
	transport->n_generations--;
	for (unsigned i = which; i < transport->n_generations; i++)
		memcpy(transport->ufrags[i], transport->ufrags[i + 1], PLM_UFRAG_MAX);
	memset(transport->ufrags[transport->n_generations], 0, PLM_UFRAG_MAX);
}

int ctl_transport_add(struct ctl *ctl, const struct plm_transport_add *add) {
	struct ctl_transport *known = ctl_transport_find(ctl, add->id), *transport;
	int r;

	if (add->id == 0 || add->punt_channel >= PLM_PUNT_CHANNELS || !credentials_ok(&add->ice))
		return EINVAL;
	if (known != NULL)
		return memcmp(&known->add, add, sizeof(*add)) == 0 ? 0 : EEXIST;
	transport = slot_take(ctl);
	if (transport == NULL)
		return ENOSPC;
	uint32_t index = transport->index;
	memset(transport, 0, sizeof(*transport));
	transport->index = index;
	transport->owner = TRANSPORT_UNCLAIMED;
	transport->add = *add;
	transport->generation = 1;
	transport->transport = calloc(1, sizeof(struct transport));
	if (transport->transport == NULL)
		return ENOMEM;
	transport_init(
		transport->transport,
		add->id,
		index,
		add->punt_channel,
		ctl->dp->config->max_paths,
		plm_now_us()
	);
	if (ctl_ids_add(ctl->transport_ids, add->id, index) < 0) {
		r = ENOSPC;
		goto fail;
	}
	r = credentials_spread(ctl, transport, &add->ice, add->agent_port_v4, add->agent_port_v6);
	if (r != 0) {
		ctl_ids_del(ctl->transport_ids, add->id);
		goto fail;
	}
	exception_agent_set(
		ctl->exception, index, &add->ice, add->agent_port_v4, add->agent_port_v6
	);
	transport->used = true;
	ctl->n_transports++;
	return 0;
fail:
	free(transport->transport);
	transport->transport = NULL;
	return r;
}

int ctl_transport_restart(struct ctl *ctl, const struct plm_transport_restart *restart) {
	struct ctl_transport *transport = ctl_transport_find(ctl, restart->id);
	int r;

	if (transport == NULL)
		return ENOENT;
	if (!credentials_ok(&restart->ice))
		return EINVAL;
	if (strcmp(transport->ufrags[0], restart->ice.local_ufrag) == 0)
		return 0; // said before
	if (ufrag_known(ctl, restart->ice.local_ufrag))
		return EEXIST;
	// A restart upon a restart: the one that never got a path is given up, the working one
	// stays.
	if (transport->n_generations == CTL_GENERATIONS)
		credentials_withdraw(ctl, transport, 0);
	transport->generation++;
	r = credentials_spread(
		ctl, transport, &restart->ice, restart->agent_port_v4, restart->agent_port_v6
	);
	if (r == 0 && (restart->agent_port_v4 != 0 || restart->agent_port_v6 != 0))
		exception_agent_set(
			ctl->exception,
			transport->index,
			&restart->ice,
			restart->agent_port_v4,
			restart->agent_port_v6
		);
	return r;
}

static void secure_give(struct ctl *ctl, struct ctl_transport *transport) {
	const struct message message = {
		.type = MESSAGE_TRANSPORT_SECURE,
		.index = transport->index,
		.secure = {transport->rx, transport->tx, transport->suite},
	};

	ctl_post(ctl, transport->owner, &message);
	transport->rx = NULL;
	transport->tx = NULL;
}

int ctl_transport_secure(struct ctl *ctl, const struct plm_transport_secure *secure) {
	struct ctl_transport *transport = ctl_transport_find(ctl, secure->id);
	const struct srtp_suite *suite = srtp_suite_find(secure->suite);
	struct plm_secret rx, tx;
	size_t len;

	if (transport == NULL)
		return ENOENT;
	if (suite == NULL)
		return EINVAL;
	if (transport->secure)
		return EALREADY;
	len = (size_t)suite->key_len + suite->salt_len;
	plm_secret_init(&rx, secure->rx.bytes, len);
	plm_secret_init(&tx, secure->tx.bytes, len);
	transport->rx = srtp_session_new(suite, SRTP_RX, &rx);
	transport->tx = srtp_session_new(suite, SRTP_TX, &tx);
	plm_secret_wipe(&rx);
	plm_secret_wipe(&tx);
	if (transport->rx == NULL || transport->tx == NULL) {
		srtp_session_free(transport->rx);
		srtp_session_free(transport->tx);
		transport->rx = NULL;
		transport->tx = NULL;
		return ENOMEM;
	}
	transport->suite = secure->suite;
	transport->secure = true;
	exception_agent_secure(ctl->exception, transport->index);
	if (transport->owner != TRANSPORT_UNCLAIMED)
		secure_give(ctl, transport);
	return 0;
}

int ctl_transport_del(struct ctl *ctl, uint64_t id) {
	struct ctl_transport *transport = ctl_transport_find(ctl, id);
	const struct message message = {
		.type = MESSAGE_TRANSPORT_DEL,
		.index = transport != NULL ? transport->index : 0,
	};

	if (transport == NULL)
		return 0;
	while (transport->consumers != NULL)
		ctl_consumer_remove(ctl, transport->consumers);
	while (transport->producers != NULL)
		ctl_producer_remove(ctl, transport->producers);
	exception_agent_clear(ctl->exception, transport->index);
	for (unsigned i = transport->n_generations; i > 0; i--)
		credentials_withdraw(ctl, transport, i - 1);
	ctl_ids_del(ctl->transport_ids, id);
	transport->deleting = true;
	transport->releases = ctl->dp->n_workers;
	for (unsigned i = 0; i < ctl->dp->n_workers; i++)
		ctl_post(ctl, i, &message);
	return 0;
}

void ctl_delete_all(struct ctl *ctl) {
	for (uint32_t i = 0; i < ctl->dp->config->max_transports; i++) {
		const struct ctl_transport *transport = &ctl->transports[i];

		if (transport->used && !transport->deleting)
			ctl_transport_del(ctl, transport->add.id);
	}
}

bool ctl_is_empty(const struct ctl *ctl) {
	return ctl->n_transports == 0 && ctl->n_producers == 0 && ctl->n_consumers == 0;
}

static void transport_released(struct ctl *ctl, uint32_t index) {
	struct ctl_transport *transport = &ctl->transports[index];

	if (!transport->deleting || --transport->releases > 0)
		return;
	srtp_session_free(transport->transport->rx);
	srtp_session_free(transport->transport->tx);
	srtp_session_free(transport->rx);
	srtp_session_free(transport->tx);
	plm_wipe(transport->transport, sizeof(*transport->transport));
	free(transport->transport);
	plm_wipe(transport, sizeof(*transport));
	transport->index = index;
	__atomic_store_n(&ctl->dp->claims[index], TRANSPORT_UNCLAIMED, __ATOMIC_RELEASE);
	ctl->n_transports--;
}

// A worker owns it now: what waited for that goes there.
static void claimed(struct ctl *ctl, const struct message *message) {
	struct ctl_transport *transport = &ctl->transports[message->index];

	if (!transport->used || transport->deleting || transport->add.id != message->id)
		return;
	transport->owner = (uint8_t)message->value;
	if (transport->rx != NULL)
		secure_give(ctl, transport);
	for (struct ctl_producer *p = transport->producers; p != NULL; p = p->next)
		ctl_producer_give(ctl, p);
	for (struct ctl_consumer *c = transport->consumers; c != NULL; c = c->transport_next)
		ctl_consumer_give(ctl, c);
}

static void event_transport(
	struct ctl *ctl,
	const struct message *message,
	enum plm_transport_event event
) {
	struct ctl_transport *transport = &ctl->transports[message->index];
	struct plm_event_transport out = {
		.id = message->id,
		.event = event,
		.generation = (uint32_t)message->value,
		.remote = message->addr,
	};

	if (!transport->used || transport->deleting || transport->add.id != message->id)
		return;
	if (event == PLM_TRANSPORT_EV_CONSENT_LOST) {
		transport->dead = true;
		out.generation = transport->generation;
	}
	if (event == PLM_TRANSPORT_EV_RESTARTED) {
		// Said again until the worker has forgotten the old ones, or overtaken by a
		// restart.
		if (message->value != transport->generation
		    || transport->n_generations < CTL_GENERATIONS)
			return;
		memset(&out.remote, 0, sizeof(out.remote));
		credentials_withdraw(ctl, transport, 1);
	}
	ctl->sink.event(ctl->sink.user, PLM_API_EVENT_TRANSPORT, &out, sizeof(out));
}

static void event_producer(struct ctl *ctl, const struct message *message) {
	const struct plm_event_producer out = {
		.id = message->id,
		.event = message->value ? PLM_PRODUCER_EV_ACTIVE : PLM_PRODUCER_EV_IDLE,
		.ssrc = message->ssrc,
	};

	ctl->sink.event(ctl->sink.user, PLM_API_EVENT_PRODUCER, &out, sizeof(out));
}

static void dtls_in(struct ctl *ctl, const struct message *message) {
	struct ctl_transport *transport = &ctl->transports[message->index];
	struct rte_mbuf *m = message->object;
	struct plm_dtls_record record = {.transport_id = message->id};
	const struct packet *packet = packet_of(m);

	if (transport->used && !transport->deleting && transport->add.id == message->id) {
		record.len = packet->payload_len;
		memcpy(record.data, packet_payload(m), record.len);
		if (!ctl->sink.dtls(
			    ctl->sink.user, transport->add.punt_channel, &record, 16U + record.len
		    ))
			ctl->punt_drops++;
	}
	rte_pktmbuf_free(m);
}

static void released(struct ctl *ctl, const struct message *message) {
	switch (message->value) {
	case RELEASE_CREDENTIAL:
		credential_free(message->object);
		break;
	case RELEASE_TRANSPORT:
		transport_released(ctl, message->index);
		break;
	case RELEASE_SESSIONS:
		srtp_session_free(message->object);
		break;
	default:
		ctl_stream_released(ctl, message);
	}
}

static void handle(struct ctl *ctl, const struct message *message) {
	switch (message->type) {
	case MESSAGE_CLAIMED:
		claimed(ctl, message);
		break;
	case MESSAGE_RELEASED:
		released(ctl, message);
		break;
	case MESSAGE_PATH:
		event_transport(ctl, message, PLM_TRANSPORT_EV_PATH);
		break;
	case MESSAGE_CONSENT_LOST:
		event_transport(ctl, message, PLM_TRANSPORT_EV_CONSENT_LOST);
		break;
	case MESSAGE_RESTARTED:
		event_transport(ctl, message, PLM_TRANSPORT_EV_RESTARTED);
		break;
	case MESSAGE_PRODUCER_ACTIVE:
		event_producer(ctl, message);
		break;
	case MESSAGE_DTLS_IN:
		dtls_in(ctl, message);
		break;
	default:
		LOG(ERROR, "a worker sent message %u, which is not for us", message->type);
	}
}

// Handlers may wait for mailboxes and so make a new backlog.
static unsigned backlog_handle(struct ctl *ctl) {
	struct message *messages = ctl->backlog;
	size_t n = ctl->n_backlog;

	ctl->backlog = NULL;
	ctl->n_backlog = 0;
	ctl->backlog_room = 0;
	for (size_t i = 0; i < n; i++)
		handle(ctl, &messages[i]);
	free(messages);
	return (unsigned)n;
}

unsigned ctl_take_events(struct ctl *ctl) {
	struct message messages[TAKE_MAX];
	unsigned n;

	if (ctl->n_backlog > 0)
		return backlog_handle(ctl);
	n = mailbox_take(ctl->dp->events, messages, TAKE_MAX);
	// What comes behind these while they are handled is newer: their turn is first.
	for (unsigned i = 0; i < n; i++)
		handle(ctl, &messages[i]);
	return n;
}

int ctl_dtls_out(struct ctl *ctl, const struct plm_dtls_record *record) {
	struct ctl_transport *transport = ctl_transport_find(ctl, record->transport_id);
	struct message message = {.type = MESSAGE_DTLS_OUT};
	struct rte_mbuf *m;

	if (transport == NULL || transport->owner == TRANSPORT_UNCLAIMED)
		return ENOENT;
	m = rte_pktmbuf_alloc(ctl->dp->packets);
	if (m == NULL)
		return ENOBUFS;
	if (record->len > rte_pktmbuf_tailroom(m)) {
		rte_pktmbuf_free(m);
		return EMSGSIZE;
	}
	memset(packet_of(m), 0, sizeof(struct packet));
	memcpy(rte_pktmbuf_append(m, record->len), record->data, record->len);
	message.index = transport->index;
	message.object = m;
	ctl_post(ctl, transport->owner, &message);
	return 0;
}

int ctl_trace_set(struct ctl *ctl, const struct plm_trace_set *set) {
	struct message message = {
		.type = MESSAGE_TRACE, .index = UINT32_MAX, .value = set->packets};

	if (set->packets > TRACE_MAX)
		return EINVAL;
	if (set->transport_id != 0) {
		struct ctl_transport *transport = ctl_transport_find(ctl, set->transport_id);

		if (transport == NULL)
			return ENOENT;
		message.index = transport->index;
	}
	for (unsigned i = 0; i < ctl->dp->n_workers; i++)
		ctl_post(ctl, i, &message);
	return 0;
}
