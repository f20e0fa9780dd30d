// SPDX-License-Identifier: BSD-3-Clause

#include "client.h"

#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define TIMEOUT_S 5

struct client {
	int fd;
	SSL_CTX *ctx;
	SSL *ssl;
};

struct client *client_connect(uint16_t port, bool tls, const char *alpn) {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
	} sa = {.v4 = {
			.sin_family = AF_INET,
			.sin_port = htons(port),
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		}};
	struct timeval timeout = {TIMEOUT_S, 0};
	struct client *client = calloc(1, sizeof(*client));
	int one = 1;

	if (client == NULL)
		return NULL;
	client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(client->fd, &sa.any, sizeof(sa.v4)) < 0)
		goto fail;
	if (!tls)
		return client;
	client->ctx = SSL_CTX_new(TLS_client_method());
	if (alpn != NULL)
		SSL_CTX_set_alpn_protos(
			client->ctx, (const unsigned char *)alpn, (unsigned)strlen(alpn)
		);
	client->ssl = SSL_new(client->ctx);
	SSL_set_fd(client->ssl, client->fd);
	if (SSL_connect(client->ssl) == 1)
		return client;
fail:
	client_free(client);
	return NULL;
}

void client_free(struct client *client) {
	if (client == NULL)
		return;
	SSL_free(client->ssl);
	SSL_CTX_free(client->ctx);
	close(client->fd);
	free(client);
}

const char *client_alpn(struct client *client, size_t *ret_len) {
	const unsigned char *name;
	unsigned len;

	SSL_get0_alpn_selected(client->ssl, &name, &len);
	*ret_len = len;
	return (const char *)name;
}

bool client_write(struct client *client, const void *bytes, size_t len) {
	const char *at = bytes;

	while (len > 0) {
		ssize_t n = client->ssl != NULL ? SSL_write(client->ssl, at, (int)len)
						: send(client->fd, at, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

// 1, 0 = ended, -2 = timed out
static int byte_read(struct client *client, char *byte) {
	ssize_t n;

	errno = 0;
	n = client->ssl != NULL ? SSL_read(client->ssl, byte, 1) : recv(client->fd, byte, 1, 0);
	if (n == 1)
		return 1;
	return errno == EAGAIN ? -2 : 0;
}

int client_request(struct client *client, const char *request, char *text, size_t len) {
	size_t n = 0, body = 0;
	const char *length;
	int status = 0;

	text[0] = '\0';
	if (!client_write(client, request, strlen(request)))
		return 0;
	while (n + 1 < len && strstr(text, "\r\n\r\n") == NULL) {
		if (byte_read(client, text + n) != 1)
			return 0;
		text[++n] = '\0';
	}
	sscanf(text, "HTTP/1.1 %d", &status);
	length = strcasestr(text, "\r\ncontent-length:");
	if (length != NULL && strncmp(request, "HEAD", 4) != 0 && status != 304)
		body = strtoul(length + 17, NULL, 10);
	while (n + 1 < len && body-- > 0) {
		if (byte_read(client, text + n) != 1)
			return 0;
		text[++n] = '\0';
	}
	return status;
}

int client_upgrade(struct client *client, const char *headers) {
	char request[1024], text[4096];

	snprintf(
		request,
		sizeof(request),
		"GET /v1/signal HTTP/1.1\r\nHost: plenum.test:8443\r\n"
		"Connection: Upgrade\r\nUpgrade: websocket\r\n%s\r\n",
		headers
	);
	return client_request(client, request, text, sizeof(text));
}

struct client *client_websocket(uint16_t port) {
	struct client *client = client_connect(port, true, NULL);

	if (client != NULL
	    && client_upgrade(
		       client,
		       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
		       "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: plenum.v1\r\n"
	       ) == 101)
		return client;
	client_free(client);
	return NULL;
}

bool client_send(struct client *client, const struct frame *frame) {
	static const uint8_t mask[4] = {0x12, 0x34, 0x56, 0x78};
	uint64_t len = frame->claimed_len != 0 ? frame->claimed_len : frame->len;
	uint8_t *bytes = malloc(frame->len + 14);
	size_t n = 0;
	bool ok;

	bytes[n++] = (uint8_t)(frame->fin << 7 | frame->rsv << 4 | frame->opcode);
	if (len < 126) {
		bytes[n++] = (uint8_t)len;
	} else if (len < 65536) {
		bytes[n++] = 126;
		bytes[n++] = (uint8_t)(len >> 8);
		bytes[n++] = (uint8_t)len;
	} else {
		bytes[n++] = 127;
		for (int shift = 56; shift >= 0; shift -= 8)
			bytes[n++] = (uint8_t)(len >> shift);
	}
	if (!frame->unmasked) {
		bytes[1] |= 0x80;
		memcpy(bytes + n, mask, 4);
		n += 4;
	}
	for (size_t i = 0; i < frame->len; i++) {
		uint8_t byte = ((const uint8_t *)frame->payload)[i];

		bytes[n + i] = frame->unmasked ? byte : byte ^ mask[i % 4];
	}
	ok = client_write(client, bytes, n + frame->len);
	free(bytes);
	return ok;
}

bool client_text(struct client *client, const char *text) {
	const struct frame frame = {.fin = true, .opcode = 1, .payload = text, .len = strlen(text)};

	return client_send(client, &frame);
}

int client_receive(struct client *client, char *payload, size_t len, size_t *ret_len) {
	uint64_t left;
	char head[2], byte;
	size_t n = 0;
	int ret;

	for (int i = 0; i < 2; i++) {
		ret = byte_read(client, &head[i]);
		if (ret != 1)
			return ret == 0 ? -1 : ret;
	}
	left = head[1] & 0x7f;
	if (left >= 126) {
		int n_bytes = left == 126 ? 2 : 8;

		left = 0;
		while (n_bytes-- > 0) {
			if (byte_read(client, &byte) != 1)
				return -1;
			left = left << 8 | (uint8_t)byte;
		}
	}
	while (left-- > 0) {
		if (byte_read(client, &byte) != 1)
			return -1;
		if (n + 1 < len)
			payload[n++] = byte;
	}
	payload[n] = '\0';
	if (ret_len != NULL)
		*ret_len = n;
	return head[0] & 0x0f;
}

int client_close_code(struct client *client) {
	static char payload[1 << 17];

	for (;;) {
		size_t len;
		int opcode = client_receive(client, payload, sizeof(payload), &len);

		if (opcode < 0)
			return -1;
		if (opcode == 8)
			return len < 2 ? 0 : (uint8_t)payload[0] << 8 | (uint8_t)payload[1];
	}
}
