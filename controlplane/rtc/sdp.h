// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// SDP (RFC 8866): a bounded parser, look-ups, and a printer. Knows lines and attributes, nothing of
// offers and answers. Pure: no clock, I/O, log or global.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SDP_LEN_MAX (256 * 1024)
#define SDP_LINES_MAX 2000
#define SDP_LINE_MAX 4096 // bytes of one line without its end
#define SDP_MEDIA_MAX 32
#define SDP_FORMATS_MAX 128 // of one m= line

// "a=name:value"; value is "" for "a=name".
struct sdp_attr {
	const char *name;
	const char *value;
};

// One m= section. kind and proto are RFC 8866 tokens, formats is "96 97 98": tokens, single spaces.
struct sdp_media {
	const char *kind;
	uint16_t port;
	const char *proto;
	const char *formats;
	unsigned n_formats;
	const struct sdp_attr *attrs;
	unsigned n_attrs;
};

// A parsed description. All strings live in it until sdp_free.
struct sdp {
	uint64_t version; // sess-version of o=
	const struct sdp_attr *attrs; // of the session level
	unsigned n_attrs;
	struct sdp_media media[SDP_MEDIA_MAX];
	unsigned n_media;
	char *text; // the copy that everything points into
	struct sdp_attr *all_attrs;
};

// Parses len bytes (no NUL needed at the end). Lines may end in CRLF or LF. Returns 0, -ENOMEM, or
// -EBADMSG with one sentence for people in error. *ret_sdp is to be freed with sdp_free.
int sdp_parse(const char *text, size_t len, struct sdp **ret_sdp, char *error, size_t error_len);
void sdp_free(struct sdp *sdp);

// Value of the first attribute of this name, or NULL.
const char *sdp_attr_find(const struct sdp_attr *attrs, unsigned n_attrs, const char *name);

// Looks in the section first, then in the session level (media may be NULL: session only).
const char *sdp_attr_inherited(
	const struct sdp *sdp,
	const struct sdp_media *media,
	const char *name
);

// The next word of a list parted by spaces: copies it to word and moves *cursor behind it. False at
// the end. A word that does not fit is skipped.
bool sdp_word_next(const char **cursor, char *word, size_t word_len);

// Decimal digits only, at most max. *ret_end (may be NULL: then the text must end there) is the
// first character after them. Returns 0 or -EINVAL.
int sdp_number_parse(const char *text, uint64_t max, const char **ret_end, uint64_t *ret_number);

// True for 1.. characters of token (RFC 8866 section 9).
bool sdp_is_token(const char *text);

// A growing text of CRLF lines. Zeroed at first.
struct sdp_printer {
	char *text; // NULL or NUL-terminated; to free()
	size_t len;
	size_t size;
	bool failed; // out of memory: later lines are ignored
};

// Appends one line. What is printed must hold no line ends: a control character becomes '_'.
void sdp_print_line(struct sdp_printer *printer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
