// SPDX-License-Identifier: BSD-3-Clause

// Thousands of random packets per suite, several SSRCs, over roll-overs: what the backend makes
// must be, byte for byte, what the reference makes; and what the reference makes the backend must
// open.

#include "pair.h"
#include "reference.h"
#include "srtp_index.h"

// cmocka.h wants the others before it.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#define PACKETS 3000
#define SSRCS 3

static uint32_t random_next(uint32_t *state) {
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static int group_init(void **) {
	return srtp_init("auto");
}

// Header with 0-15 CSRCs and none or up to 8 words of extension, payload of 0-1400 bytes. Returns
// the header's length.
static uint16_t rtp_random(struct packet *packet, uint32_t ssrc, uint16_t seq, uint32_t *state) {
	unsigned n_csrc = random_next(state) % 4 == 0 ? random_next(state) % 16 : 0;
	bool has_ext = random_next(state) % 2 == 0;
	uint16_t words = has_ext ? random_next(state) % 9 : 0;
	uint16_t header_len = 12 + 4 * n_csrc + (has_ext ? 4 + 4 * words : 0);

	packet->len = header_len + random_next(state) % 1401;
	for (unsigned i = 0; i < packet->len; i++)
		packet->data[i] = (uint8_t)random_next(state);
	packet->data[0] = 0x80 | (has_ext ? 0x10 : 0) | (uint8_t)n_csrc;
	be_write(packet->data + 2, seq, 2);
	be_write(packet->data + 8, ssrc, 4);
	if (has_ext)
		be_write(packet->data + 12 + 4 * n_csrc + 2, words, 2);
	return header_len;
}

static void rtp_equal(void **) {
	for (size_t s = 0; s < PAIR_SUITES; s++) {
		struct srtp_index indexes[SSRCS] = {0};
		struct reference_keys keys;
		uint16_t seqs[SSRCS] = {0, 40000, 65000};
		uint32_t state = 77 + (uint32_t)s;
		struct pair pair;

		pair_open(&pair, pair_suites[s]);
		reference_keys(pair.suite, pair.key.bytes, false, &keys);
		for (int i = 0; i < PACKETS; i++) {
			unsigned stream = random_next(&state) % SSRCS;
			uint32_t ssrc = 0xdead0000 + stream * 77;
			struct packet clear, want, got;
			uint16_t seq, header_len;
			struct srtp_job job;
			uint64_t index;

			// Mostly small steps on, some back a little, some far on.
			seqs[stream] += random_next(&state) % 20 == 0 ? 3000
								      : random_next(&state) % 8;
			seq = seqs[stream]
				- (seqs[stream] > 100 && random_next(&state) % 8 == 0 ? 40 : 0);
			index = srtp_index_estimate(&indexes[stream], seq);
			header_len = rtp_random(&clear, ssrc, seq, &state);

			want = clear;
			want.len = (uint16_t)reference_protect_rtp(
				pair.suite,
				&keys,
				want.data,
				clear.len,
				header_len,
				(uint32_t)(index >> 16)
			);
			memcpy(got.data, clear.data, header_len);
			job = (struct srtp_job){
				.session = pair.tx,
				.data = got.data,
				.payload = clear.data + header_len,
				.header_len = header_len,
				.payload_len = clear.len - header_len,
			};
			srtp_protect_rtp(&job, 1);
			assert_int_equal(job.verdict, SRTP_OK);
			got.len = job.len;
			packets_equal(&got, &want);

			// The receiver judges the index as srtp_index does.
			assert_int_equal(
				rtp_unprotect(pair.rx, &want),
				srtp_index_check(&indexes[stream], index)
			);
			if (srtp_index_check(&indexes[stream], index) == SRTP_OK)
				packets_equal(&want, &clear);
			srtp_index_update(&indexes[stream], index);
		}
		for (int stream = 0; stream < SSRCS; stream++)
			assert_true(indexes[stream].highest >> 16 >= 1);
		pair_close(&pair);
	}
}

static void rtcp_equal(void **) {
	for (size_t s = 0; s < PAIR_SUITES; s++) {
		uint32_t next[SSRCS] = {1, 1, 1};
		uint32_t state = 99 + (uint32_t)s;
		struct reference_keys keys;
		struct pair pair;

		pair_open(&pair, pair_suites[s]);
		reference_keys(pair.suite, pair.key.bytes, true, &keys);
		for (int i = 0; i < PACKETS; i++) {
			unsigned stream = random_next(&state) % SSRCS;
			struct packet clear, want, got;

			clear.len = 8 + 4 * (random_next(&state) % 300);
			for (unsigned k = 0; k < clear.len; k++)
				clear.data[k] = (uint8_t)random_next(&state);
			clear.data[0] = 0x80 | (clear.data[0] & 0x1f);
			be_write(clear.data + 4, 0xbeef0000 + stream, 4);
			want = clear;
			want.len = (uint16_t)reference_protect_rtcp(
				pair.suite, &keys, want.data, clear.len, next[stream]++
			);
			got = clear;
			assert_int_equal(rtcp_protect(pair.tx, &got), SRTP_OK);
			packets_equal(&got, &want);
			assert_int_equal(rtcp_unprotect(pair.rx, &want), SRTP_OK);
			packets_equal(&want, &clear);
		}
		pair_close(&pair);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rtp_equal),
		cmocka_unit_test(rtcp_equal),
	};

	return cmocka_run_group_tests(tests, group_init, NULL);
}
