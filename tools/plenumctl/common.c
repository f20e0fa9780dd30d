// SPDX-License-Identifier: BSD-3-Clause

#include "plenumctl.h"

#include <plm_api_client.h>
#include <plm_api_codec.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct plm_api_client *dataplane_open(
	const struct options *options,
	struct plm_hello_rep *ret_hello,
	int *ret_exit
) {
	struct plm_api_client *client;

	client = plm_api_client_open(options->socket, PLM_ROLE_OBSERVER, 0, "plenumctl", ret_hello);
	if (client != NULL)
		return client;
	*ret_exit = EXIT_ABSENT;
	switch (errno) {
	case ENOENT:
	case ECONNREFUSED:
		fprintf(stderr,
			"plenumctl: no dataplane at %s: is plenum-dataplane running? (-s names "
			"another socket)\n",
			options->socket);
		break;
	case EACCES:
		fprintf(stderr,
			"plenumctl: %s: not allowed; run as root or in the group of the socket\n",
			options->socket);
		*ret_exit = EXIT_FAILED;
		break;
	case EPROTO:
		fprintf(stderr,
			"plenumctl: the dataplane at %s speaks another version of the API\n",
			options->socket);
		*ret_exit = EXIT_FAILED;
		break;
	default:
		fprintf(stderr, "plenumctl: %s: %s\n", options->socket, strerror(errno));
	}
	return NULL;
}

int call_failed(const char *what, int error) {
	fprintf(stderr, "plenumctl: %s: %s\n", what, strerror(-error));
	return error == -ECONNRESET || error == -ETIMEDOUT ? EXIT_ABSENT : EXIT_FAILED;
}

struct collection {
	const struct field *fields;
	bool (*keep)(const void *item);
	json_t *json;
	struct columns *columns;
};

static int collect(void *user, const void *item, size_t) {
	const struct collection *collection = user;

	if (collection->keep != NULL && !collection->keep(item))
		return 0;
	if (collection->json != NULL)
		json_array_append_new(collection->json, fields_json(collection->fields, item));
	if (collection->columns != NULL)
		fields_row(collection->fields, item, collection->columns);
	return 0;
}

int list_collect(
	struct plm_api_client *client,
	uint16_t type,
	const struct field *fields,
	bool (*keep)(const void *item),
	json_t *json,
	struct columns *columns
) {
	struct collection collection = {fields, keep, json, columns};
	int r;

	if (columns != NULL)
		fields_titles(fields, columns);
	r = plm_api_list(client, type, 0, collect, &collection);
	return r < 0 ? call_failed(plm_api_type_name(type), r) : EXIT_GOOD;
}

int json_print(json_t *json) {
	int r = json != NULL ? json_dumpf(json, stdout, JSON_INDENT(2)) : -1;

	json_decref(json);
	if (r < 0) {
		fprintf(stderr, "plenumctl: out of memory\n");
		return EXIT_FAILED;
	}
	putchar('\n');
	return EXIT_GOOD;
}

int columns_finish(struct columns *columns, const char *when_empty) {
	int r;

	if (columns == NULL) {
		fprintf(stderr, "plenumctl: out of memory\n");
		return EXIT_FAILED;
	}
	if (columns_rows(columns) == 0 && when_empty != NULL)
		printf("%s\n", when_empty);
	r = columns_print(columns, stdout);
	columns_free(columns);
	return r < 0 ? EXIT_FAILED : EXIT_GOOD;
}
