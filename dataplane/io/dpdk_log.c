// SPDX-License-Identifier: BSD-3-Clause

#include "dpdk_log.h"

#include <plm_log.h>

#include <rte_log.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

LOG_TYPE("dpdk");

// main thread: rw; others read keeping only, and then drivers hardly log
static bool keeping;
static char kept_error[256], kept_warning[256];

static void line_take(int level, const char *line) {
	if (!keeping) {
		if (level <= (int)RTE_LOG_ERR)
			LOG(ERROR, "%s", line);
		else
			LOG(WARNING, "%s", line);
		return;
	}
	LOG(DEBUG, "%s", line);
	if (level <= (int)RTE_LOG_ERR && kept_error[0] == '\0')
		snprintf(kept_error, sizeof(kept_error), "%s", line);
	else if (level > (int)RTE_LOG_ERR && kept_warning[0] == '\0')
		snprintf(kept_warning, sizeof(kept_warning), "%s", line);
}

// One message of DPDK; mostly one line. Longer ones are cut.
static ssize_t message_write(void *cookie, const char *text, size_t len) {
	int level = rte_log_cur_msg_loglevel();
	char line[256];

	(void)cookie;
	for (size_t at = 0; at < len;) {
		const char *newline = memchr(text + at, '\n', len - at);
		size_t n = newline != NULL ? (size_t)(newline - text) - at : len - at;

		if (n > 0) {
			snprintf(line, sizeof(line), "%.*s", (int)(n < 255 ? n : 255), text + at);
			line_take(level, line);
		}
		at += n + 1;
	}
	return (ssize_t)len;
}

int dpdk_log_redirect(void) {
	static FILE *stream; // lives as long as the process
	const cookie_io_functions_t functions = {.write = message_write};

	if (stream != NULL)
		return 0;
	stream = fopencookie(NULL, "w", functions);
	if (stream == NULL)
		return -errno;
	return rte_openlog_stream(stream);
}

void dpdk_log_keep_begin(void) {
	kept_error[0] = '\0';
	kept_warning[0] = '\0';
	keeping = true;
}

const char *dpdk_log_keep_end(const char *fallback) {
	keeping = false;
	if (kept_error[0] != '\0')
		return kept_error;
	return kept_warning[0] != '\0' ? kept_warning : fallback;
}
