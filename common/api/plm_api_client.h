// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// A blocking client of the API for tools, tests and benchmarks. (Control and hls have event-driven
// ones of their own.) One thread at a time.

#include <plm_api.h>

#include <stddef.h>
#include <stdint.h>

#define PLM_API_CLIENT_TIMEOUT_MS 5000 // for each reply, or each item of a list

struct plm_api_client;

// Connects to the socket at path and says HELLO. role: enum plm_role; punt_channel: 0 unless it is
// PLM_ROLE_PUNT. name is cut to what fits. ret_hello may be NULL. NULL with errno: of connect,
// EPROTO when the versions differ, ETIMEDOUT, or what the dataplane answered.
struct plm_api_client *plm_api_client_open(
	const char *path,
	uint16_t role,
	uint16_t punt_channel,
	const char *name,
	struct plm_hello_rep *ret_hello
);
void plm_api_client_close(struct plm_api_client *client); // takes NULL

// Called from within the functions below for events and DTLS records that arrive meanwhile; they
// are dropped when there is no callback. payload passed plm_api_check_message.
void plm_api_client_on_event(
	struct plm_api_client *client,
	void (*event)(void *user, uint16_t type, const void *payload, size_t len),
	void *user
);

// Sends a request and waits for its reply. rep may be NULL when rep_len is 0; it is written on
// success only. Returns 0, -errno as the dataplane answered, or: -ETIMEDOUT, -ECONNRESET when the
// dataplane is gone, -EPROTO when the reply is not what plm_api.h says.
int plm_api_call(
	struct plm_api_client *client,
	uint16_t type,
	const void *req,
	size_t req_len,
	void *rep,
	size_t rep_len
);

// Sends a LIST request (struct plm_list) and calls item for each item of the answer. When item
// returns non-zero the rest is read and not shown, and that value is returned. Errors as
// plm_api_call.
int plm_api_list(
	struct plm_api_client *client,
	uint16_t type,
	uint64_t id,
	int (*item)(void *user, const void *payload, size_t len),
	void *user
);

// Sends an event (a DTLS record); there is no reply. Returns 0 or -errno.
int plm_api_client_send_event(
	struct plm_api_client *client,
	uint16_t type,
	const void *payload,
	size_t len
);

// Waits at most timeout_ms for one event and gives it to the callback. Returns 0, -ETIMEDOUT or as
// plm_api_call.
int plm_api_client_wait_event(struct plm_api_client *client, int timeout_ms);
