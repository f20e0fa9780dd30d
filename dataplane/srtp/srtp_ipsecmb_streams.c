// SPDX-License-Identifier: BSD-3-Clause

// What the fast backend keeps of each SSRC: packet indexes (RFC 3711 3.3.1), windows (3.3.2), and
// the IVs made of them.

#include "srtp_ipsecmb.h"

#define TX_WINDOW 16384 // a repetition from further back is refused
#define RTCP_WINDOW 128
#define RTCP_INDEX_MAX 0x7fffffffU // RFC 3711 3.4: 31 bits, then the key is used up

struct mb_tx_stream *mb_tx_find(struct mb_session *session, uint32_t ssrc) {
	if (session->n_streams > 0 && session->tx[session->newest].ssrc == ssrc)
		return &session->tx[session->newest];
	for (unsigned i = 0; i < session->n_streams; i++) {
		if (session->tx[i].ssrc == ssrc) {
			session->newest = i;
			return &session->tx[i];
		}
	}
	return NULL;
}

struct mb_rx_stream *mb_rx_find(struct mb_session *session, uint32_t ssrc) {
	if (session->n_streams > 0 && session->rx[session->newest].ssrc == ssrc)
		return &session->rx[session->newest];
	for (unsigned i = 0; i < session->n_streams; i++) {
		if (session->rx[i].ssrc == ssrc) {
			session->newest = i;
			return &session->rx[i];
		}
	}
	return NULL;
}

struct mb_tx_stream *mb_tx_take(struct mb_session *session, uint32_t ssrc) {
	struct mb_tx_stream *stream = mb_tx_find(session, ssrc);

	if (stream != NULL || session->n_streams == SRTP_STREAMS_MAX)
		return stream;
	session->newest = session->n_streams++;
	stream = &session->tx[session->newest];
	stream->ssrc = ssrc;
	return stream;
}

struct mb_rx_stream *mb_rx_take(struct mb_session *session, uint32_t ssrc) {
	struct mb_rx_stream *stream = mb_rx_find(session, ssrc);

	if (stream != NULL || session->n_streams == SRTP_STREAMS_MAX)
		return stream;
	session->newest = session->n_streams++;
	stream = &session->rx[session->newest];
	stream->ssrc = ssrc;
	return stream;
}

enum srtp_verdict mb_tx_index(
	struct mb_session *session,
	uint32_t ssrc,
	uint16_t seq,
	uint64_t *ret_index
) {
	struct mb_tx_stream *stream = mb_tx_take(session, ssrc);
	struct srtp_index state;
	uint64_t index;

	if (stream == NULL)
		return SRTP_NO_STREAM;
	// The usual case: the next one.
	index = stream->highest + 1;
	if (!stream->started || (uint16_t)index != seq) {
		state.highest = stream->highest;
		state.started = stream->started;
		index = srtp_index_estimate(&state, seq);
	}
	if (index >> 48 != 0)
		return SRTP_FAILED;
	if (!stream->started || index > stream->highest) {
		stream->started = true;
		stream->highest = index;
	} else if (stream->highest - index >= TX_WINDOW) {
		return SRTP_TOO_OLD;
	}
	*ret_index = index;
	return SRTP_OK;
}

enum srtp_verdict mb_rx_check(
	struct mb_session *session,
	uint32_t ssrc,
	uint16_t seq,
	uint64_t *ret_index
) {
	const struct mb_rx_stream *stream = mb_rx_find(session, ssrc);

	if (stream == NULL) {
		*ret_index = seq;
		return session->n_streams == SRTP_STREAMS_MAX ? SRTP_NO_STREAM : SRTP_OK;
	}
	*ret_index = srtp_index_estimate(&stream->rtp, seq);
	return srtp_index_check(&stream->rtp, *ret_index);
}

enum srtp_verdict mb_rx_accept(struct mb_session *session, uint32_t ssrc, uint64_t index) {
	struct mb_rx_stream *stream = mb_rx_take(session, ssrc);

	if (stream == NULL)
		return SRTP_NO_STREAM;
	srtp_index_update(&stream->rtp, index);
	return SRTP_OK;
}

enum srtp_verdict mb_rtcp_check(struct mb_session *session, uint32_t ssrc, uint32_t index) {
	const struct mb_rx_stream *stream = mb_rx_find(session, ssrc);
	uint32_t back, bit = index % RTCP_WINDOW;

	if (stream == NULL)
		return session->n_streams == SRTP_STREAMS_MAX ? SRTP_NO_STREAM : SRTP_OK;
	if (!stream->rtcp_started || index > stream->rtcp_highest)
		return SRTP_OK;
	back = stream->rtcp_highest - index;
	if (back >= RTCP_WINDOW)
		return SRTP_TOO_OLD;
	return stream->rtcp_seen[bit / 64] >> bit % 64 & 1 ? SRTP_REPLAYED : SRTP_OK;
}

enum srtp_verdict mb_rtcp_accept(struct mb_session *session, uint32_t ssrc, uint32_t index) {
	struct mb_rx_stream *stream = mb_rx_take(session, ssrc);
	uint32_t bit = index % RTCP_WINDOW;

	if (stream == NULL)
		return SRTP_NO_STREAM;
	if (!stream->rtcp_started || index > stream->rtcp_highest) {
		uint32_t from = stream->rtcp_highest + 1;

		if (!stream->rtcp_started || index - stream->rtcp_highest >= RTCP_WINDOW) {
			stream->rtcp_seen[0] = 0;
			stream->rtcp_seen[1] = 0;
			from = index;
		}
		for (uint32_t i = from; i != index; i++)
			stream->rtcp_seen[i % RTCP_WINDOW / 64] &= ~(
				UINT64_C(1) << i % RTCP_WINDOW % 64
			);
		stream->rtcp_started = true;
		stream->rtcp_highest = index;
	}
	stream->rtcp_seen[bit / 64] |= UINT64_C(1) << bit % 64;
	return SRTP_OK;
}

void mb_iv_gcm(uint8_t *ret_iv, const uint8_t *salt, uint32_t ssrc, uint64_t index) {
	uint8_t plain[MB_IV_GCM] = {0};

	mb_put32(plain + 2, ssrc);
	mb_put32(plain + 6, (uint32_t)(index >> 16));
	plain[10] = (uint8_t)(index >> 8);
	plain[11] = (uint8_t)index;
	for (unsigned i = 0; i < MB_IV_GCM; i++)
		ret_iv[i] = plain[i] ^ salt[i];
}

void mb_iv_gcm_rtcp(uint8_t *ret_iv, const uint8_t *salt, uint32_t ssrc, uint32_t index) {
	uint8_t plain[MB_IV_GCM] = {0};

	mb_put32(plain + 2, ssrc);
	mb_put32(plain + 8, index);
	for (unsigned i = 0; i < MB_IV_GCM; i++)
		ret_iv[i] = plain[i] ^ salt[i];
}

void mb_iv_cm(uint8_t *ret_iv, const uint8_t *salt, uint32_t ssrc, uint64_t index) {
	uint8_t plain[MB_IV_CM] = {0};

	mb_put32(plain + 4, ssrc);
	mb_put32(plain + 8, (uint32_t)(index >> 16));
	plain[12] = (uint8_t)(index >> 8);
	plain[13] = (uint8_t)index;
	for (unsigned i = 0; i < MB_IV_CM; i++)
		ret_iv[i] = plain[i] ^ salt[i];
}
