// SPDX-License-Identifier: BSD-3-Clause

#include "config_schema.h"

#include "config.h"

#define STRING_MAX 255

#define OPTIONAL (CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER)

// Keys of struct raw_section by the name of their member.
#define STRING(key, member)                                                                        \
	CYAML_FIELD_STRING_PTR(key, OPTIONAL, struct raw_section, member, 0, STRING_MAX)
#define NUMBER(key, member) CYAML_FIELD_INT_PTR(key, OPTIONAL, struct raw_section, member)
#define LIST(key, member, count, entry, min, max)                                                  \
	CYAML_FIELD_SEQUENCE_COUNT(                                                                \
		key, OPTIONAL, struct raw_section, member, count, entry, min, max                  \
	)
// A mapping whose struct is part of struct raw_section: the offsets of its fields are the
// section's, so its own is 0.
#define GROUP(name, its_fields)                                                                    \
	{                                                                                          \
		.key = name, .data_offset = 0,                                                     \
		.value = {                                                                         \
			CYAML_VALUE_MAPPING(CYAML_FLAG_OPTIONAL, struct raw_section, its_fields),  \
		},                                                                                 \
	}

static const cyaml_schema_value_t string_entry = {
	CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, STRING_MAX),
};

static const cyaml_schema_field_t listener_fields[] = {
	CYAML_FIELD_STRING_PTR("address", OPTIONAL, struct raw_listener, address, 0, STRING_MAX),
	CYAML_FIELD_INT_PTR("port", OPTIONAL, struct raw_listener, port),
	CYAML_FIELD_STRING_PTR("tls", OPTIONAL, struct raw_listener, tls, 0, STRING_MAX),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t listener_entry = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_listener, listener_fields),
};

static const cyaml_schema_field_t tls_fields[] = {
	STRING("certificate", tls.certificate),
	STRING("key", tls.key),
	STRING("self_signed", tls.self_signed),
	STRING("directory", tls.directory),
	LIST("names", tls.names, tls.n_names, &string_entry, 0, CONFIG_NAMES_MAX),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t auth_fields[] = {
	STRING("algorithm", auth.algorithm),
	STRING("secret", auth.secret),
	STRING("secret_file", auth.secret_file),
	STRING("key_file", auth.key_file),
	STRING("demo", auth.demo),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t rtc_fields[] = {
	NUMBER("threads", rtc.threads),
	NUMBER("max_agents", rtc.max_agents),
	NUMBER("connect_timeout_ms", rtc.connect_timeout_ms),
	NUMBER("agent_linger_ms", rtc.agent_linger_ms),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t rooms_fields[] = {
	NUMBER("max_publishers", rooms.max_publishers),
	NUMBER("max_rooms", rooms.max_rooms),
	NUMBER("max_participants", rooms.max_participants),
	NUMBER("empty_room_ms", rooms.empty_room_ms),
	NUMBER("resume_ms", rooms.resume_ms),
	NUMBER("publisher_max_bitrate", rooms.publisher_max_bitrate),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t hls_fields[] = {
	STRING("endpoint", hls.endpoint),
	STRING("stage", hls.stage),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t limit_fields[] = {
	NUMBER("connections", limits.connections),
	NUMBER("connections_per_ip", limits.connections_per_ip),
	NUMBER("message_bytes", limits.message_bytes),
	NUMBER("messages_burst", limits.messages_burst),
	NUMBER("messages_per_second", limits.messages_per_second),
	NUMBER("hello_timeout_ms", limits.hello_timeout_ms),
	NUMBER("ping_interval_ms", limits.ping_interval_ms),
	NUMBER("send_queue_bytes", limits.send_queue_bytes),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t admin_fields[] = {
	STRING("address", admin.address),
	NUMBER("port", admin.port),
	STRING("allow_remote", admin.allow_remote),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t section_fields[] = {
	LIST("listen", listen, n_listen, &listener_entry, 1, CONFIG_LISTENERS_MAX),
	GROUP("tls", tls_fields),
	STRING("web_root", web_root),
	LIST("origins", origins, n_origins, &string_entry, 0, CONFIG_ORIGINS_MAX),
	GROUP("auth", auth_fields),
	STRING("dataplane_socket", dataplane_socket),
	LIST("public_addresses",
	     public_addresses,
	     n_public_addresses,
	     &string_entry,
	     0,
	     PLM_HELLO_ADDRS),
	GROUP("rtc", rtc_fields),
	GROUP("rooms", rooms_fields),
	GROUP("hls", hls_fields),
	GROUP("limits", limit_fields),
	GROUP("admin", admin_fields),
	STRING("log_level", log_level),
	CYAML_FIELD_END,
};

// The other sections belong to other processes, who check them.
static const cyaml_schema_field_t file_fields[] = {
	CYAML_FIELD_MAPPING_PTR("control", OPTIONAL, struct raw_config, control, section_fields),
	CYAML_FIELD_IGNORE("dataplane", CYAML_FLAG_OPTIONAL),
	CYAML_FIELD_IGNORE("hls", CYAML_FLAG_OPTIONAL),
	CYAML_FIELD_END,
};

const cyaml_schema_value_t config_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_config, file_fields),
};

void config_each_key(void (*visit)(void *user, const char *path), void *user) {
	plm_yaml_each_key(&config_schema, visit, user);
}
