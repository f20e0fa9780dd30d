// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// DPDK's log lines (warnings and errors; the rest is filtered by the EAL) through ours. While
// something starts they count as debug output, because its failure is told in one line of ours; the
// first of them is kept to be part of it.

// Once, before rte_eal_init. Returns 0 or -errno.
int dpdk_log_redirect(void);

// Forgets the kept line and keeps the next.
void dpdk_log_keep_begin(void);

// The first error since (else the first warning), without newline, valid until the next keep_begin;
// fallback if there was none. Later lines are logged as what they are.
const char *dpdk_log_keep_end(const char *fallback);
