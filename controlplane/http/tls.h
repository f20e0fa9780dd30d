// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The TLS context of the listeners, and the self-signed certificate of a first start.

#include "config.h"

#include <openssl/ssl.h>

#include <stddef.h>

// TLS 1.2 or newer, forward secrecy and AEAD only, HTTP/1.1 only. Reads the configured certificate
// and key, or makes self-signed ones in config->tls.directory (plenum.crt, plenum.key, mode 0600)
// when there are none, or when they end within 30 days. Refuses a key that others may read, a
// certificate out of its time or of another key. NULL with one line in error.
SSL_CTX *tls_context_new(const struct config *config, char *error, size_t error_len);
