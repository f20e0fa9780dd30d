// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// A NAT that forgets: clients are on side A; on a rebind every one of their UDP ports gets another
// outer number (port ^ salt), and the old one is dead, as when a home router restarts.

#include "udp.h"

#include <stdbool.h>
#include <stdint.h>

struct nat; // owned by whoever made it

struct nat *nat_new(void); // NULL and errno ENOMEM
struct nat *nat_free(struct nat *nat);

// Takes the next salt: 10 bits and never 0, so that no port leaves the unprivileged range. Before
// the first rebind ports are left as they are.
void nat_rebind(struct nat *nat, uint64_t random);
uint16_t nat_salt(const struct nat *nat);

// From A: notes the inner endpoint and rewrites the source port. False: the table is full, drop.
bool nat_outward(struct nat *nat, struct udp_view *view);

// To A: rewrites the destination port. False: no inner endpoint has this outer port (now), drop.
bool nat_inward(const struct nat *nat, struct udp_view *view);
