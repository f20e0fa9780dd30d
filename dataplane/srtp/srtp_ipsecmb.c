// SPDX-License-Identifier: BSD-3-Clause

// The fast backend on intel-ipsec-mb: the batch interface sorted by cipher, sessions, managers.

#include "srtp_ipsecmb.h"

#include "srtp_packet.h"

#include <plm_api.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MANAGERS 24 // threads that may encrypt: workers, the main thread, tests

struct managers {
	IMB_MGR *many, *few;
};

// Made by backend_init, before there are workers; slots are taken one by one.
static struct managers managers[MANAGERS];
static unsigned n_taken; // atomic
static __thread struct managers *own;

static int backend_init(void) {
	if (managers[0].many != NULL)
		return 0;
	for (unsigned i = 0; i < MANAGERS; i++) {
		IMB_ARCH arch;

		managers[i].many = alloc_mb_mgr(0);
		managers[i].few = alloc_mb_mgr(0);
		if (managers[i].many == NULL || managers[i].few == NULL)
			return -EIO;
		init_mb_mgr_auto(managers[i].many, &arch);
		// The SSE code hashes two at a time by the SHA extensions: best for a handful.
		init_mb_mgr_sse(managers[i].few);
		if ((managers[i].many->features & IMB_FEATURE_AESNI) == 0
		    || imb_get_errno(managers[i].many) != 0)
			return -EIO;
	}
	return 0;
}

static struct managers *bind_managers(void) {
	unsigned slot = __atomic_fetch_add(&n_taken, 1, __ATOMIC_RELAXED);

	if (slot < MANAGERS)
		own = &managers[slot];
	return own;
}

IMB_MGR *mb_manager(void) {
	if (__builtin_expect(own == NULL, 0) && bind_managers() == NULL)
		return NULL;
	return own->many;
}

IMB_MGR *mb_manager_few(void) {
	if (__builtin_expect(own == NULL, 0) && bind_managers() == NULL)
		return NULL;
	return own->few;
}

static void session_free(struct srtp_session *head) {
	struct mb_session *session = (struct mb_session *)head;

	free(session->tx); // or rx: one pointer
	plm_wipe(session, sizeof(*session));
	free(session);
}

static void *aligned_zeroed(size_t size) {
	void *memory = aligned_alloc(64, (size + 63) & ~(size_t)63);

	if (memory != NULL)
		memset(memory, 0, size);
	return memory;
}

static struct srtp_session *session_new(
	const struct srtp_suite *suite,
	enum srtp_direction direction,
	const struct plm_secret *key
) {
	struct srtp_session_keys rtp;
	struct mb_session *session;
	size_t stream_size = direction == SRTP_TX ? sizeof(struct mb_tx_stream)
						  : sizeof(struct mb_rx_stream);

	if (mb_manager() == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	session = aligned_zeroed(sizeof(*session));
	if (session == NULL)
		return NULL;
	session->head.suite = suite;
	session->head.direction = direction;
	session->tx = calloc(SRTP_STREAMS_MAX, stream_size);
	if (session->tx == NULL || srtp_kdf_session(suite, key, &rtp, &session->rtcp) < 0) {
		session_free(&session->head);
		errno = ENOMEM;
		return NULL;
	}
	if (suite->aead)
		mb_gcm_keys(&session->rtp, suite, &rtp);
	else
		mb_cm_keys(&session->rtp, &rtp);
	plm_wipe(&rtp, sizeof(rtp));
	return &session->head;
}

// ---------------------------------------------------------------------------- batches

typedef void batch_fn(struct srtp_job *const *jobs, unsigned n);

// Checks n jobs and gives each cipher its own, in order. Jobs of one session have one cipher, so
// they stay in order among themselves.
static void run(
	struct srtp_job *jobs,
	unsigned n,
	enum srtp_operation operation,
	batch_fn *gcm,
	batch_fn *cm
) {
	struct srtp_job *of_gcm[MB_BURST], *of_cm[MB_BURST];

	for (unsigned done = 0; done < n; done += MB_BURST) {
		unsigned end = n - done < MB_BURST ? n : done + MB_BURST;
		unsigned n_gcm = 0, n_cm = 0;

		for (unsigned i = done; i < end; i++) {
			jobs[i].verdict = (uint16_t)srtp_job_check(&jobs[i], operation);
			if (jobs[i].verdict != SRTP_OK)
				continue;
			if (jobs[i].session->suite->aead)
				of_gcm[n_gcm++] = &jobs[i];
			else
				of_cm[n_cm++] = &jobs[i];
		}
		if (n_gcm > 0)
			gcm(of_gcm, n_gcm);
		if (n_cm > 0)
			cm(of_cm, n_cm);
	}
}

static void rtcp(struct srtp_job *jobs, unsigned n, bool protect) {
	for (unsigned i = 0; i < n; i++) {
		jobs[i].verdict = (uint16_t
		)srtp_job_check(&jobs[i], protect ? SRTP_PROTECT_RTCP : SRTP_UNPROTECT_RTCP);
		if (jobs[i].verdict != SRTP_OK)
			continue;
		if (jobs[i].session->suite->aead)
			mb_gcm_rtcp(&jobs[i], protect);
		else
			mb_cm_rtcp(&jobs[i], protect);
	}
}

static void fail_all(struct srtp_job *jobs, unsigned n) {
	for (unsigned i = 0; i < n; i++)
		jobs[i].verdict = SRTP_FAILED;
}

static void unprotect_rtp(struct srtp_job *jobs, unsigned n) {
	if (mb_manager() == NULL)
		fail_all(jobs, n);
	else
		run(jobs, n, SRTP_UNPROTECT_RTP, mb_gcm_unprotect_rtp, mb_cm_unprotect_rtp);
}

static void protect_rtp(struct srtp_job *jobs, unsigned n) {
	if (mb_manager() == NULL)
		fail_all(jobs, n);
	else
		run(jobs, n, SRTP_PROTECT_RTP, mb_gcm_protect_rtp, mb_cm_protect_rtp);
}

static void unprotect_rtcp(struct srtp_job *jobs, unsigned n) {
	if (mb_manager() == NULL)
		fail_all(jobs, n);
	else
		rtcp(jobs, n, false);
}

static void protect_rtcp(struct srtp_job *jobs, unsigned n) {
	if (mb_manager() == NULL)
		fail_all(jobs, n);
	else
		rtcp(jobs, n, true);
}

const struct srtp_backend srtp_backend_ipsecmb = {
	.name = "ipsec-mb",
	.init = backend_init,
	.session_new = session_new,
	.session_free = session_free,
	.unprotect_rtp = unprotect_rtp,
	.unprotect_rtcp = unprotect_rtcp,
	.protect_rtp = protect_rtp,
	.protect_rtcp = protect_rtcp,
};
