// SPDX-License-Identifier: BSD-3-Clause

#include "server.h"

#include "api.h"
#include "connections.h"
#include "respond.h"
#include "signaling_dispatch.h"
#include "tls.h"
#include "websocket.h"

#include <plm_log.h>
#include <plm_loop.h>

#include <h2o.h>
#include <jansson.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

LOG_TYPE("http");

#define LISTENERS_MAX (CONFIG_LISTENERS_MAX + 1) // and the admin's
#define BACKLOG 1024
#define ACCEPTS_PER_WAKE 32
#define HEADER_TIMEOUT_MS 10000 // also between requests of one connection
#define BODY_MAX (64 * 1024)
#define ADMIN_CONNECTIONS 64
#define GOODBYE_MS 3000
#define SHUTDOWN_MS 1000

struct listener {
	int fd;
	h2o_socket_t *sock;
	h2o_accept_ctx_t accept;
	struct connections *connections;
	uint16_t port;
};

// Owned by the http thread from server_start to server_stop; others only post to it.
static struct {
	const struct config *config;
	struct websocket_config websocket;
	h2o_globalconf_t globalconf;
	h2o_context_t ctx;
	h2o_loop_t *loop;
	SSL_CTX *ssl_ctx;
	struct connections *connections, *admin_connections;
	struct listener listeners[LISTENERS_MAX];
	unsigned n_listeners;
	int spare_fd; // given up for a moment to take and close a connection when there are no more
	pthread_t thread;
	bool stopping;
	h2o_multithread_receiver_t posts;
} server;

static pthread_mutex_t post_lock = PTHREAD_MUTEX_INITIALIZER;
static bool running; // guarded by post_lock

// ---------------------------------------------------------------------------- posts

struct post {
	h2o_multithread_message_t super;
	void (*call)(void *user);
	void *user;
};

bool server_post(void (*call)(void *user), void *user) {
	struct post *post = calloc(1, sizeof(*post));
	bool posted;

	if (post == NULL)
		return false;
	post->call = call;
	post->user = user;
	pthread_mutex_lock(&post_lock);
	posted = running;
	if (posted)
		h2o_multithread_send_message(&server.posts, &post->super);
	pthread_mutex_unlock(&post_lock);
	if (!posted)
		free(post);
	return posted;
}

static void posts_received(h2o_multithread_receiver_t *, h2o_linklist_t *messages) {
	while (!h2o_linklist_is_empty(messages)) {
		struct post *post = H2O_STRUCT_FROM_MEMBER(struct post, super.link, messages->next);

		h2o_linklist_unlink(&post->super.link);
		post->call(post->user);
		free(post);
	}
}

// ---------------------------------------------------------------------------- listeners

union sockaddr_any {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t sockaddr_make(const struct plm_addr *addr, union sockaddr_any *ret_sa) {
	memset(ret_sa, 0, sizeof(*ret_sa));
	if (addr->family == 4) {
		ret_sa->v4.sin_family = AF_INET;
		ret_sa->v4.sin_port = htons(addr->port);
		memcpy(&ret_sa->v4.sin_addr, addr->ip, 4);
		return sizeof(ret_sa->v4);
	}
	ret_sa->v6.sin6_family = AF_INET6;
	ret_sa->v6.sin6_port = htons(addr->port);
	memcpy(&ret_sa->v6.sin6_addr, addr->ip, 16);
	return sizeof(ret_sa->v6);
}

// Returns the descriptor or -errno.
static int listener_open(const struct plm_addr *addr, uint16_t *ret_port) {
	union sockaddr_any sa;
	socklen_t len = sockaddr_make(addr, &sa);
	int fd, one = 1, err;

	fd = socket(sa.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	// IPv4 has its own listeners: "::" must not take them away
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0
	    || (addr->family == 6
		&& setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) < 0)
	    || bind(fd, &sa.any, len) < 0 || listen(fd, BACKLOG) < 0
	    || getsockname(fd, &sa.any, &len) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	*ret_port = ntohs(sa.any.sa_family == AF_INET ? sa.v4.sin_port : sa.v6.sin6_port);
	return fd;
}

// Out of descriptors: level-triggered polling would spin on the one that waits.
static void accept_and_close(const struct listener *listener) {
	int fd;

	if (server.spare_fd < 0)
		return;
	close(server.spare_fd);
	fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		close(fd);
	server.spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void accept_ready(h2o_socket_t *sock, const char *err) {
	struct listener *listener = sock->data;

	if (err != NULL || server.stopping)
		return;
	for (int i = 0; i < ACCEPTS_PER_WAKE; i++) {
		h2o_socket_t *client;

		errno = 0;
		client = h2o_evloop_socket_accept(sock);
		if (client == NULL) {
			if (errno == EMFILE || errno == ENFILE) {
				LOG(WARNING, "out of file descriptors: a client is turned away");
				accept_and_close(listener);
			}
			return;
		}
		if (!connections_add(listener->connections, client)) {
			LOG(INFO, "too many connections: a client is turned away");
			h2o_socket_close(client);
			continue;
		}
		h2o_accept(&listener->accept, client);
	}
}

static int listener_add(
	const struct plm_addr *addr,
	h2o_hostconf_t **hosts,
	struct connections *connections,
	bool tls,
	char *error,
	size_t error_len
) {
	struct listener *listener = &server.listeners[server.n_listeners];
	char text[PLM_ADDR_TEXT_LEN];
	int fd;

	fd = listener_open(addr, &listener->port);
	if (fd < 0) {
		snprintf(
			error,
			error_len,
			"cannot listen on %s: %s",
			plm_addr_format(addr, text, sizeof(text)),
			strerror(-fd)
		);
		return fd;
	}
	listener->fd = fd;
	listener->connections = connections;
	listener->accept = (h2o_accept_ctx_t){
		.ctx = &server.ctx,
		.hosts = hosts,
		.ssl_ctx = tls ? server.ssl_ctx : NULL,
	};
	listener->sock = h2o_evloop_socket_create(server.loop, fd, H2O_SOCKET_FLAG_DONT_READ);
	listener->sock->data = listener;
	h2o_socket_read_start(listener->sock, accept_ready);
	server.n_listeners++;
	return 0;
}

// ---------------------------------------------------------------------------- requests

static int public_requested(h2o_handler_t *, h2o_req_t *req) {
	api_respond_public(req);
	return 0;
}

static int admin_requested(h2o_handler_t *, h2o_req_t *req) {
	api_respond_admin(req);
	return 0;
}

static h2o_hostconf_t *host_add(const char *name, int (*requested)(h2o_handler_t *, h2o_req_t *)) {
	h2o_hostconf_t *host = h2o_config_register_host(
		&server.globalconf, h2o_iovec_init(name, strlen(name)), 65535
	);
	h2o_pathconf_t *path = h2o_config_register_path(host, "/", 0);

	h2o_create_handler(path, sizeof(h2o_handler_t))->on_req = requested;
	return host;
}

// Never moved: the accept contexts point here. NULL-terminated.
static h2o_hostconf_t *public_hosts[2], *admin_hosts[2];

static void h2o_start(void) {
	h2o_config_init(&server.globalconf);
	server.globalconf.server_name = h2o_iovec_init(H2O_STRLIT("plenum"));
	server.globalconf.http1.req_timeout = HEADER_TIMEOUT_MS;
	server.globalconf.http1.upgrade_to_http2 = 0; // WebSocket of h2o 2.2.5 is HTTP/1.1 only
	server.globalconf.handshake_timeout = HEADER_TIMEOUT_MS;
	server.globalconf.max_request_entity_size = BODY_MAX;
	public_hosts[0] = host_add("default", public_requested);
	admin_hosts[0] = host_add("localhost", admin_requested); // what HTTP/1.0 gets for a Host
	server.loop = h2o_evloop_create();
	h2o_context_init(&server.ctx, server.loop, &server.globalconf);
	h2o_multithread_register_receiver(server.ctx.queue, &server.posts, posts_received);
}

// ---------------------------------------------------------------------------- the thread

static void loop_run_until(bool (*done)(void), unsigned max_ms) {
	uint64_t end_us = plm_now_us() + (uint64_t)max_ms * 1000;

	while (!done() && plm_now_us() < end_us)
		h2o_evloop_run(server.loop, 20);
}

static bool no_websockets(void) {
	return websocket_count() == 0;
}

static bool no_connections(void) {
	return connections_count(server.connections) == 0
		&& connections_count(server.admin_connections) == 0;
}

static void *thread_run(void *) {
	pthread_setname_np(pthread_self(), "http");
	while (!server.stopping)
		h2o_evloop_run(server.loop, 1000);
	for (unsigned i = 0; i < server.n_listeners; i++)
		h2o_socket_close(server.listeners[i].sock);
	signaling_end();
	loop_run_until(no_websockets, GOODBYE_MS);
	connections_shutdown(server.connections);
	connections_shutdown(server.admin_connections);
	loop_run_until(no_connections, SHUTDOWN_MS);
	websocket_end();
	pthread_mutex_lock(&post_lock);
	running = false;
	pthread_mutex_unlock(&post_lock);
	h2o_evloop_run(server.loop, 0); // what was posted in the meantime
	h2o_evloop_run(server.loop, 0);
	return NULL;
}

static void stop_request(void *) {
	server.stopping = true;
}

// What server_start made, in reverse; the thread is not running.
static void server_dispose(void) {
	if (server.loop != NULL) {
		h2o_multithread_unregister_receiver(server.ctx.queue, &server.posts);
		h2o_context_dispose(&server.ctx);
		h2o_config_dispose(&server.globalconf);
		h2o_evloop_destroy(server.loop);
	}
	connections_free(server.connections);
	connections_free(server.admin_connections);
	SSL_CTX_free(server.ssl_ctx);
	if (server.spare_fd >= 0)
		close(server.spare_fd);
	memset(&server, 0, sizeof(server));
	server.spare_fd = -1;
}

static int listeners_open(char *error, size_t error_len) {
	const struct config *config = server.config;
	char text[PLM_ADDR_TEXT_LEN];
	int err;

	for (unsigned i = 0; i < config->n_listeners; i++) {
		struct plm_addr addr = config->listeners[i].addr;

		err = listener_add(
			&addr,
			public_hosts,
			server.connections,
			config->listeners[i].tls,
			error,
			error_len
		);
		if (err < 0)
			return err;
		addr.port = server.listeners[i].port;
		LOG(INFO,
		    "listening on %s%s",
		    plm_addr_format(&addr, text, sizeof(text)),
		    config->listeners[i].tls ? "" : " without TLS");
	}
	if (config->admin.port == 0)
		return 0;
	return listener_add(
		&config->admin.addr, admin_hosts, server.admin_connections, false, error, error_len
	);
}

static void websocket_config_make(const struct config *config, struct websocket_config *ret) {
	*ret = (struct websocket_config){
		.origins = (const char *const *)config->origins,
		.n_origins = config->n_origins,
		.max_connections = config->limits.connections,
		.message_bytes = config->limits.message_bytes,
		.messages_burst = config->limits.messages_burst,
		.messages_per_second = config->limits.messages_per_second,
		.hello_timeout_ms = config->limits.hello_timeout_ms,
		.ping_interval_ms = config->limits.ping_interval_ms,
		.send_queue_bytes = config->limits.send_queue_bytes,
		.message = signaling_message,
		.closed = signaling_closed,
	};
}

int server_start(
	const struct config *config,
	const struct auth *auth,
	char *error,
	size_t error_len
) {
	int err;

	memset(&server, 0, sizeof(server));
	server.config = config;
	server.spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	signal(SIGPIPE, SIG_IGN);
	json_object_seed(0); // at random, before threads use it
	for (unsigned i = 0; i < config->n_listeners; i++) {
		if (!config->listeners[i].tls || server.ssl_ctx != NULL)
			continue;
		server.ssl_ctx = tls_context_new(config, error, error_len);
		if (server.ssl_ctx == NULL) {
			server_dispose();
			return -EINVAL;
		}
	}
	server.connections = connections_new(
		config->limits.connections, config->limits.connections_per_ip
	);
	// the operator gets in when the clients have taken all
	server.admin_connections = connections_new(ADMIN_CONNECTIONS, ADMIN_CONNECTIONS);
	if (server.connections == NULL || server.admin_connections == NULL) {
		snprintf(error, error_len, "out of memory");
		server_dispose();
		return -ENOMEM;
	}
	h2o_start();
	err = listeners_open(error, error_len);
	if (err < 0)
		goto fail_listeners;
	websocket_config_make(config, &server.websocket);
	err = websocket_start(&server.ctx, &server.websocket);
	if (err < 0) {
		snprintf(error, error_len, "out of memory");
		goto fail_listeners;
	}
	signaling_start(auth);
	api_start(config, auth);
	running = true;
	err = -pthread_create(&server.thread, NULL, thread_run, NULL);
	if (err == 0)
		return 0;
	running = false;
	snprintf(error, error_len, "no thread: %s", strerror(-err));
	websocket_end();
fail_listeners:
	for (unsigned i = 0; i < server.n_listeners; i++)
		h2o_socket_close(server.listeners[i].sock);
	server_dispose();
	return err;
}

void server_stop(void) {
	if (!server_post(stop_request, NULL))
		return;
	pthread_join(server.thread, NULL);
	server_dispose();
}

uint16_t server_port(unsigned i) {
	return i < server.n_listeners ? server.listeners[i].port : 0;
}

// Asked by LeakSanitizer, where a build has it. h2o 2.2.5 keeps free lists for each thread, which
// end with ours, and does not free the message queue of a context.
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) {
	return "leak:h2o_mem_alloc_recycle\nleak:h2o_multithread_create_queue\n";
}
