// SPDX-License-Identifier: BSD-3-Clause

#include "hex.h"

#include <plm_addr.h>
#include <plm_stun.h>

#include <openssl/hmac.h>

#include <errno.h>
#include <zlib.h>

// RFC 5769 2.1 to 2.3: the sample request and responses, and their password.
#define PASSWORD "VOkJxbRl1RmTxUk/WvJxBt"
#define RFC_TXID "b7e7a701bc34d686fa87dfae"
#define RFC_REQUEST                                                                                \
	"00010058 2112a442" RFC_TXID "80220010 5354554e207465737420636c69656e74"                   \
	"00240004 6e0001ff 80290008 932ff9b151263b36 00060009 6576746a3a68367659202020"            \
	"00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2 80280004 e57a3bcf"
#define RFC_RESPONSE_V4                                                                            \
	"0101003c 2112a442" RFC_TXID "8022000b 7465737420766563746f7220"                           \
	"00200008 0001a147e112a643"                                                                \
	"00080014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7 80280004 c07d4c96"
#define RFC_RESPONSE_V6                                                                            \
	"01010048 2112a442" RFC_TXID "8022000b 7465737420766563746f7220"                           \
	"00200014 0002a1470113a9faa5d3f179bc25f4b5bed2b9d9"                                        \
	"00080014 a382954e4be67bf11784c97c8292c275bfe3ed41 80280004 c8fb0b4c"

#define TXID "000102030405060708090a0b"
#define REST "2112a442" TXID // of the header, after type and length
#define MAC20 "0000000000000000000000000000000000000000"

static const uint8_t txid[PLM_STUN_TXID_LEN] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};

static struct plm_stun_key key_of(const char *password) {
	struct plm_stun_key key;

	plm_stun_key_init(&key, password, strlen(password));
	return key;
}

static void rfc5769_request(void **) {
	struct plm_stun_key key = key_of(PASSWORD), other = key_of("VOkJxbRl1RmTxUk/WvJxBu");
	struct packet packet = packet_from_hex(RFC_REQUEST);
	size_t ours_len, theirs_len;
	const char *ours, *theirs;
	struct plm_stun msg;

	assert_int_equal(plm_stun_parse(packet.data, packet.len, &msg), 0);
	assert_int_equal(msg.type, PLM_STUN_BINDING_REQUEST);
	assert_int_equal(msg.length, 108);
	assert_memory_equal(msg.txid, packet.data + 8, PLM_STUN_TXID_LEN);
	assert_int_equal(msg.priority, 0x6e0001ff);
	assert_true(msg.has_priority);
	assert_true(msg.controlled);
	assert_false(msg.controlling);
	assert_false(msg.use_candidate);
	assert_false(msg.has_mapped);
	assert_int_equal(msg.tie_breaker, 0x932ff9b151263b36);
	assert_int_equal(msg.username_len, 9);
	assert_memory_equal(msg.username, "evtj:h6vY", 9);
	assert_int_equal(plm_stun_username_split(&msg, &ours, &ours_len, &theirs, &theirs_len), 0);
	assert_int_equal(ours_len, 4);
	assert_memory_equal(ours, "evtj", 4);
	assert_int_equal(theirs_len, 4);
	assert_memory_equal(theirs, "h6vY", 4);
	assert_int_equal(msg.integrity_offset, 76);
	assert_int_equal(msg.fingerprint_offset, 100);
	assert_true(plm_stun_fingerprint_ok(packet.data, &msg));
	assert_true(plm_stun_integrity_ok(packet.data, &msg, &key));
	assert_false(plm_stun_integrity_ok(packet.data, &msg, &other));
	packet_free(&packet);
}

static void rfc5769_responses(void **) {
	static const struct {
		const char *hex;
		const char *mapped;
	} rows[] = {
		{RFC_RESPONSE_V4, "192.0.2.1:32853"},
		{RFC_RESPONSE_V6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853"},
	};
	struct plm_stun_key key = key_of(PASSWORD);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct packet packet = packet_from_hex(rows[i].hex);
		char text[PLM_ADDR_TEXT_LEN];
		struct plm_stun msg;

		assert_int_equal(plm_stun_parse(packet.data, packet.len, &msg), 0);
		assert_int_equal(msg.type, PLM_STUN_BINDING_SUCCESS);
		assert_true(msg.has_mapped);
		assert_string_equal(
			plm_addr_format(&msg.mapped, text, sizeof(text)), rows[i].mapped
		);
		assert_true(plm_stun_fingerprint_ok(packet.data, &msg));
		assert_true(plm_stun_integrity_ok(packet.data, &msg, &key));
		packet_free(&packet);
	}
}

// Every single bit of a message counts, but for those the sums do not cover: none.
static void turned_bits_are_seen(void **) {
	struct plm_stun_key key = key_of(PASSWORD);
	struct packet packet = packet_from_hex(RFC_REQUEST);

	for (size_t bit = 0; bit < packet.len * 8; bit++) {
		struct plm_stun msg;

		packet.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (plm_stun_parse(packet.data, packet.len, &msg) == 0
		    && plm_stun_fingerprint_ok(packet.data, &msg))
			fail_msg("fingerprint right with bit %zu turned", bit);
		// MESSAGE-INTEGRITY covers what precedes it, and itself.
		if (bit < 100 * 8 && plm_stun_parse(packet.data, packet.len, &msg) == 0
		    && plm_stun_integrity_ok(packet.data, &msg, &key))
			fail_msg("integrity right with bit %zu turned", bit);
		packet.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	packet_free(&packet);
}

static void truncations_are_refused(void **) {
	struct packet packet = packet_from_hex(RFC_REQUEST);

	for (size_t len = 0; len < packet.len; len++) {
		struct packet cut = packet_copy(packet.data, len);
		struct plm_stun msg;

		assert_int_equal(plm_stun_parse(cut.data, cut.len, &msg), -EBADMSG);
		// Also when the header agrees that it is shorter, unless an attribute ends there.
		if (len >= PLM_STUN_HEADER_LEN) {
			static const size_t ends[] = {20, 40, 48, 60, 76, 100};
			bool at_end = false;

			for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
				at_end |= len == ends[i];
			cut.data[2] = (uint8_t)((len - PLM_STUN_HEADER_LEN) >> 8);
			cut.data[3] = (uint8_t)(len - PLM_STUN_HEADER_LEN);
			assert_int_equal(
				plm_stun_parse(cut.data, cut.len, &msg), at_end ? 0 : -EBADMSG
			);
		}
		packet_free(&cut);
	}
	packet_free(&packet);
}

static void parse_table(void **) {
	static const struct {
		const char *name;
		const char *hex;
		int r;
	} rows[] = {
		{"bare header", "00010000" REST, 0},
		{"first bits set", "40010000 2112a442" TXID, -EBADMSG},
		{"wrong cookie", "00010000 2112a443" TXID, -EBADMSG},
		{"length too small", "00010000" REST "00250000", -EBADMSG},
		{"length too large", "00010008" REST "00250000", -EBADMSG},
		{"length not in fours", "00010002" REST "0025", -EBADMSG},
		{"attribute beyond the end", "00010004" REST "00060001", -EBADMSG},
		{"attribute far beyond the end", "00010004" REST "0006ffff", -EBADMSG},
		{"unknown attribute beyond the end", "00010008" REST "c0570005 00000000", -EBADMSG},
		{"unknown attribute", "00010008" REST "c0570001 00000000", 0},
		{"short PRIORITY", "00010008" REST "00240003 00000000", -EBADMSG},
		{"long PRIORITY", "0001000c" REST "00240008 0000000000000000", -EBADMSG},
		{"USE-CANDIDATE with value", "00010008" REST "00250004 00000000", -EBADMSG},
		{"short ICE-CONTROLLED", "00010008" REST "80290004 00000000", -EBADMSG},
		{"short ICE-CONTROLLING", "00010004" REST "802a0000", -EBADMSG},
		{"short MESSAGE-INTEGRITY", "00010008" REST "00080004 00000000", -EBADMSG},
		{"short FINGERPRINT", "00010004" REST "80280000", -EBADMSG},
		{"short ERROR-CODE", "00010004" REST "00090000", -EBADMSG},
		{"empty mapped address", "00010004" REST "00200000", -EBADMSG},
		{"v6 address of 4 bytes", "0001000c" REST "00200008 0002a147 e112a643", -EBADMSG},
		{"v4 address of 2 bytes", "0001000c" REST "00200006 0001a147 e1120000", -EBADMSG},
		{"address of unknown family", "0001000c" REST "00200008 0003a147 e112a643", 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct packet packet = packet_from_hex(rows[i].hex);
		struct plm_stun msg;
		int r;

		memset(&msg, 0xa5, sizeof(msg));
		r = plm_stun_parse(packet.data, packet.len, &msg);
		if (r != rows[i].r)
			fail_msg("%s: %d, wanted %d", rows[i].name, r, rows[i].r);
		if (r < 0) {
			assert_int_equal(msg.type, 0xa5a5); // untouched
		} else {
			assert_int_equal(msg.length, packet.len);
			assert_false(msg.has_mapped);
			assert_null(msg.username);
			assert_false(plm_stun_fingerprint_ok(packet.data, &msg));
			assert_false(
				plm_stun_integrity_ok(packet.data, &msg, &(struct plm_stun_key){})
			);
		}
		packet_free(&packet);
	}
}

static void first_of_several_counts(void **) {
	struct packet packet = packet_from_hex("00010048" REST "00240004 00000001 00240004 00000002"
					       "00060003 613a6200 00060003 633a6400"
					       "802a0008 0000000000000003 80290008 0000000000000004"
					       "00090004 00000457 00090004 00000401");
	struct plm_stun msg;

	assert_int_equal(plm_stun_parse(packet.data, packet.len, &msg), 0);
	assert_int_equal(msg.priority, 1);
	assert_memory_equal(msg.username, "a:b", 3);
	assert_int_equal(msg.tie_breaker, 3);
	assert_true(msg.controlling && msg.controlled); // a caller may see the contradiction
	assert_int_equal(msg.error_code, 487);
	packet_free(&packet);
}

static void error_codes(void **) {
	static const struct {
		const char *hex;
		uint16_t code;
	} rows[] = {
		{"00010008" REST "00090004 00000300", 300},
		{"00010008" REST "00090004 00000663", 699},
		{"00010008" REST "00090004 fffffc57", 487}, // reserved bits
		{"00010008" REST "00090004 00000200", 0},
		{"00010008" REST "00090004 00000700", 0},
		{"00010008" REST "00090004 00000464", 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct packet packet = packet_from_hex(rows[i].hex);
		struct plm_stun msg;

		assert_int_equal(plm_stun_parse(packet.data, packet.len, &msg), 0);
		assert_int_equal(msg.error_code, rows[i].code);
		packet_free(&packet);
	}
}

// What is not covered by MESSAGE-INTEGRITY could be added by anybody on the way.
static void attributes_after_integrity_are_ignored(void **) {
	struct packet packet = packet_from_hex(
		"0001004c" REST "00080014" MAC20
		"00250000 00240004 00000001 802a0008 0000000000000003"
		"00060003 613a6200 00200008 0001a147e112a643 80280004 00000000"
	);
	struct plm_stun msg;

	assert_int_equal(plm_stun_parse(packet.data, packet.len, &msg), 0);
	assert_int_equal(msg.integrity_offset, 20);
	assert_int_equal(msg.fingerprint_offset, 88);
	assert_false(msg.use_candidate || msg.has_priority || msg.controlling || msg.has_mapped);
	assert_null(msg.username);
	packet_free(&packet);
}

static void fingerprint_must_be_last(void **) {
	struct plm_stun_key key = key_of("pwd");
	uint8_t data[128];
	uint32_t crc;
	struct plm_stun msg;
	int len;

	len = plm_stun_error_write(data, sizeof(data), txid, 487, "", &key);
	assert_true(len > 0);
	memcpy(data + len, "\xc0\x57\x00\x00", 4);
	data[3] += 4;
	assert_int_equal(plm_stun_parse(data, (size_t)len + 4, &msg), 0);
	assert_int_not_equal(msg.fingerprint_offset, 0);
	// Right for the longer header: only its place is wrong.
	crc = (uint32_t)crc32(0, data, msg.fingerprint_offset) ^ 0x5354554e;
	for (int i = 0; i < 4; i++)
		data[msg.fingerprint_offset + 4 + i] = (uint8_t)(crc >> (24 - 8 * i));
	assert_false(plm_stun_fingerprint_ok(data, &msg));
	assert_true(plm_stun_integrity_ok(data, &msg, &key));
}

static void username_table(void **) {
	static const struct {
		const char *username;
		int r;
		const char *ours, *theirs;
	} rows[] = {
		{"abcd:efgh", 0, "abcd", "efgh"},
		{"a:b", 0, "a", "b"},
		{"a:b:c", 0, "a", "b:c"},
		{"", -EBADMSG, "", ""},
		{":", -EBADMSG, "", ""},
		{"abcd", -EBADMSG, "", ""},
		{":efgh", -EBADMSG, "", ""},
		{"abcd:", -EBADMSG, "", ""},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		// Without NUL in its memory.
		struct packet name = packet_copy(rows[i].username, strlen(rows[i].username));
		struct plm_stun msg = {
			.username = (const char *)name.data, .username_len = (uint16_t)name.len};
		const char *ours, *theirs;
		size_t ours_len, theirs_len;

		assert_int_equal(
			plm_stun_username_split(&msg, &ours, &ours_len, &theirs, &theirs_len),
			rows[i].r
		);
		if (rows[i].r == 0) {
			assert_int_equal(ours_len, strlen(rows[i].ours));
			assert_memory_equal(ours, rows[i].ours, ours_len);
			assert_int_equal(theirs_len, strlen(rows[i].theirs));
			assert_memory_equal(theirs, rows[i].theirs, theirs_len);
		}
		packet_free(&name);
	}
	assert_int_equal(
		plm_stun_username_split(&(struct plm_stun){}, NULL, NULL, NULL, NULL), -EBADMSG
	);
}

static void success_round_trip(void **) {
	static const struct {
		const char *ip;
		int len;
	} rows[] = {{"198.18.0.1", 64}, {"2001:db8::1", 76}};
	struct plm_stun_key key = key_of("a password of our own making");

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct plm_addr mapped;
		struct plm_stun msg;

		assert_int_equal(plm_addr_parse_ip(rows[i].ip, &mapped), 0);
		mapped.port = 50000;
		for (int room = 0; room <= rows[i].len; room++) {
			struct packet dst = packet_copy(NULL, 0);
			int r;

			free(dst.data);
			dst.data = malloc((size_t)room + (room == 0));
			assert_non_null(dst.data);
			r = plm_stun_success_write(dst.data, (size_t)room, txid, &mapped, &key);
			if (room < rows[i].len) {
				assert_int_equal(r, -ENOSPC);
			} else {
				assert_int_equal(r, room);
				assert_int_equal(plm_stun_parse(dst.data, (size_t)r, &msg), 0);
				assert_int_equal(msg.type, PLM_STUN_BINDING_SUCCESS);
				assert_memory_equal(msg.txid, txid, sizeof(txid));
				assert_true(msg.has_mapped);
				assert_true(plm_addr_equal(&msg.mapped, &mapped));
				assert_int_equal(msg.integrity_offset, rows[i].len - 32);
				assert_int_equal(msg.fingerprint_offset, rows[i].len - 8);
				assert_true(plm_stun_fingerprint_ok(dst.data, &msg));
				assert_true(plm_stun_integrity_ok(dst.data, &msg, &key));
			}
			packet_free(&dst);
		}
	}
}

static void request_bytes(void **) {
	static const struct plm_stun_request request = {
		.txid = txid,
		.username = "abcd:efgh",
		.priority = 0x6e0001ff,
		.controlling = true,
		.use_candidate = true,
		.tie_breaker = 0x0102030405060708,
	};
	// As a browser orders them: USERNAME, role, USE-CANDIDATE, PRIORITY, then the sums.
	struct packet wanted = packet_from_hex(
		"00010048" REST
		"00060009 616263643a65666768000000 802a0008 0102030405060708 00250000"
		"00240004 6e0001ff 00080014"
	);
	struct plm_stun_key key = key_of(PASSWORD);
	uint8_t data[128];
	struct plm_stun msg;

	memset(data, 0xa5, sizeof(data));
	assert_int_equal(plm_stun_request_write(data, sizeof(data), &request, &key), 92);
	assert_memory_equal(data, wanted.data, wanted.len);
	assert_int_equal(data[92], 0xa5);
	assert_int_equal(plm_stun_parse(data, 92, &msg), 0);
	assert_true(plm_stun_fingerprint_ok(data, &msg));
	assert_true(plm_stun_integrity_ok(data, &msg, &key));
	assert_true(msg.use_candidate && msg.controlling && !msg.controlled && msg.has_priority);
	packet_free(&wanted);
}

static void consent_request(void **) {
	struct plm_stun_request request = {.txid = txid, .username = "abcd:efgh", .priority = 1};
	struct plm_stun_key key = key_of(PASSWORD);
	uint8_t data[128];
	struct plm_stun msg;

	assert_int_equal(plm_stun_request_write(data, sizeof(data), &request, &key), 88);
	assert_int_equal(plm_stun_parse(data, 88, &msg), 0);
	assert_true(msg.controlled && !msg.controlling && !msg.use_candidate && msg.has_priority);
	assert_int_equal(msg.tie_breaker, 0);
	request.priority = 0;
	assert_int_equal(plm_stun_request_write(data, sizeof(data), &request, &key), 80);
	assert_int_equal(plm_stun_parse(data, 80, &msg), 0);
	assert_false(msg.has_priority);
	assert_int_equal(plm_stun_request_write(data, 79, &request, &key), -ENOSPC);
}

static void error_round_trip(void **) {
	struct plm_stun_key key = key_of(PASSWORD);
	uint8_t data[128];
	struct plm_stun msg;

	assert_int_equal(
		plm_stun_error_write(data, sizeof(data), txid, 487, "Role Conflict", &key), 76
	);
	assert_int_equal(plm_stun_parse(data, 76, &msg), 0);
	assert_int_equal(msg.type, PLM_STUN_BINDING_ERROR);
	assert_int_equal(msg.error_code, 487);
	assert_true(plm_stun_fingerprint_ok(data, &msg));
	assert_true(plm_stun_integrity_ok(data, &msg, &key));
}

static void writers_refuse(void **) {
	static const struct plm_addr no_family = {0};
	struct plm_stun_key key = key_of(PASSWORD);
	char text[800];
	struct plm_stun_request request = {.txid = txid, .username = text};
	uint8_t data[1024];

	memset(text, 'x', sizeof(text));
	text[509] = '\0';
	assert_int_equal(plm_stun_request_write(data, sizeof(data), &request, &key), -EINVAL);
	text[508] = '\0';
	assert_true(plm_stun_request_write(data, sizeof(data), &request, &key) > 0);
	text[508] = text[509] = 'x';
	text[764] = '\0';
	assert_int_equal(plm_stun_error_write(data, sizeof(data), txid, 400, text, &key), -EINVAL);
	text[763] = '\0';
	assert_true(plm_stun_error_write(data, sizeof(data), txid, 400, text, &key) > 0);
	assert_int_equal(plm_stun_error_write(data, sizeof(data), txid, 299, "", &key), -EINVAL);
	assert_int_equal(plm_stun_error_write(data, sizeof(data), txid, 700, "", &key), -EINVAL);
	assert_int_equal(
		plm_stun_success_write(data, sizeof(data), txid, &no_family, &key), -EINVAL
	);
}

// The mid-states against HMAC() for keys and messages around SHA1's block length.
static void keys_agree_with_hmac(void **) {
	static const size_t key_lens[] = {0, 1, 22, 63, 64, 65, 200};
	char password[200];

	for (size_t i = 0; i < sizeof(password); i++)
		password[i] = (char)(i * 7 + 1);
	for (size_t i = 0; i < sizeof(key_lens) / sizeof(key_lens[0]); i++) {
		struct plm_stun_key key;

		plm_stun_key_init(&key, password, key_lens[i]);
		for (size_t name_len = 1; name_len < 200; name_len++) {
			char name[201] = {0};
			struct plm_stun_request request = {.txid = txid, .username = name};
			uint8_t data[512], mac[20];
			unsigned mac_len = 0;
			struct plm_stun msg;
			int len;

			memset(name, 'n', name_len);
			len = plm_stun_request_write(data, sizeof(data), &request, &key);
			assert_int_equal(plm_stun_parse(data, (size_t)len, &msg), 0);
			assert_true(plm_stun_integrity_ok(data, &msg, &key));
			data[2] = (uint8_t)((msg.integrity_offset + 4) >> 8);
			data[3] = (uint8_t)(msg.integrity_offset + 4);
			assert_non_null(
				HMAC(EVP_sha1(),
				     password,
				     (int)key_lens[i],
				     data,
				     msg.integrity_offset,
				     mac,
				     &mac_len)
			);
			assert_memory_equal(mac, data + msg.integrity_offset + 4, sizeof(mac));
		}
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc5769_request),
		cmocka_unit_test(rfc5769_responses),
		cmocka_unit_test(turned_bits_are_seen),
		cmocka_unit_test(truncations_are_refused),
		cmocka_unit_test(parse_table),
		cmocka_unit_test(first_of_several_counts),
		cmocka_unit_test(error_codes),
		cmocka_unit_test(attributes_after_integrity_are_ignored),
		cmocka_unit_test(fingerprint_must_be_last),
		cmocka_unit_test(username_table),
		cmocka_unit_test(success_round_trip),
		cmocka_unit_test(request_bytes),
		cmocka_unit_test(consent_request),
		cmocka_unit_test(error_round_trip),
		cmocka_unit_test(writers_refuse),
		cmocka_unit_test(keys_agree_with_hmac),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
