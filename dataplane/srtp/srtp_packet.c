// SPDX-License-Identifier: BSD-3-Clause

#include "srtp_packet.h"

#include "srtp_backend.h"

#include <errno.h>

#define RTP_FIXED_LEN 12
#define RTP_EXT_LEN 4 // profile and length
#define RTP_X 0x10
#define RTP_CC 0x0f

static bool version_ok(const uint8_t *data) {
	return data[0] >> 6 == 2;
}

int srtp_header_len(const uint8_t *data, size_t len) {
	size_t header_len;

	if (len < RTP_FIXED_LEN || !version_ok(data))
		return -EBADMSG;
	header_len = RTP_FIXED_LEN + 4 * (size_t)(data[0] & RTP_CC);
	if (data[0] & RTP_X) {
		const uint8_t *ext = data + header_len;

		header_len += RTP_EXT_LEN;
		if (header_len > len)
			return -EBADMSG;
		header_len += 4 * (size_t)(ext[2] << 8 | ext[3]);
	}
	return header_len > len ? -EBADMSG : (int)header_len;
}

static bool unprotect_rtp_ok(const struct srtp_job *job) {
	int header_len = srtp_header_len(job->data, job->len);

	return header_len >= 0 && job->len - header_len >= job->session->suite->rtp_tag_len;
}

static bool unprotect_rtcp_ok(const struct srtp_job *job) {
	return job->len >= SRTP_RTCP_HEADER_LEN + job->session->suite->rtcp_trailer_len
		&& version_ok(job->data);
}

// The header must end where the caller says: with the wrong end a part of it would be encrypted, or
// a part of the payload sent in clear.
static bool protect_rtp_ok(const struct srtp_job *job) {
	return srtp_header_len(job->data, job->header_len) == job->header_len
		&& job->header_len + job->payload_len <= UINT16_MAX - SRTP_TRAILER_MAX;
}

static bool protect_rtcp_ok(const struct srtp_job *job) {
	return job->len >= SRTP_RTCP_HEADER_LEN && job->len <= UINT16_MAX - SRTP_TRAILER_MAX
		&& version_ok(job->data);
}

enum srtp_verdict srtp_job_check(const struct srtp_job *job, enum srtp_operation operation) {
	enum srtp_direction direction = SRTP_RX;
	bool ok = false;

	switch (operation) {
	case SRTP_UNPROTECT_RTP:
		ok = unprotect_rtp_ok(job);
		break;
	case SRTP_UNPROTECT_RTCP:
		ok = unprotect_rtcp_ok(job);
		break;
	case SRTP_PROTECT_RTP:
		direction = SRTP_TX;
		ok = protect_rtp_ok(job);
		break;
	case SRTP_PROTECT_RTCP:
		direction = SRTP_TX;
		ok = protect_rtcp_ok(job);
		break;
	}
	if (job->session->direction != direction)
		return SRTP_FAILED;
	return ok ? SRTP_OK : SRTP_MALFORMED;
}
