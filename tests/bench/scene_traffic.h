// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// What the peers of a scene send and receive.

#include "scene.h"

// 0 or -errno after saying why on stderr.
int scene_traffic_new(struct scene *scene);

// A Binding request of the peer into its worker's ring.
void scene_feed_request(struct scene *scene, uint32_t peer);

unsigned scene_worker_of(const struct scene *scene, uint32_t peer);

static inline bool scene_is_video(unsigned size) {
	return size >= 400;
}

static inline uint64_t scene_producer_id(uint32_t publisher, unsigned size) {
	return 1 + (uint64_t)publisher * SCENE_SIZES_MAX + size;
}

static inline uint32_t scene_viewer_ssrc(uint32_t viewer, unsigned size) {
	return 0x40000000U + viewer * SCENE_SIZES_MAX + size;
}
