// SPDX-License-Identifier: BSD-3-Clause
#include "delay_queue.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct delay_queue {
	size_t max, n;
	uint64_t next_order;
	struct delayed heap[];
};

struct delay_queue *delay_queue_new(size_t max) {
	struct delay_queue *queue = calloc(1, sizeof(*queue) + max * sizeof(queue->heap[0]));
	if (queue)
		queue->max = max;
	return queue;
}

struct delay_queue *delay_queue_free(struct delay_queue *queue) {
	if (!queue)
		return NULL;
	for (size_t i = 0; i < queue->n; i++)
		free(queue->heap[i].frame);
	free(queue);
	return NULL;
}

static bool is_before(const struct delayed *a, const struct delayed *b) {
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

static void swap(struct delay_queue *queue, size_t a, size_t b) {
	struct delayed kept = queue->heap[a];
	queue->heap[a] = queue->heap[b];
	queue->heap[b] = kept;
}

int delay_queue_push(
	struct delay_queue *queue,
	uint64_t due_ns,
	unsigned path,
	const uint8_t *frame,
	uint32_t len
) {
	if (queue->n == queue->max)
		return -ENOBUFS;
	uint8_t *copy = malloc(len ? len : 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, frame, len);
	size_t i = queue->n++;
	queue->heap[i] = (struct delayed){
		.due_ns = due_ns,
		.order = queue->next_order++,
		.path = path,
		.len = len,
		.frame = copy,
	};
	while (i > 0 && is_before(&queue->heap[i], &queue->heap[(i - 1) / 2])) {
		swap(queue, i, (i - 1) / 2);
		i = (i - 1) / 2;
	}
	return 0;
}

uint64_t delay_queue_next_ns(const struct delay_queue *queue) {
	return queue->n ? queue->heap[0].due_ns : UINT64_MAX;
}

size_t delay_queue_len(const struct delay_queue *queue) {
	return queue->n;
}

int delay_queue_pop(struct delay_queue *queue, uint64_t now_ns, struct delayed *ret_item) {
	if (queue->n == 0 || queue->heap[0].due_ns > now_ns)
		return -EAGAIN;
	*ret_item = queue->heap[0];
	queue->heap[0] = queue->heap[--queue->n];
	for (size_t i = 0;;) {
		size_t first = i;
		for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < queue->n; child++) {
			if (is_before(&queue->heap[child], &queue->heap[first]))
				first = child;
		}
		if (first == i)
			return 0;
		swap(queue, i, first);
		i = first;
	}
}
