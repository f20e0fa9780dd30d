// SPDX-License-Identifier: BSD-3-Clause

// A packet of the API from a hostile peer, as a server and as a client see it.

#include <plm_api_codec.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	const struct plm_api_header *header;
	const void *payload;
	void *packet;

	// Exactly size bytes, aligned: a read past the end is seen.
	if (posix_memalign(&packet, 8, size ? size : 1) != 0)
		abort();
	memcpy(packet, data, size);
	if (plm_api_check_request(packet, size, &header, &payload) == 0) {
		volatile int r = plm_api_check_strings(header->type, payload);

		(void)r;
		if ((const uint8_t *)payload + header->length != (const uint8_t *)packet + size)
			abort();
		if (plm_api_type_info(header->type) == NULL)
			abort();
	}
	if (plm_api_check_message(packet, size, &header, &payload) == 0 && payload != NULL) {
		if ((const uint8_t *)payload + header->length != (const uint8_t *)packet + size)
			abort();
	}
	free(packet);
	return 0;
}
