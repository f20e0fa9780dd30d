// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// What a worker does to its transports: claim, paths, consent, keys, end. Called by the STUN stage,
// the mailbox and the timers; states as in PLM_TRANSPORT_*.

#include "media/flow_table.h"
#include "worker.h"

struct credential;
struct path;

// The transport behind a credential is this worker's from now on. -ENOSPC: tables full.
int session_adopt(struct worker *worker, struct credential *credential);

// The path of an authenticated request, made or refreshed. It takes the address from any other
// transport. NULL: flow table full (counted by the caller).
struct path *session_path(
	struct worker *worker,
	struct transport *transport,
	const struct packet *packet,
	uint32_t generation
);

// The peer nominated this path (USE-CANDIDATE). SECURE: media moves there once the address answers.
void session_nominate(struct worker *worker, struct transport *transport, struct path *path);

// A Binding success from this path, authenticated. False: not an answer to one of ours.
bool session_answered(
	struct worker *worker,
	struct transport *transport,
	struct path *path,
	const uint8_t *txid
);

// Keys are there: SECURE.
void session_secure(
	struct worker *worker,
	struct transport *transport,
	uint16_t suite,
	struct srtp_session *rx,
	struct srtp_session *tx
);

// A DTLS record of ours went out by this path.
void session_dtls_sent(struct transport *transport, uint8_t slot);

// Consent checks and expiry of one transport, when due.
void session_tick(struct worker *worker, struct transport *transport);

// Sends a check of ours (RFC 8445 7.2.2, RFC 7675) on path with this transaction id.
void session_check(
	struct worker *worker,
	struct transport *transport,
	const struct path *path,
	const uint8_t *txid
);

// Everything this worker knows of a transport is forgotten: credentials, paths, and if it is the
// owner the object itself; all are released to the control thread.
void session_forget(struct worker *worker, uint32_t index);

// Credentials become known to this worker (a further generation of a transport it may own).
void session_credential_add(struct worker *worker, struct credential *credential);

// Credentials are withdrawn; ufrag: zero padded to PLM_UFRAG_MAX.
void session_credential_remove(struct worker *worker, uint32_t index, const char *ufrag);

// A path's address belongs to another transport now.
void session_path_lost(struct worker *worker, uint32_t index, const struct plm_addr *remote);

// The same for what the flow table says of remote, whichever worker owns that transport.
void session_path_taken(struct worker *worker, const struct plm_addr *remote, struct flow before);
