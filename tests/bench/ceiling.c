// SPDX-License-Identifier: BSD-3-Clause

#include "ceiling.h"

#include "nic.h"

#include <plm_api.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <errno.h>
#include <intel-ipsec-mb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GCM_PASS 32
#define CM_BURST 64
#define SOURCES 1024 // packets of publishers, as deep as a receive queue
#define FRAME 42 // Ethernet, IPv4, UDP
#define HEADER_MAX 64

// Of a viewer, next to each other in fan-out order: GCM's powers of H and round keys are 1008
// bytes.
struct gcm_record {
	struct gcm_key_data key;
} __attribute__((aligned(64)));

struct cm_record {
	uint8_t round_keys[11 * 16];
	uint8_t ipad[20], opad[20];
} __attribute__((aligned(64)));

// What changes with every packet of a viewer, apart from its key.
struct viewer {
	uint8_t salt[16];
	uint32_t ssrc;
	uint16_t seq;
};

struct ceiling {
	struct ceiling_options options;
	IMB_MGR *manager;
	struct gcm_record *gcm;
	struct cm_record *cm;
	struct viewer *viewers;
	unsigned next_viewer, next_source, next_output;
	struct rte_mbuf **outputs; // the ring of buffers
	struct rte_mbuf *sources[SOURCES];
	uint8_t template[FRAME + HEADER_MAX];
};

static char library[96];

const char *ceiling_library(void) {
	return library;
}

static void *aligned_zero(size_t size) {
	void *memory = aligned_alloc(64, (size + 63) & ~(size_t)63);

	if (memory != NULL)
		memset(memory, 0, size);
	return memory;
}

static void keys_make(struct ceiling *ceiling) {
	uint8_t key[16], unused[11 * 16] __attribute__((aligned(16)));

	for (unsigned i = 0; i < ceiling->options.n_keys; i++) {
		for (unsigned k = 0; k < 16; k++)
			key[k] = (uint8_t)(i * 131 + k * 7);
		memcpy(ceiling->viewers[i].salt, key, sizeof(key));
		ceiling->viewers[i].ssrc = i;
		if (ceiling->gcm != NULL) {
			IMB_AES128_GCM_PRE(ceiling->manager, key, &ceiling->gcm[i].key);
			continue;
		}
		IMB_AES_KEYEXP_128(ceiling->manager, key, ceiling->cm[i].round_keys, unused);
		memcpy(ceiling->cm[i].ipad, key, 16); // any midstate costs the same
		memcpy(ceiling->cm[i].opad, key, 16);
	}
}

struct ceiling *ceiling_new(const struct ceiling_options *options) {
	struct ceiling *ceiling = calloc(1, sizeof(*ceiling));
	IMB_ARCH arch;

	if (ceiling == NULL)
		return NULL;
	ceiling->options = *options;
	ceiling->manager = alloc_mb_mgr(0);
	ceiling->viewers = aligned_zero(options->n_keys * sizeof(*ceiling->viewers));
	ceiling->outputs = calloc(options->depth, sizeof(*ceiling->outputs));
	if (options->suite == PLM_SRTP_AEAD_AES_128_GCM)
		ceiling->gcm = aligned_zero(options->n_keys * sizeof(*ceiling->gcm));
	else
		ceiling->cm = aligned_zero(options->n_keys * sizeof(*ceiling->cm));
	if (ceiling->manager == NULL || ceiling->viewers == NULL || ceiling->outputs == NULL
	    || (ceiling->gcm == NULL && ceiling->cm == NULL)
	    || rte_pktmbuf_alloc_bulk(options->pool, ceiling->outputs, options->depth) != 0
	    || rte_pktmbuf_alloc_bulk(options->pool, ceiling->sources, SOURCES) != 0) {
		ceiling_free(ceiling);
		errno = ENOMEM;
		return NULL;
	}
	init_mb_mgr_auto(ceiling->manager, &arch);
	snprintf(
		library,
		sizeof(library),
		"intel-ipsec-mb %s, %s",
		imb_get_version_str(),
		arch == IMB_ARCH_AVX512		? "AVX-512"
			: arch == IMB_ARCH_AVX2 ? "AVX2"
			: arch == IMB_ARCH_AVX	? "AVX"
						: "SSE"
	);
	keys_make(ceiling);
	return ceiling;
}

void ceiling_free(struct ceiling *ceiling) {
	if (ceiling == NULL)
		return;
	if (ceiling->sources[0] != NULL)
		rte_pktmbuf_free_bulk(ceiling->sources, SOURCES);
	if (ceiling->outputs != NULL && ceiling->outputs[0] != NULL)
		rte_pktmbuf_free_bulk(ceiling->outputs, ceiling->options.depth);
	if (ceiling->manager != NULL)
		free_mb_mgr(ceiling->manager);
	free(ceiling->viewers);
	free(ceiling->outputs);
	free(ceiling->gcm);
	free(ceiling->cm);
	free(ceiling);
}

// The packets of one pass.
struct pass {
	unsigned n;
	unsigned viewer[CM_BURST];
	uint8_t *data[CM_BURST]; // RTP header, ciphertext behind it
	const uint8_t *source[CM_BURST]; // plaintext
	uint8_t iv[CM_BURST][16];
};

static struct rte_mbuf *source_next(struct ceiling *ceiling) {
	struct rte_mbuf *m = ceiling->sources[ceiling->next_source];

	ceiling->next_source = (ceiling->next_source + 1) % SOURCES;
	return m;
}

static struct rte_mbuf *source_now(struct ceiling *ceiling) {
	return ceiling->sources[(ceiling->next_source + SOURCES - 1) % SOURCES];
}

static void write_packet(
	struct ceiling *ceiling,
	struct pass *pass,
	struct rte_mbuf *m,
	bool whole
) {
	const struct ceiling_options *options = &ceiling->options;
	unsigned i = pass->n++, k = ceiling->next_viewer;
	struct viewer *viewer = &ceiling->viewers[k];
	uint8_t *data = rte_pktmbuf_mtod_offset(m, uint8_t *, FRAME);
	uint64_t index = ++viewer->seq;

	ceiling->next_viewer = k + 1 == options->n_keys ? 0 : k + 1;
	if (whole) {
		memcpy(data - FRAME, ceiling->template, FRAME + HEADER_MAX);
		m->data_len = (uint16_t)(FRAME + options->header_len + options->payload_len + 16);
		m->pkt_len = m->data_len;
		m->ol_flags = RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_UDP_CKSUM;
		memcpy(data - FRAME + 30, &viewer->ssrc, 4);
	}
	data[0] = 0x80;
	data[1] = 96;
	data[2] = (uint8_t)(index >> 8);
	data[3] = (uint8_t)index;
	memcpy(data + 8, &viewer->ssrc, 4);
	memcpy(pass->iv[i], viewer->salt, 16);
	for (unsigned b = 0; b < 8; b++)
		pass->iv[i][4 + b] ^= (uint8_t)(index >> (8 * b));
	pass->viewer[i] = k;
	pass->data[i] = data;
	pass->source[i] = rte_pktmbuf_mtod_offset(
		source_now(ceiling), const uint8_t *, FRAME + options->header_len
	);
}

static void gcm_pass(struct ceiling *ceiling, const struct pass *pass) {
	const struct ceiling_options *options = &ceiling->options;
	struct gcm_context_data context;

	for (unsigned i = 0; i < pass->n; i++) {
		uint8_t *out = pass->data[i] + options->header_len;

		IMB_AES128_GCM_ENC(
			ceiling->manager,
			&ceiling->gcm[pass->viewer[i]].key,
			&context,
			out,
			pass->source[i],
			options->payload_len,
			pass->iv[i],
			pass->data[i],
			options->header_len,
			out + options->payload_len,
			16
		);
	}
}

static void cm_pass(struct ceiling *ceiling, const struct pass *pass) {
	static IMB_JOB jobs[CM_BURST];
	const struct ceiling_options *options = &ceiling->options;

	for (unsigned i = 0; i < pass->n; i++) {
		const struct cm_record *record = &ceiling->cm[pass->viewer[i]];
		uint8_t *out = pass->data[i] + options->header_len;

		jobs[i].enc_keys = record->round_keys;
		jobs[i].dec_keys = record->round_keys;
		jobs[i].key_len_in_bytes = 16;
		jobs[i].src = pass->source[i];
		jobs[i].dst = out;
		jobs[i].cipher_start_src_offset_in_bytes = 0;
		jobs[i].msg_len_to_cipher_in_bytes = options->payload_len;
		jobs[i].iv = pass->iv[i];
		jobs[i].iv_len_in_bytes = 16;
	}
	IMB_SUBMIT_CIPHER_BURST_NOCHECK(
		ceiling->manager, jobs, pass->n, IMB_CIPHER_CNTR, IMB_DIR_ENCRYPT, IMB_KEY_128_BYTES
	);
	for (unsigned i = 0; i < pass->n; i++) {
		const struct cm_record *record = &ceiling->cm[pass->viewer[i]];
		unsigned len = options->header_len + options->payload_len;

		memset(pass->data[i] + len, 0, 4); // the rollover counter
		jobs[i].src = pass->data[i];
		jobs[i].hash_start_src_offset_in_bytes = 0;
		jobs[i].msg_len_to_hash_in_bytes = len + 4;
		jobs[i].auth_tag_output = pass->data[i] + len;
		jobs[i].auth_tag_output_len_in_bytes = 12;
		jobs[i].u.HMAC._hashed_auth_key_xor_ipad = record->ipad;
		jobs[i].u.HMAC._hashed_auth_key_xor_opad = record->opad;
	}
	IMB_SUBMIT_HASH_BURST_NOCHECK(ceiling->manager, jobs, pass->n, IMB_AUTH_HMAC_SHA_1);
}

// n source packets decrypted in place. CTR and HMAC cost the same both ways.
static void decrypt(struct ceiling *ceiling, unsigned n) {
	const struct ceiling_options *options = &ceiling->options;
	unsigned keep = ceiling->next_viewer;
	struct gcm_context_data context;
	struct pass pass = {0};

	for (unsigned i = 0; i < n; i++)
		write_packet(ceiling, &pass, source_next(ceiling), false);
	// publishers have keys of their own; the first ones stand for them
	ceiling->next_viewer = keep;
	for (unsigned i = 0; i < n; i++) {
		pass.viewer[i] = i % RTE_MIN(options->n_streams, options->n_keys);
		pass.source[i] = pass.data[i] + options->header_len;
	}
	if (ceiling->gcm == NULL) {
		cm_pass(ceiling, &pass);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		uint8_t *out = pass.data[i] + options->header_len, tag[16];

		IMB_AES128_GCM_DEC(
			ceiling->manager,
			&ceiling->gcm[pass.viewer[i]].key,
			&context,
			out,
			out,
			options->payload_len,
			pass.iv[i],
			pass.data[i],
			options->header_len,
			tag,
			16
		);
	}
}

// Outputs of some source packets. whole: allocated and sent.
static unsigned fan_out(struct ceiling *ceiling, unsigned n_sources, bool whole) {
	const struct ceiling_options *options = &ceiling->options;
	unsigned per_source = options->n_keys / options->n_streams;
	unsigned n = n_sources * per_source, size = ceiling->gcm != NULL ? GCM_PASS : CM_BURST;
	unsigned first_source = ceiling->next_source;

	decrypt(ceiling, n_sources);
	ceiling->next_source = first_source;
	for (unsigned done = 0; done < n;) {
		struct rte_mbuf *frames[CM_BURST];
		struct pass pass = {0};
		unsigned k = RTE_MIN(n - done, size), sent = 0;

		if (whole && rte_pktmbuf_alloc_bulk(options->pool, frames, k) != 0)
			return done;
		for (unsigned i = 0; i < k; i++, done++) {
			if (done % per_source == 0)
				source_next(ceiling);
			if (!whole) {
				frames[i] = ceiling->outputs[ceiling->next_output];
				ceiling->next_output = ceiling->next_output + 1 == options->depth
					? 0
					: ceiling->next_output + 1;
			}
			write_packet(ceiling, &pass, frames[i], whole);
		}
		if (ceiling->gcm != NULL)
			gcm_pass(ceiling, &pass);
		else
			cm_pass(ceiling, &pass);
		while (whole && sent < k)
			sent += rte_eth_tx_burst(
				options->nic->port,
				options->nic->queue,
				&frames[sent],
				(uint16_t)(k - sent)
			);
	}
	return n;
}

static void run(struct ceiling *ceiling, unsigned n, bool whole, unsigned *ret_n) {
	// As many source packets at a time as a burst from the port has.
	unsigned per_source = ceiling->options.n_keys / ceiling->options.n_streams;
	unsigned n_sources = RTE_MIN((n + per_source - 1) / per_source, (unsigned)GCM_PASS);
	unsigned done = 0;

	while (done < n) {
		unsigned k = fan_out(ceiling, n_sources, whole);

		if (k == 0)
			break;
		done += k;
	}
	*ret_n = done;
}

void ceiling_cipher(struct ceiling *ceiling, unsigned n, unsigned *ret_n) {
	run(ceiling, n, false, ret_n);
}

void ceiling_loop(struct ceiling *ceiling, unsigned n, unsigned *ret_n) {
	for (unsigned i = 0; i < FRAME; i++)
		ceiling->template[i] = (uint8_t)i;
	run(ceiling, n, true, ret_n);
}
