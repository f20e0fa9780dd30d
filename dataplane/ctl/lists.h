// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// What LIST requests answer, an item at a time, so that a slow reader never makes us build more
// than one. Statistics are read while workers write them: each number is whole, their sum is of no
// instant.

#include "ctl.h"

// The item at or after *cursor (0 = first): writes it to ret_item (room for PLM_API_MAX_LEN), moves
// *cursor behind it, returns its length; 0 at the end. id: filter of the request, 0 = all.
size_t ctl_list_next(struct ctl *ctl, uint16_t type, uint64_t id, uint64_t *cursor, void *ret_item);
