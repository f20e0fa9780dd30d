// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// A bounded queue of messages: many producers, one consumer, by value.

#include "message.h"

struct mailbox;

// name unique in the process; size a power of two. NULL with errno.
struct mailbox *mailbox_new(const char *name, unsigned size);
void mailbox_free(struct mailbox *mailbox);

// Returns 0 or -ENOSPC.
int mailbox_post(struct mailbox *mailbox, const struct message *message);

// Takes up to max messages; returns their number.
unsigned mailbox_take(struct mailbox *mailbox, struct message *ret_messages, unsigned max);

unsigned mailbox_free_count(const struct mailbox *mailbox);
