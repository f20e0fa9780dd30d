// SPDX-License-Identifier: BSD-3-Clause

#include "punt_client.h"

#include "timer.h"

#include <plm_log.h>
#include <plm_secret.h>
#include <plm_unixsock.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

LOG_TYPE("punt");

#define READS_PER_WAKE 64 // then other sources of the loop have their turn
#define RECORD_HEAD_LEN (sizeof(struct plm_dtls_record) - PLM_DTLS_MAX)

struct message {
	size_t len;
	uint8_t bytes[]; // header and payload; wiped when freed: it may carry keys
};

struct pending {
	void (*done)(void *user, int status);
	void *user;
};

struct watch {
	GSource source; // first: GLib allocates the whole
	struct punt_client *client;
	gpointer tag;
};

struct punt_client {
	struct punt_config config;
	int fd; // -1 = down
	GSource *watch;
	GSource *reconnect;
	bool greeted; // HELLO was answered
	bool complained;
	uint32_t seq;
	uint32_t hello_seq;
	struct plm_hello_rep hello;
	GQueue queue; // struct message
	GHashTable *pending; // seq -> struct pending
};

static void message_free(void *data) {
	struct message *message = data;

	plm_wipe(message->bytes, message->len);
	free(message);
}

static void punt_down(struct punt_client *client, const char *why) {
	bool greeted = client->greeted;

	if (!client->complained || greeted)
		LOG(WARNING, "channel %u: dataplane is away: %s", client->config.channel, why);
	client->complained = true;
	timer_free(client->watch);
	client->watch = NULL;
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
	client->greeted = false;
	g_queue_clear_full(&client->queue, message_free);
	g_hash_table_remove_all(client->pending);
	timer_set(client->reconnect, PUNT_RECONNECT_MS);
	if (greeted)
		client->config.down(client->config.user);
}

// ---------------------------------------------------------------------------- sending

static void watch_output(struct punt_client *client, bool on) {
	struct watch *watch = (struct watch *)client->watch;

	g_source_modify_unix_fd(
		client->watch, watch->tag, on ? (GIOCondition)(G_IO_IN | G_IO_OUT) : G_IO_IN
	);
}

// Returns false when the connection is lost; the caller's punt_down then cleans up.
static bool flush(struct punt_client *client) {
	struct message *message;

	while ((message = g_queue_peek_head(&client->queue)) != NULL) {
		if (send(client->fd, message->bytes, message->len, MSG_NOSIGNAL) < 0) {
			if (errno == EINTR)
				continue;
			if (errno == EAGAIN) {
				watch_output(client, true);
				return true;
			}
			return false;
		}
		message_free(g_queue_pop_head(&client->queue));
	}
	watch_output(client, false);
	return true;
}

static int message_send(
	struct punt_client *client,
	uint16_t type,
	uint16_t flags,
	uint32_t seq,
	const void *payload,
	size_t len
) {
	struct plm_api_header header = {
		.type = type, .flags = flags, .seq = seq, .length = (uint32_t)len};
	struct message *message = malloc(sizeof(*message) + sizeof(header) + len);

	if (message == NULL)
		return -ENOMEM;
	message->len = sizeof(header) + len;
	memcpy(message->bytes, &header, sizeof(header));
	memcpy(message->bytes + sizeof(header), payload, len);
	g_queue_push_tail(&client->queue, message);
	// An error here is left to the watch, which sees it too: callers' objects must not go away
	// inside their own calls.
	if (g_queue_get_length(&client->queue) == 1 && !flush(client))
		watch_output(client, true);
	return 0;
}

int punt_client_record(
	struct punt_client *client,
	uint64_t transport_id,
	const uint8_t *data,
	size_t len
) {
	struct plm_dtls_record record;

	if (!client->greeted)
		return -ENOTCONN;
	if (len > PLM_DTLS_MAX)
		return -EMSGSIZE;
	if (g_queue_get_length(&client->queue) >= PUNT_QUEUE_MAX)
		return -ENOBUFS; // DTLS repeats itself
	memset(&record, 0, RECORD_HEAD_LEN);
	record.transport_id = transport_id;
	record.len = (uint16_t)len;
	memcpy(record.data, data, len);
	return message_send(
		client, PLM_API_DTLS_RECORD, PLM_API_EVENT, 0, &record, RECORD_HEAD_LEN + len
	);
}

int64_t punt_client_secure(
	struct punt_client *client,
	const struct plm_transport_secure *secure,
	void (*done)(void *user, int status),
	void *user
) {
	struct pending *pending;
	int r;

	if (!client->greeted)
		return -ENOTCONN;
	if (++client->seq == 0)
		client->seq = 1;
	r = message_send(client, PLM_API_TRANSPORT_SECURE, 0, client->seq, secure, sizeof(*secure));
	if (r < 0)
		return r;
	pending = g_new(struct pending, 1);
	pending->done = done;
	pending->user = user;
	g_hash_table_insert(client->pending, GUINT_TO_POINTER(client->seq), pending);
	return client->seq;
}

void punt_client_forget(struct punt_client *client, int64_t request) {
	if (request > 0)
		g_hash_table_remove(client->pending, GUINT_TO_POINTER((uint32_t)request));
}

// ---------------------------------------------------------------------------- receiving

// NULL, or why the dataplane cannot be worked with.
static const char *hello_problem(const struct plm_api_header *header, const uint8_t *payload) {
	struct plm_hello_rep hello;

	if (header->status != 0)
		return strerror(header->status);
	if (header->length != sizeof(hello))
		return "HELLO reply of another size";
	memcpy(&hello, payload, sizeof(hello));
	if (hello.version != PLM_API_VERSION)
		return "another API version";
	if (hello.n_addrs == 0 || hello.n_addrs > PLM_HELLO_ADDRS)
		return "no addresses";
	if (hello.public_port == 0 || hello.agent_port_min == 0
	    || hello.agent_port_min > hello.agent_port_max)
		return "bad ports";
	return NULL;
}

static bool take_hello(
	struct punt_client *client,
	const struct plm_api_header *header,
	const uint8_t *payload
) {
	const char *problem = hello_problem(header, payload);

	if (problem != NULL) {
		punt_down(client, problem);
		return false;
	}
	memcpy(&client->hello, payload, sizeof(client->hello));
	client->greeted = true;
	client->complained = false;
	client->config.up(client->config.user, &client->hello);
	return true;
}

static void take_record(
	struct punt_client *client,
	const struct plm_api_header *header,
	const uint8_t *payload
) {
	struct plm_dtls_record record;

	if (!client->greeted || header->length < RECORD_HEAD_LEN)
		return;
	memcpy(&record, payload, RECORD_HEAD_LEN);
	if (record.len > PLM_DTLS_MAX || header->length != RECORD_HEAD_LEN + record.len)
		return;
	client->config.record(
		client->config.user, record.transport_id, payload + RECORD_HEAD_LEN, record.len
	);
}

static void take_reply(struct punt_client *client, const struct plm_api_header *header) {
	struct pending *found = g_hash_table_lookup(client->pending, GUINT_TO_POINTER(header->seq));
	struct pending pending;

	if (found == NULL)
		return;
	pending = *found;
	g_hash_table_remove(client->pending, GUINT_TO_POINTER(header->seq));
	pending.done(pending.user, header->status > 0 ? -header->status : header->status);
}

// Returns false when the connection is gone.
static bool take_message(struct punt_client *client, const uint8_t *bytes, size_t len) {
	const uint8_t *payload = bytes + sizeof(struct plm_api_header);
	struct plm_api_header header;

	if (len < sizeof(header))
		return true;
	memcpy(&header, bytes, sizeof(header));
	if (header.length != len - sizeof(header))
		return true;
	if (header.flags & PLM_API_REPLY) {
		if (!client->greeted)
			return header.type != PLM_API_HELLO || header.seq != client->hello_seq
				|| take_hello(client, &header, payload);
		take_reply(client, &header);
	} else if (header.flags & PLM_API_EVENT && header.type == PLM_API_DTLS_RECORD) {
		take_record(client, &header, payload);
	}
	return true;
}

static void receive(struct punt_client *client) {
	uint8_t bytes[PLM_API_MAX_LEN];
	ssize_t n;

	for (unsigned i = 0; i < READS_PER_WAKE; i++) {
		n = recv(client->fd, bytes, sizeof(bytes), MSG_TRUNC);
		if (n > (ssize_t)sizeof(bytes))
			continue;
		if (n == 0) {
			punt_down(client, "it closed the connection");
			return;
		}
		if (n < 0) {
			if (errno == EINTR)
				continue;
			if (errno != EAGAIN)
				punt_down(client, strerror(errno));
			return;
		}
		if (!take_message(client, bytes, (size_t)n))
			return;
	}
}

static gboolean watch_dispatch(GSource *source, GSourceFunc, gpointer) {
	struct watch *watch = (struct watch *)source;
	struct punt_client *client = watch->client;
	GIOCondition events = g_source_query_unix_fd(source, watch->tag);

	if (events & G_IO_OUT && !flush(client)) {
		punt_down(client, strerror(errno));
		return G_SOURCE_CONTINUE; // destroyed; GLib holds a reference during dispatch
	}
	if (events & (G_IO_IN | G_IO_HUP | G_IO_ERR))
		receive(client);
	return G_SOURCE_CONTINUE;
}

// ---------------------------------------------------------------------------- life

static GSourceFuncs watch_funcs = {.dispatch = watch_dispatch};

static void punt_connect(void *user) {
	struct punt_client *client = user;
	struct plm_hello_req hello = {
		.magic = PLM_API_MAGIC,
		.version = PLM_API_VERSION,
		.role = PLM_ROLE_PUNT,
		.punt_channel = client->config.channel,
	};
	struct watch *watch;

	client->fd = plm_unixsock_connect(client->config.path, 1);
	if (client->fd < 0) {
		punt_down(client, strerror(-client->fd));
		return;
	}
	client->watch = g_source_new(&watch_funcs, sizeof(struct watch));
	watch = (struct watch *)client->watch;
	watch->client = client;
	watch->tag = g_source_add_unix_fd(client->watch, client->fd, G_IO_IN);
	g_source_attach(client->watch, client->config.context);
	snprintf(hello.name, sizeof(hello.name), "rtc-%u", client->config.channel);
	client->hello_seq = ++client->seq;
	message_send(client, PLM_API_HELLO, 0, client->hello_seq, &hello, sizeof(hello));
}

struct punt_client *punt_client_new(const struct punt_config *config) {
	struct punt_client *client = calloc(1, sizeof(*client));

	if (client == NULL)
		return NULL;
	client->config = *config;
	client->fd = -1;
	g_queue_init(&client->queue);
	client->pending = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	client->reconnect = timer_new(config->context, punt_connect, client);
	timer_set(client->reconnect, 0);
	return client;
}

void punt_client_free(struct punt_client *client) {
	if (client == NULL)
		return;
	timer_free(client->watch);
	timer_free(client->reconnect);
	if (client->fd >= 0)
		close(client->fd);
	g_queue_clear_full(&client->queue, message_free);
	g_hash_table_destroy(client->pending);
	free(client);
}

const struct plm_hello_rep *punt_client_hello(const struct punt_client *client) {
	return client->greeted ? &client->hello : NULL;
}
