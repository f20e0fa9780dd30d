// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The transports threads: for each WebRTC connection an SDP negotiation, a libnice agent while it
// connects, and a DTLS object for as long as it lives. rooms decides, rtc obeys.
//
// Threads meet by messages: every rtc_* function below may be called from any thread, copies or
// takes what it is given, and returns at once. Answers come by the callbacks in struct rtc_events,
// called on an rtc thread: they must only post to the caller's own queue.

#include "sdp_answer.h"

#include <plm_api.h>

#include <stdbool.h>
#include <stdint.h>

struct rtc_config {
	unsigned n_threads; // 1..PLM_PUNT_CHANNELS; thread i is punt channel i
	// establishing at once on one thread (platform-facts: about 100)
	unsigned max_agents;
	const char *dataplane_socket; // each thread keeps its own PUNT connection there
	// 1:1 NAT: told to clients instead of the TAP's
	struct plm_addr public_addrs[PLM_HELLO_ADDRS];
	unsigned n_public_addrs; // 0 = the TAP's own
	unsigned connect_timeout_ms; // NEW to SECURE, then RTC_FAILED_TIMEOUT
	unsigned agent_linger_ms; // agent is kept this long after SECURE
};

enum rtc_failure {
	RTC_FAILED_SDP = 1, // sentence in text; error -EBADMSG or -EPROTO
	RTC_FAILED_CODEC, // no common codec
	RTC_FAILED_BUSY, // all threads at max_agents
	RTC_FAILED_TIMEOUT, // the client never connected
	RTC_FAILED_FINGERPRINT, // certificate is not the one of the SDP
	RTC_FAILED_DTLS, // handshake failed
	RTC_FAILED_DATAPLANE, // no dataplane, or it refused
	RTC_FAILED_INTERNAL,
};

// A finished negotiation. Valid during the callback.
struct rtc_answer {
	uint64_t transport_id;
	uint16_t punt_channel;
	uint16_t agent_port_v4, agent_port_v6;
	struct plm_ice_credentials ice;
	const char *sdp;
	const struct sdp_track *tracks;
	const unsigned *want_index; // watching: which wanted track each one carries
	unsigned n_tracks;
};

struct rtc_events {
	void *user;
	// The answer is ready. rooms adds the transport to the dataplane with these credentials
	// BEFORE it gives the answer to the client.
	void (*answered)(void *user, const struct rtc_answer *answer);
	// ICE restart answered: new credentials for TRANSPORT_RESTART, and the new SDP answer.
	void (*restarted)(void *user, const struct rtc_answer *answer);
	// ICE restart refused (bad offer, no dataplane): the transport goes on as it was. May be
	// NULL.
	void (*restart_refused
	)(void *user, uint64_t transport_id, enum rtc_failure why, const char *text);
	// DTLS is done, the peer proven, keys installed: the transport is SECURE.
	void (*connected)(void *user, uint64_t transport_id, uint16_t suite);
	// Failed before or instead of connected. The rtc side of the transport is gone.
	void (*failed)(void *user, uint64_t transport_id, enum rtc_failure why, const char *text);
	// The peer closed (close_notify or fatal alert) after connected. rtc side is gone.
	void (*closed)(void *user, uint64_t transport_id);
};

// Starts the threads, makes the DTLS certificate (ECDSA P-256, in memory only). The dataplane may
// be
// absent: connections are retried, offers meanwhile fail with RTC_FAILED_DATAPLANE.
// Returns 0 or -errno. One instance per process.
int rtc_start(const struct rtc_config *config, const struct rtc_events *events);
// Joins the threads and frees what they hold. Connected clients are told nothing: the dataplane
// keeps their media going without us.
void rtc_stop(void);

// A new connection. offer is copied. Tracks: watching only, with ssrc, cname and msid set.
// Publisher tracks keep nack/pli/fir/remb as negotiated.
struct rtc_request {
	uint64_t transport_id;
	enum sdp_role role;
	bool audio_only;
	const char *offer;
	size_t offer_len;
	const struct sdp_track *want;
	unsigned n_want;
};
int rtc_create(const struct rtc_request *request); // 0 or -ENOMEM; failures come by failed()

// ICE restart with a new offer of the same client (only the credentials may differ).
int rtc_restart(uint64_t transport_id, const char *offer, size_t offer_len);

// A trickled candidate of the client: the text after "a=" or "candidate:...". Bad ones are ignored.
int rtc_candidate(uint64_t transport_id, const char *candidate);

// Ends a transport: close_notify is sent, the agent and DTLS object are destroyed. No callback.
int rtc_close(uint64_t transport_id);

struct rtc_stats {
	uint32_t agents; // alive now
	uint32_t dtls; // DTLS objects alive now
	uint32_t threads;
	uint64_t handshakes, handshake_failures, timeouts;
};
void rtc_stats(struct rtc_stats *ret_stats); // any thread
