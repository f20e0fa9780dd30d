// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The self test at start: known answers through key derivation and through a backend.

#include "srtp_backend.h"

// Three suites, six packets each. Returns 0 or -EIO: do not trust this build with anybody's media.
int srtp_vectors_run(const struct srtp_backend *backend);
