// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// A small HTTPS and WebSocket client for the tests: it sends what a good client would not.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct client;

// TCP, and TLS if asked. alpn: in wire format, or NULL. NULL when it cannot connect.
struct client *client_connect(uint16_t port, bool tls, const char *alpn);
void client_free(struct client *client); // takes NULL; closes at once
const char *client_alpn(struct client *client, size_t *ret_len);

// All of it, or false.
bool client_write(struct client *client, const void *bytes, size_t len);

// Sends request and reads the whole answer (headers, and as much body as Content-Length says).
// Returns the status, 0 = the server closed. text: NUL-terminated.
int client_request(struct client *client, const char *request, char *text, size_t len);

// The handshake with extra header lines ("Origin: x\r\n"). Returns the status.
int client_upgrade(struct client *client, const char *headers);
// A good one, on a new TLS connection; NULL if refused.
struct client *client_websocket(uint16_t port);

struct frame {
	bool fin;
	uint8_t rsv, opcode;
	bool unmasked;
	uint64_t claimed_len; // 0: as it is
	const void *payload;
	size_t len;
};
bool client_send(struct client *client, const struct frame *frame);
bool client_text(struct client *client, const char *text);

// The next frame, at most 5 s. Returns its opcode, -1 = the connection ended, -2 = timed out.
// payload is NUL-terminated.
int client_receive(struct client *client, char *payload, size_t len, size_t *ret_len);

// Skips other frames until a close frame: its code, 0 = none in it, -1 = ended without one.
int client_close_code(struct client *client);
