// SPDX-License-Identifier: BSD-3-Clause

#include "plm_log.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINES_PER_SECOND 10 // of one call site

static const char *const level_names[] = {"error", "warning", "info", "debug"};
static const int journal_priorities[] = {3, 4, 6, 7};

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER; // guards sites and stderr
static int log_level = PLM_LOG_INFO; // atomic
static bool log_journal; // set once by plm_log_init
static const char *log_process = "plenum";

int plm_log_set_level(const char *name) {
	for (int i = 0; i <= PLM_LOG_DEBUG; i++) {
		if (strcmp(name, level_names[i]) == 0) {
			__atomic_store_n(&log_level, i, __ATOMIC_RELAXED);
			return 0;
		}
	}
	return -EINVAL;
}

void plm_log_init(const char *process) {
	log_process = process;
	log_journal = getenv("JOURNAL_STREAM") != NULL;
}

bool plm_log_enabled(enum plm_log_level level) {
	return (int)level <= __atomic_load_n(&log_level, __ATOMIC_RELAXED);
}

// True when the site may print now; *ret_kept_back is what it held back in an earlier second.
static bool site_allows(struct plm_log_site *site, int64_t second, uint32_t *ret_kept_back) {
	*ret_kept_back = 0;
	if (site->second != second) {
		*ret_kept_back = site->suppressed;
		site->second = second;
		site->printed = 0;
		site->suppressed = 0;
	}
	if (site->printed >= LINES_PER_SECOND) {
		site->suppressed++;
		return false;
	}
	site->printed++;
	return true;
}

void plm_log_write(
	struct plm_log_site *site,
	enum plm_log_level level,
	const char *subsystem,
	const char *format,
	...
) {
	char text[1024], stamp[64];
	uint32_t kept_back;
	struct timespec now;
	struct tm tm;
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	// What clients send may end up here: a line stays one line.
	for (char *c = text; *c != '\0'; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	}
	clock_gettime(CLOCK_REALTIME, &now);
	pthread_mutex_lock(&log_lock);
	if (site_allows(site, now.tv_sec, &kept_back)) {
		if (log_journal) {
			snprintf(stamp, sizeof(stamp), "<%d>", journal_priorities[level]);
		} else {
			size_t n;

			gmtime_r(&now.tv_sec, &tm);
			n = strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
			snprintf(
				stamp + n,
				sizeof(stamp) - n,
				".%03ldZ %s %-7s ",
				now.tv_nsec / 1000000,
				log_process,
				level_names[level]
			);
		}
		if (kept_back > 0)
			fprintf(stderr,
				"%s%s: (%u like the next kept back)\n",
				stamp,
				subsystem,
				kept_back);
		fprintf(stderr, "%s%s: %s\n", stamp, subsystem, text);
	}
	pthread_mutex_unlock(&log_lock);
}
