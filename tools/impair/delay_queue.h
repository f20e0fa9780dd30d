// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Frames that wait for their time: a binary heap by due time, and by age among equals.

#include <stddef.h>
#include <stdint.h>

struct delayed {
	uint64_t due_ns;
	uint64_t order; // set by the queue
	unsigned path; // of the caller
	uint32_t len;
	uint8_t *frame; // owned
};

struct delay_queue; // owned by whoever made it

struct delay_queue *delay_queue_new(size_t max); // NULL and errno ENOMEM
struct delay_queue *delay_queue_free(struct delay_queue *queue);

// Copies the frame. Returns 0, -ENOBUFS (full) or -ENOMEM.
int delay_queue_push(
	struct delay_queue *queue,
	uint64_t due_ns,
	unsigned path,
	const uint8_t *frame,
	uint32_t len
);

uint64_t delay_queue_next_ns(const struct delay_queue *queue); // UINT64_MAX when empty
size_t delay_queue_len(const struct delay_queue *queue);

// Takes the next frame if it is due; the caller frees ret_item->frame. Returns 0 or -EAGAIN.
int delay_queue_pop(struct delay_queue *queue, uint64_t now_ns, struct delayed *ret_item);
