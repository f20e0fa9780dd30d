// SPDX-License-Identifier: BSD-3-Clause

#include "server_fixture.h"

#include "../unit.h"
#include "auth.h"
#include "jsonrpc.h"
#include "rooms.h"
#include "schema.h"
#include "server.h"
#include "signaling.h"
#include "tokens.h"

#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

char directory[64];
struct auth *auth;
uint16_t port, plain_port, admin_port;
unsigned n_hello, n_closed;
uint64_t last_conn_id;

static struct config *config;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; // guards the three that rooms writes

// ---------------------------------------------------------------------------- rooms' stand-in

void rooms_hello(
	uint64_t conn_id,
	const struct rooms_identity *identity,
	const char *resume_token,
	json_t *hello_id
) {
	pthread_mutex_lock(&lock);
	n_hello++;
	last_conn_id = conn_id;
	pthread_mutex_unlock(&lock);
	signaling_send(
		conn_id,
		jsonrpc_result(
			hello_id,
			json_pack(
				"{s:s, s:s, s:s, s:[], s:{}, s:{}}",
				"userId",
				identity->user_id,
				"connectionId",
				"c",
				"resumeToken",
				resume_token != NULL ? resume_token : "none",
				"iceServers",
				"limits",
				"server"
			)
		)
	);
	json_decref(hello_id);
}

void rooms_request(uint64_t conn_id, json_t *id, const char *method, json_t *params) {
	signaling_send(
		conn_id, jsonrpc_result(id, json_pack("{s:s, s:o}", "did", method, "with", params))
	);
	json_decref(id);
}

void rooms_closed(uint64_t conn_id) {
	(void)conn_id;
	pthread_mutex_lock(&lock);
	n_closed++;
	pthread_mutex_unlock(&lock);
}

void rooms_admin(
	const char *what,
	const char *id,
	void (*done)(void *user, json_t *result),
	void *user
) {
	if (strcmp(what, "health") == 0)
		done(user, json_pack("{s:b}", "dataplane", 0));
	else if (id != NULL && strcmp(id, "none") == 0)
		done(user, NULL);
	else
		done(user, json_pack("{s:s, s:s?}", "what", what, "id", id));
}

// ---------------------------------------------------------------------------- start and stop

// A token of ten minutes from then.
char *token_make(const char *user, int64_t then) {
	struct rooms_identity identity = {
		.room = "*",
		.may_create = true,
		.may_publish = true,
		.may_view = true,
		.expires_at = then + 600,
	};
	char *token;

	strcpy(identity.user_id, user);
	token = auth_make(auth, &identity, then);
	assert_non_null(token);
	return token;
}

static void file_make(const char *name, const char *text) {
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

void start(const char *more) {
	char text[2048], error[512] = "";

	snprintf(
		text,
		sizeof(text),
		"control:\n  listen: [{address: 127.0.0.1, port: 0, tls: true},\n"
		"    {address: 127.0.0.1, port: 0, tls: false}]\n"
		"  tls: {directory: %s/tls/new, names: [plenum.test, 127.0.0.1]}\n"
		"  web_root: %s/web\n%s",
		directory,
		directory,
		more
	);
	if (config_parse("t.yaml", (uint8_t *)text, strlen(text), &config, error, sizeof(error))
	    < 0)
		fail_msg("%s", error);
	config->admin.addr.port = 0; // any
	auth = tokens_open(config, error, sizeof(error));
	if (auth == NULL)
		fail_msg("%s", error);
	if (server_start(config, auth, error, sizeof(error)) < 0)
		fail_msg("%s", error);
	port = server_port(0);
	plain_port = server_port(1);
	admin_port = server_port(2);
	assert_true(port != 0 && plain_port != 0 && admin_port != 0);
	n_hello = n_closed = 0;
}

int stop(void **) {
	server_stop();
	auth_free(auth);
	config_free(config);
	return 0;
}

int start_usual(void **) {
	start("");
	return 0;
}

int start_impatient(void **) {
	start("  limits: {hello_timeout_ms: 300, ping_interval_ms: 150, send_queue_bytes: 65536,\n"
	      "           connections_per_ip: 20}\n");
	return 0;
}

void msleep(unsigned ms) {
	nanosleep(&(struct timespec){ms / 1000, (long)(ms % 1000) * 1000000}, NULL);
}

unsigned count(const unsigned *counter) {
	unsigned now;

	pthread_mutex_lock(&lock);
	now = *counter;
	pthread_mutex_unlock(&lock);
	return now;
}

// Waits for *counter to reach n, at most 5 s.
void wait_for(const unsigned *counter, unsigned n) {
	for (int i = 0; i < 500; i++) {
		if (count(counter) >= n)
			return;
		msleep(10);
	}
	fail_msg("%u never came", n);
}

// The next text message, which must be one of the protocol.
json_t *message_get(struct client *client) {
	static char text[1 << 17];
	char why[256];
	json_t *json;

	assert_int_equal(client_receive(client, text, sizeof(text), NULL), 1);
	json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(json);
	if (schema_check(schema_protocol(), "response", json, "m", why, sizeof(why)) < 0
	    && schema_check(schema_protocol(), "failure", json, "m", why, sizeof(why)) < 0
	    && schema_check(schema_protocol(), "event", json, "m", why, sizeof(why)) < 0)
		fail_msg("%s: %s", text, why);
	return json;
}

void expect_error(struct client *client, enum protocol_error code, const char *sentence) {
	json_t *json = message_get(client), *error = json_object_get(json, "error");

	assert_int_equal(json_integer_value(json_object_get(error, "code")), code);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(error, "data"), "name")),
		protocol_error_text(code)
	);
	if (sentence != NULL)
		assert_string_equal(json_string_value(json_object_get(error, "message")), sentence);
	json_decref(json);
}

void say_hello(struct client *client) {
	char *token = token_make("u1", time(NULL)), text[2048];
	json_t *json;

	snprintf(
		text,
		sizeof(text),
		"{\"jsonrpc\":\"2.0\",\"id\":\"h\",\"method\":\"hello\",\"params\":{\"token\":\"%"
		"s\"}}",
		token
	);
	free(token);
	assert_true(client_text(client, text));
	json = message_get(client);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(json, "result"), "userId")), "u1"
	);
	json_decref(json);
}

static int entry_remove(const char *path, const struct stat *, int, struct FTW *) {
	return remove(path);
}

bool directory_make(void) {
	char path[256];

	strcpy(directory, "/tmp/plenum-http-XXXXXX");
	if (mkdtemp(directory) == NULL)
		return false;
	snprintf(path, sizeof(path), "%s/web", directory);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/web/lib", directory);
	mkdir(path, 0755);
	file_make("web/index.html", "<p>the page");
	file_make("web/lib/a-b_c.js", "// a module");
	file_make("web/lib/.hidden.js", "hidden");
	file_make("web/.hidden.js", "hidden");
	file_make("web/key.pem", "not for pages");
	file_make("secret.txt", "secret");
	snprintf(path, sizeof(path), "%s/web/link.txt", directory);
	if (symlink("../secret.txt", path) < 0)
		return false;
	return true;
}

void directory_remove(void) {
	nftw(directory, entry_remove, 8, FTW_DEPTH | FTW_PHYS);
}
