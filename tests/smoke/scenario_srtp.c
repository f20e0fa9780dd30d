// SPDX-License-Identifier: BSD-3-Clause

#include "probe.h"

const struct scenario srtp_scenarios[] = {{0}};
