// SPDX-License-Identifier: BSD-3-Clause

#include "plm_unixsock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int path_to_address(const char *path, struct sockaddr_un *ret_address) {
	memset(ret_address, 0, sizeof(*ret_address));
	ret_address->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(ret_address->sun_path))
		return -ENAMETOOLONG;
	strcpy(ret_address->sun_path, path);
	return 0;
}

// flags: SOCK_NONBLOCK or 0.
static int connect_to(const char *path, int flags) {
	struct sockaddr_un address;
	int fd, r;

	r = path_to_address(path, &address);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (void *)&address, sizeof(address)) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

// Makes way for a listener: a socket file that nobody answers on is removed, anything else is not
// ours.
static int path_clear(const char *path) {
	struct stat st;
	int fd;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = connect_to(path, SOCK_NONBLOCK);
	if (fd >= 0)
		close(fd);
	if (fd >= 0 || fd == -EAGAIN || fd == -EINPROGRESS)
		return -EADDRINUSE; // somebody answers there
	if (fd != -ECONNREFUSED)
		return fd;
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

int plm_unixsock_listen(const char *path, int backlog) {
	struct sockaddr_un address;
	mode_t mask;
	int fd, r;

	r = path_to_address(path, &address);
	if (r == 0)
		r = path_clear(path);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	mask = umask(0117); // no moment with a wider mode
	r = bind(fd, (void *)&address, sizeof(address)) < 0 ? -errno : 0;
	umask(mask);
	if (r == 0 && listen(fd, backlog) < 0)
		r = -errno;
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

int plm_unixsock_connect(const char *path, int nonblock) {
	int fd = connect_to(path, 0);

	if (fd >= 0 && nonblock && fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

int plm_unixsock_peer(int fd, uid_t *ret_uid, pid_t *ret_pid) {
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -errno;
	*ret_uid = cred.uid;
	*ret_pid = cred.pid;
	return 0;
}
