// SPDX-License-Identifier: BSD-3-Clause

#include "plane_peer.h"

#include <plm_unixsock.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECORD_HEAD_LEN (sizeof(struct plm_dtls_record) - PLM_DTLS_MAX)

void plane_peer_init(struct plane_peer *plane, const char *path) {
	memset(plane, 0, sizeof(*plane));
	plane->path = path;
	plane->listener = -1;
	for (unsigned i = 0; i < PLANE_CHANNELS; i++)
		plane->clients[i].fd = -1;
	plane->hello.version = PLM_API_VERSION;
	plane->hello.public_port = 3478;
	plane->hello.agent_port_min = 33000;
	plane->hello.agent_port_max = 34999;
	plane->hello.boot_id = 7;
	plane->hello.n_addrs = 1;
	plane->hello.addrs[0] = (struct plm_addr){.family = 4, .port = 3478, .ip = {127, 0, 0, 1}};
}

bool plane_peer_up(struct plane_peer *plane) {
	plane->listener = plm_unixsock_listen(plane->path, 16);
	return plane->listener >= 0;
}

static void drop_client(struct plane_peer *plane, unsigned i) {
	if (plane->clients[i].channel >= 0)
		plane->n_hello--;
	close(plane->clients[i].fd);
	plane->clients[i].fd = -1;
}

void plane_peer_down(struct plane_peer *plane) {
	if (plane->listener >= 0)
		close(plane->listener);
	plane->listener = -1;
	for (unsigned i = 0; i < PLANE_CHANNELS; i++) {
		if (plane->clients[i].fd >= 0)
			drop_client(plane, i);
	}
	unlink(plane->path);
}

static void accept_clients(struct plane_peer *plane) {
	int fd;

	while (plane->listener >= 0
	       && (fd = accept4(plane->listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		for (unsigned i = 0; i <= PLANE_CHANNELS; i++) {
			if (i == PLANE_CHANNELS) {
				close(fd);
				break;
			}
			if (plane->clients[i].fd >= 0)
				continue;
			plane->clients[i].fd = fd;
			plane->clients[i].channel = -1;
			break;
		}
	}
}

static void reply(
	int fd,
	const struct plm_api_header *to,
	int status,
	const void *payload,
	size_t len
) {
	struct {
		struct plm_api_header header;
		uint8_t payload[512];
	} message = {
		.header = {
			.type = to->type,
			.flags = PLM_API_REPLY,
			.seq = to->seq,
			.status = status,
			.length = (uint32_t)len,
		},
	};

	if (len > 0)
		memcpy(message.payload, payload, len);
	(void)!send(fd, &message, sizeof(message.header) + len, MSG_NOSIGNAL);
}

static void take(struct plane_peer *plane, unsigned i, const uint8_t *bytes, size_t len) {
	const uint8_t *payload = bytes + sizeof(struct plm_api_header);
	struct plm_api_header header;
	struct plm_hello_req hello;
	struct plm_dtls_record record;

	memcpy(&header, bytes, sizeof(header));
	if (header.length != len - sizeof(header))
		return;
	switch (header.type) {
	case PLM_API_HELLO:
		memcpy(&hello, payload, sizeof(hello));
		if (header.length != sizeof(hello) || hello.magic != PLM_API_MAGIC
		    || hello.role != PLM_ROLE_PUNT)
			return;
		plane->clients[i].channel = hello.punt_channel;
		plane->n_hello++;
		reply(plane->clients[i].fd, &header, 0, &plane->hello, sizeof(plane->hello));
		break;
	case PLM_API_TRANSPORT_SECURE:
		if (header.length != sizeof(plane->secured[0])
		    || plane->n_secured == PLANE_SECURED_MAX)
			return;
		memcpy(&plane->secured[plane->n_secured++], payload, header.length);
		if (plane->secure_status >= 0)
			reply(plane->clients[i].fd, &header, plane->secure_status, NULL, 0);
		break;
	case PLM_API_DTLS_RECORD:
		memcpy(&record, payload, header.length);
		if (header.flags == PLM_API_EVENT && plane->record != NULL
		    && header.length == RECORD_HEAD_LEN + record.len)
			plane->record(plane->user, record.transport_id, record.data, record.len);
		break;
	default:
		break;
	}
}

void plane_peer_step(struct plane_peer *plane) {
	uint8_t bytes[PLM_API_MAX_LEN];
	ssize_t n;

	accept_clients(plane);
	for (unsigned i = 0; i < PLANE_CHANNELS; i++) {
		while (plane->clients[i].fd >= 0) {
			n = recv(plane->clients[i].fd, bytes, sizeof(bytes), 0);
			if (n < 0 && errno == EAGAIN)
				break;
			if (n <= 0) {
				drop_client(plane, i);
				break;
			}
			if ((size_t)n >= sizeof(struct plm_api_header))
				take(plane, i, bytes, (size_t)n);
		}
	}
}

void plane_peer_record(
	struct plane_peer *plane,
	int channel,
	uint64_t transport_id,
	const uint8_t *data,
	size_t len
) {
	struct {
		struct plm_api_header header;
		struct plm_dtls_record record;
	} message = {
		.header = {
			.type = PLM_API_DTLS_RECORD,
			.flags = PLM_API_EVENT,
			.length = (uint32_t)(RECORD_HEAD_LEN + len),
		},
		.record = {.transport_id = transport_id, .len = (uint16_t)len},
	};

	memcpy(message.record.data, data, len);
	for (unsigned i = 0; i < PLANE_CHANNELS; i++) {
		if (plane->clients[i].fd >= 0 && plane->clients[i].channel == channel)
			(void
			)!send(plane->clients[i].fd,
			       &message,
			       sizeof(message.header) + RECORD_HEAD_LEN + len,
			       MSG_NOSIGNAL);
	}
}

void plane_peer_raw(struct plane_peer *plane, const void *data, size_t len) {
	for (unsigned i = 0; i < PLANE_CHANNELS; i++) {
		if (plane->clients[i].fd >= 0)
			(void)!send(plane->clients[i].fd, data, len, MSG_NOSIGNAL);
	}
}
