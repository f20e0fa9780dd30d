// SPDX-License-Identifier: BSD-3-Clause

#include "sdp.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// token-char of RFC 8866 section 9.
static bool is_token_char(unsigned char c) {
	return c == 0x21 || (c >= 0x23 && c <= 0x27) || c == 0x2a || c == 0x2b || c == 0x2d
		|| c == 0x2e || (c >= 0x30 && c <= 0x39) || (c >= 0x41 && c <= 0x5a)
		|| (c >= 0x5e && c <= 0x7e);
}

bool sdp_is_token(const char *text) {
	const unsigned char *p = (const unsigned char *)text;

	if (*p == '\0')
		return false;
	for (; *p != '\0'; p++)
		if (!is_token_char(*p))
			return false;
	return true;
}

int sdp_number_parse(const char *text, uint64_t max, const char **ret_end, uint64_t *ret_number) {
	uint64_t number = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++) {
		unsigned digit = (unsigned)(*p - '0');

		if (number > (max - digit) / 10 || digit > max)
			return -EINVAL;
		number = number * 10 + digit;
	}
	if (p == text || (ret_end == NULL && *p != '\0'))
		return -EINVAL;
	if (ret_end != NULL)
		*ret_end = p;
	*ret_number = number;
	return 0;
}

bool sdp_word_next(const char **cursor, char *word, size_t word_len) {
	for (;;) {
		const char *start = *cursor + strspn(*cursor, " ");
		size_t len = strcspn(start, " ");

		*cursor = start + len;
		if (len == 0)
			return false;
		if (len >= word_len)
			continue;
		memcpy(word, start, len);
		word[len] = '\0';
		return true;
	}
}

const char *sdp_attr_find(const struct sdp_attr *attrs, unsigned n_attrs, const char *name) {
	for (unsigned i = 0; i < n_attrs; i++)
		if (strcmp(attrs[i].name, name) == 0)
			return attrs[i].value;
	return NULL;
}

const char *sdp_attr_inherited(
	const struct sdp *sdp,
	const struct sdp_media *media,
	const char *name
) {
	const char *value = NULL;

	if (media != NULL)
		value = sdp_attr_find(media->attrs, media->n_attrs, name);
	if (value == NULL)
		value = sdp_attr_find(sdp->attrs, sdp->n_attrs, name);
	return value;
}

// ---------------------------------------------------------------------------- parser

struct parser {
	struct sdp *sdp;
	unsigned n_attrs; // filled of sdp->all_attrs
	size_t rank; // of the newest line's type in the order of its level
	char *error;
	size_t error_len;
};

__attribute__((format(printf, 2, 3))) static int bad(
	struct parser *parser,
	const char *format,
	...
) {
	va_list args;

	if (parser->error_len > 0) {
		va_start(args, format);
		vsnprintf(parser->error, parser->error_len, format, args);
		va_end(args);
	}
	return -EBADMSG;
}

// Cuts the next word off at *cursor: NUL-terminates it and moves on. NULL at the end or at two
// spaces in a row.
static char *word_cut(char **cursor) {
	char *word = *cursor, *space;

	if (word == NULL || *word == ' ' || *word == '\0')
		return NULL;
	space = strchr(word, ' ');
	if (space != NULL)
		*space++ = '\0';
	*cursor = space;
	return word;
}

// "<username> <sess-id> <sess-version> <nettype> <addrtype> <address>". Only the version is used.
static int parse_origin(struct parser *parser, char *value, unsigned line) {
	char *words[6], *cursor = value;

	for (unsigned i = 0; i < 6; i++) {
		words[i] = word_cut(&cursor);
		if (words[i] == NULL)
			return bad(parser, "SDP line %u: o= needs six fields.", line);
	}
	// Must fit a signed 64-bit number (RFC 8829 section 5.2.1).
	if (cursor != NULL
	    || sdp_number_parse(words[2], INT64_MAX, NULL, &parser->sdp->version) < 0)
		return bad(parser, "SDP line %u: o= has a bad session version.", line);
	return 0;
}

// proto = token *("/" token)
static bool is_proto(const char *text) {
	bool in_token = false;

	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '/' && in_token)
			in_token = false;
		else if (is_token_char((unsigned char)*p))
			in_token = true;
		else
			return false;
	}
	return in_token;
}

// "<media> <port>[/<count>] <proto> <fmt> ..."
static int parse_media(struct parser *parser, char *value, unsigned line) {
	struct sdp *sdp = parser->sdp;
	struct sdp_media *media = &sdp->media[sdp->n_media];
	char *cursor = value, *port;
	uint64_t number, count;
	const char *end;

	if (sdp->n_media == SDP_MEDIA_MAX)
		return bad(parser, "More than %d media sections.", SDP_MEDIA_MAX);
	media->kind = word_cut(&cursor);
	port = word_cut(&cursor);
	media->proto = word_cut(&cursor);
	media->formats = cursor;
	if (media->kind == NULL || port == NULL || media->proto == NULL || cursor == NULL)
		return bad(
			parser, "SDP line %u: m= needs media, port, protocol and formats.", line
		);
	if (!sdp_is_token(media->kind) || !is_proto(media->proto))
		return bad(parser, "SDP line %u: m= has a bad media type or protocol.", line);
	if (sdp_number_parse(port, UINT16_MAX, &end, &number) < 0
	    || (*end != '\0' && (*end != '/' || sdp_number_parse(end + 1, 99, NULL, &count) < 0)))
		return bad(parser, "SDP line %u: m= has a bad port.", line);
	media->port = (uint16_t)number;
	for (const char *p = cursor;; p++) {
		const char *start = p;

		while (is_token_char((unsigned char)*p))
			p++;
		if (p == start || (*p != ' ' && *p != '\0'))
			return bad(parser, "SDP line %u: m= has a bad format.", line);
		if (++media->n_formats > SDP_FORMATS_MAX)
			return bad(
				parser, "SDP line %u: more than %d formats.", line, SDP_FORMATS_MAX
			);
		if (*p == '\0')
			break;
	}
	media->attrs = &sdp->all_attrs[parser->n_attrs];
	sdp->n_media++;
	return 0;
}

static int parse_attr(struct parser *parser, char *value, unsigned line) {
	struct sdp *sdp = parser->sdp;
	struct sdp_attr *attr = &sdp->all_attrs[parser->n_attrs];
	char *colon = strchr(value, ':');

	if (colon != NULL)
		*colon = '\0';
	if (!sdp_is_token(value))
		return bad(parser, "SDP line %u: bad attribute name.", line);
	attr->name = value;
	attr->value = colon != NULL ? colon + 1 : "";
	parser->n_attrs++;
	if (sdp->n_media > 0)
		sdp->media[sdp->n_media - 1].n_attrs++;
	else
		sdp->n_attrs++;
	return 0;
}

// Session level lines come in this order (RFC 8866 section 5); r= belongs to its t=.
static const char session_order[] = "vosiuepcbtzka";
static const char media_types[] = "icbka";

// One line, NUL-terminated, number line from 1.
static int parse_line(struct parser *parser, char *text, unsigned line) {
	struct sdp *sdp = parser->sdp;
	char type = text[0];
	const char *place;

	if (type == '\0' || text[1] != '=')
		return bad(parser, "SDP line %u is not of the form x=value.", line);
	if (line <= 3 && type != session_order[line - 1])
		return bad(parser, "SDP does not begin with v=, o= and s= lines.");
	if (line == 1 && strcmp(text, "v=0") != 0)
		return bad(parser, "SDP version is not 0.");
	if (line == 2)
		return parse_origin(parser, text + 2, line);
	if (type == 'm') {
		if (parser->rank < (size_t)(strchr(session_order, 't') - session_order))
			return bad(parser, "SDP has no t= line.");
		return parse_media(parser, text + 2, line);
	}
	if (sdp->n_media > 0) {
		if (strchr(media_types, type) == NULL)
			return bad(
				parser,
				"SDP line %u: %c= is not allowed in a media section.",
				line,
				type
			);
	} else {
		place = strchr(session_order, type == 'r' ? 't' : type);
		if (place == NULL || (size_t)(place - session_order) < parser->rank
		    || (line > 3 && place < session_order + 3))
			return bad(
				parser, "SDP line %u: a line of this type may not be here.", line
			);
		parser->rank = (size_t)(place - session_order);
	}
	return type == 'a' ? parse_attr(parser, text + 2, line) : 0;
}

// Cuts the text into lines and parses each. Lines were counted before: all_attrs is large enough.
static int parse_lines(struct parser *parser, size_t len) {
	char *p = parser->sdp->text, *end = p + len;

	for (unsigned line = 1; p < end; line++) {
		char *newline = memchr(p, '\n', (size_t)(end - p));
		char *line_end = newline != NULL ? newline : end;
		int r;

		if (line_end > p && line_end[-1] == '\r')
			line_end--;
		*line_end = '\0';
		if (line_end - p > SDP_LINE_MAX)
			return bad(
				parser, "SDP line %u is longer than %d bytes.", line, SDP_LINE_MAX
			);
		if (memchr(p, '\r', (size_t)(line_end - p)) != NULL)
			return bad(parser, "SDP line %u has a stray carriage return.", line);
		// The type's character goes into error sentences: letters only.
		if (*p < 'a' || *p > 'z')
			return bad(parser, "SDP line %u is not of the form x=value.", line);
		r = parse_line(parser, p, line);
		if (r < 0)
			return r;
		p = newline != NULL ? newline + 1 : end;
	}
	return 0;
}

int sdp_parse(const char *text, size_t len, struct sdp **ret_sdp, char *error, size_t error_len) {
	struct parser parser = {.error = error, .error_len = error_len};
	unsigned n_lines = 1;
	struct sdp *sdp;
	int r;

	if (len > SDP_LEN_MAX)
		return bad(&parser, "SDP is longer than %d KiB.", SDP_LEN_MAX / 1024);
	if (memchr(text, '\0', len) != NULL)
		return bad(&parser, "SDP holds a NUL byte.");
	// Empty lines at the end are common where people paste text.
	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	if (len == 0)
		return bad(&parser, "SDP is empty.");
	for (size_t i = 0; i < len; i++)
		n_lines += text[i] == '\n';
	if (n_lines > SDP_LINES_MAX)
		return bad(&parser, "SDP has more than %d lines.", SDP_LINES_MAX);

	sdp = calloc(1, sizeof(*sdp));
	if (sdp == NULL)
		return -ENOMEM;
	sdp->text = malloc(len + 1);
	sdp->all_attrs = calloc(n_lines, sizeof(*sdp->all_attrs));
	if (sdp->text == NULL || sdp->all_attrs == NULL) {
		sdp_free(sdp);
		return -ENOMEM;
	}
	memcpy(sdp->text, text, len);
	sdp->text[len] = '\0';
	sdp->attrs = sdp->all_attrs;
	parser.sdp = sdp;
	r = parse_lines(&parser, len);
	if (r == 0 && n_lines < 4)
		r = bad(&parser, "SDP does not begin with v=, o=, s= and t= lines.");
	if (r < 0) {
		sdp_free(sdp);
		return r;
	}
	*ret_sdp = sdp;
	return 0;
}

void sdp_free(struct sdp *sdp) {
	if (sdp == NULL)
		return;
	free(sdp->text);
	free(sdp->all_attrs);
	free(sdp);
}

// ---------------------------------------------------------------------------- printer

static bool printer_reserve(struct sdp_printer *printer, size_t n) {
	size_t size = printer->size ? printer->size : 2048;
	char *text;

	while (size - printer->len < n)
		size *= 2;
	if (size == printer->size)
		return true;
	text = realloc(printer->text, size);
	if (text == NULL) {
		printer->failed = true;
		return false;
	}
	printer->text = text;
	printer->size = size;
	return true;
}

void sdp_print_line(struct sdp_printer *printer, const char *format, ...) {
	va_list args;
	int n;

	if (printer->failed)
		return;
	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0) {
		printer->failed = true;
		return;
	}
	if (!printer_reserve(printer, (size_t)n + 3))
		return;
	va_start(args, format);
	vsnprintf(printer->text + printer->len, (size_t)n + 1, format, args);
	va_end(args);
	for (char *p = printer->text + printer->len; n > 0; p++, n--) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '_';
		printer->len++;
	}
	memcpy(printer->text + printer->len, "\r\n", 3);
	printer->len += 2;
}
