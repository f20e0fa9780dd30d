// SPDX-License-Identifier: BSD-3-Clause

#include "plm_addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *plm_addr_format_ip(const struct plm_addr *addr, char *buf, size_t len) {
	if (addr->family == 4)
		inet_ntop(AF_INET, addr->ip, buf, (socklen_t)len);
	else if (addr->family == 6)
		inet_ntop(AF_INET6, addr->ip, buf, (socklen_t)len);
	else
		snprintf(buf, len, "-");
	return buf;
}

const char *plm_addr_format(const struct plm_addr *addr, char *buf, size_t len) {
	char ip[PLM_ADDR_TEXT_LEN];

	plm_addr_format_ip(addr, ip, sizeof(ip));
	if (addr->family == 4)
		snprintf(buf, len, "%s:%u", ip, addr->port);
	else if (addr->family == 6)
		snprintf(buf, len, "[%s]:%u", ip, addr->port);
	else
		snprintf(buf, len, "-");
	return buf;
}

int plm_addr_parse_ip(const char *text, struct plm_addr *ret_addr) {
	struct plm_addr addr = {0};

	if (inet_pton(AF_INET, text, addr.ip) == 1)
		addr.family = 4;
	else if (inet_pton(AF_INET6, text, addr.ip) == 1)
		addr.family = 6;
	else
		return -EINVAL;
	*ret_addr = addr;
	return 0;
}

int plm_addr_parse_prefix(const char *text, struct plm_addr *ret_addr, unsigned *ret_prefix_len) {
	const char *slash = strchr(text, '/');
	char ip[PLM_ADDR_TEXT_LEN], *end;
	struct plm_addr addr;
	unsigned long len;

	if (slash == NULL || (size_t)(slash - text) >= sizeof(ip) || slash[1] < '0'
	    || slash[1] > '9')
		return -EINVAL;
	memcpy(ip, text, (size_t)(slash - text));
	ip[slash - text] = '\0';
	if (plm_addr_parse_ip(ip, &addr) < 0)
		return -EINVAL;
	len = strtoul(slash + 1, &end, 10);
	if (*end != '\0' || len > (addr.family == 4 ? 32 : 128))
		return -EINVAL;
	*ret_addr = addr;
	*ret_prefix_len = (unsigned)len;
	return 0;
}

bool plm_addr_ip_equal(const struct plm_addr *a, const struct plm_addr *b) {
	return a->family == b->family && memcmp(a->ip, b->ip, a->family == 4 ? 4 : 16) == 0;
}

bool plm_addr_equal(const struct plm_addr *a, const struct plm_addr *b) {
	return a->port == b->port && plm_addr_ip_equal(a, b);
}
