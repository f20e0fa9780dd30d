// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Logging of control, hls and the slow threads of the dataplane. Never called by a worker. One line
// an event on stderr: level, subsystem, text. A burst of the same place is summarised: each call
// site prints at most 10 lines a second and says how many it kept back.

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

enum plm_log_level {
	PLM_LOG_ERROR,
	PLM_LOG_WARNING,
	PLM_LOG_INFO,
	PLM_LOG_DEBUG,
};

// Per call site state of the rate limit.
struct plm_log_site {
	int64_t second;
	uint32_t printed;
	uint32_t suppressed;
};

// Level from its name; -EINVAL. Thread-safe.
int plm_log_set_level(const char *name);

// True when stderr is the journal: lines then begin with <N> priorities instead of time stamps.
void plm_log_init(const char *process);

void plm_log_write(
	struct plm_log_site *site,
	enum plm_log_level level,
	const char *subsystem,
	const char *format,
	...
) __attribute__((format(printf, 4, 5)));

bool plm_log_enabled(enum plm_log_level level);

// One LOG_TYPE("...") per .c file, then LOG(INFO, "text %d", n).
#define LOG_TYPE(name) static const char *const log_subsystem = name
#define LOG(level, ...)                                                                            \
	do {                                                                                       \
		static struct plm_log_site log_site_;                                              \
		if (plm_log_enabled(PLM_LOG_##level))                                              \
			plm_log_write(&log_site_, PLM_LOG_##level, log_subsystem, __VA_ARGS__);    \
	} while (0)
