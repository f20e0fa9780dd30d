// SPDX-License-Identifier: BSD-3-Clause

#include "ice.h"

#include "timer.h"

#include <plm_addr.h>
#include <plm_secret.h>

#include <nice/agent.h>
#include <openssl/rand.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define COMPONENT 1 // rtcp-mux: there is only one

struct ice_agent {
	NiceAgent *nice;
	guint stream;
	GSource *ready; // tells gathered() from the loop, since libnice may signal inside our calls
	bool gathered;
	void (*on_gathered)(void *user, uint16_t port_v4, uint16_t port_v6);
	void *user;
	struct plm_addr refused[3 * PLM_HELLO_ADDRS];
	unsigned n_refused;
	char remote_ufrag[PLM_UFRAG_MAX];
	unsigned n_candidates; // taken in this generation
	GSList *waiting; // NiceCandidate: given before gathering was done
};

int ice_credentials_make(char ret_ufrag[PLM_UFRAG_MAX], char ret_pwd[PLM_PWD_MAX]) {
	static const char alphabet[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz01234"
					 "56789+/";
	uint8_t random[ICE_UFRAG_LEN + ICE_PWD_LEN];

	if (RAND_bytes(random, sizeof(random)) != 1)
		return -EIO;
	for (unsigned i = 0; i < ICE_UFRAG_LEN; i++)
		ret_ufrag[i] = alphabet[random[i] & 63];
	for (unsigned i = 0; i < ICE_PWD_LEN; i++)
		ret_pwd[i] = alphabet[random[ICE_UFRAG_LEN + i] & 63];
	ret_ufrag[ICE_UFRAG_LEN] = '\0';
	ret_pwd[ICE_PWD_LEN] = '\0';
	plm_wipe(random, sizeof(random));
	return 0;
}

union socket_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static void addr_to_sockaddr(const struct plm_addr *addr, union socket_address *ret_address) {
	memset(ret_address, 0, sizeof(*ret_address));
	if (addr->family == 4) {
		ret_address->v4.sin_family = AF_INET;
		ret_address->v4.sin_port = htons(addr->port);
		memcpy(&ret_address->v4.sin_addr, addr->ip, 4);
	} else {
		ret_address->v6.sin6_family = AF_INET6;
		ret_address->v6.sin6_port = htons(addr->port);
		memcpy(&ret_address->v6.sin6_addr, addr->ip, 16);
	}
}

static void addr_to_nice(const struct plm_addr *addr, NiceAddress *ret_address) {
	union socket_address address;

	addr_to_sockaddr(addr, &address);
	nice_address_init(ret_address);
	nice_address_set_from_sockaddr(ret_address, &address.any);
}

// libnice tries every port of the range, twice, on an address that cannot be bound at all (gone, or
// an IPv6 one still tentative).
static bool addr_can_bind(const struct plm_addr *addr) {
	const socklen_t len = addr->family == 4 ? sizeof(struct sockaddr_in)
						: sizeof(struct sockaddr_in6);
	struct plm_addr any_port = *addr;
	union socket_address address;
	int fd, r;

	any_port.port = 0;
	addr_to_sockaddr(&any_port, &address);
	fd = socket(address.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	r = bind(fd, &address.any, len);
	close(fd);
	return r == 0;
}

// At most one address a family: the dataplane rewrites the port of a family, not the address.
static unsigned add_local_addresses(struct ice_agent *agent, const struct ice_config *config) {
	bool have_v4 = false, have_v6 = false;
	NiceAddress address;
	unsigned n = 0;

	for (unsigned i = 0; i < config->n_addrs; i++) {
		const struct plm_addr *addr = &config->addrs[i];
		bool *have = addr->family == 4 ? &have_v4 : &have_v6;

		if ((addr->family != 4 && addr->family != 6) || *have || !addr_can_bind(addr))
			continue;
		addr_to_nice(addr, &address);
		nice_address_set_port(&address, 0);
		if (nice_agent_add_local_address(agent->nice, &address)) {
			*have = true;
			n++;
		}
	}
	return n;
}

static void refuse_addresses(struct ice_agent *agent, const struct plm_addr *addrs, unsigned n) {
	const unsigned max = sizeof(agent->refused) / sizeof(*agent->refused);

	for (unsigned i = 0; i < n && agent->n_refused < max; i++)
		agent->refused[agent->n_refused++] = addrs[i];
}

static void received(NiceAgent *, guint, guint, guint, gchar *, gpointer) {
	// Not STUN: nobody but the dataplane can reach this port, and it sends STUN only. Attaching
	// a receiver is what makes libnice read its sockets.
}

static void gathering_done(NiceAgent *, guint, gpointer user) {
	struct ice_agent *agent = user;

	timer_set(agent->ready, 0);
}

static bool credentials_set(struct ice_agent *agent, const struct plm_ice_credentials *ice) {
	g_strlcpy(agent->remote_ufrag, ice->remote_ufrag, sizeof(agent->remote_ufrag));
	return nice_agent_set_local_credentials(
		       agent->nice, agent->stream, ice->local_ufrag, ice->local_pwd
	       )
		&& nice_agent_set_remote_credentials(
			agent->nice, agent->stream, ice->remote_ufrag, ice->remote_pwd
		);
}

// The host candidates' ports: of base_addr, since addr of a candidate may show the public port.
static uint16_t port_of_family(struct ice_agent *agent, int version) {
	GSList *list = nice_agent_get_local_candidates(agent->nice, agent->stream, COMPONENT);
	uint16_t port = 0;

	for (GSList *i = list; i != NULL; i = i->next) {
		const NiceCandidate *candidate = i->data;

		if (candidate->type == NICE_CANDIDATE_TYPE_HOST
		    && nice_address_ip_version(&candidate->base_addr) == version)
			port = (uint16_t)nice_address_get_port(&candidate->base_addr);
	}
	g_slist_free_full(list, (GDestroyNotify)nice_candidate_free);
	return port;
}

static void ready_fire(void *user) {
	struct ice_agent *agent = user;
	uint16_t port_v4 = port_of_family(agent, 4), port_v6 = port_of_family(agent, 6);

	if (agent->gathered)
		return;
	agent->gathered = true;
	if (agent->waiting != NULL) {
		nice_agent_set_remote_candidates(
			agent->nice, agent->stream, COMPONENT, agent->waiting
		);
		g_slist_free_full(agent->waiting, (GDestroyNotify)nice_candidate_free);
		agent->waiting = NULL;
	}
	agent->on_gathered(agent->user, port_v4, port_v6); // may free the agent
}

struct ice_agent *ice_agent_new(
	const struct ice_config *config,
	const struct plm_ice_credentials *credentials
) {
	struct ice_agent *agent = calloc(1, sizeof(*agent));
	int error = EINVAL;

	if (agent == NULL)
		return NULL;
	agent->on_gathered = config->gathered;
	agent->user = config->user;
	agent->ready = timer_new(config->context, ready_fire, agent);
	agent->nice = nice_agent_new_full(
		config->context, NICE_COMPATIBILITY_RFC5245, NICE_AGENT_OPTION_NONE
	);
	g_object_set(agent->nice, "upnp", FALSE, "ice-tcp", FALSE, "controlling-mode", FALSE, NULL);
	g_signal_connect(
		agent->nice, "candidate-gathering-done", G_CALLBACK(gathering_done), agent
	);
	agent->stream = nice_agent_add_stream(agent->nice, 1);
	refuse_addresses(agent, config->addrs, config->n_addrs);
	refuse_addresses(agent, config->refused_addrs, config->n_refused);
	if (agent->stream == 0)
		goto fail;
	if (add_local_addresses(agent, config) == 0) {
		error = EADDRNOTAVAIL;
		goto fail;
	}
	nice_agent_set_port_range(
		agent->nice, agent->stream, COMPONENT, config->port_min, config->port_max
	);
	// Credentials before gathering: nothing is then ever answered with others.
	if (!credentials_set(agent, credentials)
	    || !nice_agent_attach_recv(
		    agent->nice, agent->stream, COMPONENT, config->context, received, NULL
	    ))
		goto fail;
	if (!nice_agent_gather_candidates(agent->nice, agent->stream)) {
		error = EADDRINUSE;
		goto fail;
	}
	return agent;
fail:
	ice_agent_free(agent);
	errno = error;
	return NULL;
}

void ice_agent_free(struct ice_agent *agent) {
	if (agent == NULL)
		return;
	timer_free(agent->ready);
	g_signal_handlers_disconnect_by_data(agent->nice, agent);
	// The stream is removed by the agent's end, with its sockets and sources; there are no TURN
	// allocations that would need the asynchronous close.
	g_object_unref(agent->nice);
	g_slist_free_full(agent->waiting, (GDestroyNotify)nice_candidate_free);
	free(agent);
}

static NiceCandidate *candidate_to_nice(
	const struct ice_agent *agent,
	const struct ice_candidate *from
) {
	static const NiceCandidateType types[] = {
		[ICE_CANDIDATE_HOST] = NICE_CANDIDATE_TYPE_HOST,
		[ICE_CANDIDATE_SRFLX] = NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE,
		[ICE_CANDIDATE_PRFLX] = NICE_CANDIDATE_TYPE_PEER_REFLEXIVE,
		[ICE_CANDIDATE_RELAY] = NICE_CANDIDATE_TYPE_RELAYED,
	};
	NiceCandidate *candidate = nice_candidate_new(types[from->type]);

	candidate->transport = NICE_CANDIDATE_TRANSPORT_UDP;
	candidate->stream_id = agent->stream;
	candidate->component_id = COMPONENT;
	candidate->priority = from->priority;
	addr_to_nice(&from->addr, &candidate->addr);
	g_strlcpy(candidate->foundation, from->foundation, sizeof(candidate->foundation));
	return candidate;
}

int ice_agent_add_candidate(struct ice_agent *agent, const char *text) {
	struct ice_candidate parsed;
	NiceCandidate *candidate;
	int r;

	if (agent->n_candidates == ICE_CANDIDATES_MAX)
		return -ENOBUFS;
	r = ice_candidate_parse(text, &parsed);
	if (r < 0)
		return r;
	if (!ice_address_allowed(&parsed.addr, agent->refused, agent->n_refused))
		return -EPERM;
	if (parsed.ufrag[0] != '\0' && strcmp(parsed.ufrag, agent->remote_ufrag) != 0)
		return -ESTALE;
	agent->n_candidates++;
	candidate = candidate_to_nice(agent, &parsed);
	if (!agent->gathered) {
		agent->waiting = g_slist_append(agent->waiting, candidate);
		return 0;
	}
	nice_agent_set_remote_candidates(
		agent->nice, agent->stream, COMPONENT, &(GSList){.data = candidate}
	);
	nice_candidate_free(candidate);
	return 0;
}

int ice_agent_restart(struct ice_agent *agent, const struct plm_ice_credentials *credentials) {
	g_slist_free_full(agent->waiting, (GDestroyNotify)nice_candidate_free);
	agent->waiting = NULL;
	agent->n_candidates = 0;
	// libnice makes up credentials of its own here; ours replace them before the loop runs.
	if (!nice_agent_restart(agent->nice) || !credentials_set(agent, credentials))
		return -EINVAL;
	return 0;
}

bool ice_agent_connected(const struct ice_agent *agent) {
	NiceComponentState state = nice_agent_get_component_state(
		agent->nice, agent->stream, COMPONENT
	);

	return state == NICE_COMPONENT_STATE_CONNECTED || state == NICE_COMPONENT_STATE_READY;
}
