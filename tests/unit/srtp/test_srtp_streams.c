// SPDX-License-Identifier: BSD-3-Clause

// Several packets: batches, out of place, retransmission, roll-over, the limit of SSRCs.

#include "pair.h"

// cmocka.h wants the others before it.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdlib.h>

static int group_init(void **) {
	return srtp_init("auto");
}

// One payload for several viewers, as the fan-out does it: payload not changed, bytes the same as
// in place.
static void out_of_place_equals_in_place(void **) {
	struct pair pair;

	FOR_EACH_SUITE(&pair) {
		static const uint16_t lens[] = {0, 1, 31, 160, 1200};

		for (uint16_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
			struct packet clear, in_place_packet, source, out[2];
			struct srtp_job jobs[2];

			rtp_make(&clear, PAIR_SSRC, i, lens[i]);
			in_place_packet = clear;
			source = clear;
			for (int k = 0; k < 2; k++) {
				memset(&out[k], 0xee, sizeof(out[k]));
				memcpy(out[k].data, clear.data, 12);
				jobs[k] = (struct srtp_job){
					.session = pair.tx,
					.data = out[k].data,
					.payload = source.data + 12,
					.header_len = 12,
					.payload_len = lens[i],
				};
			}
			srtp_protect_rtp(jobs, 2);
			assert_int_equal(rtp_protect(pair.tx, &in_place_packet), SRTP_OK);
			packets_equal(&source, &clear);
			for (int k = 0; k < 2; k++) {
				assert_int_equal(jobs[k].verdict, SRTP_OK);
				out[k].len = jobs[k].len;
				packets_equal(&out[k], &in_place_packet);
				assert_int_equal(out[k].data[out[k].len + SRTP_TRAILER_MAX], 0xee);
			}
		}
	}
}

// Header with CSRC and extension; packets at odd addresses, as behind an Ethernet header.
static void long_header_unaligned(void **) {
	struct pair pair;

	FOR_EACH_SUITE(&pair) {
		for (unsigned shift = 0; shift < 4; shift++) {
			uint8_t buffer[256] = {0}, payload[50], *data = buffer + shift;
			struct srtp_job job = {
				.session = pair.tx,
				.data = data,
				.payload = payload,
				.header_len = 24,
				.payload_len = sizeof(payload),
			};

			memset(payload, 0x5a, sizeof(payload));
			be_write(data, 0x91600000 + shift, 4);
			be_write(data + 8, PAIR_SSRC, 4);
			be_write(data + 16, 0xbede0001, 4);
			be_write(data + 20, 0x10aa0000, 4);
			srtp_protect_rtp(&job, 1);
			assert_int_equal(job.verdict, SRTP_OK);
			assert_int_equal(data[20], 0x10); // extensions stay in clear
			assert_memory_not_equal(data + 24, payload, sizeof(payload));
			job.session = pair.rx;
			srtp_unprotect_rtp(&job, 1);
			assert_int_equal(job.verdict, SRTP_OK);
			assert_int_equal(job.len, 24 + sizeof(payload));
			assert_memory_equal(data + 24, payload, sizeof(payload));
		}
	}
}

// A retransmission, also one from far back, is the same bytes again.
static void retransmission(void **) {
	struct pair pair;

	FOR_EACH_SUITE(&pair) {
		static const uint16_t numbers[] = {60000, 60001, 62000, 65535, 0, 300};
		struct packet first[6], again;

		for (int i = 0; i < 6; i++) {
			rtp_make(&first[i], PAIR_SSRC, numbers[i], 100);
			assert_int_equal(rtp_protect(pair.tx, &first[i]), SRTP_OK);
		}
		for (int round = 0; round < 2; round++) {
			for (int i = 5; i >= 0; i--) {
				rtp_make(&again, PAIR_SSRC, numbers[i], 100);
				assert_int_equal(rtp_protect(pair.tx, &again), SRTP_OK);
				packets_equal(&again, &first[i]);
			}
		}
	}
}

// Three times over the end of the sequence numbers, neighbours swapped on the way.
static void roll_over(void **) {
	struct pair pair;

	FOR_EACH_SUITE(&pair) {
		static const uint16_t starts[] = {
			65520,
			20000,
			45000,
			65520,
			20000,
			45000,
			65520,
		};

		for (size_t s = 0; s < sizeof(starts) / sizeof(starts[0]); s++) {
			for (unsigned i = 0; i < 32; i += 2) {
				struct packet packets[2], clear[2];

				for (unsigned k = 0; k < 2; k++) {
					rtp_make(
						&clear[k],
						PAIR_SSRC,
						(uint16_t)(starts[s] + i + k),
						40
					);
					packets[k] = clear[k];
					assert_int_equal(
						rtp_protect(pair.tx, &packets[k]), SRTP_OK
					);
				}
				for (int k = 1; k >= 0; k--) {
					assert_int_equal(
						rtp_unprotect(pair.rx, &packets[k]), SRTP_OK
					);
					packets_equal(&packets[k], &clear[k]);
				}
			}
		}
	}
}

// 65535 and 0 themselves the wrong way round, and a late one from before the wrap.
static void roll_over_reordered(void **) {
	struct pair pair;

	FOR_EACH_SUITE(&pair) {
		static const uint16_t sent[] = {65530, 65533, 65534, 65535, 0, 1};
		static const uint8_t arrival[] = {0, 4, 3, 5, 1, 2};
		struct packet packets[6], copy, clear;

		for (int i = 0; i < 6; i++) {
			rtp_make(&packets[i], PAIR_SSRC, sent[i], 40);
			assert_int_equal(rtp_protect(pair.tx, &packets[i]), SRTP_OK);
		}
		for (int i = 0; i < 6; i++) {
			copy = packets[arrival[i]];
			rtp_make(&clear, PAIR_SSRC, sent[arrival[i]], 40);
			assert_int_equal(rtp_unprotect(pair.rx, &copy), SRTP_OK);
			packets_equal(&copy, &clear);
			copy = packets[arrival[i]];
			assert_int_equal(rtp_unprotect(pair.rx, &copy), SRTP_REPLAYED);
		}
	}
}

static void limit_of_ssrcs(void **) {
	struct pair pair;

	FOR_EACH_SUITE(&pair) {
		struct plm_secret key = pair.key;
		struct srtp_session *tx2 = srtp_session_new(pair.suite, SRTP_TX, &key);
		struct packet packet, forged;

		// Forgeries of many SSRCs take no room.
		for (uint32_t i = 0; i < 100; i++) {
			rtp_make(&forged, 9000 + i, 1, 40);
			forged.len += pair.suite->rtp_tag_len;
			assert_int_equal(rtp_unprotect(pair.rx, &forged), SRTP_AUTH_FAILED);
		}
		for (uint32_t i = 0; i < SRTP_STREAMS_MAX; i++) {
			rtp_make(&packet, i, 1, 40);
			assert_int_equal(rtp_protect(pair.tx, &packet), SRTP_OK);
			assert_int_equal(rtp_unprotect(pair.rx, &packet), SRTP_OK);
		}
		rtp_make(&packet, SRTP_STREAMS_MAX, 1, 40);
		assert_int_equal(rtp_protect(pair.tx, &packet), SRTP_NO_STREAM);
		assert_int_equal(rtp_protect(tx2, &packet), SRTP_OK);
		assert_int_equal(rtp_unprotect(pair.rx, &packet), SRTP_NO_STREAM);
		rtcp_make(&packet, SRTP_STREAMS_MAX, 1);
		assert_int_equal(rtcp_protect(tx2, &packet), SRTP_OK);
		assert_int_equal(rtcp_unprotect(pair.rx, &packet), SRTP_NO_STREAM);
		// Known ones go on, for RTCP too.
		rtp_make(&packet, 7, 2, 40);
		assert_int_equal(rtp_protect(pair.tx, &packet), SRTP_OK);
		assert_int_equal(rtp_unprotect(pair.rx, &packet), SRTP_OK);
		rtcp_make(&packet, 7, 1);
		assert_int_equal(rtcp_protect(pair.tx, &packet), SRTP_OK);
		assert_int_equal(rtcp_unprotect(pair.rx, &packet), SRTP_OK);
		srtp_session_free(tx2);
	}
}

// A batch over several sessions, suites and outcomes: every job gets its own verdict.
static void mixed_batch(void **) {
	struct pair pairs[PAIR_SUITES];
	struct packet packets[4 * PAIR_SUITES], clear;
	struct srtp_job jobs[4 * PAIR_SUITES];
	static const enum srtp_verdict want[] = {
		SRTP_OK,
		SRTP_AUTH_FAILED,
		SRTP_REPLAYED,
		SRTP_MALFORMED,
	};

	for (unsigned i = 0; i < 4 * PAIR_SUITES; i++) {
		struct pair *pair = &pairs[i % PAIR_SUITES];
		unsigned kind = i / PAIR_SUITES;

		if (kind == 0)
			pair_open(pair, pair_suites[i]);
		rtp_make(&packets[i], PAIR_SSRC, kind == 1 ? 51 : 50, 60);
		assert_int_equal(rtp_protect(pair->tx, &packets[i]), SRTP_OK);
		if (kind == 1)
			packets[i].data[packets[i].len - 1] ^= 0x10;
		if (kind == 3)
			packets[i].len = 20;
		jobs[i] = (struct srtp_job){
			.session = pair->rx,
			.data = packets[i].data,
			.len = packets[i].len,
		};
	}
	srtp_unprotect_rtp(jobs, 4 * PAIR_SUITES);
	rtp_make(&clear, PAIR_SSRC, 50, 60);
	for (unsigned i = 0; i < 4 * PAIR_SUITES; i++) {
		assert_int_equal(jobs[i].verdict, want[i / PAIR_SUITES]);
		if (jobs[i].verdict == SRTP_OK)
			assert_memory_equal(packets[i].data, clear.data, clear.len);
	}
	for (unsigned i = 0; i < PAIR_SUITES; i++)
		pair_close(&pairs[i]);
	srtp_unprotect_rtp(jobs, 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(out_of_place_equals_in_place),
		cmocka_unit_test(long_header_unaligned),
		cmocka_unit_test(retransmission),
		cmocka_unit_test(roll_over),
		cmocka_unit_test(roll_over_reordered),
		cmocka_unit_test(limit_of_ssrcs),
		cmocka_unit_test(mixed_batch),
	};

	return cmocka_run_group_tests(tests, group_init, NULL);
}
