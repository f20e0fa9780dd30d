// SPDX-License-Identifier: BSD-3-Clause

#include "plm_secret.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

int plm_secret_init(struct plm_secret *secret, const void *bytes, size_t len) {
	memset(secret, 0, sizeof(*secret));
	if (len > sizeof(secret->bytes))
		return -EMSGSIZE;
	memcpy(secret->bytes, bytes, len);
	secret->len = (uint16_t)len;
	return 0;
}

void plm_secret_move(struct plm_secret *dst, struct plm_secret *src) {
	*dst = *src;
	plm_secret_wipe(src);
}

void plm_secret_wipe(struct plm_secret *secret) {
	explicit_bzero(secret, sizeof(*secret));
}

void plm_wipe(void *memory, size_t len) {
	explicit_bzero(memory, len);
}

void plm_secret_harden_process(void) {
	const struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
