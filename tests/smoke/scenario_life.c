// SPDX-License-Identifier: BSD-3-Clause

// What shows over time: consent, released memory, idle load.

#include "probe.h"

#include <plm_demux.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CYCLES 200
#define SPARE 64 // packet buffers
#ifdef __SANITIZE_ADDRESS__
#define GROWTH_KB 16384 // freed memory is kept back
#else
#define GROWTH_KB 2048
#endif
#define SECOND_US UINT64_C(1000000)

// ---------------------------------------------------------------------------- consent (30 s)

static struct {
	struct peer *mute; // never answers a check
	struct peer *quiet; // answers no more after the first ones; sends and receives a stream
	struct peer *well; // always does
	struct peer *late; // comes back by another address after 29 s
	struct source source, from_quiet;
	struct sink to_quiet, to_well;
	uint64_t mute_us; // when it became SECURE
	uint64_t quiet_us, late_us; // their last answers
} consent;

static void consent_begin(void) {
	consent.mute = peer_new();
	peer_open(consent.mute, 4);
	consent.mute->sock->silent = true;
	peer_add(consent.mute);
	peer_nominate(consent.mute, consent.mute->sock);
	peer_secure(consent.mute, SUITE_GCM);
	consent.mute_us = plm_now_us();
	WAIT(consent.mute->n_checks > 0, WAIT_MS, "no check");
	CHECK(consent.mute->n_bad == 0, "the check is not well signed");
	consent.well = peer_up(4, SUITE_GCM);
	consent.quiet = peer_up(4, SUITE_GCM);
	WAIT(transport_info(consent.quiet->id).rtt_us > 0, WAIT_MS, "no consent check");
	consent.quiet->sock->silent = true;
	consent.quiet_us = plm_now_us();
	consent.late = peer_up(4, SUITE_GCM);
	consent.late->sock->silent = true;
	consent.late_us = plm_now_us();
	source_add(&consent.source, consent.well, PLM_KIND_AUDIO, true);
	source_add(&consent.from_quiet, consent.quiet, PLM_KIND_AUDIO, true);
	sink_add(&consent.to_well, consent.well, &consent.from_quiet);
	sink_add(&consent.to_quiet, consent.quiet, &consent.source);
	source_send_n(&consent.source, 3);
	source_send_n(&consent.from_quiet, 3);
}

// Every 4 to 6 s after the first ones.
static void intervals_ok(const struct peer *peer, const char *who) {
	unsigned n = 0;

	for (unsigned i = 1; i < peer->n_checks && i < 64; i++) {
		uint64_t us = peer->checks_us[i] - peer->checks_us[i - 1];

		if (us < SECOND_US)
			continue; // of the hand-over
		n++;
		CHECK(us > 3500000 && us < 8000000,
		      "%s: a check after %u ms",
		      who,
		      (unsigned)(us / 1000));
	}
	CHECK(n >= 4, "%s: only %u checks", who, n);
}

static void dead_is_silent(struct peer *peer) {
	uint64_t bytes = peer->sock->bytes;
	uint8_t dtls[20] = {21, 254, 253, [12] = 7};
	const struct plm_rtcp_sr sr = {.ssrc = consent.source.ssrc, .ntp = 5};
	uint8_t data[256];
	int len;

	stun_send(peer, peer->sock, NULL, NULL);
	source_send(&consent.from_quiet, false, 60);
	sock_send(peer->sock, dtls, sizeof(dtls));
	drop_expect("transport_dead", 3);
	punt_send(peer->id, dtls, sizeof(dtls));
	drop_expect("transport_dead", 1);
	source_send_n(&consent.source, 5);
	len = plm_rtcp_sr_write(data, 128, &sr, NULL, 0);
	control_send(consent.well, data, (size_t)len);
	pump_for(1200); // reports would come each second
	CHECK(peer->sock->bytes == bytes,
	      "%u bytes to a transport without consent",
	      (unsigned)(peer->sock->bytes - bytes));
}

// 30 s after its last answer, at since_us.
static void dies(struct peer *peer, uint64_t since_us, const char *who) {
	const struct event *event;
	uint64_t took_us;

	WAIT(event_find(PLM_API_EVENT_TRANSPORT, peer->id, PLM_TRANSPORT_EV_CONSENT_LOST) != NULL,
	     6000,
	     "%s: keeps its consent",
	     who);
	event = event_find(PLM_API_EVENT_TRANSPORT, peer->id, PLM_TRANSPORT_EV_CONSENT_LOST);
	took_us = event->at_us - since_us;
	CHECK(took_us > 29 * SECOND_US && took_us < 33 * SECOND_US,
	      "%s: consent is lost after %u ms",
	      who,
	      (unsigned)(took_us / 1000));
	CHECK(transport_info(peer->id).state == PLM_TRANSPORT_DEAD, "%s: not DEAD", who);
	intervals_ok(peer, who);
}

static void consent_run(void) {
	struct peer *late = consent.late;
	bool in_time;

	while (plm_now_us() < consent.late_us + 29 * SECOND_US)
		pump(5);
	in_time = plm_now_us() < consent.late_us + 29 * SECOND_US + SECOND_US / 2;
	if (in_time) {
		peer_nominate(late, sock_open(4, NULL));
		WAIT(peer_selected(late, late->sock), WAIT_MS, "the path does not move");
		late->sock->silent = false;
	}
	dies(consent.mute, consent.mute_us, "mute");
	dies(consent.quiet, consent.quiet_us, "quiet");
	dead_is_silent(consent.quiet);
	CHECK(transport_info(consent.well->id).state == PLM_TRANSPORT_SECURE, "a well one died");
	CHECK(transport_info(consent.well->id).consent_age_ms < 8000, "its consent is old");
	CHECK(event_find(PLM_API_EVENT_TRANSPORT, consent.well->id, PLM_TRANSPORT_EV_CONSENT_LOST)
		      == NULL,
	      "a well one lost consent");
	intervals_ok(consent.well, "well");
	while (in_time && plm_now_us() < consent.late_us + 31 * SECOND_US)
		pump(5);
	CHECK(!in_time || transport_info(late->id).state == PLM_TRANSPORT_SECURE,
	      "one that came back after 29 s died");
}

// ---------------------------------------------------------------------------- release

static unsigned long resident_kb(void) {
	unsigned long pages = 0;
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)options.pid);
	file = fopen(path, "re");
	CHECK(file != NULL, "cannot read %s", path);
	if (fscanf(file, "%*u %lu", &pages) != 1)
		pages = 0;
	fclose(file);
	return pages * (unsigned long)sysconf(_SC_PAGESIZE) / 1024;
}

static void cycle(unsigned i) {
	struct peer *publisher = peer_up(4, SUITE_GCM), *viewer = peer_up(6, SUITE_GCM);
	struct source source;
	struct sink sink;
	uint16_t first, seq;

	source_add(&source, publisher, PLM_KIND_VIDEO, i % 2 == 0);
	sink_add(&sink, viewer, &source);
	first = source.seq;
	for (unsigned k = 0; k < 20; k++)
		source_send(&source, k == 0, 500);
	sink_expect(&sink, 0, first, 20);
	seq = sink_at(&sink, 3)->seq;
	send_nack(viewer, sink.ssrc, &seq, 1);
	send_pli(viewer, sink.ssrc);
	// Deleted in every order, in the middle of traffic.
	source_send(&source, false, 500);
	if (i % 3 == 0)
		relay_del(PLM_API_CONSUMER_DEL, sink.consumer_id);
	if (i % 3 == 1)
		relay_del(PLM_API_PRODUCER_DEL, source.producer_id);
	source_send(&source, false, 500);
	peer_del(i % 2 ? publisher : viewer);
	source_send(&source, false, 500);
	peer_del(i % 2 ? viewer : publisher);
	sockets_clean(running);
	peers_clean(running);
}

static void release(void) {
	unsigned transports = list_count(PLM_API_TRANSPORT_LIST, 0);
	unsigned producers = list_count(PLM_API_PRODUCER_LIST, 0);
	unsigned consumers = list_count(PLM_API_CONSUMER_LIST, 0);
	// Each worker may hold some allocated ahead; a leak is one a cycle or more.
	uint64_t used = worker_info(0).mbufs_used + SPARE * hello.n_workers;
	unsigned long before_kb = 0, after_kb;

	// What is in flight when its transport goes.
	drop_allow("unknown_path");
	drop_allow("unknown_ssrc");
	drop_allow("transport_gone");
	drop_allow("not_secure");
	drop_allow("no_path");
	drop_allow("stun_unexpected");
	for (unsigned i = 0; i < CYCLES; i++) {
		cycle(i);
		if (i == CYCLES / 4)
			before_kb = resident_kb();
	}
	after_kb = resident_kb();
	WAIT(worker_info(0).mbufs_used <= used,
	     WAIT_MS,
	     "%u packet buffers are not released",
	     (unsigned)(worker_info(0).mbufs_used - used));
	CHECK(list_count(PLM_API_TRANSPORT_LIST, 0) == transports
		      && list_count(PLM_API_PRODUCER_LIST, 0) == producers
		      && list_count(PLM_API_CONSUMER_LIST, 0) == consumers,
	      "objects are left");
	for (unsigned w = 0; w < hello.n_workers; w++)
		transports -= worker_info(w).n_transports;
	CHECK(transports == 0, "the workers have other transports than are listed");
	CHECK(after_kb < before_kb + GROWTH_KB,
	      "the process grew from %lu to %lu kB",
	      before_kb,
	      after_kb);
}

// ---------------------------------------------------------------------------- idle

static uint64_t cpu_ticks(void) {
	unsigned long user = 0, system = 0;
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)options.pid);
	file = fopen(path, "re");
	CHECK(file != NULL, "cannot read %s", path);
	if (fscanf(file,
		   "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
		   &user,
		   &system)
	    != 2)
		user = 0;
	fclose(file);
	return user + system;
}

static void idle(void) {
	uint64_t before = cpu_ticks(), start_us = plm_now_us();
	double percent;

	while (plm_now_us() < start_us + 2 * SECOND_US)
		pump(100); // no requests meanwhile
	percent = 100.0 * (double)(cpu_ticks() - before) / (double)sysconf(_SC_CLK_TCK)
		/ ((double)(plm_now_us() - start_us) / 1e6);
	printf("        idle: %.1f %% of a CPU with %u workers\n", percent, hello.n_workers);
	CHECK(percent < 10.0 * hello.n_workers, "an idle dataplane takes %.0f %%", percent);
}

// The dataplane is stopped with these still there, in every state.
void life_leave(void) {
	struct peer *publisher = peer_up(4, SUITE_GCM), *viewer = peer_up(6, SUITE_GCM);
	struct peer *fresh = peer_new(), *keyed = peer_new();
	static struct source source, waiting;
	static struct sink sink, unclaimed;

	peer_add(fresh);
	peer_restart(fresh);
	peer_add(keyed);
	peer_secure(keyed, SUITE_GCM);
	source_add(&source, publisher, PLM_KIND_VIDEO, true);
	source_add(&waiting, fresh, PLM_KIND_VIDEO, false);
	sink_add(&sink, viewer, &source);
	sink_add(&unclaimed, viewer, &waiting);
	source_send(&source, true, 100);
	WAIT(sink_count(&sink) == 1, WAIT_MS, "media is lost");
}

const struct scenario life_scenarios[] = {
	{"consent", consent_run, "consent is checked, kept, and lost after 30 s", consent_begin},
	{"idle", idle, "an idle dataplane sleeps"},
	{"release", release, "200 connections leave nothing behind"},
	{0},
};
