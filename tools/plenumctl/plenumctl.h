// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The operator's command line: what its commands share.

#include "fields.h"

#include <plm_api.h>

#include <jansson.h>

#include <stdbool.h>

#define DEFAULT_SOCKET "/run/plenum/dataplane.sock"
#define DEFAULT_ADMIN "127.0.0.1:9080"

// Exit codes.
enum {
	EXIT_GOOD = 0,
	EXIT_FAILED = 1, // asked, and refused or failed
	EXIT_USAGE = 2,
	EXIT_ABSENT = 3, // the daemon is not there
};

struct plm_api_client;

struct options {
	const char *socket;
	const char *admin; // HOST:PORT
	bool json;
};

// Connects to the dataplane as observer. NULL when it could not: the user was told, *ret_exit is
// set.
struct plm_api_client *dataplane_open(
	const struct options *options,
	struct plm_hello_rep *ret_hello,
	int *ret_exit
);

// Lists into a JSON array (json != NULL) or into a table; returns an exit code, errors were told.
// keep: NULL, or says which items count.
int list_collect(
	struct plm_api_client *client,
	uint16_t type,
	const struct field *fields,
	bool (*keep)(const void *item),
	json_t *json,
	struct columns *columns
);

// Tells the user what went wrong with a call. Returns EXIT_FAILED or EXIT_ABSENT.
int call_failed(const char *what, int error);

// Prints and frees. Returns an exit code.
int json_print(json_t *json);
int columns_finish(struct columns *columns, const char *when_empty);

// GET http://admin/path, parsed. NULL: the user was told, *ret_exit is set.
json_t *admin_get(const char *admin, const char *path, int *ret_exit);

int cmd_overview(const struct options *options, int argc, char **argv);
int cmd_rooms(const struct options *options, int argc, char **argv);
int cmd_transports(const struct options *options, int argc, char **argv);
int cmd_producers(const struct options *options, int argc, char **argv);
int cmd_consumers(const struct options *options, int argc, char **argv);
int cmd_workers(const struct options *options, int argc, char **argv);
int cmd_drops(const struct options *options, int argc, char **argv);
int cmd_ports(const struct options *options, int argc, char **argv);
int cmd_trace(const struct options *options, int argc, char **argv);
int cmd_token(const struct options *options, int argc, char **argv);
