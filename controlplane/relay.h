// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The dataplane as the rooms thread sees it: a list of what shall exist there (desired state), sent
// as it changes, compared and repaired after every connection. Event-driven on the caller's
// plm_loop; all functions and callbacks on its thread.
//
// Objects of a dataplane that restarted are gone for good (their keys are): the desired state is
// emptied and lost() says so. Objects of a control that restarted are unknown here: media that runs
// is left alone, it ends by consent; what is DEAD is deleted, and what never became SECURE is
// deleted after RELAY_GRACE_MS.

#include <plm_api.h>
#include <plm_loop.h>

#include <stdbool.h>
#include <stdint.h>

#define RELAY_RECONNECT_MS 500
#define RELAY_REPLY_TIMEOUT_MS 5000 // of any request; then the connection is closed and made anew
#define RELAY_GRACE_MS 60000 // for unknown transports that are not SECURE
#define RELAY_SWEEP_MS 10000 // how often these are looked for while there are any
#define RELAY_QUEUE_MAX 65536 // requests without a reply yet

struct relay;

struct relay_events {
	void *user;
	// Connected, desired state repaired.
	void (*up)(void *user, const struct plm_hello_rep *hello);
	// Connection lost; media goes on.
	void (*down)(void *user);
	// The dataplane restarted: nothing of what was added exists any more. Comes before up.
	void (*lost)(void *user);
	// Of known transports and producers only.
	void (*transport)(void *user, const struct plm_event_transport *event);
	void (*producer)(void *user, const struct plm_event_producer *event);
};

struct relay_stats {
	uint64_t connects, timeouts;
	uint64_t requests, errors; // errors: replies with a status
	uint64_t readded, deleted_unknown; // by repairs
	uint32_t transports, producers, consumers; // desired
};

// Called once for each request it is given to, never from within the call itself. transport_id: of
// the object's transport. error: 0, -errno of the dataplane, -ENOTCONN when the connection was lost
// before the reply came (the object stays desired until it is deleted).
typedef void relay_done(void *user, uint64_t transport_id, int error);

// Begins to connect at the first relay_tick. path is copied. NULL with errno.
struct relay *relay_new(struct plm_loop *loop, const char *path, const struct relay_events *events);
void relay_free(struct relay *relay); // takes NULL; no callbacks

bool relay_is_up(const struct relay *relay);
const struct plm_hello_rep *relay_hello(const struct relay *relay); // NULL when not up
void relay_stats(const struct relay *relay, struct relay_stats *ret_stats);

// Reconnects, times out, sweeps. To be called at least every 250 ms.
void relay_tick(struct relay *relay, uint64_t now_us);

// Each adds to the desired state and sends. Return 0; -ENOTCONN when the dataplane is away, -EEXIST
// id known already, -ENOENT transport or producer not desired, -ENOMEM, -ENOBUFS too many requests
// waiting: then nothing is added and done is not called. An add that the dataplane refuses is taken
// out of the desired state. done may be NULL.
int relay_transport_add(
	struct relay *relay,
	const struct plm_transport_add *add,
	relay_done *done,
	void *user
);
int relay_producer_add(
	struct relay *relay,
	const struct plm_producer_add *add,
	relay_done *done,
	void *user
);
int relay_consumer_add(
	struct relay *relay,
	const struct plm_consumer_add *add,
	relay_done *done,
	void *user
);

int relay_transport_restart(
	struct relay *relay,
	const struct plm_transport_restart *restart,
	relay_done *done,
	void *user
);
// Also while the dataplane is away: it is told later. 0, -ENOENT, -ENOMEM, -ENOBUFS.
int relay_consumer_set(struct relay *relay, uint64_t id, bool paused);
int relay_producer_keyframe(struct relay *relay, uint64_t id);

// Removes from the desired state, with all that hangs on it (a transport's producers and consumers,
// a producer's consumers). Also while the dataplane is away: it is told later. Unknown ids are
// ignored.
void relay_transport_del(struct relay *relay, uint64_t id);
void relay_producer_del(struct relay *relay, uint64_t id);
void relay_consumer_del(struct relay *relay, uint64_t id);
