// SPDX-License-Identifier: BSD-3-Clause

// DTLS records travel by transport, not by address.

#include "probe.h"

#include <plm_demux.h>

#include <string.h>

// A record of content type `type` that carries `len` bytes.
static size_t record_make(uint8_t *ret_data, uint8_t type, size_t len) {
	memset(ret_data, 0, 13 + len);
	ret_data[0] = type;
	ret_data[1] = 254;
	ret_data[2] = 253;
	ret_data[11] = (uint8_t)(len >> 8);
	ret_data[12] = (uint8_t)len;
	for (size_t i = 0; i < len; i++)
		ret_data[13 + i] = (uint8_t)(i * 3 + type);
	return 13 + len;
}

static void both_ways(struct peer *peer, uint8_t type, size_t size) {
	uint8_t data[1500];
	size_t len = record_make(data, type, size);
	unsigned before = punt_count(peer->id);
	const struct datagram *got;

	sock_send(peer->sock, data, len);
	WAIT(punt_count(peer->id) == before + 1, WAIT_MS, "a record from the client is lost");
	CHECK(punt_newest_is(peer->id, data, len), "a record from the client was changed");
	data[13] ^= 0xff;
	before = sock_count(peer->sock, PLM_PAYLOAD_DTLS);
	punt_send(peer->id, data, len);
	WAIT(sock_count(peer->sock, PLM_PAYLOAD_DTLS) == before + 1,
	     WAIT_MS,
	     "a record to the client is lost");
	got = sock_newest(peer->sock, PLM_PAYLOAD_DTLS);
	CHECK(got->len == len && memcmp(got->data, data, len) == 0,
	      "a record to the client was changed");
	CHECK(got->from.port == hello.public_port, "it came from port %u", got->from.port);
}

static void dtls_family(uint8_t family) {
	struct peer *peer = peer_new(), *bystander = peer_up(family, SUITE_GCM);
	const struct stun_options spare = {.no_candidate = true};
	unsigned others = punt_count(bystander->id);
	uint8_t txid[TXID], data[64];

	peer_open(peer, family);
	peer_add(peer);
	// Before nomination: back to where the newest record came from.
	stun_send(peer, peer->sock, &spare, txid);
	WAIT(stun_answer(peer, peer->sock, txid) == 1, WAIT_MS, "no answer");
	both_ways(peer, 22, 200);
	peer_nominate(peer, peer->sock);
	both_ways(peer, 22, 1200);
	peer_secure(peer, SUITE_GCM);
	peer_wait_validated(peer);
	both_ways(peer, 22, 62); // the last flight again
	// After a NAT rebind (trap 4.3) the close_notify still finds its session.
	peer_nominate(peer, sock_open(family, NULL));
	WAIT(peer_selected(peer, peer->sock), WAIT_MS, "the path does not move");
	both_ways(peer, 21, 26);
	CHECK(punt_count(bystander->id) == others, "another transport got a record");

	// Nobody there: the record is lost, nothing else.
	punt_send(peer->id + 1000000, data, record_make(data, 22, 1));
	drop_expect("punt_full", 1);
}

static void dtls(void) {
	dtls_family(4);
	dtls_family(6);
}

static void dtls_limits(void) {
	struct peer *peer = peer_up(4, SUITE_GCM);
	uint8_t data[1500];
	size_t len = record_make(data, 22, 1472 - 13);
	unsigned before = punt_count(peer->id);

	sock_send(peer->sock, data, len); // as much as an MTU of 1500 holds
	WAIT(punt_count(peer->id) == before + 1, WAIT_MS, "a large record is lost");
	CHECK(punt_newest_is(peer->id, data, len), "a large record was changed");
	data[1] = 3; // TLS, not DTLS
	sock_send(peer->sock, data, 100);
	sock_send(peer->sock, "\x16\xfe\xfd", 3);
	drop_expect("unknown_payload", 2);
}

const struct scenario dtls_scenarios[] = {
	{"dtls", dtls, "records go both ways by the transport's id, also after a rebind"},
	{"dtls_limits", dtls_limits, "large records pass, what is none does not"},
	{0},
};
