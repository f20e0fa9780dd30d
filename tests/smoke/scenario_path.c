// SPDX-License-Identifier: BSD-3-Clause

#include "probe.h"

const struct scenario path_scenarios[] = {{0}};
