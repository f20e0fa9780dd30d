// SPDX-License-Identifier: BSD-3-Clause

// data[0] picks the suite (modulo 3); the rest is taken as a protected RTP packet, as a protected
// RTCP packet, and as an RTP and an RTCP packet in clear, which, where it can be protected at all,
// must come back as it was.

#include "srtp.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PACKET_MAX 2000

static void check(bool ok) {
	if (!ok)
		abort();
}

typedef void (*batch_call)(struct srtp_job *jobs, unsigned n);

// In a buffer of exactly room bytes behind the packet.
static uint8_t *packet_copy(const uint8_t *data, size_t len, size_t room) {
	uint8_t *copy = malloc(len + room + (len + room == 0));

	check(copy != NULL);
	memcpy(copy, data, len);
	return copy;
}

// Arbitrary bytes: whatever comes out, twice is once too often.
static void open_any(batch_call call, struct srtp_session *rx, const uint8_t *data, size_t len) {
	uint8_t *copy = packet_copy(data, len, 0);
	struct srtp_job job = {.session = rx, .data = copy, .len = (uint16_t)len};

	call(&job, 1);
	check(job.verdict == SRTP_OK ? job.len < len : job.len == len);
	if (job.verdict == SRTP_OK) {
		memcpy(copy, data, len);
		job.len = (uint16_t)len;
		call(&job, 1);
		check(job.verdict == SRTP_REPLAYED);
	}
	free(copy);
}

static void rtp_there_and_back(
	struct srtp_session *tx,
	struct srtp_session *rx,
	const uint8_t *data,
	size_t len
) {
	// The header's length, told by trying: only the right one is accepted.
	for (size_t header_len = 12; header_len <= len; header_len += 4) {
		uint8_t *copy = packet_copy(data, header_len, len - header_len + SRTP_TRAILER_MAX);
		struct srtp_job job = {
			.session = tx,
			.data = copy,
			.payload = data + header_len,
			.header_len = (uint16_t)header_len,
			.payload_len = (uint16_t)(len - header_len),
		};
		bool accepted;

		srtp_protect_rtp(&job, 1);
		accepted = job.verdict == SRTP_OK;
		if (accepted) {
			job.session = rx;
			srtp_unprotect_rtp(&job, 1);
			check(job.verdict == SRTP_OK && job.len == len);
			check(memcmp(copy, data, len) == 0);
		}
		free(copy);
		if (accepted)
			return;
	}
}

static void rtcp_there_and_back(
	struct srtp_session *tx,
	struct srtp_session *rx,
	const uint8_t *data,
	size_t len
) {
	uint8_t *copy = packet_copy(data, len, SRTP_TRAILER_MAX);
	struct srtp_job job = {.session = tx, .data = copy, .len = (uint16_t)len};

	srtp_protect_rtcp(&job, 1);
	if (job.verdict == SRTP_OK) {
		job.session = rx;
		srtp_unprotect_rtcp(&job, 1);
		check(job.verdict == SRTP_OK && job.len == len);
		check(memcmp(copy, data, len) == 0);
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static const uint16_t suites[] = {0x0001, 0x0007, 0x0008};
	static bool started;
	const struct srtp_suite *suite;
	struct srtp_session *tx, *rx[2];
	struct plm_secret key;

	if (size < 1 || size > PACKET_MAX)
		return 0;
	if (!started)
		check(srtp_init("auto") == 0);
	started = true;
	suite = srtp_suite_find(suites[data[0] % 3]);
	key.len = suite->key_len + suite->salt_len;
	for (unsigned i = 0; i < key.len; i++)
		key.bytes[i] = (uint8_t)(i * 11 + 3);
	tx = srtp_session_new(suite, SRTP_TX, &key);
	rx[0] = srtp_session_new(suite, SRTP_RX, &key);
	rx[1] = srtp_session_new(suite, SRTP_RX, &key);
	check(tx != NULL && rx[0] != NULL && rx[1] != NULL);
	open_any(srtp_unprotect_rtp, rx[0], data + 1, size - 1);
	open_any(srtp_unprotect_rtcp, rx[0], data + 1, size - 1);
	rtp_there_and_back(tx, rx[1], data + 1, size - 1);
	rtcp_there_and_back(tx, rx[1], data + 1, size - 1);
	srtp_session_free(tx);
	srtp_session_free(rx[0]);
	srtp_session_free(rx[1]);
	return 0;
}
