// SPDX-License-Identifier: BSD-3-Clause

#include "probe.h"

const struct scenario move_scenarios[] = {{0}};
