// SPDX-License-Identifier: BSD-3-Clause

// Credentials, agents on private ports, and requests that must not be answered.

#include "probe.h"

#include <plm_addr.h>
#include <plm_demux.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void path(void) {
	struct peer *peer = peer_new();
	struct plm_transport_info info;
	const struct event *event;

	peer_open(peer, 4);
	peer_add(peer);
	info = transport_info(peer->id);
	CHECK(info.state == PLM_TRANSPORT_NEW && info.worker == 255 && info.n_paths == 0,
	      "not NEW after TRANSPORT_ADD");
	peer_nominate(peer, peer->sock);
	WAIT(transport_info(peer->id).worker != 255, WAIT_MS, "no worker claims it");
	info = transport_info(peer->id);
	CHECK(info.state == PLM_TRANSPORT_PATH && info.n_paths == 1,
	      "not PATH after the first request");
	WAIT(event_find(PLM_API_EVENT_TRANSPORT, peer->id, PLM_TRANSPORT_EV_PATH) != NULL,
	     WAIT_MS,
	     "no event of the selected path");
	event = event_find(PLM_API_EVENT_TRANSPORT, peer->id, PLM_TRANSPORT_EV_PATH);
	CHECK(plm_addr_equal(&event->remote, &peer->sock->local), "event of another path");
	CHECK(peer->n_checks == 0, "a check before the transport is SECURE");
	peer_secure(peer, SUITE_GCM);
	peer_wait_validated(peer);
	info = transport_info(peer->id);
	CHECK(info.state == PLM_TRANSPORT_SECURE && info.suite == SUITE_GCM,
	      "not SECURE after TRANSPORT_SECURE");
	CHECK(plm_addr_equal(&info.remote, &peer->sock->local), "selected another path");
	WAIT(transport_info(peer->id).rtt_us > 0, WAIT_MS, "no RTT");
	peer_nominate(peer, peer->sock);
	CHECK(event_count(PLM_API_EVENT_TRANSPORT, peer->id, PLM_TRANSPORT_EV_PATH) == 1,
	      "an event although the path did not change");
}

// A transport with an agent on a private port of each family.
struct agent_case {
	struct peer *peer;
	struct sock *agent;
	uint8_t family;
};

static struct agent_case agent_setup(uint8_t family) {
	struct agent_case c = {.peer = peer_new(), .agent = sock_agent(family), .family = family};

	c.peer->agent_ports[family == 4 ? 0 : 1] = c.agent->local.port;
	peer_open(c.peer, family);
	peer_add(c.peer);
	return c;
}

// The agent's answer to txid, or its own request.
static size_t agent_message(
	const struct peer *peer,
	const uint8_t *txid,
	bool request,
	uint8_t *ret
) {
	const struct generation *g = &peer->generations[peer->n_generations - 1];
	char username[2 * PLM_UFRAG_MAX];
	const struct plm_stun_request how = {.txid = txid, .username = username, .priority = 1};
	int len;

	snprintf(username, sizeof(username), "%s:%s", g->ice.remote_ufrag, g->ice.local_ufrag);
	if (request)
		len = plm_stun_request_write(ret, 512, &how, &g->own_key);
	else
		len = plm_stun_success_write(ret, 512, txid, &peer->sock->local, &g->relay_key);
	CHECK(len > 0, "a STUN message that cannot be written");
	return (size_t)len;
}

static void agent_request_and_answer(const struct agent_case *c) {
	struct peer *peer = c->peer;
	uint8_t data[512], reply[512], txid[TXID];
	size_t len = stun_build(peer, NULL, data, txid), reply_len;
	const struct datagram *got;
	uint64_t bytes = peer->sock->bytes;
	unsigned before = c->agent->n;

	sock_send(peer->sock, data, len);
	WAIT(c->agent->n > before, WAIT_MS, "the request did not reach the agent");
	got = sock_newest(c->agent, PLM_PAYLOAD_STUN);
	CHECK(got->len == len && memcmp(got->data, data, len) == 0, "the request was changed");
	CHECK(plm_addr_equal(&got->from, &peer->sock->local), "its source was changed");
	CHECK(peer->sock->bytes == bytes, "somebody answered before the agent");
	reply_len = agent_message(peer, txid, false, reply);
	sock_send_to(c->agent, &got->from, reply, reply_len);
	// stun_answer checks source port and signature.
	WAIT(stun_answer(peer, peer->sock, txid) == 1, WAIT_MS, "the agent's answer is lost");
	CHECK(transport_info(peer->id).state == PLM_TRANSPORT_PATH, "not PATH");
}

// The agent asks `sock`; the client's answers come from right and wrong places.
static void agent_asks(const struct agent_case *c, struct sock *sock) {
	uint8_t txid[TXID] = {0x77, c->family, 1, 2, 3, 4, 5, 6, 7, 8, (uint8_t)sock->local.port};
	const struct generation *g = &c->peer->generations[0];
	struct sock *elsewhere = sock_open(c->family, NULL);
	const struct plm_addr mapped = relay_addr(c->family, hello.public_port);
	uint8_t data[512], reply[512], wrong[512];
	const struct datagram *got;
	unsigned before = c->agent->n;
	size_t len = agent_message(c->peer, txid, true, data);
	int reply_len;

	sock->silent = true;
	sock_send_to(c->agent, &sock->local, data, len);
	WAIT((got = sock_newest(sock, PLM_PAYLOAD_STUN)) != NULL && got->len == len
		     && memcmp(got->data, data, len) == 0,
	     WAIT_MS,
	     "the agent's request is lost");
	CHECK(got->from.port == hello.public_port, "it came from port %u", got->from.port);
	reply_len = plm_stun_success_write(reply, sizeof(reply), txid, &mapped, &g->own_key);
	CHECK(reply_len > 0, "an answer that cannot be written");

	sock_send(elsewhere, reply, (size_t)reply_len);
	drop_expect("stun_unexpected", 1); // not from the address asked
	memcpy(wrong, reply, (size_t)reply_len);
	wrong[8] ^= 1;
	sock_send(sock, wrong, (size_t)reply_len);
	drop_expect("stun_unexpected", 1); // nobody asked that
	reply_len = plm_stun_success_write(wrong, sizeof(wrong), txid, &mapped, &g->relay_key);
	sock_send(sock, wrong, (size_t)reply_len);
	drop_expect("stun_integrity", 1);
	CHECK(c->agent->n == before, "a wrong answer reached the agent");
	sock_send(sock, reply, (size_t)reply_len);
	WAIT(c->agent->n > before, WAIT_MS, "the answer did not reach the agent");
	got = sock_newest(c->agent, PLM_PAYLOAD_STUN);
	CHECK(got->len == reply_len && memcmp(got->data, reply, got->len) == 0,
	      "the answer was changed");
	sock_send(sock, reply, (size_t)reply_len);
	drop_expect("stun_unexpected", 1); // a transaction is answered once
	CHECK(c->agent->n == before + 1, "an answer reached the agent twice");
	sock_close(elsewhere);
}

static void agent_strangers(const struct agent_case *c) {
	uint8_t junk[100] = {0x80};
	struct sock *stranger = sock_agent(c->family);
	uint8_t data[512], txid[TXID] = {9};
	unsigned bytes = (unsigned)c->peer->sock->bytes;

	// A private port that belongs to nobody, and an agent that speaks no STUN.
	sock_send_to(
		stranger, &c->peer->sock->local, data, agent_message(c->peer, txid, true, data)
	);
	sock_send_to(c->agent, &c->peer->sock->local, junk, sizeof(junk));
	drop_expect("agent_unknown", 2);
	CHECK(c->peer->sock->bytes == bytes, "it reached the client");
	sock_close(stranger);
}

static void agent_after_hand_over(const struct agent_case *c) {
	uint8_t data[512], txid[TXID], reply[512];
	struct peer *peer = c->peer;
	unsigned at_agent;
	size_t len;

	// The agent answers just after the hand-over what it was asked just before.
	stun_send(peer, peer->sock, NULL, txid);
	at_agent = c->agent->n;
	WAIT(c->agent->n > at_agent, WAIT_MS, "the request did not reach the agent");
	peer->sock->silent = false;
	peer_secure(peer, SUITE_GCM);
	len = agent_message(peer, txid, false, reply);
	sock_send_to(c->agent, &peer->sock->local, reply, len);
	WAIT(stun_answer(peer, peer->sock, txid) == 1, WAIT_MS, "a late answer is lost");

	at_agent = c->agent->n;
	len = agent_message(peer, txid, true, data);
	sock_send_to(c->agent, &peer->sock->local, data, len);
	drop_expect("stun_agent_late", 1);
	peer_nominate(peer, peer->sock); // now the relay answers
	peer_wait_validated(peer);
	CHECK(c->agent->n == at_agent, "the agent is asked although the transport is SECURE");
	CHECK(peer->n_bad == 0, "checks that are not well signed");
}

static void agent_family(uint8_t family) {
	struct agent_case c = agent_setup(family);

	// An agent asks before any path exists: the transaction alone leads back.
	agent_asks(&c, c.peer->sock);
	CHECK(transport_info(c.peer->id).state == PLM_TRANSPORT_NEW,
	      "an answer to the agent made a path");
	agent_request_and_answer(&c);
	agent_asks(&c, sock_open(family, NULL)); // an address that is no path
	agent_strangers(&c);
	agent_after_hand_over(&c);
}

static void agent(void) {
	agent_family(4);
	agent_family(6);
}

// ---------------------------------------------------------------------------- refused

static const char *const long_name = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA:x";

struct refusal {
	const char *what;
	const char *drop;
	struct stun_options how;
	// USERNAME from these instead of how.username: 'o' the relay's half, 't' the peer's, else
	// text
	const char *username;
};

static const struct refusal refusals[] = {
	{"unknown ufrag", "stun_unknown_ufrag", {0}, "nobody:t"},
	{"prefix of a ufrag", "stun_unknown_ufrag", {0}, "short:t"},
	{"ufrag longer than any", "stun_unknown_ufrag", {0}, "long"},
	{"remote half of another", "stun_ufrag_mismatch", {0}, "o:evil"},
	{"remote half longer", "stun_ufrag_mismatch", {0}, "o:tt"},
	{"no USERNAME", "stun_username", {.username = ""}, NULL},
	{"no colon", "stun_username", {0}, "o"},
	{"nothing behind the colon", "stun_username", {0}, "o:"},
	{"nothing before the colon", "stun_username", {0}, ":t"},
	{"wrong password", "stun_integrity", {.password = "not the password, is it?"}, NULL},
	{"wrong MESSAGE-INTEGRITY", "stun_integrity", {.bad_integrity = true}, NULL},
	{"no MESSAGE-INTEGRITY", "stun_integrity", {.no_integrity = true}, NULL},
	{"wrong FINGERPRINT", "stun_fingerprint", {.bad_fingerprint = true}, NULL},
	{"no FINGERPRINT", "stun_fingerprint", {.no_fingerprint = true}, NULL},
};

static void refusal_username(const struct peer *peer, const char *pattern, char ret_text[128]) {
	const struct plm_ice_credentials *ice = &peer->generations[0].ice;
	size_t n = 0;

	if (strcmp(pattern, "long") == 0) {
		snprintf(ret_text, 128, "%s", long_name);
		return;
	}
	if (strcmp(pattern, "nobody:t") == 0) {
		snprintf(ret_text, 128, "nobody123456:%s", ice->remote_ufrag);
		return;
	}
	if (strcmp(pattern, "short:t") == 0) {
		snprintf(ret_text, 128, "%.11s:%s", ice->local_ufrag, ice->remote_ufrag);
		return;
	}
	if (strcmp(pattern, "o:evil") == 0) {
		snprintf(ret_text, 128, "%s:evil", ice->local_ufrag);
		return;
	}
	for (; *pattern != '\0'; pattern++) {
		const char *part = *pattern == 'o' ? ice->local_ufrag
			: *pattern == 't'	   ? ice->remote_ufrag
						   : ":";

		n += (size_t)snprintf(ret_text + n, 128 - n, "%s", part);
	}
}

// Sends every bad request from a socket of its own: no path, no answer, no byte comes of it.
static void refuse_all(struct peer *peer, struct sock *from) {
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		struct stun_options how = refusals[i].how;
		char username[128];

		if (refusals[i].username != NULL) {
			refusal_username(peer, refusals[i].username, username);
			how.username = username;
		}
		stun_send(peer, from, &how, NULL);
		drop_expect(refusals[i].drop, 1);
	}
}

static void refused(void) {
	struct peer *fresh = peer_new(), *up = peer_up(4, SUITE_GCM);
	struct sock *from = sock_open(4, NULL);
	struct plm_transport_info before = transport_info(up->id), after;
	const uint8_t indication[] = {
		0, 0x11, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
	uint8_t bad[512];
	size_t len;

	peer_add(fresh);
	refuse_all(fresh, from);
	CHECK(transport_info(fresh->id).state == PLM_TRANSPORT_NEW, "a bad request made a path");
	refuse_all(up, from);
	sock_send(from, indication, sizeof(indication));
	drop_expect("stun_unexpected", 1);
	len = stun_build(up, NULL, bad, NULL);
	bad[3] = (uint8_t)(bad[3] + 4); // the header lies about the length
	sock_send(from, bad, len);
	drop_expect("stun_malformed", 1);
	// A good one behind them all shows that everything was handled.
	peer_nominate(up, up->sock);
	pump_for(20);
	CHECK(from->bytes == 0, "%u bytes were sent in answer", (unsigned)from->bytes);
	after = transport_info(up->id);
	CHECK(after.n_paths == before.n_paths && after.path_changes == before.path_changes,
	      "a bad request made or moved a path");
}

static void role_conflict(void) {
	const struct stun_options controlled = {.controlled = true};
	struct peer *peer = peer_up(4, SUITE_GCM);
	struct sock *other = sock_open(4, NULL);
	uint8_t txid[TXID];

	stun_send(peer, peer->sock, &controlled, txid);
	WAIT(stun_answer(peer, peer->sock, txid) == 487, WAIT_MS, "no 487");
	// It nominates nothing either.
	other->peer = peer;
	stun_send(peer, other, &controlled, txid);
	WAIT(stun_answer(peer, other, txid) == 487, WAIT_MS, "no 487 to another address");
	pump_for(20);
	CHECK(peer_selected(peer, peer->sock), "a controlled peer moved the path");
}

// ---------------------------------------------------------------------------- private ports

static void private_ports(void) {
	static const struct {
		int offset; // from the range's ends
		bool high, kept_out;
	} table[] = {
		{-1, false, false},
		{0, false, true},
		{1, false, true},
		{-1, true, true},
		{0, true, true},
		{1, true, false},
	};

	for (unsigned family = 4; family <= 6; family += 2) {
		struct sock *from = sock_open((uint8_t)family, NULL);

		for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
			int end = table[i].high ? hello.agent_port_max : hello.agent_port_min;
			const struct plm_addr to = relay_addr(
				(uint8_t)family, (uint16_t)(end + table[i].offset)
			);

			sock_send_to(from, &to, "hello", 5);
			if (table[i].kept_out)
				drop_expect("private_port", 1);
		}
	}
	pump_for(20); // the two others are the kernel's business; drops_end sees that they passed
}

// ICMP errors that the client's namespace got, by a raw socket.
static int icmp_open(uint8_t family) {
	int fd = family == 4 ? socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK, IPPROTO_ICMP)
			     : socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK, IPPROTO_ICMPV6);

	CHECK(fd >= 0, "a raw socket: %s", strerror(errno));
	return fd;
}

static unsigned icmp_unreachables(int fd, uint8_t family) {
	uint8_t data[2048];
	unsigned n = 0;
	ssize_t len;

	while ((len = recv(fd, data, sizeof(data), 0)) > 0) {
		if (family == 4 ? len > 20 && data[20] == 3 : data[0] == 1)
			n++;
	}
	return n;
}

static void icmp_family(uint8_t family) {
	struct agent_case c = agent_setup(family);
	const struct plm_addr closed = relay_addr(family, hello.agent_port_max + 7);
	struct sock *other = sock_open(family, NULL);
	int fd = icmp_open(family);

	// The proof that errors would be seen: a port outside the range.
	sock_send_to(other, &closed, "x", 1);
	WAIT(icmp_unreachables(fd, family) > 0, WAIT_MS, "no ICMP error of a closed port at all");
	sock_close(c.agent);
	stun_send(c.peer, c.peer->sock, NULL, NULL);
	drop_expect("icmp_private", 1);
	pump_for(20);
	CHECK(icmp_unreachables(fd, family) == 0, "an ICMP error about a private port got out");
	close(fd);
}

static void icmp_private(void) {
	icmp_family(4);
	icmp_family(6);
}

const struct scenario ice_scenarios[] = {
	{"path", path, "NEW, PATH, SECURE: the relay answers and checks"},
	{"agent", agent, "STUN of a connecting agent goes both ways by its private port"},
	{"refused", refused, "bad requests are dropped by name and never answered"},
	{"role_conflict", role_conflict, "ICE-CONTROLLED gets 487"},
	{"private_ports", private_ports, "nobody outside reaches a private port"},
	{"icmp_private", icmp_private, "the kernel's errors about private ports stay inside"},
	{0},
};
