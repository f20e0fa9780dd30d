// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// RTCP that the relay itself makes: key frame requests, NACKs and receiver reports to publishers,
// sender reports to viewers. Worker only.

#include "worker.h"

#include <plm_rtcp.h>

// Somebody needs a key frame of this producer (it may belong to another worker).
void feedback_keyframe(struct worker *worker, uint32_t producer_index, unsigned producer_worker);

// Timers of one owned producer: NACKs that are due, pending key frame wishes, activity.
void feedback_producer_tick(struct worker *worker, struct producer *producer);

// Receiver reports and REMB of one transport, once a second.
void feedback_report_tick(struct worker *worker, struct transport *transport);

// A publisher's sender report, told to every viewer of this worker in its own terms.
void feedback_sender_report(
	struct worker *worker,
	struct audience *audience,
	const struct plm_rtcp_sr *sr
);
