// SPDX-License-Identifier: BSD-3-Clause

#include "hex.h"

#include <plm_demux.h>

#include <stdio.h>

#define COOKIE "2112a442"
#define TXID "000102030405060708090a0b"

static const struct row {
	const char *name;
	const char *hex;
	enum plm_payload_kind kind;
} rows[] = {
	{"empty", "", PLM_PAYLOAD_OTHER},
	{"one byte of RTP", "80", PLM_PAYLOAD_OTHER},
	{"request", "00010000" COOKIE TXID, PLM_PAYLOAD_STUN},
	{"success", "01010000" COOKIE TXID, PLM_PAYLOAD_STUN},
	{"first byte 3", "03ff0000" COOKIE TXID, PLM_PAYLOAD_STUN},
	{"first byte 4", "04000000" COOKIE TXID, PLM_PAYLOAD_OTHER},
	{"STUN of 19 bytes", "00010000" COOKIE "000102030405060708090a", PLM_PAYLOAD_OTHER},
	{"wrong cookie", "00010000 2112a443" TXID, PLM_PAYLOAD_OTHER},
	{"ZRTP", "10000000 5a525450 000000000000000000000000", PLM_PAYLOAD_OTHER},
	{"first byte 19", "13fefd00000000000000000000", PLM_PAYLOAD_OTHER},
	{"first byte 20", "14fefd00000000000000000000", PLM_PAYLOAD_DTLS},
	{"handshake", "16feff00000000000000000001ff", PLM_PAYLOAD_DTLS},
	{"first byte 63", "3ffefd00000000000000000000", PLM_PAYLOAD_DTLS},
	{"first byte 64", "40fefd00000000000000000000", PLM_PAYLOAD_OTHER},
	{"DTLS of 12 bytes", "16fefd000000000000000000", PLM_PAYLOAD_OTHER},
	{"three bytes of text", "303132", PLM_PAYLOAD_OTHER},
	{"TLS, not DTLS", "16030100000000000000000000", PLM_PAYLOAD_OTHER},
	{"TURN channel", "40000008 0000000000000000", PLM_PAYLOAD_OTHER},
	{"first byte 127", "7f60000100000002 00000003", PLM_PAYLOAD_OTHER},
	{"RTP", "8060000100000002 00000003", PLM_PAYLOAD_RTP},
	{"first byte 191", "bf60000100000002 00000003", PLM_PAYLOAD_RTP},
	{"first byte 192", "c060000100000002 00000003", PLM_PAYLOAD_OTHER},
	{"RTP of 11 bytes", "8060000100000002 000000", PLM_PAYLOAD_OTHER},
	{"RTP with marker, type 63", "80bf000100000002 00000003", PLM_PAYLOAD_RTP},
	{"second byte 192", "80c0000100000002", PLM_PAYLOAD_RTCP},
	{"RR", "80c9000100000002", PLM_PAYLOAD_RTCP},
	{"RTCP of 7 bytes", "80c90001000000", PLM_PAYLOAD_OTHER},
	{"second byte 223", "80df000100000002", PLM_PAYLOAD_RTCP},
	{"RTP with marker, type 96", "80e0000100000002 00000003", PLM_PAYLOAD_RTP},
};

static void demux_tells_kinds(void **) {
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct packet packet = packet_from_hex(rows[i].hex);
		enum plm_payload_kind kind = plm_demux(packet.data, packet.len);

		if (kind != rows[i].kind)
			fail_msg("%s: %d, wanted %d", rows[i].name, kind, rows[i].kind);
		packet_free(&packet);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(demux_tells_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
