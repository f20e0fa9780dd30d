// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Session keys from a master key (RFC 3711 section 4.3, RFC 6188 for 256 bits, RFC 7714 section 11
// for AEAD). The key derivation rate is 0, as DTLS-SRTP has it (RFC 5764 4.1.2).

#include "srtp_job.h"

#define SRTP_KEY_MAX 32
#define SRTP_AUTH_KEY_LEN 20
#define SRTP_SALT_MAX 14

enum srtp_label {
	SRTP_LABEL_RTP_KEY = 0,
	SRTP_LABEL_RTP_AUTH = 1,
	SRTP_LABEL_RTP_SALT = 2,
	SRTP_LABEL_RTCP_KEY = 3,
	SRTP_LABEL_RTCP_AUTH = 4,
	SRTP_LABEL_RTCP_SALT = 5,
};

struct srtp_session_keys {
	uint8_t key[SRTP_KEY_MAX]; // key_len bytes of the suite
	uint8_t auth[SRTP_AUTH_KEY_LEN]; // zero for AEAD
	uint8_t salt[SRTP_SALT_MAX]; // salt_len bytes of the suite
};

// len bytes of the pseudo-random function for label. key_len is 16 or 32, salt_len at most 14 (a
// shorter salt counts as padded with zeros on the right). Returns 0, -EINVAL or -ENOMEM, then
// ret_bytes is wiped.
int srtp_kdf_derive(
	const uint8_t *key,
	size_t key_len,
	const uint8_t *salt,
	size_t salt_len,
	enum srtp_label label,
	uint8_t *ret_bytes,
	size_t len
);

// All six of a suite; master is the master key followed by the master salt. Returns as above, or
// -EINVAL when the length of master is not the suite's. The caller wipes the keys.
int srtp_kdf_session(
	const struct srtp_suite *suite,
	const struct plm_secret *master,
	struct srtp_session_keys *ret_rtp,
	struct srtp_session_keys *ret_rtcp
);
