// SPDX-License-Identifier: BSD-3-Clause

#include "stage.h"

#include "schema.h"
#include "schema_embedded.h"
#include "signaling.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MESSAGES_MAX 512

// ---------------------------------------------------------------------------- what clients get

static pthread_mutex_t inbox_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t inbox_changed = PTHREAD_COND_INITIALIZER;
static struct {
	uint64_t conn_id;
	json_t *message; // NULL = taken
} inbox[MESSAGES_MAX];
static unsigned n_inbox;
uint64_t closed_conn;
uint16_t closed_code;

void signaling_send(uint64_t conn_id, char *json) {
	json_t *message = json_loads(json, 0, NULL);

	pthread_mutex_lock(&inbox_lock);
	if (n_inbox == MESSAGES_MAX || message == NULL)
		abort();
	inbox[n_inbox].conn_id = conn_id;
	inbox[n_inbox++].message = message;
	pthread_cond_broadcast(&inbox_changed);
	pthread_mutex_unlock(&inbox_lock);
	free(json);
}

void signaling_close(uint64_t conn_id, uint16_t code, const char *) {
	pthread_mutex_lock(&inbox_lock);
	closed_conn = conn_id;
	closed_code = code;
	pthread_mutex_unlock(&inbox_lock);
}

static json_t *protocol; // the schema's text

// Members that the schema does not name are allowed, for clients ignore them; but not from us.
static void check_known(const char *definition, const json_t *value) {
	const json_t *defs, *def, *base = NULL;
	const char *ref, *key;
	json_t *member;

	if (protocol == NULL)
		protocol = json_loadb((const char *)schema_embedded, schema_embedded_len, 0, NULL);
	defs = json_object_get(protocol, "$defs");
	def = json_object_get(defs, definition);
	ref = json_string_value(json_object_get(def, "$ref"));
	if (ref != NULL)
		base = json_object_get(defs, strrchr(ref, '/') + 1);
	json_object_foreach((json_t *)value, key, member) {
		if (json_object_get(json_object_get(def, "properties"), key) == NULL
		    && json_object_get(json_object_get(base, "properties"), key) == NULL)
			fail_msg("%s has no %s", definition, key);
	}
}

static void check_schema(const json_t *message, const char *what) {
	const char *method = json_string_value(json_object_get(message, "method"));
	char name[64];

	const char *definition = "event";
	char error[256] = "";

	if (json_object_get(message, "result") != NULL)
		definition = "response";
	else if (json_object_get(message, "error") != NULL)
		definition = "failure";
	if (schema_check(schema_protocol(), definition, message, what, error, sizeof(error)) < 0) {
		char *text = json_dumps(message, 0);

		fail_msg("%s in %s", error, text);
	}
	if (method != NULL) {
		snprintf(name, sizeof(name), "%s.event", method);
		check_known(name, json_object_get(message, "params"));
	}
}

// The oldest message to conn for which the key has the value; taken out. method: of an event, or
// NULL with the id of a reply. NULL after wait_s.
json_t *inbox_take(uint64_t conn_id, const char *method, int id, int wait_s) {
	struct timespec until;
	json_t *found = NULL;
	int r = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += wait_s;
	pthread_mutex_lock(&inbox_lock);
	while (found == NULL && r == 0) {
		for (unsigned i = 0; i < n_inbox && found == NULL; i++) {
			json_t *message = inbox[i].message;
			const char *name;

			if (message == NULL || inbox[i].conn_id != conn_id)
				continue;
			name = json_string_value(json_object_get(message, "method"));
			if (method != NULL
				    ? name == NULL || strcmp(name, method) != 0
				    : json_integer_value(json_object_get(message, "id")) != id)
				continue;
			found = message;
			inbox[i].message = NULL;
		}
		if (found == NULL)
			r = pthread_cond_timedwait(&inbox_changed, &inbox_lock, &until);
	}
	pthread_mutex_unlock(&inbox_lock);
	if (found != NULL)
		check_schema(found, method != NULL ? method : "reply");
	return found;
}

void inbox_clear(void) {
	pthread_mutex_lock(&inbox_lock);
	for (unsigned i = 0; i < n_inbox; i++) {
		if (inbox[i].message != NULL)
			check_schema(inbox[i].message, "message");
		json_decref(inbox[i].message);
	}
	n_inbox = 0;
	pthread_mutex_unlock(&inbox_lock);
}

// ---------------------------------------------------------------------------- in place of rtc

struct rtc_events rtc;
unsigned n_closed; // rtc_close calls; atomic
bool rtc_refuses_restart, rtc_holds_restart;

static void tracks_of_offer(
	const struct rtc_request *request,
	struct sdp_track tracks[2],
	unsigned *ret_n
) {
	const char *offer = request->offer;
	unsigned n = 0;

	if (strstr(offer, "audio") != NULL)
		tracks[n++] = (struct sdp_track){
			.kind = PLM_KIND_AUDIO,
			.codec = PLM_CODEC_OPUS,
			.clock_rate = 48000,
			.payload_type = 111,
			.mid = "0",
			.ssrc = 1001,
		};
	if (strstr(offer, "video") != NULL && !request->audio_only)
		tracks[n++] = (struct sdp_track){
			.kind = PLM_KIND_VIDEO,
			.codec = PLM_CODEC_VP8,
			.clock_rate = 90000,
			.payload_type = 96,
			.mid = "1",
			.ssrc = 1002,
			.pli = true,
			.nack = true,
		};
	*ret_n = n;
}

int rtc_create(const struct rtc_request *request) {
	static const unsigned want_index[4] = {0, 1, 2, 3};
	struct sdp_track tracks[SDP_TRACKS_MAX];
	struct rtc_answer answer = {
		.transport_id = request->transport_id,
		.agent_port_v4 = 20000,
		.ice = {"localufrag", "localpwd", "remoteufrag", "remotepwd"},
		.sdp = "v=0 answer",
		.tracks = tracks,
		.want_index = want_index,
	};

	if (strstr(request->offer, "bad") != NULL) {
		rtc.failed(rtc.user, request->transport_id, RTC_FAILED_SDP, "No ICE credentials.");
		return 0;
	}
	if (request->role == SDP_PUBLISH) {
		tracks_of_offer(request, tracks, &answer.n_tracks);
	} else {
		answer.n_tracks = request->n_want;
		memcpy(tracks, request->want, request->n_want * sizeof(*tracks));
	}
	if (answer.n_tracks == 0)
		rtc.failed(
			rtc.user, request->transport_id, RTC_FAILED_CODEC, "No codec in common."
		);
	else
		rtc.answered(rtc.user, &answer);
	return 0;
}

int rtc_restart(uint64_t transport_id, const char *, size_t) {
	struct rtc_answer answer = {.transport_id = transport_id, .sdp = "v=0 restarted"};

	if (rtc_holds_restart)
		return 0;
	if (rtc_refuses_restart)
		rtc.restart_refused(rtc.user, transport_id, RTC_FAILED_SDP, "Not the same offer.");
	else
		rtc.restarted(rtc.user, &answer);
	return 0;
}

int rtc_candidate(uint64_t, const char *) {
	return 0;
}

int rtc_close(uint64_t) {
	__atomic_add_fetch(&n_closed, 1, __ATOMIC_SEQ_CST);
	return 0;
}

// ---------------------------------------------------------------------------- helpers

struct fake *fake;
static char path[64];
static int next_id;

// Sends a request and waits for its reply.
json_t *request(uint64_t conn_id, const char *method, json_t *params) {
	char definition[64], error[256];
	const int id = ++next_id;
	json_t *reply;

	snprintf(definition, sizeof(definition), "%s.params", method);
	if (schema_check(schema_protocol(), definition, params, "params", error, sizeof(error)) < 0)
		fail_msg("%s", error);
	rooms_request(conn_id, json_integer(id), method, params);
	reply = inbox_take(conn_id, NULL, id, WAIT_S);
	if (reply == NULL)
		fail_msg("no reply to %s", method);
	return reply;
}

json_t *result_of(json_t *reply, const char *method) {
	json_t *result = json_object_get(reply, "result");
	char definition[64], error[256] = "";

	if (result == NULL)
		fail_msg("%s: %s", method, json_dumps(reply, 0));
	snprintf(definition, sizeof(definition), "%s.result", method);
	if (schema_check(schema_protocol(), definition, result, "result", error, sizeof(error)) < 0)
		fail_msg("%s in %s", error, json_dumps(result, 0));
	check_known(definition, result);
	json_incref(result);
	json_decref(reply);
	return result;
}

json_t *call(uint64_t conn_id, const char *method, json_t *params) {
	return result_of(request(conn_id, method, params), method);
}

void call_ok(uint64_t conn_id, const char *method, json_t *params) {
	json_decref(call(conn_id, method, params));
}

void call_error(uint64_t conn_id, const char *method, json_t *params, const char *name) {
	json_t *reply = request(conn_id, method, params);
	const char *got = NULL;

	json_unpack(reply, "{s:{s:{s:s}}}", "error", "data", "name", &got);
	if (got == NULL || strcmp(got, name) != 0)
		fail_msg("%s: %s, not %s", method, json_dumps(reply, 0), name);
	json_decref(reply);
}

struct rooms_identity identity(const char *user_id) {
	struct rooms_identity who = {
		.room = "*",
		.may_create = true,
		.may_publish = true,
		.may_view = true,
		.expires_at = INT64_MAX,
	};

	snprintf(who.user_id, sizeof(who.user_id), "%s", user_id);
	return who;
}

json_t *hello_reply(uint64_t conn_id, const char *user_id) {
	const struct rooms_identity who = identity(user_id);
	const int id = ++next_id;

	rooms_hello(conn_id, &who, NULL, json_integer(id));
	return inbox_take(conn_id, NULL, id, WAIT_S);
}

json_t *hello_as(uint64_t conn_id, const struct rooms_identity *who, const char *token) {
	const int id = ++next_id;

	rooms_hello(conn_id, who, token, json_integer(id));
	return result_of(inbox_take(conn_id, NULL, id, WAIT_S), "hello");
}

json_t *hello(uint64_t conn_id, const char *user_id, const char *token) {
	const struct rooms_identity who = identity(user_id);

	return hello_as(conn_id, &who, token);
}

void enter(uint64_t conn_id, const char *user_id, const char *role) {
	json_decref(hello(conn_id, user_id, NULL));
	call_ok(conn_id, "room.join", json_pack("{s:s, s:s}", "roomId", "r", "role", role));
}

// An event that must come; member key must be value (key NULL: any).
void expect(uint64_t conn_id, const char *method, const char *key, const char *value) {
	json_t *event = inbox_take(conn_id, method, 0, WAIT_S);
	const char *got;

	if (event == NULL)
		fail_msg("%llu: no event %s", (unsigned long long)conn_id, method);
	got = json_string_value(json_object_get(json_object_get(event, "params"), key ? key : ""));
	if (key != NULL && value != NULL && (got == NULL || strcmp(got, value) != 0))
		fail_msg("%s: %s", method, json_dumps(event, 0));
	json_decref(event);
}

// Not after a round trip on the same connection: everything before was delivered.
void expect_none(uint64_t conn_id, const char *method) {
	json_t *event = inbox_take(conn_id, method, 0, 0);

	if (event != NULL)
		fail_msg("unexpected %s", json_dumps(event, 0));
}

json_t *publish_params(const char *stream_id, const char *sdp) {
	return json_pack("{s:s, s:s, s:s}", "roomId", "r", "streamId", stream_id, "sdp", sdp);
}

json_t *subscribe_params(const char *publisher_id, const char *stream_id) {
	return json_pack(
		"{s:s, s:s, s:s, s:s}",
		"roomId",
		"r",
		"publisherId",
		publisher_id,
		"streamId",
		stream_id,
		"sdp",
		"v=0 offer"
	);
}

// Publishes (the only transport then) and connects; the transport's id.
uint64_t publish(uint64_t conn_id, const char *stream_id) {
	uint64_t transport_id;

	EVENTUALLY(fake_count(fake, PLM_API_TRANSPORT_ADD) == 0);
	call_ok(conn_id, "stream.publish", publish_params(stream_id, "v=0 audio video"));
	transport_id = fake_first(fake, PLM_API_TRANSPORT_ADD);
	assert_true(transport_id != 0);
	rtc.connected(rtc.user, transport_id, PLM_SRTP_AEAD_AES_128_GCM);
	expect(conn_id, "stream.published", "streamId", stream_id);
	return transport_id;
}

// Subscribes and connects; the transport's id is the subscription's.
uint64_t subscribe(
	uint64_t conn_id,
	const char *publisher_id,
	const char *stream_id,
	char ret_id[64]
) {
	json_t *result;
	uint64_t id;

	result = call(conn_id, "stream.subscribe", subscribe_params(publisher_id, stream_id));
	snprintf(ret_id, 64, "%s", json_string_value(json_object_get(result, "subscriptionId")));
	json_decref(result);
	id = strtoull(ret_id, NULL, 16);
	assert_true(fake_has(fake, id));
	rtc.connected(rtc.user, id, PLM_SRTP_AEAD_AES_128_GCM);
	return id;
}

static void admin_done(void *user, json_t *result) {
	__atomic_store_n((json_t **)user, result, __ATOMIC_SEQ_CST);
}

json_t *admin(const char *what, const char *id) {
	static json_t *const none = (json_t *)-1;
	json_t *result = none;

	rooms_admin(what, id, admin_done, &result);
	EVENTUALLY(__atomic_load_n(&result, __ATOMIC_SEQ_CST) != none);
	return result;
}

bool dataplane_up(void) {
	json_t *health = admin("health", NULL);
	const bool up = json_is_true(json_object_get(health, "dataplane"));

	json_decref(health);
	return up;
}

int stage_setup(void **) {
	const struct rooms_config config = {
		.dataplane_socket = path,
		.max_publishers = 9,
		.max_rooms = 1000,
		.max_participants = 100,
		.empty_room_ms = 300,
		.resume_ms = 1500,
		.publisher_max_bitrate = 2500000,
		.hls_endpoint = "https://hls.test",
		.hls_stage = "prod",
	};

	snprintf(path, sizeof(path), "/tmp/plm-test-rooms-%d", (int)getpid());
	fake = fake_start(path);
	rooms_rtc_events(&rtc);
	n_closed = 0;
	rtc_refuses_restart = rtc_holds_restart = false;
	if (rooms_start(&config) < 0)
		return -1;
	EVENTUALLY(dataplane_up());
	// 1: ann, who made room r.
	json_decref(hello(1, "ann", NULL));
	call_ok(1, "room.create", json_pack("{s:s, s:s}", "type", "m2m", "roomId", "r"));
	inbox_clear();
	return 0;
}

int stage_teardown(void **) {
	rooms_stop();
	inbox_clear();
	fake_stop(fake);
	json_decref(protocol);
	protocol = NULL;
	return 0;
}
