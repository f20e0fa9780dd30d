// SPDX-License-Identifier: BSD-3-Clause

#include "ice_peer.h"

#include <stdlib.h>

static void ignore(NiceAgent *, guint, guint, guint, gchar *, gpointer) {}

static void selected(
	NiceAgent *,
	guint,
	guint,
	NiceCandidate *,
	NiceCandidate *remote,
	gpointer user
) {
	struct ice_peer *peer = user;

	peer->remote_port = (uint16_t)nice_address_get_port(&remote->addr);
}

static void read_credentials(struct ice_peer *peer) {
	g_free(peer->ufrag);
	g_free(peer->pwd);
	nice_agent_get_local_credentials(peer->nice, peer->stream, &peer->ufrag, &peer->pwd);
}

struct ice_peer *ice_peer_new(GMainContext *context) {
	struct ice_peer *peer = calloc(1, sizeof(*peer));
	NiceAddress address;

	peer->nice = nice_agent_new_full(
		context, NICE_COMPATIBILITY_RFC5245, NICE_AGENT_OPTION_NONE
	);
	g_object_set(peer->nice, "upnp", FALSE, "ice-tcp", FALSE, "controlling-mode", TRUE, NULL);
	g_signal_connect(peer->nice, "new-selected-pair-full", G_CALLBACK(selected), peer);
	nice_address_init(&address);
	nice_address_set_from_string(&address, "127.0.0.1");
	nice_agent_add_local_address(peer->nice, &address);
	peer->stream = nice_agent_add_stream(peer->nice, 1);
	nice_agent_attach_recv(peer->nice, peer->stream, 1, context, ignore, NULL);
	nice_agent_gather_candidates(peer->nice, peer->stream);
	read_credentials(peer);
	return peer;
}

void ice_peer_free(struct ice_peer *peer) {
	if (peer == NULL)
		return;
	g_signal_handlers_disconnect_by_data(peer->nice, peer);
	g_object_unref(peer->nice);
	g_free(peer->ufrag);
	g_free(peer->pwd);
	free(peer);
}

void ice_peer_connect(
	struct ice_peer *peer,
	const char *ufrag,
	const char *pwd,
	const char *ip,
	uint16_t port
) {
	NiceCandidate *candidate = nice_candidate_new(NICE_CANDIDATE_TYPE_HOST);
	GSList list = {.data = candidate};

	candidate->transport = NICE_CANDIDATE_TRANSPORT_UDP;
	candidate->stream_id = peer->stream;
	candidate->component_id = 1;
	candidate->priority = 2113937151;
	nice_address_set_from_string(&candidate->addr, ip);
	nice_address_set_port(&candidate->addr, port);
	g_strlcpy(candidate->foundation, "1", sizeof(candidate->foundation));
	nice_agent_set_remote_credentials(peer->nice, peer->stream, ufrag, pwd);
	nice_agent_set_remote_candidates(peer->nice, peer->stream, 1, &list);
	nice_candidate_free(candidate);
}

void ice_peer_restart(struct ice_peer *peer) {
	nice_agent_restart(peer->nice);
	peer->remote_port = 0;
	read_credentials(peer);
}

bool ice_peer_connected(const struct ice_peer *peer) {
	return peer->remote_port != 0;
}

uint16_t ice_peer_remote_port(const struct ice_peer *peer) {
	return peer->remote_port;
}
