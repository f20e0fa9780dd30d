// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// STUN messages (RFC 8489) as ICE (RFC 8445) uses them. Pure; HMAC-SHA1 by mid-states of the key,
// so that checking one message costs two SHA1 runs and no key set-up.

#include <plm_api.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLM_STUN_HEADER_LEN 20
#define PLM_STUN_COOKIE 0x2112A442U
#define PLM_STUN_TXID_LEN 12

enum plm_stun_type {
	PLM_STUN_BINDING_REQUEST = 0x0001,
	PLM_STUN_BINDING_INDICATION = 0x0011,
	PLM_STUN_BINDING_SUCCESS = 0x0101,
	PLM_STUN_BINDING_ERROR = 0x0111,
};

// A key for MESSAGE-INTEGRITY: SHA1 states after the inner and outer pad block. Secret: wipe it.
struct plm_stun_key {
	uint32_t inner[5];
	uint32_t outer[5];
};

// From an ICE password (short-term credentials, RFC 8489 9.1.1). len any.
void plm_stun_key_init(struct plm_stun_key *ret_key, const char *password, size_t len);

struct plm_stun {
	uint16_t type;
	uint16_t length; // of the whole message
	uint8_t txid[PLM_STUN_TXID_LEN];
	const char *username; // not NUL-terminated; NULL = none
	uint16_t username_len;
	bool use_candidate;
	bool controlling; // ICE-CONTROLLING present
	bool controlled; // ICE-CONTROLLED present
	uint64_t tie_breaker;
	bool has_priority;
	uint32_t priority;
	uint16_t error_code; // 300..699, 0 = none
	bool has_mapped;
	struct plm_addr mapped; // XOR-MAPPED-ADDRESS
	uint16_t integrity_offset; // of MESSAGE-INTEGRITY's header, 0 = none
	uint16_t fingerprint_offset; // of FINGERPRINT's header, 0 = none
};

// Parses the header and the attributes we know; attributes after MESSAGE-INTEGRITY are ignored but
// FINGERPRINT. Verifies nothing. Returns 0, or -EBADMSG: shorter than 20 bytes, first two bits set,
// cookie wrong, length not a multiple of 4 or not len - 20, an attribute beyond the end, a known
// one of wrong size. Of several attributes alike the first counts.
int plm_stun_parse(const uint8_t *data, size_t len, struct plm_stun *ret_msg);

// FINGERPRINT (RFC 8489 14.7): true when present, the last attribute, and right.
bool plm_stun_fingerprint_ok(const uint8_t *data, const struct plm_stun *msg);

// MESSAGE-INTEGRITY (RFC 8489 14.5) in constant time: true when present and right under key.
bool plm_stun_integrity_ok(
	const uint8_t *data,
	const struct plm_stun *msg,
	const struct plm_stun_key *key
);

// Splits USERNAME "ours:theirs" (RFC 8445 7.2.2). Returns 0 or -EBADMSG: none, no colon, a half
// empty. Pointers into the message.
int plm_stun_username_split(
	const struct plm_stun *msg,
	const char **ret_ours,
	size_t *ret_ours_len,
	const char **ret_theirs,
	size_t *ret_theirs_len
);

// Writers: a whole message with MESSAGE-INTEGRITY and FINGERPRINT; return its length, -ENOSPC,
// or -EINVAL: address of no family, code not 300..699, text longer than RFC 8489 allows. dst is in
// disorder after an error.

// Binding success (RFC 8445 7.3.1.2): XOR-MAPPED-ADDRESS, MI, FP. 64 bytes (IPv6: 76).
int plm_stun_success_write(
	uint8_t *dst,
	size_t room,
	const uint8_t *txid,
	const struct plm_addr *mapped,
	const struct plm_stun_key *key
);

// Binding error, such as 487 Role Conflict (RFC 8445 7.3.1.1).
int plm_stun_error_write(
	uint8_t *dst,
	size_t room,
	const uint8_t *txid,
	uint16_t code,
	const char *reason,
	const struct plm_stun_key *key
);

struct plm_stun_request {
	const uint8_t *txid;
	const char *username; // "theirs:ours", NUL-terminated
	uint32_t priority; // 0 = leave PRIORITY out
	bool controlling; // else ICE-CONTROLLED
	bool use_candidate;
	uint64_t tie_breaker;
};

// Binding request: a connectivity or consent check (RFC 8445 7.2.2, RFC 7675 5.1).
int plm_stun_request_write(
	uint8_t *dst,
	size_t room,
	const struct plm_stun_request *request,
	const struct plm_stun_key *key
);
