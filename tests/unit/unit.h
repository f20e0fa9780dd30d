// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// cmocka with what it needs before it.

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
