// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// What srtp.h and the backends share: suites, verdicts, jobs. Apart from srtp.h because libsrtp2
// declares some of the same function names.

#include <plm_secret.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Protection profiles (RFC 5764 4.1.2, RFC 7714 14.2): the one table of key lengths and tags.
struct srtp_suite {
	uint16_t number; // enum plm_srtp_suite
	uint8_t key_len;
	uint8_t salt_len;
	uint8_t rtp_tag_len;
	uint8_t rtcp_trailer_len; // tag and the E+index word
	bool aead;
	const char *name;
};

const struct srtp_suite *srtp_suite_find(uint16_t number); // NULL = unknown

// Longest growth of a packet by protection, any suite, RTP or RTCP.
#define SRTP_TRAILER_MAX 20

enum srtp_verdict {
	SRTP_OK,
	SRTP_AUTH_FAILED, // tag wrong
	SRTP_REPLAYED, // index seen before
	SRTP_TOO_OLD, // index left of the replay window
	SRTP_MALFORMED, // shorter than header and tag
	SRTP_NO_STREAM, // more SSRCs than SRTP_STREAMS_MAX
	SRTP_FAILED, // anything else of the backend
};

#define SRTP_STREAMS_MAX 16 // SSRCs one session keeps indexes for; one more is SRTP_NO_STREAM

enum srtp_direction {
	SRTP_RX,
	SRTP_TX
};

// One direction of one transport: keys, and per SSRC the index and the replay window (1024).
// Owned by one worker after creation; nothing inside is locked.
struct srtp_session;

// One packet. Unprotect works in place: data..len is the whole packet; on SRTP_OK len has shrunk.
// Protect of RTP is out of place: data holds the finished RTP header (header_len bytes), payload is
// read from payload (payload_len bytes, may lie anywhere, is not changed) and the ciphertext is
// written behind the header; data has room for SRTP_TRAILER_MAX more; on SRTP_OK len is the length
// of the whole packet. payload == data + header_len is allowed (in place).
// Protect of RTCP is in place: data..len, room for SRTP_TRAILER_MAX.
struct srtp_job {
	struct srtp_session *session;
	uint8_t *data;
	const uint8_t *payload;
	uint16_t len;
	uint16_t header_len;
	uint16_t payload_len;
	uint16_t verdict; // enum srtp_verdict, written by the call
};
