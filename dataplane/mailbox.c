// SPDX-License-Identifier: BSD-3-Clause

#include "mailbox.h"

#include <rte_ring.h>
#include <rte_ring_elem.h>

#include <errno.h>

// The ring itself is the mailbox; elements are whole messages.
static struct rte_ring *ring_of(const struct mailbox *mailbox) {
	return (struct rte_ring *)(uintptr_t)mailbox;
}

struct mailbox *mailbox_new(const char *name, unsigned size) {
	return (struct mailbox *)rte_ring_create_elem(
		name, sizeof(struct message), size, SOCKET_ID_ANY, RING_F_SC_DEQ
	);
}

void mailbox_free(struct mailbox *mailbox) {
	if (mailbox != NULL)
		rte_ring_free(ring_of(mailbox));
}

int mailbox_post(struct mailbox *mailbox, const struct message *message) {
	return rte_ring_enqueue_elem(ring_of(mailbox), (void *)(uintptr_t)message, sizeof(*message))
			== 0
		? 0
		: -ENOSPC;
}

unsigned mailbox_take(struct mailbox *mailbox, struct message *ret_messages, unsigned max) {
	return rte_ring_dequeue_burst_elem(
		ring_of(mailbox), ret_messages, sizeof(*ret_messages), max, NULL
	);
}

unsigned mailbox_free_count(const struct mailbox *mailbox) {
	return rte_ring_free_count(ring_of(mailbox));
}
