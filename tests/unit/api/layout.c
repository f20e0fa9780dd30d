// SPDX-License-Identifier: BSD-3-Clause

// The layout of every struct of the API, compared with layout.golden, whose first line is the
// version it belongs to. Usage: layout GOLDEN, or layout --print to write a new one.

#include "layout_list.h"

#include <plm_api.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct row {
	const char *structure;
	const char *field; // NULL: the struct itself
	size_t offset;
	size_t size;
} rows[] = {
#define STRUCT(s) {#s, NULL, 0, sizeof(struct s)},
#define FIELD(s, f) {#s, #f, offsetof(struct s, f), sizeof(((struct s *)0)->f)},
	LAYOUT(STRUCT, FIELD)
#undef STRUCT
#undef FIELD
};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static void print(FILE *out) {
	fprintf(out, "version %d\n", PLM_API_VERSION);
	for (size_t i = 0; i < N_ROWS; i++) {
		if (rows[i].field == NULL)
			fprintf(out, "%s size %zu\n", rows[i].structure, rows[i].size);
		else
			fprintf(out,
				"  %s offset %zu size %zu\n",
				rows[i].field,
				rows[i].offset,
				rows[i].size);
	}
}

// Fields follow each other without gaps and fill their struct: no hidden padding, no field that the
// list forgot.
static bool no_gaps(void) {
	bool good = true;
	size_t end = 0;

	for (size_t i = 0; i < N_ROWS; i++) {
		if (rows[i].field == NULL) {
			end = 0;
		} else if (rows[i].offset != end) {
			printf("%s: hidden padding before %s\n", rows[i].structure, rows[i].field);
			good = false;
		}
		if (rows[i].field != NULL)
			end = rows[i].offset + rows[i].size;
		if (i + 1 == N_ROWS || rows[i + 1].field == NULL) {
			size_t size = 0;

			for (size_t k = i + 1; k-- > 0;) {
				if (rows[k].field == NULL) {
					size = rows[k].size;
					break;
				}
			}
			if (end != size) {
				printf("%s: hidden padding at its end\n", rows[i].structure);
				good = false;
			}
		}
	}
	return good;
}

static bool is_listed(const char *structure) {
	for (size_t i = 0; i < N_ROWS; i++) {
		if (strcmp(rows[i].structure, structure) == 0)
			return true;
	}
	printf("struct %s is not in layout_list.h\n", structure);
	return false;
}

static bool all_messages_listed(void) {
	bool good = true;

#define X(name, number, req, rep) good = is_listed(#req) && is_listed(#rep) && good;
	PLM_API_MESSAGES(X)
#undef X
	return good;
}

static char *file_read(const char *path) {
	FILE *file = fopen(path, "r");
	char *text = calloc(1, 65536);

	if (file == NULL || text == NULL) {
		perror(path);
		exit(1);
	}
	if (fread(text, 1, 65535, file) == 0)
		printf("%s: empty\n", path);
	fclose(file);
	return text;
}

int main(int argc, char **argv) {
	char *golden, *now = NULL;
	unsigned version = 0;
	size_t len;
	FILE *out;
	int r = 1;

	if (argc == 2 && strcmp(argv[1], "--print") == 0) {
		print(stdout);
		return 0;
	}
	if (argc != 2) {
		fprintf(stderr, "usage: %s GOLDEN | --print\n", argv[0]);
		return 2;
	}
	golden = file_read(argv[1]);
	out = open_memstream(&now, &len);
	if (out == NULL)
		return 1;
	print(out);
	fclose(out);
	if (sscanf(golden, "version %u", &version) != 1)
		printf("%s: the first line is not its version\n", argv[1]);
	else if (strcmp(golden, now) == 0)
		r = no_gaps() && all_messages_listed() ? 0 : 1;
	else if (version == PLM_API_VERSION)
		printf("The layout of plm_api.h changed and PLM_API_VERSION is still %d: raise "
		       "it.\n",
		       PLM_API_VERSION);
	else
		printf("The layout is of version %u, the header of %d.\n", version, PLM_API_VERSION
		);
	if (strcmp(golden, now) != 0)
		printf("With the version raised, write the new layout with\n"
		       "  build/tests/unit/api/layout --print > tests/unit/api/layout.golden\n");
	free(golden);
	free(now);
	return r;
}
