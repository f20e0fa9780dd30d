// SPDX-License-Identifier: BSD-3-Clause

// Runs every file of a corpus folder through a fuzz target once, and then each file cut short at
// every length and with single bytes turned over, from a fixed seed: the short replay of every test
// run. argv[1]: the folder.

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUTATIONS 200
#define FILE_MAX (1 << 20)

static uint64_t random_next(uint64_t *state) {
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

// A copy of exactly n bytes, so that the sanitizer sees a read one byte too far.
static void run(const uint8_t *data, size_t n) {
	uint8_t *copy = malloc(n ? n : 1);

	if (copy == NULL)
		abort();
	memcpy(copy, data, n);
	LLVMFuzzerTestOneInput(copy, n);
	free(copy);
}

static void replay(const uint8_t *data, size_t n) {
	uint64_t state = 0x9e3779b97f4a7c15ULL + n;
	uint8_t *copy;

	run(data, n);
	for (size_t cut = 0; cut < n && cut < MUTATIONS; cut++)
		run(data, cut);
	if (n == 0)
		return;
	copy = malloc(n);
	if (copy == NULL)
		abort();
	for (int i = 0; i < MUTATIONS; i++) {
		memcpy(copy, data, n);
		for (uint64_t k = random_next(&state) % 4 + 1; k > 0; k--)
			copy[random_next(&state) % n] = (uint8_t)random_next(&state);
		run(copy, n);
	}
	free(copy);
}

int main(int argc, char **argv) {
	static uint8_t data[FILE_MAX];
	struct dirent *entry;
	unsigned n_files = 0;
	DIR *dir;

	if (argc != 2) {
		fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
		return 2;
	}
	dir = opendir(argv[1]);
	if (dir == NULL) {
		fprintf(stderr, "%s: %s\n", argv[1], strerror(errno));
		return 2;
	}
	while ((entry = readdir(dir)) != NULL) {
		char path[4096];
		FILE *file;
		size_t n;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
		file = fopen(path, "rb");
		if (file == NULL) {
			fprintf(stderr, "%s: %s\n", path, strerror(errno));
			return 2;
		}
		n = fread(data, 1, sizeof(data), file);
		fclose(file);
		replay(data, n);
		n_files++;
	}
	closedir(dir);
	if (n_files == 0) {
		fprintf(stderr, "%s: no inputs\n", argv[1]);
		return 1;
	}
	printf("%u inputs replayed\n", n_files);
	return 0;
}
