// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Commands of DPDK's telemetry socket: /plenum/workers, /plenum/drops, /plenum/objects.

struct ctl;

void telemetry_start(struct ctl *ctl);
