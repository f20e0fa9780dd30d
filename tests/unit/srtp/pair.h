// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// A sender and a receiver with the same key, and packets for them, for the tests of srtp.h.

#include "srtp.h"

// cmocka.h wants the others before it.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <string.h>

#define PAIR_ROOM 1600
#define PAIR_SSRC 0x504c454e

static const uint16_t pair_suites[] = {0x0001, 0x0007, 0x0008};
#define PAIR_SUITES (sizeof(pair_suites) / sizeof(pair_suites[0]))

struct pair {
	const struct srtp_suite *suite;
	struct plm_secret key;
	struct srtp_session *tx;
	struct srtp_session *rx;
};

struct packet {
	uint8_t data[PAIR_ROOM];
	uint16_t len;
};

static inline void pair_open(struct pair *pair, uint16_t suite) {
	*pair = (struct pair){.suite = srtp_suite_find(suite)};
	pair->key.len = pair->suite->key_len + pair->suite->salt_len;
	for (unsigned i = 0; i < pair->key.len; i++)
		pair->key.bytes[i] = (uint8_t)(i * 11 + 3);
	pair->tx = srtp_session_new(pair->suite, SRTP_TX, &pair->key);
	pair->rx = srtp_session_new(pair->suite, SRTP_RX, &pair->key);
	assert_non_null(pair->tx);
	assert_non_null(pair->rx);
}

static inline void pair_close(struct pair *pair) {
	srtp_session_free(pair->tx);
	srtp_session_free(pair->rx);
}

// Runs the block behind it with a fresh pair of each suite.
#define FOR_EACH_SUITE(pair)                                                                       \
	for (size_t suite_i_ = 0;                                                                  \
	     suite_i_ < PAIR_SUITES && (pair_open(pair, pair_suites[suite_i_]), true);             \
	     pair_close(pair), suite_i_++)

static inline void be_write(uint8_t *dst, uint32_t value, int n) {
	for (int i = 0; i < n; i++)
		dst[i] = (uint8_t)(value >> (8 * (n - 1 - i)));
}

// An RTP packet in clear whose payload follows from its numbers.
static inline void rtp_make(
	struct packet *packet,
	uint32_t ssrc,
	uint16_t seq,
	uint16_t payload_len
) {
	memset(packet, 0, sizeof(*packet));
	packet->data[0] = 0x80;
	packet->data[1] = 96;
	be_write(packet->data + 2, seq, 2);
	be_write(packet->data + 4, seq * 3000U, 4);
	be_write(packet->data + 8, ssrc, 4);
	for (unsigned i = 0; i < payload_len; i++)
		packet->data[12 + i] = (uint8_t)(seq * 7 + ssrc + i);
	packet->len = 12 + payload_len;
}

// A sender report in clear.
static inline void rtcp_make(struct packet *packet, uint32_t ssrc, uint32_t mark) {
	memset(packet, 0, sizeof(*packet));
	packet->data[0] = 0x80;
	packet->data[1] = 200;
	packet->data[3] = 6;
	be_write(packet->data + 4, ssrc, 4);
	be_write(packet->data + 8, mark, 4);
	packet->len = 28;
}

// Each runs one packet as a batch of one and returns the verdict.
static inline enum srtp_verdict rtp_protect(struct srtp_session *tx, struct packet *packet) {
	struct srtp_job job = {
		.session = tx,
		.data = packet->data,
		.payload = packet->data + 12,
		.header_len = 12,
		.payload_len = packet->len - 12,
	};

	srtp_protect_rtp(&job, 1);
	if (job.verdict == SRTP_OK)
		packet->len = job.len;
	return job.verdict;
}

typedef void (*pair_call)(struct srtp_job *jobs, unsigned n);

static inline enum srtp_verdict in_place(
	pair_call call,
	struct srtp_session *s,
	struct packet *packet
) {
	struct srtp_job job = {.session = s, .data = packet->data, .len = packet->len};

	call(&job, 1);
	packet->len = job.len;
	return job.verdict;
}

static inline enum srtp_verdict rtp_unprotect(struct srtp_session *rx, struct packet *packet) {
	return in_place(srtp_unprotect_rtp, rx, packet);
}

static inline enum srtp_verdict rtcp_protect(struct srtp_session *tx, struct packet *packet) {
	return in_place(srtp_protect_rtcp, tx, packet);
}

static inline enum srtp_verdict rtcp_unprotect(struct srtp_session *rx, struct packet *packet) {
	return in_place(srtp_unprotect_rtcp, rx, packet);
}

static inline void packets_equal(const struct packet *a, const struct packet *b) {
	assert_int_equal(a->len, b->len);
	assert_memory_equal(a->data, b->data, a->len);
}
