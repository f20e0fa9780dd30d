// SPDX-License-Identifier: BSD-3-Clause

// Streams from a publisher to viewers.

#include "probe.h"

#include <stdio.h>
#include <string.h>

#define PACKETS 100

static void forward_suite(uint8_t family, uint16_t suite, uint16_t viewer_suite) {
	struct peer *publisher = peer_up(family, suite), *viewer = peer_up(family, viewer_suite);
	struct source source;
	struct sink sink;

	source_add(&source, publisher, PLM_KIND_VIDEO, true);
	sink_add(&sink, viewer, &source);
	uint16_t first = source.seq;
	source_send(&source, true, 1100);
	source_send_n(&source, PACKETS - 1);
	sink_expect(&sink, 0, first, PACKETS);
	CHECK(consumer_info(sink.consumer_id).packets == PACKETS, "the consumer counts otherwise");
	CHECK(producer_info(source.producer_id).packets == PACKETS,
	      "the producer counts otherwise");
}

static void forward(void) {
	forward_suite(4, PLM_SRTP_AEAD_AES_128_GCM, PLM_SRTP_AEAD_AES_128_GCM);
	forward_suite(4, PLM_SRTP_AES128_CM_HMAC_SHA1_80, PLM_SRTP_AEAD_AES_256_GCM);
	forward_suite(4, PLM_SRTP_AEAD_AES_256_GCM, PLM_SRTP_AES128_CM_HMAC_SHA1_80);
}

static void forward_v6(void) {
	forward_suite(6, SUITE_GCM, SUITE_GCM);
}

const struct scenario media_scenarios[] = {
	{"forward", forward, "every packet once, in order, renumbered, in each SRTP suite"},
	{"forward_v6", forward_v6, "the same over IPv6"},
	{0},
};
