// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// What a backend of srtp.h is. Only srtp.c, the backends and their tests include this.

#include "srtp_job.h"

// The head of every backend's session.
struct srtp_session {
	const struct srtp_suite *suite;
	enum srtp_direction direction;
};

// The functions keep the promises that srtp.h makes for those of the same name; srtp.c has checked
// the length of the key, backends check the jobs (srtp_packet.h).
struct srtp_backend {
	const char *name;
	int (*init)(void); // once per process, may be called again. Returns 0 or -EIO
	struct srtp_session *(*session_new
	)(const struct srtp_suite *suite,
	  enum srtp_direction direction,
	  const struct plm_secret *key);
	void (*session_free)(struct srtp_session *session); // never NULL
	void (*unprotect_rtp)(struct srtp_job *jobs, unsigned n);
	void (*unprotect_rtcp)(struct srtp_job *jobs, unsigned n);
	void (*protect_rtp)(struct srtp_job *jobs, unsigned n);
	void (*protect_rtcp)(struct srtp_job *jobs, unsigned n);
};

extern const struct srtp_backend srtp_backend_libsrtp2;
extern const struct srtp_backend srtp_backend_ipsecmb;

// The backend with this name ("auto" = the best one of this machine), NULL = unknown.
const struct srtp_backend *srtp_backend_find(const char *name);
