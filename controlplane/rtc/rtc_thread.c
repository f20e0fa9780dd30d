// SPDX-License-Identifier: BSD-3-Clause

#include "rtc_thread.h"

#include "peer_connection.h"
#include "punt_client.h"
#include "timer.h"

#include <plm_log.h>

#include <glib.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

LOG_TYPE("rtc");

// Of the thread's table; owned by it.
struct entry {
	uint64_t id; // the key points here
	struct peer_connection *connection;
	bool claimed; // counts as establishing
};

struct rtc_thread {
	struct rtc_thread_config config;
	pthread_t thread;
	GMainContext *context;
	GMainLoop *loop;
	GSource *wake;
	struct punt_client *punt;
	struct peer_host host;
	GHashTable *connections; // id -> struct entry
	uint64_t boot_id; // of the dataplane, 0 = not met yet

	pthread_mutex_t lock; // of queue
	GQueue queue; // struct rtc_message

	// rw: this thread (agents also: claimers); ro: any
	atomic_uint agents, dtls;
	atomic_uint_fast64_t handshakes, handshake_failures, timeouts;
};

// ---------------------------------------------------------------------------- table

static void unclaim_entry(struct rtc_thread *thread, struct entry *entry) {
	if (!entry->claimed)
		return;
	entry->claimed = false;
	atomic_fetch_sub(&thread->agents, 1);
}

// Out of the table first: what the connection tells while it is freed then finds nothing.
static void remove_entry(struct rtc_thread *thread, struct entry *entry) {
	g_hash_table_remove(thread->connections, &entry->id);
	peer_connection_free(entry->connection);
	unclaim_entry(thread, entry);
	g_free(entry);
}

static struct entry *find_entry(struct rtc_thread *thread, uint64_t id) {
	return g_hash_table_lookup(thread->connections, &id);
}

// ---------------------------------------------------------------------------- of connections

static void on_answered(void *user, const struct rtc_answer *answer) {
	struct rtc_thread *thread = user;

	thread->config.events->answered(thread->config.events->user, answer);
}

static void on_restarted(void *user, const struct rtc_answer *answer) {
	struct rtc_thread *thread = user;

	thread->config.events->restarted(thread->config.events->user, answer);
}

static void on_restart_refused(void *user, uint64_t id, enum rtc_failure why, const char *text) {
	struct rtc_thread *thread = user;
	const struct rtc_events *events = thread->config.events;

	if (events->restart_refused != NULL)
		events->restart_refused(events->user, id, why, text);
}

static void on_connected(void *user, uint64_t id, uint16_t suite) {
	struct rtc_thread *thread = user;

	atomic_fetch_add(&thread->handshakes, 1);
	thread->config.events->connected(thread->config.events->user, id, suite);
}

static void on_ended(void *user, uint64_t id, enum rtc_failure why, const char *text) {
	struct rtc_thread *thread = user;
	const struct rtc_events *events = thread->config.events;
	struct entry *entry = find_entry(thread, id);
	char copy[160];

	snprintf(copy, sizeof(copy), "%s", text); // text is the connection's own
	if (entry != NULL) {
		peer_connection_close(entry->connection);
		remove_entry(thread, entry);
	}
	if (why == RTC_FAILED_TIMEOUT)
		atomic_fetch_add(&thread->timeouts, 1);
	if (!thread->config.forget(id))
		return;
	if (why == 0) {
		events->closed(events->user, id);
		return;
	}
	events->failed(events->user, id, why, copy);
}

static void on_agent_gone(void *user, uint64_t id) {
	struct rtc_thread *thread = user;
	struct entry *entry = find_entry(thread, id);

	if (entry != NULL)
		unclaim_entry(thread, entry);
}

static void on_dtls_started(void *user) {
	struct rtc_thread *thread = user;

	atomic_fetch_add(&thread->dtls, 1);
}

static void on_dtls_ended(void *user) {
	struct rtc_thread *thread = user;

	atomic_fetch_sub(&thread->dtls, 1);
}

static void on_handshake_failed(void *user) {
	struct rtc_thread *thread = user;

	atomic_fetch_add(&thread->handshake_failures, 1);
}

// ---------------------------------------------------------------------------- of the dataplane

static void on_up(void *user, const struct plm_hello_rep *hello) {
	struct rtc_thread *thread = user;
	const bool lost = thread->boot_id != 0 && thread->boot_id != hello->boot_id;
	GHashTableIter iter;
	gpointer value;

	LOG(INFO, "channel %u: dataplane is there: %.32s", thread->config.index, hello->version_text
	);
	thread->boot_id = hello->boot_id;
	g_hash_table_iter_init(&iter, thread->connections);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct entry *entry = value;

		if (lost)
			peer_connection_dataplane_lost(entry->connection);
		else
			peer_connection_dataplane_up(entry->connection);
	}
}

static void on_down(void *) {
	// Connections wait: media goes on without us, and DTLS repeats what was lost.
}

static void on_record(void *user, uint64_t id, const uint8_t *data, size_t len) {
	struct entry *entry = find_entry(user, id);

	if (entry != NULL)
		peer_connection_record(entry->connection, data, len);
}

// ---------------------------------------------------------------------------- messages

struct rtc_message *rtc_message_new(
	enum rtc_message_kind kind,
	uint64_t transport_id,
	const char *text,
	size_t len
) {
	struct rtc_message *message = calloc(1, sizeof(*message) + len + 1);

	if (message == NULL)
		return NULL;
	message->kind = kind;
	message->transport_id = transport_id;
	message->len = len;
	if (len > 0)
		memcpy(message->text, text, len);
	return message;
}

static void create(struct rtc_thread *thread, const struct rtc_message *message) {
	struct rtc_request request = {
		.transport_id = message->transport_id,
		.role = message->role,
		.audio_only = message->audio_only,
		.offer = message->text,
		.offer_len = message->len,
		.want = message->want,
		.n_want = message->n_want,
	};
	const struct rtc_events *events = thread->config.events;
	struct entry *entry = g_new0(struct entry, 1);

	entry->id = message->transport_id;
	entry->claimed = true;
	if (find_entry(thread, entry->id) == NULL)
		entry->connection = peer_connection_new(&thread->host, &request);
	if (entry->connection != NULL) {
		g_hash_table_insert(thread->connections, &entry->id, entry);
		return;
	}
	unclaim_entry(thread, entry);
	if (thread->config.forget(entry->id))
		events->failed(events->user, entry->id, RTC_FAILED_INTERNAL, "No memory.");
	g_free(entry);
}

// Silent: media of connected clients does not depend on this process, so its end is none of theirs.
static void stop(struct rtc_thread *thread) {
	GList *entries = g_hash_table_get_values(thread->connections);

	for (GList *i = entries; i != NULL; i = i->next)
		remove_entry(thread, i->data);
	g_list_free(entries);
	g_main_loop_quit(thread->loop);
}

static void handle(struct rtc_thread *thread, const struct rtc_message *message) {
	const struct rtc_events *events = thread->config.events;
	struct entry *entry = find_entry(thread, message->transport_id);

	switch (message->kind) {
	case RTC_MESSAGE_CREATE:
		create(thread, message);
		break;
	case RTC_MESSAGE_RESTART:
		if (entry != NULL)
			peer_connection_restart(entry->connection, message->text, message->len);
		break;
	case RTC_MESSAGE_CANDIDATE:
		if (entry != NULL)
			peer_connection_candidate(entry->connection, message->text);
		break;
	case RTC_MESSAGE_CLOSE:
		if (entry != NULL) {
			peer_connection_close(entry->connection);
			remove_entry(thread, entry);
		}
		break;
	case RTC_MESSAGE_REFUSE:
		events->failed(events->user, message->transport_id, message->why, message->text);
		break;
	case RTC_MESSAGE_STOP:
		stop(thread);
		break;
	}
}

static struct rtc_message *take_message(struct rtc_thread *thread) {
	struct rtc_message *message;

	pthread_mutex_lock(&thread->lock);
	message = g_queue_pop_head(&thread->queue);
	pthread_mutex_unlock(&thread->lock);
	return message;
}

static void message_free(void *data) {
	free(data);
}

// A limited number at a time: a burst of joins must not keep records waiting.
static void drain(void *user) {
	struct rtc_thread *thread = user;

	for (unsigned i = 0; i < 32; i++) {
		struct rtc_message *message = take_message(thread);

		if (message == NULL)
			return;
		handle(thread, message);
		message_free(message);
	}
	timer_set(thread->wake, 0);
}

int rtc_thread_post(struct rtc_thread *thread, struct rtc_message *message) {
	guint waiting, max = RTC_THREAD_QUEUE_MAX;

	if (message->kind == RTC_MESSAGE_CANDIDATE)
		max /= 4;
	else if (message->kind == RTC_MESSAGE_CLOSE || message->kind == RTC_MESSAGE_STOP)
		max = UINT_MAX; // an end is never lost
	pthread_mutex_lock(&thread->lock);
	waiting = g_queue_get_length(&thread->queue);
	if (waiting < max)
		g_queue_push_tail(&thread->queue, message);
	pthread_mutex_unlock(&thread->lock);
	if (waiting >= max) {
		message_free(message);
		return -ENOBUFS;
	}
	timer_set(thread->wake, 0);
	return 0;
}

// ---------------------------------------------------------------------------- life

static void *run(void *user) {
	struct rtc_thread *thread = user;

	g_main_context_push_thread_default(thread->context);
	g_main_loop_run(thread->loop);
	g_main_context_pop_thread_default(thread->context);
	return NULL;
}

static void destroy(struct rtc_thread *thread) {
	punt_client_free(thread->punt);
	timer_free(thread->wake);
	g_hash_table_destroy(thread->connections);
	g_queue_clear_full(&thread->queue, message_free);
	pthread_mutex_destroy(&thread->lock);
	g_main_loop_unref(thread->loop);
	g_main_context_unref(thread->context);
	free(thread);
}

static void fill_host(struct rtc_thread *thread) {
	thread->host = (struct peer_host){
		.context = thread->context,
		.channel = thread->config.index,
		.punt = thread->punt,
		.dtls = thread->config.dtls,
		.fingerprint = thread->config.fingerprint,
		.config = thread->config.config,
		.user = thread,
		.answered = on_answered,
		.restarted = on_restarted,
		.restart_refused = on_restart_refused,
		.connected = on_connected,
		.ended = on_ended,
		.agent_gone = on_agent_gone,
		.dtls_started = on_dtls_started,
		.dtls_ended = on_dtls_ended,
		.handshake_failed = on_handshake_failed,
	};
}

struct rtc_thread *rtc_thread_start(const struct rtc_thread_config *config) {
	struct rtc_thread *thread = calloc(1, sizeof(*thread));
	struct punt_config punt = {
		.path = config->config->dataplane_socket,
		.channel = config->index,
		.up = on_up,
		.down = on_down,
		.record = on_record,
	};
	char name[16];
	int r;

	if (thread == NULL)
		return NULL;
	thread->config = *config;
	pthread_mutex_init(&thread->lock, NULL);
	g_queue_init(&thread->queue);
	thread->context = g_main_context_new();
	thread->loop = g_main_loop_new(thread->context, FALSE);
	thread->wake = timer_new(thread->context, drain, thread);
	thread->connections = g_hash_table_new(g_int64_hash, g_int64_equal);
	punt.context = thread->context;
	punt.user = thread;
	thread->punt = punt_client_new(&punt);
	if (thread->punt == NULL) {
		destroy(thread);
		errno = ENOMEM;
		return NULL;
	}
	fill_host(thread);
	r = pthread_create(&thread->thread, NULL, run, thread);
	if (r != 0) {
		destroy(thread);
		errno = r;
		return NULL;
	}
	snprintf(name, sizeof(name), "rtc-%u", config->index);
	pthread_setname_np(thread->thread, name);
	return thread;
}

void rtc_thread_stop(struct rtc_thread *thread) {
	struct rtc_message *message;

	if (thread == NULL)
		return;
	message = rtc_message_new(RTC_MESSAGE_STOP, 0, NULL, 0);
	if (message == NULL)
		abort(); // the process is ending anyway, and the thread cannot be left behind
	rtc_thread_post(thread, message);
	pthread_join(thread->thread, NULL);
	destroy(thread);
}

unsigned rtc_thread_agents(const struct rtc_thread *thread) {
	return atomic_load(&thread->agents);
}

void rtc_thread_claim(struct rtc_thread *thread) {
	atomic_fetch_add(&thread->agents, 1);
}

void rtc_thread_unclaim(struct rtc_thread *thread) {
	atomic_fetch_sub(&thread->agents, 1);
}

void rtc_thread_stats(const struct rtc_thread *thread, struct rtc_stats *stats) {
	stats->agents += atomic_load(&thread->agents);
	stats->dtls += atomic_load(&thread->dtls);
	stats->handshakes += atomic_load(&thread->handshakes);
	stats->handshake_failures += atomic_load(&thread->handshake_failures);
	stats->timeouts += atomic_load(&thread->timeouts);
}
