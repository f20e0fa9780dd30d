// SPDX-License-Identifier: BSD-3-Clause

#include "srtp_job.h"

#include <plm_api.h>

static const struct srtp_suite suites[] = {
	{
		.number = PLM_SRTP_AEAD_AES_128_GCM,
		.key_len = 16,
		.salt_len = 12,
		.rtp_tag_len = 16,
		.rtcp_trailer_len = 16 + 4,
		.aead = true,
		.name = "AEAD_AES_128_GCM",
	},
	{
		.number = PLM_SRTP_AES128_CM_HMAC_SHA1_80,
		.key_len = 16,
		.salt_len = 14,
		.rtp_tag_len = 10,
		.rtcp_trailer_len = 10 + 4,
		.aead = false,
		.name = "AES128_CM_HMAC_SHA1_80",
	},
	{
		.number = PLM_SRTP_AEAD_AES_256_GCM,
		.key_len = 32,
		.salt_len = 12,
		.rtp_tag_len = 16,
		.rtcp_trailer_len = 16 + 4,
		.aead = true,
		.name = "AEAD_AES_256_GCM",
	},
};

const struct srtp_suite *srtp_suite_find(uint16_t number) {
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		if (suites[i].number == number)
			return &suites[i];
	}
	return NULL;
}
