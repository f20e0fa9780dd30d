// SPDX-License-Identifier: BSD-3-Clause

// AEAD_AES_128_GCM and AEAD_AES_256_GCM (RFC 7714) by direct calls, in two passes: all IVs first,
// then all packets, so that no IV is read back while its bytes are still being stored.

#include "srtp_ipsecmb.h"
#include "srtp_packet.h"

#include <openssl/crypto.h>

#include <string.h>

#define RTCP_E 0x80000000U // the packet is encrypted (RFC 3711 3.4)

void mb_gcm_keys(
	struct mb_keys *ret_keys,
	const struct srtp_suite *suite,
	const struct srtp_session_keys *keys
) {
	IMB_MGR *mgr = mb_manager();

	if (suite->key_len == 16)
		IMB_AES128_GCM_PRE(mgr, keys->key, &ret_keys->gcm);
	else
		IMB_AES256_GCM_PRE(mgr, keys->key, &ret_keys->gcm);
	memcpy(ret_keys->salt, keys->salt, suite->salt_len);
}

struct gcm_call {
	const struct gcm_key_data *key;
	uint8_t *dst;
	const uint8_t *src;
	uint64_t len;
	const uint8_t *iv, *aad;
	uint64_t aad_len;
	uint8_t *tag;
};

static inline void encrypt(IMB_MGR *mgr, const struct gcm_call *c, bool short_key) {
	struct gcm_context_data ctx;

	if (short_key)
		IMB_AES128_GCM_ENC(
			mgr,
			c->key,
			&ctx,
			c->dst,
			c->src,
			c->len,
			c->iv,
			c->aad,
			c->aad_len,
			c->tag,
			MB_TAG_GCM
		);
	else
		IMB_AES256_GCM_ENC(
			mgr,
			c->key,
			&ctx,
			c->dst,
			c->src,
			c->len,
			c->iv,
			c->aad,
			c->aad_len,
			c->tag,
			MB_TAG_GCM
		);
}

static inline void decrypt(IMB_MGR *mgr, const struct gcm_call *c, bool short_key) {
	struct gcm_context_data ctx;

	if (short_key)
		IMB_AES128_GCM_DEC(
			mgr,
			c->key,
			&ctx,
			c->dst,
			c->src,
			c->len,
			c->iv,
			c->aad,
			c->aad_len,
			c->tag,
			MB_TAG_GCM
		);
	else
		IMB_AES256_GCM_DEC(
			mgr,
			c->key,
			&ctx,
			c->dst,
			c->src,
			c->len,
			c->iv,
			c->aad,
			c->aad_len,
			c->tag,
			MB_TAG_GCM
		);
}

void mb_gcm_protect_rtp(struct srtp_job *const *jobs, unsigned n) {
	uint8_t ivs[MB_BURST][16];
	IMB_MGR *mgr = mb_manager();

	for (unsigned i = 0; i < n; i++) {
		struct mb_session *session = mb_session_of(jobs[i]);
		const uint8_t *header = jobs[i]->data;
		uint32_t ssrc = mb_get32(header + 8);
		uint64_t index;

		jobs[i]->verdict = (uint16_t
		)mb_tx_index(session, ssrc, mb_get16(header + 2), &index);
		if (jobs[i]->verdict == SRTP_OK)
			mb_iv_gcm(ivs[i], session->rtp.salt, ssrc, index);
	}
	for (unsigned i = 0; i < n; i++) {
		struct srtp_job *job = jobs[i];
		const struct gcm_call call = {
			.key = &mb_session_of(job)->rtp.gcm,
			.dst = job->data + job->header_len,
			.src = job->payload,
			.len = job->payload_len,
			.iv = ivs[i],
			.aad = job->data,
			.aad_len = job->header_len,
			.tag = job->data + job->header_len + job->payload_len,
		};

		if (job->verdict != SRTP_OK)
			continue;
		encrypt(mgr, &call, job->session->suite->key_len == 16);
		job->len = (uint16_t)(job->header_len + job->payload_len + MB_TAG_GCM);
	}
}

// One after the other: each verdict counts for the next packet of the stream.
void mb_gcm_unprotect_rtp(struct srtp_job *const *jobs, unsigned n) {
	IMB_MGR *mgr = mb_manager();

	for (unsigned i = 0; i < n; i++) {
		struct srtp_job *job = jobs[i];
		struct mb_session *session = mb_session_of(job);
		uint32_t ssrc = mb_get32(job->data + 8);
		uint8_t iv[16], tag[MB_TAG_GCM];
		unsigned header_len = (unsigned)srtp_header_len(job->data, job->len);
		unsigned len = job->len - header_len - MB_TAG_GCM;
		const struct gcm_call call = {
			.key = &session->rtp.gcm,
			.dst = job->data + header_len,
			.src = job->data + header_len,
			.len = len,
			.iv = iv,
			.aad = job->data,
			.aad_len = header_len,
			.tag = tag,
		};
		uint64_t index;

		job->verdict = (uint16_t
		)mb_rx_check(session, ssrc, mb_get16(job->data + 2), &index);
		if (job->verdict != SRTP_OK)
			continue;
		mb_iv_gcm(iv, session->rtp.salt, ssrc, index);
		decrypt(mgr, &call, job->session->suite->key_len == 16);
		if (CRYPTO_memcmp(tag, job->data + header_len + len, MB_TAG_GCM) != 0) {
			job->verdict = SRTP_AUTH_FAILED;
			continue;
		}
		job->verdict = (uint16_t)mb_rx_accept(session, ssrc, index);
		job->len = (uint16_t)(header_len + len);
	}
}

// RFC 7714 9: header and E-index word are authenticated; the tag lies before that word.
static void protect_rtcp(struct srtp_job *job, const struct mb_keys *keys) {
	struct mb_session *session = mb_session_of(job);
	uint32_t ssrc = mb_get32(job->data + 4);
	struct mb_tx_stream *stream = mb_tx_take(session, ssrc);
	uint8_t iv[16], aad[SRTP_RTCP_HEADER_LEN + 4];
	uint32_t index;
	const struct gcm_call call = {
		.key = &keys->gcm,
		.dst = job->data + SRTP_RTCP_HEADER_LEN,
		.src = job->data + SRTP_RTCP_HEADER_LEN,
		.len = job->len - SRTP_RTCP_HEADER_LEN,
		.iv = iv,
		.aad = aad,
		.aad_len = sizeof(aad),
		.tag = job->data + job->len,
	};

	if (stream == NULL || stream->rtcp_index >= RTCP_E - 1) {
		job->verdict = stream == NULL ? SRTP_NO_STREAM : SRTP_FAILED;
		return;
	}
	index = ++stream->rtcp_index;
	mb_iv_gcm_rtcp(iv, keys->salt, ssrc, index);
	memcpy(aad, job->data, SRTP_RTCP_HEADER_LEN);
	mb_put32(aad + SRTP_RTCP_HEADER_LEN, RTCP_E | index);
	encrypt(mb_manager(), &call, job->session->suite->key_len == 16);
	mb_put32(job->data + job->len + MB_TAG_GCM, RTCP_E | index);
	job->len = (uint16_t)(job->len + MB_TAG_GCM + 4);
}

static void unprotect_rtcp(struct srtp_job *job, const struct mb_keys *keys) {
	struct mb_session *session = mb_session_of(job);
	uint32_t ssrc = mb_get32(job->data + 4), word = mb_get32(job->data + job->len - 4);
	uint32_t index = word & ~RTCP_E;
	unsigned len = job->len - SRTP_RTCP_HEADER_LEN - MB_TAG_GCM - 4U;
	uint8_t iv[16], aad[SRTP_RTCP_HEADER_LEN + 4], tag[MB_TAG_GCM];
	const struct gcm_call call = {
		.key = &keys->gcm,
		.dst = job->data + SRTP_RTCP_HEADER_LEN,
		.src = job->data + SRTP_RTCP_HEADER_LEN,
		.len = len,
		.iv = iv,
		.aad = aad,
		.aad_len = sizeof(aad),
		.tag = tag,
	};

	if ((word & RTCP_E) == 0) {
		job->verdict = SRTP_AUTH_FAILED; // in clear: nothing that our keys made
		return;
	}
	job->verdict = (uint16_t)mb_rtcp_check(session, ssrc, index);
	if (job->verdict != SRTP_OK)
		return;
	mb_iv_gcm_rtcp(iv, keys->salt, ssrc, index);
	memcpy(aad, job->data, SRTP_RTCP_HEADER_LEN);
	mb_put32(aad + SRTP_RTCP_HEADER_LEN, word);
	decrypt(mb_manager(), &call, job->session->suite->key_len == 16);
	if (CRYPTO_memcmp(tag, job->data + SRTP_RTCP_HEADER_LEN + len, MB_TAG_GCM) != 0) {
		job->verdict = SRTP_AUTH_FAILED;
		return;
	}
	job->verdict = (uint16_t)mb_rtcp_accept(session, ssrc, index);
	job->len = (uint16_t)(SRTP_RTCP_HEADER_LEN + len);
}

void mb_gcm_rtcp(struct srtp_job *job, bool protect) {
	struct mb_keys keys;

	mb_gcm_keys(&keys, job->session->suite, &mb_session_of(job)->rtcp);
	if (protect)
		protect_rtcp(job, &keys);
	else
		unprotect_rtcp(job, &keys);
	plm_wipe(&keys, sizeof(keys));
}
