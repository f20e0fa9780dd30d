// SPDX-License-Identifier: BSD-3-Clause

#include "hex.h"
#include "reference.h"
#include "rfc7714.h"
#include "srtp_kdf.h"

// cmocka.h wants the others before it.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>

// RFC 3711 B.3. The authentication key there is 94 bytes long.
static const char b3_key[] = "e1f97a0d3e018be0d64fa32c06de4139";
static const char b3_salt[] = "0ec675ad498afeebb6960b3aabe6";
static const struct {
	enum srtp_label label;
	const char *bytes;
} b3[] = {
	{SRTP_LABEL_RTP_KEY, "c61e7a93744f39ee10734afe3ff7a087"},
	{SRTP_LABEL_RTP_SALT, "30cbbc08863d8c85d49db34a9ae1"},
	{SRTP_LABEL_RTP_AUTH,
	 "cebe321f6ff7716b6fd4ab49af256a156d38baa48f0a0acf3c34e2359e6cdbce"
	 "e049646c43d9327ad175578ef72270986371c10c9a369ac2f94a8c5fbcdddc25"
	 "6d6e919a48b610ef17c2041e474035766b68642c59bbfc2f34db60dbdfb2"},
};

static void rfc3711_b3(void **) {
	uint8_t key[16], salt[14], want[96], got[96];

	hex_read(b3_key, key, sizeof(key));
	hex_read(b3_salt, salt, sizeof(salt));
	for (size_t i = 0; i < sizeof(b3) / sizeof(b3[0]); i++) {
		size_t len = hex_read(b3[i].bytes, want, sizeof(want));

		assert_int_equal(srtp_kdf_derive(key, 16, salt, 14, b3[i].label, got, len), 0);
		assert_memory_equal(got, want, len);
		memset(got, 0, sizeof(got));
		reference_derive(key, 16, salt, 14, b3[i].label, got, len);
		assert_memory_equal(got, want, len);
	}
}

static void wrong_lengths(void **) {
	uint8_t key[64] = {0}, out[4];

	assert_int_equal(srtp_kdf_derive(key, 24, key, 14, SRTP_LABEL_RTP_KEY, out, 4), -EINVAL);
	assert_int_equal(srtp_kdf_derive(key, 16, key, 15, SRTP_LABEL_RTP_KEY, out, 4), -EINVAL);
}

static void session_keys_of_all_suites(void **) {
	static const uint16_t numbers[] = {1, 7, 8};

	for (size_t i = 0; i < 3; i++) {
		const struct srtp_suite *suite = srtp_suite_find(numbers[i]);
		struct plm_secret master = {.len = suite->key_len + suite->salt_len};
		struct srtp_session_keys keys[2], before;

		for (unsigned k = 0; k < master.len; k++)
			master.bytes[k] = (uint8_t)(k * 37 + i);
		assert_int_equal(srtp_kdf_session(suite, &master, &keys[0], &keys[1]), 0);
		for (int rtcp = 0; rtcp < 2; rtcp++) {
			static const uint8_t zeros[20];
			struct reference_keys want;

			reference_keys(suite, master.bytes, rtcp, &want);
			assert_memory_equal(keys[rtcp].key, want.key, suite->key_len);
			assert_memory_equal(keys[rtcp].salt, want.salt, suite->salt_len);
			assert_memory_equal(keys[rtcp].auth, suite->aead ? zeros : want.auth, 20);
		}
		before = keys[0];
		master.len--;
		assert_int_equal(srtp_kdf_session(suite, &master, &keys[0], &keys[1]), -EINVAL);
		assert_memory_equal(&before, &keys[0], sizeof(before));
	}
}

// The reference, which all packets are compared with, against RFC 7714.
static void reference_is_rfc7714(void **) {
	static const struct {
		uint16_t suite;
		const char *srtp;
		const char *srtcp;
	} rows[] = {
		{7, rfc7714_srtp_128, rfc7714_srtcp_128},
		{8, rfc7714_srtp_256, rfc7714_srtcp_256},
	};
	struct reference_keys keys;
	uint8_t packet[128], want[128];

	hex_read(rfc7714_key, keys.key, sizeof(keys.key));
	hex_read(rfc7714_salt, keys.salt, sizeof(keys.salt));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct srtp_suite *suite = srtp_suite_find(rows[i].suite);
		size_t len = hex_read(rfc7714_rtp, packet, sizeof(packet));
		size_t want_len = hex_read(rows[i].srtp, want, sizeof(want));

		len = reference_protect_rtp(suite, &keys, packet, len, RFC7714_RTP_HEADER_LEN, 0);
		assert_int_equal(len, want_len);
		assert_memory_equal(packet, want, len);
		len = hex_read(rfc7714_rtcp, packet, sizeof(packet));
		want_len = hex_read(rows[i].srtcp, want, sizeof(want));
		len = reference_protect_rtcp(suite, &keys, packet, len, RFC7714_SRTCP_INDEX);
		assert_int_equal(len, want_len);
		assert_memory_equal(packet, want, len);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc3711_b3),
		cmocka_unit_test(wrong_lengths),
		cmocka_unit_test(session_keys_of_all_suites),
		cmocka_unit_test(reference_is_rfc7714),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
