// SPDX-License-Identifier: BSD-3-Clause

#include "probe.h"

const struct scenario feedback_scenarios[] = {{0}};
