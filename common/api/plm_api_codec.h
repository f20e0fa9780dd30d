// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Framing of the API (plm_api.h): sizes, strings, names. Pure; every packet is hostile.

#include <plm_api.h>

#include <stddef.h>
#include <stdint.h>

// One line of PLM_API_MESSAGES.
struct plm_api_type_info {
	uint16_t type; // enum plm_api_type
	const char *name;
	size_t request_size; // of the payload; DTLS_RECORD and events: of what is sent, at most
	size_t reply_size;
};

// NULL when the type is unknown.
const struct plm_api_type_info *plm_api_type_info(uint16_t type);

// "TRANSPORT_ADD", "unknown".
const char *plm_api_type_name(uint16_t type);

// Checks a packet that a server received: a request, or a DTLS record. packet is aligned to 8
// bytes.
// Errors: -EMSGSIZE shorter than a header, or not exactly the size of its type; -ENOTSUP unknown
// type (also events, which only servers send); -EINVAL flags or status that no request has.
// *ret_payload is set on success only. *ret_header is set on errors too, so that they can be
// answered: NULL when there is not even a whole header.
int plm_api_check_request(
	const void *packet,
	size_t len,
	const struct plm_api_header **ret_header,
	const void **ret_payload
);

// The same for a packet that a client received: a reply, an event or a DTLS record. A reply with a
// status, or the last one of a list, carries no payload or a whole one; *ret_payload is then NULL
// or points to it.
int plm_api_check_message(
	const void *packet,
	size_t len,
	const struct plm_api_header **ret_header,
	const void **ret_payload
);

// Checks that all strings of a request of this type end within their arrays. The payload passed
// plm_api_check_request. Returns 0 or -EINVAL.
int plm_api_check_strings(uint16_t type, const void *payload);

// Writes header and payload (which may be NULL when len is 0) to buf. Returns the length of the
// packet, 0 when room is too small.
size_t plm_api_message(
	void *buf,
	size_t room,
	uint16_t type,
	uint16_t flags,
	uint32_t seq,
	int32_t status,
	const void *payload,
	size_t len
);

// Names for people, logs and JSON: lower case, "?" for values that are none.
const char *plm_transport_state_name(unsigned state); // enum plm_transport_state: "secure"
const char *plm_transport_event_name(unsigned event); // enum plm_transport_event: "consent_lost"
const char *plm_producer_event_name(unsigned event); // enum plm_producer_event: "idle"
const char *plm_kind_name(unsigned kind); // enum plm_kind: "audio"
const char *plm_codec_name(unsigned codec); // enum plm_codec: "opus"
const char *plm_role_name(unsigned role); // enum plm_role: "control"
const char *plm_stage_name(unsigned stage); // enum plm_stage: "unprotect"
const char *plm_srtp_suite_name(unsigned suite); // enum plm_srtp_suite: the name of RFC 7714

// The enum of a codec's name as SDP writes it, any case; PLM_CODEC_NONE when we do not relay it.
enum plm_codec plm_codec_from_name(const char *name, size_t len);

// PLM_EXT_NONE when the URI (len bytes, no NUL needed) is not in PLM_EXTENSIONS.
enum plm_ext plm_ext_from_uri(const char *uri, size_t len);
const char *plm_ext_uri(enum plm_ext ext); // NULL for PLM_EXT_NONE and unknown values
