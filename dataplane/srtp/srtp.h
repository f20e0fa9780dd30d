// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// SRTP and SRTCP (RFC 3711, RFC 7714) in batches. Stages call this and nothing below it; a backend
// is a table of functions (srtp_backend). Self-tested at start with the RFCs' vectors.

#include "srtp_job.h"

// libsrtp2 exports functions of these names: ours have link names of their own.
#define SRTP_LINK_NAME(name) __asm__("plm_" #name)

// Picks the backend ("auto", "libsrtp2"), initialises it and runs the vectors. Call once, before
// any session. Returns 0, -EINVAL (unknown name), -EIO (a vector failed: do not start).
int srtp_init(const char *backend) SRTP_LINK_NAME(srtp_init);
const char *srtp_backend_name(void);

// key: master key followed by master salt, key_len + salt_len bytes. Not for workers (allocates).
// Returns NULL with errno EINVAL (length) or ENOMEM. The caller keeps and wipes key.
struct srtp_session *srtp_session_new(
	const struct srtp_suite *suite,
	enum srtp_direction direction,
	const struct plm_secret *key
);
void srtp_session_free(struct srtp_session *session); // wipes; NULL is fine

// Each handles n jobs of any sessions, in order for jobs of one session. The same sequence number
// may be protected again with the very same bytes (retransmission).
void srtp_unprotect_rtp(struct srtp_job *jobs, unsigned n);
void srtp_unprotect_rtcp(struct srtp_job *jobs, unsigned n) SRTP_LINK_NAME(srtp_unprotect_rtcp);
void srtp_protect_rtp(struct srtp_job *jobs, unsigned n);
void srtp_protect_rtcp(struct srtp_job *jobs, unsigned n) SRTP_LINK_NAME(srtp_protect_rtcp);
