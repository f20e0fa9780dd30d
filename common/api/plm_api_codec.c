// SPDX-License-Identifier: BSD-3-Clause

#include "plm_api_codec.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))

static const struct plm_api_type_info types[] = {
#define X(name, number, req, rep) {number, #name, sizeof(struct req), sizeof(struct rep)},
	PLM_API_MESSAGES(X)
#undef X
};

_Static_assert(PLM_EXT_COUNT <= PLM_EXT_MAP_LEN, "an extension has no place in plm_ext_map");
_Static_assert(PLM_STAGE_COUNT <= PLM_STAGE_MAX, "a stage has no place in plm_worker_info");

// Every string that a request carries.
static const struct {
	uint16_t type;
	uint16_t offset;
	uint16_t size;
} strings[] = {
#define STRING(type, name, field)                                                                  \
	{ PLM_API_##type, offsetof(struct name, field), sizeof(((struct name *)0)->field) }
	STRING(HELLO, plm_hello_req, name),
	STRING(TRANSPORT_ADD, plm_transport_add, ice.local_ufrag),
	STRING(TRANSPORT_ADD, plm_transport_add, ice.local_pwd),
	STRING(TRANSPORT_ADD, plm_transport_add, ice.remote_ufrag),
	STRING(TRANSPORT_ADD, plm_transport_add, ice.remote_pwd),
	STRING(TRANSPORT_RESTART, plm_transport_restart, ice.local_ufrag),
	STRING(TRANSPORT_RESTART, plm_transport_restart, ice.local_pwd),
	STRING(TRANSPORT_RESTART, plm_transport_restart, ice.remote_ufrag),
	STRING(TRANSPORT_RESTART, plm_transport_restart, ice.remote_pwd),
	STRING(PRODUCER_ADD, plm_producer_add, mid),
	STRING(CONSUMER_ADD, plm_consumer_add, mid),
	STRING(CONSUMER_ADD, plm_consumer_add, cname),
#undef STRING
};

static const char *const ext_uris[] = {
	NULL,
#define X(name, uri) uri,
	PLM_EXTENSIONS(X)
#undef X
};

const struct plm_api_type_info *plm_api_type_info(uint16_t type) {
	for (size_t i = 0; i < N_ELEMENTS(types); i++) {
		if (types[i].type == type)
			return &types[i];
	}
	return NULL;
}

const char *plm_api_type_name(uint16_t type) {
	const struct plm_api_type_info *info = plm_api_type_info(type);

	return info != NULL ? info->name : "unknown";
}

// DTLS records are cut to what they carry: 16 + len bytes are sent.
static int dtls_record_check(const struct plm_dtls_record *record, size_t size) {
	const size_t head = offsetof(struct plm_dtls_record, data);

	if (size < head || record->len > PLM_DTLS_MAX || size != head + record->len)
		return -EMSGSIZE;
	return 0;
}

// What holds for both directions. The header is whole when 0 is returned.
static int frame_check(const void *packet, size_t len, const struct plm_api_header **ret_header) {
	const struct plm_api_header *header = packet;

	*ret_header = NULL;
	if (len < sizeof(*header))
		return -EMSGSIZE;
	*ret_header = header;
	if (len > PLM_API_MAX_LEN || header->length != len - sizeof(*header))
		return -EMSGSIZE;
	return 0;
}

int plm_api_check_request(
	const void *packet,
	size_t len,
	const struct plm_api_header **ret_header,
	const void **ret_payload
) {
	const struct plm_api_type_info *info;
	const struct plm_api_header *header;
	int r = frame_check(packet, len, ret_header);

	if (r < 0)
		return r;
	header = *ret_header;
	info = plm_api_type_info(header->type);
	if (info == NULL || header->type == PLM_API_EVENT_TRANSPORT
	    || header->type == PLM_API_EVENT_PRODUCER)
		return -ENOTSUP;
	if (header->flags != (header->type == PLM_API_DTLS_RECORD ? PLM_API_EVENT : 0))
		return -EINVAL;
	if (header->status != 0)
		return -EINVAL;
	if (header->type == PLM_API_DTLS_RECORD) {
		r = dtls_record_check((const void *)(header + 1), header->length);
		if (r < 0)
			return r;
	} else if (header->length != info->request_size) {
		return -EMSGSIZE;
	}
	*ret_payload = header + 1;
	return 0;
}

int plm_api_check_message(
	const void *packet,
	size_t len,
	const struct plm_api_header **ret_header,
	const void **ret_payload
) {
	const struct plm_api_type_info *info;
	const struct plm_api_header *header;
	int r = frame_check(packet, len, ret_header);

	if (r < 0)
		return r;
	header = *ret_header;
	info = plm_api_type_info(header->type);
	if (header->flags == PLM_API_EVENT) {
		if (info == NULL)
			return -ENOTSUP;
		if (header->type == PLM_API_DTLS_RECORD)
			r = dtls_record_check((const void *)(header + 1), header->length);
		else
			r = header->length == info->request_size ? 0 : -EMSGSIZE;
		if (r < 0)
			return r;
		*ret_payload = header + 1;
		return 0;
	}
	if ((header->flags & ~PLM_API_MORE) != PLM_API_REPLY || header->status < 0)
		return -EINVAL;
	if (header->length == 0) {
		*ret_payload = NULL;
		return 0;
	}
	if (info == NULL)
		return -ENOTSUP;
	if (header->length != info->reply_size)
		return -EMSGSIZE;
	*ret_payload = header + 1;
	return 0;
}

int plm_api_check_strings(uint16_t type, const void *payload) {
	for (size_t i = 0; i < N_ELEMENTS(strings); i++) {
		const char *text = (const char *)payload + strings[i].offset;

		if (strings[i].type == type && memchr(text, '\0', strings[i].size) == NULL)
			return -EINVAL;
	}
	return 0;
}

size_t plm_api_message(
	void *buf,
	size_t room,
	uint16_t type,
	uint16_t flags,
	uint32_t seq,
	int32_t status,
	const void *payload,
	size_t len
) {
	const struct plm_api_header header = {
		.type = type,
		.flags = flags,
		.seq = seq,
		.status = status,
		.length = (uint32_t)len,
	};

	if (room < sizeof(header) || len > room - sizeof(header))
		return 0;
	memcpy(buf, &header, sizeof(header));
	if (len > 0)
		memcpy((char *)buf + sizeof(header), payload, len);
	return sizeof(header) + len;
}

static const char *name_at(const char *const *names, size_t n, unsigned i) {
	return i < n && names[i] != NULL ? names[i] : "?";
}

const char *plm_transport_state_name(unsigned state) {
	static const char *const names[] = {
		[PLM_TRANSPORT_NEW] = "new",
		[PLM_TRANSPORT_PATH] = "path",
		[PLM_TRANSPORT_SECURE] = "secure",
		[PLM_TRANSPORT_DEAD] = "dead",
	};

	return name_at(names, N_ELEMENTS(names), state);
}

const char *plm_transport_event_name(unsigned event) {
	static const char *const names[] = {
		[PLM_TRANSPORT_EV_PATH] = "path",
		[PLM_TRANSPORT_EV_CONSENT_LOST] = "consent_lost",
		[PLM_TRANSPORT_EV_RESTARTED] = "restarted",
	};

	return name_at(names, N_ELEMENTS(names), event);
}

const char *plm_producer_event_name(unsigned event) {
	static const char *const names[] = {
		[PLM_PRODUCER_EV_ACTIVE] = "active",
		[PLM_PRODUCER_EV_IDLE] = "idle",
	};

	return name_at(names, N_ELEMENTS(names), event);
}

const char *plm_kind_name(unsigned kind) {
	static const char *const names[] = {
		[PLM_KIND_NONE] = "none",
		[PLM_KIND_AUDIO] = "audio",
		[PLM_KIND_VIDEO] = "video",
	};

	return name_at(names, N_ELEMENTS(names), kind);
}

static const char *const codec_names[PLM_CODEC_COUNT] = {
	[PLM_CODEC_NONE] = "none",
	[PLM_CODEC_OPUS] = "opus",
	[PLM_CODEC_VP8] = "vp8",
	[PLM_CODEC_VP9] = "vp9",
	[PLM_CODEC_H264] = "h264",
	[PLM_CODEC_AV1] = "av1",
};

const char *plm_codec_name(unsigned codec) {
	return name_at(codec_names, N_ELEMENTS(codec_names), codec);
}

enum plm_codec plm_codec_from_name(const char *name, size_t len) {
	for (unsigned i = PLM_CODEC_NONE + 1; i < PLM_CODEC_COUNT; i++) {
		if (strlen(codec_names[i]) == len && strncasecmp(codec_names[i], name, len) == 0)
			return (enum plm_codec)i;
	}
	return PLM_CODEC_NONE;
}

const char *plm_role_name(unsigned role) {
	static const char *const names[] = {
		[PLM_ROLE_OBSERVER] = "observer",
		[PLM_ROLE_CONTROL] = "control",
		[PLM_ROLE_PUNT] = "punt",
	};

	return name_at(names, N_ELEMENTS(names), role);
}

const char *plm_stage_name(unsigned stage) {
	static const char *const names[] = {
#define X(name, text) text,
		PLM_STAGES(X)
#undef X
	};

	return name_at(names, N_ELEMENTS(names), stage);
}

const char *plm_srtp_suite_name(unsigned suite) {
	switch (suite) {
	case PLM_SRTP_AES128_CM_HMAC_SHA1_80:
		return "AES128_CM_HMAC_SHA1_80";
	case PLM_SRTP_AEAD_AES_128_GCM:
		return "AEAD_AES_128_GCM";
	case PLM_SRTP_AEAD_AES_256_GCM:
		return "AEAD_AES_256_GCM";
	default:
		return "?";
	}
}

enum plm_ext plm_ext_from_uri(const char *uri, size_t len) {
	for (unsigned i = PLM_EXT_NONE + 1; i < PLM_EXT_COUNT; i++) {
		if (strlen(ext_uris[i]) == len && memcmp(ext_uris[i], uri, len) == 0)
			return (enum plm_ext)i;
	}
	return PLM_EXT_NONE;
}

const char *plm_ext_uri(enum plm_ext ext) {
	return (unsigned)ext < PLM_EXT_COUNT ? ext_uris[ext] : NULL;
}
