// SPDX-License-Identifier: BSD-3-Clause

#include "ice_candidate.h"

#include <plm_addr.h>

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CANDIDATE_TEXT_MAX 512
#define CANDIDATE_TOKENS_MAX 64

// Splits at single or several spaces, in place. Returns the number of words or -EBADMSG.
static int split(char *text, char *words[CANDIDATE_TOKENS_MAX]) {
	char *save = NULL;
	int n = 0;

	for (char *word = strtok_r(text, " \t\r\n", &save); word != NULL;
	     word = strtok_r(NULL, " \t\r\n", &save)) {
		if (n == CANDIDATE_TOKENS_MAX)
			return -EBADMSG;
		words[n++] = word;
	}
	return n;
}

static int parse_number(const char *text, unsigned long max, unsigned long *ret_value) {
	unsigned long value;
	char *end;

	if (!isdigit((unsigned char)text[0]) || strlen(text) > 10)
		return -EBADMSG;
	value = strtoul(text, &end, 10);
	if (*end != '\0' || value > max)
		return -EBADMSG;
	*ret_value = value;
	return 0;
}

static int parse_type(const char *text, enum ice_candidate_type *ret_type) {
	static const char *const names[] = {"host", "srflx", "prflx", "relay"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(text, names[i]) == 0) {
			*ret_type = (enum ice_candidate_type)i;
			return 0;
		}
	}
	return -ENOTSUP;
}

static bool foundation_is_good(const char *text) {
	size_t len = strlen(text);

	if (len == 0 || len >= ICE_FOUNDATION_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		// ice-char (RFC 8839 section 5.1)
		if (!isalnum((unsigned char)text[i]) && text[i] != '+' && text[i] != '/')
			return false;
	}
	return true;
}

int ice_candidate_parse(const char *text, struct ice_candidate *ret_candidate) {
	struct ice_candidate candidate = {0};
	char copy[CANDIDATE_TEXT_MAX], *words[CANDIDATE_TOKENS_MAX];
	unsigned long component, priority, port;
	int n, r;

	if (strncmp(text, "a=", 2) == 0)
		text += 2;
	if (strncmp(text, "candidate:", 10) != 0 || strnlen(text, sizeof(copy)) >= sizeof(copy))
		return -EBADMSG;
	strcpy(copy, text + 10);
	n = split(copy, words);
	// foundation component transport priority address port "typ" type
	if (n < 8 || strcmp(words[6], "typ") != 0 || !foundation_is_good(words[0])
	    || parse_number(words[1], 256, &component) < 0
	    || parse_number(words[3], UINT32_MAX, &priority) < 0
	    || parse_number(words[5], UINT16_MAX, &port) < 0)
		return -EBADMSG;
	if (strcasecmp(words[2], "udp") != 0 || component != 1)
		return -ENOTSUP;
	r = parse_type(words[7], &candidate.type);
	if (r < 0)
		return r;
	if (plm_addr_parse_ip(words[4], &candidate.addr) < 0)
		return -ENOTSUP; // "<uuid>.local": no name is ever looked up for a client
	candidate.addr.port = (uint16_t)port;
	candidate.priority = (uint32_t)priority;
	strcpy(candidate.foundation, words[0]);
	for (int i = 8; i + 1 < n; i += 2) {
		if (strcmp(words[i], "ufrag") == 0 && strlen(words[i + 1]) < PLM_UFRAG_MAX)
			strcpy(candidate.ufrag, words[i + 1]);
	}
	*ret_candidate = candidate;
	return 0;
}

static bool ipv4_allowed(const uint8_t ip[4]) {
	if (ip[0] == 0 || ip[0] == 127) // this host, loopback
		return false;
	if (ip[0] == 169 && ip[1] == 254) // link-local
		return false;
	return ip[0] < 224; // multicast, reserved, broadcast
}

static bool ipv6_allowed(const uint8_t ip[16]) {
	static const uint8_t zeroes[12];

	// ::, ::1, and the IPv4-compatible form
	if (memcmp(ip, zeroes, 12) == 0)
		return false;
	// ::ffff:a.b.c.d, ::ffff:0:a.b.c.d, and 64:ff9b::/32 (NAT64): IPv4 in disguise
	if (memcmp(ip, zeroes, 8) == 0)
		return false;
	if (ip[0] == 0x00 && ip[1] == 0x64 && ip[2] == 0xff && ip[3] == 0x9b)
		return false;
	if (ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80) // link-local
		return false;
	return ip[0] != 0xff; // multicast
}

bool ice_address_allowed(const struct plm_addr *addr, const struct plm_addr *ours, unsigned n) {
	if (addr->port == 0)
		return false;
	for (unsigned i = 0; i < n; i++) {
		if (plm_addr_ip_equal(addr, &ours[i]))
			return false;
	}
	switch (addr->family) {
	case 4:
		return ipv4_allowed(addr->ip);
	case 6:
		return ipv6_allowed(addr->ip);
	default:
		return false;
	}
}
