// SPDX-License-Identifier: BSD-3-Clause

// The portable backend and the oracle of the tests, on libsrtp2. Slow on Debian, where it sits on
// NSS. It allocates when a session meets a new SSRC. Must not include srtp.h: libsrtp2 declares
// functions of the same names.

#include "srtp_backend.h"
#include "srtp_index.h"
#include "srtp_packet.h"

#include <plm_api.h>

#include <srtp2/srtp.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// A retransmission needs its index within the sender's window too; there the window costs memory
// (a bit per packet) and protects from nothing.
#define TX_WINDOW 16384

// Its SSRCs are counted here because libsrtp2 sets no limit.
struct libsrtp2_session {
	struct srtp_session head; // first: the pointers are the same
	srtp_t ctx;
	uint32_t ssrcs[SRTP_STREAMS_MAX];
	unsigned n_ssrcs;
};

static int backend_init(void) {
	static bool done; // the main thread's, before there are workers

	if (!done && srtp_init() != srtp_err_status_ok)
		return -EIO;
	done = true;
	return 0;
}

static int policy_set(srtp_policy_t *policy, const struct srtp_suite *suite) {
	switch (suite->number) {
	case PLM_SRTP_AES128_CM_HMAC_SHA1_80:
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy->rtp);
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy->rtcp);
		return 0;
	case PLM_SRTP_AEAD_AES_128_GCM:
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy->rtp);
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy->rtcp);
		return 0;
	case PLM_SRTP_AEAD_AES_256_GCM:
		srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy->rtp);
		srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy->rtcp);
		return 0;
	default:
		return -EINVAL;
	}
}

static struct srtp_session *session_new(
	const struct srtp_suite *suite,
	enum srtp_direction direction,
	const struct plm_secret *key
) {
	struct libsrtp2_session *session = NULL;
	struct plm_secret copy = *key; // libsrtp2 takes no const
	srtp_policy_t policy = {
		.ssrc.type = direction == SRTP_RX ? ssrc_any_inbound : ssrc_any_outbound,
		.key = copy.bytes,
		.window_size = direction == SRTP_RX ? SRTP_REPLAY_WINDOW : TX_WINDOW,
		.allow_repeat_tx = 1,
	};
	int err = -policy_set(&policy, suite);

	if (err != 0)
		goto end;
	session = calloc(1, sizeof(*session));
	if (session == NULL) {
		err = ENOMEM;
		goto end;
	}
	session->head.suite = suite;
	session->head.direction = direction;
	// With lengths and policy right, all that fails in there is allocation.
	if (srtp_create(&session->ctx, &policy) != srtp_err_status_ok) {
		free(session);
		session = NULL;
		err = ENOMEM;
	}
end:
	plm_secret_wipe(&copy);
	if (session == NULL) {
		errno = err;
		return NULL;
	}
	return &session->head;
}

static void session_free(struct srtp_session *head) {
	struct libsrtp2_session *session = (struct libsrtp2_session *)head;

	srtp_dealloc(session->ctx); // wipes its keys
	plm_wipe(session, sizeof(*session));
	free(session);
}

static uint32_t be32_read(const uint8_t *data) {
	return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

static bool ssrc_known(const struct libsrtp2_session *session, uint32_t ssrc) {
	for (unsigned i = 0; i < session->n_ssrcs; i++) {
		if (session->ssrcs[i] == ssrc)
			return true;
	}
	return false;
}

static enum srtp_verdict verdict_of(srtp_err_status_t status) {
	switch (status) {
	case srtp_err_status_ok:
		return SRTP_OK;
	case srtp_err_status_auth_fail:
		return SRTP_AUTH_FAILED;
	case srtp_err_status_replay_fail:
		return SRTP_REPLAYED;
	case srtp_err_status_replay_old:
	case srtp_err_status_pkt_idx_old:
		return SRTP_TOO_OLD;
	case srtp_err_status_bad_param:
	case srtp_err_status_parse_err:
		return SRTP_MALFORMED;
	default:
		return SRTP_FAILED;
	}
}

// One call of libsrtp2 on data..len with the session's SSRC limit around it. The limit is looked at
// first, but an SSRC is counted only once a packet of it was good: forgeries take no room.
static void packet_run(
	struct srtp_job *job,
	uint32_t ssrc,
	srtp_err_status_t (*call)(srtp_t ctx, void *data, int *len)
) {
	struct libsrtp2_session *session = (struct libsrtp2_session *)job->session;
	bool known = ssrc_known(session, ssrc);
	int len = job->len;

	if (!known && session->n_ssrcs == SRTP_STREAMS_MAX) {
		job->verdict = SRTP_NO_STREAM;
		return;
	}
	job->verdict = verdict_of(call(session->ctx, job->data, &len));
	if (job->verdict != SRTP_OK)
		return;
	job->len = (uint16_t)len;
	if (!known)
		session->ssrcs[session->n_ssrcs++] = ssrc;
}

static void unprotect_rtp(struct srtp_job *jobs, unsigned n) {
	for (struct srtp_job *job = jobs; job < jobs + n; job++) {
		job->verdict = srtp_job_check(job, SRTP_UNPROTECT_RTP);
		if (job->verdict == SRTP_OK)
			packet_run(job, be32_read(job->data + 8), srtp_unprotect);
	}
}

static void unprotect_rtcp(struct srtp_job *jobs, unsigned n) {
	for (struct srtp_job *job = jobs; job < jobs + n; job++) {
		job->verdict = srtp_job_check(job, SRTP_UNPROTECT_RTCP);
		if (job->verdict == SRTP_OK)
			packet_run(job, be32_read(job->data + 4), srtp_unprotect_rtcp);
	}
}

static void protect_rtp(struct srtp_job *jobs, unsigned n) {
	for (struct srtp_job *job = jobs; job < jobs + n; job++) {
		uint16_t len = job->len;

		job->verdict = srtp_job_check(job, SRTP_PROTECT_RTP);
		if (job->verdict != SRTP_OK)
			continue;
		if (job->payload_len > 0 && job->payload != job->data + job->header_len)
			memmove(job->data + job->header_len, job->payload, job->payload_len);
		job->len = job->header_len + job->payload_len;
		packet_run(job, be32_read(job->data + 8), srtp_protect);
		if (job->verdict != SRTP_OK)
			job->len = len;
	}
}

static void protect_rtcp(struct srtp_job *jobs, unsigned n) {
	for (struct srtp_job *job = jobs; job < jobs + n; job++) {
		job->verdict = srtp_job_check(job, SRTP_PROTECT_RTCP);
		if (job->verdict == SRTP_OK)
			packet_run(job, be32_read(job->data + 4), srtp_protect_rtcp);
	}
}

const struct srtp_backend srtp_backend_libsrtp2 = {
	.name = "libsrtp2",
	.init = backend_init,
	.session_new = session_new,
	.session_free = session_free,
	.unprotect_rtp = unprotect_rtp,
	.unprotect_rtcp = unprotect_rtcp,
	.protect_rtp = protect_rtp,
	.protect_rtcp = protect_rtcp,
};
