// SPDX-License-Identifier: BSD-3-Clause

#include "probe.h"

const struct scenario dtls_scenarios[] = {{0}};
