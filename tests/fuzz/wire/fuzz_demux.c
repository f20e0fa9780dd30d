// SPDX-License-Identifier: BSD-3-Clause

// What a parser accepts, the demultiplexer must have sent there.

#include "check.h"

#include <plm_demux.h>
#include <plm_rtp.h>
#include <plm_stun.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	enum plm_payload_kind kind = plm_demux(data, size);
	struct plm_stun stun;
	struct plm_rtp rtp;

	if (plm_stun_parse(data, size, &stun) == 0)
		CHECK((kind == PLM_PAYLOAD_STUN) == (data[0] <= 3));
	if (plm_rtp_parse(data, size, &rtp) == 0)
		CHECK(kind == PLM_PAYLOAD_RTP || kind == PLM_PAYLOAD_RTCP);
	switch (kind) {
	case PLM_PAYLOAD_STUN:
		CHECK(size >= PLM_STUN_HEADER_LEN);
		break;
	case PLM_PAYLOAD_DTLS:
		CHECK(size >= 13);
		break;
	case PLM_PAYLOAD_RTP:
		CHECK(size >= PLM_RTP_HEADER_LEN);
		break;
	case PLM_PAYLOAD_RTCP:
		CHECK(size >= 8);
		break;
	case PLM_PAYLOAD_OTHER:
		break;
	}
	return 0;
}
