// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// SOCK_SEQPACKET unix sockets: the transport of the API.

#include <stddef.h>
#include <sys/types.h>

// Listens at path (a stale socket file is replaced, a live one gives -EADDRINUSE), mode 0660,
// non-blocking, close-on-exec. Returns the descriptor or -errno.
int plm_unixsock_listen(const char *path, int backlog);

// Connects; blocking connect, then non-blocking if asked. Returns the descriptor or -errno.
int plm_unixsock_connect(const char *path, int nonblock);

// The peer's user id of a connected socket (SO_PEERCRED). Returns 0 or -errno.
int plm_unixsock_peer(int fd, uid_t *ret_uid, pid_t *ret_pid);
