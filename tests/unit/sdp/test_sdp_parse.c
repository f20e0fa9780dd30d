// SPDX-License-Identifier: BSD-3-Clause

// The parser's lines, limits and helpers; the printer.

#include "sdp_vectors.h"

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "v=0\r\no=- 1 7 IN IP4 0.0.0.0\r\ns=-\r\n"
#define START HEAD "t=0 0\r\n"

static int parse(const char *text, size_t len, struct sdp **ret_sdp) {
	// A copy of exactly len bytes, so that the sanitizer sees a read too far.
	char *copy = malloc(len ? len : 1), error[120] = "";
	int r;

	memcpy(copy, text, len);
	r = sdp_parse(copy, len, ret_sdp, error, sizeof(error));
	free(copy);
	if (r < 0)
		assert_true(strlen(error) > 10 && error[strlen(error) - 1] == '.');
	return r;
}

static void lines(void **) {
	static const struct {
		const char *text;
		int result;
	} cases[] = {
		{START, 0},
		{"v=0\no=- 1 7 IN IP4 0.0.0.0\ns=-\nt=0 0\n", 0},
		{START "m=audio 9 RTP/AVP 0", 0},
		{START "m=audio 9 RTP/AVP 0\r\n\r\n\r\n", 0},
		{START "a=x\r\nm=audio 9/2 RTP/AVP 0\r\nb=AS:1\r\nc=IN IP4 0.0.0.0\r\na=y:z\r\n",
		 0},
		{HEAD "i=x\r\nu=x\r\ne=x\r\np=x\r\nc=x\r\nb=x\r\nt=0 0\r\nr=1\r\nt=1 1\r\nz=0\r\n"
		      "k=x\r\na=x\r\n",
		 0},
		{"", -EBADMSG},
		{"\r\n", -EBADMSG},
		{"v=0", -EBADMSG},
		{"v=0\r\n", -EBADMSG},
		{HEAD, -EBADMSG},
		{"v=1\r\no=- 1 7 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n", -EBADMSG},
		{"o=- 1 7 IN IP4 0.0.0.0\r\nv=0\r\ns=-\r\nt=0 0\r\n", -EBADMSG},
		{"{\"sdp\":\"v=0\"}", -EBADMSG},
		{"v=0\r\no=- 1 7 IN IP4\r\ns=-\r\nt=0 0\r\n", -EBADMSG},
		{"v=0\r\no=- 1 7 IN IP4 0.0.0.0 x\r\ns=-\r\nt=0 0\r\n", -EBADMSG},
		{"v=0\r\no=- 1  7 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n", -EBADMSG},
		{"v=0\r\no=- 1 9223372036854775807 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n", 0},
		{"v=0\r\no=- 1 9223372036854775808 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n", -EBADMSG},
		{"v=0\r\no=- 1 -7 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n", -EBADMSG},
		{START START, -EBADMSG},
		{START "a\r\n", -EBADMSG},
		{START "a:x\r\n", -EBADMSG},
		{START "A=x\r\n", -EBADMSG},
		{START "\xff=x\r\n", -EBADMSG},
		{START "a=\r\n", -EBADMSG},
		{START "a=:x\r\n", -EBADMSG},
		{START "a=b c:x\r\n", -EBADMSG},
		{START "a=x\rm=audio 9 RTP/AVP 0\r\n", -EBADMSG},
		{START "\r\na=x\r\n", -EBADMSG},
		{START "x=1\r\n", -EBADMSG},
		{START "i=late\r\n", -EBADMSG},
		{HEAD "m=audio 9 RTP/AVP 0\r\n", -EBADMSG},
		{START "m=audio 9 RTP/AVP 0\r\nt=0 0\r\n", -EBADMSG},
		{START "m=audio 9 RTP/AVP\r\n", -EBADMSG},
		{START "m=audio 9 RTP/AVP \r\n", -EBADMSG},
		{START "m=audio 9 RTP/AVP 0 \r\n", -EBADMSG},
		{START "m=audio 9 RTP/AVP 0  8\r\n", -EBADMSG},
		{START "m=audio 9  RTP/AVP 0\r\n", -EBADMSG},
		{START "m=audio 65536 RTP/AVP 0\r\n", -EBADMSG},
		{START "m=audio 18446744073709551617 RTP/AVP 0\r\n", -EBADMSG},
		{START "m=audio x RTP/AVP 0\r\n", -EBADMSG},
		{START "m=audio 9/ RTP/AVP 0\r\n", -EBADMSG},
		{START "m=audio 9 RTP//AVP 0\r\n", -EBADMSG},
		{START "m=audio 9 RTP/ 0\r\n", -EBADMSG},
		{START "m=au\"dio 9 RTP/AVP 0\r\n", -EBADMSG},
		{START "m=audio 9 RTP/AVP 0\t8\r\n", -EBADMSG},
		{START "m=\r\n", -EBADMSG},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sdp *sdp = NULL;
		int r = parse(cases[i].text, strlen(cases[i].text), &sdp);

		if (r != cases[i].result)
			fail_msg("case %zu: %d, not %d: %s", i, r, cases[i].result, cases[i].text);
		assert_true((r == 0) == (sdp != NULL));
		sdp_free(sdp);
	}
	sdp_free(NULL);
}

static void nul_bytes(void **) {
	static const char text[] = START "a=xyz\r\n";
	char copy[sizeof(text)];
	struct sdp *sdp;

	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		memcpy(copy, text, sizeof(text));
		copy[i] = '\0';
		assert_int_equal(parse(copy, sizeof(text) - 1, &sdp), -EBADMSG);
	}
}

static void contents(void **) {
	static const char text[] = START
		"a=group:BUNDLE 0\r\na=flag\r\na=extmap:3 session\r\n"
		"m=video 5000 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:0\r\na=extmap:3 media\r\n"
		"a=empty:\r\na=colons:a:b:c\r\nm=application 0 UDP/DTLS/SCTP "
		"webrtc-datachannel\r\n";
	struct sdp *sdp;
	char word[4];
	const char *cursor = " a  toolong b ";

	assert_int_equal(parse(text, strlen(text), &sdp), 0);
	assert_int_equal(sdp->version, 7);
	assert_int_equal(sdp->n_attrs, 3);
	assert_int_equal(sdp->n_media, 2);
	assert_string_equal(sdp->media[0].kind, "video");
	assert_int_equal(sdp->media[0].port, 5000);
	assert_string_equal(sdp->media[0].proto, "UDP/TLS/RTP/SAVPF");
	assert_string_equal(sdp->media[0].formats, "96 97");
	assert_int_equal(sdp->media[0].n_formats, 2);
	assert_int_equal(sdp->media[0].n_attrs, 4);
	assert_int_equal(sdp->media[1].n_attrs, 0);
	assert_string_equal(sdp_attr_inherited(sdp, &sdp->media[0], "extmap"), "3 media");
	assert_string_equal(sdp_attr_inherited(sdp, &sdp->media[1], "extmap"), "3 session");
	assert_string_equal(sdp_attr_inherited(sdp, NULL, "flag"), "");
	assert_string_equal(sdp_attr_inherited(sdp, &sdp->media[0], "empty"), "");
	assert_string_equal(sdp_attr_inherited(sdp, &sdp->media[0], "colons"), "a:b:c");
	assert_null(sdp_attr_inherited(sdp, &sdp->media[1], "mid"));
	sdp_free(sdp);

	assert_true(sdp_word_next(&cursor, word, sizeof(word)));
	assert_string_equal(word, "a");
	assert_true(sdp_word_next(&cursor, word, sizeof(word)));
	assert_string_equal(word, "b");
	assert_false(sdp_word_next(&cursor, word, sizeof(word)));
}

static void numbers(void **) {
	static const struct {
		const char *text;
		uint64_t max;
		int result;
		uint64_t number;
	} cases[] = {
		{"0", 0, 0, 0},
		{"1", 0, -EINVAL, 0},
		{"127", 127, 0, 127},
		{"128", 127, -EINVAL, 0},
		{"00127", 127, 0, 127},
		{"18446744073709551615", UINT64_MAX, 0, UINT64_MAX},
		{"18446744073709551616", UINT64_MAX, -EINVAL, 0},
		{"99999999999999999999999", UINT64_MAX, -EINVAL, 0},
		{"", 9, -EINVAL, 0},
		{"+1", 9, -EINVAL, 0},
		{" 1", 9, -EINVAL, 0},
		{"1 ", 9, -EINVAL, 0},
		{"0x1", 9, -EINVAL, 0},
		{"8", 7, -EINVAL, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t number = 0;

		assert_int_equal(
			sdp_number_parse(cases[i].text, cases[i].max, NULL, &number),
			cases[i].result
		);
		assert_int_equal(number, cases[i].number);
	}
}

// Repeats a line behind START until the limit is reached, and once more.
static void check_limit(const char *line, unsigned limit) {
	size_t line_len = strlen(line), start_len = strlen(START);
	char *text = malloc(start_len + (limit + 1) * line_len);
	struct sdp *sdp;
	char *p = text;

	memcpy(p, START, start_len);
	p += start_len;
	for (unsigned i = 0; i < limit + 1; i++, p += line_len)
		memcpy(p, line, line_len);
	assert_int_equal(parse(text, start_len + limit * line_len, &sdp), 0);
	sdp_free(sdp);
	assert_int_equal(parse(text, start_len + (limit + 1) * line_len, &sdp), -EBADMSG);
	free(text);
}

static void limits(void **) {
	char *text = malloc(SDP_LEN_MAX + 8);
	size_t start = strlen(START);
	struct sdp *sdp;
	int n;

	check_limit("a=x\r\n", SDP_LINES_MAX - 4);
	check_limit("m=audio 9 RTP/AVP 0\r\n", SDP_MEDIA_MAX);

	memset(text, 'x', SDP_LEN_MAX + 1);
	memcpy(text, START "a=", start + 2);
	assert_int_equal(parse(text, start + SDP_LINE_MAX, &sdp), 0);
	sdp_free(sdp);
	assert_int_equal(parse(text, start + SDP_LINE_MAX + 1, &sdp), -EBADMSG);
	for (size_t i = start + 502; i < SDP_LEN_MAX; i += 1000)
		memcpy(text + i, "\na=x", 4);
	assert_int_equal(parse(text, SDP_LEN_MAX - 50, &sdp), 0);
	sdp_free(sdp);
	assert_int_equal(parse(text, SDP_LEN_MAX + 1, &sdp), -EBADMSG);

	for (int formats = SDP_FORMATS_MAX; formats <= SDP_FORMATS_MAX + 1; formats++) {
		n = snprintf(text, SDP_LEN_MAX, START "m=audio 9 RTP/AVP");
		for (int i = 0; i < formats; i++)
			n += snprintf(text + n, (size_t)(SDP_LEN_MAX - n), " %d", i);
		sdp = NULL;
		assert_int_equal(
			parse(text, (size_t)n, &sdp), formats > SDP_FORMATS_MAX ? -EBADMSG : 0
		);
		sdp_free(sdp);
	}
	free(text);
}

static void printer(void **) {
	struct sdp_printer out = {0};
	char longer[5000];

	memset(longer, 'y', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	sdp_print_line(&out, "v=%d", 0);
	sdp_print_line(&out, "s=%s", "a\r\nm=evil\tx\x7f");
	assert_string_equal(out.text, "v=0\r\ns=a__m=evil_x_\r\n");
	for (int i = 0; i < 20; i++)
		sdp_print_line(&out, "a=%s", longer);
	assert_int_equal(out.len, strlen(out.text));
	assert_int_equal(out.len, 21 + 20 * (2 + 4999 + 2));
	assert_false(out.failed);
	free(out.text);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(nul_bytes),
		cmocka_unit_test(contents),
		cmocka_unit_test(numbers),
		cmocka_unit_test(limits),
		cmocka_unit_test(printer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
