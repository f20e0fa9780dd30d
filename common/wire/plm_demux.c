// SPDX-License-Identifier: BSD-3-Clause

#include "plm_demux.h"

#include "plm_rtp.h"
#include "plm_stun.h"
#include "wire_bytes.h"

#define DTLS_RECORD_HEADER_LEN 13 // RFC 6347 4.1
#define DTLS_VERSION_MAJOR 254 // ones' complement of 1
#define RTCP_MIN_LEN 8 // header and one SSRC

enum plm_payload_kind plm_demux(const uint8_t *data, size_t len) {
	if (len < RTCP_MIN_LEN)
		return PLM_PAYLOAD_OTHER;
	if ((data[0] & 0xc0) == 0x80) {
		// RFC 5761 4: RTCP types 192..223 are where RTP has M with payload types 64..95.
		if ((data[1] & 0xe0) == 0xc0)
			return PLM_PAYLOAD_RTCP;
		return len >= PLM_RTP_HEADER_LEN ? PLM_PAYLOAD_RTP : PLM_PAYLOAD_OTHER;
	}
	if (data[0] <= 3) {
		if (len >= PLM_STUN_HEADER_LEN && be32_load(data + 4) == PLM_STUN_COOKIE)
			return PLM_PAYLOAD_STUN;
		return PLM_PAYLOAD_OTHER;
	}
	// The length matters: any three bytes beginning with '0' are in this range too.
	if (data[0] >= 20 && data[0] <= 63 && len >= DTLS_RECORD_HEADER_LEN
	    && data[1] == DTLS_VERSION_MAJOR)
		return PLM_PAYLOAD_DTLS;
	return PLM_PAYLOAD_OTHER;
}
