// SPDX-License-Identifier: BSD-3-Clause

// The rooms thread from request to reply: sessions, media, what the dataplane reports.

#include "signaling.h"
#include "stage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---------------------------------------------------------------------------- tests

static void test_publish_and_watch(void **) {
	char subscription[64];
	uint64_t publication, watch, producer;
	struct plm_consumer_add consumer;

	enter(2, "vic", "viewer");
	publication = publish(1, "cam");
	expect(2, "stream.published", "publisherId", "ann");
	assert_int_equal(fake_count(fake, PLM_API_PRODUCER_ADD), 2);
	watch = subscribe(2, "ann", "cam", subscription);
	assert_int_equal(fake_count(fake, PLM_API_CONSUMER_ADD), 2);
	assert_true(fake_consumer(fake, fake_first(fake, PLM_API_CONSUMER_ADD), &consumer));
	assert_true(consumer.ssrc != 0 && consumer.ssrc != 1001 && consumer.ssrc != 1002);
	assert_int_equal(strlen(consumer.cname), 16);
	EVENTUALLY(fake_requests(fake, PLM_API_PRODUCER_KEYFRAME) == 1); // the video's

	call_ok(2,
		"stream.update",
		json_pack("{s:s, s:b}", "subscriptionId", subscription, "paused", 1));
	EVENTUALLY(
		fake_consumer(fake, fake_first(fake, PLM_API_CONSUMER_ADD), &consumer)
		&& consumer.paused
	);
	call_error(
		1,
		"stream.unsubscribe",
		json_pack("{s:s}", "subscriptionId", subscription),
		"unknown_subscription" // another's
	);

	// What the dataplane sees of the publisher.
	producer = fake_first(fake, PLM_API_PRODUCER_ADD);
	fake_producer_event(fake, producer, PLM_PRODUCER_EV_ACTIVE);
	fake_producer_event(fake, producer, PLM_PRODUCER_EV_IDLE);
	expect(2, "stream.interrupted", "streamId", "cam");
	fake_producer_event(fake, producer, PLM_PRODUCER_EV_ACTIVE);
	expect(2, "stream.updated", "streamId", "cam");

	call_ok(1, "stream.unpublish", json_pack("{s:s, s:s}", "roomId", "r", "streamId", "cam"));
	expect(2, "stream.unpublished", "reason", "unpublished");
	expect(2, "subscription.closed", "reason", "stream_ended");
	EVENTUALLY(!fake_has(fake, publication) && !fake_has(fake, watch));
	assert_int_equal(fake_count(fake, PLM_API_PRODUCER_ADD), 0);
	assert_int_equal(__atomic_load_n(&n_closed, __ATOMIC_SEQ_CST), 2);
}

static void test_errors(void **) {
	enter(2, "vic", "viewer");
	call_error(
		1,
		"room.create",
		json_pack("{s:s, s:s}", "type", "m2m", "roomId", "r"),
		"room_exists"
	);
	call_error(1, "room.join", json_pack("{s:s}", "roomId", "none"), "unknown_room");
	call_error(2, "stream.publish", publish_params("s", "v=0 audio"), "not_publisher");
	call_error(1, "stream.publish", publish_params("s", "bad"), "bad_sdp");
	call_error(2, "stream.subscribe", subscribe_params("ann", "s"), "unknown_stream");
	call_error(2, "room.viewers", json_pack("{s:s}", "roomId", "r"), "not_publisher");
	call_error(
		2,
		"room.kick",
		json_pack("{s:s, s:s}", "roomId", "r", "userId", "ann"),
		"not_publisher"
	);
	call_error(
		1,
		"room.kick",
		json_pack("{s:s, s:s}", "roomId", "r", "userId", "zoe"),
		"unknown_user"
	);
	call_error(
		2,
		"publish.accept",
		json_pack("{s:s, s:s}", "roomId", "r", "userId", "vic"),
		"not_owner"
	);
	call_error(
		1,
		"ice.candidate",
		json_pack("{s:s, s:s}", "streamId", "s", "candidate", ""),
		"unknown_stream"
	);
	// A connection that said no hello.
	call_error(77, "room.join", json_pack("{s:s}", "roomId", "r"), "unauthorized");
	// A refusal of the dataplane becomes an error, and nothing is left.
	fake_refuse(fake, PLM_API_PRODUCER_ADD, ENOSPC);
	call_error(1, "stream.publish", publish_params("s", "v=0 audio"), "busy");
	EVENTUALLY(fake_count(fake, PLM_API_TRANSPORT_ADD) == 0);
	publish(1, "s");
	call_error(1, "stream.publish", publish_params("s", "v=0 audio"), "stream_exists");
}

static void test_room_full(void **) {
	char user[8];

	for (unsigned i = 2; i <= 9; i++) {
		snprintf(user, sizeof(user), "p%u", i);
		enter(i, user, "publisher");
	}
	json_decref(hello(10, "p10", NULL));
	call_error(
		10,
		"room.join",
		json_pack("{s:s, s:s}", "roomId", "r", "role", "publisher"),
		"room_full"
	);
	call_ok(10, "room.join", json_pack("{s:s}", "roomId", "r"));
	call_ok(10, "publish.request", json_pack("{s:s}", "roomId", "r"));
	expect(1, "publish.requested", "userId", "p10");
	call_error(
		1,
		"publish.accept",
		json_pack("{s:s, s:s}", "roomId", "r", "userId", "p10"),
		"room_full"
	);
	call_ok(9, "room.leave", json_pack("{s:s}", "roomId", "r"));
	call_ok(1, "publish.accept", json_pack("{s:s, s:s}", "roomId", "r", "userId", "p10"));
	expect(10, "publish.granted", NULL, NULL);
	expect(2, "room.publisher_left", "userId", "p9");
	// Ownership passes to the next oldest.
	call_ok(1, "room.leave", json_pack("{s:s}", "roomId", "r"));
	expect(10, "room.owner_changed", "ownerId", "p2");
}

static void test_kick(void **) {
	char subscription[64];
	uint64_t watch;

	enter(2, "vic", "viewer");
	publish(1, "cam");
	watch = subscribe(2, "ann", "cam", subscription);
	call_ok(1,
		"room.kick",
		json_pack("{s:s, s:s, s:s}", "roomId", "r", "userId", "vic", "reason", "rude"));
	expect(2, "room.kicked", "reason", "rude");
	EVENTUALLY(!fake_has(fake, watch));
	call_error(2, "room.join", json_pack("{s:s}", "roomId", "r"), "kicked");
}

static void test_resume(void **) {
	json_t *result, *rooms;
	uint64_t publication;
	char token[64];

	enter(2, "vic", "viewer");
	result = hello(3, "pam", NULL);
	snprintf(
		token,
		sizeof(token),
		"%s",
		json_string_value(json_object_get(result, "resumeToken"))
	);
	json_decref(result);
	call_ok(3, "room.join", json_pack("{s:s, s:s}", "roomId", "r", "role", "publisher"));
	publication = publish(3, "cam");
	rooms_closed(3);
	// A token of another user opens nothing: that is a new session.
	result = hello(5, "eve", token);
	assert_true(json_is_false(json_object_get(result, "resumed")));
	json_decref(result);
	result = hello(4, "pam", token);
	assert_true(json_is_true(json_object_get(result, "resumed")));
	rooms = json_object_get(result, "rooms");
	assert_int_equal(json_array_size(rooms), 1);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(rooms, 0), "role")), "publisher"
	);
	json_decref(result);
	assert_true(fake_has(fake, publication));
	expect_none(2, "stream.unpublished");
	// A connection that still looks alive gives way.
	json_decref(hello(6, "pam", token));
	assert_int_equal(closed_conn, 4);
	assert_int_equal(closed_code, SIGNALING_CLOSE_REPLACED);
	rooms_closed(4);
	call_ok(6, "room.join", json_pack("{s:s}", "roomId", "r"));
	// Not resumed in time: the place and the media go.
	rooms_closed(6);
	expect(2, "stream.unpublished", "reason", "lost");
	expect(2, "room.publisher_left", "reason", "lost");
	EVENTUALLY(!fake_has(fake, publication));
}

// What a token allows counts on every request, not only at the door.
static void test_rights(void **) {
	struct rooms_identity who = identity("pam");
	json_t *result;
	char token[64];

	enter(2, "vic", "viewer");
	publish(1, "cam");
	// The place of a publisher, taken over by a session that may only view.
	enter(3, "pam", "publisher");
	who.may_publish = who.may_create = false;
	json_decref(hello_as(4, &who, NULL));
	call_ok(4, "room.join", json_pack("{s:s}", "roomId", "r"));
	call_error(4, "stream.publish", publish_params("s", "v=0 audio"), "forbidden");
	// One that may only publish watches nothing.
	who = identity("tom");
	who.may_view = false;
	json_decref(hello_as(5, &who, NULL));
	call_error(5, "room.join", json_pack("{s:s}", "roomId", "r"), "forbidden");
	call_ok(5, "room.join", json_pack("{s:s, s:s}", "roomId", "r", "role", "publisher"));
	call_error(5, "stream.subscribe", subscribe_params("ann", "cam"), "forbidden");
	// Resumed with a token of another room: the place in this one is lost.
	result = hello(6, "sue", NULL);
	snprintf(
		token,
		sizeof(token),
		"%s",
		json_string_value(json_object_get(result, "resumeToken"))
	);
	json_decref(result);
	call_ok(6, "room.join", json_pack("{s:s, s:s}", "roomId", "r", "role", "publisher"));
	expect(2, "room.publisher_joined", "userId", "pam");
	expect(2, "room.publisher_joined", "userId", "tom");
	expect(2, "room.publisher_joined", "userId", "sue");
	rooms_closed(6);
	who = identity("sue");
	strcpy(who.room, "other-*");
	result = hello_as(7, &who, token);
	assert_true(json_is_true(json_object_get(result, "resumed")));
	assert_int_equal(json_array_size(json_object_get(result, "rooms")), 0);
	json_decref(result);
	expect(2, "room.publisher_left", "userId", "sue");
	call_error(7, "stream.subscribe", subscribe_params("ann", "cam"), "not_in_room");
}

static void test_consent_lost(void **) {
	char subscription[64];
	uint64_t publication, watch;

	enter(2, "vic", "viewer");
	enter(3, "pam", "publisher");
	publication = publish(3, "cam");
	expect(2, "stream.published", "publisherId", "pam");
	watch = subscribe(2, "pam", "cam", subscription);
	fake_transport_event(fake, watch, PLM_TRANSPORT_EV_CONSENT_LOST);
	expect(2, "subscription.closed", "reason", "consent_lost");
	EVENTUALLY(!fake_has(fake, watch));
	// Signaling and media gone: removed at once.
	rooms_closed(3);
	fake_transport_event(fake, publication, PLM_TRANSPORT_EV_CONSENT_LOST);
	expect(2, "stream.unpublished", "reason", "consent_lost");
	expect(2, "room.publisher_left", "userId", "pam");
	// The peer closed DTLS.
	EVENTUALLY(fake_count(fake, PLM_API_TRANSPORT_ADD) == 0);
	publication = publish(1, "cam");
	expect(2, "stream.published", "publisherId", "ann");
	rtc.closed(rtc.user, publication);
	expect(2, "stream.unpublished", "reason", "closed");
}

static void test_ice_restart(void **) {
	const char *sdp;
	json_t *result;

	publish(1, "cam");
	result = call(1, "ice.restart", json_pack("{s:s, s:s}", "streamId", "cam", "sdp", "v=0"));
	sdp = json_string_value(json_object_get(result, "sdp"));
	assert_string_equal(sdp, "v=0 restarted");
	json_decref(result);
	assert_int_equal(fake_requests(fake, PLM_API_TRANSPORT_RESTART), 1);
	rtc_refuses_restart = true;
	call_error(
		1,
		"ice.restart",
		json_pack("{s:s, s:s}", "streamId", "cam", "sdp", "v=0"),
		"bad_sdp"
	);
	assert_int_equal(fake_count(fake, PLM_API_TRANSPORT_ADD), 1);
	call_ok(1, "ice.candidate", json_pack("{s:s, s:s}", "streamId", "cam", "candidate", "x"));
}

// The client gave the first restart up; its answer comes all the same, with credentials of its own.
static void test_ice_restart_overtaken(void **) {
	struct rtc_answer answer = {.sdp = "v=0 first"};
	json_t *params, *reply;
	const char *sdp = NULL;

	answer.transport_id = publish(1, "cam");
	rtc_holds_restart = true;
	params = json_pack("{s:s, s:s}", "streamId", "cam", "sdp", "v=0");
	rooms_request(1, json_integer(901), "ice.restart", json_deep_copy(params));
	rooms_request(1, json_integer(902), "ice.restart", params);
	reply = inbox_take(1, NULL, 901, WAIT_S);
	assert_non_null(json_object_get(reply, "error"));
	json_decref(reply);
	rtc.restarted(rtc.user, &answer);
	EVENTUALLY(fake_requests(fake, PLM_API_TRANSPORT_RESTART) == 1);
	call_ok(1, "ice.candidate", json_pack("{s:s, s:s}", "streamId", "cam", "candidate", "x"));
	answer.sdp = "v=0 second";
	rtc.restarted(rtc.user, &answer);
	reply = inbox_take(1, NULL, 902, WAIT_S);
	json_unpack(reply, "{s:{s:s}}", "result", "sdp", &sdp);
	assert_non_null(sdp);
	assert_string_equal(sdp, "v=0 second");
	json_decref(reply);
}

static void test_dataplane_restart(void **) {
	char subscription[64];

	enter(2, "vic", "viewer");
	publish(1, "cam");
	subscribe(2, "ann", "cam", subscription);
	fake_restart(fake);
	expect(1, "stream.unpublished", "reason", "relay_restarted");
	expect(2, "stream.unpublished", "reason", "relay_restarted");
	expect(2, "subscription.closed", NULL, NULL);
	EVENTUALLY(dataplane_up());
	publish(1, "cam");
	expect(2, "stream.published", "streamId", "cam");
	// Away: media goes on, nothing new begins.
	fake_silent(fake, true);
	fake_drop(fake);
	EVENTUALLY(!dataplane_up());
	call_error(2, "stream.subscribe", subscribe_params("ann", "cam"), "no_dataplane");
	expect_none(2, "stream.unpublished");
	fake_silent(fake, false);
}

static void test_no_place(void **) {
	struct rooms_identity who = identity("ann");
	const char *name = NULL;
	json_t *reply;

	for (unsigned i = 0; i < 99; i++)
		json_decref(hello(100 + i, "ann", NULL));
	rooms_hello(300, &who, NULL, json_integer(900));
	reply = inbox_take(300, NULL, 900, WAIT_S);
	json_unpack(reply, "{s:{s:{s:s}}}", "error", "data", "name", &name);
	assert_string_equal(name, "busy");
	json_decref(reply);
	EVENTUALLY(closed_conn == 300);
	assert_int_equal(closed_code, SIGNALING_CLOSE_TRY_AGAIN);
}

static void test_second_session(void **) {
	uint64_t publication;

	enter(2, "vic", "viewer");
	publication = publish(1, "cam");
	// The same user comes from another page: the place is his, the old media is not.
	json_decref(hello(3, "ann", NULL));
	call_ok(3, "room.join", json_pack("{s:s, s:s}", "roomId", "r", "role", "publisher"));
	expect(1, "room.kicked", "reason", "replaced");
	expect(2, "stream.unpublished", "reason", "replaced");
	EVENTUALLY(!fake_has(fake, publication));
	expect_none(2, "room.publisher_left");
	call_error(1, "room.leave", json_pack("{s:s}", "roomId", "r"), "not_in_room");
	publish(3, "cam");
}

static void test_empty_room_ends(void **) {
	enter(2, "vic", "viewer");
	call_ok(1, "room.leave", json_pack("{s:s}", "roomId", "r"));
	expect(2, "room.closed", "reason", "no_publisher");
	call_error(2, "room.join", json_pack("{s:s}", "roomId", "r"), "unknown_room");
}

static void test_viewers_and_admin(void **) {
	json_t *result, *room;
	const char *user_id = "", *transport_id = "";
	char subscription[64];

	enter(2, "vic", "viewer");
	enter(3, "wim", "viewer");
	result = call(1, "room.viewers", json_pack("{s:s}", "roomId", "r"));
	assert_int_equal(json_array_size(json_object_get(result, "viewers")), 2);
	assert_null(json_object_get(result, "cursor"));
	json_decref(result);
	expect(1, "room.viewer_count", NULL, NULL);
	publish(1, "cam");
	subscribe(2, "ann", "cam", subscription);
	room = admin("room", "r");
	json_unpack(
		room,
		"{s:[{s:[{s:[{s:s, s:s}]}]}]}",
		"publishers",
		"streams",
		"watcherList",
		"userId",
		&user_id,
		"transportId",
		&transport_id
	);
	assert_string_equal(user_id, "vic");
	assert_string_equal(transport_id, subscription);
	assert_int_equal(json_integer_value(json_object_get(room, "viewerCount")), 2);
	assert_int_equal(json_array_size(json_object_get(room, "publishers")), 1);
	json_decref(room);
	result = admin("rooms", NULL);
	assert_int_equal(json_array_size(json_object_get(result, "rooms")), 1);
	json_decref(result);
	assert_null(admin("room", "none"));
	assert_null(admin("what", NULL));
}

static void test_stop_leaves_media(void **state) {
	publish(1, "cam");
	rooms_stop();
	usleep(50000);
	assert_int_equal(fake_count(fake, PLM_API_TRANSPORT_ADD), 1);
	assert_int_equal(__atomic_load_n(&n_closed, __ATOMIC_SEQ_CST), 0);
	(void)state;
}

int main(void) {
#define ROOMS_TEST(f) cmocka_unit_test_setup_teardown(f, stage_setup, stage_teardown)
	const struct CMUnitTest tests[] = {
		ROOMS_TEST(test_publish_and_watch),
		ROOMS_TEST(test_errors),
		ROOMS_TEST(test_room_full),
		ROOMS_TEST(test_kick),
		ROOMS_TEST(test_resume),
		ROOMS_TEST(test_rights),
		ROOMS_TEST(test_consent_lost),
		ROOMS_TEST(test_ice_restart),
		ROOMS_TEST(test_ice_restart_overtaken),
		ROOMS_TEST(test_dataplane_restart),
		ROOMS_TEST(test_no_place),
		ROOMS_TEST(test_second_session),
		ROOMS_TEST(test_empty_room_ends),
		ROOMS_TEST(test_viewers_and_admin),
		ROOMS_TEST(test_stop_leaves_media),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
