// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The keys of section "dataplane" that are plain numbers and strings: one line each, from which
// config.c makes ranges and defaults, and config_print.c the output.

#include <stdbool.h>

#define CONFIG_CORE_MAX 1023 // highest CPU number
#define CONFIG_MTU_MAX 1500 // a frame fits one packet buffer

// key, member of struct raw_section, member of struct config, lowest, highest, default
#define CONFIG_NUMBERS(X)                                                                          \
	X("port.queues", port.queues, queues, 0, CONFIG_WORKERS_MAX, 0)                            \
	X("port.mtu", port.mtu, mtu, 1280, CONFIG_MTU_MAX, 1500)                                   \
	X("public_port", public_port, public_port, 1, 65535, 3478)                                 \
	X("agent_ports.min", agent_ports.min, agent_port_min, 1024, 65535, 20000)                  \
	X("agent_ports.max", agent_ports.max, agent_port_max, 1024, 65535, 29999)                  \
	X("workers.main_core", workers.main_core, main_core, 0, CONFIG_CORE_MAX, 0)                \
	X("workers.idle_max_us", workers.idle_max_us, idle_max_us, 1, 10000, 1000)                 \
	X("memory.memory_mb", memory.memory_mb, memory_mb, 64, 1048576, 512)                       \
	X("memory.mbufs", memory.mbufs, mbufs, 4096, 16777216, 65536)                              \
	X("limits.transports", limits.transports, max_transports, 1, 1048576, 4096)                \
	X("limits.producers", limits.producers, max_producers, 1, 1048576, 4096)                   \
	X("limits.consumers", limits.consumers, max_consumers, 1, 4194304, 16384)                  \
	X("limits.paths_per_transport", limits.paths_per_transport, max_paths, 3, 8, 8)            \
	X("rtx_packets", rtx_packets, rtx_packets, 16, 16384, 512)

// key, member of struct raw_section, member of struct config, default
#define CONFIG_STRINGS(X)                                                                          \
	X("api_socket", api_socket, api_socket, "/run/plenum/dataplane.sock")                      \
	X("log_level", log_level, log_level, "info")                                               \
	X("port.device", port.device, device, "")                                                  \
	X("tap", tap, tap, "plenum0")                                                              \
	X("memory.file_prefix", memory.file_prefix, file_prefix, "plenum")                         \
	X("srtp.backend", srtp.backend, srtp_backend, "auto")
