// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// A server of the API without media: it keeps ids and answers as plm_api.h says. (The real one
// needs DPDK and a network.) All functions from the test's thread.

#include <plm_api.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fake;

struct fake *fake_start(const char *path); // aborts when it cannot
void fake_stop(struct fake *fake);

void fake_drop(struct fake *fake); // closes the connection
void fake_restart(struct fake *fake); // a new dataplane: nothing exists, another boot id
void fake_silent(struct fake *fake, bool silent); // reads and answers nothing
// The next request of this type is answered with this errno.
void fake_refuse(struct fake *fake, uint16_t type, int status);

// Objects as if made by somebody else.
void fake_put_transport(struct fake *fake, uint64_t id, uint8_t state);
void fake_forget(struct fake *fake, uint64_t id);

void fake_transport_event(struct fake *fake, uint64_t id, uint32_t event);
void fake_producer_event(struct fake *fake, uint64_t id, uint32_t event);

bool fake_has(struct fake *fake, uint64_t id);
unsigned fake_count(struct fake *fake, uint16_t add_type); // PLM_API_x_ADD
uint64_t fake_first(struct fake *fake, uint16_t add_type); // an id, 0 = none
uint64_t fake_last(struct fake *fake, uint16_t add_type); // the one that was added last
bool fake_consumer(struct fake *fake, uint64_t id, struct plm_consumer_add *ret_add);
unsigned fake_connects(struct fake *fake);
unsigned fake_requests(struct fake *fake, uint16_t type); // how many came
