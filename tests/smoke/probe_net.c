// SPDX-License-Identifier: BSD-3-Clause

// Kernel sockets in both namespaces, and the loop that serves them.

#include "probe.h"

#include <plm_addr.h>
#include <plm_demux.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOCKETS_MAX 256
#define CLIENT_V4 "198.18.0.1"
#define CLIENT_V6 "2001:2:0:1::1"

static struct sock *sockets;
static int own_netns, relay_netns;
static uint16_t next_agent_port;

void net_init(void) {
	char path[128];

	snprintf(path, sizeof(path), "/run/netns/%s", options.relay_netns);
	own_netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	relay_netns = open(path, O_RDONLY | O_CLOEXEC);
	if (own_netns < 0 || relay_netns < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(2);
	}
}

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static socklen_t to_sockaddr(const struct plm_addr *addr, union address *ret) {
	memset(ret, 0, sizeof(*ret));
	if (addr->family == 4) {
		ret->in.sin_family = AF_INET;
		ret->in.sin_port = htons(addr->port);
		memcpy(&ret->in.sin_addr, addr->ip, 4);
		return sizeof(ret->in);
	}
	ret->in6.sin6_family = AF_INET6;
	ret->in6.sin6_port = htons(addr->port);
	memcpy(&ret->in6.sin6_addr, addr->ip, 16);
	return sizeof(ret->in6);
}

static struct plm_addr from_sockaddr(const union address *sa) {
	struct plm_addr addr = {0};

	if (sa->any.sa_family == AF_INET) {
		addr.family = 4;
		addr.port = ntohs(sa->in.sin_port);
		memcpy(addr.ip, &sa->in.sin_addr, 4);
	} else {
		addr.family = 6;
		addr.port = ntohs(sa->in6.sin6_port);
		memcpy(addr.ip, &sa->in6.sin6_addr, 16);
	}
	return addr;
}

struct plm_addr relay_addr(uint8_t family, uint16_t port) {
	struct plm_addr addr = {0};

	for (unsigned i = 0; i < hello.n_addrs; i++) {
		if (hello.addrs[i].family == family)
			addr = hello.addrs[i];
	}
	CHECK(addr.family != 0, "the relay has no IPv%u address", family);
	addr.port = port;
	return addr;
}

static struct sock *sock_new(const struct plm_addr *at) {
	struct sock *sock = calloc(1, sizeof(*sock));
	union address sa;
	socklen_t len;
	int size = 1 << 20;

	if (sock == NULL)
		abort();
	sock->fd = socket(
		at->family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0
	);
	len = to_sockaddr(at, &sa);
	if (sock->fd < 0 || bind(sock->fd, &sa.any, len) < 0) {
		int error = errno;
		char text[PLM_ADDR_TEXT_LEN];

		if (sock->fd >= 0)
			close(sock->fd);
		free(sock);
		errno = error;
		if (error == EADDRINUSE)
			return NULL;
		fail("socket at %s: %s", plm_addr_format(at, text, sizeof(text)), strerror(error));
	}
	setsockopt(sock->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	len = sizeof(sa);
	getsockname(sock->fd, &sa.any, &len);
	sock->local = from_sockaddr(&sa);
	sock->owner = running;
	sock->next = sockets;
	sockets = sock;
	return sock;
}

struct sock *sock_open(uint8_t family, const char *ip) {
	struct plm_addr at;

	if (ip == NULL)
		ip = family == 4 ? CLIENT_V4 : CLIENT_V6;
	CHECK(plm_addr_parse_ip(ip, &at) == 0, "%s is no address", ip);
	return sock_new(&at);
}

struct sock *sock_agent(uint8_t family) {
	struct sock *sock = NULL;

	CHECK(setns(relay_netns, CLONE_NEWNET) == 0, "setns: %s", strerror(errno));
	for (unsigned tries = 0; sock == NULL && tries < 1000; tries++) {
		struct plm_addr at = relay_addr(
			family, (uint16_t)(hello.agent_port_min + next_agent_port++ % 5000)
		);

		sock = sock_new(&at);
	}
	if (setns(own_netns, CLONE_NEWNET) != 0)
		abort();
	CHECK(sock != NULL, "no private port is free");
	sock->silent = true;
	return sock;
}

static void sock_free(struct sock *sock) {
	close(sock->fd);
	for (unsigned i = 0; i < sock->n; i++)
		free(sock->datagrams[i]);
	free(sock->datagrams);
	free(sock);
}

void sock_close(struct sock *sock) {
	struct sock **link = &sockets;

	while (*link != sock)
		link = &(*link)->next;
	*link = sock->next;
	sock_free(sock);
}

void sockets_clean(const struct scenario *owner) {
	struct sock **link = &sockets;

	while (*link != NULL) {
		struct sock *sock = *link;

		if (sock->owner != owner) {
			link = &sock->next;
			continue;
		}
		*link = sock->next;
		sock_free(sock);
	}
}

void sock_send_to(struct sock *sock, const struct plm_addr *to, const void *data, size_t len) {
	union address sa;
	socklen_t sa_len = to_sockaddr(to, &sa);
	ssize_t n;

	// An ICMP error about an earlier datagram is reported once, in place of sending.
	do
		n = sendto(sock->fd, data, len, 0, &sa.any, sa_len);
	while (n < 0 && errno == ECONNREFUSED);
	CHECK(n == (ssize_t)len, "sendto: %s", strerror(errno));
}

void sock_send(struct sock *sock, const void *data, size_t len) {
	const struct plm_addr to = relay_addr(sock->local.family, hello.public_port);

	sock_send_to(sock, &to, data, len);
}

unsigned sock_count(const struct sock *sock, int kind) {
	unsigned n = 0;

	for (unsigned i = 0; i < sock->n; i++)
		n += sock->datagrams[i]->kind == kind;
	return n;
}

const struct datagram *sock_newest(const struct sock *sock, int kind) {
	for (unsigned i = sock->n; i > 0; i--) {
		if (sock->datagrams[i - 1]->kind == kind)
			return sock->datagrams[i - 1];
	}
	return NULL;
}

static void take(struct sock *sock, const struct plm_addr *from, const uint8_t *data, size_t len) {
	struct datagram *datagram = malloc(sizeof(*datagram) + len);

	if (sock->n == sock->room) {
		sock->room = sock->room == 0 ? 16 : sock->room * 2;
		sock->datagrams = realloc(sock->datagrams, sock->room * sizeof(void *));
	}
	if (datagram == NULL || sock->datagrams == NULL)
		abort();
	datagram->at_us = plm_now_us();
	datagram->from = *from;
	datagram->len = (uint16_t)len;
	datagram->kind = (uint8_t)plm_demux(data, len);
	memcpy(datagram->data, data, len);
	sock->datagrams[sock->n++] = datagram;
	sock->bytes += len;
	if (sock->peer != NULL)
		peer_receive(sock->peer, sock, datagram);
}

static void drain(struct sock *sock) {
	uint8_t data[DATAGRAM_MAX];

	for (;;) {
		union address sa;
		socklen_t sa_len = sizeof(sa);
		struct plm_addr from;
		ssize_t n = recvfrom(sock->fd, data, sizeof(data), 0, &sa.any, &sa_len);

		if (n < 0 && errno == ECONNREFUSED)
			continue;
		if (n < 0)
			return;
		from = from_sockaddr(&sa);
		take(sock, &from, data, (size_t)n);
	}
}

void pump(int ms) {
	struct pollfd fds[SOCKETS_MAX];
	struct sock *of[SOCKETS_MAX];
	unsigned n = 0;

	for (struct sock *s = sockets; s != NULL && n < SOCKETS_MAX; s = s->next) {
		of[n] = s;
		fds[n++] = (struct pollfd){.fd = s->fd, .events = POLLIN};
	}
	if (poll(fds, n, ms) > 0) {
		for (unsigned i = 0; i < n; i++) {
			if (fds[i].revents != 0)
				drain(of[i]);
		}
	}
	relay_pump();
}

void pump_for(int ms) {
	uint64_t end_us = plm_now_us() + (uint64_t)ms * 1000;

	while (plm_now_us() < end_us)
		pump(2);
}
