// SPDX-License-Identifier: BSD-3-Clause

// Which addresses belong to which transport.

#include "probe.h"

#include <plm_demux.h>

#include <stdio.h>
#include <string.h>

static const uint8_t dtls[] = {22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 1, 0, 4, 'd', 't', 'l', 's'};
static const uint8_t rtp[30] = {0x80, 96, 0, 1};
static const uint8_t rtcp[40] = {0x80, 200, 0, 6};

static void unknown_path(void) {
	static const uint8_t short_dtls[] = {0x30, 1, 2}, channel[20] = {0x40, 0}, zrtp[20] = {16};
	struct sock *from = sock_open(4, NULL);
	struct peer *peer = peer_new();

	sock_send(from, dtls, sizeof(dtls));
	sock_send(from, rtp, sizeof(rtp));
	sock_send(from, rtcp, sizeof(rtcp));
	drop_expect("unknown_path", 3);
	sock_send(from, short_dtls, sizeof(short_dtls)); // trap: first byte of DTLS, too short
	sock_send(from, channel, sizeof(channel));
	sock_send(from, zrtp, sizeof(zrtp));
	sock_send(from, rtp, 11);
	sock_send(from, rtcp, 7);
	sock_send(from, "", 0);
	drop_expect("unknown_payload", 6);
	CHECK(from->bytes == 0, "something was answered");

	// A path without keys carries DTLS only.
	peer_open(peer, 4);
	peer_add(peer);
	peer_nominate(peer, peer->sock);
	sock_send(peer->sock, rtp, sizeof(rtp));
	sock_send(peer->sock, rtcp, sizeof(rtcp));
	drop_expect("not_secure", 2);
	sock_send(peer->sock, dtls, sizeof(dtls));
	WAIT(punt_newest_is(peer->id, dtls, sizeof(dtls)), WAIT_MS, "the DTLS record is lost");
}

// An address more than the limit takes the place of the oldest that is not selected.
static void path_cap(void) {
	const struct stun_options spare = {.no_candidate = true};
	struct peer *peer = peer_up(4, SUITE_GCM);
	struct sock *others[16];
	unsigned n = hello.max_paths; // with the first one: one too many
	struct source source;
	struct sink sink;
	struct peer *viewer = peer_up(4, SUITE_GCM);

	CHECK(n >= 3 && n <= 16, "%u paths a transport", n);
	source_add(&source, peer, PLM_KIND_AUDIO, true);
	sink_add(&sink, viewer, &source);
	for (unsigned i = 0; i < n; i++) {
		uint8_t txid[TXID];

		others[i] = sock_open(4, NULL);
		others[i]->peer = peer;
		stun_send(peer, others[i], &spare, txid);
		WAIT(stun_answer(peer, others[i], txid) == 1, WAIT_MS, "address %u: no answer", i);
	}
	CHECK(transport_info(peer->id).n_paths == n,
	      "%u paths are kept",
	      transport_info(peer->id).n_paths);
	CHECK(peer_selected(peer, peer->sock), "the selected path is gone");
	// The selected one, the oldest, still works; of the others the oldest does not.
	uint16_t first = source.seq;
	source_send(&source, false, 100);
	sink_expect(&sink, 0, first, 1);
	source_make(&source, false, 100);
	sock_send(others[1], source.wire, source.wire_len); // media may come by any path
	sink_expect(&sink, 0, first, 2);
	source_make(&source, false, 100);
	sock_send(others[n - 1], source.wire, source.wire_len);
	sink_expect(&sink, 0, first, 3);
	source_make(&source, false, 100);
	sock_send(others[0], source.wire, source.wire_len);
	drop_expect("unknown_path", 1);
}

// One socket of a client is used for another connection: the address goes along, back and forth.
static void port_reuse(void) {
	struct peer *a = peer_up(4, SUITE_GCM), *b = peer_up_elsewhere(4, SUITE_GCM, a);
	struct peer *publisher = peer_up(4, SUITE_GCM);
	struct sock *sock = a->sock;
	struct source source;
	struct sink to_a, to_b;
	uint16_t first;
	unsigned n_a = 0, n_b = 0;

	source_add(&source, publisher, PLM_KIND_AUDIO, true);
	sink_add(&to_a, a, &source);
	sink_add(&to_b, b, &source);
	sock_close(b->sock); // it moves to the other's
	for (unsigned turn = 0; turn < 4; turn++) {
		bool a_has_it = turn % 2 == 1;
		struct peer *has = a_has_it ? a : b, *has_not = a_has_it ? b : a;
		struct sink *sink = a_has_it ? &to_a : &to_b;
		unsigned *n = a_has_it ? &n_a : &n_b;
		uint64_t lost = drops("no_path");

		peer_nominate(has, sock);
		WAIT(peer_selected(has, sock), WAIT_MS, "turn %u: the address did not move", turn);
		WAIT(!peer_selected(has_not, sock),
		     WAIT_MS,
		     "turn %u: the other transport kept the address",
		     turn);
		relay_settle();
		first = source.seq;
		source_send(&source, false, 50);
		source_send(&source, false, 50);
		sink_expect(sink, *n, first, 2);
		*n += 2;
		WAIT(drops("no_path") - lost == 2,
		     WAIT_MS,
		     "turn %u: %u not sent to the other",
		     turn,
		     (unsigned)(drops("no_path") - lost));
	}
	drop_allow("no_path");
	CHECK(a->n_bad == 0 && b->n_bad == 0, "media of the other transport came");
}

// One client with very many addresses leaves room for the others.
static void path_flood(void) {
	const struct stun_options spare = {.no_candidate = true};
	struct peer *first = peer_up(4, SUITE_GCM);
	struct peer *greedy = peer_up_elsewhere(4, SUITE_GCM, first);

	for (unsigned i = 0; i < 4 * hello.max_transports; i++) {
		struct sock *sock = sock_open(4, NULL);
		uint8_t txid[TXID];

		sock->peer = greedy;
		stun_send(greedy, sock, &spare, txid);
		WAIT(stun_answer(greedy, sock, txid) == 1, WAIT_MS, "address %u: no answer", i);
		sock_close(sock);
	}
	for (unsigned i = 0; i < 8; i++)
		peer_up(4, SUITE_GCM);
}

const struct scenario path_scenarios[] = {
	{"unknown_path", unknown_path, "from unknown addresses nothing goes anywhere"},
	{"path_cap", path_cap, "a transport keeps its newest addresses and the selected one"},
	{"path_flood", path_flood, "a client with many addresses leaves room for others"},
	{"port_reuse", port_reuse, "an address moves to the transport that last proved itself"},
	{0},
};
