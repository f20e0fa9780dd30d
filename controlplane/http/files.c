// SPDX-License-Identifier: BSD-3-Clause

#include "files.h"

#include "respond.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PATH_LEN_MAX 255
#define FILE_LEN_MAX (8 << 20)

static const struct {
	const char *ending, *type;
} types[] = {
	{".html", "text/html; charset=utf-8"},
	{".js", "text/javascript; charset=utf-8"},
	{".mjs", "text/javascript; charset=utf-8"},
	{".css", "text/css; charset=utf-8"},
	{".json", "application/json"},
	{".map", "application/json"},
	{".webmanifest", "application/manifest+json"},
	{".svg", "image/svg+xml"},
	{".png", "image/png"},
	{".jpg", "image/jpeg"},
	{".webp", "image/webp"},
	{".ico", "image/x-icon"},
	{".woff2", "font/woff2"},
	{".wasm", "application/wasm"},
	{".ts", "text/plain; charset=utf-8"},
	{".txt", "text/plain; charset=utf-8"},
};

static const char *type_find(const char *name) {
	const char *ending = strrchr(name, '.');

	for (size_t i = 0; ending != NULL && i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(ending, types[i].ending) == 0)
			return types[i].type;
	}
	return NULL;
}

// The file's name below root, or false for what cannot be one.
static bool name_get(const h2o_req_t *req, char name[PATH_LEN_MAX + 16]) {
	const char *path = req->path_normalized.base;
	size_t len = req->path_normalized.len;
	char before = '/';

	if (len == 0 || path[0] != '/' || len > PATH_LEN_MAX)
		return false;
	for (size_t i = 1; i < len; i++) {
		bool plain = (path[i] >= 'a' && path[i] <= 'z')
			|| (path[i] >= 'A' && path[i] <= 'Z') || (path[i] >= '0' && path[i] <= '9')
			|| path[i] == '_' || path[i] == '-';

		if (!plain && (before == '/' || (path[i] != '.' && path[i] != '/')))
			return false;
		before = path[i];
	}
	memcpy(name, path + 1, len - 1);
	name[len - 1] = '\0';
	if (before == '/')
		strcat(name, "index.html");
	return true;
}

static int file_open(const char *root, const char *name) {
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC), fd;

	if (dir < 0)
		return -1;
	fd = (int)syscall(SYS_openat2, dir, name, &how, sizeof(how));
	close(dir);
	return fd;
}

static bool file_read(int fd, char *buf, size_t len) {
	size_t n = 0;

	while (n < len) {
		ssize_t got = read(fd, buf + n, len - n);

		if (got <= 0)
			return false;
		n += (size_t)got;
	}
	return true;
}

static void file_respond(h2o_req_t *req, int fd, const char *type) {
	struct stat stat;
	char tag[64], *body;
	ssize_t i;

	if (fstat(fd, &stat) < 0 || !S_ISREG(stat.st_mode) || stat.st_size > FILE_LEN_MAX) {
		respond_error(req, 404, "Not Found", "no such page");
		return;
	}
	snprintf(
		tag,
		sizeof(tag),
		"\"%llx-%lx-%llx\"",
		(unsigned long long)stat.st_mtim.tv_sec,
		(unsigned long)stat.st_mtim.tv_nsec,
		(unsigned long long)stat.st_size
	);
	// Always asked for again, seldom sent again: a page and its modules stay of one version.
	respond_header(req, "cache-control", "no-cache");
	respond_header(req, "etag", h2o_strdup(&req->pool, tag, SIZE_MAX).base);
	i = h2o_find_header(&req->headers, H2O_TOKEN_IF_NONE_MATCH, -1);
	if (i >= 0
	    && h2o_memis(
		    req->headers.entries[i].value.base,
		    req->headers.entries[i].value.len,
		    tag,
		    strlen(tag)
	    )) {
		respond(req, 304, "Not Modified", NULL, NULL, 0);
		return;
	}
	body = malloc((size_t)stat.st_size + 1);
	if (body == NULL || !file_read(fd, body, (size_t)stat.st_size))
		respond_error(req, 503, "Service Unavailable", "the page cannot be read");
	else
		respond(req, 200, "OK", type, body, (size_t)stat.st_size);
	free(body);
}

void files_respond(h2o_req_t *req, const char *root) {
	char name[PATH_LEN_MAX + 16];
	const char *type;
	int fd = -1;

	if (!respond_is_get(req))
		return;
	if (name_get(req, name)) {
		type = type_find(name);
		if (type != NULL)
			fd = file_open(root, name);
	}
	if (fd < 0) {
		respond_error(req, 404, "Not Found", "no such page");
		return;
	}
	file_respond(req, fd, type);
	close(fd);
}
