// SPDX-License-Identifier: BSD-3-Clause

// plenumctl token: a token for a client, for tests and demonstrations.

#include "auth.h"
#include "plenumctl.h"

#include <plm_secret.h>

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define EXPIRES_DEFAULT_S 600
#define EXPIRES_MAX_S (10L * 365 * 86400)
#define SECRET_MAX 1024 // as plenum-control has it (tokens.c)

// The first line of the file. A key on the command line would be seen by everyone on the machine.
static int secret_read(const char *path, char secret[SECRET_MAX]) {
	FILE *file = fopen(path, "r");
	char *line;

	if (file == NULL) {
		fprintf(stderr, "plenumctl: %s: %s\n", path, strerror(errno));
		return -1;
	}
	setvbuf(file, NULL, _IONBF, 0); // no second copy of it in memory
	line = fgets(secret, SECRET_MAX, file);
	fclose(file);
	if (line == NULL) {
		fprintf(stderr, "plenumctl: %s: empty\n", path);
		return -1;
	}
	secret[strcspn(secret, "\r\n")] = '\0';
	return 0;
}

// "create,publish,view". 0 or -EINVAL.
static int can_parse(const char *list, struct rooms_identity *identity) {
	while (*list != '\0') {
		const size_t len = strcspn(list, ",");

		if (len == 6 && memcmp(list, "create", len) == 0)
			identity->may_create = true;
		else if (len == 7 && memcmp(list, "publish", len) == 0)
			identity->may_publish = true;
		else if (len == 4 && memcmp(list, "view", len) == 0)
			identity->may_view = true;
		else
			return -EINVAL;
		list += len;
		list += *list == ',';
	}
	return 0;
}

static int id_copy(char *ret_id, const char *text) {
	if (strlen(text) > ROOMS_ID_MAX)
		return -EINVAL;
	strcpy(ret_id, text);
	return 0;
}

static int make(
	const struct options *options,
	const struct rooms_identity *identity,
	char *secret
) {
	const struct auth_config config = {.algorithm = "HS256", .secret = secret};
	char error[256] = "";
	struct auth *auth;
	char *token;
	int r;

	auth = auth_new(&config, error, sizeof(error));
	if (auth == NULL) {
		fprintf(stderr, "plenumctl: %s\n", error);
		return EXIT_FAILED;
	}
	token = auth_make(auth, identity, time(NULL));
	auth_free(auth);
	if (token == NULL) {
		fprintf(stderr, "plenumctl: no token for this user and room: %s\n", strerror(errno)
		);
		return EXIT_FAILED;
	}
	if (options->json) {
		r = json_print(json_pack("{s:s}", "token", token));
	} else {
		puts(token);
		r = EXIT_GOOD;
	}
	free(token);
	return r;
}

int cmd_token(const struct options *options, int argc, char **argv) {
	struct rooms_identity identity = {.room = "*"};
	const char *key_file = NULL, *can = "create,publish,view";
	long expires_s = EXPIRES_DEFAULT_S;
	char secret[SECRET_MAX], *end;
	int c, r = 0;

	while (r == 0 && (c = getopt(argc + 1, argv - 1, "u:r:k:c:e:")) != -1) {
		switch (c) {
		case 'u':
			r = id_copy(identity.user_id, optarg);
			break;
		case 'r':
			r = id_copy(identity.room, optarg);
			break;
		case 'k':
			key_file = optarg;
			break;
		case 'c':
			can = optarg;
			break;
		case 'e':
			expires_s = strtol(optarg, &end, 10);
			if (*end != '\0' || expires_s < 1 || expires_s > EXPIRES_MAX_S)
				r = -EINVAL;
			break;
		default:
			r = -EINVAL;
		}
	}
	if (r < 0 || identity.user_id[0] == '\0' || key_file == NULL
	    || can_parse(can, &identity) < 0) {
		fprintf(stderr,
			"plenumctl: token -u USER -k KEYFILE [-r ROOM] [-c create,publish,view] "
			"[-e SECONDS]\n");
		return EXIT_USAGE;
	}
	identity.expires_at = time(NULL) + expires_s;
	if (secret_read(key_file, secret) < 0)
		return EXIT_FAILED;
	r = make(options, &identity, secret);
	plm_wipe(secret, sizeof(secret));
	return r;
}
