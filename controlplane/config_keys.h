// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The keys of section "control" that are plain numbers, words and switches: one line each, from
// which config.c makes ranges and defaults, and config_print.c the output.

// key, member of struct raw_section, member of struct config, lowest, highest, default
#define CONFIG_NUMBERS(X)                                                                          \
	X("rtc.threads", rtc.threads, rtc.n_threads, 1, PLM_PUNT_CHANNELS, 2)                      \
	X("rtc.max_agents", rtc.max_agents, rtc.max_agents, 1, 10000, 100)                         \
	X("rtc.connect_timeout_ms",                                                                \
	  rtc.connect_timeout_ms,                                                                  \
	  rtc.connect_timeout_ms,                                                                  \
	  1000,                                                                                    \
	  120000,                                                                                  \
	  30000)                                                                                   \
	X("rtc.agent_linger_ms", rtc.agent_linger_ms, rtc.agent_linger_ms, 0, 60000, 3000)         \
	X("rooms.max_publishers", rooms.max_publishers, rooms.max_publishers, 1, 9, 9)             \
	X("rooms.max_rooms", rooms.max_rooms, rooms.max_rooms, 1, 1000000, 10000)                  \
	X("rooms.max_participants",                                                                \
	  rooms.max_participants,                                                                  \
	  rooms.max_participants,                                                                  \
	  1,                                                                                       \
	  1000000,                                                                                 \
	  100000)                                                                                  \
	X("rooms.empty_room_ms", rooms.empty_room_ms, rooms.empty_room_ms, 0, 3600000, 30000)      \
	X("rooms.resume_ms", rooms.resume_ms, rooms.resume_ms, 0, 600000, 30000)                   \
	X("rooms.publisher_max_bitrate",                                                           \
	  rooms.publisher_max_bitrate,                                                             \
	  rooms.publisher_max_bitrate,                                                             \
	  0,                                                                                       \
	  1000000000,                                                                              \
	  2500000)                                                                                 \
	X("limits.connections", limits.connections, limits.connections, 1, 1000000, 10000)         \
	X("limits.connections_per_ip",                                                             \
	  limits.connections_per_ip,                                                               \
	  limits.connections_per_ip,                                                               \
	  1,                                                                                       \
	  1000000,                                                                                 \
	  200)                                                                                     \
	X("limits.message_bytes", limits.message_bytes, limits.message_bytes, 1024, 262144, 65536) \
	X("limits.messages_burst", limits.messages_burst, limits.messages_burst, 1, 10000, 200)    \
	X("limits.messages_per_second",                                                            \
	  limits.messages_per_second,                                                              \
	  limits.messages_per_second,                                                              \
	  1,                                                                                       \
	  10000,                                                                                   \
	  60)                                                                                      \
	X("limits.hello_timeout_ms",                                                               \
	  limits.hello_timeout_ms,                                                                 \
	  limits.hello_timeout_ms,                                                                 \
	  100,                                                                                     \
	  60000,                                                                                   \
	  5000)                                                                                    \
	X("limits.ping_interval_ms",                                                               \
	  limits.ping_interval_ms,                                                                 \
	  limits.ping_interval_ms,                                                                 \
	  100,                                                                                     \
	  600000,                                                                                  \
	  20000)                                                                                   \
	X("limits.send_queue_bytes",                                                               \
	  limits.send_queue_bytes,                                                                 \
	  limits.send_queue_bytes,                                                                 \
	  65536,                                                                                   \
	  67108864,                                                                                \
	  1048576)                                                                                 \
	X("admin.port", admin.port, admin.port, 0, 65535, 9080)

// key, member of struct raw_section, member of struct config, default
#define CONFIG_STRINGS(X)                                                                          \
	X("tls.certificate", tls.certificate, tls.certificate, "")                                 \
	X("tls.key", tls.key, tls.key, "")                                                         \
	X("tls.directory", tls.directory, tls.directory, "/var/lib/plenum/tls")                    \
	X("web_root", web_root, web_root, "/usr/share/plenum/web")                                 \
	X("auth.algorithm", auth.algorithm, auth.algorithm, "HS256")                               \
	X("auth.secret", auth.secret, auth.secret, "")                                             \
	X("auth.secret_file", auth.secret_file, auth.secret_file, "")                              \
	X("auth.key_file", auth.key_file, auth.key_file, "")                                       \
	X("dataplane_socket", dataplane_socket, dataplane_socket, "/run/plenum/dataplane.sock")    \
	X("hls.endpoint", hls.endpoint, hls.endpoint, "https://localhost:8444")                    \
	X("hls.stage", hls.stage, hls.stage, "dev")                                                \
	X("log_level", log_level, log_level, "info")

// key, member of struct raw_section, member of struct config, default
#define CONFIG_SWITCHES(X)                                                                         \
	X("tls.self_signed", tls.self_signed, tls.self_signed, "true")                             \
	X("auth.demo", auth.demo, auth.demo, "false")                                              \
	X("admin.allow_remote", admin.allow_remote, admin.allow_remote, "false")

#define CONFIG_ADMIN_ADDRESS "127.0.0.1"
#define CONFIG_LISTEN_ADDRESS "0.0.0.0"
#define CONFIG_LISTEN_PORT 443
