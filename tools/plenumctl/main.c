// SPDX-License-Identifier: BSD-3-Clause

// plenumctl: shows what the dataplane and the control plane do.

#include "plenumctl.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The one list of commands; help is made of it.
static const struct command {
	const char *verb;
	const char *noun; // NULL = none
	int (*run)(const struct options *options, int argc, char **argv);
	const char *arguments;
	const char *help;
} commands[] = {
	{"show", NULL, cmd_overview, "", "an overview; what runs without a command"},
	{"show", "rooms", cmd_rooms, "[ROOM]", "rooms of control, or the streams of one"},
	{"show", "transports", cmd_transports, "", "WebRTC connections of the dataplane"},
	{"show", "producers", cmd_producers, "", "streams it receives"},
	{"show", "consumers", cmd_consumers, "", "streams it sends"},
	{"show", "workers", cmd_workers, "", "worker cores, and the cost of each stage"},
	{"show", "drops", cmd_drops, "", "why packets were dropped"},
	{"show", "ports", cmd_ports, "", "network ports"},
	{"trace", NULL, cmd_trace, "[-n N] [-t TRANSPORT]", "what happened to the next N packets"},
	{"token",
	 NULL,
	 cmd_token,
	 "-u USER -k KEYFILE [-r ROOM] [-c create,publish,view] [-e SECONDS]",
	 "makes a token (HS256; the key is read from KEYFILE)"},
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void help(FILE *out) {
	fprintf(out,
		"Usage: plenumctl [-s SOCKET] [-a HOST:PORT] [-j] [COMMAND]\n\n"
		"  -s SOCKET     of the dataplane (default: %s)\n"
		"  -a HOST:PORT  admin listener of control (default: %s)\n"
		"  -j            JSON with raw values\n"
		"  -h            this help\n\n"
		"Commands:\n",
		DEFAULT_SOCKET,
		DEFAULT_ADMIN);
	for (size_t i = 0; i < N_COMMANDS; i++) {
		const struct command *command = &commands[i];

		fprintf(out,
			"  %s%s%s%s%s\n        %s\n",
			command->verb,
			command->noun != NULL ? " " : "",
			command->noun != NULL ? command->noun : "",
			command->arguments[0] != '\0' ? " " : "",
			command->arguments,
			command->help);
	}
	fprintf(out,
		"\nExit status: 0 good, 1 refused or failed, 2 wrong usage, 3 the daemon is not "
		"there.\n");
}

// The command that argv names; *ret_used words of it. NULL when there is none.
static const struct command *command_find(int argc, char **argv, int *ret_used) {
	const struct command *found = NULL;

	*ret_used = 0;
	if (argc == 0)
		return &commands[0];
	for (size_t i = 0; i < N_COMMANDS; i++) {
		const struct command *command = &commands[i];

		if (strcmp(command->verb, argv[0]) != 0)
			continue;
		if (command->noun == NULL && found == NULL) {
			// "show" alone is the overview; "show nonsense" is a mistake.
			if (argc > 1 && argv[1][0] != '-' && strcmp(command->verb, "show") == 0)
				continue;
			found = command;
			*ret_used = 1;
		} else if (command->noun != NULL && argc > 1 && strcmp(command->noun, argv[1]) == 0) {
			found = command;
			*ret_used = 2;
		}
	}
	return found;
}

int main(int argc, char **argv) {
	struct options options = {.socket = DEFAULT_SOCKET, .admin = DEFAULT_ADMIN};
	const struct command *command;
	int c, used;

	// "+": what comes after the command belongs to it.
	while ((c = getopt(argc, argv, "+s:a:jh")) != -1) {
		switch (c) {
		case 's':
			options.socket = optarg;
			break;
		case 'a':
			options.admin = optarg;
			break;
		case 'j':
			options.json = true;
			break;
		case 'h':
			help(stdout);
			return EXIT_GOOD;
		default:
			help(stderr);
			return EXIT_USAGE;
		}
	}
	argc -= optind;
	argv += optind;
	if (argc > 0 && strcmp(argv[0], "help") == 0) {
		help(stdout);
		return EXIT_GOOD;
	}
	command = command_find(argc, argv, &used);
	if (command == NULL) {
		fprintf(stderr, "plenumctl: no such command; see plenumctl -h\n");
		return EXIT_USAGE;
	}
	optind = 0; // getopt begins anew; argv[-1] of the command is its name
	return command->run(&options, argc - used, argv + used);
}
