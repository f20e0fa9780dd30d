// SPDX-License-Identifier: BSD-3-Clause

#include "probe.h"

const struct scenario life_scenarios[] = {{0}};
