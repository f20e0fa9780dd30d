// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The stages of a worker's loop, in order (worker.c calls them; none calls another). Each works on
// worker->batch and returns the packets it was given.

#include "../worker.h"

unsigned stage_rx(struct worker *worker); // port, hand-over rings -> in
unsigned stage_classify(struct worker *worker
); // in -> stun, flow; the rest to the kernel or dropped
unsigned stage_stun(struct worker *worker); // stun -> answered, to the agent, handed over
unsigned stage_lookup(struct worker *worker
); // flow -> rtp, rtcp; DTLS to the punt; strays handed over
unsigned stage_unprotect(struct worker *worker); // rtp, rtcp decrypted in place
unsigned stage_rtcp(struct worker *worker); // rtcp consumed
unsigned stage_route(struct worker *worker); // rtp -> routed
unsigned stage_fanout(struct worker *worker); // routed, other workers' packets -> egress
unsigned stage_housekeeping(struct worker *worker); // mailbox, timers, counters
unsigned stage_egress(struct worker *worker); // protect, transmit
