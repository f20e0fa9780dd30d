// SPDX-License-Identifier: BSD-3-Clause

// argv[1]: the sample configuration.

#include "../unit.h"
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECRET "0123456789abcdef0123456789abcdef"

static const char *sample_path;

static int try_parse(const char *text, struct config **ret_config, char *error, size_t error_len) {
	return config_parse(
		"t.yaml", (const uint8_t *)text, strlen(text), ret_config, error, error_len
	);
}

static struct config *parse(const char *text) {
	struct config *config = NULL;
	char error[512] = "";

	if (try_parse(text, &config, error, sizeof(error)) < 0)
		fail_msg("%s\n%s", error, text);
	return config;
}

static void test_defaults(void **) {
	struct config *config = parse("control: {auth: {demo: true}}");

	assert_int_equal(config->n_listeners, 1);
	assert_int_equal(config->listeners[0].addr.port, 443);
	assert_true(config->listeners[0].tls);
	assert_true(config->tls.self_signed);
	assert_string_equal(config->tls.certificate, "");
	assert_string_equal(config->web_root, "/usr/share/plenum/web");
	assert_int_equal(config->n_origins, 0);
	assert_string_equal(config->auth.algorithm, "HS256");
	assert_true(config->auth.demo);
	assert_string_equal(config->dataplane_socket, "/run/plenum/dataplane.sock");
	assert_ptr_equal(config->rtc.dataplane_socket, config->dataplane_socket);
	assert_ptr_equal(config->rooms.dataplane_socket, config->dataplane_socket);
	assert_int_equal(config->rtc.n_threads, 2);
	assert_int_equal(config->rtc.n_public_addrs, 0);
	assert_int_equal(config->rooms.max_publishers, 9);
	assert_int_equal(config->rooms.empty_room_ms, 30000);
	assert_int_equal(config->limits.message_bytes, 65536);
	assert_int_equal(config->limits.messages_burst, 200);
	assert_int_equal(config->limits.messages_per_second, 60);
	assert_int_equal(config->limits.hello_timeout_ms, 5000);
	assert_int_equal(config->admin.addr.port, 9080);
	assert_int_equal(config->admin.addr.ip[0], 127);
	assert_string_equal(config->log_level, "info");
	config_free(config);
}

// Without a key: only in demo mode, or where nobody else can come.
static void test_demo(void **) {
	struct config *config;

	config = parse("control: {listen: [{address: 127.0.0.1}, {address: '::1'}]}");
	assert_true(config->auth.demo);
	config_free(config);
	config = parse("control: {auth: {secret: " SECRET "}}");
	assert_false(config->auth.demo);
	assert_string_equal(config->auth.secret, SECRET);
	config_free(config);
	config = parse("control: {auth: {algorithm: ES256, key_file: /k}}");
	assert_false(config->auth.demo);
	config_free(config);
}

static const char all_set[] = "dataplane: {anything: [1]}\nhls: {a: {b: c}}\n"
			      "control:\n"
			      "  listen: [{address: '::1', port: 8443, tls: true}, {address: "
			      "127.0.0.1, port: 0, tls: "
			      "false}]\n"
			      "  tls: {certificate: /c.pem, key: /k.pem, self_signed: false, "
			      "directory: /d,\n"
			      "        names: [example.org, '*.example.org', 198.18.0.1]}\n"
			      "  web_root: /w\n"
			      "  origins: ['https://example.org', 'http://[::1]:8080']\n"
			      "  auth: {algorithm: RS256, key_file: /p.pem, demo: false}\n"
			      "  dataplane_socket: /s.sock\n"
			      "  public_addresses: [198.18.0.9, '2001:db8::9']\n"
			      "  rtc: {threads: 1, max_agents: 2, connect_timeout_ms: 1000, "
			      "agent_linger_ms: 4}\n"
			      "  rooms: {max_publishers: 1, max_rooms: 2, max_participants: 3, "
			      "empty_room_ms: 4,\n"
			      "          resume_ms: 5, publisher_max_bitrate: 6}\n"
			      "  hls: {endpoint: 'http://h:1/p', stage: prod_1}\n"
			      "  limits: {connections: 1, connections_per_ip: 2, message_bytes: "
			      "1024, messages_burst: 4,\n"
			      "           messages_per_second: 5, hello_timeout_ms: 106, "
			      "ping_interval_ms: 107,\n"
			      "           send_queue_bytes: 70000}\n"
			      "  admin: {address: 0.0.0.0, port: 9, allow_remote: true}\n"
			      "  log_level: debug\n";

static void all_set_check(const struct config *config) {
	assert_int_equal(config->n_listeners, 2);
	assert_int_equal(config->listeners[0].addr.family, 6);
	assert_int_equal(config->listeners[0].addr.port, 8443);
	assert_int_equal(config->listeners[1].addr.port, 0);
	assert_false(config->listeners[1].tls);
	assert_string_equal(config->tls.certificate, "/c.pem");
	assert_string_equal(config->tls.key, "/k.pem");
	assert_false(config->tls.self_signed);
	assert_string_equal(config->tls.directory, "/d");
	assert_int_equal(config->tls.n_names, 3);
	assert_string_equal(config->tls.names[1], "*.example.org");
	assert_string_equal(config->web_root, "/w");
	assert_int_equal(config->n_origins, 2);
	assert_string_equal(config->origins[1], "http://[::1]:8080");
	assert_string_equal(config->auth.algorithm, "RS256");
	assert_string_equal(config->auth.key_file, "/p.pem");
	assert_false(config->auth.demo);
	assert_string_equal(config->dataplane_socket, "/s.sock");
	assert_int_equal(config->rtc.n_public_addrs, 2);
	assert_int_equal(config->rtc.public_addrs[1].family, 6);
	assert_int_equal(config->rtc.n_threads, 1);
	assert_int_equal(config->rtc.max_agents, 2);
	assert_int_equal(config->rtc.connect_timeout_ms, 1000);
	assert_int_equal(config->rtc.agent_linger_ms, 4);
	assert_int_equal(config->rooms.max_publishers, 1);
	assert_int_equal(config->rooms.max_rooms, 2);
	assert_int_equal(config->rooms.max_participants, 3);
	assert_int_equal(config->rooms.empty_room_ms, 4);
	assert_int_equal(config->rooms.resume_ms, 5);
	assert_int_equal(config->rooms.publisher_max_bitrate, 6);
	assert_string_equal(config->rooms.hls_endpoint, "http://h:1/p");
	assert_string_equal(config->rooms.hls_stage, "prod_1");
	assert_int_equal(config->limits.connections, 1);
	assert_int_equal(config->limits.connections_per_ip, 2);
	assert_int_equal(config->limits.message_bytes, 1024);
	assert_int_equal(config->limits.messages_burst, 4);
	assert_int_equal(config->limits.messages_per_second, 5);
	assert_int_equal(config->limits.hello_timeout_ms, 106);
	assert_int_equal(config->limits.ping_interval_ms, 107);
	assert_int_equal(config->limits.send_queue_bytes, 70000);
	assert_int_equal(config->admin.addr.port, 9);
	assert_true(config->admin.allow_remote);
	assert_string_equal(config->log_level, "debug");
}

// What config_print writes to stdout; free it.
static char *print(const struct config *config) {
	FILE *file = tmpfile();
	int saved = dup(STDOUT_FILENO);
	char *text = calloc(1, 16384);

	assert_non_null(file);
	assert_non_null(text);
	fflush(stdout);
	assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
	config_print(config);
	fflush(stdout);
	assert_true(dup2(saved, STDOUT_FILENO) >= 0);
	close(saved);
	rewind(file);
	assert_true(fread(text, 1, 16383, file) > 0);
	fclose(file);
	return text;
}

static void test_all_set_and_printed(void **) {
	struct config *config = parse(all_set), *again;
	char *text, *text_again;

	all_set_check(config);
	text = print(config);
	again = parse(text);
	all_set_check(again);
	text_again = print(again);
	assert_string_equal(text, text_again);
	free(text);
	free(text_again);
	config_free(config);
	config_free(again);
}

static void test_secret_is_not_printed(void **) {
	struct config *config = parse("control: {auth: {secret: " SECRET "}}");
	char *text = print(config);

	assert_null(strstr(text, SECRET));
	free(text);
	config_free(config);
}

#define DEMO "control: {auth: {demo: true}, "

static const struct {
	const char *text;
	const char *error;
} bad[] = {
	{"control: 5\n",
	 "t.yaml: control: a mapping (key: value) is wanted here, not a single value (line 1)"},
	{"contrl: {}\n", "t.yaml: contrl: unknown key (line 1)"},
	{"control:\n  tls:\n    kye: a\n", "t.yaml: control.tls.kye: unknown key (line 3)"},
	{"control: {listen: [{adress: a}]}",
	 "t.yaml: control.listen[0].adress: unknown key (line 1)"},
	{"control: {rtc: {threads: two}}",
	 "t.yaml: control.rtc.threads: 'two' is not a whole number (line 1)"},
	{"control: {log_level: a, log_level: b}",
	 "t.yaml: control.log_level: given twice (line 1)"},
	{"control: {web_root: [a]}",
	 "t.yaml: control.web_root: a single value is wanted here, not a list (line 1)"},
	{"control: [", NULL},
	{"", "t.yaml: control.auth: no key: "},
	{"control: {}", "t.yaml: control.auth: no key: "},
	{"control: {listen: [{address: 127.0.0.1}, {}]}", "t.yaml: control.auth: no key: "},
	{"control: {auth: {secret: short}}",
	 "t.yaml: control.auth.secret: shorter than 32 characters"},
	{"control: {auth: {secret: " SECRET ", demo: true}}",
	 "t.yaml: control.auth.demo: true together with a key"},
	{"control: {auth: {secret: " SECRET ", secret_file: /a}}",
	 "t.yaml: control.auth.secret_file: there is a secret already"},
	{"control: {auth: {key_file: /a}}",
	 "t.yaml: control.auth.key_file: HS256 takes secret or secret_file"},
	{"control: {auth: {algorithm: ES256, secret: " SECRET "}}",
	 "t.yaml: control.auth.secret: ES256 takes key_file"},
	{"control: {auth: {algorithm: none}}",
	 "t.yaml: control.auth.algorithm: \"none\" is not one of HS256, ES256, RS256, EdDSA"},
	{"control: {auth: {demo: yes}}", "t.yaml: control.auth.demo: \"yes\" is not true or false"},
	{DEMO "listen: []}", "t.yaml: control.listen: empty, at least 1 is wanted"},
	{DEMO "listen: [{address: localhost}]}",
	 "t.yaml: control.listen[0].address: \"localhost\" is no IP address"},
	{DEMO "listen: [{port: 65536}]}",
	 "t.yaml: control.listen[0].port: 65536 is not in 0..65535"},
	{DEMO "listen: [{tls: 1}]}", "t.yaml: control.listen[0].tls: \"1\" is not true or false"},
	{DEMO "listen: [{port: 1}, {port: 1}]}",
	 "t.yaml: control.listen[1].tls: the same as listen[0]"},
	{DEMO "tls: {certificate: /c}}",
	 "t.yaml: control.tls.key: missing: there is a certificate"},
	{DEMO "tls: {key: /k}}", "t.yaml: control.tls.certificate: missing: there is a key"},
	{DEMO "tls: {self_signed: false}}",
	 "t.yaml: control.tls.certificate: missing: a listener has tls, and self_signed is false"},
	{DEMO "tls: {directory: d}}",
	 "t.yaml: control.tls.directory: \"d\" is not an absolute path"},
	{DEMO "tls: {names: [a b]}}",
	 "t.yaml: control.tls.names[0]: \"a b\" is no DNS name and no IP address"},
	{DEMO "origins: [example.org]}", "t.yaml: control.origins[0]: \"example.org\" is not like"},
	{DEMO "origins: ['https://Example.org']}",
	 "t.yaml: control.origins[0]: \"https://Example.org\" is not like"},
	{DEMO "origins: ['https://a/']}", "t.yaml: control.origins[0]: \"https://a/\" is not like"},
	{DEMO "dataplane_socket: s}",
	 "t.yaml: control.dataplane_socket: \"s\" is not an absolute path of at most 107 "
	 "characters"},
	{DEMO "public_addresses: [a]}",
	 "t.yaml: control.public_addresses[0]: \"a\" is no IP address"},
	{DEMO "public_addresses: [1.1.1.1, 1.1.1.2, 1.1.1.3, 1.1.1.4, 1.1.1.5]}", NULL},
	{DEMO "rtc: {threads: 0}}", "t.yaml: control.rtc.threads: 0 is not in 1..16"},
	{DEMO "rooms: {max_publishers: 10}}",
	 "t.yaml: control.rooms.max_publishers: 10 is not in 1..9"},
	{DEMO "hls: {endpoint: ''}}", "t.yaml: control.hls.endpoint: \"\" is not like https://"},
	{DEMO "hls: {endpoint: 'https://'}}",
	 "t.yaml: control.hls.endpoint: \"https://\" is not like"},
	{DEMO "hls: {endpoint: 'ftp://a'}}", "t.yaml: control.hls.endpoint: \"ftp://a\" is not"},
	{DEMO "hls: {endpoint: 'https://a/'}}",
	 "t.yaml: control.hls.endpoint: \"https://a/\" is not like"},
	{DEMO "hls: {endpoint: 'https://a?b'}}",
	 "t.yaml: control.hls.endpoint: \"https://a?b\" is not like"},
	{DEMO "hls: {stage: ''}}", "t.yaml: control.hls.stage: \"\" is not 1 to 32 letters"},
	{DEMO "hls: {stage: a/b}}", "t.yaml: control.hls.stage: \"a/b\" is not 1 to 32 letters"},
	{DEMO "limits: {connections: -1}}",
	 "t.yaml: control.limits.connections: -1 is not in 1..1000000"},
	{DEMO "admin: {address: 0.0.0.0}}",
	 "t.yaml: control.admin.address: not a loopback address"},
	{DEMO "log_level: loud}",
	 "t.yaml: control.log_level: \"loud\" is not one of error, warning, info, debug"},
};

static void test_bad(void **) {
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct config *config = NULL;
		char error[512] = "";

		if (try_parse(bad[i].text, &config, error, sizeof(error)) != -EINVAL)
			fail_msg("taken: %s", bad[i].text);
		assert_null(config);
		assert_null(strchr(error, '\n'));
		if (bad[i].error != NULL && strncmp(error, bad[i].error, strlen(bad[i].error)) != 0)
			fail_msg("%s\nis not\n%s", error, bad[i].error);
	}
}

static void test_no_file(void **) {
	struct config *config = NULL;
	char error[512] = "";

	assert_int_equal(
		config_load("/nonexistent/plenum.yaml", &config, error, sizeof(error)), -ENOENT
	);
	assert_string_equal(error, "/nonexistent/plenum.yaml: No such file or directory");
	assert_int_equal(config_load("/", &config, error, sizeof(error)), -EINVAL);
}

static char sample[65536];

// The key is there, with a comment not far above; sections are told apart by order only.
static void key_check(void *, const char *path) {
	char key[64];
	const char *name = strrchr(path, '.');

	snprintf(key, sizeof(key), " %s:", name != NULL ? name + 1 : path);
	if (name != NULL && strstr(sample, key) == NULL)
		fail_msg("%s is not in the sample", path);
}

static void test_sample(void **) {
	struct config *config = NULL, *plain;
	char error[512] = "", *text, *plain_text;
	FILE *file = fopen(sample_path, "re");

	assert_non_null(file);
	assert_true(fread(sample, 1, sizeof(sample) - 1, file) > 0);
	fclose(file);
	if (config_load(sample_path, &config, error, sizeof(error)) < 0)
		fail_msg("%s", error);
	config_each_key(key_check, NULL);
	// all values of the sample are the defaults, but for the key that has none
	plain = parse("control: {auth: {secret_file: /etc/plenum/token.secret}}");
	text = print(config);
	plain_text = print(plain);
	assert_string_equal(text, plain_text);
	free(text);
	free(plain_text);
	config_free(config);
	config_free(plain);
}

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_demo),
		cmocka_unit_test(test_all_set_and_printed),
		cmocka_unit_test(test_secret_is_not_printed),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_sample),
	};

	if (argc != 2)
		return 2;
	sample_path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
