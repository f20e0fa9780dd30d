// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// One thread of the rtc part: a GMainContext with its agents, DTLS objects and PUNT connection.
// Other threads reach it by messages only.

#include "dtls.h"
#include "rtc.h"

#include <stdbool.h>
#include <stdint.h>

#define RTC_THREAD_QUEUE_MAX 65536 // messages waiting; candidates stop at a quarter of it

struct rtc_thread;

struct rtc_thread_config {
	uint16_t index;
	const struct rtc_config *config; // borrowed, as all pointers here
	const struct rtc_events *events;
	struct dtls_context *dtls;
	const char *fingerprint;
	// A transport ends by itself. False when rtc_close was faster: then no event is told.
	bool (*forget)(uint64_t transport_id);
};

struct rtc_thread *rtc_thread_start(const struct rtc_thread_config *config); // NULL with errno
// Frees its connections without a word to the peers, and ends the thread. Takes NULL.
void rtc_thread_stop(struct rtc_thread *thread);

enum rtc_message_kind {
	RTC_MESSAGE_CREATE,
	RTC_MESSAGE_RESTART,
	RTC_MESSAGE_CANDIDATE,
	RTC_MESSAGE_CLOSE,
	RTC_MESSAGE_REFUSE, // tells failed() of a request that no thread can take
	RTC_MESSAGE_STOP,
};

// Owned by the sender until posted.
struct rtc_message {
	enum rtc_message_kind kind;
	uint64_t transport_id;
	enum sdp_role role;
	bool audio_only;
	enum rtc_failure why;
	unsigned n_want;
	struct sdp_track want[SDP_TRACKS_MAX];
	size_t len;
	char text[]; // offer, candidate or sentence: len bytes and NUL
};

// NULL with errno ENOMEM.
struct rtc_message *rtc_message_new(
	enum rtc_message_kind kind,
	uint64_t transport_id,
	const char *text,
	size_t len
);

// Takes the message in any case. 0, or -ENOBUFS when the thread is too far behind.
int rtc_thread_post(struct rtc_thread *thread, struct rtc_message *message);

// Counts of connections that are establishing. claim before posting a CREATE; the thread gives the
// place back when the agent is gone. Any thread.
unsigned rtc_thread_agents(const struct rtc_thread *thread);
void rtc_thread_claim(struct rtc_thread *thread);
void rtc_thread_unclaim(struct rtc_thread *thread);

// Adds this thread's numbers (all but threads) to stats. Any thread.
void rtc_thread_stats(const struct rtc_thread *thread, struct rtc_stats *stats);
