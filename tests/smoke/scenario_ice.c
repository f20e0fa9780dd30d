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
	info = transport_info(peer->id);
	CHECK(info.state == PLM_TRANSPORT_PATH && info.worker != 255 && info.n_paths == 1,
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
	CHECK(info.rtt_us > 0 && info.rtt_us < 1000000, "RTT of %u us", info.rtt_us);
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

const struct scenario ice_scenarios[] = {
	{"path", path, "NEW, PATH, SECURE: the relay answers and checks"},
	{"agent", agent, "STUN of a connecting agent goes both ways by its private port"},
	{0},
};
