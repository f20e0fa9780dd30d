// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// What stages send: packets are gathered in the worker's egress and leave at the end of the loop
// (stages/egress.c), or earlier when it is full. Worker only.

#include "worker.h"

struct path;

// One source packet to every viewer of this worker. source: plaintext mbuf with struct packet
// filled; consumed. Returns the number of copies.
unsigned output_media(struct worker *worker, struct audience *audience, struct rte_mbuf *source);

// The same packet again to one viewer that asked for it, byte for byte. source is not consumed.
// False when it was never this viewer's.
bool output_again(struct worker *worker, struct consumer *consumer, struct rte_mbuf *source);

// An RTCP compound in plaintext to a transport, encrypted and sent on its selected path.
void output_rtcp(
	struct worker *worker,
	struct transport *transport,
	const uint8_t *data,
	size_t len
);

// A UDP payload as it is (STUN, DTLS) on this path.
void output_plain(
	struct worker *worker,
	struct transport *transport,
	const struct path *path,
	const uint8_t *data,
	size_t len
);

// A finished frame. m is consumed.
void output_frame(struct worker *worker, struct rte_mbuf *m);

// Encrypts what is gathered and makes frames of it.
void output_protect(struct worker *worker);

// Gives finished frames to the port or to the worker that has a queue.
void output_transmit(struct worker *worker);

// Wakes the control thread if it sleeps.
void output_wake_control(struct worker *worker);

// A frame for the kernel's TAP. m is consumed (dropped and counted when the queue is full).
void output_kernel(struct worker *worker, struct rte_mbuf *m, enum plm_stage stage);

// --- between output.c and output_media.c

void output_protect_media(struct worker *worker);
void output_release_held(struct worker *worker);
