// SPDX-License-Identifier: BSD-3-Clause

#include "plm_api_client.h"

#include "plm_api_codec.h"

#include <plm_secret.h>
#include <plm_unixsock.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct plm_api_client {
	int fd;
	uint32_t seq; // of the newest request
	void (*event)(void *user, uint16_t type, const void *payload, size_t len);
	void *event_user;
	_Alignas(8) uint8_t packet[PLM_API_MAX_LEN];
};

static int64_t now_ms(void) {
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// The socket is blocking: a dataplane that does not read makes send wait, no longer than this.
static int send_timeout_set(int fd) {
	const struct timeval timeout = {.tv_sec = PLM_API_CLIENT_TIMEOUT_MS / 1000};

	return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0 ? -errno : 0;
}

static int packet_send(
	struct plm_api_client *client,
	uint16_t type,
	uint16_t flags,
	uint32_t seq,
	const void *payload,
	size_t len
) {
	_Alignas(8) uint8_t packet[PLM_API_MAX_LEN];
	size_t n = plm_api_message(packet, sizeof(packet), type, flags, seq, 0, payload, len);
	ssize_t sent;
	int r = 0;

	if (n == 0)
		return -EMSGSIZE;
	do
		sent = send(client->fd, packet, n, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		r = errno == EAGAIN ? -ETIMEDOUT : errno == EPIPE ? -ECONNRESET : -errno;
	plm_wipe(packet, n); // requests carry keys and passwords
	return r;
}

// Receives one packet and checks it.
static int packet_receive(
	struct plm_api_client *client,
	int64_t deadline_ms,
	const struct plm_api_header **ret_header,
	const void **ret_payload
) {
	struct pollfd poll_fd = {.fd = client->fd, .events = POLLIN};
	ssize_t n;
	int r;

	for (;;) {
		int64_t left = deadline_ms - now_ms();

		r = poll(&poll_fd, 1, left > 0 ? (int)left : 0);
		if (r == 0)
			return -ETIMEDOUT;
		if (r < 0) {
			if (errno == EINTR)
				return -EINTR; // a tool's ctrl-C
			return -errno;
		}
		n = recv(
			client->fd, client->packet, sizeof(client->packet), MSG_DONTWAIT | MSG_TRUNC
		);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		break;
	}
	if (n < 0)
		return -errno;
	if (n == 0)
		return -ECONNRESET;
	if ((size_t)n > sizeof(client->packet))
		return -EPROTO;
	r = plm_api_check_message(client->packet, (size_t)n, ret_header, ret_payload);
	return r < 0 ? -EPROTO : 0;
}

// Waits for the reply to the newest request; events go to the callback, late replies of requests
// that timed out are skipped.
static int reply_wait(
	struct plm_api_client *client,
	uint16_t type,
	const struct plm_api_header **ret_header,
	const void **ret_payload
) {
	const int64_t deadline = now_ms() + PLM_API_CLIENT_TIMEOUT_MS;
	const struct plm_api_header *header;
	const void *payload;
	int r;

	for (;;) {
		r = packet_receive(client, deadline, &header, &payload);
		if (r < 0)
			return r;
		if (header->flags & PLM_API_EVENT) {
			if (client->event != NULL)
				client->event(
					client->event_user, header->type, payload, header->length
				);
			continue;
		}
		if (header->seq != client->seq)
			continue;
		if (header->type != type)
			return -EPROTO;
		*ret_header = header;
		*ret_payload = payload;
		return 0;
	}
}

int plm_api_call(
	struct plm_api_client *client,
	uint16_t type,
	const void *req,
	size_t req_len,
	void *rep,
	size_t rep_len
) {
	const struct plm_api_header *header;
	const void *payload;
	int r;

	r = packet_send(client, type, 0, ++client->seq, req, req_len);
	if (r < 0)
		return r;
	r = reply_wait(client, type, &header, &payload);
	if (r < 0)
		return r;
	if (header->status != 0)
		return -header->status;
	if (header->length != rep_len)
		return -EPROTO;
	if (rep_len > 0)
		memcpy(rep, payload, rep_len);
	return 0;
}

int plm_api_list(
	struct plm_api_client *client,
	uint16_t type,
	uint64_t id,
	int (*item)(void *user, const void *payload, size_t len),
	void *user
) {
	const struct plm_list req = {.id = id};
	const struct plm_api_header *header;
	const void *payload;
	int r, stopped = 0;

	r = packet_send(client, type, 0, ++client->seq, &req, sizeof(req));
	if (r < 0)
		return r;
	for (;;) {
		r = reply_wait(client, type, &header, &payload);
		if (r < 0)
			return r;
		if (header->status != 0)
			return -header->status;
		if (!(header->flags & PLM_API_MORE))
			return stopped;
		if (payload == NULL)
			return -EPROTO;
		if (stopped == 0)
			stopped = item(user, payload, header->length);
	}
}

int plm_api_client_send_event(
	struct plm_api_client *client,
	uint16_t type,
	const void *payload,
	size_t len
) {
	return packet_send(client, type, PLM_API_EVENT, 0, payload, len);
}

int plm_api_client_wait_event(struct plm_api_client *client, int timeout_ms) {
	const int64_t deadline = now_ms() + timeout_ms;
	const struct plm_api_header *header;
	const void *payload;
	int r;

	do {
		r = packet_receive(client, deadline, &header, &payload);
		if (r < 0)
			return r;
	} while (!(header->flags & PLM_API_EVENT));
	if (client->event != NULL)
		client->event(client->event_user, header->type, payload, header->length);
	return 0;
}

void plm_api_client_on_event(
	struct plm_api_client *client,
	void (*event)(void *user, uint16_t type, const void *payload, size_t len),
	void *user
) {
	client->event = event;
	client->event_user = user;
}

struct plm_api_client *plm_api_client_open(
	const char *path,
	uint16_t role,
	uint16_t punt_channel,
	const char *name,
	struct plm_hello_rep *ret_hello
) {
	struct plm_hello_req req = {
		.magic = PLM_API_MAGIC,
		.version = PLM_API_VERSION,
		.role = role,
		.punt_channel = punt_channel,
	};
	struct plm_api_client *client = calloc(1, sizeof(*client));
	struct plm_hello_rep hello;
	int r;

	if (client == NULL)
		return NULL;
	snprintf(req.name, sizeof(req.name), "%s", name);
	client->fd = plm_unixsock_connect(path, 0);
	if (client->fd < 0) {
		r = client->fd;
		goto fail;
	}
	r = send_timeout_set(client->fd);
	if (r < 0)
		goto fail;
	r = plm_api_call(client, PLM_API_HELLO, &req, sizeof(req), &hello, sizeof(hello));
	if (r < 0)
		goto fail;
	if (hello.version != PLM_API_VERSION) {
		r = -EPROTO;
		goto fail;
	}
	if (ret_hello != NULL)
		*ret_hello = hello;
	return client;

fail:
	plm_api_client_close(client);
	errno = -r;
	return NULL;
}

void plm_api_client_close(struct plm_api_client *client) {
	if (client == NULL)
		return;
	if (client->fd >= 0)
		close(client->fd);
	plm_wipe(client->packet, sizeof(client->packet));
	free(client);
}
