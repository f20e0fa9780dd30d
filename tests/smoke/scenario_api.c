// SPDX-License-Identifier: BSD-3-Clause

#include "probe.h"

const struct scenario api_scenarios[] = {{0}};
