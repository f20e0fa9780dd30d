// SPDX-License-Identifier: BSD-3-Clause

#include "../unit.h"

#include <plm_secret.h>

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct plm_secret zero;

static void init_move_wipe(void **) {
	static const size_t lens[] = {0, 1, 30, PLM_SECRET_MAX};
	uint8_t bytes[PLM_SECRET_MAX];

	memset(bytes, 0x5a, sizeof(bytes));
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		struct plm_secret a, b;

		memset(&a, 0xa5, sizeof(a));
		memset(&b, 0xa5, sizeof(b));
		assert_int_equal(plm_secret_init(&a, bytes, lens[i]), 0);
		assert_int_equal(a.len, lens[i]);
		assert_memory_equal(a.bytes, bytes, lens[i]);
		for (size_t k = lens[i]; k < PLM_SECRET_MAX; k++)
			assert_int_equal(a.bytes[k], 0); // nothing of an older one
		plm_secret_move(&b, &a);
		assert_memory_equal(&a, &zero, sizeof(a));
		assert_int_equal(b.len, lens[i]);
		assert_memory_equal(b.bytes, bytes, lens[i]);
		plm_secret_wipe(&b);
		assert_memory_equal(&b, &zero, sizeof(b));
	}
}

static void too_long_leaves_nothing(void **) {
	uint8_t bytes[PLM_SECRET_MAX + 1];
	struct plm_secret secret;

	memset(bytes, 0x5a, sizeof(bytes));
	assert_int_equal(plm_secret_init(&secret, bytes, 8), 0);
	assert_int_equal(plm_secret_init(&secret, bytes, sizeof(bytes)), -EMSGSIZE);
	assert_memory_equal(&secret, &zero, sizeof(secret));
}

static void wipe_keeps_its_bounds(void **) {
	uint8_t bytes[8];

	memset(bytes, 0x5a, sizeof(bytes));
	plm_wipe(bytes + 2, 4);
	assert_memory_equal(bytes, "\x5a\x5a\0\0\0\0\x5a\x5a", 8);
	plm_wipe(bytes, 0);
	assert_int_equal(bytes[0], 0x5a);
}

static void harden_forbids_dumps(void **) {
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct rlimit limit = {1, 1};

		plm_secret_harden_process();
		if (getrlimit(RLIMIT_CORE, &limit) < 0 || limit.rlim_cur != 0
		    || limit.rlim_max != 0)
			_exit(1);
		_exit(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(init_move_wipe),
		cmocka_unit_test(too_long_leaves_nothing),
		cmocka_unit_test(wipe_keeps_its_bounds),
		cmocka_unit_test(harden_forbids_dumps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
