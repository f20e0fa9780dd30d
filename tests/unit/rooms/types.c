// SPDX-License-Identifier: BSD-3-Clause

// What is special in each type of room, from request to reply.

#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *room_params(const char *room_id) {
	return json_pack("{s:s}", "roomId", room_id);
}

static const char *text(const json_t *object, const char *key) {
	const char *value = json_string_value(json_object_get(object, key));

	return value != NULL ? value : "";
}

static json_t *create(uint64_t conn_id, const char *user_id, const char *type) {
	json_decref(hello(conn_id, user_id, NULL));
	return call(conn_id, "room.create", json_pack("{s:s, s:s}", "type", type, "roomId", type));
}

static json_t *join(uint64_t conn_id, const char *user_id, const char *room_id) {
	json_decref(hello(conn_id, user_id, NULL));
	return call(conn_id, "room.join", room_params(room_id));
}

static json_t *signal_params(const char *to, const char *kind) {
	return json_pack("{s:s, s:s, s:{s:s}}", "roomId", "p2p", "to", to, "data", "type", kind);
}

static json_t *offer_params(const char *room_id, const char *sdp) {
	return json_pack("{s:s, s:s, s:s}", "roomId", room_id, "streamId", "cam", "sdp", sdp);
}

static json_t *watch_params(const char *room_id, const char *publisher_id) {
	return json_pack(
		"{s:s, s:s, s:s, s:s}",
		"roomId",
		room_id,
		"publisherId",
		publisher_id,
		"streamId",
		"cam",
		"sdp",
		"v=0 offer"
	);
}

// The signal that must have come to conn.
static void expect_signal(uint64_t conn_id, const char *from, const char *kind) {
	json_t *event = inbox_take(conn_id, "signal", 0, WAIT_S), *params;

	assert_non_null(event);
	params = json_object_get(event, "params");
	assert_string_equal(text(params, "roomId"), "p2p");
	assert_string_equal(text(params, "from"), from);
	assert_string_equal(text(json_object_get(params, "data"), "type"), kind);
	json_decref(event);
}

static void test_call(void **) {
	json_t *room, *publishers;

	room = create(10, "caller", "p2p");
	assert_string_equal(text(room, "role"), "publisher");
	json_decref(room);
	call_error(10, "signal", signal_params("callee", "offer"), "unknown_user");
	room = join(11, "callee", "p2p");
	assert_string_equal(text(room, "ownerId"), "caller");
	assert_string_equal(text(room, "role"), "publisher");
	publishers = json_object_get(room, "publishers");
	assert_int_equal(json_array_size(publishers), 2);
	assert_string_equal(text(json_array_get(publishers, 0), "userId"), "caller");
	json_decref(room);
	expect(10, "room.publisher_joined", "userId", "callee");
	// He who came offers.
	call_ok(11, "signal", signal_params("caller", "offer"));
	expect_signal(10, "callee", "offer");
	call_ok(10, "signal", signal_params("callee", "answer"));
	expect_signal(11, "caller", "answer");
	call_error(10, "signal", signal_params("caller", "offer"), "invalid_params");
	// Nobody else.
	json_decref(hello(12, "third", NULL));
	call_error(12, "room.join", room_params("p2p"), "room_full");
	call_error(12, "signal", signal_params("caller", "offer"), "not_in_room");
	call_error(10, "signal", signal_params("third", "offer"), "unknown_user");
	call_ok(11, "room.leave", room_params("p2p"));
	expect(10, "room.publisher_left", "userId", "callee");
	expect(10, "room.closed", "reason", "peer_left");
	call_error(10, "signal", signal_params("callee", "offer"), "unknown_room");
	call_error(11, "room.join", room_params("p2p"), "unknown_room");
	expect_none(12, "signal");
	assert_int_equal(fake_requests(fake, PLM_API_TRANSPORT_ADD), 0);
}

static void test_call_refuses(void **) {
	json_t *data;
	char *big;

	json_decref(create(10, "caller", "p2p"));
	json_decref(hello(11, "callee", NULL));
	call_error(
		11,
		"room.join",
		json_pack("{s:s, s:s}", "roomId", "p2p", "role", "viewer"),
		"forbidden"
	);
	call_ok(11, "room.join", room_params("p2p"));
	call_error(11, "stream.publish", offer_params("p2p", "v=0 audio"), "forbidden");
	call_error(11, "stream.subscribe", watch_params("p2p", "caller"), "forbidden");
	call_error(11, "publish.request", room_params("p2p"), "forbidden");
	call_error(
		10,
		"room.kick",
		json_pack("{s:s, s:s}", "roomId", "p2p", "userId", "callee"),
		"forbidden"
	);
	call_ok(10, "room.viewers", room_params("p2p"));
	// A signal has its bound.
	big = malloc(40001);
	memset(big, 'a', 40000);
	big[40000] = '\0';
	data = json_pack(
		"{s:s, s:s, s:{s:s}}", "roomId", "p2p", "to", "callee", "data", "sdp", big
	);
	call_error(10, "signal", data, "invalid_params");
	big[32000] = '\0';
	data = json_pack(
		"{s:s, s:s, s:{s:s}}", "roomId", "p2p", "to", "callee", "data", "sdp", big
	);
	call_ok(10, "signal", data);
	expect(11, "signal", "from", "caller");
	free(big);
	// Signals are for calls.
	data = json_pack("{s:s, s:s, s:{}}", "roomId", "r", "to", "bob", "data");
	call_error(1, "signal", data, "forbidden");
}

// A short loss of signaling is no hanging up, but nothing is kept for who is away.
static void test_call_resumes(void **) {
	char token[64];
	json_t *result;

	json_decref(create(10, "caller", "p2p"));
	result = hello(11, "callee", NULL);
	snprintf(token, sizeof(token), "%s", text(result, "resumeToken"));
	json_decref(result);
	call_ok(11, "room.join", room_params("p2p"));
	rooms_closed(11);
	call_error(10, "signal", signal_params("callee", "candidate"), "unknown_user");
	result = hello(12, "callee", token);
	assert_true(json_is_true(json_object_get(result, "resumed")));
	json_decref(result);
	expect_none(12, "signal");
	call_ok(10, "signal", signal_params("callee", "candidate"));
	expect_signal(12, "caller", "candidate");
	rooms_closed(12);
	expect(10, "room.publisher_left", "reason", "lost");
	expect(10, "room.closed", "reason", "peer_left");
	// The name is free again.
	call_ok(10, "room.create", json_pack("{s:s, s:s}", "type", "p2p", "roomId", "p2p"));
}

#define PLAYLIST "https://hls.test/prod/live/star/cam/playlist.m3u8"

static void test_broadcast(void **) {
	json_t *result, *stream;
	uint64_t transport_id;

	json_decref(create(10, "star", "p2m"));
	result = call(10, "stream.publish", offer_params("p2m", "v=0 audio video"));
	assert_string_equal(text(result, "playlist"), PLAYLIST);
	json_decref(result);
	json_decref(join(11, "fan", "p2m"));
	transport_id = fake_first(fake, PLM_API_TRANSPORT_ADD);
	rtc.connected(rtc.user, transport_id, PLM_SRTP_AEAD_AES_128_GCM);
	expect(11, "stream.published", "playlist", PLAYLIST);
	result = join(12, "late", "p2m");
	stream = json_object_get(
		json_array_get(json_object_get(result, "publishers"), 0), "streams"
	);
	assert_string_equal(text(json_array_get(stream, 0), "playlist"), PLAYLIST);
	assert_string_equal(text(result, "role"), "viewer");
	json_decref(result);
	call_error(11, "stream.subscribe", watch_params("p2m", "star"), "forbidden");
	call_error(11, "stream.publish", offer_params("p2m", "v=0 audio"), "not_publisher");
	call_error(11, "publish.request", room_params("p2m"), "forbidden");
	call_error(
		11,
		"room.kick",
		json_pack("{s:s, s:s}", "roomId", "p2m", "userId", "late"),
		"not_publisher"
	);
	call_ok(10, "room.kick", json_pack("{s:s, s:s}", "roomId", "p2m", "userId", "late"));
	expect(12, "room.kicked", "by", "star");
	call_error(12, "room.join", room_params("p2m"), "kicked");
	json_decref(hello(13, "rival", NULL));
	call_error(
		13,
		"room.join",
		json_pack("{s:s, s:s}", "roomId", "p2m", "role", "publisher"),
		"forbidden"
	);
	// Exactly one publisher: the one who made it, also when he comes back.
	call_ok(10, "room.leave", room_params("p2m"));
	expect(11, "room.publisher_left", "userId", "star");
	call_error(
		13,
		"room.join",
		json_pack("{s:s, s:s}", "roomId", "p2m", "role", "publisher"),
		"forbidden"
	);
	call_ok(10, "room.join", json_pack("{s:s, s:s}", "roomId", "p2m", "role", "publisher"));
	expect(11, "room.owner_changed", "ownerId", NULL);
}

static void test_audio_only(void **) {
	uint64_t transport_id;

	json_decref(create(10, "ann", "a2m"));
	json_decref(join(11, "vic", "a2m"));
	call_error(10, "stream.publish", offer_params("a2m", "v=0 video"), "unsupported_codec");
	call_ok(10, "stream.publish", offer_params("a2m", "v=0 audio video"));
	assert_int_equal(fake_count(fake, PLM_API_PRODUCER_ADD), 1);
	transport_id = fake_first(fake, PLM_API_TRANSPORT_ADD);
	rtc.connected(rtc.user, transport_id, PLM_SRTP_AEAD_AES_128_GCM);
	expect(11, "stream.published", "streamId", "cam");
	call_ok(11, "stream.subscribe", watch_params("a2m", "ann"));
	assert_int_equal(fake_count(fake, PLM_API_CONSUMER_ADD), 1);
	call_ok(11, "publish.request", room_params("a2m"));
	expect(10, "publish.requested", "userId", "vic");
}

int main(void) {
#define TYPE_TEST(f) cmocka_unit_test_setup_teardown(f, stage_setup, stage_teardown)
	const struct CMUnitTest tests[] = {
		TYPE_TEST(test_call),
		TYPE_TEST(test_call_refuses),
		TYPE_TEST(test_call_resumes),
		TYPE_TEST(test_broadcast),
		TYPE_TEST(test_audio_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
