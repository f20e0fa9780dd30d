// SPDX-License-Identifier: BSD-3-Clause

// Parse, list and find the extensions; then write the header anew and read it back.

#include "check.h"

#include <plm_rtp.h>

#include <errno.h>
#include <string.h>

#define WRITTEN_MAX (PLM_RTP_HEADER_LEN + 4 + PLM_RTP_EXT_MAX * 257 + 3)

static void write_back(const struct plm_rtp *rtp, const struct plm_rtp_ext *list, int n) {
	struct plm_rtp_ext_out out[PLM_RTP_EXT_MAX];
	struct plm_rtp_ext again[PLM_RTP_EXT_MAX];
	static uint8_t dst[WRITTEN_MAX];
	struct plm_rtp parsed;
	int len;

	for (int i = 0; i < n; i++)
		out[i] = (struct plm_rtp_ext_out){list[i].id, list[i].len, list[i].data};
	len = plm_rtp_write(dst, sizeof(dst), rtp, false, out, n);
	CHECK(len >= PLM_RTP_HEADER_LEN && len % 4 == 0);
	CHECK(plm_rtp_write(dst, (size_t)len - 1, rtp, false, out, n) == -ENOSPC);
	CHECK(plm_rtp_parse_full(dst, (size_t)len, &parsed) == 0);
	CHECK(parsed.header_len == len);
	CHECK(parsed.marker == rtp->marker && parsed.payload_type == rtp->payload_type);
	CHECK(parsed.seq == rtp->seq && parsed.timestamp == rtp->timestamp);
	CHECK(parsed.ssrc == rtp->ssrc && parsed.n_csrc == 0);
	CHECK(plm_rtp_ext_list(dst, &parsed, again, PLM_RTP_EXT_MAX) == n);
	for (int i = 0; i < n; i++) {
		CHECK(again[i].id == list[i].id && again[i].len == list[i].len);
		CHECK(memcmp(again[i].data, list[i].data, list[i].len) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct plm_rtp_ext list[PLM_RTP_EXT_MAX];
	struct plm_rtp rtp, full;
	int n;

	if (plm_rtp_parse(data, size, &rtp) < 0) {
		CHECK(plm_rtp_parse_full(data, size, &full) < 0);
		return 0;
	}
	CHECK(rtp.header_len <= size && rtp.padding_len == 0);
	CHECK(rtp.ext_offset + rtp.ext_len <= rtp.header_len);
	if (plm_rtp_parse_full(data, size, &full) == 0)
		CHECK(full.header_len + (size_t)full.padding_len <= size);
	n = plm_rtp_ext_list(data, &rtp, list, PLM_RTP_EXT_MAX);
	for (int id = 0; id < 256; id++) {
		const uint8_t *found, *wanted = NULL;
		uint8_t len = 0;

		found = plm_rtp_ext_find(data, &rtp, (uint8_t)id, &len);
		if (found != NULL) {
			CHECK(found >= data + rtp.ext_offset);
			CHECK(found + len <= data + rtp.ext_offset + rtp.ext_len);
		}
		for (int i = n - 1; i >= 0; i--) {
			if (list[i].id == id)
				wanted = list[i].data;
		}
		if (n >= 0)
			CHECK(found == wanted); // the first of several
	}
	if (n >= 0)
		write_back(&rtp, list, n);
	return 0;
}
