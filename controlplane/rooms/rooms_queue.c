// SPDX-License-Identifier: BSD-3-Clause

// The public functions of rooms.h that other threads call: each posts one message.

#include "rooms_queue.h"

#include "jsonrpc.h"
#include "signaling.h"

#include <plm_log.h>
#include <plm_secret.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

LOG_TYPE("rooms");

struct rooms_queue {
	struct plm_loop *loop;
	pthread_mutex_t lock; // guards what follows
	struct rooms_message *head, **tail;
	size_t n;
};

static void message_free(struct rooms_message *message) {
	json_decref(message->id);
	json_decref(message->params);
	if (message->text != NULL)
		plm_wipe(message->text, strlen(message->text)); // resume tokens
	plm_wipe(&message->answer.ice, sizeof(message->answer.ice));
	free(message->text);
	free(message->admin_id);
	free((void *)message->answer.sdp);
	free((void *)message->answer.tracks);
	free((void *)message->answer.want_index);
	free(message);
}

struct rooms_queue *rooms_queue_new(struct plm_loop *loop) {
	struct rooms_queue *new = calloc(1, sizeof(*new));

	if (new == NULL)
		return NULL;
	new->loop = loop;
	new->tail = &new->head;
	pthread_mutex_init(&new->lock, NULL);
	return new;
}

void rooms_queue_free(struct rooms_queue *queue) {
	struct rooms_message *message;

	if (queue == NULL)
		return;
	while ((message = queue->head) != NULL) {
		queue->head = message->next;
		if (message->type == ROOMS_ADMIN)
			message->done(message->user, NULL); // somebody waits for it
		message_free(message);
	}
	pthread_mutex_destroy(&queue->lock);
	free(queue);
}

void rooms_queue_drain(
	struct rooms_queue *queue,
	void (*handle)(void *user, struct rooms_message *message),
	void *user
) {
	struct rooms_message *list, *message;

	pthread_mutex_lock(&queue->lock);
	list = queue->head;
	queue->head = NULL;
	queue->tail = &queue->head;
	queue->n = 0;
	pthread_mutex_unlock(&queue->lock);
	while ((message = list) != NULL) {
		list = message->next;
		handle(user, message);
		message_free(message);
	}
}

// False: the queue is full or the thread does not run; the message stays the caller's.
// Requests may be refused; what rtc says and closed connections never are: they are bounded by what
// was admitted, and losing one would leave something behind.
static bool try_post(struct rooms_message *message) {
	struct rooms_queue *queue = rooms_queue();
	bool full;

	if (queue == NULL)
		return false;
	pthread_mutex_lock(&queue->lock);
	full = message->type == ROOMS_REQUEST && queue->n >= ROOMS_QUEUE_MAX;
	if (!full) {
		*queue->tail = message;
		queue->tail = &message->next;
		queue->n++;
	}
	pthread_mutex_unlock(&queue->lock);
	if (!full)
		plm_loop_wake(queue->loop);
	return !full;
}

// Takes the message over.
static void post(struct rooms_message *message) {
	if (!try_post(message))
		message_free(message);
}

static struct rooms_message *message_new(enum rooms_message_type type) {
	struct rooms_message *message = calloc(1, sizeof(*message));

	if (message == NULL)
		LOG(ERROR, "out of memory for a message");
	else
		message->type = type;
	return message;
}

void rooms_hello(
	uint64_t conn_id,
	const struct rooms_identity *identity,
	const char *resume_token,
	json_t *hello_id
) {
	struct rooms_message *message = message_new(ROOMS_HELLO);

	if (message == NULL) {
		json_decref(hello_id);
		return;
	}
	message->conn_id = conn_id;
	message->identity = *identity;
	message->id = hello_id;
	message->text = resume_token != NULL ? strdup(resume_token) : NULL;
	post(message);
}

void rooms_request(uint64_t conn_id, json_t *id, const char *method, json_t *params) {
	struct rooms_message *message = message_new(ROOMS_REQUEST);

	if (message == NULL) {
		json_decref(id);
		json_decref(params);
		return;
	}
	message->conn_id = conn_id;
	message->id = id;
	message->params = params;
	message->text = strdup(method);
	if (message->text == NULL || !try_post(message)) {
		char *text = jsonrpc_error(id, PROTOCOL_BUSY, "The server is overloaded.");

		if (text != NULL)
			signaling_send(conn_id, text);
		message_free(message);
	}
}

void rooms_closed(uint64_t conn_id) {
	struct rooms_message *message = message_new(ROOMS_CLOSED);

	if (message == NULL)
		return;
	message->conn_id = conn_id;
	post(message);
}

void rooms_admin(
	const char *what,
	const char *id,
	void (*done)(void *user, json_t *result),
	void *user
) {
	struct rooms_message *message = message_new(ROOMS_ADMIN);

	if (message != NULL) {
		message->text = strdup(what);
		message->admin_id = id != NULL ? strdup(id) : NULL;
		message->done = done;
		message->user = user;
	}
	if (message == NULL) {
		done(user, NULL);
	} else if (message->text == NULL || !try_post(message)) {
		message_free(message);
		done(user, NULL);
	}
}

// ---------------------------------------------------------------------------- events of rtc

static void post_answer(enum rooms_message_type type, const struct rtc_answer *answer) {
	struct rooms_message *message = message_new(type);
	struct sdp_track *tracks;
	unsigned *want_index;

	if (message == NULL)
		return;
	message->answer = *answer;
	message->answer.sdp = strdup(answer->sdp);
	tracks = calloc(answer->n_tracks + 1, sizeof(*tracks));
	want_index = calloc(answer->n_tracks + 1, sizeof(*want_index));
	if (tracks != NULL && answer->tracks != NULL)
		memcpy(tracks, answer->tracks, answer->n_tracks * sizeof(*tracks));
	if (want_index != NULL && answer->want_index != NULL)
		memcpy(want_index, answer->want_index, answer->n_tracks * sizeof(*want_index));
	message->answer.tracks = tracks;
	message->answer.want_index = want_index;
	if (message->answer.sdp == NULL || tracks == NULL || want_index == NULL) {
		LOG(ERROR, "out of memory for an answer");
		message_free(message);
		return;
	}
	post(message);
}

static void on_answered(void *, const struct rtc_answer *answer) {
	post_answer(ROOMS_RTC_ANSWERED, answer);
}

static void on_restarted(void *, const struct rtc_answer *answer) {
	post_answer(ROOMS_RTC_RESTARTED, answer);
}

static void post_failure(
	enum rooms_message_type type,
	uint64_t transport_id,
	enum rtc_failure why,
	const char *text
) {
	struct rooms_message *message = message_new(type);

	if (message == NULL)
		return;
	message->transport_id = transport_id;
	message->why = why;
	message->text = strdup(text != NULL ? text : "");
	if (message->text == NULL)
		message_free(message);
	else
		post(message);
}

static void on_restart_refused(
	void *,
	uint64_t transport_id,
	enum rtc_failure why,
	const char *text
) {
	post_failure(ROOMS_RTC_RESTART_REFUSED, transport_id, why, text);
}

static void on_failed(void *, uint64_t transport_id, enum rtc_failure why, const char *text) {
	post_failure(ROOMS_RTC_FAILED, transport_id, why, text);
}

static void on_connected(void *, uint64_t transport_id, uint16_t suite) {
	struct rooms_message *message = message_new(ROOMS_RTC_CONNECTED);

	if (message == NULL)
		return;
	message->transport_id = transport_id;
	message->suite = suite;
	post(message);
}

static void on_closed(void *, uint64_t transport_id) {
	struct rooms_message *message = message_new(ROOMS_RTC_CLOSED);

	if (message == NULL)
		return;
	message->transport_id = transport_id;
	post(message);
}

void rooms_rtc_events(struct rtc_events *ret_events) {
	*ret_events = (struct rtc_events){
		.answered = on_answered,
		.restarted = on_restarted,
		.restart_refused = on_restart_refused,
		.connected = on_connected,
		.failed = on_failed,
		.closed = on_closed,
	};
}
