// SPDX-License-Identifier: BSD-3-Clause

#include "peer_connection.h"

#include "ice.h"
#include "negotiation.h"
#include "timer.h"

#include <plm_log.h>
#include <plm_secret.h>

#include <openssl/crypto.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

LOG_TYPE("rtc");

enum state {
	GATHERING,
	CONNECTING,
	SECURING,
	SECURE,
};

struct peer_connection {
	const struct peer_host *host;
	uint64_t id;
	enum state state;
	bool ending; // an end is on its way by the end timer

	// the negotiation
	struct negotiation_terms terms;
	struct sdp_track tracks[SDP_TRACKS_MAX];
	unsigned want_index[SDP_TRACKS_MAX];
	unsigned n_tracks;
	struct sdp_session *session; // until answered
	struct plm_ice_credentials ice;
	char hash[sizeof(((struct sdp_remote *)0)->fingerprint_hash)];
	uint8_t fingerprint[sizeof(((struct sdp_remote *)0)->fingerprint)];
	uint8_t fingerprint_len;

	// while connecting
	struct ice_agent *agent; // NULL once gone
	uint16_t port_v4, port_v6;
	GSource *limit; // connect timeout, then the agent's linger
	struct plm_transport_secure *secure; // while SECURING: wiped when installed
	int64_t request; // of it, 0 = not under way

	// for the whole life
	struct dtls *dtls; // NULL until the first record
	GSource *dtls_timer;
	GSource *end_timer;
	enum rtc_failure why;
	char text[160];
};

// ---------------------------------------------------------------------------- ends

static void drop_agent(struct peer_connection *connection) {
	if (connection->agent == NULL)
		return;
	ice_agent_free(connection->agent);
	connection->agent = NULL;
	connection->host->agent_gone(connection->host->user, connection->id);
}

static void wipe_secure(struct peer_connection *connection) {
	if (connection->secure == NULL)
		return;
	plm_wipe(connection->secure, sizeof(*connection->secure));
	free(connection->secure);
	connection->secure = NULL;
}

static void end_fire(void *user) {
	struct peer_connection *connection = user;
	const struct peer_host *host = connection->host;

	host->ended(host->user, connection->id, connection->why, connection->text);
}

// The end always comes from the loop, never inside a call into the agent or DTLS object that it is
// about to free. Nothing else happens to the connection in between.
static void end(struct peer_connection *connection, enum rtc_failure why, const char *text) {
	if (connection->ending)
		return;
	connection->ending = true;
	connection->why = why;
	snprintf(connection->text, sizeof(connection->text), "%s", text);
	timer_set(connection->limit, -1);
	timer_set(connection->dtls_timer, -1);
	timer_set(connection->end_timer, 0);
}

void peer_connection_free(struct peer_connection *connection) {
	if (connection == NULL)
		return;
	punt_client_forget(connection->host->punt, connection->request);
	drop_agent(connection);
	if (connection->dtls != NULL) {
		dtls_free(connection->dtls);
		connection->host->dtls_ended(connection->host->user);
	}
	timer_free(connection->limit);
	timer_free(connection->dtls_timer);
	timer_free(connection->end_timer);
	sdp_session_free(connection->session);
	wipe_secure(connection);
	plm_wipe(&connection->ice, sizeof(connection->ice));
	free(connection);
}

void peer_connection_close(struct peer_connection *connection) {
	if (connection->dtls != NULL)
		dtls_close(connection->dtls);
}

void peer_connection_dataplane_lost(struct peer_connection *connection) {
	bool was_secure = connection->state == SECURE;

	end(connection, was_secure ? 0 : RTC_FAILED_DATAPLANE, "The dataplane has restarted.");
}

// ---------------------------------------------------------------------------- negotiation

// New credentials of ours beside the client's. Returns 0 or -EIO.
static int credentials_of(const struct sdp_remote *remote, struct plm_ice_credentials *ret_ice) {
	memset(ret_ice, 0, sizeof(*ret_ice));
	memcpy(ret_ice->remote_ufrag, remote->ufrag, sizeof(ret_ice->remote_ufrag));
	memcpy(ret_ice->remote_pwd, remote->pwd, sizeof(ret_ice->remote_pwd));
	return ice_credentials_make(ret_ice->local_ufrag, ret_ice->local_pwd);
}

// The addresses clients are told: the configured ones, else the TAP's, of families that have an
// agent port, all with the one public port.
static unsigned public_addrs(
	const struct peer_connection *connection,
	const struct plm_hello_rep *hello,
	struct plm_addr ret_addrs[PLM_HELLO_ADDRS]
) {
	const struct rtc_config *config = connection->host->config;
	const bool own = config->n_public_addrs > 0;
	const struct plm_addr *from = own ? config->public_addrs : hello->addrs;
	unsigned n_from = own ? config->n_public_addrs : hello->n_addrs, n = 0;

	for (unsigned i = 0; i < n_from && n < PLM_HELLO_ADDRS; i++) {
		if (from[i].family == 4 ? connection->port_v4 == 0 : connection->port_v6 == 0)
			continue;
		ret_addrs[n] = from[i];
		if (ret_addrs[n].port == 0 || !own)
			ret_addrs[n].port = hello->public_port;
		n++;
	}
	return n;
}

// Prints the answer and gives it to tell. Returns 0 or -errno.
static int answer(
	struct peer_connection *connection,
	const struct sdp_session *session,
	bool with_ports,
	void (*tell)(void *user, const struct rtc_answer *answer)
) {
	const struct plm_hello_rep *hello = punt_client_hello(connection->host->punt);
	struct rtc_answer told = {
		.transport_id = connection->id,
		.ice = connection->ice,
		.tracks = connection->tracks,
		.want_index = connection->want_index,
		.n_tracks = connection->n_tracks,
		.punt_channel = connection->host->channel,
		.agent_port_v4 = with_ports ? connection->port_v4 : 0,
		.agent_port_v6 = with_ports ? connection->port_v6 : 0,
	};
	struct sdp_local local = {
		.ufrag = connection->ice.local_ufrag,
		.pwd = connection->ice.local_pwd,
		.fingerprint = connection->host->fingerprint,
	};
	char *sdp;

	if (hello == NULL)
		return -ENOTCONN;
	local.n_addrs = public_addrs(connection, hello, local.addrs);
	sdp = sdp_answer(session, &local, connection->tracks, connection->n_tracks);
	if (sdp == NULL)
		return -ENOMEM;
	told.sdp = sdp;
	tell(connection->host->user, &told);
	plm_wipe(&told.ice, sizeof(told.ice));
	free(sdp);
	return 0;
}

// ---------------------------------------------------------------------------- DTLS

static void secured(void *user, int status) {
	struct peer_connection *connection = user;
	uint16_t suite = connection->secure->suite;
	char text[160];

	connection->request = 0;
	if (connection->ending)
		return;
	// EALREADY: a request repeated after a lost connection to the dataplane.
	if (status < 0 && status != -EALREADY) {
		snprintf(
			text, sizeof(text), "The dataplane refused the keys: %s.", strerror(-status)
		);
		end(connection, RTC_FAILED_DATAPLANE, text);
		return;
	}
	wipe_secure(connection);
	connection->state = SECURE;
	// Late answers of the agent may still be wanted (its checks' hand-over race), hence the
	// linger.
	timer_set(connection->limit, (int)connection->host->config->agent_linger_ms);
	connection->host->connected(connection->host->user, connection->id, suite);
}

static void ask_secure(struct peer_connection *connection) {
	int64_t request = punt_client_secure(
		connection->host->punt, connection->secure, secured, connection
	);

	if (request > 0)
		connection->request = request;
	// Else the dataplane is away: asked again when it is back, within the connect timeout.
}

static void dtls_established(struct peer_connection *connection) {
	connection->secure = calloc(1, sizeof(*connection->secure));
	if (connection->secure == NULL
	    || dtls_export(
		       connection->dtls,
		       &connection->secure->suite,
		       &connection->secure->rx,
		       &connection->secure->tx
	       ) < 0) {
		end(connection, RTC_FAILED_INTERNAL, "The SRTP keys could not be made.");
		return;
	}
	connection->secure->id = connection->id;
	connection->state = SECURING;
	ask_secure(connection);
}

static void dtls_step(struct peer_connection *connection, enum dtls_state state) {
	enum dtls_error error;

	switch (state) {
	case DTLS_HANDSHAKE:
		break;
	case DTLS_ESTABLISHED:
		if (connection->state == CONNECTING)
			dtls_established(connection);
		break;
	case DTLS_CLOSED:
		if (connection->state == SECURE)
			end(connection, 0, "The client closed.");
		else
			end(connection, RTC_FAILED_DTLS, "The client closed while connecting.");
		return;
	case DTLS_FAILED:
		error = dtls_error(connection->dtls);
		connection->host->handshake_failed(connection->host->user);
		end(connection,
		    error == DTLS_ERROR_FINGERPRINT ? RTC_FAILED_FINGERPRINT : RTC_FAILED_DTLS,
		    dtls_error_text(error));
		return;
	}
	if (!connection->ending)
		timer_set(connection->dtls_timer, dtls_timeout_ms(connection->dtls));
}

static void dtls_timer_fire(void *user) {
	struct peer_connection *connection = user;

	if (!connection->ending)
		dtls_step(connection, dtls_timeout(connection->dtls));
}

static void send_record(void *user, const uint8_t *data, size_t len) {
	struct peer_connection *connection = user;

	// One that cannot be sent now is a lost datagram: DTLS repeats it.
	(void)punt_client_record(connection->host->punt, connection->id, data, len);
}

void peer_connection_record(struct peer_connection *connection, const uint8_t *data, size_t len) {
	const struct peer_host *host = connection->host;

	if (connection->ending || connection->state == GATHERING)
		return;
	if (connection->dtls == NULL) {
		connection->dtls = dtls_new(
			host->dtls,
			connection->hash,
			connection->fingerprint,
			connection->fingerprint_len,
			send_record,
			connection
		);
		if (connection->dtls == NULL) {
			end(connection,
			    errno == EINVAL ? RTC_FAILED_SDP : RTC_FAILED_INTERNAL,
			    "No DTLS association could be made for this fingerprint.");
			return;
		}
		host->dtls_started(host->user);
	}
	dtls_step(connection, dtls_input(connection->dtls, data, len));
}

void peer_connection_dataplane_up(struct peer_connection *connection) {
	connection->request = 0;
	if (!connection->ending && connection->state == SECURING)
		ask_secure(connection);
}

// ---------------------------------------------------------------------------- life

static void limit_fire(void *user) {
	struct peer_connection *connection = user;

	if (connection->state == SECURE) {
		drop_agent(connection);
		return;
	}
	if (connection->state == SECURING)
		end(connection, RTC_FAILED_DATAPLANE, "The dataplane did not take the keys in time."
		);
	else if (connection->dtls != NULL)
		end(connection, RTC_FAILED_TIMEOUT, "The client did not finish DTLS in time.");
	else
		end(connection, RTC_FAILED_TIMEOUT, "The client did not connect in time.");
}

static void gathered(void *user, uint16_t port_v4, uint16_t port_v6) {
	struct peer_connection *connection = user;
	struct sdp_session *session = connection->session;

	if (connection->ending)
		return;
	connection->port_v4 = port_v4;
	connection->port_v6 = port_v6;
	connection->state = CONNECTING;
	connection->session = NULL;
	if (answer(connection, session, true, connection->host->answered) < 0)
		end(connection, RTC_FAILED_DATAPLANE, "The answer could not be made.");
	sdp_session_free(session);
}

static int make_agent(struct peer_connection *connection, const struct plm_hello_rep *hello) {
	struct ice_config config = {
		.context = connection->host->context,
		.addrs = hello->addrs,
		.n_addrs = hello->n_addrs,
		.refused_addrs = connection->host->config->public_addrs,
		.n_refused = connection->host->config->n_public_addrs,
		.port_min = hello->agent_port_min,
		.port_max = hello->agent_port_max,
		.gathered = gathered,
		.user = connection,
	};

	connection->agent = ice_agent_new(&config, &connection->ice);
	return connection->agent == NULL ? -errno : 0;
}

static void add_candidates(struct peer_connection *connection, const struct sdp_remote *remote) {
	for (unsigned i = 0; i < remote->n_candidates; i++)
		(void)ice_agent_add_candidate(connection->agent, remote->candidates[i]);
}

// Negotiates and starts gathering; failures end the connection.
static void start(struct peer_connection *connection, const char *offer, size_t len) {
	const struct plm_hello_rep *hello = punt_client_hello(connection->host->punt);
	struct negotiation result;
	enum rtc_failure why;
	char text[160];
	int r;

	why = negotiate(&connection->terms, offer, len, &result, text, sizeof(text));
	if (why != 0) {
		end(connection, why, text);
		return;
	}
	connection->session = result.session;
	connection->n_tracks = result.n_tracks;
	memcpy(connection->tracks, result.tracks, sizeof(result.tracks));
	memcpy(connection->want_index, result.want_index, sizeof(result.want_index));
	memcpy(connection->hash, result.remote.fingerprint_hash, sizeof(connection->hash));
	memcpy(connection->fingerprint, result.remote.fingerprint, sizeof(connection->fingerprint));
	connection->fingerprint_len = result.remote.fingerprint_len;
	if (hello == NULL) {
		end(connection, RTC_FAILED_DATAPLANE, "The dataplane is away.");
		return;
	}
	r = credentials_of(&result.remote, &connection->ice);
	if (r == 0)
		r = make_agent(connection, hello);
	if (r < 0) {
		LOG(WARNING, "no ICE agent: %s", strerror(-r));
		end(connection,
		    r == -EADDRINUSE ? RTC_FAILED_BUSY : RTC_FAILED_INTERNAL,
		    r == -EADDRINUSE ? "No free ICE port." : "No ICE agent could be made.");
		return;
	}
	add_candidates(connection, &result.remote);
	timer_set(connection->limit, (int)connection->host->config->connect_timeout_ms);
}

struct peer_connection *peer_connection_new(
	const struct peer_host *host,
	const struct rtc_request *request
) {
	struct peer_connection *connection = calloc(1, sizeof(*connection));

	if (connection == NULL)
		return NULL;
	connection->host = host;
	connection->id = request->transport_id;
	connection->terms.role = request->role;
	connection->terms.audio_only = request->audio_only;
	for (unsigned i = 0; i < request->n_want && i < SDP_TRACKS_MAX; i++)
		connection->terms.want[connection->terms.n_want++] = request->want[i];
	connection->limit = timer_new(host->context, limit_fire, connection);
	connection->dtls_timer = timer_new(host->context, dtls_timer_fire, connection);
	connection->end_timer = timer_new(host->context, end_fire, connection);
	start(connection, request->offer, request->offer_len);
	return connection;
}

void peer_connection_candidate(struct peer_connection *connection, const char *text) {
	if (!connection->ending && connection->agent != NULL)
		(void)ice_agent_add_candidate(connection->agent, text);
}

// ---------------------------------------------------------------------------- restart

static bool is_same_peer(
	const struct peer_connection *connection,
	const struct negotiation *result
) {
	const struct sdp_remote *remote = &result->remote;

	return strcmp(remote->fingerprint_hash, connection->hash) == 0
		&& remote->fingerprint_len == connection->fingerprint_len
		&& CRYPTO_memcmp(
			   remote->fingerprint, connection->fingerprint, connection->fingerprint_len
		   )
		== 0
		&& negotiation_has_tracks(result, connection->tracks, connection->n_tracks);
}

// Takes the new credentials and answers. Returns 0 or -errno, then nothing has changed.
static int restart(struct peer_connection *connection, const struct negotiation *result) {
	struct plm_ice_credentials old = connection->ice, next;
	// SECURE: the dataplane answers alone, also while the old agent lingers.
	const bool with_agent = connection->agent != NULL && connection->state != SECURE;
	int r;

	if (punt_client_hello(connection->host->punt) == NULL)
		return -ENOTCONN;
	r = credentials_of(&result->remote, &next);
	if (r == 0 && with_agent)
		r = ice_agent_restart(connection->agent, &next);
	if (r == 0) {
		if (with_agent)
			add_candidates(connection, &result->remote);
		connection->ice = next;
		r = answer(connection, result->session, with_agent, connection->host->restarted);
	}
	if (r < 0) {
		connection->ice = old;
		if (with_agent)
			(void)ice_agent_restart(connection->agent, &old);
	}
	plm_wipe(&old, sizeof(old));
	plm_wipe(&next, sizeof(next));
	return r;
}

void peer_connection_restart(struct peer_connection *connection, const char *offer, size_t len) {
	const struct peer_host *host = connection->host;
	struct negotiation result = {0};
	enum rtc_failure why = 0;
	char text[160];
	int r;

	if (connection->ending)
		return; // its end is told instead
	if (connection->state == GATHERING) {
		snprintf(text, sizeof(text), "The first offer is not answered yet.");
		why = RTC_FAILED_BUSY;
	}
	if (why == 0)
		why = negotiate(&connection->terms, offer, len, &result, text, sizeof(text));
	if (why == 0 && !is_same_peer(connection, &result)) {
		snprintf(text, sizeof(text), "An ICE restart may change the ICE credentials only.");
		why = RTC_FAILED_SDP;
	}
	if (why == 0 && strcmp(result.remote.ufrag, connection->ice.remote_ufrag) == 0) {
		snprintf(text, sizeof(text), "The ICE credentials are the old ones.");
		why = RTC_FAILED_SDP;
	}
	if (why == 0) {
		r = restart(connection, &result);
		if (r < 0) {
			snprintf(text, sizeof(text), "No answer: %s.", strerror(-r));
			why = r == -ENOTCONN ? RTC_FAILED_DATAPLANE : RTC_FAILED_INTERNAL;
		}
	}
	sdp_session_free(result.session);
	if (why != 0)
		host->restart_refused(host->user, connection->id, why, text);
}
