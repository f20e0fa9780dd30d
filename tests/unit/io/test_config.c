// SPDX-License-Identifier: BSD-3-Clause

// argv[1]: the sample configuration, configs/plenum.yaml.

#include "config.h"

// cmocka.h wants the others before it.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MINIMAL "dataplane: {port: {device: 'af_packet:eth1'}, addresses: [198.18.0.2/24]"

static const char *sample_path;

static struct config *parse(const char *text) {
	struct config *config = NULL;
	char error[512] = "";

	if (config_parse(
		    "t.yaml", (const uint8_t *)text, strlen(text), &config, error, sizeof(error)
	    )
	    < 0)
		fail_msg("%s\n%s", error, text);
	return config;
}

static void test_defaults(void **state) {
	struct config *config = parse(MINIMAL "}");

	(void)state;
	assert_string_equal(config->api_socket, "/run/plenum/dataplane.sock");
	assert_string_equal(config->log_level, "info");
	assert_string_equal(config->device, "af_packet:eth1");
	assert_int_equal(config->queues, 0);
	assert_int_equal(config->mtu, 1500);
	assert_int_equal(config->n_addrs, 1);
	assert_int_equal(config->addrs[0].prefix_len, 24);
	assert_memory_equal(config->addrs[0].addr.ip, "\xc6\x12\x00\x02", 4);
	assert_int_equal(config->gateways[0].family, 0);
	assert_string_equal(config->tap, "plenum0");
	assert_int_equal(config->public_port, 3478);
	assert_int_equal(config->agent_port_min, 20000);
	assert_int_equal(config->agent_port_max, 29999);
	assert_int_equal(config->n_workers, 1);
	assert_int_equal(config->worker_cores[0], 0);
	assert_int_equal(config->main_core, 0);
	assert_int_equal(config->idle, CONFIG_IDLE_AUTO);
	assert_int_equal(config->idle_max_us, 1000);
	assert_false(config->hugepages);
	assert_int_equal(config->memory_mb, 512);
	assert_string_equal(config->file_prefix, "plenum");
	assert_int_equal(config->mbufs, 65536);
	assert_string_equal(config->srtp_backend, "auto");
	assert_int_equal(config->max_transports, 4096);
	assert_int_equal(config->max_producers, 4096);
	assert_int_equal(config->max_consumers, 16384);
	assert_int_equal(config->max_paths, 8);
	assert_int_equal(config->rtx_packets, 512);
	config_free(config);
}

static const char all_set[] = "hls: {anything: [1, {a: b}]}\n"
			      "control:\n  listen: [x, y]\n  deep: {er: {still: 1}}\n"
			      "dataplane:\n"
			      "  api_socket: /tmp/a b.sock\n"
			      "  log_level: debug\n"
			      "  port: {device: '0000:03:00.0', queues: 3, mtu: 1400}\n"
			      "  addresses: ['198.18.0.2/24', '2001:db8::2/64', '198.18.9.9/32']\n"
			      "  gateways: ['2001:db8::1', 198.18.0.1]\n"
			      "  tap: tap9\n"
			      "  public_port: 443\n"
			      "  agent_ports: {min: 1024, max: 1024}\n"
			      "  workers: {cores: [2, 3, 3], main_core: 1, idle: busy, "
			      "idle_max_us: 7}\n"
			      "  memory: {hugepages: true, memory_mb: 1024, file_prefix: p-1_A, "
			      "mbufs: 8192}\n"
			      "  srtp: {backend: libsrtp2}\n"
			      "  limits: {transports: 1, producers: 2, consumers: 3, "
			      "paths_per_transport: 4}\n"
			      "  rtx_packets: 1024\n";

static void all_set_check(const struct config *config) {
	assert_string_equal(config->api_socket, "/tmp/a b.sock");
	assert_string_equal(config->log_level, "debug");
	assert_string_equal(config->device, "0000:03:00.0");
	assert_int_equal(config->queues, 3);
	assert_int_equal(config->mtu, 1400);
	assert_int_equal(config->n_addrs, 3);
	assert_int_equal(config->addrs[1].addr.family, 6);
	assert_int_equal(config->addrs[1].prefix_len, 64);
	assert_int_equal(config->addrs[2].prefix_len, 32);
	assert_int_equal(config->gateways[0].family, 6);
	assert_int_equal(config->gateways[1].family, 4);
	assert_string_equal(config->tap, "tap9");
	assert_int_equal(config->public_port, 443);
	assert_int_equal(config->agent_port_min, 1024);
	assert_int_equal(config->agent_port_max, 1024);
	assert_int_equal(config->n_workers, 3);
	assert_int_equal(config->worker_cores[0], 2);
	assert_int_equal(config->worker_cores[2], 3);
	assert_int_equal(config->main_core, 1);
	assert_int_equal(config->idle, CONFIG_IDLE_BUSY);
	assert_int_equal(config->idle_max_us, 7);
	assert_true(config->hugepages);
	assert_int_equal(config->memory_mb, 1024);
	assert_string_equal(config->file_prefix, "p-1_A");
	assert_int_equal(config->mbufs, 8192);
	assert_string_equal(config->srtp_backend, "libsrtp2");
	assert_int_equal(config->max_transports, 1);
	assert_int_equal(config->max_producers, 2);
	assert_int_equal(config->max_consumers, 3);
	assert_int_equal(config->max_paths, 4);
	assert_int_equal(config->rtx_packets, 1024);
}

// What config_print writes to stdout; free it.
static char *print(const struct config *config) {
	FILE *file = tmpfile();
	int saved = dup(STDOUT_FILENO);
	char *text = calloc(1, 8192);

	assert_non_null(file);
	assert_non_null(text);
	fflush(stdout);
	assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
	config_print(config);
	fflush(stdout);
	assert_true(dup2(saved, STDOUT_FILENO) >= 0);
	close(saved);
	rewind(file);
	assert_true(fread(text, 1, 8191, file) > 0);
	fclose(file);
	return text;
}

static void test_all_set_and_printed(void **state) {
	struct config *config = parse(all_set), *again;
	char *text, *text_again;

	(void)state;
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

// Each is put into a good file (or is one) and must be refused with this line.
static const struct {
	const char *text;
	const char *error;
} bad[] = {
	{"", "t.yaml: empty: section \"dataplane\" is wanted"},
	{"# nothing\n", "t.yaml: empty: section \"dataplane\" is wanted"},
	{"control: {}\n", "t.yaml: dataplane: missing"},
	{"dataplane: {}\n", "t.yaml: dataplane.port.device: missing"},
	{"dataplane: {port: {device: af_packet:e}}\n", "t.yaml: dataplane.addresses: missing"},
	{"dataplane: 5\n",
	 "t.yaml: dataplane: a mapping (key: value) is wanted here, not a single value (line 1)"},
	{"- a\n", "t.yaml: a mapping (key: value) is wanted here, not a list"},
	{"datplane: {}\n", "t.yaml: datplane: unknown key (line 1)"},
	{MINIMAL ", prot: 1}", "t.yaml: dataplane.prot: unknown key (line 1)"},
	{"dataplane:\n  port:\n    queue: 1\n",
	 "t.yaml: dataplane.port.queue: unknown key (line 3)"},
	{"dataplane:\n  port:\n    queues: two\n",
	 "t.yaml: dataplane.port.queues: 'two' is not a whole number (line 3)"},
	{"dataplane:\n  port: {queues: 1, queues: 2}\n",
	 "t.yaml: dataplane.port.queues: given twice (line 2)"},
	{"dataplane: {port: {queues: 99999999999999999999}}",
	 "t.yaml: dataplane.port.queues: '99999999999999999999' is not a whole number (line 1)"},
	{"dataplane: {port: {device: [a]}}",
	 "t.yaml: dataplane.port.device: a single value is wanted here, not a list (line 1)"},
	{"dataplane: {port: {device: ''}}", "t.yaml: dataplane.port.device: empty (line 1)"},
	{"dataplane: {port: {device: eth0}, addresses: [1.2.3.4/24]}",
	 "t.yaml: dataplane.port.device: \"eth0\" is none of af_packet:INTERFACE, "
	 "af_xdp:INTERFACE, memif:/SOCKET, vdev:ARGUMENTS or a PCI address like 0000:03:00.0"},
	{"dataplane: {port: {device: 'af_packet:interface-name-too-long'}}",
	 "t.yaml: dataplane.port.device: \"interface-name-too-long\" is no interface name"},
	{MINIMAL ", control: {}}", "t.yaml: dataplane.control: unknown key (line 1)"},
	{MINIMAL ", api_socket: plenum.sock}",
	 "t.yaml: dataplane.api_socket: \"plenum.sock\" is not an absolute path of at most 107 "
	 "characters"},
	{MINIMAL ", log_level: loud}",
	 "t.yaml: dataplane.log_level: \"loud\" is not one of error|warning|info|debug"},
	{MINIMAL ", log_level: inf}",
	 "t.yaml: dataplane.log_level: \"inf\" is not one of error|warning|info|debug"},
	{MINIMAL ", tap: a-name-too-long0}",
	 "t.yaml: dataplane.tap: \"a-name-too-long0\" is no interface name of at most 15 "
	 "characters"},
	{MINIMAL ", tap: eth1}", "t.yaml: dataplane.tap: \"eth1\" is the port's interface"},
	{MINIMAL ", tap: tap%d}",
	 "t.yaml: dataplane.tap: \"tap%d\" is no interface name of at most 15 characters"},
	{MINIMAL ", public_port: 0}", "t.yaml: dataplane.public_port: 0 is not in 1..65535"},
	{MINIMAL ", public_port: 20000}",
	 "t.yaml: dataplane.public_port: 20000 lies among the agents' private ports 20000..29999"},
	{MINIMAL ", public_port: 29999}",
	 "t.yaml: dataplane.public_port: 29999 lies among the agents' private ports 20000..29999"},
	{MINIMAL ", agent_ports: {min: 30000}}",
	 "t.yaml: dataplane.agent_ports.min: 30000 is above agent_ports.max, 29999"},
	{MINIMAL ", agent_ports: {max: 65536}}",
	 "t.yaml: dataplane.agent_ports.max: 65536 is not in 1024..65535"},
	{MINIMAL ", workers: {cores: []}}",
	 "t.yaml: dataplane.workers.cores: empty, at least 1 is wanted (line 1)"},
	{MINIMAL ", workers: {cores: 1}}",
	 "t.yaml: dataplane.workers.cores: a list is wanted here, not a single value (line 1)"},
	{MINIMAL ", workers: {cores: [0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]}}",
	 "t.yaml: dataplane.workers.cores: more than 16 entries (line 1)"},
	{MINIMAL ", workers: {cores: [0, -1]}}",
	 "t.yaml: dataplane.workers.cores[1]: -1 is not in 0..1023"},
	{MINIMAL ", workers: {main_core: 1024}}",
	 "t.yaml: dataplane.workers.main_core: 1024 is not in 0..1023"},
	{MINIMAL ", workers: {idle: lazy}}",
	 "t.yaml: dataplane.workers.idle: \"lazy\" is not one of auto|adaptive|busy"},
	{MINIMAL ", workers: {idle_max_us: 0}}",
	 "t.yaml: dataplane.workers.idle_max_us: 0 is not in 1..10000"},
	{MINIMAL ", memory: {hugepages: maybe}}",
	 "t.yaml: dataplane.memory.hugepages: \"maybe\" is not one of true|false"},
	{MINIMAL ", memory: {file_prefix: ../x}}",
	 "t.yaml: dataplane.memory.file_prefix: \"../x\" is not made of at most 32 letters, "
	 "digits, "
	 "- and _"},
	{MINIMAL ", memory: {memory_mb: 64}}",
	 "t.yaml: dataplane.memory.mbufs: 65536 packet buffers take 152 MB, more than three "
	 "quarters "
	 "of memory_mb, 64"},
	{MINIMAL ", srtp: {backend: rot13}}",
	 "t.yaml: dataplane.srtp.backend: \"rot13\" is not one of auto|ipsec-mb|libsrtp2"},
	{MINIMAL ", limits: {transports: 0}}",
	 "t.yaml: dataplane.limits.transports: 0 is not in 1..1048576"},
	{MINIMAL ", limits: {paths_per_transport: 9}}",
	 "t.yaml: dataplane.limits.paths_per_transport: 9 is not in 3..8"},
	{MINIMAL ", rtx_packets: 500}", "t.yaml: dataplane.rtx_packets: 500 is not a power of two"},
	{MINIMAL ", gateways: [198.18.0.1, 198.18.0.3]}",
	 "t.yaml: dataplane.gateways[1]: \"198.18.0.3\" is a second gateway for IPv4"},
	{MINIMAL ", gateways: ['2001:db8::1']}",
	 "t.yaml: dataplane.gateways[0]: \"2001:db8::1\" has no IPv6 entry in addresses"},
	{MINIMAL ", gateways: [198.18.0.2]}",
	 "t.yaml: dataplane.gateways[0]: \"198.18.0.2\" is our own address"},
	{MINIMAL ", gateways: [198.18.0.1/24]}",
	 "t.yaml: dataplane.gateways[0]: \"198.18.0.1/24\" is no IP address"},
	{"dataplane: {port: {device: 'vdev:net_null0'}, addresses: []}",
	 "t.yaml: dataplane.addresses: empty, at least 1 is wanted (line 1)"},
	{"dataplane: {port: {device: 'vdev:net_null0'}, addresses: [198.18.0.2]}",
	 "t.yaml: dataplane.addresses[0]: \"198.18.0.2\" is no address with prefix like "
	 "198.18.0.2/24"},
	{"dataplane: {port: {device: 'vdev:net_null0'}, addresses: [127.0.0.1/8]}",
	 "t.yaml: dataplane.addresses[0]: \"127.0.0.1/8\" cannot be a host's address"},
	{"dataplane: {port: {device: 'vdev:net_null0'}, addresses: [1.0.0.1/8, 1.0.0.1/9]}",
	 "t.yaml: dataplane.addresses[1]: \"1.0.0.1/9\" is there twice"},
	{"dataplane: {port: {device: 'a\\nb'}}",
	 "t.yaml: dataplane.port.device: \"a\\nb\" is none of af_packet:INTERFACE, "
	 "af_xdp:INTERFACE, memif:/SOCKET, vdev:ARGUMENTS or a PCI address like 0000:03:00.0"},
	{"control: &x 1\nhls: *x\ndataplane: {}\n",
	 "t.yaml: hls: YAML aliases (*name) are not supported (line 2)"},
};

static void test_bad(void **state) {
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct config *untouched = (struct config *)8, *config = untouched;
		char error[512] = "";
		int err;

		err = config_parse(
			"t.yaml",
			(const uint8_t *)bad[i].text,
			strlen(bad[i].text),
			&config,
			error,
			sizeof(error)
		);
		if (err != -EINVAL)
			fail_msg("accepted (%d): %s", err, bad[i].text);
		assert_string_equal(error, bad[i].error);
		assert_ptr_equal(config, untouched);
	}
}

// Broken YAML: the words are the YAML parser's, but the line has the file and is one line.
static void test_bad_yaml(void **state) {
	static const char *const texts[] = {
		"dataplane: {port: [\n",
		"dataplane:\n\tport: 1\n",
		"dataplane: \"\n",
		"\xff\xfe\xff",
		"dataplane: {[a]: b}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct config *config;
		char error[512] = "";

		assert_int_equal(
			config_parse(
				"t.yaml",
				(const uint8_t *)texts[i],
				strlen(texts[i]),
				&config,
				error,
				sizeof(error)
			),
			-EINVAL
		);
		print_message("%s\n", error);
		assert_memory_equal(error, "t.yaml: ", 8);
		assert_true(strlen(error) > 12);
		assert_null(strchr(error, '\n'));
	}
}

static void test_short_error_buffer(void **state) {
	static const char text[] = "dataplane: {port: {queues: two}}";
	struct config *config;
	char error[17];

	(void)state;
	memset(error, 'x', sizeof(error));
	assert_int_equal(
		config_parse("t.yaml", (const uint8_t *)text, strlen(text), &config, error, 16),
		-EINVAL
	);
	assert_string_equal(error, "t.yaml: datapla");
	assert_int_equal(error[16], 'x');
}

static void test_files(void **state) {
	char dir[] = "/tmp/plm-config-XXXXXX", path[64], error[512], wanted[512];
	struct config *config;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/none.yaml", dir);
	assert_int_equal(config_load(path, &config, error, sizeof(error)), -ENOENT);
	snprintf(wanted, sizeof(wanted), "%s: No such file or directory", path);
	assert_string_equal(error, wanted);

	assert_int_equal(config_load(dir, &config, error, sizeof(error)), -EINVAL);
	snprintf(wanted, sizeof(wanted), "%s: Is a directory", dir);
	assert_string_equal(error, wanted);

	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(config_load(path, &config, error, sizeof(error)), -EINVAL);
	snprintf(wanted, sizeof(wanted), "%s: empty: section \"dataplane\" is wanted", path);
	assert_string_equal(error, wanted);

	assert_int_equal(ftruncate(fd, (1 << 20) + 1), 0);
	assert_int_equal(config_load(path, &config, error, sizeof(error)), -EINVAL);
	snprintf(wanted, sizeof(wanted), "%s: larger than 1 MiB", path);
	assert_string_equal(error, wanted);
	close(fd);
	unlink(path);
	rmdir(dir);
}

// --- the sample

struct sample_key {
	char path[160];
	bool commented; // a comment stands on the lines above
	bool seen; // by the schema
};

struct sample {
	struct sample_key keys[128];
	unsigned n_keys;
};

// Keys of block mappings of section "dataplane", by indentation.
static void sample_read(struct sample *sample) {
	char line[256], names[8][48] = {0};
	bool commented = false;
	FILE *file = fopen(sample_path, "re");

	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		size_t indent = strspn(line, " "), depth = indent / 2, n;
		struct sample_key *key;

		assert_true(indent % 2 == 0 || line[indent] == '#');
		if (line[indent] == '#') {
			commented = true;
			continue;
		}
		n = strcspn(line + indent, ":\n");
		if (line[indent + n] != ':') {
			commented = false;
			continue;
		}
		assert_true(depth < 8 && sample->n_keys < 128);
		snprintf(names[depth], sizeof(names[0]), "%.*s", (int)n, line + indent);
		if (strcmp(names[0], "dataplane") == 0) {
			key = &sample->keys[sample->n_keys++];
			key->path[0] = '\0';
			for (size_t i = 0; i <= depth; i++) {
				strcat(key->path, i > 0 ? "." : "");
				strcat(key->path, names[i]);
			}
			key->commented = commented;
		}
		commented = false;
	}
	fclose(file);
}

static void schema_key(void *user, const char *path) {
	struct sample *sample = user;

	for (unsigned i = 0; i < sample->n_keys; i++) {
		if (strcmp(sample->keys[i].path, path) == 0) {
			sample->keys[i].seen = true;
			return;
		}
	}
	fail_msg("%s: key %s is not there", sample_path, path);
}

// Mappings whose name says all.
static bool comment_needed(const char *path) {
	return strcmp(path, "dataplane.memory") != 0 && strcmp(path, "dataplane.srtp") != 0
		&& strcmp(path, "dataplane.agent_ports.min") != 0
		&& strcmp(path, "dataplane.agent_ports.max") != 0;
}

static void test_sample_complete(void **state) {
	static struct sample sample;

	(void)state;
	sample_read(&sample);
	config_each_key(schema_key, &sample);
	for (unsigned i = 0; i < sample.n_keys; i++) {
		if (!sample.keys[i].seen)
			fail_msg("%s: %s is no key", sample_path, sample.keys[i].path);
		if (!sample.keys[i].commented && comment_needed(sample.keys[i].path))
			fail_msg("%s: %s has no comment", sample_path, sample.keys[i].path);
	}
}

// The sample loads, and says the defaults.
static void test_sample_defaults(void **state) {
	struct config *sample, *minimal = parse(MINIMAL "}");
	char error[512] = "", *sample_text, *minimal_text;

	(void)state;
	if (config_load(sample_path, &sample, error, sizeof(error)) < 0)
		fail_msg("%s", error);
	free(minimal->device);
	minimal->device = strdup(sample->device);
	memcpy(minimal->addrs, sample->addrs, sizeof(sample->addrs));
	minimal->n_addrs = sample->n_addrs;
	sample_text = print(sample);
	minimal_text = print(minimal);
	assert_string_equal(sample_text, minimal_text);
	free(sample_text);
	free(minimal_text);
	config_free(sample);
	config_free(minimal);
}

static void test_pci(void **state) {
	(void)state;
	assert_true(config_device_is_pci("0000:03:00.0"));
	assert_true(config_device_is_pci("0000:af:1f.7"));
	assert_false(config_device_is_pci("0000:03:00"));
	assert_false(config_device_is_pci("0000:03:00.0x"));
	assert_false(config_device_is_pci("af_packet:eth0"));
	assert_false(config_device_is_pci(""));
	config_free(NULL);
}

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_all_set_and_printed),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_bad_yaml),
		cmocka_unit_test(test_short_error_buffer),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_sample_complete),
		cmocka_unit_test(test_sample_defaults),
		cmocka_unit_test(test_pci),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: %s SAMPLE\n", argv[0]);
		return 2;
	}
	sample_path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
