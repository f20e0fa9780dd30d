// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The start of the dataplane inside the benchmark: configuration, EAL, memory, port, workers.

struct scene;

// Fills config, dp, ctl, nics, memory. 0 or -errno after saying why on stderr.
int scene_start(struct scene *scene);
