// SPDX-License-Identifier: BSD-3-Clause

#include "rtc.h"

#include "cert.h"
#include "dtls.h"
#include "rtc_thread.h"

#include <glib.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define CANDIDATE_LEN_MAX 512

// The one instance. config to threads are written by rtc_start and rtc_stop only; n_threads and
// owners are under lock, and so is posting to a thread: rtc_stop may not free it in between.
static struct {
	struct rtc_config config;
	struct rtc_events events;
	char *dataplane_socket;
	struct cert *cert;
	struct dtls_context *dtls;
	struct rtc_thread *threads[PLM_PUNT_CHANNELS];
	unsigned n_threads; // 0 = nothing is taken any more
	GHashTable *owners; // transport id -> struct owner
} rtc;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

struct owner {
	uint64_t id; // the key points here
	struct rtc_thread *thread;
};

static bool forget(uint64_t transport_id) {
	bool known;

	pthread_mutex_lock(&lock);
	known = rtc.owners != NULL && g_hash_table_remove(rtc.owners, &transport_id);
	pthread_mutex_unlock(&lock);
	return known;
}

static int start_threads(void) {
	struct rtc_thread_config config = {
		.config = &rtc.config,
		.events = &rtc.events,
		.dtls = rtc.dtls,
		.fingerprint = cert_fingerprint(rtc.cert),
		.forget = forget,
	};

	for (unsigned i = 0; i < rtc.config.n_threads; i++) {
		config.index = (uint16_t)i;
		rtc.threads[i] = rtc_thread_start(&config);
		if (rtc.threads[i] == NULL)
			return -errno;
		pthread_mutex_lock(&lock);
		rtc.n_threads++;
		pthread_mutex_unlock(&lock);
	}
	return 0;
}

int rtc_start(const struct rtc_config *config, const struct rtc_events *events) {
	int r = -ENOMEM;

	if (rtc.owners != NULL)
		return -EALREADY;
	if (config->n_threads == 0 || config->n_threads > PLM_PUNT_CHANNELS
	    || config->max_agents == 0 || config->n_public_addrs > PLM_HELLO_ADDRS)
		return -EINVAL;
	rtc.config = *config;
	rtc.events = *events;
	rtc.dataplane_socket = strdup(config->dataplane_socket);
	rtc.config.dataplane_socket = rtc.dataplane_socket;
	rtc.owners = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
	rtc.cert = cert_new();
	if (rtc.dataplane_socket != NULL && rtc.cert != NULL) {
		rtc.dtls = dtls_context_new(rtc.cert);
		r = rtc.dtls == NULL ? -errno : start_threads();
	}
	if (r < 0)
		rtc_stop();
	return r;
}

void rtc_stop(void) {
	unsigned n_threads;

	if (rtc.owners == NULL)
		return;
	// First nobody may reach the threads any more: rooms goes on asking for this and that.
	pthread_mutex_lock(&lock);
	n_threads = rtc.n_threads;
	rtc.n_threads = 0;
	g_hash_table_remove_all(rtc.owners);
	pthread_mutex_unlock(&lock);
	for (unsigned i = 0; i < n_threads; i++)
		rtc_thread_stop(rtc.threads[i]);
	pthread_mutex_lock(&lock);
	g_hash_table_destroy(rtc.owners);
	dtls_context_free(rtc.dtls);
	cert_free(rtc.cert);
	free(rtc.dataplane_socket);
	memset(&rtc, 0, sizeof(rtc));
	pthread_mutex_unlock(&lock);
}

// The thread with the fewest establishing connections, with a place claimed on it; NULL when all
// are full. Under lock.
static struct rtc_thread *claim_thread(void) {
	struct rtc_thread *best = NULL;

	for (unsigned i = 0; i < rtc.n_threads; i++) {
		if (rtc_thread_agents(rtc.threads[i]) >= rtc.config.max_agents)
			continue;
		if (best == NULL || rtc_thread_agents(rtc.threads[i]) < rtc_thread_agents(best))
			best = rtc.threads[i];
	}
	if (best != NULL)
		rtc_thread_claim(best);
	return best;
}

// Under lock.
static int refuse(uint64_t transport_id, enum rtc_failure why, const char *text) {
	struct rtc_message *message = rtc_message_new(
		RTC_MESSAGE_REFUSE, transport_id, text, strlen(text)
	);

	if (message == NULL)
		return -ENOMEM;
	message->why = why;
	return rtc_thread_post(rtc.threads[0], message);
}

// Takes the message over. Under lock.
static int create(const struct rtc_request *request, struct rtc_message *message) {
	struct rtc_thread *thread;
	struct owner *owner;
	int r;

	if (g_hash_table_contains(rtc.owners, &request->transport_id)) {
		free(message);
		return -EEXIST;
	}
	thread = claim_thread();
	if (thread == NULL) {
		free(message);
		return refuse(
			request->transport_id,
			RTC_FAILED_BUSY,
			"Too many clients are connecting at this moment."
		);
	}
	owner = g_new(struct owner, 1);
	owner->id = request->transport_id;
	owner->thread = thread;
	g_hash_table_insert(rtc.owners, &owner->id, owner);
	r = rtc_thread_post(thread, message);
	if (r < 0) {
		rtc_thread_unclaim(thread);
		g_hash_table_remove(rtc.owners, &request->transport_id);
	}
	return r;
}

int rtc_create(const struct rtc_request *request) {
	const bool too_long = request->offer_len > SDP_LEN_MAX;
	struct rtc_message *message;
	int r = -ENOTCONN;

	if (request->transport_id == 0 || request->n_want > SDP_TRACKS_MAX)
		return -EINVAL;
	message = rtc_message_new(
		RTC_MESSAGE_CREATE,
		request->transport_id,
		request->offer,
		too_long ? 0 : request->offer_len
	);
	if (message == NULL)
		return -ENOMEM;
	message->role = request->role;
	message->audio_only = request->audio_only;
	message->n_want = request->n_want;
	if (request->n_want > 0)
		memcpy(message->want, request->want, request->n_want * sizeof(*request->want));

	pthread_mutex_lock(&lock);
	if (rtc.n_threads == 0) {
		free(message);
	} else if (too_long) {
		free(message);
		r = refuse(request->transport_id, RTC_FAILED_SDP, "The offer is too long.");
	} else {
		r = create(request, message);
	}
	pthread_mutex_unlock(&lock);
	return r;
}

// Sends text to the thread of a transport. 0, -ENOENT, -ENOMEM, -ENOBUFS.
static int post(enum rtc_message_kind kind, uint64_t transport_id, const char *text, size_t len) {
	struct rtc_message *message;
	struct owner *owner;
	int r = -ENOENT;

	message = rtc_message_new(kind, transport_id, text, len);
	if (message == NULL)
		return -ENOMEM;
	pthread_mutex_lock(&lock);
	owner = rtc.owners == NULL ? NULL : g_hash_table_lookup(rtc.owners, &transport_id);
	if (owner != NULL) {
		r = rtc_thread_post(owner->thread, message);
		if (kind == RTC_MESSAGE_CLOSE)
			g_hash_table_remove(rtc.owners, &transport_id);
	} else {
		free(message);
	}
	pthread_mutex_unlock(&lock);
	return r;
}

int rtc_restart(uint64_t transport_id, const char *offer, size_t offer_len) {
	if (offer_len > SDP_LEN_MAX)
		return -EMSGSIZE;
	return post(RTC_MESSAGE_RESTART, transport_id, offer, offer_len);
}

int rtc_candidate(uint64_t transport_id, const char *candidate) {
	size_t len = strnlen(candidate, CANDIDATE_LEN_MAX);

	if (len == CANDIDATE_LEN_MAX)
		return 0; // bad ones are ignored
	return post(RTC_MESSAGE_CANDIDATE, transport_id, candidate, len);
}

int rtc_close(uint64_t transport_id) {
	return post(RTC_MESSAGE_CLOSE, transport_id, NULL, 0);
}

void rtc_stats(struct rtc_stats *ret_stats) {
	struct rtc_stats stats = {0};

	pthread_mutex_lock(&lock);
	stats.threads = rtc.n_threads;
	for (unsigned i = 0; i < rtc.n_threads; i++)
		rtc_thread_stats(rtc.threads[i], &stats);
	pthread_mutex_unlock(&lock);
	*ret_stats = stats;
}
