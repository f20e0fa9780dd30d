// SPDX-License-Identifier: BSD-3-Clause

#include "../unit.h"

#include <plm_log.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

LOG_TYPE("test");

static FILE *captured;
static int stderr_before;

// What is written to stderr goes to a file from here to capture_end.
static void capture_begin(void) {
	captured = tmpfile();
	assert_non_null(captured);
	fflush(stderr);
	stderr_before = dup(STDERR_FILENO);
	assert_true(stderr_before >= 0);
	assert_true(dup2(fileno(captured), STDERR_FILENO) >= 0);
}

static size_t capture_end(char *buf, size_t len) {
	size_t n;

	fflush(stderr);
	assert_true(dup2(stderr_before, STDERR_FILENO) >= 0);
	close(stderr_before);
	rewind(captured);
	n = fread(buf, 1, len - 1, captured);
	buf[n] = '\0';
	fclose(captured);
	return n;
}

static size_t lines_count(const char *text) {
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

static void levels(void **) {
	static const char *const names[] = {"error", "warning", "info", "debug"};

	for (int set = 0; set <= PLM_LOG_DEBUG; set++) {
		assert_int_equal(plm_log_set_level(names[set]), 0);
		for (int level = 0; level <= PLM_LOG_DEBUG; level++)
			assert_int_equal(plm_log_enabled((enum plm_log_level)level), level <= set);
	}
	assert_int_equal(plm_log_set_level("loud"), -EINVAL);
	assert_int_equal(plm_log_set_level(""), -EINVAL);
	assert_true(plm_log_enabled(PLM_LOG_DEBUG)); // as before
	assert_int_equal(plm_log_set_level("info"), 0);
}

static void an_event_is_one_line(void **) {
	char text[4096];

	capture_begin();
	LOG(WARNING, "name \"%s\"", "a\nforged line\r\x1b[31m\x7f");
	LOG(DEBUG, "not at this level");
	capture_end(text, sizeof(text));
	assert_int_equal(lines_count(text), 1);
	assert_non_null(strstr(text, "test: name \"a?forged line??[31m?\"\n"));
	assert_null(strstr(text, "not at this level"));
}

static void long_lines_are_cut(void **) {
	char text[8192], name[3000];

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	capture_begin();
	LOG(ERROR, "%s", name);
	capture_end(text, sizeof(text));
	assert_int_equal(lines_count(text), 1);
	assert_non_null(strstr(text, "test: nnn"));
}

static void bursts_are_held_back(void **) {
	enum {
		BURST = 100000
	};
	static char text[1 << 20];
	size_t n;

	capture_begin();
	for (int i = 0; i < BURST; i++)
		LOG(INFO, "again");
	LOG(INFO, "another place");
	capture_end(text, sizeof(text));
	n = lines_count(text);
	assert_true(n >= 11); // ten of the first place
	assert_true(n < BURST / 10); // however many seconds it took
	assert_non_null(strstr(text, "another place"));
}

static void journal_gets_priorities(void **) {
	char text[4096];

	setenv("JOURNAL_STREAM", "1:2", 1);
	plm_log_init("unit");
	capture_begin();
	LOG(ERROR, "for the journal");
	capture_end(text, sizeof(text));
	assert_string_equal(text, "<3>test: for the journal\n");
	unsetenv("JOURNAL_STREAM");
	plm_log_init("unit");
	capture_begin();
	LOG(ERROR, "for a terminal");
	capture_end(text, sizeof(text));
	assert_non_null(strstr(text, "Z unit error   test: for a terminal\n"));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels),
		cmocka_unit_test(an_event_is_one_line),
		cmocka_unit_test(long_lines_are_cut),
		cmocka_unit_test(bursts_are_held_back),
		cmocka_unit_test(journal_gets_priorities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
