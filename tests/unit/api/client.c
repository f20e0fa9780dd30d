// SPDX-License-Identifier: BSD-3-Clause

// The blocking client against a small server on a real socket.

#include "../unit.h"

#include <plm_api_client.h>
#include <plm_api_codec.h>
#include <plm_unixsock.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char socket_path[64];
static uint16_t server_version = PLM_API_VERSION;

static void send_packet(
	int fd,
	uint16_t type,
	uint16_t flags,
	uint32_t seq,
	int status,
	const void *payload,
	size_t len
) {
	_Alignas(8) uint8_t packet[PLM_API_MAX_LEN];
	size_t n;

	n = plm_api_message(packet, sizeof(packet), type, flags, seq, status, payload, len);
	if (send(fd, packet, n, MSG_NOSIGNAL) < 0)
		perror("send");
}

static void answer(int fd, const struct plm_api_header *req, const void *payload) {
	const struct plm_hello_rep hello = {.version = server_version, .boot_id = 5};
	const struct plm_event_producer event = {.id = 9};

	switch (req->type) {
	case PLM_API_HELLO:
		send_packet(fd, req->type, PLM_API_REPLY, req->seq, 0, &hello, sizeof(hello));
		break;
	case PLM_API_TRANSPORT_DEL:
		// A stale reply and an event come first.
		send_packet(fd, req->type, PLM_API_REPLY, req->seq - 1, EBUSY, NULL, 0);
		send_packet(fd, PLM_API_EVENT_PRODUCER, PLM_API_EVENT, 0, 0, &event, sizeof(event));
		send_packet(fd, req->type, PLM_API_REPLY, req->seq, 0, NULL, 0);
		break;
	case PLM_API_PRODUCER_LIST:
		for (uint64_t i = 1; i <= ((const struct plm_list *)payload)->id; i++) {
			const struct plm_producer_info info = {.id = i};

			send_packet(
				fd,
				req->type,
				PLM_API_REPLY | PLM_API_MORE,
				req->seq,
				0,
				&info,
				sizeof(info)
			);
		}
		send_packet(fd, req->type, PLM_API_REPLY, req->seq, 0, NULL, 0);
		break;
	case PLM_API_CONSUMER_LIST:
		send_packet(fd, req->type, PLM_API_REPLY, req->seq, 0, "short", 5);
		break;
	default:
		send_packet(fd, req->type, PLM_API_REPLY, req->seq, ENOTSUP, NULL, 0);
	}
}

static void *server(void *arg) {
	_Alignas(8) uint8_t packet[PLM_API_MAX_LEN];
	struct pollfd wait = {.fd = *(int *)arg, .events = POLLIN};
	const struct plm_api_header *header;
	const void *payload;
	ssize_t n;
	int fd;

	if (poll(&wait, 1, 5000) != 1)
		return NULL;
	fd = accept(*(int *)arg, NULL, NULL);
	while ((n = recv(fd, packet, sizeof(packet), 0)) > 0) {
		if (plm_api_check_request(packet, (size_t)n, &header, &payload) == 0)
			answer(fd, header, payload);
		else
			break; // closes: the client sees the dataplane gone
	}
	close(fd);
	return NULL;
}

struct fixture {
	int listen_fd;
	pthread_t thread;
};

static int setup(void **state) {
	static struct fixture f;

	snprintf(socket_path, sizeof(socket_path), "/tmp/plm-test-api-%d", (int)getpid());
	server_version = PLM_API_VERSION;
	f.listen_fd = plm_unixsock_listen(socket_path, 1);
	if (f.listen_fd < 0 || pthread_create(&f.thread, NULL, server, &f.listen_fd) != 0)
		return -1;
	*state = &f;
	return 0;
}

static int teardown(void **state) {
	struct fixture *f = *state;

	pthread_join(f->thread, NULL);
	close(f->listen_fd);
	unlink(socket_path);
	return 0;
}

static void on_event(void *user, uint16_t type, const void *payload, size_t len) {
	assert_int_equal(type, PLM_API_EVENT_PRODUCER);
	assert_int_equal(len, sizeof(struct plm_event_producer));
	*(uint64_t *)user += ((const struct plm_event_producer *)payload)->id;
}

static int on_item(void *user, const void *payload, size_t len) {
	uint64_t *sum = user;

	assert_int_equal(len, sizeof(struct plm_producer_info));
	*sum += ((const struct plm_producer_info *)payload)->id;
	return *sum > 100 ? -ECANCELED : 0;
}

static void test_calls(void **) {
	const struct plm_id id = {1};
	struct plm_hello_rep hello;
	struct plm_api_client *client;
	uint64_t events = 0, sum = 0;

	client = plm_api_client_open(socket_path, PLM_ROLE_OBSERVER, 0, "test", &hello);
	assert_non_null(client);
	assert_int_equal(hello.boot_id, 5);
	assert_int_equal(plm_api_call(client, PLM_API_TRANSPORT_DEL, &id, sizeof(id), NULL, 0), 0);
	plm_api_client_on_event(client, on_event, &events);
	assert_int_equal(plm_api_call(client, PLM_API_TRANSPORT_DEL, &id, sizeof(id), NULL, 0), 0);
	assert_int_equal(events, 9);
	assert_int_equal(
		plm_api_call(client, PLM_API_CONSUMER_DEL, &id, sizeof(id), NULL, 0), -ENOTSUP
	);
	assert_int_equal(plm_api_list(client, PLM_API_PRODUCER_LIST, 4, on_item, &sum), 0);
	assert_int_equal(sum, 10);
	assert_int_equal(plm_api_list(client, PLM_API_PRODUCER_LIST, 0, on_item, &sum), 0);
	assert_int_equal(sum, 10);
	sum = 100;
	assert_int_equal(plm_api_list(client, PLM_API_PRODUCER_LIST, 4, on_item, &sum), -ECANCELED);
	assert_int_equal(sum, 101);
	// The list was read to its end: the next call gets its own reply.
	assert_int_equal(plm_api_call(client, PLM_API_TRANSPORT_DEL, &id, sizeof(id), NULL, 0), 0);
	assert_int_equal(plm_api_list(client, PLM_API_CONSUMER_LIST, 0, on_item, &sum), -EPROTO);
	plm_api_client_close(client);
}

static void test_gone(void **) {
	struct plm_api_client *client;

	client = plm_api_client_open(socket_path, PLM_ROLE_OBSERVER, 0, "test", NULL);
	assert_non_null(client);
	// The server of this test hangs up on an unknown type.
	assert_int_equal(plm_api_call(client, 9999, NULL, 0, NULL, 0), -ECONNRESET);
	assert_true(plm_api_call(client, PLM_API_HELLO, NULL, 0, NULL, 0) < 0);
	plm_api_client_close(client);
}

static void test_version(void **) {
	server_version = PLM_API_VERSION + 1;
	assert_null(plm_api_client_open(socket_path, PLM_ROLE_OBSERVER, 0, "test", NULL));
	assert_int_equal(errno, EPROTO);
}

static void test_absent(void **) {
	assert_null(plm_api_client_open("/tmp/plm-test-no-such", PLM_ROLE_OBSERVER, 0, "t", NULL));
	assert_int_equal(errno, ENOENT);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_calls, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_version, setup, teardown),
		cmocka_unit_test(test_absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
