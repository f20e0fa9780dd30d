// SPDX-License-Identifier: BSD-3-Clause

#include "tokens.h"

#include <plm_secret.h>

#include <openssl/rand.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SECRET_TEXT_MAX 1024
#define DEMO_SECRET_BYTES 32

static int secret_make(char text[SECRET_TEXT_MAX]) {
	uint8_t bytes[DEMO_SECRET_BYTES];

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return -EIO;
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	plm_wipe(bytes, sizeof(bytes));
	return 0;
}

static int secret_read(
	const char *path,
	char text[SECRET_TEXT_MAX],
	char *error,
	size_t error_len
) {
	FILE *file = fopen(path, "re");
	struct stat st;
	int err = 0;

	if (file == NULL) {
		err = -errno;
		snprintf(error, error_len, "%s: %s", path, strerror(-err));
		return err;
	}
	setvbuf(file, NULL, _IONBF, 0); // no copy in a buffer of libc
	if (fstat(fileno(file), &st) == 0 && (st.st_mode & (S_IROTH | S_IWOTH | S_IWGRP)) != 0) {
		snprintf(
			error,
			error_len,
			"%s: mode %04o lets others at the secret: chmod 0600",
			path,
			(unsigned)st.st_mode & 07777
		);
		err = -EACCES;
	} else if (fgets(text, SECRET_TEXT_MAX, file) == NULL) {
		snprintf(error, error_len, "%s: empty", path);
		err = -EINVAL;
	} else {
		text[strcspn(text, "\r\n")] = '\0';
	}
	fclose(file);
	return err;
}

struct auth *tokens_open(const struct config *config, char *error, size_t error_len) {
	char text[SECRET_TEXT_MAX] = "", why[160] = "";
	struct auth_config auth_config = {.algorithm = config->auth.algorithm};
	struct auth *auth = NULL;
	int err = 0;

	if (config->auth.demo) {
		auth_config.algorithm = "HS256";
		err = secret_make(text);
		if (err < 0)
			snprintf(error, error_len, "no randomness for the demo's secret");
		auth_config.secret = text;
	} else if (config->auth.secret[0] != '\0') {
		auth_config.secret = config->auth.secret;
	} else if (config->auth.secret_file[0] != '\0') {
		err = secret_read(config->auth.secret_file, text, error, error_len);
		auth_config.secret = text;
	} else {
		auth_config.key_file = config->auth.key_file;
	}
	if (err == 0) {
		auth = auth_new(&auth_config, why, sizeof(why));
		err = auth == NULL ? -errno : 0;
		if (auth == NULL)
			snprintf(
				error,
				error_len,
				"control.auth%s%s: %s",
				config->auth.secret_file[0] != '\0' ? ".secret_file " : "",
				config->auth.secret_file,
				why
			);
	}
	plm_wipe(text, sizeof(text));
	errno = -err;
	return auth;
}
