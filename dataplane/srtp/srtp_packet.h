// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The checks of a job that every backend makes before it touches a packet. Pure.

#include "srtp_job.h"

#define SRTP_RTCP_HEADER_LEN 8 // what of an SRTCP packet stays in clear (RFC 3711 3.4)

enum srtp_operation {
	SRTP_UNPROTECT_RTP,
	SRTP_UNPROTECT_RTCP,
	SRTP_PROTECT_RTP,
	SRTP_PROTECT_RTCP,
};

// Length of the RTP header in data..len with CSRCs and extension (RFC 3550 5.1, 5.3.1): where the
// encrypted part starts. -EBADMSG: version not 2, or longer than len.
int srtp_header_len(const uint8_t *data, size_t len);

// SRTP_OK when lengths and version are such that the operation may run, SRTP_MALFORMED when not,
// SRTP_FAILED when the session is of the other direction.
enum srtp_verdict srtp_job_check(const struct srtp_job *job, enum srtp_operation operation);
