// SPDX-License-Identifier: BSD-3-Clause

// Walks a compound packet and gives every item to every parser; what a parser takes is written
// anew and must read the same.

#include "check.h"

#include <plm_rtcp.h>

#include <string.h>

#define LIST_MAX 512

static uint8_t written[4096];

// The item that a writer has left in written.
static struct plm_rtcp_item item_written(int len) {
	struct plm_rtcp_item item;
	size_t offset = 0;

	CHECK(len > 0 && len % 4 == 0);
	CHECK(plm_rtcp_next(written, (size_t)len, &offset, &item) == 1);
	CHECK(offset == (size_t)len && item.len == len);
	return item;
}

static void check_reports(const struct plm_rtcp_item *item) {
	struct plm_rtcp_report list[PLM_RTCP_REPORT_MAX], again[PLM_RTCP_REPORT_MAX];
	struct plm_rtcp_item copy;
	struct plm_rtcp_sr sr;
	int n, len;

	n = plm_rtcp_reports_parse(item, list, PLM_RTCP_REPORT_MAX);
	if (n < 0) {
		CHECK(plm_rtcp_sr_parse(item, &sr) < 0);
		return;
	}
	CHECK(n == item->count);
	if (plm_rtcp_sr_parse(item, &sr) == 0)
		len = plm_rtcp_sr_write(written, sizeof(written), &sr, list, n);
	else
		len = plm_rtcp_rr_write(written, sizeof(written), 1, list, n);
	copy = item_written(len);
	CHECK(copy.type == item->type);
	CHECK(plm_rtcp_reports_parse(&copy, again, PLM_RTCP_REPORT_MAX) == n);
	// Behind the SSRC of the sender nothing may differ, but for profile extensions at the end.
	CHECK(memcmp(copy.data + 8, item->data + 8, (size_t)len - 8) == 0);
}

static void check_nack(const struct plm_rtcp_item *item) {
	static uint8_t asked[65536], again[65536];
	uint16_t seqs[LIST_MAX], seqs_again[LIST_MAX * 17];
	struct plm_rtcp_item copy;
	int n, m;

	n = plm_rtcp_nack_parse(item, seqs, LIST_MAX);
	if (n < 0)
		return;
	CHECK(n > 0 && n <= LIST_MAX);
	copy = item_written(plm_rtcp_nack_write(written, sizeof(written), 1, 2, seqs, n));
	CHECK(copy.len <= 12 + 4 * n);
	m = plm_rtcp_nack_parse(&copy, seqs_again, LIST_MAX * 17);
	CHECK(m > 0 && m <= n); // repeated numbers may have become one
	for (int i = 0; i < n; i++)
		asked[seqs[i]] = 1;
	for (int i = 0; i < m; i++) {
		CHECK(asked[seqs_again[i]]);
		again[seqs_again[i]] = 1;
	}
	for (int i = 0; i < n; i++)
		CHECK(again[seqs[i]]);
	for (int i = 0; i < n; i++)
		asked[seqs[i]] = again[seqs[i]] = 0;
}

static void check_remb(const struct plm_rtcp_item *item) {
	uint32_t ssrcs[UINT8_MAX], ssrcs_again[UINT8_MAX];
	struct plm_rtcp_item copy;
	uint64_t bps, bps_again;
	int n;

	n = plm_rtcp_remb_parse(item, &bps, ssrcs, UINT8_MAX);
	if (n < 0)
		return;
	copy = item_written(plm_rtcp_remb_write(written, sizeof(written), 1, bps, ssrcs, n));
	CHECK(plm_rtcp_remb_parse(&copy, &bps_again, ssrcs_again, UINT8_MAX) == n);
	CHECK(memcmp(ssrcs, ssrcs_again, (size_t)n * sizeof(ssrcs[0])) == 0);
	// Only a saturated rate has more bits than the mantissa.
	CHECK(bps_again == bps || (bps == UINT64_MAX && bps_again == 0xffffc00000000000));
}

static void check_fir(const struct plm_rtcp_item *item) {
	struct plm_rtcp_fir list[LIST_MAX], again;
	struct plm_rtcp_item copy;
	int n, len;

	n = plm_rtcp_fir_parse(item, list, LIST_MAX);
	for (int i = 0; i < n; i++) {
		len = plm_rtcp_fir_write(written, sizeof(written), 1, list[i].ssrc, list[i].seq);
		copy = item_written(len);
		CHECK(plm_rtcp_fir_parse(&copy, &again, 1) == 1);
		CHECK(again.ssrc == list[i].ssrc && again.seq == list[i].seq);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct plm_rtcp_item item;
	uint32_t sender, media;
	size_t offset = 0, before = 0;

	while (plm_rtcp_next(data, size, &offset, &item) > 0) {
		CHECK(item.data == data + before && item.len >= 4);
		CHECK(offset > before && offset <= size && item.len <= offset - before);
		before = offset;
		check_reports(&item);
		check_nack(&item);
		check_remb(&item);
		check_fir(&item);
		if (plm_rtcp_fb_parse(&item, &sender, &media) == 0)
			CHECK(item.len >= 12);
	}
	CHECK(offset == before);
	return 0;
}
