// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// A transport: one peer's ICE, DTLS and SRTP session. Made by the control thread, owned by the
// worker that claims it, given back by MESSAGE_RELEASED.

#include "consent.h"

#include <plm_api.h>
#include <plm_stun.h>

#include <stdbool.h>
#include <stdint.h>

struct producer;
struct srtp_session;

#define TRANSPORT_PATHS 8 // most that can be configured
#define TRANSPORT_SSRCS 16 // streams a peer may send
#define TRANSPORT_SSRCS_SENT 15 // SSRCs a peer may be sent in its life; one more for our reports
#define TRANSPORT_NO_PATH 0xff
#define TRANSPORT_SEVERAL_PATHS 0xfe // of dtls_sent
#define TRANSPORT_UNCLAIMED 0xff

// One generation of ICE credentials as every worker knows it. Each worker has its own copy, owned
// by it after MESSAGE_CREDENTIAL_ADD.
struct credential {
	char local_ufrag[PLM_UFRAG_MAX]; // key of the worker's table, zero padded
	char remote_ufrag[PLM_UFRAG_MAX];
	char username[2 * PLM_UFRAG_MAX]; // "remote:local": USERNAME of our checks
	struct plm_stun_key local_key; // verifies requests to us, signs our answers
	struct plm_stun_key remote_key; // signs our requests, verifies their answers
	struct transport *transport; // dereferenced by the claiming worker only
	uint32_t index; // of the transport
	uint32_t generation;
	uint16_t agent_ports[2]; // [0] IPv4, [1] IPv6; 0 = none
	struct credential *next; // worker: other generations of an owned transport
};

// A remote address that proved the credentials.
struct path {
	struct plm_addr remote;
	uint8_t local; // index of our address
	uint8_t mac[6]; // next hop, from its authenticated packets
	uint8_t validated; // the address answered us: media may go there
	uint8_t from; // worker that receives its packets
	uint32_t generation; // newest credentials seen from it
	uint64_t seen_us; // last authenticated request; 0 = slot unused
};

struct transport_ssrc {
	uint32_t ssrc;
	struct producer *producer;
};

// How far a stream had come that is no longer sent. Should its SSRC be used again, it goes on
// there.
struct transport_sent {
	uint32_t ssrc; // 0 = unused
	uint32_t ts;
	uint64_t at_us;
	uint16_t seq;
};

struct transport {
	// set by the control thread before the worker sees it
	uint64_t id;
	uint32_t index;
	uint16_t punt_channel;
	uint8_t max_paths; // 3..TRANSPORT_PATHS
	uint64_t created_us;

	// worker: rw; control thread reads for statistics
	uint8_t state; // enum plm_transport_state
	uint8_t selected; // path media goes to
	uint8_t nominated; // path that waits for validation
	uint8_t dtls_path; // where the newest DTLS record came from
	uint8_t dtls_sent; // the one path all of our DTLS records went out by
	uint16_t suite;
	uint16_t n_ssrcs;
	uint32_t generation; // newest credentials
	uint32_t n_consumers;
	uint32_t rtcp_ssrc; // sender of our reports and feedback to it
	uint32_t slot; // in the worker's list
	struct srtp_session *rx, *tx;
	struct credential *credentials; // newest first
	struct consent consent;
	uint8_t nominate_txid[PLM_STUN_TXID_LEN]; // of the check to the nominated path
	struct path paths[TRANSPORT_PATHS];
	struct transport_ssrc ssrcs[TRANSPORT_SSRCS];
	struct transport_sent sent[TRANSPORT_SSRCS_SENT];
	struct producer *producers; // list
	struct consumer *consumers; // list
	uint64_t report_us; // next receiver report
	uint8_t fir_seq;
	uint8_t tag_len; // of the suite

	// counters, worker: wo
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
	uint64_t rx_dropped, tx_dropped;
	uint64_t path_changes, stun_requests, consent_sent, consent_received;
};

// Where media goes to: NULL when no path is selected, or its address has not answered yet.
static inline struct path *transport_selected(struct transport *transport) {
	struct path *path = &transport->paths[transport->selected % TRANSPORT_PATHS];

	return transport->selected != TRANSPORT_NO_PATH && path->validated ? path : NULL;
}

void transport_init(
	struct transport *transport,
	uint64_t id,
	uint32_t index,
	uint16_t punt_channel,
	unsigned max_paths,
	uint64_t now_us
);

// The path with this remote address, or NULL.
struct path *transport_path_find(struct transport *transport, const struct plm_addr *remote);

// A free path slot, or the least recently seen one that is neither selected nor nominated; then
// *ret_evicted holds what it was (family 0: none).
struct path *transport_path_take(struct transport *transport, struct path *ret_evicted);

// The slot number of a path.
static inline uint8_t transport_path_slot(
	const struct transport *transport,
	const struct path *path
) {
	return (uint8_t)(path - transport->paths);
}

// The producer of this SSRC, or NULL.
struct producer *transport_ssrc_find(const struct transport *transport, uint32_t ssrc);
// 0, or -ENOSPC: TRANSPORT_SSRCS streams already.
int transport_ssrc_add(struct transport *transport, uint32_t ssrc, struct producer *producer);
void transport_ssrc_remove(struct transport *transport, const struct producer *producer);

// Where a stream that was sent ends, or NULL. The control thread sees to it that there is room.
const struct transport_sent *transport_sent_find(const struct transport *transport, uint32_t ssrc);
void transport_sent_set(struct transport *transport, const struct transport_sent *sent);

// Credentials of this generation, or NULL.
struct credential *transport_credential(const struct transport *transport, uint32_t generation);
