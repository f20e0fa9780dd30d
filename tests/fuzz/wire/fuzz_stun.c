// SPDX-License-Identifier: BSD-3-Clause

// Parse, verify, split; then write with what was found and verify that.

#include "check.h"

#include <plm_addr.h>
#include <plm_stun.h>

#include <string.h>

// Of the samples in RFC 5769, so that the seeds verify.
#define PASSWORD "VOkJxbRl1RmTxUk/WvJxBt"

static uint8_t written[1024];

static void check_written(int len, const struct plm_stun_key *key, struct plm_stun *ret_msg) {
	CHECK(len > 0 && (size_t)len <= sizeof(written));
	CHECK(plm_stun_parse(written, (size_t)len, ret_msg) == 0);
	CHECK(plm_stun_fingerprint_ok(written, ret_msg));
	CHECK(plm_stun_integrity_ok(written, ret_msg, key));
}

static void write_request(const struct plm_stun *msg, const struct plm_stun_key *key) {
	struct plm_stun_request request = {
		.txid = msg->txid,
		.priority = msg->priority,
		.controlling = msg->controlling,
		.use_candidate = msg->use_candidate,
		.tie_breaker = msg->tie_breaker,
	};
	char username[509] = "";
	struct plm_stun again;

	if (msg->username != NULL && msg->username_len < sizeof(username))
		memcpy(username, msg->username, msg->username_len);
	request.username = username;
	check_written(plm_stun_request_write(written, sizeof(written), &request, key), key, &again);
	CHECK(again.username_len == strlen(username));
	CHECK(memcmp(again.username, username, again.username_len) == 0);
	CHECK(again.priority == msg->priority && again.tie_breaker == msg->tie_breaker);
	CHECK(again.use_candidate == msg->use_candidate);
	CHECK(again.controlling == msg->controlling && again.controlled != msg->controlling);
}

static void write_response(const struct plm_stun *msg, const struct plm_stun_key *key) {
	struct plm_stun again;

	if (msg->has_mapped) {
		check_written(
			plm_stun_success_write(
				written, sizeof(written), msg->txid, &msg->mapped, key
			),
			key,
			&again
		);
		CHECK(plm_addr_equal(&again.mapped, &msg->mapped));
		CHECK(memcmp(again.txid, msg->txid, sizeof(again.txid)) == 0);
	}
	if (msg->error_code != 0) {
		check_written(
			plm_stun_error_write(
				written, sizeof(written), msg->txid, msg->error_code, "x", key
			),
			key,
			&again
		);
		CHECK(again.error_code == msg->error_code);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	size_t ours_len, theirs_len;
	const char *ours, *theirs;
	struct plm_stun_key key;
	struct plm_stun msg;

	plm_stun_key_init(&key, PASSWORD, strlen(PASSWORD));
	if (plm_stun_parse(data, size, &msg) < 0)
		return 0;
	CHECK(msg.length == size);
	if (plm_stun_fingerprint_ok(data, &msg))
		CHECK(msg.fingerprint_offset + 8U == size);
	if (plm_stun_integrity_ok(data, &msg, &key))
		CHECK(msg.integrity_offset + 24U <= size);
	if (msg.username != NULL)
		CHECK(msg.username + msg.username_len <= (const char *)data + size);
	if (plm_stun_username_split(&msg, &ours, &ours_len, &theirs, &theirs_len) == 0) {
		CHECK(ours_len > 0 && theirs_len > 0);
		CHECK(ours == msg.username && theirs == ours + ours_len + 1);
		CHECK(ours_len + 1 + theirs_len == msg.username_len);
	}
	write_request(&msg, &key);
	write_response(&msg, &key);
	return 0;
}
