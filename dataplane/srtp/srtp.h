// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// SRTP and SRTCP (RFC 3711, RFC 7714) in batches. Stages call this and nothing below it; a backend
// is a table of functions (srtp_backend). Self-tested at start with the RFCs' vectors.

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
	SRTP_REPLAYED,    // index seen before
	SRTP_TOO_OLD,     // index left of the replay window
	SRTP_MALFORMED,   // shorter than header and tag
	SRTP_NO_STREAM,   // more SSRCs than SRTP_STREAMS_MAX
	SRTP_FAILED,      // anything else of the backend
};

#define SRTP_STREAMS_MAX 32 // SSRCs one session keeps indexes for; one more is SRTP_NO_STREAM

enum srtp_direction { SRTP_RX, SRTP_TX };

// One direction of one transport: keys, and per SSRC the index and the replay window (1024).
// Owned by one worker after creation; nothing inside is locked.
struct srtp_session;

// Picks the backend ("auto", "libsrtp2"), initialises it and runs the vectors. Call once, before
// any session. Returns 0, -EINVAL (unknown name), -EIO (a vector failed: do not start).
int srtp_init(const char *backend);
const char *srtp_backend_name(void);

// key: master key followed by master salt, key_len + salt_len bytes. Not for workers (allocates).
// Returns NULL with errno EINVAL (length) or ENOMEM. The caller keeps and wipes key.
struct srtp_session *srtp_session_new(const struct srtp_suite *suite, enum srtp_direction direction, const struct plm_secret *key);
void srtp_session_free(struct srtp_session *session); // wipes; NULL is fine

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

// Each handles n jobs of any sessions, in order for jobs of one session. The same sequence number
// may be protected again with the very same bytes (retransmission).
void srtp_unprotect_rtp(struct srtp_job *jobs, unsigned n);
void srtp_unprotect_rtcp(struct srtp_job *jobs, unsigned n);
void srtp_protect_rtp(struct srtp_job *jobs, unsigned n);
void srtp_protect_rtcp(struct srtp_job *jobs, unsigned n);
