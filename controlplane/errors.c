// SPDX-License-Identifier: BSD-3-Clause

#include "errors.h"

#include <stddef.h>

const char *protocol_error_text(enum protocol_error code) {
	switch (code) {
#define X(name, number, text)                                                                      \
	case PROTOCOL_##name:                                                                      \
		return text;
		PROTOCOL_ERRORS(X)
#undef X
	}
	return "internal_error";
}
