// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The structs of the API's lists, field by field: one table of each gives the JSON (all fields, raw
// values) and the table for people (fields with a title, in units).

#include "columns.h"

#include <jansson.h>

#include <stddef.h>
#include <stdint.h>

enum field_form {
	FORM_COUNT, // a number
	FORM_PLAIN, // a number that is never shortened (index, port)
	FORM_BYTES,
	FORM_BITRATE,
	FORM_US,
	FORM_MS,
	FORM_PERMILLE,
	FORM_ID, // JSON: 16 hex digits, a string
	FORM_WORKER, // 255 = none
	FORM_BOOL,
	FORM_TEXT, // char array
	FORM_MAC,
	FORM_ADDR, // struct plm_addr
	FORM_STATE, // enum plm_transport_state
	FORM_KIND,
	FORM_CODEC,
	FORM_SUITE,
	FORM_LEVEL, // audio level
};

struct field {
	const char *name; // in JSON
	const char *title; // for people; NULL = JSON only
	uint16_t offset;
	uint16_t size;
	enum field_form form;
};

#define FIELD(structure, member, title, form)                                                      \
	{                                                                                          \
#member, title, offsetof(struct structure, member),                                \
			sizeof(((struct structure *)0)->member), FORM_##form                       \
	}
#define FIELDS_END                                                                                 \
	{ 0 }

json_t *fields_json(const struct field *fields, const void *item);
void fields_titles(const struct field *fields, struct columns *columns);
void fields_row(const struct field *fields, const void *item, struct columns *columns);
// The value of a field of 1, 2, 4 or 8 bytes.
uint64_t field_number(const struct field *field, const void *item);

// Ended by a field without name.
extern const struct field transport_fields[];
extern const struct field producer_fields[];
extern const struct field consumer_fields[];
extern const struct field worker_fields[]; // without stages
extern const struct field port_fields[];
extern const struct field drop_fields[];
