// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Producers (streams received), consumers (streams sent), and the audience that joins them: on each
// worker, one producer's viewers there and the cache that answers their NACKs. Made by the control
// thread, owned by a worker after the message that carries them.

#include "keyframe.h"
#include "leg.h"
#include "nack.h"
#include "rtx_cache.h"
#include "rx_stats.h"

#include <plm_api.h>

#include <stdbool.h>
#include <stdint.h>

struct rte_mbuf;
struct transport;

struct producer {
	// set by the control thread
	struct plm_producer_add add;
	uint32_t index;
	uint32_t serial; // differs between uses of one index
	uint32_t transport_index;
	uint8_t ext_of_id[256]; // enum plm_ext of the publisher's extension ids

	// worker: rw; control thread reads for statistics
	struct transport *transport;
	struct producer *next; // of the transport
	uint32_t slot; // in the worker's list
	uint32_t ssrc; // 0 = not learned yet
	uint32_t ssrc_before; // that it replaced
	uint64_t ssrc_us; // when
	uint64_t audience_mask; // workers that have consumers
	struct nack nack;
	struct rx_stats stats;
	struct keyframe keyframe;
	uint64_t last_us; // newest packet
	bool active;
	uint64_t rate_us; // start of the running second
	uint64_t rate_packets, rate_bytes;

	// counters, worker: wo
	uint64_t packets, bytes, nacked, recovered, duplicates, keyframes;
	uint32_t bitrate, packet_rate, audio_level;
};

struct consumer {
	// set by the control thread
	struct plm_consumer_add add;
	uint32_t index;
	uint32_t transport_index;
	uint32_t producer_index;
	uint8_t kind;
	uint8_t codec;
	uint32_t clock_rate;

	// worker: rw
	struct transport *transport;
	struct audience *audience;
	struct leg *leg; // its hot part; moves when another viewer leaves. Control thread: ro
	struct consumer *transport_next;
	bool waiting_keyframe; // set by the control thread: starts at a key frame
	uint64_t waiting_since_us;
	uint32_t sr_mid; // middle 32 bits of the NTP time of the newest report sent
	uint64_t sr_us; // when
	uint64_t resend_us; // start of the running budget second
	uint32_t resent; // packets resent in it
	uint64_t window_packets, last_second; // packets at its start; sent in the second before

	// counters, worker: wo
	uint64_t dropped, retransmitted, nacks, nack_misses, plis;
	uint32_t rtt_us, jitter, lost;
	uint8_t fraction_lost;
};

// Owned by its worker.
struct audience {
	uint32_t producer_index;
	uint32_t producer_serial;
	uint8_t codec;
	uint8_t kind;
	uint8_t producer_worker;
	uint32_t n_consumers;
	uint32_t source_ssrc; // of the newest packet; a change is a new span for every viewer
	uint8_t ext_of_id[256];
	uint32_t packet; // counts source packets
	struct leg_chunk *oldest, *newest; // of viewers; the newest is never empty
	struct leg_class classes[LEG_CLASSES];
	struct leg_class own; // of viewers without a class, made for each
	struct rtx_cache cache; // of mbufs, a reference each
	struct rtx_slot slots[];
};
