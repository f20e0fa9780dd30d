// SPDX-License-Identifier: BSD-3-Clause

// plenum-control as a program, with its real rooms, but no dataplane: every message it sends is
// checked against the protocol's schema. argv[1]: the program, argv[2]: the console page's folder.

#include "../unit.h"
#include "client.h"
#include "errors.h"
#include "schema.h"
#include "signaling.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *program, *web_root;
static char directory[64];

struct control {
	pid_t pid;
	FILE *log;
	uint16_t port, admin_port;
};

static struct control control;

// Starts the program with this file; its log is read by the caller.
static void spawn(const char *yaml) {
	char path[128];
	FILE *file;
	int fds[2];

	snprintf(path, sizeof(path), "%s/plenum.yaml", directory);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(yaml, file);
	fclose(file);
	assert_int_equal(pipe(fds), 0);
	control.pid = fork();
	assert_true(control.pid >= 0);
	if (control.pid == 0) {
		dup2(fds[1], STDERR_FILENO);
		close(fds[0]);
		close(fds[1]);
		unsetenv("JOURNAL_STREAM");
		execl(program, program, "-c", path, NULL);
		_exit(127);
	}
	close(fds[1]);
	control.log = fdopen(fds[0], "r");
	assert_non_null(control.log);
}

static uint16_t port_read(const char *what) {
	static char line[1024];

	while (fgets(line, sizeof(line), control.log) != NULL) {
		const char *at = strstr(line, what);

		if (at != NULL)
			return (uint16_t)atoi(strrchr(at, ':') + 1);
	}
	fail_msg("no line with \"%s\"", what);
	return 0;
}

static int exit_code(void) {
	int status;

	fclose(control.log);
	assert_int_equal(waitpid(control.pid, &status, 0), control.pid);
	control.pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int start(void **) {
	char yaml[1024];

	snprintf(
		yaml,
		sizeof(yaml),
		"control:\n  listen: [{address: 127.0.0.1, port: 0}]\n"
		"  tls: {directory: %s/tls}\n  web_root: %s\n  dataplane_socket: %s/none.sock\n"
		"  admin: {port: 0}\n",
		directory,
		web_root,
		directory
	);
	spawn(yaml);
	control.port = port_read("listening on 127.0.0.1:");
	return 0;
}

static int stop(void **) {
	if (control.pid == 0)
		return 0;
	kill(control.pid, SIGTERM);
	return exit_code();
}

static json_t *receive(struct client *client) {
	static char text[1 << 17];
	char why[256];
	json_t *json;

	assert_int_equal(client_receive(client, text, sizeof(text), NULL), 1);
	json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	if (schema_check(schema_protocol(), "response", json, "message", why, sizeof(why)) < 0
	    && schema_check(schema_protocol(), "failure", json, "message", why, sizeof(why)) < 0
	    && schema_check(schema_protocol(), "event", json, "message", why, sizeof(why)) < 0)
		fail_msg("%s\n%s", text, why);
	return json;
}

// The answer; events on the way are checked, and counted by the one asked for.
static json_t *request(struct client *client, const char *method, json_t *params) {
	json_t *json = json_pack(
		"{s:s, s:s, s:s, s:o}",
		"jsonrpc",
		"2.0",
		"id",
		method,
		"method",
		method,
		"params",
		params
	);
	char *text = json_dumps(json, JSON_COMPACT);

	assert_non_null(text);
	assert_true(client_text(client, text));
	free(text);
	json_decref(json);
	for (;;) {
		json = receive(client);
		if (json_object_get(json, "method") == NULL)
			break;
		json_decref(json);
	}
	assert_string_equal(json_string_value(json_object_get(json, "id")), method);
	return json;
}

static json_t *succeed(struct client *client, const char *method, json_t *params) {
	char definition[96], why[256];
	json_t *json = request(client, method, params), *result;

	result = json_incref(json_object_get(json, "result"));
	if (result == NULL)
		fail_msg("%s: %s", method, json_dumps(json, 0));
	json_decref(json);
	snprintf(definition, sizeof(definition), "%s.result", method);
	if (schema_check(schema_protocol(), definition, result, "result", why, sizeof(why)) < 0)
		fail_msg("%s: %s\n%s", method, why, json_dumps(result, 0));
	return result;
}

static void refused(
	struct client *client,
	const char *method,
	json_t *params,
	enum protocol_error code
) {
	json_t *json = request(client, method, params);

	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(json, "error"), "code")), code
	);
	json_decref(json);
}

// The next event of this name.
static void expect_event(struct client *client, const char *method) {
	for (;;) {
		json_t *json = receive(client);
		const char *got = json_string_value(json_object_get(json, "method"));

		assert_non_null(got);
		if (strcmp(got, method) == 0) {
			json_decref(json);
			return;
		}
		json_decref(json);
	}
}

static struct client *enter(const char *user) {
	char request_text[512], text[4096], body[128];
	struct client *client = client_connect(control.port, true, NULL);
	json_t *answer;

	assert_non_null(client);
	snprintf(body, sizeof(body), "{\"user\":\"%s\"}", user);
	snprintf(
		request_text,
		sizeof(request_text),
		"POST /v1/demo/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
		"Content-Length: %zu\r\n\r\n%s",
		strlen(body),
		body
	);
	assert_int_equal(client_request(client, request_text, text, sizeof(text)), 200);
	client_free(client);
	answer = json_loads(strstr(text, "\r\n\r\n") + 4, 0, NULL);
	client = client_websocket(control.port);
	assert_non_null(client);
	json_decref(succeed(
		client, "hello", json_pack("{s:O}", "token", json_object_get(answer, "token"))
	));
	json_decref(answer);
	return client;
}

static void test_page(void **) {
	static char text[1 << 16];
	struct client *client = client_connect(control.port, true, NULL);

	assert_non_null(client);
	assert_int_equal(
		client_request(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", text, sizeof(text)), 200
	);
	assert_non_null(strstr(text, "<!doctype html>"));
	assert_int_equal(
		client_request(
			client, "GET /plenum.js HTTP/1.1\r\nHost: x\r\n\r\n", text, sizeof(text)
		),
		200
	);
	assert_non_null(strstr(text, "text/javascript"));
	client_free(client);
}

static void test_rooms(void **) {
	struct client *ann = enter("ann"), *bob = enter("bob");
	json_t *room;

	room = succeed(ann, "room.create", json_pack("{s:s, s:s}", "type", "m2m", "roomId", "r"));
	assert_string_equal(json_string_value(json_object_get(room, "ownerId")), "ann");
	assert_string_equal(json_string_value(json_object_get(room, "role")), "publisher");
	json_decref(room);
	refused(bob, "room.join", json_pack("{s:s}", "roomId", "none"), PROTOCOL_UNKNOWN_ROOM);
	refused(bob,
		"room.create",
		json_pack("{s:s, s:s}", "type", "m2m", "roomId", "r"),
		PROTOCOL_ROOM_EXISTS);
	room = succeed(bob, "room.join", json_pack("{s:s}", "roomId", "r"));
	assert_string_equal(json_string_value(json_object_get(room, "role")), "viewer");
	json_decref(room);
	expect_event(ann, "room.viewer_count");
	refused(ann,
		"stream.publish",
		json_pack("{s:s, s:s}", "roomId", "r", "sdp", "v=0\r\n"),
		PROTOCOL_NO_DATAPLANE);
	json_decref(succeed(ann, "room.leave", json_pack("{s:s}", "roomId", "r")));
	expect_event(bob, "room.publisher_left");
	client_free(ann);
	client_free(bob);
}

static void test_stop(void **) {
	struct client *ann = enter("ann"), *silent = client_websocket(control.port);

	assert_non_null(silent);
	assert_int_equal(kill(control.pid, SIGTERM), 0);
	expect_event(ann, "server.reconnect");
	assert_int_equal(client_close_code(ann), SIGNALING_CLOSE_GOING_AWAY);
	assert_int_equal(client_close_code(silent), SIGNALING_CLOSE_GOING_AWAY);
	client_free(ann);
	client_free(silent);
	assert_int_equal(exit_code(), 0);
}

// One clear line and an exit code of its own, and no port was opened.
static void test_bad_starts(void **) {
	static const struct {
		const char *yaml, *line;
		int code;
	} cases[] = {
		{"control: {listen: [{address: 0.0.0.0}]}\n", "control.auth: no key", 78},
		{"control: {lisen: []}\n", "control.lisen: unknown key (line 1)", 78},
		{"control: {auth: {secret_file: /nonexistent/secret}}\n",
		 "/nonexistent/secret: No such file or directory",
		 78},
		{"control: {listen: [{address: 127.0.0.1, port: 0}], dataplane_socket: "
		 "/nonexistent/s, "
		 "tls: {certificate: /nonexistent/c, key: /nonexistent/k}}\n",
		 "/nonexistent/k: No such file or directory",
		 1},
		{"control: {listen: [{address: 198.18.255.254, port: 1, tls: false}], auth: {demo: "
		 "true}, "
		 "dataplane_socket: /nonexistent/s}\n",
		 "cannot listen on 198.18.255.254:1: Cannot assign requested address",
		 1},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char line[1024];
		bool found = false;

		spawn(cases[i].yaml);
		while (fgets(line, sizeof(line), control.log) != NULL) {
			assert_null(strstr(line, "listening"));
			found = found || strstr(line, cases[i].line) != NULL;
		}
		if (!found)
			fail_msg("never said: %s", cases[i].line);
		assert_int_equal(exit_code(), cases[i].code);
	}
}

static int entry_remove(const char *path, const struct stat *, int, struct FTW *) {
	return remove(path);
}

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_page, start, stop),
		cmocka_unit_test_setup_teardown(test_rooms, start, stop),
		cmocka_unit_test_setup_teardown(test_stop, start, stop),
		cmocka_unit_test(test_bad_starts),
	};
	int failed;

	if (argc != 3)
		return 2;
	program = argv[1];
	web_root = argv[2];
	signal(SIGPIPE, SIG_IGN);
	strcpy(directory, "/tmp/plenum-control-XXXXXX");
	if (mkdtemp(directory) == NULL)
		return 2;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	nftw(directory, entry_remove, 8, FTW_DEPTH | FTW_PHYS);
	return failed;
}
