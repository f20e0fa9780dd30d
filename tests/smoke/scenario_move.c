// SPDX-License-Identifier: BSD-3-Clause

// A client that changes its address, an attacker that pretends one, ICE restarts.

#include "probe.h"

#include <plm_addr.h>
#include <plm_demux.h>

#include <stdio.h>
#include <string.h>

// A viewer of an audio stream.
struct stage {
	struct peer *publisher, *viewer;
	struct source source;
	struct sink sink;
};

static void stage_setup(struct stage *stage) {
	stage->publisher = peer_up(4, SUITE_GCM);
	stage->viewer = peer_up_elsewhere(4, SUITE_GCM, stage->publisher);
	source_add(&stage->source, stage->publisher, PLM_KIND_AUDIO, true);
	sink_add(&stage->sink, stage->viewer, &stage->source);
}

// Two packets; they must come to this socket.
static void media_comes_to(struct stage *stage, const struct sock *sock) {
	unsigned before = sink_count(&stage->sink);
	uint16_t first = stage->source.seq;

	source_send(&stage->source, false, 60);
	source_send(&stage->source, false, 60);
	sink_expect(&stage->sink, before, first, 2);
	for (unsigned i = 0; i < 2; i++)
		CHECK(sink_at(&stage->sink, before + i)->sock == sock,
		      "media goes to another address");
}

static void rebind(void) {
	struct stage stage;
	struct sock *old, *new;
	struct plm_transport_info info;

	stage_setup(&stage);
	old = stage.viewer->sock;
	media_comes_to(&stage, old);
	new = sock_open(4, NULL);
	new->silent = true; // its answer is on the way
	peer_nominate(stage.viewer, new);
	WAIT(sock_count(new, PLM_PAYLOAD_STUN) >= 2, WAIT_MS, "the new address is not checked");
	media_comes_to(&stage, old);
	CHECK(sock_count(new, PLM_PAYLOAD_RTP) == 0, "media before the address was proven");
	new->silent = false;
	peer_nominate(stage.viewer, new);
	WAIT(peer_selected(stage.viewer, new), WAIT_MS, "the path does not move");
	media_comes_to(&stage, new);
	info = transport_info(stage.viewer->id);
	CHECK(info.path_changes == 2 && info.n_paths == 2,
	      "%u changes, %u paths",
	      (unsigned)info.path_changes,
	      info.n_paths);
	WAIT(event_count(PLM_API_EVENT_TRANSPORT, stage.viewer->id, PLM_TRANSPORT_EV_PATH) == 2,
	     WAIT_MS,
	     "no event of the move");
	CHECK(plm_addr_equal(
		      &event_find(PLM_API_EVENT_TRANSPORT, stage.viewer->id, PLM_TRANSPORT_EV_PATH)
			       ->remote,
		      &new->local
	      ),
	      "the event names another address");
	// And back: this address is proven already.
	peer_nominate(stage.viewer, old);
	WAIT(peer_selected(stage.viewer, old), WAIT_MS, "the path does not move back");
	media_comes_to(&stage, old);
}

// The check to a new address gets lost, and the client does not nominate again (as clients do that
// nominate regularly): its next plain request must bring another check.
static void lost_check(void) {
	const struct stun_options plain = {.no_candidate = true};
	struct stage stage;
	struct sock *new;
	uint8_t txid[TXID];

	stage_setup(&stage);
	new = sock_open(4, NULL);
	new->silent = true;
	peer_nominate(stage.viewer, new);
	WAIT(sock_count(new, PLM_PAYLOAD_STUN) >= 2, WAIT_MS, "the new address is not checked");
	new->silent = false;
	stun_send(stage.viewer, new, &plain, txid);
	WAIT(peer_selected(stage.viewer, new), WAIT_MS, "the path does not move");
	media_comes_to(&stage, new);
}

// Answers that take longer than the pause between two requests must count, too.
static void slow_answer(void) {
	struct stage stage;
	struct plm_stun first;
	struct sock *new;
	const struct datagram *check = NULL;
	uint8_t reply[128];
	int len;

	stage_setup(&stage);
	new = sock_open(4, NULL);
	new->silent = true;
	peer_nominate(stage.viewer, new);
	WAIT(sock_count(new, PLM_PAYLOAD_STUN) >= 2, WAIT_MS, "the new address is not checked");
	for (unsigned i = 0; i < new->n; i++) {
		if (plm_stun_parse(new->datagrams[i]->data, new->datagrams[i]->len, &first) == 0
		    && first.type == PLM_STUN_BINDING_REQUEST)
			check = new->datagrams[i];
	}
	CHECK(check != NULL, "the new address is not checked");
	CHECK(plm_stun_parse(check->data, check->len, &first) == 0, "a check that is no STUN");
	peer_nominate(stage.viewer, new);
	peer_nominate(stage.viewer, new);
	len = plm_stun_success_write(
		reply,
		sizeof(reply),
		first.txid,
		&check->from,
		&stage.viewer->generations[0].own_key
	);
	sock_send(new, reply, (size_t)len);
	WAIT(peer_selected(stage.viewer, new), WAIT_MS, "a slow answer does not count");
	drop_allow("stun_unexpected");
}

// T17: a good request from a source that never answers gets no media, during and after the
// hand-over.
static void spoofed(void) {
	struct stage stage;
	struct sock *victim = sock_open(4, "198.18.0.3"), *other;
	struct peer *attacker = peer_new();
	struct sink sink;
	unsigned before;

	stage_setup(&stage);
	victim->silent = true;
	stun_send(stage.viewer, victim, NULL, NULL);
	WAIT(sock_count(victim, PLM_PAYLOAD_STUN) >= 2, WAIT_MS, "no answer and no check");
	media_comes_to(&stage, stage.viewer->sock);
	CHECK(sock_count(victim, PLM_PAYLOAD_RTP) == 0, "media to a spoofed address");

	// Before the keys are known every nomination selects; SECURE must not inherit it unproven.
	peer_open(attacker, 4);
	other = attacker->sock;
	peer_add(attacker);
	peer_nominate(attacker, other);
	stun_send(attacker, victim, NULL, NULL);
	WAIT(peer_selected(attacker, victim), WAIT_MS, "the nomination is ignored");
	peer_secure(attacker, SUITE_GCM);
	sink_add(&sink, attacker, &stage.source);
	relay_settle();
	before = sock_count(victim, PLM_PAYLOAD_STUN);
	for (unsigned i = 0; i < 20; i++) {
		source_send(&stage.source, false, 60);
		pump(5);
	}
	CHECK(sock_count(victim, PLM_PAYLOAD_RTP) == 0, "media to a spoofed address at hand-over");
	CHECK(sock_count(victim, PLM_PAYLOAD_STUN) - before <= 2,
	      "%u checks to a spoofed address",
	      sock_count(victim, PLM_PAYLOAD_STUN) - before);
	drop_allow("no_path");
	// The attacker's own address works as soon as it is nominated again.
	peer_nominate(attacker, other);
	WAIT(peer_selected(attacker, other), WAIT_MS, "the true address is not selected");
	uint16_t first = stage.source.seq;
	source_send(&stage.source, false, 60);
	sink_expect(&sink, 0, first, 1);
}

// ICE restart with a new socket, as browsers do it.
static void restart_new_socket(void) {
	const struct stun_options old_one = {.generation = 1};
	struct stage stage;
	struct sock *old, *new;
	struct peer *viewer;

	stage_setup(&stage);
	viewer = stage.viewer;
	old = viewer->sock;
	peer_restart(viewer);
	CHECK(transport_info(viewer->id).generations == 2, "not two generations");
	media_comes_to(&stage, old);
	new = sock_open(4, NULL);
	peer_nominate(viewer, new);
	WAIT(event_find(PLM_API_EVENT_TRANSPORT, viewer->id, PLM_TRANSPORT_EV_RESTARTED) != NULL,
	     WAIT_MS,
	     "no event of the restart");
	CHECK(event_find(PLM_API_EVENT_TRANSPORT, viewer->id, PLM_TRANSPORT_EV_RESTARTED)
			      ->generation
		      == 2,
	      "the event names another generation");
	CHECK(peer_selected(viewer, new), "the path did not move");
	media_comes_to(&stage, new);
	relay_settle();
	CHECK(transport_info(viewer->id).generations == 1, "the old credentials are still there");
	stun_send(viewer, old, &old_one, NULL);
	drop_expect("stun_unknown_ufrag", 1);
	stun_send(viewer, new, &old_one, NULL);
	drop_expect("stun_unknown_ufrag", 1);
	CHECK(peer_selected(viewer, new), "an old request moved the path");
	media_comes_to(&stage, new);
	CHECK(event_count(PLM_API_EVENT_TRANSPORT, viewer->id, PLM_TRANSPORT_EV_RESTARTED) == 1,
	      "the event came more than once");
}

// On the same socket, and late packets of the old generation (trap 10).
static void restart_same_socket(void) {
	const struct stun_options new_spare = {.no_candidate = true}, old_one = {.generation = 1};
	struct stage stage;
	struct peer *viewer;
	struct sock *other;
	uint8_t txid[TXID];
	unsigned checks;

	stage_setup(&stage);
	viewer = stage.viewer;
	peer_restart(viewer);
	// Not nominated yet: both generations are known, the path is of the new one.
	stun_send(viewer, viewer->sock, &new_spare, txid);
	WAIT(stun_answer(viewer, viewer->sock, txid) == 1, WAIT_MS, "no answer to the new one");
	stun_send(viewer, viewer->sock, &old_one, NULL);
	drop_expect("stun_old_generation", 1);
	CHECK(transport_info(viewer->id).generations == 2, "restarted without nomination");
	media_comes_to(&stage, viewer->sock);
	peer_nominate(viewer, viewer->sock);
	WAIT(event_find(PLM_API_EVENT_TRANSPORT, viewer->id, PLM_TRANSPORT_EV_RESTARTED) != NULL,
	     WAIT_MS,
	     "no event of the restart");
	relay_settle();
	stun_send(viewer, viewer->sock, &old_one, NULL);
	drop_expect("stun_unknown_ufrag", 1);
	media_comes_to(&stage, viewer->sock);

	// A third generation: checks to a new address are signed with it.
	peer_restart(viewer);
	other = sock_open(4, NULL);
	checks = viewer->n_checks;
	peer_nominate(viewer, other);
	WAIT(viewer->n_checks > checks && peer_selected(viewer, other),
	     WAIT_MS,
	     "the third generation has no path");
	CHECK(viewer->n_bad == 0, "checks with wrong credentials");
	media_comes_to(&stage, other);
}

// A restart that never gets a path gives way to the next one; the working path lives on.
static void restart_twice(void) {
	const struct stun_options first = {.generation = 1}, second = {.generation = 2};
	struct stage stage;
	struct peer *viewer;
	struct sock *new;
	uint8_t txid[TXID];

	stage_setup(&stage);
	viewer = stage.viewer;
	peer_restart(viewer);
	peer_restart(viewer);
	CHECK(transport_info(viewer->id).generations == 2,
	      "%u generations",
	      transport_info(viewer->id).generations);
	stun_send(viewer, viewer->sock, &first, txid);
	WAIT(stun_answer(viewer, viewer->sock, txid) == 1,
	     WAIT_MS,
	     "the working generation was given up");
	stun_send(viewer, viewer->sock, &second, NULL);
	drop_expect("stun_unknown_ufrag", 1);
	new = sock_open(4, NULL);
	peer_nominate(viewer, new);
	WAIT(event_find(PLM_API_EVENT_TRANSPORT, viewer->id, PLM_TRANSPORT_EV_RESTARTED) != NULL,
	     WAIT_MS,
	     "no event of the restart");
	CHECK(event_find(PLM_API_EVENT_TRANSPORT, viewer->id, PLM_TRANSPORT_EV_RESTARTED)
			      ->generation
		      == 3,
	      "the event names another generation");
	media_comes_to(&stage, new);
}

// A restart before the first packet: whichever generation the client uses first, all is well.
static void restart_unclaimed(void) {
	const struct stun_options first = {.generation = 1};
	struct peer *peer = peer_new();
	uint8_t txid[TXID];

	peer_open(peer, 4);
	peer_add(peer);
	peer_restart(peer);
	stun_send(peer, peer->sock, &first, txid);
	WAIT(stun_answer(peer, peer->sock, txid) == 1, WAIT_MS, "no answer to the first one");
	peer_secure(peer, SUITE_GCM);
	peer_wait_validated(peer);
	peer_nominate(peer, peer->sock);
	WAIT(event_find(PLM_API_EVENT_TRANSPORT, peer->id, PLM_TRANSPORT_EV_RESTARTED) != NULL,
	     WAIT_MS,
	     "no event of the restart");
	relay_settle();
	CHECK(transport_info(peer->id).generations == 1, "the old credentials are still there");
	peer_restart(peer);
	peer_restart(peer);
	peer_nominate(peer, peer->sock);
	pump_for(20);
	CHECK(peer->n_bad == 0, "checks with wrong credentials");
}

const struct scenario move_scenarios[] = {
	{"rebind", rebind, "a new address gets media once it has answered a check"},
	{"lost_check", lost_check, "a lost check is repeated with the next request"},
	{"slow_answer", slow_answer, "an answer slower than the requests counts"},
	{"spoofed", spoofed, "an address that never answers gets no media (T17)"},
	{"restart_new_socket", restart_new_socket, "ICE restart on a new socket"},
	{"restart_same_socket", restart_same_socket, "ICE restart on the same socket"},
	{"restart_twice", restart_twice, "a restart upon a restart keeps the working path"},
	{"restart_unclaimed", restart_unclaimed, "ICE restart before the first packet"},
	{0},
};
