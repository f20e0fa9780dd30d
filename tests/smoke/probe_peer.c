// SPDX-License-Identifier: BSD-3-Clause

// The far end of a transport: credentials, STUN both ways, SRTP keys, and what it received.

#include "probe.h"

#include <plm_addr.h>
#include <plm_demux.h>
#include <plm_rtp.h>

#include <openssl/hmac.h>

#include <errno.h>
#include <srtp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <zlib.h>

static struct peer *peers;

static void random_text(char *ret_text, size_t len) {
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz012345+"
				      "/";
	uint8_t bytes[64];

	if (getrandom(bytes, len, 0) != (ssize_t)len)
		abort();
	for (size_t i = 0; i < len; i++)
		ret_text[i] = letters[bytes[i] % (sizeof(letters) - 1)];
	ret_text[len] = '\0';
}

static void generation_make(struct peer *peer) {
	struct generation *g = &peer->generations[peer->n_generations];

	CHECK(peer->n_generations < GENERATIONS, "too many generations");
	peer->n_generations++;
	memset(g, 0, sizeof(*g));
	random_text(g->ice.local_ufrag, 12);
	random_text(g->ice.local_pwd, 24);
	random_text(g->ice.remote_ufrag, 4); // as browsers make them
	random_text(g->ice.remote_pwd, 24);
	plm_stun_key_init(&g->relay_key, g->ice.local_pwd, strlen(g->ice.local_pwd));
	plm_stun_key_init(&g->own_key, g->ice.remote_pwd, strlen(g->ice.remote_pwd));
}

static const struct generation *generation_of(const struct peer *peer, unsigned number) {
	return &peer->generations[(number == 0 ? peer->n_generations : number) - 1];
}

struct peer *peer_new(void) {
	struct peer *peer = calloc(1, sizeof(*peer));

	if (peer == NULL)
		abort();
	peer->id = relay_id();
	peer->owner = running;
	peer->next = peers;
	peers = peer;
	generation_make(peer);
	return peer;
}

void peer_add(struct peer *peer) {
	const struct plm_transport_add request = {
		.id = peer->id,
		.agent_port_v4 = peer->agent_ports[0],
		.agent_port_v6 = peer->agent_ports[1],
		.punt_channel = punt_channel(),
		.ice = generation_of(peer, 0)->ice,
	};

	relay_do(PLM_API_TRANSPORT_ADD, &request, sizeof(request));
}

void peer_restart(struct peer *peer) {
	struct plm_transport_restart request = {.id = peer->id};

	generation_make(peer);
	request.ice = generation_of(peer, 0)->ice;
	relay_do(PLM_API_TRANSPORT_RESTART, &request, sizeof(request));
}

void peer_open(struct peer *peer, uint8_t family) {
	peer->sock = sock_open(family, NULL);
	peer->sock->peer = peer;
}

void peer_secure(struct peer *peer, uint16_t suite_number) {
	const struct srtp_suite *suite = srtp_suite_find(suite_number);
	struct plm_secret from_peer, to_peer;
	size_t len = (size_t)suite->key_len + suite->salt_len;

	peer->secure = (struct plm_transport_secure){.id = peer->id, .suite = suite_number};
	if (getrandom(peer->secure.rx.bytes, len, 0) != (ssize_t)len
	    || getrandom(peer->secure.tx.bytes, len, 0) != (ssize_t)len)
		abort();
	plm_secret_init(&from_peer, peer->secure.rx.bytes, len);
	plm_secret_init(&to_peer, peer->secure.tx.bytes, len);
	peer->tx = srtp_session_new(suite, SRTP_TX, &from_peer);
	peer->rx = srtp_session_new(suite, SRTP_RX, &to_peer);
	CHECK(peer->tx != NULL && peer->rx != NULL, "SRTP sessions: %s", strerror(errno));
	relay_do(PLM_API_TRANSPORT_SECURE, &peer->secure, sizeof(peer->secure));
}

void peer_wait_validated(struct peer *peer) {
	WAIT(transport_info(peer->id).consent_received > 0,
	     WAIT_MS,
	     "transport %u: no check of the relay was answered",
	     (unsigned)peer->id);
}

bool peer_selected(const struct peer *peer, const struct sock *sock) {
	const struct plm_transport_info info = transport_info(peer->id);

	return plm_addr_equal(&info.remote, &sock->local);
}

struct peer *peer_up(uint8_t family, uint16_t suite) {
	struct peer *peer = peer_new();

	peer_open(peer, family);
	peer_add(peer);
	peer_nominate(peer, peer->sock);
	peer_secure(peer, suite);
	peer_wait_validated(peer);
	return peer;
}

struct peer *peer_up_elsewhere(uint8_t family, uint16_t suite, const struct peer *other) {
	unsigned worker = transport_info(other->id).worker;
	struct peer *peer = peer_up(family, suite);

	for (unsigned tries = 0; hello.n_workers > 1 && tries < 32; tries++) {
		if (transport_info(peer->id).worker != worker)
			return peer;
		peer = peer_up(family, suite); // those in between even out the load
	}
	CHECK(hello.n_workers == 1, "all transports go to worker %u", worker);
	return peer;
}

void peer_del(struct peer *peer) {
	relay_del(PLM_API_TRANSPORT_DEL, peer->id);
}

static void peer_free(struct peer *peer) {
	srtp_session_free(peer->tx);
	srtp_session_free(peer->rx);
	for (unsigned i = 0; i < peer->n_media; i++)
		free(peer->media[i]);
	for (unsigned i = 0; i < peer->n_control; i++)
		free(peer->control[i]);
	free(peer->media);
	free(peer->control);
	free(peer);
}

void peers_clean(const struct scenario *owner) {
	struct peer **link = &peers;

	for (struct peer *p = peers; p != NULL; p = p->next) {
		if (p->owner == owner)
			peer_del(p);
	}
	while (*link != NULL) {
		struct peer *peer = *link;

		if (peer->owner != owner) {
			link = &peer->next;
			continue;
		}
		*link = peer->next;
		peer_free(peer);
	}
}

// ---------------------------------------------------------------------------- STUN out

struct message {
	uint8_t *data;
	size_t len;
};

static void put16(uint8_t *at, unsigned value) {
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void attribute(struct message *m, unsigned type, const void *value, size_t len) {
	put16(m->data + m->len, type);
	put16(m->data + m->len + 2, (unsigned)len);
	memset(m->data + m->len + 4, 0, (len + 3) & ~(size_t)3);
	if (len > 0)
		memcpy(m->data + m->len + 4, value, len);
	m->len += 4 + ((len + 3) & ~(size_t)3);
	put16(m->data + 2, (unsigned)m->len - 20);
}

static void sign(struct message *m, const char *password, bool wrong) {
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned digest_len;

	put16(m->data + 2, (unsigned)m->len + 24 - 20); // RFC 8489 14.5
	HMAC(EVP_sha1(), password, (int)strlen(password), m->data, m->len, digest, &digest_len);
	digest[7] ^= wrong;
	attribute(m, 0x0008, digest, 20);
}

static void fingerprint(struct message *m, bool wrong) {
	uint32_t crc;
	uint8_t value[4];

	put16(m->data + 2, (unsigned)m->len + 8 - 20); // RFC 8489 14.7
	crc = (uint32_t)crc32(0, m->data, (uInt)m->len) ^ 0x5354554eU ^ wrong;
	put16(value, crc >> 16);
	put16(value + 2, crc & 0xffff);
	attribute(m, 0x8028, value, 4);
}

// Written apart from common/wire, which the relay uses: it is the second opinion.
size_t stun_build(
	const struct peer *peer,
	const struct stun_options *how,
	uint8_t *ret_data,
	uint8_t *ret_txid
) {
	static const struct stun_options plain;
	static const uint8_t priority[4] = {0x6e, 0x7f, 0, 0xff};
	static const uint8_t tie_breaker[8] = {0xa5, 1, 2, 3, 4, 5, 6, 7};
	struct message m = {.data = ret_data, .len = 20};
	const struct generation *g;
	char username[160];

	how = how != NULL ? how : &plain;
	g = generation_of(peer, how->generation);
	put16(ret_data, PLM_STUN_BINDING_REQUEST);
	put16(ret_data + 2, 0);
	memcpy(ret_data + 4, "\x21\x12\xa4\x42", 4);
	if (getrandom(ret_data + 8, TXID, 0) != TXID)
		abort();
	if (ret_txid != NULL)
		memcpy(ret_txid, ret_data + 8, TXID);
	if (how->username == NULL)
		snprintf(
			username, sizeof(username), "%s:%s", g->ice.local_ufrag, g->ice.remote_ufrag
		);
	else
		snprintf(username, sizeof(username), "%s", how->username);
	if (username[0] != '\0')
		attribute(&m, 0x0006, username, strlen(username));
	attribute(&m, 0xc057, "\0\1\0\2", 4); // network cost, as Chromium sends it
	attribute(&m, how->controlled ? 0x8029 : 0x802a, tie_breaker, 8);
	if (!how->no_candidate)
		attribute(&m, 0x0025, NULL, 0);
	attribute(&m, 0x0024, priority, 4);
	if (!how->no_integrity)
		sign(&m, how->password ? how->password : g->ice.local_pwd, how->bad_integrity);
	if (!how->no_fingerprint)
		fingerprint(&m, how->bad_fingerprint);
	return m.len;
}

void stun_send(
	struct peer *peer,
	struct sock *sock,
	const struct stun_options *how,
	uint8_t *ret_txid
) {
	uint8_t data[512];
	size_t len = stun_build(peer, how, data, ret_txid);

	sock_send(sock, data, len);
}

int stun_answer(const struct peer *peer, const struct sock *sock, const uint8_t *txid) {
	for (unsigned i = sock->n; i > 0; i--) {
		const struct datagram *d = sock->datagrams[i - 1];
		struct plm_stun msg;
		bool good = false;

		if (d->kind != PLM_PAYLOAD_STUN || plm_stun_parse(d->data, d->len, &msg) < 0
		    || memcmp(msg.txid, txid, TXID) != 0)
			continue;
		for (unsigned g = 1; g <= peer->n_generations; g++)
			good |= plm_stun_integrity_ok(
				d->data, &msg, &generation_of(peer, g)->relay_key
			);
		CHECK(good && plm_stun_fingerprint_ok(d->data, &msg),
		      "an answer that is not signed by the relay");
		CHECK(d->from.port == hello.public_port, "an answer from port %u", d->from.port);
		if (msg.type == PLM_STUN_BINDING_ERROR)
			return msg.error_code;
		CHECK(msg.type == PLM_STUN_BINDING_SUCCESS, "an answer of type %04x", msg.type);
		CHECK(msg.has_mapped && memcmp(&msg.mapped, &sock->local, sizeof(msg.mapped)) == 0,
		      "XOR-MAPPED-ADDRESS is not the sender's");
		return 1;
	}
	return 0;
}

void peer_nominate(struct peer *peer, struct sock *sock) {
	uint8_t txid[TXID];

	peer->sock = sock;
	sock->peer = peer;
	stun_send(peer, sock, NULL, txid);
	WAIT(stun_answer(peer, sock, txid) == 1, WAIT_MS, "a Binding request is not answered");
}

// ---------------------------------------------------------------------------- what arrives

// The generation that the USERNAME of a check names, or NULL.
static const struct generation *generation_by_name(
	const struct peer *peer,
	const struct plm_stun *msg
) {
	for (unsigned i = peer->n_generations; i > 0; i--) {
		const struct generation *g = generation_of(peer, i);
		char username[2 * PLM_UFRAG_MAX];

		snprintf(
			username, sizeof(username), "%s:%s", g->ice.remote_ufrag, g->ice.local_ufrag
		);
		if (msg->username_len == strlen(username)
		    && memcmp(msg->username, username, msg->username_len) == 0)
			return g;
	}
	return NULL;
}

// A check of the relay's: its answer proves that we are here.
static void take_check(
	struct peer *peer,
	struct sock *sock,
	const struct datagram *datagram,
	const struct plm_stun *msg
) {
	const struct plm_addr from = datagram->from;
	uint8_t reply[128];
	int len;

	const struct generation *g = generation_by_name(peer, msg);

	if (g == NULL) {
		// Sent to another transport before this one took the address over.
		for (const struct peer *p = peers; p != NULL; p = p->next) {
			if (generation_by_name(p, msg) != NULL)
				return;
		}
		peer->n_bad++;
		return;
	}
	if (!plm_stun_integrity_ok(datagram->data, msg, &g->own_key)
	    || !plm_stun_fingerprint_ok(datagram->data, msg) || !msg->controlled) {
		peer->n_bad++;
		return;
	}
	peer->checks_us[peer->n_checks++ % 64] = datagram->at_us;
	len = plm_stun_success_write(reply, sizeof(reply), msg->txid, &from, &g->own_key);
	if (!sock->silent && len > 0)
		sock_send_to(sock, &from, reply, (size_t)len);
}

static void *grow(void *list, unsigned n, unsigned *room) {
	if (n < *room)
		return list;
	*room = *room == 0 ? 64 : *room * 2;
	list = realloc(list, *room * sizeof(void *));
	if (list == NULL)
		abort();
	return list;
}

static void take_extensions(struct media *media, const uint8_t *data, const struct plm_rtp *rtp) {
	struct plm_rtp_ext list[PLM_RTP_EXT_MAX];
	int n = rtp->ext_len > 0 ? plm_rtp_ext_list(data, rtp, list, PLM_RTP_EXT_MAX) : 0;

	for (int i = 0; i < n; i++) {
		size_t len = list[i].len < 20 ? list[i].len : 20;

		media->ext_ids[i] = list[i].id;
		media->ext_lens[i] = list[i].len;
		memcpy(media->ext_data[i], list[i].data, len);
		media->n_ext++;
	}
}

static void take_rtp(struct peer *peer, struct sock *sock, const struct datagram *datagram) {
	struct media *media = calloc(1, sizeof(*media));
	uint8_t data[DATAGRAM_MAX];
	struct srtp_job job = {.session = peer->rx, .data = data, .len = datagram->len};
	struct plm_rtp rtp;
	const uint8_t *payload;

	if (media == NULL)
		abort();
	memcpy(data, datagram->data, datagram->len);
	// A retransmission is the same packet again: the window refuses it, its bytes are compared.
	srtp_unprotect_rtp(&job, 1);
	media->at_us = datagram->at_us;
	media->sock = sock;
	media->wire_len = datagram->len;
	memcpy(media->wire, datagram->data, datagram->len < 1600 ? datagram->len : 1600);
	peer->media = grow(peer->media, peer->n_media, &peer->media_room);
	peer->media[peer->n_media++] = media;
	if (plm_rtp_parse(datagram->data, datagram->len, &rtp) == 0) {
		media->ssrc = rtp.ssrc;
		media->seq = rtp.seq;
	}
	if (job.verdict == SRTP_REPLAYED || job.verdict == SRTP_TOO_OLD)
		return;
	if (job.verdict != SRTP_OK || plm_rtp_parse_full(data, job.len, &rtp) < 0) {
		peer->n_bad++;
		return;
	}
	media->timestamp = rtp.timestamp;
	media->payload_type = rtp.payload_type;
	media->marker = rtp.marker;
	take_extensions(media, data, &rtp);
	payload = data + rtp.header_len;
	size_t len = job.len - rtp.header_len - rtp.padding_len;
	if (len < 8)
		return;
	media->keyframe = (payload[1] & 1) == 0;
	media->source_seq = (uint16_t)(payload[2] << 8 | payload[3]);
	memcpy(&media->source_ssrc, payload + 4, 4);
	media->intact = true;
	for (size_t i = 8; i < len; i++) {
		if (payload[i] != (uint8_t)(media->source_seq * 31 + media->source_ssrc + i * 7))
			media->intact = false;
	}
}

static void take_rtcp(struct peer *peer, const struct datagram *datagram) {
	struct control *control = calloc(1, sizeof(*control));
	struct srtp_job job = {.session = peer->rx, .data = control->data, .len = datagram->len};

	if (control == NULL)
		abort();
	memcpy(control->data, datagram->data, datagram->len < 1500 ? datagram->len : 1500);
	srtp_unprotect_rtcp(&job, 1);
	if (job.verdict != SRTP_OK) {
		peer->n_bad++;
		free(control);
		return;
	}
	control->at_us = datagram->at_us;
	control->len = job.len;
	peer->control = grow(peer->control, peer->n_control, &peer->control_room);
	peer->control[peer->n_control++] = control;
}

void peer_receive(struct peer *peer, struct sock *sock, const struct datagram *datagram) {
	struct plm_stun msg;

	switch (datagram->kind) {
	case PLM_PAYLOAD_STUN:
		if (plm_stun_parse(datagram->data, datagram->len, &msg) < 0)
			peer->n_bad++;
		else if (msg.type == PLM_STUN_BINDING_REQUEST)
			take_check(peer, sock, datagram, &msg);
		break;
	case PLM_PAYLOAD_RTP:
		if (peer->rx == NULL)
			peer->n_bad++;
		else
			take_rtp(peer, sock, datagram);
		break;
	case PLM_PAYLOAD_RTCP:
		if (peer->rx == NULL)
			peer->n_bad++;
		else
			take_rtcp(peer, datagram);
		break;
	case PLM_PAYLOAD_DTLS:
		break; // sock_newest
	default:
		peer->n_bad++;
	}
}
