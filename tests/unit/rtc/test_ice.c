// SPDX-License-Identifier: BSD-3-Clause

#include "ice.h"
#include "ice_peer.h"

#include <plm_addr.h>

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
// clang-format off
#include <cmocka.h> // after what it does not include itself
// clang-format on

#define WAIT_MS 10000

// ---------------------------------------------------------------------------- candidates

static void parsing(void **) {
	static const struct {
		const char *text;
		int expected;
	} cases[] = {
		{"candidate:1 1 udp 2113937151 192.0.2.1 5000 typ host", 0},
		{"a=candidate:1 1 UDP 2113937151 192.0.2.1 5000 typ host", 0},
		{"candidate:1 1 udp 1 2001:db8::1 65535 typ srflx raddr :: rport 0", 0},
		{"candidate:a+/9 1 udp 4294967295 192.0.2.1 5000 typ relay raddr 1.2.3.4 rport 5",
		 0},
		{"candidate:1 1 udp 1 192.0.2.1 5 typ prflx generation 0 ufrag Ab+/ network-id 1",
		 0},
		{"candidate:1  1 udp 1 192.0.2.1 5 typ host\r\n", 0},
		{"candidate:1 1 tcp 1 192.0.2.1 9 typ host tcptype active", -ENOTSUP},
		{"candidate:1 1 ssltcp 1 192.0.2.1 443 typ host", -ENOTSUP},
		{"candidate:1 2 udp 1 192.0.2.1 5000 typ host", -ENOTSUP},
		{"candidate:1 1 udp 1 0b5ac4e8-89b3-4b1c.local 5000 typ host", -ENOTSUP},
		{"candidate:1 1 udp 1 example.org 5000 typ host", -ENOTSUP},
		{"candidate:1 1 udp 1 192.0.2.1 5000 typ other", -ENOTSUP},
		{"candidate:1 1 udp 1 192.0.2 5000 typ host", -ENOTSUP},
		{"candidate:1 1 udp 1 fe80::1%eth0 5000 typ host", -ENOTSUP},
		{"", -EBADMSG},
		{"candidate:", -EBADMSG},
		{"candidate", -EBADMSG},
		{"a=", -EBADMSG},
		{"end-of-candidates", -EBADMSG},
		{"candidate:1 1 udp 1 192.0.2.1 5000 typ", -EBADMSG},
		{"candidate:1 1 udp 1 192.0.2.1 5000 host typ", -EBADMSG},
		{"candidate:1 1 udp 4294967296 192.0.2.1 5000 typ host", -EBADMSG},
		{"candidate:1 1 udp -1 192.0.2.1 5000 typ host", -EBADMSG},
		{"candidate:1 1 udp 1 192.0.2.1 65536 typ host", -EBADMSG},
		{"candidate:1 1 udp 1 192.0.2.1 5x typ host", -EBADMSG},
		{"candidate:1 x udp 1 192.0.2.1 5 typ host", -EBADMSG},
		{"candidate:123456789012345678901234567890123 1 udp 1 192.0.2.1 5 typ host",
		 -EBADMSG},
		{"candidate:1;2 1 udp 1 192.0.2.1 5 typ host", -EBADMSG},
	};
	struct ice_candidate candidate;
	char longer[2000];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int r = ice_candidate_parse(cases[i].text, &candidate);

		if (r != cases[i].expected)
			fail_msg("%s: %d", cases[i].text, r);
	}
	memset(longer, ' ', sizeof(longer));
	memcpy(longer, cases[0].text, strlen(cases[0].text));
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(ice_candidate_parse(longer, &candidate), -EBADMSG);

	assert_int_equal(ice_candidate_parse(cases[3].text, &candidate), 0);
	assert_string_equal(candidate.foundation, "a+/9");
	assert_int_equal(candidate.priority, UINT32_MAX);
	assert_int_equal(candidate.type, ICE_CANDIDATE_RELAY);
	assert_int_equal(candidate.addr.port, 5000);
	assert_string_equal(candidate.ufrag, "");
	assert_int_equal(ice_candidate_parse(cases[4].text, &candidate), 0);
	assert_string_equal(candidate.ufrag, "Ab+/");
	assert_int_equal(ice_candidate_parse(cases[2].text, &candidate), 0);
	assert_int_equal(candidate.addr.family, 6);
}

static void address_filter(void **) {
	static const struct {
		const char *ip;
		bool allowed;
	} cases[] = {
		{"192.0.2.1", true},
		{"198.18.0.1", true},
		{"10.0.0.1", true}, // clients on the same network are clients
		{"223.255.255.255", true},
		{"0.0.0.0", false},
		{"0.1.2.3", false},
		{"127.0.0.1", false},
		{"127.255.0.9", false},
		{"169.254.169.254", false},
		{"224.0.0.1", false},
		{"239.255.255.255", false},
		{"240.0.0.1", false},
		{"255.255.255.255", false},
		{"198.18.0.2", false}, // ours
		{"198.51.100.7", false},
		{"2001:db8::1", true},
		{"fd00::1", true},
		{"::", false},
		{"::1", false},
		{"::127.0.0.1", false},
		{"::ffff:127.0.0.1", false},
		{"::ffff:0.0.0.0", false},
		{"::ffff:198.18.0.2", false},
		{"::ffff:192.0.2.1", false},
		{"::ffff:0:192.0.2.1", false},
		{"64:ff9b::7f00:1", false},
		{"64:ff9b:1::7f00:1", false},
		{"fe80::1", false},
		{"febf::1", false},
		{"ff02::1", false},
		{"ff0e::1", false},
		{"2001:db8::2", false}, // ours
	};
	struct plm_addr ours[3], addr;

	plm_addr_parse_ip("198.18.0.2", &ours[0]);
	plm_addr_parse_ip("2001:db8::2", &ours[1]);
	plm_addr_parse_ip("198.51.100.7", &ours[2]);
	ours[0].port = 3478; // ports of ours do not matter
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(plm_addr_parse_ip(cases[i].ip, &addr), 0);
		assert_false(ice_address_allowed(&addr, ours, 3)); // port 0
		addr.port = 5000;
		if (ice_address_allowed(&addr, ours, 3) != cases[i].allowed)
			fail_msg("%s", cases[i].ip);
	}
	memset(&addr, 0, sizeof(addr));
	addr.port = 5000;
	assert_false(ice_address_allowed(&addr, ours, 3));
}

static void credentials(void **) {
	char ufrag[2][PLM_UFRAG_MAX], pwd[2][PLM_PWD_MAX];

	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(ice_credentials_make(ufrag[i], pwd[i]), 0);
		assert_int_equal(strlen(ufrag[i]), ICE_UFRAG_LEN);
		assert_int_equal(strlen(pwd[i]), ICE_PWD_LEN);
		for (const char *c = ufrag[i]; *c != '\0'; c++)
			assert_true(g_ascii_isalnum(*c) || *c == '+' || *c == '/');
	}
	assert_string_not_equal(ufrag[0], ufrag[1]);
	assert_string_not_equal(pwd[0], pwd[1]);
}

// ---------------------------------------------------------------------------- agents

struct place {
	GMainContext *context;
	struct plm_addr addrs[2];
	unsigned n_addrs;
	bool gathered;
	uint16_t port_v4, port_v6;
};

static void on_gathered(void *user, uint16_t port_v4, uint16_t port_v6) {
	struct place *place = user;

	assert_false(place->gathered);
	place->gathered = true;
	place->port_v4 = port_v4;
	place->port_v6 = port_v6;
}

static bool have_ipv6(void) {
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);
	struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	bool have = fd >= 0 && bind(fd, (void *)&address, sizeof(address)) == 0;

	if (fd >= 0)
		close(fd);
	return have;
}

static void place_init(struct place *place) {
	memset(place, 0, sizeof(*place));
	place->context = g_main_context_new();
	plm_addr_parse_ip("127.0.0.1", &place->addrs[place->n_addrs++]);
	if (have_ipv6())
		plm_addr_parse_ip("::1", &place->addrs[place->n_addrs++]);
}

static struct ice_config config_of(struct place *place, uint16_t port_min, uint16_t port_max) {
	return (struct ice_config){
		.context = place->context,
		.addrs = place->addrs,
		.n_addrs = place->n_addrs,
		.port_min = port_min,
		.port_max = port_max,
		.gathered = on_gathered,
		.user = place,
	};
}

static void credentials_with(const struct ice_peer *peer, struct plm_ice_credentials *ret_ice) {
	memset(ret_ice, 0, sizeof(*ret_ice));
	ice_credentials_make(ret_ice->local_ufrag, ret_ice->local_pwd);
	strcpy(ret_ice->remote_ufrag, peer->ufrag);
	strcpy(ret_ice->remote_pwd, peer->pwd);
}

static void spin_until(struct place *place, bool (*done)(void *), void *user) {
	gint64 end = g_get_monotonic_time() + WAIT_MS * 1000LL;

	while (!done(user)) {
		if (g_get_monotonic_time() > end)
			fail_msg("nothing happened");
		if (!g_main_context_iteration(place->context, FALSE))
			g_usleep(1000);
	}
}

static bool is_gathered(void *user) {
	return ((struct place *)user)->gathered;
}

struct pair {
	struct ice_agent *agent;
	struct ice_peer *peer;
};

static bool is_connected(void *user) {
	struct pair *pair = user;

	return ice_agent_connected(pair->agent) && ice_peer_connected(pair->peer);
}

// A browser-like peer connects; its loopback candidates are refused, so it is peer-reflexive.
static void connecting(void **) {
	struct plm_ice_credentials ice;
	struct ice_config config;
	struct place place;
	struct pair pair;

	place_init(&place);
	config = config_of(&place, 30000, 30999);
	pair.peer = ice_peer_new(place.context);
	credentials_with(pair.peer, &ice);
	pair.agent = ice_agent_new(&config, &ice);
	assert_non_null(pair.agent);
	assert_false(place.gathered); // told from the loop only
	spin_until(&place, is_gathered, &place);
	assert_in_range(place.port_v4, 30000, 30999);
	if (place.n_addrs == 2) {
		assert_in_range(place.port_v6, 30000, 30999);
		assert_int_not_equal(place.port_v6, place.port_v4);
	} else {
		assert_int_equal(place.port_v6, 0);
	}
	assert_int_equal(
		ice_agent_add_candidate(
			pair.agent, "candidate:1 1 udp 2113937151 127.0.0.1 5000 typ host"
		),
		-EPERM
	);
	ice_peer_connect(pair.peer, ice.local_ufrag, ice.local_pwd, "127.0.0.1", place.port_v4);
	spin_until(&place, is_connected, &pair);

	// ICE restart while the agent lives: same ports, new credentials of both sides.
	ice_peer_restart(pair.peer);
	credentials_with(pair.peer, &ice);
	assert_int_equal(ice_agent_restart(pair.agent, &ice), 0);
	ice_peer_connect(pair.peer, ice.local_ufrag, ice.local_pwd, "127.0.0.1", place.port_v4);
	spin_until(&place, is_connected, &pair);
	assert_int_equal(ice_peer_remote_port(pair.peer), place.port_v4);

	ice_agent_free(pair.agent);
	ice_peer_free(pair.peer);
	g_main_context_unref(place.context);
}

static void candidate_limits(void **) {
	struct plm_ice_credentials ice = {
		.remote_ufrag = "abcd", .remote_pwd = "0123456789012345678901234"};
	struct ice_config config;
	struct ice_agent *agent;
	struct place place;
	char text[128];

	place_init(&place);
	ice_credentials_make(ice.local_ufrag, ice.local_pwd);
	config = config_of(&place, 31000, 31999);
	agent = ice_agent_new(&config, &ice);
	assert_non_null(agent);
	assert_int_equal(ice_agent_add_candidate(agent, "rubbish"), -EBADMSG);
	assert_int_equal(
		ice_agent_add_candidate(agent, "candidate:1 1 udp 1 a.local 5 typ host"), -ENOTSUP
	);
	assert_int_equal(
		ice_agent_add_candidate(
			agent, "candidate:1 1 udp 1 192.0.2.1 5 typ host ufrag wxyz"
		),
		-ESTALE
	);
	// Half before gathering is done, half after; refused ones above did not count.
	for (unsigned i = 0; i < ICE_CANDIDATES_MAX; i++) {
		if (i == ICE_CANDIDATES_MAX / 2)
			spin_until(&place, is_gathered, &place);
		snprintf(
			text,
			sizeof(text),
			"candidate:%u 1 udp %u 192.0.2.%u 5000 typ host ufrag abcd",
			i,
			1000 + i,
			i + 1
		);
		assert_int_equal(ice_agent_add_candidate(agent, text), 0);
	}
	assert_int_equal(ice_agent_add_candidate(agent, text), -ENOBUFS);
	ice_agent_free(agent);
	g_main_context_unref(place.context);
}

static void exhaustion(void **) {
	struct plm_ice_credentials ice = {
		.remote_ufrag = "abcd", .remote_pwd = "0123456789012345678901234"};
	struct ice_agent *agents[8] = {0};
	struct ice_config config;
	struct place place;
	unsigned n = 0;

	place_init(&place);
	place.n_addrs = 1;
	ice_credentials_make(ice.local_ufrag, ice.local_pwd);
	config = config_of(&place, 32000, 32003);
	while (n < 8 && (agents[n] = ice_agent_new(&config, &ice)) != NULL)
		n++;
	assert_int_equal(errno, EADDRINUSE);
	assert_in_range(n, 1, 4); // 4, if nobody else is there
	ice_agent_free(agents[--n]);
	agents[n] = ice_agent_new(&config, &ice); // a port is free again
	assert_non_null(agents[n]);
	for (unsigned i = 0; i <= n; i++)
		ice_agent_free(agents[i]);

	plm_addr_parse_ip("192.0.2.99", &place.addrs[0]); // not of this machine
	assert_null(ice_agent_new(&config, &ice));
	assert_int_equal(errno, EADDRNOTAVAIL);
	g_main_context_unref(place.context);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parsing),
		cmocka_unit_test(address_filter),
		cmocka_unit_test(credentials),
		cmocka_unit_test(connecting),
		cmocka_unit_test(candidate_limits),
		cmocka_unit_test(exhaustion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
