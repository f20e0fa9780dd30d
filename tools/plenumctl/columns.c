// SPDX-License-Identifier: BSD-3-Clause

#include "columns.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 32

struct columns {
	unsigned n_columns;
	struct {
		const char *title;
		bool right;
	} heads[COLUMNS_MAX];
	char **cells;
	size_t n_cells, room;
	bool failed;
};

struct columns *columns_new(void) {
	return calloc(1, sizeof(struct columns));
}

void columns_free(struct columns *columns) {
	if (columns == NULL)
		return;
	for (size_t i = 0; i < columns->n_cells; i++)
		free(columns->cells[i]);
	free(columns->cells);
	free(columns);
}

void columns_title(struct columns *columns, const char *title, int right) {
	if (columns->n_columns == COLUMNS_MAX)
		abort(); // a table in this program is wrong
	columns->heads[columns->n_columns].title = title;
	columns->heads[columns->n_columns++].right = right;
}

void columns_cell(struct columns *columns, const char *text) {
	if (columns->n_cells == columns->room) {
		size_t room = columns->room ? columns->room * 2 : 64;
		char **cells = realloc(columns->cells, room * sizeof(*cells));

		if (cells == NULL) {
			columns->failed = true;
			return;
		}
		columns->cells = cells;
		columns->room = room;
	}
	columns->cells[columns->n_cells] = strdup(text);
	if (columns->cells[columns->n_cells] == NULL)
		columns->failed = true;
	else
		columns->n_cells++;
}

size_t columns_rows(const struct columns *columns) {
	return columns->n_columns > 0 ? columns->n_cells / columns->n_columns : 0;
}

// Characters, not bytes (RFC 3629).
static size_t width(const char *text) {
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static void row_print(
	const struct columns *columns,
	const size_t *widths,
	const char *const *cells,
	FILE *out
) {
	for (unsigned i = 0; i < columns->n_columns; i++) {
		const int pad = (int)(widths[i] - width(cells[i]));
		const bool last = i + 1 == columns->n_columns;

		if (columns->heads[i].right)
			fprintf(out, "%*s%s", pad, "", cells[i]);
		else
			fprintf(out, "%s%*s", cells[i], last ? 0 : pad, "");
		fputs(last ? "\n" : "  ", out);
	}
}

int columns_print(const struct columns *columns, FILE *out) {
	const char *titles[COLUMNS_MAX];
	size_t widths[COLUMNS_MAX];

	if (columns->failed)
		return -ENOMEM;
	if (columns_rows(columns) == 0)
		return 0;
	for (unsigned i = 0; i < columns->n_columns; i++) {
		titles[i] = columns->heads[i].title;
		widths[i] = width(titles[i]);
	}
	for (size_t i = 0; i < columns->n_cells; i++) {
		const size_t w = width(columns->cells[i]);

		if (w > widths[i % columns->n_columns])
			widths[i % columns->n_columns] = w;
	}
	row_print(columns, widths, titles, out);
	for (size_t i = 0; i + columns->n_columns <= columns->n_cells; i += columns->n_columns)
		row_print(columns, widths, (const char *const *)&columns->cells[i], out);
	return 0;
}
