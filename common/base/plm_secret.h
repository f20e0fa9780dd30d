// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The one type for key material in our processes. Never printed, never in JSON, wiped on every exit
// path. (Wire structs of the API carry keys too: wipe the message buffer after use.)

#include <stddef.h>
#include <stdint.h>

#define PLM_SECRET_MAX 64

struct plm_secret {
	uint8_t bytes[PLM_SECRET_MAX];
	uint16_t len;
};

// Copies len bytes (at most PLM_SECRET_MAX). Returns 0 or -EMSGSIZE, then secret is empty.
int plm_secret_init(struct plm_secret *secret, const void *bytes, size_t len);

// Moves: src is wiped.
void plm_secret_move(struct plm_secret *dst, struct plm_secret *src);

void plm_secret_wipe(struct plm_secret *secret);

// Wipes any memory; never optimised away.
void plm_wipe(void *memory, size_t len);

// Turns core dumps of this process off and asks the kernel to lock nothing into them
// (RLIMIT_CORE 0, PR_SET_DUMPABLE 0). Called first in every main.
void plm_secret_harden_process(void);
