// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The key of the tokens, from where the configuration says.

#include "auth.h"
#include "config.h"

#include <stddef.h>

// secret, secret_file (its first line; nobody else may read it) or key_file; in demo mode a secret
// made now, which never leaves the process. NULL with errno and one line in error.
struct auth *tokens_open(const struct config *config, char *error, size_t error_len);
