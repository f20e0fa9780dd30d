// SPDX-License-Identifier: BSD-3-Clause

// One packet at a time: what a session promises about protection, tampering, replay, lengths.

#include "pair.h"
#include "srtp_backend.h"
#include "vectors.h"

// cmocka.h wants the others before it.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdlib.h>

static void init_by_name(void **) {
	assert_int_equal(srtp_init("none"), -EINVAL);
	assert_int_equal(srtp_init("libsrtp2"), 0);
	assert_string_equal(srtp_backend_name(), "libsrtp2");
	assert_int_equal(srtp_init("auto"), 0);
}

// The self test must see a backend that is wrong. This one is right but for one bit.
static void spoiled_protect_rtcp(struct srtp_job *jobs, unsigned n) {
	srtp_backend_libsrtp2.protect_rtcp(jobs, n);
	jobs[0].data[10] ^= 1;
}

static void deaf_unprotect_rtp(struct srtp_job *jobs, unsigned n) {
	srtp_backend_libsrtp2.unprotect_rtp(jobs, n);
	for (unsigned i = 0; i < n; i++) {
		if (jobs[i].verdict == SRTP_AUTH_FAILED)
			jobs[i].verdict = SRTP_OK;
	}
}

static void self_test_sees_errors(void **) {
	struct srtp_backend wrong = srtp_backend_libsrtp2;

	assert_int_equal(srtp_vectors_run(&wrong), 0);
	wrong.protect_rtcp = spoiled_protect_rtcp;
	assert_int_equal(srtp_vectors_run(&wrong), -EIO);
	wrong = srtp_backend_libsrtp2;
	wrong.unprotect_rtp = deaf_unprotect_rtp;
	assert_int_equal(srtp_vectors_run(&wrong), -EIO);
}

static void suites(void **) {
	assert_null(srtp_suite_find(0));
	assert_null(srtp_suite_find(2)); // HMAC_SHA1_32
	for (size_t i = 0; i < PAIR_SUITES; i++) {
		const struct srtp_suite *suite = srtp_suite_find(pair_suites[i]);

		assert_int_equal(suite->number, pair_suites[i]);
		assert_true(suite->rtp_tag_len <= SRTP_TRAILER_MAX);
		assert_true(suite->rtcp_trailer_len <= SRTP_TRAILER_MAX);
	}
}

static void key_of_wrong_length(void **) {
	for (size_t i = 0; i < PAIR_SUITES; i++) {
		const struct srtp_suite *suite = srtp_suite_find(pair_suites[i]);
		struct plm_secret key = {.len = suite->key_len + suite->salt_len + 1};

		errno = 0;
		assert_null(srtp_session_new(suite, SRTP_TX, &key));
		assert_int_equal(errno, EINVAL);
		key.len -= 2;
		assert_null(srtp_session_new(suite, SRTP_RX, &key));
	}
	srtp_session_free(NULL);
}

static void round_trip(void **) {
	static const uint16_t lens[] = {0, 1, 2, 15, 16, 17, 160, 1200, 1400};
	struct pair pair;

	FOR_EACH_SUITE(&pair) {
		struct packet clear, packet;

		for (unsigned i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
			rtp_make(&clear, PAIR_SSRC, (uint16_t)(100 + i), lens[i]);
			packet = clear;
			assert_int_equal(rtp_protect(pair.tx, &packet), SRTP_OK);
			assert_int_equal(packet.len, clear.len + pair.suite->rtp_tag_len);
			assert_memory_equal(packet.data, clear.data, 12);
			if (lens[i] >= 15)
				assert_memory_not_equal(packet.data + 12, clear.data + 12, lens[i]);
			assert_int_equal(rtp_unprotect(pair.rx, &packet), SRTP_OK);
			packets_equal(&packet, &clear);

			rtcp_make(&clear, PAIR_SSRC, i);
			packet = clear;
			assert_int_equal(rtcp_protect(pair.tx, &packet), SRTP_OK);
			assert_int_equal(packet.len, clear.len + pair.suite->rtcp_trailer_len);
			assert_int_equal(rtcp_unprotect(pair.rx, &packet), SRTP_OK);
			packets_equal(&packet, &clear);
		}
	}
}

// Every single byte of a packet counts, and a bad packet does not hurt the next good one.
static void tampered(void **) {
	struct pair pair;

	FOR_EACH_SUITE(&pair) {
		struct packet good, bad;

		for (uint16_t at = 0; at < 12 + 20 + pair.suite->rtp_tag_len; at++) {
			enum srtp_verdict verdict;

			rtp_make(&good, PAIR_SSRC, (uint16_t)(1000 + at), 20);
			assert_int_equal(rtp_protect(pair.tx, &good), SRTP_OK);
			bad = good;
			bad.data[at] ^= at == 0 ? 0x20 : 0x01; // P, not V or X
			verdict = rtp_unprotect(pair.rx, &bad);
			// The number of the packet before is known already.
			if (at == 3 && good.data[3] % 2 == 1)
				assert_int_equal(verdict, SRTP_REPLAYED);
			else
				assert_int_equal(verdict, SRTP_AUTH_FAILED);
			assert_int_equal(rtp_unprotect(pair.rx, &good), SRTP_OK);
		}
		for (uint16_t at = 1; at < 28 + pair.suite->rtcp_trailer_len; at++) {
			rtcp_make(&good, PAIR_SSRC, at);
			assert_int_equal(rtcp_protect(pair.tx, &good), SRTP_OK);
			bad = good;
			bad.data[at] ^= 0x80;
			assert_int_not_equal(rtcp_unprotect(pair.rx, &bad), SRTP_OK);
			assert_int_equal(rtcp_unprotect(pair.rx, &good), SRTP_OK);
		}
	}
}

static void wrong_key(void **) {
	struct pair pair;

	FOR_EACH_SUITE(&pair) {
		struct plm_secret other = pair.key;
		struct packet packet, copy;
		struct srtp_session *rx;

		other.bytes[5] ^= 1;
		rx = srtp_session_new(pair.suite, SRTP_RX, &other);
		rtp_make(&packet, PAIR_SSRC, 1, 100);
		assert_int_equal(rtp_protect(pair.tx, &packet), SRTP_OK);
		copy = packet;
		assert_int_equal(rtp_unprotect(rx, &copy), SRTP_AUTH_FAILED);
		assert_int_equal(rtp_unprotect(pair.rx, &packet), SRTP_OK);
		rtcp_make(&packet, PAIR_SSRC, 1);
		assert_int_equal(rtcp_protect(pair.tx, &packet), SRTP_OK);
		copy = packet;
		assert_int_equal(rtcp_unprotect(rx, &copy), SRTP_AUTH_FAILED);
		srtp_session_free(rx);
	}
}

static void replayed(void **) {
	struct pair pair;

	FOR_EACH_SUITE(&pair) {
		struct packet packet, copy;

		rtp_make(&packet, PAIR_SSRC, 500, 50);
		assert_int_equal(rtp_protect(pair.tx, &packet), SRTP_OK);
		copy = packet;
		assert_int_equal(rtp_unprotect(pair.rx, &copy), SRTP_OK);
		copy = packet;
		assert_int_equal(rtp_unprotect(pair.rx, &copy), SRTP_REPLAYED);
		packets_equal(&copy, &packet);
		rtcp_make(&packet, PAIR_SSRC, 1);
		assert_int_equal(rtcp_protect(pair.tx, &packet), SRTP_OK);
		copy = packet;
		assert_int_equal(rtcp_unprotect(pair.rx, &copy), SRTP_OK);
		copy = packet;
		assert_int_equal(rtcp_unprotect(pair.rx, &copy), SRTP_REPLAYED);
	}
}

static void too_old(void **) {
	struct pair pair;

	FOR_EACH_SUITE(&pair) {
		struct packet at_edge, beyond, packet;

		rtp_make(&beyond, PAIR_SSRC, 1000, 50);
		rtp_make(&at_edge, PAIR_SSRC, 1001, 50);
		rtp_make(&packet, PAIR_SSRC, 1001 + 1023, 50);
		assert_int_equal(rtp_protect(pair.tx, &beyond), SRTP_OK);
		assert_int_equal(rtp_protect(pair.tx, &at_edge), SRTP_OK);
		assert_int_equal(rtp_protect(pair.tx, &packet), SRTP_OK);
		assert_int_equal(rtp_unprotect(pair.rx, &packet), SRTP_OK);
		assert_int_equal(rtp_unprotect(pair.rx, &beyond), SRTP_TOO_OLD);
		assert_int_equal(rtp_unprotect(pair.rx, &at_edge), SRTP_OK);
	}
}

// Any prefix of a good packet in a buffer of just its size: never OK, never a byte too far.
static void truncated(void **) {
	struct pair pair;

	FOR_EACH_SUITE(&pair) {
		struct packet rtp, rtcp;

		rtp_make(&rtp, PAIR_SSRC, 1, 30);
		rtcp_make(&rtcp, PAIR_SSRC, 1);
		assert_int_equal(rtp_protect(pair.tx, &rtp), SRTP_OK);
		assert_int_equal(rtcp_protect(pair.tx, &rtcp), SRTP_OK);
		for (uint16_t len = 0; len < rtp.len; len++) {
			uint8_t *copy = malloc(len + !len);
			struct srtp_job job = {.session = pair.rx, .data = copy, .len = len};
			bool malformed = len < 12 + pair.suite->rtp_tag_len;

			memcpy(copy, rtp.data, len);
			srtp_unprotect_rtp(&job, 1);
			assert_int_equal(
				job.verdict, malformed ? SRTP_MALFORMED : SRTP_AUTH_FAILED
			);
			free(copy);
		}
		for (uint16_t len = 0; len < rtcp.len; len++) {
			uint8_t *copy = malloc(len + !len);
			struct srtp_job job = {.session = pair.rx, .data = copy, .len = len};

			memcpy(copy, rtcp.data, len);
			srtp_unprotect_rtcp(&job, 1);
			if (len < 8 + pair.suite->rtcp_trailer_len)
				assert_int_equal(job.verdict, SRTP_MALFORMED);
			assert_int_not_equal(job.verdict, SRTP_OK);
			free(copy);
		}
		assert_int_equal(rtp_unprotect(pair.rx, &rtp), SRTP_OK);
		assert_int_equal(rtcp_unprotect(pair.rx, &rtcp), SRTP_OK);
	}
}

static void header_longer_than_packet(void **) {
	struct pair pair;

	FOR_EACH_SUITE(&pair) {
		struct packet packet;

		rtp_make(&packet, PAIR_SSRC, 1, 40);
		packet.data[0] = 0x8f; // 15 CSRCs: 72 bytes of 52
		assert_int_equal(rtp_unprotect(pair.rx, &packet), SRTP_MALFORMED);
		packet.data[0] = 0x90; // an extension of 65535 words
		be_write(packet.data + 12, 0xbedeffff, 4);
		assert_int_equal(rtp_unprotect(pair.rx, &packet), SRTP_MALFORMED);
		packet.data[0] = 0x40; // version 1
		assert_int_equal(rtp_unprotect(pair.rx, &packet), SRTP_MALFORMED);
		assert_int_equal(rtcp_unprotect(pair.rx, &packet), SRTP_MALFORMED);
	}
}

static void protect_refuses_a_wrong_header(void **) {
	struct pair pair;

	FOR_EACH_SUITE(&pair) {
		struct packet packet;
		struct srtp_job job = {.session = pair.tx, .data = packet.data};

		rtp_make(&packet, PAIR_SSRC, 1, 40);
		job.payload = packet.data + 16;
		job.header_len = 16; // it is 12
		job.payload_len = 20;
		srtp_protect_rtp(&job, 1);
		assert_int_equal(job.verdict, SRTP_MALFORMED);
		job.header_len = 12;
		job.payload_len = UINT16_MAX - 12;
		srtp_protect_rtp(&job, 1);
		assert_int_equal(job.verdict, SRTP_MALFORMED);
		packet.len = 7;
		assert_int_equal(rtcp_protect(pair.tx, &packet), SRTP_MALFORMED);
	}
}

static void wrong_direction(void **) {
	struct pair pair;

	FOR_EACH_SUITE(&pair) {
		struct packet packet;

		rtp_make(&packet, PAIR_SSRC, 1, 40);
		assert_int_equal(rtp_protect(pair.rx, &packet), SRTP_FAILED);
		assert_int_equal(rtp_unprotect(pair.tx, &packet), SRTP_FAILED);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(init_by_name),
		cmocka_unit_test(self_test_sees_errors),
		cmocka_unit_test(suites),
		cmocka_unit_test(key_of_wrong_length),
		cmocka_unit_test(round_trip),
		cmocka_unit_test(tampered),
		cmocka_unit_test(wrong_key),
		cmocka_unit_test(replayed),
		cmocka_unit_test(too_old),
		cmocka_unit_test(truncated),
		cmocka_unit_test(header_longer_than_packet),
		cmocka_unit_test(protect_refuses_a_wrong_header),
		cmocka_unit_test(wrong_direction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
