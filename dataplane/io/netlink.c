// SPDX-License-Identifier: BSD-3-Clause

#include "netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct request {
	struct nlmsghdr header;
	union {
		struct ifaddrmsg addr;
		struct rtmsg route;
	};
	char attributes[128];
};

int netlink_open(void) {
	const struct timeval patience = {.tv_sec = 5};
	int fd;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

// The callers' attributes always fit.
static void attribute_add(
	struct request *request,
	unsigned short type,
	const void *data,
	size_t len
) {
	size_t at = NLMSG_ALIGN(request->header.nlmsg_len);
	struct rtattr attribute = {
		.rta_len = (unsigned short)RTA_LENGTH(len),
		.rta_type = type,
	};

	memcpy((char *)request + at, &attribute, sizeof(attribute));
	memcpy((char *)request + at + RTA_LENGTH(0), data, len);
	request->header.nlmsg_len = (uint32_t)(at + RTA_SPACE(len));
}

// Sends and waits for the kernel's answer.
static int request_send(int fd, struct request *request) {
	static uint32_t seq; // only one thread, at start
	char buf[4096] __attribute__((aligned(8)));
	const struct nlmsghdr *header = (const struct nlmsghdr *)buf;
	ssize_t n;

	request->header.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	request->header.nlmsg_seq = ++seq;
	n = send(fd, request, request->header.nlmsg_len, 0);
	if (n < 0)
		return -errno;
	do {
		n = recv(fd, buf, sizeof(buf), 0);
		if (n < 0)
			return -errno;
		if ((size_t)n < NLMSG_LENGTH(sizeof(struct nlmsgerr)))
			return -EPROTO;
	} while (header->nlmsg_type != NLMSG_ERROR || header->nlmsg_seq != seq);
	return ((const struct nlmsgerr *)NLMSG_DATA(header))->error;
}

static unsigned char addr_af(const struct plm_addr *addr) {
	return addr->family == 4 ? AF_INET : AF_INET6;
}

static size_t addr_len(const struct plm_addr *addr) {
	return addr->family == 4 ? 4 : 16;
}

int netlink_addr_add(int fd, unsigned ifindex, const struct plm_addr *addr, unsigned prefix_len) {
	struct request request = {
		.header = {
			.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifaddrmsg)),
			.nlmsg_type = RTM_NEWADDR,
			.nlmsg_flags = NLM_F_CREATE | NLM_F_REPLACE,
		},
		.addr = {
			.ifa_family = addr_af(addr),
			.ifa_prefixlen = (unsigned char)prefix_len,
			.ifa_flags = addr->family == 6 ? IFA_F_NODAD : 0,
			.ifa_scope = RT_SCOPE_UNIVERSE,
			.ifa_index = ifindex,
		},
	};

	attribute_add(&request, IFA_LOCAL, addr->ip, addr_len(addr));
	attribute_add(&request, IFA_ADDRESS, addr->ip, addr_len(addr));
	if (addr->family == 4 && prefix_len < 31) {
		uint32_t broadcast;

		memcpy(&broadcast, addr->ip, 4);
		broadcast |= htonl(UINT32_MAX >> prefix_len);
		attribute_add(&request, IFA_BROADCAST, &broadcast, 4);
	}
	return request_send(fd, &request);
}

int netlink_default_route_set(int fd, unsigned ifindex, const struct plm_addr *gateway) {
	struct request request = {
		.header = {
			.nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)),
			.nlmsg_type = RTM_NEWROUTE,
			.nlmsg_flags = NLM_F_CREATE | NLM_F_REPLACE,
		},
		.route = {
			.rtm_family = addr_af(gateway),
			.rtm_table = RT_TABLE_MAIN,
			.rtm_protocol = RTPROT_STATIC,
			.rtm_scope = RT_SCOPE_UNIVERSE,
			.rtm_type = RTN_UNICAST,
			.rtm_flags = RTNH_F_ONLINK,
		},
	};
	uint32_t oif = ifindex;

	attribute_add(&request, RTA_OIF, &oif, sizeof(oif));
	attribute_add(&request, RTA_GATEWAY, gateway->ip, addr_len(gateway));
	return request_send(fd, &request);
}
