// SPDX-License-Identifier: BSD-3-Clause

// The connection, requests and replies. What shall exist is kept in
// relay_state.c, what does is compared in relay_compare.c.

#include "relay_internal.h"

#include <plm_api_codec.h>
#include <plm_log.h>
#include <plm_secret.h>
#include <plm_unixsock.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

LOG_TYPE("relay");

// A request that waits to be sent (packet != NULL) or for its reply.
struct request {
	struct request *next;
	uint64_t sent_us;
	uint32_t seq;
	uint16_t type;
	uint64_t id; // of the object
	uint64_t transport_id;
	relay_done *done;
	void *user;
	uint8_t *packet; // not sent yet; wiped and freed then
	size_t packet_len;
};

static void request_free(struct request *request) {
	if (request->packet != NULL) {
		plm_wipe(request->packet, request->packet_len); // passwords
		free(request->packet);
	}
	free(request);
}

struct relay *relay_new(
	struct plm_loop *loop,
	const char *path,
	const struct relay_events *events
) {
	struct relay *relay = calloc(1, sizeof(*relay));

	if (relay == NULL)
		return NULL;
	relay->loop = loop;
	relay->events = *events;
	relay->fd = -1;
	relay->tail = &relay->head;
	relay->path = strdup(path);
	if (relay->path == NULL) {
		free(relay);
		return NULL;
	}
	relay_state_init(relay);
	return relay;
}

void relay_free(struct relay *relay) {
	struct request *request;

	if (relay == NULL)
		return;
	if (relay->fd >= 0) {
		plm_loop_remove(relay->loop, relay->fd);
		close(relay->fd);
	}
	while ((request = relay->head) != NULL) {
		relay->head = request->next;
		request_free(request);
	}
	relay_state_clear(relay);
	free(relay->path);
	free(relay);
}

bool relay_is_up(const struct relay *relay) {
	return relay->phase == RELAY_UP;
}

const struct plm_hello_rep *relay_hello(const struct relay *relay) {
	return relay->phase == RELAY_UP ? &relay->hello : NULL;
}

void relay_stats(const struct relay *relay, struct relay_stats *ret_stats) {
	*ret_stats = relay->stats;
	relay_state_count(relay, ret_stats);
}

// Closes the connection and fails what waits for a reply.
static void disconnect(struct relay *relay, const char *why) {
	struct request *list = relay->head, *request;
	const bool was_up = relay->phase == RELAY_UP;

	if (relay->fd < 0)
		return;
	if (relay->phase != RELAY_DOWN)
		LOG(WARNING, "connection to the dataplane ended: %s", why);
	plm_loop_remove(relay->loop, relay->fd);
	close(relay->fd);
	relay->fd = -1;
	relay->phase = RELAY_DOWN;
	relay->head = NULL;
	relay->tail = &relay->head;
	relay->unsent = NULL;
	relay->n_requests = 0;
	relay->retry_us = plm_now_us() + RELAY_RECONNECT_MS * 1000;
	while ((request = list) != NULL) {
		list = request->next;
		if (request->done != NULL)
			request->done(request->user, request->transport_id, -ENOTCONN);
		request_free(request);
	}
	if (was_up && relay->events.down != NULL)
		relay->events.down(relay->events.user);
}

// Sends what waits, in order. -EAGAIN: the socket is full, EPOLLOUT tells when to go on.
static int flush(struct relay *relay) {
	while (relay->unsent != NULL) {
		struct request *request = relay->unsent;
		ssize_t n;

		n = send(
			relay->fd, request->packet, request->packet_len, MSG_NOSIGNAL | MSG_DONTWAIT
		);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == ENOBUFS)) {
			if (!relay->wants_out) {
				relay->wants_out = true;
				plm_loop_modify(relay->loop, relay->fd, EPOLLIN | EPOLLOUT);
			}
			return -EAGAIN;
		}
		if (n < 0)
			return -errno;
		plm_wipe(request->packet, request->packet_len);
		free(request->packet);
		request->packet = NULL;
		relay->unsent = request->next;
	}
	if (relay->wants_out) {
		relay->wants_out = false;
		plm_loop_modify(relay->loop, relay->fd, EPOLLIN);
	}
	return 0;
}

int relay_send(
	struct relay *relay,
	uint16_t type,
	const void *payload,
	size_t len,
	uint64_t id,
	uint64_t transport_id,
	relay_done *done,
	void *user
) {
	struct request *request;

	if (relay->fd < 0)
		return -ENOTCONN;
	if (relay->n_requests >= RELAY_QUEUE_MAX)
		return -ENOBUFS;
	request = calloc(1, sizeof(*request));
	if (request == NULL)
		return -ENOMEM;
	request->packet_len = sizeof(struct plm_api_header) + len;
	request->packet = malloc(request->packet_len);
	if (request->packet == NULL) {
		free(request);
		return -ENOMEM;
	}
	request->seq = ++relay->seq;
	request->type = type;
	request->id = id;
	request->transport_id = transport_id;
	request->done = done;
	request->user = user;
	request->sent_us = plm_now_us();
	plm_api_message(
		request->packet, request->packet_len, type, 0, request->seq, 0, payload, len
	);
	*relay->tail = request;
	relay->tail = &request->next;
	relay->n_requests++;
	relay->stats.requests++;
	if (relay->unsent == NULL)
		relay->unsent = request;
	// An error of the socket shows as EPOLLHUP in the loop, not here: callers are in the middle
	// of their own work.
	flush(relay);
	return 0;
}

// Replies come in the order of the requests; another one would be found too, but slower.
static struct request *request_take(struct relay *relay, uint32_t seq) {
	for (struct request **at = &relay->head; *at != NULL; at = &(*at)->next) {
		struct request *request = *at;

		if (request->packet != NULL)
			return NULL; // not even sent
		if (request->seq != seq)
			continue;
		*at = request->next;
		if (relay->tail == &request->next)
			relay->tail = at;
		relay->n_requests--;
		return request;
	}
	return NULL;
}

static struct request *request_find(struct relay *relay, uint32_t seq) {
	for (struct request *request = relay->head; request != NULL; request = request->next) {
		if (request->seq == seq)
			return request->packet == NULL ? request : NULL;
	}
	return NULL;
}

static void hello_received(struct relay *relay, const struct plm_hello_rep *hello) {
	const bool restarted = relay->boot_id != 0 && relay->boot_id != hello->boot_id;

	if (hello->version != PLM_API_VERSION) {
		LOG(ERROR,
		    "the dataplane speaks version %u of the API, not %d",
		    hello->version,
		    PLM_API_VERSION);
		disconnect(relay, "wrong version");
		return;
	}
	relay->hello = *hello;
	relay->boot_id = hello->boot_id;
	relay->stats.connects++;
	relay->phase = RELAY_SYNC;
	LOG(INFO,
	    "connected to dataplane %.*s, boot %016llx, %u workers",
	    PLM_API_NAME_LEN,
	    hello->version_text,
	    (unsigned long long)hello->boot_id,
	    hello->n_workers);
	if (restarted) {
		LOG(WARNING, "the dataplane restarted: all media must be negotiated anew");
		relay_state_clear(relay);
		if (relay->events.lost != NULL)
			relay->events.lost(relay->events.user);
	}
	relay_state_compare(relay);
}

// What a reply without MORE ends.
static void reply_handle(
	struct relay *relay,
	struct request *request,
	const struct plm_api_header *header,
	const void *payload
) {
	if (header->status != 0) {
		relay->stats.errors++;
		LOG(WARNING,
		    "%s of %016llx: %s",
		    plm_api_type_name(request->type),
		    (unsigned long long)request->id,
		    strerror(header->status));
	}
	switch (request->type) {
	case PLM_API_HELLO:
		if (header->status != 0 || payload == NULL)
			disconnect(relay, "hello was refused");
		else
			hello_received(relay, payload);
		return;
	case PLM_API_TRANSPORT_LIST:
	case PLM_API_PRODUCER_LIST:
	case PLM_API_CONSUMER_LIST:
		relay_state_listed(relay, request->type);
		return;
	case PLM_API_TRANSPORT_ADD:
	case PLM_API_PRODUCER_ADD:
	case PLM_API_CONSUMER_ADD:
		if (header->status != 0)
			relay_state_refused(relay, request->type, request->id);
		else
			relay_state_acked(relay, request->id);
		break;
	}
	if (request->done != NULL)
		request->done(request->user, request->transport_id, -header->status);
}

static void event_handle(
	struct relay *relay,
	const struct plm_api_header *header,
	const void *payload
) {
	if (relay->phase == RELAY_DOWN)
		return;
	switch (header->type) {
	case PLM_API_EVENT_TRANSPORT:
		relay_state_transport_event(relay, payload);
		break;
	case PLM_API_EVENT_PRODUCER:
		relay_state_producer_event(relay, payload);
		break;
	}
}

// One packet. 0, or -EPROTO when the dataplane does not speak our language.
static int packet_handle(struct relay *relay, const void *packet, size_t len) {
	const struct plm_api_header *header;
	struct request *request;
	const void *payload;

	if (plm_api_check_message(packet, len, &header, &payload) < 0)
		return -EPROTO;
	if (header->flags & PLM_API_EVENT) {
		event_handle(relay, header, payload);
		return 0;
	}
	if (header->flags & PLM_API_MORE) {
		request = request_find(relay, header->seq);
		if (request == NULL || request->type != header->type || payload == NULL)
			return -EPROTO;
		request->sent_us = plm_now_us(); // a long list is not a dead dataplane
		relay_state_item(relay, header->type, payload);
		return 0;
	}
	request = request_take(relay, header->seq);
	if (request == NULL)
		return -EPROTO;
	if (request->type != header->type) {
		request_free(request);
		return -EPROTO;
	}
	reply_handle(relay, request, header, payload);
	request_free(request);
	return 0;
}

static void socket_ready(void *user, uint32_t events) {
	_Alignas(8) uint8_t packet[PLM_API_MAX_LEN];
	struct relay *relay = user;
	const int fd = relay->fd;
	int r;

	if (events & EPOLLOUT) {
		r = flush(relay);
		if (r < 0 && r != -EAGAIN) {
			disconnect(relay, strerror(-r));
			return;
		}
	}
	// Bounded, so that a long list does not keep signaling waiting. Level triggered: the rest
	// is told again.
	for (int i = 0; i < 256 && relay->fd == fd; i++) {
		ssize_t n = recv(fd, packet, sizeof(packet), MSG_DONTWAIT | MSG_TRUNC);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			disconnect(relay, n == 0 ? "closed by the dataplane" : strerror(errno));
			return;
		}
		if ((size_t)n > sizeof(packet) || packet_handle(relay, packet, (size_t)n) < 0) {
			disconnect(relay, "a message that the API does not have");
			return;
		}
	}
}

static void try_connect(struct relay *relay) {
	const struct plm_hello_req hello = {
		.magic = PLM_API_MAGIC,
		.version = PLM_API_VERSION,
		.role = PLM_ROLE_CONTROL,
		.name = "plenum-control",
	};
	int r;

	relay->retry_us = plm_now_us() + RELAY_RECONNECT_MS * 1000;
	relay->fd = plm_unixsock_connect(relay->path, 1);
	if (relay->fd < 0) {
		if (relay->last_error != -relay->fd)
			LOG(WARNING, "no dataplane at %s: %s", relay->path, strerror(-relay->fd));
		relay->last_error = -relay->fd;
		relay->fd = -1;
		return;
	}
	relay->last_error = 0;
	relay->wants_out = false;
	relay->phase = RELAY_HELLO;
	r = plm_loop_add(relay->loop, relay->fd, EPOLLIN, socket_ready, relay);
	if (r == 0)
		r = relay_send(relay, PLM_API_HELLO, &hello, sizeof(hello), 0, 0, NULL, NULL);
	if (r < 0)
		disconnect(relay, strerror(-r));
}

void relay_tick(struct relay *relay, uint64_t now_us) {
	if (relay->fd < 0) {
		if (now_us >= relay->retry_us)
			try_connect(relay);
		return;
	}
	if (relay->head != NULL
	    && now_us > relay->head->sent_us + RELAY_REPLY_TIMEOUT_MS * 1000ULL) {
		relay->stats.timeouts++;
		disconnect(relay, "no answer in time");
		return;
	}
	relay_state_tick(relay, now_us);
}
