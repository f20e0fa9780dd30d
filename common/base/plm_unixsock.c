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

int plm_unixsock_listen(const char *path, int backlog) {
	struct sockaddr_un address;
	int fd, r;

	r = path_to_address(path, &address);
	if (r < 0)
		return r;
	fd = plm_unixsock_connect(path, 1);
	if (fd >= 0) {
		close(fd);
		return -EADDRINUSE; // somebody answers there
	}
	unlink(path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (void *)&address, sizeof(address)) < 0 || chmod(path, 0660) < 0
	    || listen(fd, backlog) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

int plm_unixsock_connect(const char *path, int nonblock) {
	struct sockaddr_un address;
	int fd, r;

	r = path_to_address(path, &address);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (void *)&address, sizeof(address)) < 0
	    || (nonblock && fcntl(fd, F_SETFL, O_NONBLOCK) < 0)) {
		r = -errno;
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
