// SPDX-License-Identifier: BSD-3-Clause

#include "check.h"

#include <plm_payload.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	for (int codec = 0; codec <= PLM_CODEC_COUNT; codec++) {
		if (plm_payload_is_keyframe((enum plm_codec)codec, data, size))
			CHECK(size >= 2 && plm_payload_has_keyframes((enum plm_codec)codec));
	}
	return 0;
}
