// SPDX-License-Identifier: BSD-3-Clause

// AES_CM_128_HMAC_SHA1_80 (RFC 3711) by bursts over all jobs of a call, whoever they belong to:
// first the cipher, then the hash, 16 lanes at a time.

#include "srtp_ipsecmb.h"
#include "srtp_packet.h"

#include <openssl/crypto.h>

#include <string.h>

#define RTCP_E 0x80000000U
#define SHA1_BLOCK 64
#define FEW_LONG 4 // fewer packets than this are hashed faster by the SHA extensions
#define FEW_SHORT 7
#define SHORT 400 // bytes

// States of SHA-1 after the padded key (RFC 2104), what the library starts from.
static void hmac_states(const uint8_t *key, uint8_t *ret_ipad, uint8_t *ret_opad) {
	uint8_t block[SHA1_BLOCK];
	IMB_MGR *mgr = mb_manager();

	memset(block, 0x36, sizeof(block));
	for (unsigned i = 0; i < SRTP_AUTH_KEY_LEN; i++)
		block[i] ^= key[i];
	IMB_SHA1_ONE_BLOCK(mgr, block, ret_ipad);
	memset(block, 0x5c, sizeof(block));
	for (unsigned i = 0; i < SRTP_AUTH_KEY_LEN; i++)
		block[i] ^= key[i];
	IMB_SHA1_ONE_BLOCK(mgr, block, ret_opad);
	plm_wipe(block, sizeof(block));
}

void mb_cm_keys(struct mb_keys *ret_keys, const struct srtp_session_keys *keys) {
	IMB_AES_KEYEXP_128(mb_manager(), keys->key, ret_keys->cm.expanded, ret_keys->cm.unused);
	hmac_states(keys->auth, ret_keys->cm.ipad, ret_keys->cm.opad);
	memset(ret_keys->salt, 0, sizeof(ret_keys->salt)); // the IV takes two bytes more
	memcpy(ret_keys->salt, keys->salt, SRTP_SALT_MAX);
}

static void cipher_job(
	IMB_JOB *ret_job,
	const struct mb_keys *keys,
	const uint8_t *src,
	uint8_t *dst,
	uint64_t len,
	const uint8_t *iv
) {
	ret_job->cipher_mode = IMB_CIPHER_CNTR;
	ret_job->cipher_direction = IMB_DIR_ENCRYPT;
	ret_job->chain_order = IMB_ORDER_CIPHER_HASH;
	ret_job->hash_alg = IMB_AUTH_NULL;
	ret_job->enc_keys = keys->cm.expanded;
	ret_job->dec_keys = keys->cm.expanded;
	ret_job->key_len_in_bytes = 16;
	ret_job->src = src;
	ret_job->dst = dst;
	ret_job->cipher_start_src_offset_in_bytes = 0;
	ret_job->msg_len_to_cipher_in_bytes = len;
	ret_job->iv = iv;
	ret_job->iv_len_in_bytes = MB_IV_CM;
}

static void hash_job(
	IMB_JOB *ret_job,
	const struct mb_keys *keys,
	const uint8_t *src,
	uint64_t len,
	uint8_t *tag
) {
	ret_job->cipher_mode = IMB_CIPHER_NULL;
	ret_job->cipher_direction = IMB_DIR_ENCRYPT;
	ret_job->chain_order = IMB_ORDER_HASH_CIPHER;
	ret_job->hash_alg = IMB_AUTH_HMAC_SHA_1;
	ret_job->src = src;
	ret_job->hash_start_src_offset_in_bytes = 0;
	ret_job->msg_len_to_hash_in_bytes = len;
	ret_job->auth_tag_output = tag;
	ret_job->auth_tag_output_len_in_bytes = MB_HMAC_OUT;
	ret_job->u.HMAC._hashed_auth_key_xor_ipad = keys->cm.ipad;
	ret_job->u.HMAC._hashed_auth_key_xor_opad = keys->cm.opad;
}

static void run_ciphers(IMB_JOB *jobs, unsigned n) {
	if (n > 0)
		IMB_SUBMIT_CIPHER_BURST_NOCHECK(
			mb_manager(), jobs, n, IMB_CIPHER_CNTR, IMB_DIR_ENCRYPT, IMB_KEY_128_BYTES
		);
}

static void run_hashes(IMB_JOB *jobs, unsigned n) {
	IMB_MGR *mgr;

	if (n == 0)
		return;
	mgr = n < (jobs[0].msg_len_to_hash_in_bytes < SHORT ? FEW_SHORT : FEW_LONG)
		? mb_manager_few()
		: mb_manager();
	IMB_SUBMIT_HASH_BURST_NOCHECK(mgr, jobs, n, IMB_AUTH_HMAC_SHA_1);
}

void mb_cm_protect_rtp(struct srtp_job *const *jobs, unsigned n) {
	uint8_t ivs[MB_BURST][MB_IV_CM];
	IMB_JOB ciphers[MB_BURST], hashes[MB_BURST];
	unsigned n_ciphers = 0, n_hashes = 0;

	for (unsigned i = 0; i < n; i++) {
		struct srtp_job *job = jobs[i];
		struct mb_session *session = mb_session_of(job);
		uint32_t ssrc = mb_get32(job->data + 8);
		uint8_t *body = job->data + job->header_len, *end = body + job->payload_len;
		uint64_t index;

		job->verdict = (uint16_t
		)mb_tx_index(session, ssrc, mb_get16(job->data + 2), &index);
		if (job->verdict != SRTP_OK)
			continue;
		if (job->payload_len > 0) {
			mb_iv_cm(ivs[i], session->rtp.salt, ssrc, index);
			cipher_job(
				&ciphers[n_ciphers++],
				&session->rtp,
				job->payload,
				body,
				job->payload_len,
				ivs[i]
			);
		}
		// The rollover counter is hashed behind the packet; then the tag takes its place.
		mb_put32(end, (uint32_t)(index >> 16));
		hash_job(
			&hashes[n_hashes++],
			&session->rtp,
			job->data,
			(uint64_t)job->header_len + job->payload_len + 4,
			end
		);
		job->len = (uint16_t)(job->header_len + job->payload_len + MB_TAG_CM);
	}
	run_ciphers(ciphers, n_ciphers);
	run_hashes(hashes, n_hashes);
}

// A received packet on its way through the burst.
struct rx {
	struct srtp_job *job;
	uint64_t index;
	uint32_t ssrc;
	uint8_t theirs[MB_TAG_CM]; // the tag that came
	uint8_t ours[MB_HMAC_OUT];
};

// Those of list that are authentic, in order: each verdict counts for the next of its stream.
static void accept_all(struct rx *list, unsigned n) {
	uint8_t ivs[MB_BURST][MB_IV_CM];
	IMB_JOB ciphers[MB_BURST];
	unsigned n_ciphers = 0;

	for (unsigned i = 0; i < n; i++) {
		struct srtp_job *job = list[i].job;
		struct mb_session *session = mb_session_of(job);
		unsigned header_len = (unsigned)srtp_header_len(job->data, job->len);
		unsigned len = job->len - header_len - MB_TAG_CM;
		const struct mb_rx_stream *stream = mb_rx_find(session, list[i].ssrc);

		memcpy(job->data + header_len + len, list[i].theirs, MB_TAG_CM);
		if (CRYPTO_memcmp(list[i].ours, list[i].theirs, MB_TAG_CM) != 0) {
			job->verdict = SRTP_AUTH_FAILED;
			continue;
		}
		// Seen a moment ago, in this very burst?
		if (stream != NULL)
			job->verdict = (uint16_t)srtp_index_check(&stream->rtp, list[i].index);
		if (job->verdict == SRTP_OK)
			job->verdict = (uint16_t)mb_rx_accept(session, list[i].ssrc, list[i].index);
		if (job->verdict != SRTP_OK)
			continue;
		job->len = (uint16_t)(header_len + len);
		if (len == 0)
			continue;
		mb_iv_cm(ivs[n_ciphers], session->rtp.salt, list[i].ssrc, list[i].index);
		cipher_job(
			&ciphers[n_ciphers],
			&session->rtp,
			job->data + header_len,
			job->data + header_len,
			len,
			ivs[n_ciphers]
		);
		n_ciphers++;
	}
	run_ciphers(ciphers, n_ciphers);
}

static void flush(struct rx *list, IMB_JOB *hashes, unsigned *n) {
	run_hashes(hashes, *n);
	accept_all(list, *n);
	*n = 0;
}

void mb_cm_unprotect_rtp(struct srtp_job *const *jobs, unsigned n) {
	struct rx list[MB_BURST];
	IMB_JOB hashes[MB_BURST];
	unsigned n_list = 0;

	for (unsigned i = 0; i < n; i++) {
		struct srtp_job *job = jobs[i];
		struct mb_session *session = mb_session_of(job);
		struct rx *rx = &list[n_list];
		unsigned len = job->len - MB_TAG_CM;
		bool fresh;

		rx->job = job;
		rx->ssrc = mb_get32(job->data + 8);
		// The index of a new stream's second packet depends on its first: no guessing then.
		fresh = mb_rx_find(session, rx->ssrc) == NULL;
		if (fresh && n_list > 0) {
			flush(list, hashes, &n_list);
			rx = &list[0];
			rx->job = job;
			rx->ssrc = mb_get32(job->data + 8);
		}
		job->verdict = (uint16_t
		)mb_rx_check(session, rx->ssrc, mb_get16(job->data + 2), &rx->index);
		if (job->verdict != SRTP_OK)
			continue;
		memcpy(rx->theirs, job->data + len, MB_TAG_CM);
		mb_put32(job->data + len, (uint32_t)(rx->index >> 16));
		hash_job(&hashes[n_list], &session->rtp, job->data, len + 4U, rx->ours);
		n_list++;
		if (fresh)
			flush(list, hashes, &n_list);
	}
	flush(list, hashes, &n_list);
}

static void cipher_one(const struct mb_keys *keys, uint8_t *data, unsigned len, const uint8_t *iv) {
	IMB_JOB job;

	if (len == 0)
		return;
	cipher_job(&job, keys, data, data, len, iv);
	run_ciphers(&job, 1);
}

// RFC 3711 3.4: header in clear, E-index word behind the body, both hashed, the tag last.
static void protect_rtcp(struct srtp_job *job, const struct mb_keys *keys) {
	struct mb_session *session = mb_session_of(job);
	uint32_t ssrc = mb_get32(job->data + 4);
	struct mb_tx_stream *stream = mb_tx_take(session, ssrc);
	uint8_t iv[MB_IV_CM];
	IMB_JOB hash;
	uint32_t index;

	if (stream == NULL || stream->rtcp_index >= RTCP_E - 1) {
		job->verdict = stream == NULL ? SRTP_NO_STREAM : SRTP_FAILED;
		return;
	}
	index = ++stream->rtcp_index;
	mb_iv_cm(iv, keys->salt, ssrc, index);
	cipher_one(
		keys,
		job->data + SRTP_RTCP_HEADER_LEN,
		job->len - (unsigned)SRTP_RTCP_HEADER_LEN,
		iv
	);
	mb_put32(job->data + job->len, RTCP_E | index);
	hash_job(&hash, keys, job->data, job->len + 4U, job->data + job->len + 4);
	run_hashes(&hash, 1);
	job->len = (uint16_t)(job->len + 4 + MB_TAG_CM);
}

static void unprotect_rtcp(struct srtp_job *job, const struct mb_keys *keys) {
	struct mb_session *session = mb_session_of(job);
	unsigned len = job->len - MB_TAG_CM;
	uint32_t ssrc = mb_get32(job->data + 4), word = mb_get32(job->data + len - 4);
	uint8_t iv[MB_IV_CM], tag[MB_HMAC_OUT];
	IMB_JOB hash;

	if ((word & RTCP_E) == 0) {
		job->verdict = SRTP_AUTH_FAILED; // in clear: nothing that our keys made
		return;
	}
	job->verdict = (uint16_t)mb_rtcp_check(session, ssrc, word & ~RTCP_E);
	if (job->verdict != SRTP_OK)
		return;
	hash_job(&hash, keys, job->data, len, tag);
	run_hashes(&hash, 1);
	if (CRYPTO_memcmp(tag, job->data + len, MB_TAG_CM) != 0) {
		job->verdict = SRTP_AUTH_FAILED;
		return;
	}
	job->verdict = (uint16_t)mb_rtcp_accept(session, ssrc, word & ~RTCP_E);
	mb_iv_cm(iv, keys->salt, ssrc, word & ~RTCP_E);
	cipher_one(keys, job->data + SRTP_RTCP_HEADER_LEN, len - 4 - SRTP_RTCP_HEADER_LEN, iv);
	job->len = (uint16_t)(len - 4);
}

void mb_cm_rtcp(struct srtp_job *job, bool protect) {
	struct mb_keys keys;

	mb_cm_keys(&keys, &mb_session_of(job)->rtcp);
	if (protect)
		protect_rtcp(job, &keys);
	else
		unprotect_rtcp(job, &keys);
	plm_wipe(&keys, sizeof(keys));
}
