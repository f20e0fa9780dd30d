// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// What the cipher alone can do: a loop over intel-ipsec-mb with as many keys, packets of the same
// length, and output buffers cycled over as many mbufs as the worker's port holds. GCM in two
// passes of 32, AES-CM by cipher and hash bursts of 64. What the worker is measured against.

#include <stdint.h>

struct nic;
struct rte_mempool;

struct ceiling_options {
	uint16_t suite; // enum plm_srtp_suite; AEAD_AES_256_GCM is not there
	unsigned n_keys; // viewers, in memory order
	unsigned n_streams; // source packets are n_keys / n_streams outputs apart
	unsigned header_len, payload_len; // of RTP
	struct rte_mempool *pool;
	unsigned depth; // of the ring of outputs, at least 64
	const struct nic *nic; // where the whole loop sends to
};

struct ceiling;

// NULL with errno. Pool: depth + 1024 mbufs are taken from it.
struct ceiling *ceiling_new(const struct ceiling_options *options);
void ceiling_free(struct ceiling *ceiling);

const char *ceiling_library(void); // name, version and code path of intel-ipsec-mb

// At least n outputs by the cipher alone: RTP header and IV written, encryption, and for every
// n_keys / n_streams outputs one source packet decrypted in place. Buffers are cycled; none is
// allocated. *ret_n is what was done.
void ceiling_cipher(struct ceiling *ceiling, unsigned n, unsigned *ret_n);

// The same in a bare fan-out loop: allocation, Ethernet, IP and UDP headers from a template (no UDP
// checksum), rte_eth_tx_burst to the port.
void ceiling_loop(struct ceiling *ceiling, unsigned n, unsigned *ret_n);
