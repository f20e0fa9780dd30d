// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Inside the fast backend: sessions, streams, the managers of a thread. Only srtp_ipsecmb*.c
// include this.

#include "srtp_backend.h"
#include "srtp_index.h"
#include "srtp_kdf.h"

#define NO_COMPAT_IMB_API_053
#include <intel-ipsec-mb.h>

#define MB_BURST 64
#define MB_IV_GCM 12
#define MB_IV_CM 16
#define MB_TAG_CM 10
#define MB_TAG_GCM 16
#define MB_HMAC_OUT 12 // what the library writes of an HMAC-SHA1

// One SSRC that we send.
struct mb_tx_stream {
	uint64_t highest; // packet index
	uint32_t ssrc;
	uint32_t rtcp_index; // of the newest compound
	bool started;
};

// One SSRC that we receive. It is kept only once a packet of it was authentic.
struct mb_rx_stream {
	struct srtp_index rtp;
	uint64_t rtcp_seen[2]; // window of 128 below rtcp_highest
	uint32_t rtcp_highest;
	bool rtcp_started;
	uint32_t ssrc;
};

struct mb_cm_keys {
	uint32_t expanded[4 * 11] __attribute__((aligned(16)));
	uint32_t unused[4 * 11] __attribute__((aligned(16))); // decryption schedule: CTR has none
	uint8_t ipad[20], opad[20]; // SHA-1 states
};

// Keys of RTP or RTCP.
struct mb_keys {
	union {
		struct gcm_key_data gcm;
		struct mb_cm_keys cm;
	};
	uint8_t salt[16]; // zero padded
};

struct mb_session {
	struct srtp_session head; // first: the pointers are the same
	unsigned n_streams, newest; // newest: the stream used last
	struct srtp_session_keys
		rtcp; // expanded for each compound: they are few, and memory is not
	union {
		struct mb_tx_stream *tx;
		struct mb_rx_stream *rx;
	};
	struct mb_keys rtp __attribute__((aligned(64)));
};

static inline struct mb_session *mb_session_of(const struct srtp_job *job) {
	return (struct mb_session *)job->session;
}

// The calling thread's manager, and the one for few hashes at a time (SHA extensions). Bound at the
// first call; made by srtp_init. NULL: more threads than there are managers.
IMB_MGR *mb_manager(void);
IMB_MGR *mb_manager_few(void);

// The stream of an SSRC; NULL when it is not known.
struct mb_tx_stream *mb_tx_find(struct mb_session *session, uint32_t ssrc);
struct mb_rx_stream *mb_rx_find(struct mb_session *session, uint32_t ssrc);
// The same, made where needed; NULL: SRTP_STREAMS_MAX there already.
struct mb_tx_stream *mb_tx_take(struct mb_session *session, uint32_t ssrc);
struct mb_rx_stream *mb_rx_take(struct mb_session *session, uint32_t ssrc);

// Index of an RTP packet to send, and the verdict: SRTP_OK, SRTP_NO_STREAM, SRTP_TOO_OLD (a
// repetition from further back than anyone remembers), SRTP_FAILED (key used up).
enum srtp_verdict mb_tx_index(
	struct mb_session *session,
	uint32_t ssrc,
	uint16_t seq,
	uint64_t *ret_index
);

// Index of a received RTP packet, checked against the window, not yet marked.
enum srtp_verdict mb_rx_check(
	struct mb_session *session,
	uint32_t ssrc,
	uint16_t seq,
	uint64_t *ret_index
);
// It was authentic: marked. SRTP_NO_STREAM when there are too many SSRCs.
enum srtp_verdict mb_rx_accept(struct mb_session *session, uint32_t ssrc, uint64_t index);

// The same for SRTCP, whose index is in the packet.
enum srtp_verdict mb_rtcp_check(struct mb_session *session, uint32_t ssrc, uint32_t index);
enum srtp_verdict mb_rtcp_accept(struct mb_session *session, uint32_t ssrc, uint32_t index);

// RFC 7714 8.1, 9.1; RFC 3711 4.1.1.
void mb_iv_gcm(uint8_t *ret_iv, const uint8_t *salt, uint32_t ssrc, uint64_t index);
void mb_iv_gcm_rtcp(uint8_t *ret_iv, const uint8_t *salt, uint32_t ssrc, uint32_t index);
void mb_iv_cm(uint8_t *ret_iv, const uint8_t *salt, uint32_t ssrc, uint64_t index);

// Key set-up of one direction's RTP or RTCP keys.
void mb_gcm_keys(
	struct mb_keys *ret_keys,
	const struct srtp_suite *suite,
	const struct srtp_session_keys *keys
);
void mb_cm_keys(struct mb_keys *ret_keys, const struct srtp_session_keys *keys);

// Batches: n jobs of this cipher that passed srtp_job_check, at most MB_BURST.
void mb_gcm_protect_rtp(struct srtp_job *const *jobs, unsigned n);
void mb_gcm_unprotect_rtp(struct srtp_job *const *jobs, unsigned n);
void mb_gcm_rtcp(struct srtp_job *job, bool protect);
void mb_cm_protect_rtp(struct srtp_job *const *jobs, unsigned n);
void mb_cm_unprotect_rtp(struct srtp_job *const *jobs, unsigned n);
void mb_cm_rtcp(struct srtp_job *job, bool protect);

static inline uint32_t mb_get32(const uint8_t *p) {
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint16_t mb_get16(const uint8_t *p) {
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline void mb_put32(uint8_t *p, uint32_t value) {
	p[0] = (uint8_t)(value >> 24);
	p[1] = (uint8_t)(value >> 16);
	p[2] = (uint8_t)(value >> 8);
	p[3] = (uint8_t)value;
}
