// SPDX-License-Identifier: BSD-3-Clause

#include "../unit.h"

#include <plm_unixsock.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_LONGEST 107 // sun_path holds 108 with its NUL

static char directory[64];
static char path[160];

static int setup(void **) {
	strcpy(directory, "/tmp/plm-unixsock-XXXXXX");
	if (mkdtemp(directory) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/socket", directory);
	return 0;
}

static int teardown(void **) {
	unlink(path);
	return rmdir(directory);
}

static int listen_ok(void) {
	int fd = plm_unixsock_listen(path, 4);

	if (fd < 0)
		fail_msg("listen: %s", strerror(-fd));
	return fd;
}

static int connect_ok(int nonblock) {
	int fd = plm_unixsock_connect(path, nonblock);

	if (fd < 0)
		fail_msg("connect: %s", strerror(-fd));
	return fd;
}

static void listens_as_promised(void **) {
	int fd = listen_ok(), type, flags;
	socklen_t len = sizeof(type);
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len), 0);
	assert_int_equal(type, SOCK_SEQPACKET);
	flags = fcntl(fd, F_GETFL);
	assert_true(flags >= 0 && (flags & O_NONBLOCK));
	flags = fcntl(fd, F_GETFD);
	assert_true(flags >= 0 && (flags & FD_CLOEXEC));
	assert_int_equal(accept(fd, NULL, NULL), -1);
	assert_int_equal(errno, EAGAIN);
	close(fd);
}

static void connects_and_keeps_boundaries(void **) {
	int server = listen_ok();

	for (int nonblock = 0; nonblock <= 1; nonblock++) {
		int client = connect_ok(nonblock), peer = accept(server, NULL, NULL);
		pid_t pid = 0;
		uid_t uid = 0;
		char buf[16];

		assert_true(peer >= 0);
		assert_int_equal(!!(fcntl(client, F_GETFL) & O_NONBLOCK), nonblock);
		assert_true(fcntl(client, F_GETFD) & FD_CLOEXEC);
		assert_int_equal(write(client, "abc", 3), 3);
		assert_int_equal(write(client, "de", 2), 2);
		assert_int_equal(read(peer, buf, sizeof(buf)), 3);
		assert_int_equal(read(peer, buf, sizeof(buf)), 2);
		assert_memory_equal(buf, "de", 2);
		assert_int_equal(plm_unixsock_peer(peer, &uid, &pid), 0);
		assert_int_equal(uid, getuid());
		assert_int_equal(pid, getpid());
		close(client);
		assert_int_equal(read(peer, buf, sizeof(buf)), 0);
		close(peer);
	}
	close(server);
}

static void live_socket_is_not_taken(void **) {
	int server = listen_ok(), client, peer;

	assert_int_equal(plm_unixsock_listen(path, 4), -EADDRINUSE);
	// The one that asked is gone again; the listener still serves.
	peer = accept(server, NULL, NULL);
	assert_true(peer >= 0);
	close(peer);
	client = connect_ok(0);
	peer = accept(server, NULL, NULL);
	assert_true(peer >= 0);
	close(peer);
	close(client);
	close(server);
}

static void stale_socket_is_replaced(void **) {
	int server = listen_ok(), client;
	struct stat before, after;

	assert_int_equal(stat(path, &before), 0);
	close(server);
	assert_int_equal(stat(path, &after), 0); // its file stays, nobody answers
	assert_int_equal(plm_unixsock_connect(path, 0), -ECONNREFUSED);
	server = listen_ok();
	client = connect_ok(0);
	close(client);
	close(server);
}

static void refuses_bad_paths(void **) {
	char text[256];
	uid_t uid;
	pid_t pid;

	assert_int_equal(plm_unixsock_connect(path, 0), -ENOENT);
	snprintf(text, sizeof(text), "%s/missing/socket", directory);
	assert_int_equal(plm_unixsock_listen(text, 4), -ENOENT);
	memset(text, 'x', sizeof(text));
	text[PATH_LONGEST + 1] = '\0';
	assert_int_equal(plm_unixsock_listen(text, 4), -ENAMETOOLONG);
	assert_int_equal(plm_unixsock_connect(text, 0), -ENAMETOOLONG);
	assert_int_equal(plm_unixsock_peer(-1, &uid, &pid), -EBADF);
}

static void longest_path_works(void **) {
	size_t used = (size_t)snprintf(path, sizeof(path), "%s/", directory);
	int server;

	memset(path + used, 'x', PATH_LONGEST - used);
	path[PATH_LONGEST] = '\0';
	server = listen_ok();
	close(connect_ok(0));
	close(server);
}

int main(void) {
#define SOCKET_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		SOCKET_TEST(listens_as_promised),
		SOCKET_TEST(connects_and_keeps_boundaries),
		SOCKET_TEST(live_socket_is_not_taken),
		SOCKET_TEST(stale_socket_is_replaced),
		SOCKET_TEST(refuses_bad_paths),
		SOCKET_TEST(longest_path_works),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
