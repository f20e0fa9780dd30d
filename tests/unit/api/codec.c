// SPDX-License-Identifier: BSD-3-Clause

#include "../unit.h"

#include <plm_api_codec.h>

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct packet {
	_Alignas(8) uint8_t bytes[PLM_API_MAX_LEN];
};

static void test_check_request(void **) {
	static const struct {
		const char *what;
		uint16_t type, flags;
		int32_t status;
		size_t len; // of the payload
		int expected;
	} cases[] = {
		{"a request", PLM_API_TRANSPORT_DEL, 0, 0, sizeof(struct plm_id), 0},
		{"hello", PLM_API_HELLO, 0, 0, sizeof(struct plm_hello_req), 0},
		{"too short", PLM_API_HELLO, 0, 0, sizeof(struct plm_hello_req) - 1, -EMSGSIZE},
		{"too long", PLM_API_HELLO, 0, 0, sizeof(struct plm_hello_req) + 1, -EMSGSIZE},
		{"empty", PLM_API_HELLO, 0, 0, 0, -EMSGSIZE},
		{"unknown", 9999, 0, 0, 0, -ENOTSUP},
		{"type 0", 0, 0, 0, 0, -ENOTSUP},
		{"server's event",
		 PLM_API_EVENT_PRODUCER,
		 PLM_API_EVENT,
		 0,
		 sizeof(struct plm_event_producer),
		 -ENOTSUP},
		{"reply", PLM_API_TRANSPORT_DEL, PLM_API_REPLY, 0, 8, -EINVAL},
		{"more", PLM_API_TRANSPORT_DEL, PLM_API_MORE, 0, 8, -EINVAL},
		{"unknown flag", PLM_API_TRANSPORT_DEL, 0x8000, 0, 8, -EINVAL},
		{"request as event", PLM_API_TRANSPORT_DEL, PLM_API_EVENT, 0, 8, -EINVAL},
		{"status", PLM_API_TRANSPORT_DEL, 0, 5, 8, -EINVAL},
		{"record not as event", PLM_API_DTLS_RECORD, 0, 0, 16, -EINVAL},
	};
	static const uint8_t zero[PLM_API_MAX_LEN];
	const struct plm_api_header *header;
	const void *payload;
	struct packet p;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = plm_api_message(
			p.bytes,
			sizeof(p.bytes),
			cases[i].type,
			cases[i].flags,
			7,
			cases[i].status,
			zero,
			cases[i].len
		);
		int r;

		payload = &p;
		r = plm_api_check_request(p.bytes, n, &header, &payload);
		if (r != cases[i].expected)
			fail_msg("%s: %d, not %d", cases[i].what, r, cases[i].expected);
		assert_ptr_equal(header, p.bytes);
		assert_int_equal(header->seq, 7);
		assert_ptr_equal(payload, r == 0 ? (const void *)(header + 1) : &p);
	}
}

static void test_check_frame(void **) {
	const struct plm_api_header *header;
	const struct plm_id id = {42};
	const void *payload;
	struct packet p;
	size_t n;

	n = plm_api_message(p.bytes, sizeof(p.bytes), PLM_API_TRANSPORT_DEL, 0, 1, 0, &id, 8);
	assert_int_equal(n, 24);
	for (size_t len = 0; len < n; len++) {
		assert_int_equal(plm_api_check_request(p.bytes, len, &header, &payload), -EMSGSIZE);
		assert_int_equal(header != NULL, len >= 16);
	}
	assert_int_equal(plm_api_check_request(p.bytes, n + 1, &header, &payload), -EMSGSIZE);
	assert_int_equal(plm_api_message(p.bytes, 23, PLM_API_TRANSPORT_DEL, 0, 1, 0, &id, 8), 0);
	assert_int_equal(plm_api_message(p.bytes, 15, PLM_API_TRANSPORT_DEL, 0, 1, 0, NULL, 0), 0);
}

static void test_check_dtls(void **) {
	static const struct {
		uint16_t len;
		size_t sent; // bytes of data
		int expected;
	} cases[] = {
		{0, 0, 0},
		{1, 1, 0},
		{PLM_DTLS_MAX, PLM_DTLS_MAX, 0},
		{10, 9, -EMSGSIZE},
		{10, 11, -EMSGSIZE},
		{PLM_DTLS_MAX + 1, PLM_DTLS_MAX + 1, -EMSGSIZE},
		{0xffff, PLM_DTLS_MAX, -EMSGSIZE},
	};
	const struct plm_api_header *header;
	const void *payload;
	struct packet p;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		union {
			struct plm_dtls_record record;
			uint8_t bytes[3000];
		} u = {.record = {.transport_id = 1, .len = cases[i].len}};
		size_t n;

		n = plm_api_message(
			p.bytes,
			sizeof(p.bytes),
			PLM_API_DTLS_RECORD,
			PLM_API_EVENT,
			0,
			0,
			&u,
			16 + cases[i].sent
		);
		assert_int_equal(
			plm_api_check_request(p.bytes, n, &header, &payload), cases[i].expected
		);
		assert_int_equal(
			plm_api_check_message(p.bytes, n, &header, &payload), cases[i].expected
		);
	}
}

static void test_check_message(void **) {
	static const struct {
		const char *what;
		uint16_t type, flags;
		int32_t status;
		size_t len;
		int expected;
	} cases[] = {
		{"reply", PLM_API_TRANSPORT_DEL, PLM_API_REPLY, 0, 0, 0},
		{"error", PLM_API_TRANSPORT_LIST, PLM_API_REPLY, ENOENT, 0, 0},
		{"error of an unknown type", 999, PLM_API_REPLY, ENOTSUP, 0, 0},
		{"negative status", PLM_API_TRANSPORT_LIST, PLM_API_REPLY, -1, 0, -EINVAL},
		{"item",
		 PLM_API_TRANSPORT_LIST,
		 PLM_API_REPLY | PLM_API_MORE,
		 0,
		 sizeof(struct plm_transport_info),
		 0},
		{"short item",
		 PLM_API_TRANSPORT_LIST,
		 PLM_API_REPLY | PLM_API_MORE,
		 0,
		 8,
		 -EMSGSIZE},
		{"event",
		 PLM_API_EVENT_TRANSPORT,
		 PLM_API_EVENT,
		 0,
		 sizeof(struct plm_event_transport),
		 0},
		{"short event", PLM_API_EVENT_TRANSPORT, PLM_API_EVENT, 0, 4, -EMSGSIZE},
		{"request", PLM_API_TRANSPORT_DEL, 0, 0, 8, -EINVAL},
		{"event and reply", PLM_API_EVENT_TRANSPORT, 5, 0, 40, -EINVAL},
	};
	static const uint8_t zero[PLM_API_MAX_LEN];
	const struct plm_api_header *header;
	const void *payload;
	struct packet p;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = plm_api_message(
			p.bytes,
			sizeof(p.bytes),
			cases[i].type,
			cases[i].flags,
			7,
			cases[i].status,
			zero,
			cases[i].len
		);
		int r = plm_api_check_message(p.bytes, n, &header, &payload);

		if (r != cases[i].expected)
			fail_msg("%s: %d, not %d", cases[i].what, r, cases[i].expected);
	}
}

static void test_strings(void **) {
	struct plm_transport_add add = {0};
	struct plm_transport_restart restart = {0};
	struct plm_producer_add producer = {0};
	struct plm_consumer_add consumer = {0};
	struct plm_hello_req hello = {0};
	const struct {
		uint16_t type;
		void *payload;
		char *text;
		size_t size;
	} cases[] = {
		{PLM_API_HELLO, &hello, hello.name, sizeof(hello.name)},
		{PLM_API_TRANSPORT_ADD, &add, add.ice.local_ufrag, PLM_UFRAG_MAX},
		{PLM_API_TRANSPORT_ADD, &add, add.ice.local_pwd, PLM_PWD_MAX},
		{PLM_API_TRANSPORT_ADD, &add, add.ice.remote_ufrag, PLM_UFRAG_MAX},
		{PLM_API_TRANSPORT_ADD, &add, add.ice.remote_pwd, PLM_PWD_MAX},
		{PLM_API_TRANSPORT_RESTART, &restart, restart.ice.local_ufrag, PLM_UFRAG_MAX},
		{PLM_API_TRANSPORT_RESTART, &restart, restart.ice.local_pwd, PLM_PWD_MAX},
		{PLM_API_TRANSPORT_RESTART, &restart, restart.ice.remote_ufrag, PLM_UFRAG_MAX},
		{PLM_API_TRANSPORT_RESTART, &restart, restart.ice.remote_pwd, PLM_PWD_MAX},
		{PLM_API_PRODUCER_ADD, &producer, producer.mid, PLM_MID_MAX},
		{PLM_API_CONSUMER_ADD, &consumer, consumer.mid, PLM_MID_MAX},
		{PLM_API_CONSUMER_ADD, &consumer, consumer.cname, PLM_CNAME_MAX},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(plm_api_check_strings(cases[i].type, cases[i].payload), 0);
		memset(cases[i].text, 'x', cases[i].size);
		assert_int_equal(plm_api_check_strings(cases[i].type, cases[i].payload), -EINVAL);
		cases[i].text[cases[i].size - 1] = '\0';
		assert_int_equal(plm_api_check_strings(cases[i].type, cases[i].payload), 0);
	}
}

static void test_names(void **) {
	assert_string_equal(plm_api_type_name(PLM_API_TRANSPORT_ADD), "TRANSPORT_ADD");
	assert_string_equal(plm_api_type_name(9999), "unknown");
	assert_string_equal(plm_transport_state_name(PLM_TRANSPORT_DEAD), "dead");
	assert_string_equal(plm_transport_state_name(77), "?");
	assert_string_equal(plm_transport_event_name(PLM_TRANSPORT_EV_RESTARTED), "restarted");
	assert_string_equal(plm_producer_event_name(PLM_PRODUCER_EV_IDLE), "idle");
	assert_string_equal(plm_kind_name(PLM_KIND_VIDEO), "video");
	assert_string_equal(plm_role_name(PLM_ROLE_PUNT), "punt");
	assert_string_equal(plm_stage_name(PLM_STAGE_UNPROTECT), "unprotect");
	assert_string_equal(plm_stage_name(PLM_STAGE_COUNT), "?");
	assert_string_equal(plm_srtp_suite_name(7), "AEAD_AES_128_GCM");
	assert_string_equal(plm_srtp_suite_name(2), "?");
	for (unsigned codec = PLM_CODEC_NONE + 1; codec < PLM_CODEC_COUNT; codec++) {
		const char *name = plm_codec_name(codec);

		assert_int_equal(plm_codec_from_name(name, strlen(name)), codec);
	}
	assert_int_equal(plm_codec_from_name("H264", 4), PLM_CODEC_H264);
	assert_int_equal(plm_codec_from_name("H264", 3), PLM_CODEC_NONE);
	assert_int_equal(plm_codec_from_name("none", 4), PLM_CODEC_NONE);
	assert_int_equal(plm_codec_from_name("PCMU", 4), PLM_CODEC_NONE);
}

static void test_extensions(void **) {
	for (unsigned ext = PLM_EXT_NONE + 1; ext < PLM_EXT_COUNT; ext++) {
		const char *uri = plm_ext_uri((enum plm_ext)ext);

		assert_int_equal(plm_ext_from_uri(uri, strlen(uri)), ext);
		assert_int_equal(plm_ext_from_uri(uri, strlen(uri) - 1), PLM_EXT_NONE);
	}
	assert_null(plm_ext_uri(PLM_EXT_NONE));
	assert_null(plm_ext_uri(PLM_EXT_COUNT));
	assert_int_equal(plm_ext_from_uri("", 0), PLM_EXT_NONE);
	assert_int_equal(
		plm_ext_from_uri("urn:ietf:params:rtp-hdrext:sdes:mid trailing", 35), PLM_EXT_MID
	);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check_request),
		cmocka_unit_test(test_check_frame),
		cmocka_unit_test(test_check_dtls),
		cmocka_unit_test(test_check_message),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_extensions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
