// SPDX-License-Identifier: BSD-3-Clause

// One GET of control's admin listener (HTTP/1.0: the body ends with the connection).

#include "plenumctl.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_MAX (64 << 20)
#define TIMEOUT_S 5

// "127.0.0.1:9080", "[::1]:9080", "localhost:9080". 0 or -EINVAL.
static int split(const char *admin, char host[256], char port[8]) {
	const char *colon = strrchr(admin, ':');
	size_t len;

	if (colon == NULL || strlen(colon + 1) == 0 || strlen(colon + 1) > 5)
		return -EINVAL;
	len = (size_t)(colon - admin);
	if (len >= 2 && admin[0] == '[' && colon[-1] == ']') {
		admin++;
		len -= 2;
	}
	if (len == 0 || len > 255)
		return -EINVAL;
	memcpy(host, admin, len);
	host[len] = '\0';
	strcpy(port, colon + 1);
	return 0;
}

static int connect_to(const char *host, const char *port) {
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	const struct timeval timeout = {.tv_sec = TIMEOUT_S};
	struct addrinfo *list, *each;
	int fd = -ENOENT;

	if (getaddrinfo(host, port, &hints, &list) != 0)
		return -ENOENT;
	for (each = list; each != NULL; each = each->ai_next) {
		fd = socket(each->ai_family, each->ai_socktype | SOCK_CLOEXEC, each->ai_protocol);
		if (fd < 0) {
			fd = -errno;
			continue;
		}
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
		if (connect(fd, each->ai_addr, each->ai_addrlen) == 0)
			break;
		int error = -errno;

		close(fd);
		fd = error;
	}
	freeaddrinfo(list);
	return fd;
}

// All that comes, NUL-terminated; to free(). NULL with errno.
static char *read_all(int fd) {
	size_t n = 0, room = 0;
	char *text = NULL;

	for (;;) {
		ssize_t got;

		if (n + 1 >= room) {
			char *larger;

			room = room ? room * 2 : 65536;
			larger = room <= ANSWER_MAX ? realloc(text, room) : NULL;
			if (larger == NULL) {
				free(text);
				errno = EFBIG;
				return NULL;
			}
			text = larger;
		}
		got = recv(fd, text + n, room - n - 1, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			int error = errno == EAGAIN ? ETIMEDOUT : errno;

			free(text);
			errno = error;
			return NULL;
		}
		if (got == 0)
			break;
		n += (size_t)got;
	}
	text[n] = '\0';
	return text;
}

// Status and body. The body is parsed whatever its declared length says: the connection's end is
// what counts in HTTP/1.0.
static json_t *answer_parse(const char *text, const char *admin, const char *path, int *ret_exit) {
	const char *body = strstr(text, "\r\n\r\n");
	int status = 0;
	json_t *json;

	*ret_exit = EXIT_FAILED;
	if (sscanf(text, "HTTP/%*d.%*d %d", &status) != 1 || body == NULL) {
		fprintf(stderr, "plenumctl: %s does not speak HTTP\n", admin);
		return NULL;
	}
	if (status == 404) {
		fprintf(stderr, "plenumctl: %s: not found\n", path);
		return NULL;
	}
	if (status != 200) {
		fprintf(stderr, "plenumctl: http://%s%s: status %d\n", admin, path, status);
		return NULL;
	}
	json = json_loads(body + 4, 0, NULL);
	if (json == NULL)
		fprintf(stderr, "plenumctl: http://%s%s: the answer is no JSON\n", admin, path);
	return json;
}

json_t *admin_get(const char *admin, const char *path, int *ret_exit) {
	char host[256], port[8], request[512], *text;
	json_t *json;
	int fd, len;

	*ret_exit = EXIT_USAGE;
	if (split(admin, host, port) < 0) {
		fprintf(stderr, "plenumctl: -a: HOST:PORT is needed, not %s\n", admin);
		return NULL;
	}
	*ret_exit = EXIT_ABSENT;
	fd = connect_to(host, port);
	if (fd < 0) {
		fprintf(stderr,
			"plenumctl: no control plane at %s: %s (-a names another listener)\n",
			admin,
			strerror(-fd));
		return NULL;
	}
	len = snprintf(
		request, sizeof(request), "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", path, admin
	);
	if (len >= (int)sizeof(request) || send(fd, request, (size_t)len, MSG_NOSIGNAL) != len)
		text = NULL;
	else
		text = read_all(fd);
	close(fd);
	if (text == NULL) {
		fprintf(stderr, "plenumctl: %s: %s\n", admin, strerror(errno));
		return NULL;
	}
	json = answer_parse(text, admin, path, ret_exit);
	free(text);
	return json;
}
