// SPDX-License-Identifier: BSD-3-Clause

// Every role against every message: who may say what, and what he is told otherwise.

#include "schema_embedded.h"
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNS 16 // of one cell

enum role {
	NO_HELLO,
	OUTSIDER, // of the m2m room
	FOREIGNER, // his token opens another room
	KICKED,
	VIEWER,
	WATCHER, // a viewer whose token may only view
	PUBLISHER, // not the owner
	PUSHER, // a publisher whose token may not view
	OWNER,
	FAN, // viewer of a p2m room
	STAR, // its publisher
	CALLER,
	CALLEE,
	THIRD, // outside of the call
	ROLE_COUNT
};

static const char *const role_names[ROLE_COUNT] = {
	"no hello",
	"outsider",
	"foreigner",
	"kicked",
	"viewer",
	"watcher",
	"publisher",
	"pusher",
	"owner",
	"fan",
	"star",
	"caller",
	"callee",
	"third",
};

static const struct {
	char code[3];
	const char *name; // of the error, NULL = a result
} outcomes[] = {
	{"ok", NULL},
	{"ua", "unauthorized"},
	{"fb", "forbidden"},
	{"nr", "not_in_room"},
	{"no", "not_owner"},
	{"np", "not_publisher"},
	{"ki", "kicked"},
	{"ex", "room_exists"},
	{"fu", "room_full"},
	{"uu", "unknown_user"},
	{"us", "unknown_stream"},
	{"un", "unknown_subscription"},
	{"ip", "invalid_params"},
	{"ir", "invalid_request"},
};

// Parameters: of a room with an owner BOSS (his stream is "cam", live, but in p2p) and another
// member OTHER, who raised his hand where that is possible. SELF has a stream "cam" when he
// publishes, and the subscription SUB to BOSS when he watches. # is the cell's number.
static const struct {
	const char *method;
	const char *params;
	// hello outs  fore  kick  view  watch publ  push  owner fan   star  call  calle third
	const char *expected;
} rows[] = {
	// clang-format off
	{"hello", "",
	 "ok    ir    ir    ir    ir    ir    ir    ir    ir    ir    ir    ir    ir    ir"},
	{"room.create", "{'type':'m2m','roomId':'new#'}",
	 "ua    ok    fb    ok    ok    fb    ok    ok    ok    ok    ok    ok    ok    ok"},
	{"room.create", "{'type':'p2p','roomId':'ROOM'}",
	 "ua    ex    fb    ex    ex    fb    ex    ex    ex    ex    ex    ex    ex    ex"},
	{"room.join", "{'roomId':'ROOM'}",
	 "ua    ok    fb    ki    ok    ok    ok    fb    ok    ok    ok    ok    ok    fu"},
	{"room.join", "{'roomId':'ROOM','role':'viewer'}",
	 "ua    ok    fb    ki    ok    ok    ok    fb    ok    ok    ok    fb    fb    fb"},
	{"room.join", "{'roomId':'ROOM','role':'publisher'}",
	 "ua    ok    fb    ki    ok    fb    ok    ok    ok    ok    ok    ok    ok    fu"},
	{"room.leave", "{'roomId':'ROOM'}",
	 "ua    nr    nr    nr    ok    ok    ok    ok    ok    ok    ok    ok    ok    nr"},
	{"room.viewers", "{'roomId':'ROOM'}",
	 "ua    nr    nr    nr    np    np    ok    ok    ok    np    ok    ok    ok    nr"},
	{"room.kick", "{'roomId':'ROOM','userId':'OTHER','reason':'why'}",
	 "ua    nr    nr    nr    np    np    ok    ok    ok    np    ok    fb    fb    nr"},
	{"room.kick", "{'roomId':'ROOM','userId':'BOSS'}",
	 "ua    nr    nr    nr    np    np    ok    ok    ip    np    ip    fb    fb    nr"},
	{"room.kick", "{'roomId':'ROOM','userId':'nobody'}",
	 "ua    nr    nr    nr    np    np    uu    uu    uu    np    uu    fb    fb    nr"},
	{"publish.request", "{'roomId':'ROOM'}",
	 "ua    nr    nr    nr    ok    fb    ok    ok    ok    fb    fb    fb    fb    nr"},
	{"publish.withdraw", "{'roomId':'ROOM'}",
	 "ua    nr    nr    nr    ok    ok    ok    ok    ok    fb    fb    fb    fb    nr"},
	{"publish.accept", "{'roomId':'ROOM','userId':'OTHER'}",
	 "ua    nr    nr    nr    no    no    no    no    ok    fb    fb    fb    fb    nr"},
	{"publish.accept", "{'roomId':'ROOM','userId':'BOSS'}",
	 "ua    nr    nr    nr    no    no    no    no    uu    fb    fb    fb    fb    nr"},
	{"publish.reject", "{'roomId':'ROOM','userId':'OTHER','reason':'why'}",
	 "ua    nr    nr    nr    no    no    no    no    ok    fb    fb    fb    fb    nr"},
	{"stream.publish", "{'roomId':'ROOM','streamId':'screen','sdp':'v=0 audio'}",
	 "ua    nr    nr    nr    np    np    ok    ok    ok    np    ok    fb    fb    nr"},
	{"stream.unpublish", "{'roomId':'ROOM','streamId':'cam'}",
	 "ua    nr    nr    nr    us    us    ok    ok    ok    us    ok    us    us    nr"},
	{"stream.subscribe", "{'roomId':'ROOM','publisherId':'BOSS','streamId':'cam','sdp':'v=0'}",
	 "ua    nr    nr    nr    ok    ok    ok    fb    ok    fb    fb    fb    fb    nr"},
	{"stream.unsubscribe", "{'subscriptionId':'SUB'}",
	 "ua    un    un    un    ok    ok    ok    un    ok    un    un    un    un    un"},
	{"stream.update", "{'subscriptionId':'SUB','paused':true}",
	 "ua    un    un    un    ok    ok    ok    un    ok    un    un    un    un    un"},
	{"stream.update", "{'roomId':'ROOM','streamId':'cam','paused':true}",
	 "ua    us    us    us    us    us    ok    ok    ok    us    ok    us    us    us"},
	{"ice.candidate", "{'roomId':'ROOM','streamId':'cam','candidate':'candidate:1'}",
	 "ua    us    us    us    us    us    ok    ok    ok    us    ok    us    us    us"},
	{"ice.candidate", "{'subscriptionId':'SUB','candidate':''}",
	 "ua    un    un    un    ok    ok    ok    un    ok    un    un    un    un    un"},
	{"ice.restart", "{'roomId':'ROOM','streamId':'cam','sdp':'v=0 again'}",
	 "ua    us    us    us    us    us    ok    ok    ok    us    ok    us    us    us"},
	{"ice.restart", "{'subscriptionId':'SUB','sdp':'v=0 again'}",
	 "ua    un    un    un    ok    ok    ok    un    ok    un    un    un    un    un"},
	{"signal", "{'roomId':'ROOM','to':'OTHER','data':{'type':'offer'}}",
	 "ua    nr    nr    nr    fb    fb    fb    fb    fb    fb    fb    ok    ok    nr"},
	{"signal", "{'roomId':'ROOM','to':'nobody','data':{}}",
	 "ua    nr    nr    nr    fb    fb    fb    fb    fb    fb    fb    uu    uu    nr"},
	// clang-format on
};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

// ---------------------------------------------------------------------------- the scene of a cell

struct scene {
	char room[16];
	const char *type;
	uint64_t self, boss, other; // connections
	const char *boss_id, *other_id;
	char subscription[32];
};

static void enter_as(
	uint64_t conn_id,
	const char *user_id,
	const struct scene *scene,
	const char *role,
	bool may_publish,
	bool may_view
) {
	struct rooms_identity who = identity(user_id);
	const bool create = strcmp(role, "creator") == 0;
	json_t *params = json_pack("{s:s}", "roomId", scene->room);

	who.may_create = who.may_publish = may_publish;
	who.may_view = may_view;
	json_decref(hello_as(conn_id, &who, NULL));
	if (create)
		json_object_set_new(params, "type", json_string(scene->type));
	else if (role[0] != '\0')
		json_object_set_new(params, "role", json_string(role));
	call_ok(conn_id, create ? "room.create" : "room.join", params);
}

static json_t *cam_params(const struct scene *scene) {
	return json_pack(
		"{s:s, s:s, s:s}", "roomId", scene->room, "streamId", "cam", "sdp", "audio"
	);
}

// Publishes "cam" and connects.
static void publish_cam(uint64_t conn_id, const struct scene *scene) {
	call_ok(conn_id, "stream.publish", cam_params(scene));
	rtc.connected(rtc.user, fake_last(fake, PLM_API_TRANSPORT_ADD), 7);
	expect(conn_id, "stream.published", "roomId", scene->room);
}

static void watch_boss(struct scene *scene) {
	json_t *result = call(
		scene->self,
		"stream.subscribe",
		json_pack(
			"{s:s, s:s, s:s, s:s}",
			"roomId",
			scene->room,
			"publisherId",
			scene->boss_id,
			"streamId",
			"cam",
			"sdp",
			"v=0"
		)
	);

	snprintf(
		scene->subscription,
		sizeof(scene->subscription),
		"%s",
		json_string_value(json_object_get(result, "subscriptionId"))
	);
	json_decref(result);
}

static void room_make(struct scene *scene, enum role role) {
	const bool calls = role >= CALLER;

	scene->type = calls ? "p2p" : role >= FAN ? "p2m" : "m2m";
	scene->boss_id = "boss";
	scene->other_id = "other";
	enter_as(scene->boss, "boss", scene, "creator", true, true);
	if (!calls)
		publish_cam(scene->boss, scene);
	enter_as(scene->other, "other", scene, "", true, true);
	if (role < FAN)
		call_ok(scene->other, "publish.request", json_pack("{s:s}", "roomId", scene->room));
}

static void self_make(struct scene *scene, enum role role) {
	struct rooms_identity who = identity("self");

	switch (role) {
	case FOREIGNER:
		strcpy(who.room, "elsewhere");
		// fall through
	case OUTSIDER:
	case THIRD:
		json_decref(hello_as(scene->self, &who, NULL));
		break;
	case VIEWER:
	case FAN:
		enter_as(scene->self, "self", scene, "viewer", true, true);
		break;
	case KICKED:
		enter_as(scene->self, "self", scene, "viewer", true, true);
		call_ok(scene->boss,
			"room.kick",
			json_pack("{s:s, s:s}", "roomId", scene->room, "userId", "self"));
		break;
	case WATCHER:
		enter_as(scene->self, "self", scene, "viewer", false, true);
		break;
	case PUBLISHER:
		enter_as(scene->self, "self", scene, "publisher", true, true);
		publish_cam(scene->self, scene);
		break;
	case PUSHER:
		enter_as(scene->self, "self", scene, "publisher", true, false);
		publish_cam(scene->self, scene);
		break;
	case OWNER:
	case STAR:
	case CALLER:
		scene->self = scene->boss;
		break;
	case CALLEE:
		scene->self = scene->other;
		scene->other_id = "boss";
		break;
	default:
		break;
	}
	if (role == VIEWER || role == WATCHER || role == PUBLISHER || role == OWNER)
		watch_boss(scene);
}

static void replace(char *text, size_t len, const char *word, const char *by) {
	char rest[1024], *at;

	while ((at = strstr(text, word)) != NULL) {
		snprintf(rest, sizeof(rest), "%s", at + strlen(word));
		snprintf(at, len - (size_t)(at - text), "%s%s", by, rest);
	}
}

static json_t *params_make(const char *template, const struct scene *scene, unsigned cell) {
	char text[1024], number[16];
	json_t *params;

	snprintf(number, sizeof(number), "%u", cell);
	snprintf(text, sizeof(text), "%s", template);
	replace(text, sizeof(text), "#", number);
	replace(text, sizeof(text), "ROOM", scene->room);
	replace(text, sizeof(text), "OTHER", scene->other_id);
	replace(text, sizeof(text), "BOSS", scene->boss_id);
	replace(text, sizeof(text), "SUB", scene->subscription);
	replace(text, sizeof(text), "'", "\"");
	params = json_loads(text, 0, NULL);
	assert_non_null(params);
	return params;
}

static const char *outcome_of(const char *code) {
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
		if (memcmp(outcomes[i].code, code, 2) == 0)
			return outcomes[i].name;
	}
	fail_msg("no outcome %.2s", code);
	return NULL;
}

static void leave(uint64_t conn_id, const char *room_id) {
	json_decref(request(conn_id, "room.leave", json_pack("{s:s}", "roomId", room_id)));
}

static void cell_run(size_t row, enum role role, const char *expected) {
	const unsigned cell = (unsigned)(row * ROLE_COUNT + role);
	const uint64_t conn = 1000 + (uint64_t)cell * CONNS;
	struct scene scene = {
		.self = conn,
		.boss = conn + 1,
		.other = conn + 2,
		.subscription = "0123456789abcdef",
	};
	const char *got = "";
	char made[16];
	json_t *reply;

	snprintf(scene.room, sizeof(scene.room), "r%u", cell);
	room_make(&scene, role);
	self_make(&scene, role);
	if (strcmp(rows[row].method, "hello") == 0)
		reply = hello_reply(scene.self, "self");
	else
		reply = request(
			scene.self, rows[row].method, params_make(rows[row].params, &scene, cell)
		);
	json_unpack(reply, "{s:{s:{s:s}}}", "error", "data", "name", &got);
	if (strcmp(got, expected != NULL ? expected : "") != 0)
		fail_msg(
			"%s says %s %s: \"%s\", not \"%s\"",
			role_names[role],
			rows[row].method,
			rows[row].params,
			got,
			expected != NULL ? expected : ""
		);
	if (expected == NULL)
		json_decref(result_of(reply, rows[row].method)); // of the schema's form
	else
		json_decref(reply);
	snprintf(made, sizeof(made), "new%u", cell);
	for (uint64_t i = 0; i < 3; i++) {
		leave(conn + i, scene.room);
		leave(conn + i, made);
		rooms_closed(conn + i);
	}
	inbox_clear();
}

static void test_every_cell(void **) {
	for (size_t row = 0; row < N_ROWS; row++) {
		const char *at = rows[row].expected;

		for (unsigned role = 0; role < ROLE_COUNT; role++) {
			assert_true(strlen(at) >= 2);
			cell_run(row, (enum role)role, outcome_of(at));
			at += 2 + strspn(at + 2, " ");
		}
		assert_string_equal(at, ""); // no role too many
	}
}

// Each method of the protocol has a row, and no row is of another.
static void test_every_method(void **) {
	json_t *schema, *forms, *form, *names = json_object();
	size_t i;

	schema = json_loadb((const char *)schema_embedded, schema_embedded_len, 0, NULL);
	forms = json_object_get(
		json_object_get(json_object_get(schema, "$defs"), "request"), "oneOf"
	);
	json_array_foreach(forms, i, form) {
		const char *name = NULL;

		assert_int_equal(
			json_unpack(form, "{s:{s:{s:s}}}", "properties", "method", "const", &name),
			0
		);
		json_object_set_new(names, name, json_false());
	}
	for (i = 0; i < N_ROWS; i++) {
		if (json_object_get(names, rows[i].method) == NULL)
			fail_msg("%s is no method", rows[i].method);
		json_object_set_new(names, rows[i].method, json_true());
	}
	{
		const char *name;
		json_t *seen;

		json_object_foreach(names, name, seen) {
			if (!json_is_true(seen))
				fail_msg("%s has no row", name);
		}
	}
	json_decref(names);
	json_decref(schema);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_every_cell, stage_setup, stage_teardown),
		cmocka_unit_test(test_every_method),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
