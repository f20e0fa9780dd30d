// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The bounded packet trace of one worker: off, or recording the next N packets of one transport or
// of all. Entries are read by the control thread after they were counted.

#include <plm_api.h>

#include <stdint.h>

#define TRACE_MAX 1024

enum trace_verdict {
	TRACE_DONE,
	TRACE_DROPPED,
	TRACE_TO_KERNEL,
	TRACE_HANDED_OVER,
};

struct trace {
	uint32_t left; // entries still to record, 0 = off
	uint32_t transport; // index, UINT32_MAX = any
	uint32_t n; // recorded; atomic release by the worker
	struct plm_trace_entry entries[TRACE_MAX];
};

struct rte_mbuf;
struct worker;

void trace_record(
	struct worker *worker,
	struct rte_mbuf *m,
	unsigned stage,
	enum trace_verdict verdict,
	unsigned reason
);
