// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// What threads of the dataplane say to each other: fixed-size messages by value in rings. Objects
// change owner with the message that carries their pointer.

#include <plm_api.h>
#include <plm_rtcp.h>

#include <stdint.h>

struct consumer;
struct credential;
struct leg_chunk;
struct producer;
struct srtp_session;
struct transport;

enum message_type {
	// control thread -> worker
	MESSAGE_CREDENTIAL_ADD, // object: struct credential, from now on the worker's
	MESSAGE_CREDENTIAL_DEL, // index, ufrag
	MESSAGE_TRANSPORT_SECURE, // index, rx, tx: sessions, from now on the worker's
	MESSAGE_TRANSPORT_RESTART, // index, value: newest generation
	MESSAGE_TRANSPORT_DEL, // index: forget everything about it, then RELEASED
	MESSAGE_PRODUCER_ADD, // object: struct producer
	MESSAGE_PRODUCER_DEL, // index
	MESSAGE_PRODUCER_KEYFRAME, // index (also worker -> worker)
	MESSAGE_PRODUCER_AUDIENCE, // index, value: bit mask of workers with consumers
	MESSAGE_AUDIENCE_ADD, // object: struct audience of a producer
	MESSAGE_AUDIENCE_DEL, // index of the producer
	MESSAGE_CONSUMER_ADD, // consumer
	MESSAGE_CONSUMER_DEL, // index
	MESSAGE_CONSUMER_SET, // index, value: paused
	MESSAGE_DTLS_OUT, // index, object: mbuf whose data is the record
	MESSAGE_TRACE, // value: packets, index: transport or UINT32_MAX
	// worker -> worker
	MESSAGE_SENDER_REPORT, // index of the producer, value: serial, sr
	MESSAGE_PATH_TAKEN, // index of the transport that loses the path to addr
	MESSAGE_PATH_GONE, // index of the transport that addr no longer leads to
	// worker -> control thread
	MESSAGE_CLAIMED, // index, value: worker
	MESSAGE_RELEASED, // index, value: enum release, object: what the worker gives back
	MESSAGE_PATH, // index, value: generation, addr: the selected path changed
	MESSAGE_CONSENT_LOST, // index, addr
	MESSAGE_RESTARTED, // index, value: generation
	MESSAGE_PRODUCER_ACTIVE, // index, value: 1 active, 0 idle; ssrc
	MESSAGE_DTLS_IN, // index, object: mbuf with the frame
};

enum release {
	RELEASE_CREDENTIAL,
	RELEASE_TRANSPORT, // one per worker
	RELEASE_PRODUCER,
	RELEASE_AUDIENCE,
	RELEASE_CONSUMER,
	RELEASE_CHUNK,
	RELEASE_SESSIONS, // keys that came for a transport already secure
};

struct message {
	uint32_t type; // enum message_type
	uint32_t index;
	uint64_t value;
	union {
		void *object;
		struct {
			struct srtp_session *rx, *tx;
			uint16_t suite;
		} secure;
		struct {
			struct consumer *object;
			struct leg_chunk *chunk; // for its leg, when the newest is full
		} consumer;
		struct plm_addr addr;
		struct plm_rtcp_sr sr;
		uint32_t ssrc;
		char ufrag[PLM_UFRAG_MAX];
	};
	uint64_t id; // of the API, where it helps the control thread
};

_Static_assert(sizeof(struct message) == 56 || sizeof(struct message) == 64, "one cache line");
