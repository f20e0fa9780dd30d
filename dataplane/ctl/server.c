// SPDX-License-Identifier: BSD-3-Clause

#include "server.h"

#include "../config.h"
#include "../media/transport.h"
#include "lists.h"

#include <plm_api_codec.h>
#include <plm_log.h>
#include <plm_loop.h>
#include <plm_secret.h>
#include <plm_unixsock.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

LOG_TYPE("api");

#define CONNECTIONS_MAX 64
#define QUEUE_MAX 4096 // messages waiting for a slow client; then it is disconnected
#define READS_PER_WAKE 64

struct queued {
	struct queued *next;
	size_t len;
	uint8_t data[];
};

// One client. Owned by the server.
struct connection {
	struct server *server;
	int fd;
	bool greeted, broken;
	uint16_t role;
	uint16_t punt_channel;
	char name[PLM_API_NAME_LEN];
	struct queued *queue, **queue_tail; // what the socket did not take yet
	unsigned n_queued;
	uint16_t list_type; // a LIST under way; 0 = none
	uint32_t list_seq;
	uint64_t list_id, list_cursor;
};

struct server {
	struct ctl *ctl;
	struct plm_loop *loop;
	uint64_t boot_id;
	int fd;
	struct connection *connections[CONNECTIONS_MAX];
	struct connection *control; // the one CONTROL client
	struct connection *punts[PLM_PUNT_CHANNELS]; // PUNT clients by channel
};

static void connection_free(struct connection *connection) {
	struct server *server = connection->server;

	for (unsigned i = 0; i < CONNECTIONS_MAX; i++) {
		if (server->connections[i] == connection)
			server->connections[i] = NULL;
	}
	if (server->control == connection)
		server->control = NULL;
	for (unsigned i = 0; i < PLM_PUNT_CHANNELS; i++) {
		if (server->punts[i] == connection)
			server->punts[i] = NULL;
	}
	plm_loop_remove(server->loop, connection->fd);
	close(connection->fd);
	while (connection->queue != NULL) {
		struct queued *next = connection->queue->next;

		plm_wipe(connection->queue->data, connection->queue->len);
		free(connection->queue);
		connection->queue = next;
	}
	free(connection);
}

static void watch(struct connection *connection) {
	uint32_t events = 0;

	// A client that does not read its answers is not read from either.
	if (connection->queue != NULL || connection->list_type != 0)
		events |= EPOLLOUT;
	if (connection->list_type == 0)
		events |= EPOLLIN;
	plm_loop_modify(connection->server->loop, connection->fd, events);
}

// Its descriptor becomes ready, and then it is freed.
static void hang_up(struct connection *connection) {
	connection->broken = true;
	shutdown(connection->fd, SHUT_RDWR);
}

// Sends or queues. droppable: lost rather than queued (DTLS repeats itself). Returns false when
// lost.
static bool transmit(struct connection *connection, const void *data, size_t len, bool droppable) {
	struct queued *item;

	if (connection->broken)
		return false;
	if (connection->queue == NULL) {
		if (send(connection->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return true;
		if (errno != EAGAIN && errno != EWOULDBLOCK) {
			connection->broken = true;
			return false;
		}
	}
	if (droppable)
		return false;
	if (connection->n_queued >= QUEUE_MAX) {
		LOG(WARNING, "client %s does not read: disconnecting it", connection->name);
		hang_up(connection);
		return false;
	}
	item = malloc(sizeof(*item) + len);
	if (item == NULL) {
		connection->broken = true;
		return false;
	}
	item->next = NULL;
	item->len = len;
	memcpy(item->data, data, len);
	*connection->queue_tail = item;
	connection->queue_tail = &item->next;
	connection->n_queued++;
	watch(connection);
	return true;
}

static bool message_send(
	struct connection *connection,
	uint16_t type,
	uint16_t flags,
	uint32_t seq,
	int status,
	const void *payload,
	size_t len
) {
	_Alignas(8) uint8_t packet[PLM_API_MAX_LEN];
	size_t n = plm_api_message(packet, sizeof(packet), type, flags, seq, status, payload, len);

	return transmit(connection, packet, n, type == PLM_API_DTLS_RECORD);
}

static void sink_event(void *user, uint16_t type, const void *payload, size_t len) {
	struct server *server = user;

	if (server->control != NULL)
		message_send(server->control, type, PLM_API_EVENT, 0, 0, payload, len);
}

static bool sink_dtls(
	void *user,
	uint16_t channel,
	const struct plm_dtls_record *record,
	size_t len
) {
	struct server *server = user;

	return channel < PLM_PUNT_CHANNELS && server->punts[channel] != NULL
		&& message_send(
			server->punts[channel],
			PLM_API_DTLS_RECORD,
			PLM_API_EVENT,
			0,
			0,
			record,
			len
		);
}

static void hello_fill(const struct server *server, struct plm_hello_rep *ret_reply) {
	const struct config *config = server->ctl->dp->config;

	*ret_reply = (struct plm_hello_rep){
		.version = PLM_API_VERSION,
		.n_workers = (uint16_t)server->ctl->dp->n_workers,
		.public_port = config->public_port,
		.agent_port_min = config->agent_port_min,
		.agent_port_max = config->agent_port_max,
		.n_addrs = (uint16_t)config->n_addrs,
		.boot_id = server->boot_id,
		.max_transports = config->max_transports,
		.max_producers = config->max_producers,
		.max_consumers = config->max_consumers,
		.max_paths = config->max_paths,
		.version_text = PLENUM_VERSION,
	};
	for (unsigned i = 0; i < config->n_addrs && i < PLM_HELLO_ADDRS; i++) {
		ret_reply->addrs[i] = config->addrs[i].addr;
		ret_reply->addrs[i].port = config->public_port;
	}
}

static int hello(
	struct connection *connection,
	const struct plm_hello_req *request,
	struct plm_hello_rep *ret_reply
) {
	struct server *server = connection->server;

	if (request->magic != PLM_API_MAGIC)
		return EPROTO;
	snprintf(connection->name, sizeof(connection->name), "%s", request->name);
	if (request->version != PLM_API_VERSION) {
		LOG(WARNING,
		    "client %s speaks API version %u, we speak %u: refused",
		    connection->name,
		    request->version,
		    PLM_API_VERSION);
		return EPROTONOSUPPORT;
	}
	if (connection->greeted || request->role > PLM_ROLE_PUNT
	    || request->punt_channel >= PLM_PUNT_CHANNELS)
		return EINVAL;
	connection->role = request->role;
	connection->punt_channel = request->punt_channel;
	connection->greeted = true;
	if (request->role == PLM_ROLE_CONTROL) {
		if (server->control != NULL)
			hang_up(server->control); // a new one wins
		server->control = connection;
		LOG(INFO, "%s is in control", connection->name);
	} else if (request->role == PLM_ROLE_PUNT) {
		if (server->punts[request->punt_channel] != NULL)
			hang_up(server->punts[request->punt_channel]);
		server->punts[request->punt_channel] = connection;
	}
	hello_fill(server, ret_reply);
	return 0;
}

static bool is_list(uint16_t type) {
	return type == PLM_API_TRANSPORT_LIST || type == PLM_API_PRODUCER_LIST
		|| type == PLM_API_CONSUMER_LIST || type == PLM_API_WORKER_LIST
		|| type == PLM_API_PORT_LIST || type == PLM_API_DROP_LIST
		|| type == PLM_API_TRACE_LIST;
}

// Who may ask what.
static bool permitted(const struct connection *connection, uint16_t type) {
	if (is_list(type) || type == PLM_API_TRACE_SET)
		return true;
	switch (connection->role) {
	case PLM_ROLE_CONTROL:
		return type != PLM_API_DTLS_RECORD;
	case PLM_ROLE_PUNT:
		return type == PLM_API_DTLS_RECORD || type == PLM_API_TRANSPORT_SECURE;
	default:
		return false;
	}
}

static int execute(struct ctl *ctl, uint16_t type, const void *payload) {
	switch (type) {
	case PLM_API_TRANSPORT_ADD:
		return ctl_transport_add(ctl, payload);
	case PLM_API_TRANSPORT_RESTART:
		return ctl_transport_restart(ctl, payload);
	case PLM_API_TRANSPORT_SECURE:
		return ctl_transport_secure(ctl, payload);
	case PLM_API_TRANSPORT_DEL:
		return ctl_transport_del(ctl, ((const struct plm_id *)payload)->id);
	case PLM_API_PRODUCER_ADD:
		return ctl_producer_add(ctl, payload);
	case PLM_API_PRODUCER_DEL:
		return ctl_producer_del(ctl, ((const struct plm_id *)payload)->id);
	case PLM_API_PRODUCER_KEYFRAME:
		return ctl_producer_keyframe(ctl, ((const struct plm_id *)payload)->id);
	case PLM_API_CONSUMER_ADD:
		return ctl_consumer_add(ctl, payload);
	case PLM_API_CONSUMER_DEL:
		return ctl_consumer_del(ctl, ((const struct plm_id *)payload)->id);
	case PLM_API_CONSUMER_SET:
		return ctl_consumer_set(ctl, payload);
	case PLM_API_TRACE_SET:
		return ctl_trace_set(ctl, payload);
	default:
		return ENOTSUP;
	}
}

// Sends items until the socket is full or the list is at its end.
static void list_go_on(struct connection *connection) {
	_Alignas(8) uint8_t item[PLM_API_MAX_LEN];

	while (connection->list_type != 0 && connection->queue == NULL && !connection->broken) {
		size_t len = ctl_list_next(
			connection->server->ctl,
			connection->list_type,
			connection->list_id,
			&connection->list_cursor,
			item
		);

		message_send(
			connection,
			connection->list_type,
			len > 0 ? PLM_API_REPLY | PLM_API_MORE : PLM_API_REPLY,
			connection->list_seq,
			0,
			item,
			len
		);
		if (len == 0)
			connection->list_type = 0;
	}
	watch(connection);
}

static void handle(struct connection *connection, uint8_t *packet, size_t len) {
	const struct plm_api_header *header;
	struct plm_hello_rep reply;
	const void *payload;
	int r;

	r = plm_api_check_request(packet, len, &header, &payload);
	if (header == NULL) {
		connection->broken = true; // not even a header
		return;
	}
	if (r == 0)
		r = plm_api_check_strings(header->type, payload);
	if (r < 0) {
		message_send(connection, header->type, PLM_API_REPLY, header->seq, -r, NULL, 0);
		return;
	}
	if (header->type == PLM_API_HELLO) {
		r = hello(connection, payload, &reply);
		message_send(
			connection,
			PLM_API_HELLO,
			PLM_API_REPLY,
			header->seq,
			r,
			&reply,
			r == 0 ? sizeof(reply) : 0
		);
		return;
	}
	if (!connection->greeted || !permitted(connection, header->type)) {
		r = connection->greeted ? EPERM : EPROTO;
		message_send(connection, header->type, PLM_API_REPLY, header->seq, r, NULL, 0);
		return;
	}
	if (header->type == PLM_API_DTLS_RECORD) {
		if (ctl_dtls_out(connection->server->ctl, payload) != 0)
			connection->server->ctl->punt_drops++;
		return;
	}
	if (is_list(header->type)) {
		connection->list_type = header->type;
		connection->list_seq = header->seq;
		connection->list_id = ((const struct plm_list *)payload)->id;
		connection->list_cursor = 0;
		list_go_on(connection);
		return;
	}
	r = execute(connection->server->ctl, header->type, payload);
	message_send(connection, header->type, PLM_API_REPLY, header->seq, r, NULL, 0);
}

static void flush_queue(struct connection *connection) {
	while (connection->queue != NULL) {
		struct queued *item = connection->queue;

		if (send(connection->fd, item->data, item->len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
			if (errno != EAGAIN && errno != EWOULDBLOCK)
				connection->broken = true;
			return;
		}
		connection->queue = item->next;
		if (connection->queue == NULL)
			connection->queue_tail = &connection->queue;
		connection->n_queued--;
		free(item);
	}
}

static void connection_ready(void *user, uint32_t events) {
	_Alignas(8) uint8_t packet[PLM_API_MAX_LEN + 8];
	struct connection *connection = user;

	if (events & EPOLLOUT) {
		flush_queue(connection);
		list_go_on(connection);
	}
	for (unsigned i = 0; i < READS_PER_WAKE && connection->list_type == 0; i++) {
		ssize_t len;

		if (connection->broken || (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0)
			break;
		len = recv(connection->fd, packet, sizeof(packet), MSG_DONTWAIT);
		if (len == 0
		    || (len < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
			connection->broken = true;
		if (len <= 0)
			break;
		handle(connection, packet, (size_t)len);
		plm_wipe(packet, (size_t)len); // keys and passwords come this way
	}
	if (connection->broken)
		connection_free(connection);
}

static void server_accept(void *user, uint32_t events) {
	struct server *server = user;
	struct connection *connection;
	unsigned slot = 0;
	uid_t uid;
	pid_t pid;
	int fd, size = 1 << 20;

	(void)events;
	fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	while (slot < CONNECTIONS_MAX && server->connections[slot] != NULL)
		slot++;
	// The socket's mode lets our group in; others than root and ourselves are refused all the
	// same.
	if (slot == CONNECTIONS_MAX || plm_unixsock_peer(fd, &uid, &pid) < 0
	    || (uid != 0 && uid != geteuid() && geteuid() == 0 && getegid() == 0)) {
		LOG(WARNING,
		    "a client was refused: %s",
		    slot == CONNECTIONS_MAX ? "too many connections" : "not permitted");
		close(fd);
		return;
	}
	connection = calloc(1, sizeof(*connection));
	if (connection == NULL) {
		close(fd);
		return;
	}
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	connection->server = server;
	connection->fd = fd;
	connection->queue_tail = &connection->queue;
	if (plm_loop_add(server->loop, fd, EPOLLIN, connection_ready, connection) < 0) {
		close(fd);
		free(connection);
		return;
	}
	server->connections[slot] = connection;
}

struct server *server_new(struct ctl *ctl, struct plm_loop *loop, uint64_t boot_id) {
	struct server *server = calloc(1, sizeof(*server));
	int r;

	if (server == NULL)
		return NULL;
	server->ctl = ctl;
	server->loop = loop;
	server->boot_id = boot_id;
	server->fd = plm_unixsock_listen(ctl->dp->config->api_socket, 16);
	r = server->fd;
	if (r >= 0)
		r = plm_loop_add(loop, server->fd, EPOLLIN, server_accept, server);
	if (r < 0) {
		server_free(server);
		errno = -r;
		return NULL;
	}
	ctl->sink = (struct ctl_sink){server, sink_event, sink_dtls};
	return server;
}

void server_free(struct server *server) {
	if (server == NULL)
		return;
	for (unsigned i = 0; i < CONNECTIONS_MAX; i++) {
		if (server->connections[i] != NULL)
			connection_free(server->connections[i]);
	}
	if (server->fd >= 0) {
		plm_loop_remove(server->loop, server->fd);
		close(server->fd);
		unlink(server->ctl->dp->config->api_socket);
	}
	free(server);
}
