// SPDX-License-Identifier: BSD-3-Clause

#include "websocket.h"

#include "respond.h"
#include "signaling.h"

#include <plm_log.h>
#include <plm_loop.h>

#include <h2o/websocket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <wslay/wslay.h>

LOG_TYPE("websocket");

#define SLOT_BITS 20 // of an id; the rest is a generation
#define TICK_MS 100 // of all timers here
#define CLOSE_TIMEOUT_MS 2000
#define LINGER_MS 1000
#define REASON_MAX 123 // bytes: a control frame holds 125 (RFC 6455 section 5.5)
#define PINGS_MISSED_MAX 2
#define CLOSE_UNSUPPORTED 1003 // RFC 6455 section 7.4.1: we take text only

// Owned by the http thread; alive from the handshake until gone().
struct websocket {
	uint64_t id;
	h2o_websocket_conn_t *conn;
	struct websocket *next_dirty;
	bool dirty; // has something to send, or is to be dropped
	bool ready; // said hello
	bool closing; // messages are ignored
	uint16_t close_code; // of the close frame to queue when the messages before it are out
	char close_reason[REASON_MAX + 1];
	bool drop; // at the next flush
	bool lingering; // all is said; what still comes in is thrown away
	bool over_rate; // the message that is being received
	unsigned pings_missed;
	uint64_t deadline_ms; // of hello, of closing or of lingering; 0 = none
	uint64_t ping_at_ms;
	double tokens; // may be negative, down to -messages_burst
	uint64_t tokens_at_ms;
};

static struct {
	const struct websocket_config *config;
	h2o_context_t *ctx;
	struct websocket **slots; // by the low bits of the id
	unsigned n_slots, n_open;
	unsigned *free_slots, n_free;
	uint64_t generation;
	wslay_event_send_callback h2o_send;
	struct websocket *dirty;
	h2o_timeout_t tick_timeout;
	h2o_timeout_entry_t tick_entry, flush_entry;
} all;

static uint64_t now_ms(void) {
	return plm_now_us() / 1000;
}

static struct websocket *find(uint64_t id) {
	uint64_t slot = id & ((1u << SLOT_BITS) - 1);
	struct websocket *ws = slot < all.n_slots ? all.slots[slot] : NULL;

	return ws != NULL && ws->id == id ? ws : NULL;
}

// ---------------------------------------------------------------------------- the end

static void dirty_remove(struct websocket *ws) {
	struct websocket **link = &all.dirty;

	while (*link != NULL && *link != ws)
		link = &(*link)->next_dirty;
	if (*link != NULL)
		*link = ws->next_dirty;
}

// Not from inside a callback of wslay, which goes on using its context.
static void gone(struct websocket *ws) {
	unsigned slot = (unsigned)(ws->id & ((1u << SLOT_BITS) - 1));

	if (ws->dirty)
		dirty_remove(ws);
	all.slots[slot] = NULL;
	all.free_slots[all.n_free++] = slot;
	all.n_open--;
	h2o_websocket_close(ws->conn);
	all.config->closed(ws->id, ws->ready);
	free(ws);
}

static void linger_received(h2o_socket_t *sock, const char *err) {
	h2o_websocket_conn_t *conn = sock->data;

	h2o_buffer_consume(&sock->input, sock->input->size);
	if (err != NULL)
		gone(conn->data);
}

// wslay stops reading when it refuses something. Closing the socket with data unread would make the
// kernel send a reset, which can overtake our close frame: read on for a moment, and let the peer
// see the end.
static void linger(struct websocket *ws) {
	ws->lingering = true;
	ws->closing = true;
	ws->deadline_ms = now_ms() + LINGER_MS;
	shutdown(h2o_socket_get_fd(ws->conn->sock), SHUT_WR);
	h2o_socket_read_start(ws->conn->sock, linger_received);
}

static void violation_told(h2o_socket_t *sock, const char *err) {
	h2o_websocket_conn_t *conn = sock->data;

	if (err != NULL)
		gone(conn->data);
	else
		linger(conn->data);
}

// wslay gives up on a malformed header with a close frame that it does not send and that has no
// code: we say 1002 ourselves (RFC 6455 section 7.1.7).
static void violation_tell(struct websocket *ws) {
	static const char frame[] = {
		(char)0x88,
		2,
		SIGNALING_CLOSE_PROTOCOL >> 8,
		(char)(SIGNALING_CLOSE_PROTOCOL & 0xff)};
	h2o_iovec_t buf = h2o_iovec_init(frame, sizeof(frame));

	ws->lingering = true;
	ws->closing = true;
	ws->deadline_ms = now_ms() + LINGER_MS;
	h2o_socket_read_stop(ws->conn->sock);
	h2o_socket_write(ws->conn->sock, &buf, 1, violation_told);
}

static void flush_soon(struct websocket *ws) {
	if (ws->dirty)
		return;
	ws->dirty = true;
	ws->next_dirty = all.dirty;
	all.dirty = ws;
	if (!h2o_timeout_is_linked(&all.flush_entry))
		h2o_timeout_link(all.ctx->loop, &all.ctx->zero_timeout, &all.flush_entry);
}

// wslay sends control frames before messages, and nothing after a close frame: what was said before
// the end would be lost.
static void close_when_said(struct websocket *ws) {
	if (ws->close_code == 0 || wslay_event_get_queued_msg_count(ws->conn->ws_ctx) > 0)
		return;
	if (wslay_event_queue_close(
		    ws->conn->ws_ctx,
		    ws->close_code,
		    (const uint8_t *)ws->close_reason,
		    strlen(ws->close_reason)
	    )
	    != 0)
		ws->drop = true;
	ws->close_code = 0;
}

static void flush(h2o_timeout_entry_t *) {
	struct websocket *ws;

	while ((ws = all.dirty) != NULL) {
		all.dirty = ws->next_dirty;
		ws->dirty = false;
		// h2o holds the connection until the handshake is out; the tick comes back to it
		if (ws->conn->sock == NULL)
			continue;
		close_when_said(ws);
		if (ws->drop)
			gone(ws);
		else if (!ws->lingering)
			h2o_websocket_proceed(ws->conn);
	}
}

static void close_with(struct websocket *ws, uint16_t code, const char *reason) {
	if (ws->closing)
		return;
	ws->closing = true;
	ws->deadline_ms = now_ms() + CLOSE_TIMEOUT_MS;
	ws->close_code = code;
	snprintf(ws->close_reason, sizeof(ws->close_reason), "%s", reason);
	flush_soon(ws);
}

static ssize_t sent(
	wslay_event_context_ptr ctx,
	const uint8_t *data,
	size_t len,
	int flags,
	void *user
) {
	struct websocket *ws = ((h2o_websocket_conn_t *)user)->data;

	if (ws->close_code != 0)
		flush_soon(ws);
	return all.h2o_send(ctx, data, len, flags, user);
}

// ---------------------------------------------------------------------------- receiving

// One token a frame, so that neither many small fragments nor pings come free.
static void frame_started(
	wslay_event_context_ptr ctx,
	const struct wslay_event_on_frame_recv_start_arg *,
	void *user
) {
	struct websocket *ws = ((h2o_websocket_conn_t *)user)->data;
	const struct websocket_config *config = all.config;
	uint64_t now = now_ms();

	ws->pings_missed = 0; // whoever sends is there
	ws->tokens += (double)(now - ws->tokens_at_ms) * config->messages_per_second / 1000;
	ws->tokens_at_ms = now;
	if (ws->tokens > config->messages_burst)
		ws->tokens = config->messages_burst;
	ws->tokens--;
	if (ws->tokens < 0)
		ws->over_rate = true;
	if (ws->tokens < -(double)config->messages_burst && !ws->closing) {
		LOG(INFO, "connection %llx floods: closed", (unsigned long long)ws->id);
		// at once: what is queued for such a client may be much
		close_with(ws, SIGNALING_CLOSE_FLOOD, "too many messages");
		ws->close_code = 0;
		if (wslay_event_queue_close(ctx, SIGNALING_CLOSE_FLOOD, NULL, 0) != 0)
			ws->drop = true;
		wslay_event_shutdown_read(ctx);
	}
}

static void received(h2o_websocket_conn_t *conn, const struct wslay_event_on_msg_recv_arg *arg) {
	struct websocket *ws = conn->data;
	bool over_rate = ws->over_rate;

	if (arg == NULL) {
		if (ws->lingering)
			return;
		if (ws->close_code != 0 && conn->sock != NULL) {
			// the last message went out before our close frame was queued
			close_when_said(ws);
			if (ws->close_code == 0) {
				flush_soon(ws);
				return;
			}
		}
		if (conn->sock == NULL || wslay_event_get_close_received(conn->ws_ctx))
			gone(ws);
		else if (wslay_event_get_close_sent(conn->ws_ctx))
			linger(ws);
		else if (!wslay_event_get_read_enabled(conn->ws_ctx) && !h2o_socket_is_writing(conn->sock))
			violation_tell(ws);
		else
			gone(ws);
		return;
	}
	if (arg->opcode == WSLAY_TEXT_FRAME || arg->opcode == WSLAY_BINARY_FRAME)
		ws->over_rate = false;
	if (ws->closing)
		return;
	switch (arg->opcode) {
	case WSLAY_TEXT_FRAME:
		all.config->message(
			ws->id, ws->ready, over_rate, (const char *)arg->msg, arg->msg_length
		);
		break;
	case WSLAY_BINARY_FRAME:
		close_with(ws, CLOSE_UNSUPPORTED, "text only");
		break;
	case WSLAY_CONNECTION_CLOSE: // wslay answers it
		ws->closing = true;
		ws->deadline_ms = now_ms() + CLOSE_TIMEOUT_MS;
		break;
	}
}

// ---------------------------------------------------------------------------- timers

static void ping(struct websocket *ws, uint64_t now) {
	static const struct wslay_event_msg message = {.opcode = WSLAY_PING};

	if (ws->pings_missed >= PINGS_MISSED_MAX) {
		LOG(INFO, "connection %llx is silent: dropped", (unsigned long long)ws->id);
		ws->drop = true;
	} else if (wslay_event_queue_msg(ws->conn->ws_ctx, &message) != 0) {
		ws->drop = true;
	}
	ws->pings_missed++;
	ws->ping_at_ms = now + all.config->ping_interval_ms;
	flush_soon(ws);
}

static void tick(h2o_timeout_entry_t *entry) {
	uint64_t now = now_ms();

	for (unsigned i = 0; i < all.n_slots; i++) {
		struct websocket *ws = all.slots[i];

		if (ws == NULL)
			continue;
		if (ws->drop)
			flush_soon(ws);
		if (ws->deadline_ms != 0 && now >= ws->deadline_ms) {
			if (ws->closing) {
				ws->drop = true;
				flush_soon(ws);
			} else {
				close_with(ws, SIGNALING_CLOSE_UNAUTHORIZED, "no hello in time");
			}
		} else if (!ws->closing && now >= ws->ping_at_ms) {
			ping(ws, now);
		}
	}
	h2o_timeout_link(all.ctx->loop, &all.tick_timeout, entry);
}

// ---------------------------------------------------------------------------- the handshake

static h2o_iovec_t header_find(const h2o_req_t *req, const char *name) {
	ssize_t i = h2o_find_header_by_str(&req->headers, name, strlen(name), -1);

	return i < 0 ? (h2o_iovec_t){NULL, 0} : req->headers.entries[i].value;
}

static bool text_is(h2o_iovec_t text, const char *other) {
	return text.len == strlen(other) && memcmp(text.base, other, text.len) == 0;
}

// Is the word in the comma-separated list (RFC 6455 section 4.2.1, item 8)?
static bool list_has(h2o_iovec_t list, const char *word) {
	size_t i = 0;

	while (i < list.len) {
		size_t start, end;

		while (i < list.len && strchr(" \t,", list.base[i]) != NULL)
			i++;
		for (start = i; i < list.len && list.base[i] != ','; i++)
			;
		for (end = i; end > start && strchr(" \t", list.base[end - 1]) != NULL; end--)
			;
		if (text_is((h2o_iovec_t){list.base + start, end - start}, word))
			return true;
	}
	return false;
}

// Browsers send Origin and let no page change it; other programs may leave it out: what protects us
// from them is the token.
static bool origin_is_allowed(const h2o_req_t *req) {
	h2o_iovec_t origin = header_find(req, "origin"), host = req->input.authority;
	size_t skip;

	if (origin.base == NULL)
		return true;
	for (unsigned i = 0; i < all.config->n_origins; i++) {
		if (strcmp(all.config->origins[i], "*") == 0
		    || text_is(origin, all.config->origins[i]))
			return true;
	}
	if (all.config->n_origins > 0)
		return false;
	if (origin.len > 8 && memcmp(origin.base, "https://", 8) == 0)
		skip = 8;
	else if (origin.len > 7 && memcmp(origin.base, "http://", 7) == 0)
		skip = 7;
	else
		return false;
	return origin.len - skip == host.len
		&& strncasecmp(origin.base + skip, host.base, host.len) == 0;
}

static struct websocket *slot_take(void) {
	struct websocket *ws;
	unsigned slot;

	if (all.n_free == 0)
		return NULL;
	ws = calloc(1, sizeof(*ws));
	if (ws == NULL)
		return NULL;
	slot = all.free_slots[--all.n_free];
	all.slots[slot] = ws;
	all.n_open++;
	ws->id = ++all.generation << SLOT_BITS | slot;
	return ws;
}

// h2o's own context, made again with our look at each frame and our limit.
static bool frames_watch(h2o_websocket_conn_t *conn) {
	wslay_event_context_ptr ctx;

	all.h2o_send = conn->ws_callbacks.send_callback;
	conn->ws_callbacks.send_callback = sent;
	conn->ws_callbacks.on_frame_recv_start_callback = frame_started;
	if (wslay_event_context_server_init(&ctx, &conn->ws_callbacks, conn) != 0)
		return false;
	wslay_event_context_free(conn->ws_ctx);
	conn->ws_ctx = ctx;
	wslay_event_config_set_max_recv_msg_length(ctx, all.config->message_bytes);
	return true;
}

void websocket_upgrade(h2o_req_t *req) {
	h2o_iovec_t version = header_find(req, "sec-websocket-version");
	const char *key = NULL;
	struct websocket *ws;
	uint64_t now = now_ms();

	if (req->version >= 0x200 || h2o_is_websocket_handshake(req, &key) != 0 || key == NULL) {
		respond_error(req, 400, "Bad Request", "a WebSocket handshake is wanted here");
		return;
	}
	if (!text_is(version, "13")) {
		respond_header(req, "sec-websocket-version", "13");
		respond_error(req, 426, "Upgrade Required", "WebSocket version 13 is wanted");
		return;
	}
	if (!origin_is_allowed(req)) {
		respond_error(req, 403, "Forbidden", "this page may not connect here");
		return;
	}
	if (!list_has(header_find(req, "sec-websocket-protocol"), WEBSOCKET_PROTOCOL)) {
		respond_error(
			req, 400, "Bad Request", "sub-protocol " WEBSOCKET_PROTOCOL " is wanted"
		);
		return;
	}
	ws = slot_take();
	if (ws == NULL) {
		respond_error(req, 503, "Service Unavailable", "too many connections");
		return;
	}
	respond_header(req, "sec-websocket-protocol", WEBSOCKET_PROTOCOL);
	ws->tokens = all.config->messages_burst;
	ws->tokens_at_ms = now;
	ws->deadline_ms = now + all.config->hello_timeout_ms;
	ws->ping_at_ms = now + all.config->ping_interval_ms;
	ws->conn = h2o_upgrade_to_websocket(req, key, ws, received);
	if (!frames_watch(ws->conn)) {
		ws->drop = true;
		flush_soon(ws);
	}
}

// ---------------------------------------------------------------------------- for others

int websocket_start(h2o_context_t *ctx, const struct websocket_config *config) {
	memset(&all, 0, sizeof(all));
	all.config = config;
	all.ctx = ctx;
	all.n_slots = config->max_connections;
	if (all.n_slots > 1u << SLOT_BITS)
		all.n_slots = 1u << SLOT_BITS;
	all.slots = calloc(all.n_slots, sizeof(all.slots[0]));
	all.free_slots = calloc(all.n_slots, sizeof(all.free_slots[0]));
	if (all.slots == NULL || all.free_slots == NULL) {
		free(all.slots);
		free(all.free_slots);
		return -ENOMEM;
	}
	// slot 0 is taken first, so that the tick's walk stays in warm memory
	for (unsigned i = all.n_slots; i > 0; i--)
		all.free_slots[all.n_free++] = i - 1;
	all.flush_entry.cb = flush;
	all.tick_entry.cb = tick;
	h2o_timeout_init(ctx->loop, &all.tick_timeout, TICK_MS);
	h2o_timeout_link(ctx->loop, &all.tick_timeout, &all.tick_entry);
	return 0;
}

void websocket_end(void) {
	for (unsigned i = 0; i < all.n_slots; i++) {
		if (all.slots[i] != NULL)
			gone(all.slots[i]);
	}
	h2o_timeout_unlink(&all.flush_entry);
	h2o_timeout_unlink(&all.tick_entry);
	h2o_timeout_dispose(all.ctx->loop, &all.tick_timeout);
	free(all.slots);
	free(all.free_slots);
	memset(&all, 0, sizeof(all));
}

void websocket_send(uint64_t id, const char *text, size_t len) {
	const struct wslay_event_msg message = {WSLAY_TEXT_FRAME, (const uint8_t *)text, len};
	struct websocket *ws = find(id);

	if (ws == NULL || ws->closing || ws->drop)
		return;
	if (wslay_event_get_queued_msg_length(ws->conn->ws_ctx) + len
	    > all.config->send_queue_bytes) {
		LOG(INFO, "connection %llx reads too slowly: dropped", (unsigned long long)id);
		ws->drop = true;
	} else if (wslay_event_queue_msg(ws->conn->ws_ctx, &message) != 0) {
		ws->drop = true;
	}
	flush_soon(ws);
}

void websocket_close(uint64_t id, uint16_t code, const char *reason) {
	struct websocket *ws = find(id);

	if (ws != NULL)
		close_with(ws, code, reason);
}

void websocket_set_ready(uint64_t id) {
	struct websocket *ws = find(id);

	if (ws == NULL || ws->closing)
		return;
	ws->ready = true;
	ws->deadline_ms = 0;
}

void websocket_each(void (*visit)(void *user, uint64_t id, bool ready), void *user) {
	for (unsigned i = 0; i < all.n_slots; i++) {
		if (all.slots[i] != NULL)
			visit(user, all.slots[i]->id, all.slots[i]->ready);
	}
}

unsigned websocket_count(void) {
	return all.n_open;
}
