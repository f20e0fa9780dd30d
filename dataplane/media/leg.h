// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// What fan-out touches of each viewer, and nothing else: three cache lines, kept in chunks in
// memory order, so that the next ones are on their way while one is worked on. The rest of a
// consumer is cold. Owned by the worker of its audience; chunks are made and freed by the control
// thread.

#include "rewrite.h"

#include <plm_api.h>

#include <stdbool.h>
#include <stdint.h>

struct consumer;
struct srtp_session;

#define LEG_CHUNK 32 // legs of one chunk
#define LEG_CLASSES 8 // sets of header extension ids one audience remembers
#define LEG_NO_CLASS 0xff
#define LEG_RTP_HEADER_MAX 192 // RTP header with extensions that a class holds

enum leg_flag {
	LEG_PAUSED = 1 << 0,
	LEG_WAITING = 1 << 1, // for a key frame
	LEG_V6 = 1 << 2,
};

struct leg {
	// line 0
	struct srtp_session *tx; // NULL: nothing is sent (no keys, no path, consent lost)
	struct consumer *consumer;
	uint64_t packets; // retransmissions excluded
	uint64_t bytes; // RTP payload of these
	uint64_t wire_bytes; // UDP payload of these
	uint32_t ssrc;
	uint32_t ip_sum; // IPv4: header sum without the length
	uint32_t udp_sum; // pseudo header sum without the length
	uint8_t payload_type;
	uint8_t flags; // enum leg_flag
	uint8_t headers_len; // Ethernet, IP, UDP
	uint8_t ext_class; // of its audience
	uint8_t tag_len;
	uint8_t pad[7];
	// line 1
	struct rewrite rewrite;
	uint8_t pad1[64 - sizeof(struct rewrite)];
	// line 2: Ethernet, IP and UDP headers, lengths and checksums zero
	uint8_t headers[64];
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct leg) == 192, "three cache lines");

// A full chunk before every other: only the newest has room.
struct leg_chunk {
	struct leg legs[LEG_CHUNK];
	struct leg_chunk *older, *newer;
	uint32_t n;
} __attribute__((aligned(64)));

// Viewers with the same extension ids and MID get the same RTP header but for four fields: it is
// made once a packet.
struct leg_class {
	struct plm_ext_map ext;
	char mid[PLM_MID_MAX];
	uint32_t n_legs; // 0 = free
	uint32_t packet; // number of the source packet it was made for
	int16_t len; // negative: not possible for this packet
	uint8_t header[LEG_RTP_HEADER_MAX];
};
