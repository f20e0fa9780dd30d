// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The bytes of web/protocol/plenum.v1.schema.json, made by the build (embed.py).

#include <stddef.h>

extern const unsigned char schema_embedded[];
extern const size_t schema_embedded_len;
