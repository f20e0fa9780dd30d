// SPDX-License-Identifier: BSD-3-Clause

#include "srtp.h"

#include "srtp_backend.h"
#include "vectors.h"

#include <errno.h>
#include <string.h>

// Best first.
static const struct srtp_backend *const backends[] = {
	&srtp_backend_ipsecmb,
	&srtp_backend_libsrtp2,
};

// Set once by srtp_init, before there are workers.
static const struct srtp_backend *active;

const struct srtp_backend *srtp_backend_find(const char *name) {
	for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++) {
		if (strcmp(name, backends[i]->name) == 0)
			return backends[i];
	}
	return NULL;
}

static int start(const struct srtp_backend *backend) {
	int err = backend->init();

	if (err == 0)
		err = srtp_vectors_run(backend);
	if (err == 0)
		active = backend;
	return err;
}

int srtp_init(const char *backend) {
	const struct srtp_backend *found = srtp_backend_find(backend);
	int err = -EINVAL;

	if (found != NULL)
		return start(found);
	if (strcmp(backend, "auto") != 0)
		return err;
	for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]) && err != 0; i++)
		err = start(backends[i]);
	return err;
}

const char *srtp_backend_name(void) {
	return active == NULL ? "none" : active->name;
}

struct srtp_session *srtp_session_new(
	const struct srtp_suite *suite,
	enum srtp_direction direction,
	const struct plm_secret *key
) {
	if (active == NULL || suite == NULL || key->len != suite->key_len + suite->salt_len) {
		errno = EINVAL;
		return NULL;
	}
	return active->session_new(suite, direction, key);
}

void srtp_session_free(struct srtp_session *session) {
	if (session != NULL)
		active->session_free(session);
}

void srtp_unprotect_rtp(struct srtp_job *jobs, unsigned n) {
	active->unprotect_rtp(jobs, n);
}

void srtp_unprotect_rtcp(struct srtp_job *jobs, unsigned n) {
	active->unprotect_rtcp(jobs, n);
}

void srtp_protect_rtp(struct srtp_job *jobs, unsigned n) {
	active->protect_rtp(jobs, n);
}

void srtp_protect_rtcp(struct srtp_job *jobs, unsigned n) {
	active->protect_rtcp(jobs, n);
}
