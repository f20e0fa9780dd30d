// SPDX-License-Identifier: BSD-3-Clause

// plenumctl show ..., as far as the dataplane knows it.

#include "plenumctl.h"
#include "units.h"

#include <plm_addr.h>
#include <plm_api_client.h>
#include <plm_api_codec.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int no_arguments(int argc, char **argv) {
	if (argc == 0)
		return EXIT_GOOD;
	fprintf(stderr, "plenumctl: what is \"%s\"?\n", argv[0]);
	return EXIT_USAGE;
}

static int show_list(
	const struct options *options,
	int argc,
	char **argv,
	uint16_t type,
	const struct field *fields,
	bool (*keep)(const void *item),
	const char *when_empty
) {
	struct plm_api_client *client;
	struct columns *columns;
	json_t *json;
	int r;

	r = no_arguments(argc, argv);
	if (r != EXIT_GOOD)
		return r;
	client = dataplane_open(options, NULL, &r);
	if (client == NULL)
		return r;
	json = options->json ? json_array() : NULL;
	columns = options->json ? NULL : columns_new();
	r = list_collect(client, type, fields, keep, json, columns);
	plm_api_client_close(client);
	if (r != EXIT_GOOD) {
		json_decref(json);
		columns_free(columns);
		return r;
	}
	return options->json ? json_print(json) : columns_finish(columns, when_empty);
}

int cmd_transports(const struct options *options, int argc, char **argv) {
	return show_list(
		options,
		argc,
		argv,
		PLM_API_TRANSPORT_LIST,
		transport_fields,
		NULL,
		"No transports."
	);
}

int cmd_producers(const struct options *options, int argc, char **argv) {
	return show_list(
		options, argc, argv, PLM_API_PRODUCER_LIST, producer_fields, NULL, "No producers."
	);
}

int cmd_consumers(const struct options *options, int argc, char **argv) {
	return show_list(
		options, argc, argv, PLM_API_CONSUMER_LIST, consumer_fields, NULL, "No consumers."
	);
}

int cmd_ports(const struct options *options, int argc, char **argv) {
	return show_list(options, argc, argv, PLM_API_PORT_LIST, port_fields, NULL, "No ports.");
}

static bool drop_happened(const void *item) {
	return ((const struct plm_drop_info *)item)->packets > 0;
}

int cmd_drops(const struct options *options, int argc, char **argv) {
	return show_list(
		options,
		argc,
		argv,
		PLM_API_DROP_LIST,
		drop_fields,
		options->json ? NULL : drop_happened,
		"No packet was dropped."
	);
}

// ---------------------------------------------------------------------------- workers

struct workers {
	json_t *json;
	struct columns *workers, *stages;
};

static json_t *stages_json(const struct plm_worker_info *info) {
	json_t *stages = json_object();

	for (unsigned i = 0; i < PLM_STAGE_COUNT; i++) {
		const struct plm_stage_info *stage = &info->stages[i];

		json_object_set_new(
			stages,
			plm_stage_name(i),
			json_pack(
				"{s:I, s:I, s:I}",
				"calls",
				(json_int_t)stage->calls,
				"packets",
				(json_int_t)stage->packets,
				"cycles",
				(json_int_t)stage->cycles
			)
		);
	}
	return stages;
}

static void stage_rows(const struct plm_worker_info *info, struct columns *columns) {
	uint64_t cycles = 0;
	char buf[UNITS_LEN];

	for (unsigned i = 0; i < PLM_STAGE_COUNT; i++)
		cycles += info->stages[i].cycles;
	for (unsigned i = 0; i < PLM_STAGE_COUNT; i++) {
		const struct plm_stage_info *stage = &info->stages[i];

		if (stage->calls == 0)
			continue;
		snprintf(buf, sizeof(buf), "%u", info->index);
		columns_cell(columns, buf);
		columns_cell(columns, plm_stage_name(i));
		columns_cell(columns, units_count(stage->calls, buf, sizeof(buf)));
		columns_cell(columns, units_count(stage->packets, buf, sizeof(buf)));
		snprintf(buf, sizeof(buf), "%.1f", (double)stage->packets / (double)stage->calls);
		columns_cell(columns, buf);
		if (stage->packets > 0)
			snprintf(
				buf,
				sizeof(buf),
				"%.0f",
				(double)stage->cycles / (double)stage->packets
			);
		else
			snprintf(buf, sizeof(buf), "-");
		columns_cell(columns, buf);
		snprintf(
			buf,
			sizeof(buf),
			"%.1f %%",
			cycles > 0 ? 100 * (double)stage->cycles / (double)cycles : 0
		);
		columns_cell(columns, buf);
	}
}

static int worker_add(void *user, const void *item, size_t) {
	struct workers *workers = user;
	json_t *json;

	if (workers->json != NULL) {
		json = fields_json(worker_fields, item);
		json_object_set_new(json, "stages", stages_json(item));
		json_array_append_new(workers->json, json);
		return 0;
	}
	fields_row(worker_fields, item, workers->workers);
	stage_rows(item, workers->stages);
	return 0;
}

int cmd_workers(const struct options *options, int argc, char **argv) {
	struct plm_api_client *client;
	struct workers workers = {0};
	int r;

	r = no_arguments(argc, argv);
	if (r != EXIT_GOOD)
		return r;
	client = dataplane_open(options, NULL, &r);
	if (client == NULL)
		return r;
	if (options->json) {
		workers.json = json_array();
	} else {
		workers.workers = columns_new();
		workers.stages = columns_new();
		if (workers.workers == NULL || workers.stages == NULL) {
			plm_api_client_close(client);
			return EXIT_FAILED;
		}
		fields_titles(worker_fields, workers.workers);
		columns_title(workers.stages, "WORKER", 1);
		columns_title(workers.stages, "STAGE", 0);
		columns_title(workers.stages, "CALLS", 1);
		columns_title(workers.stages, "PACKETS", 1);
		columns_title(workers.stages, "PER CALL", 1);
		columns_title(workers.stages, "CYCLES/PACKET", 1);
		columns_title(workers.stages, "SHARE", 1);
	}
	r = plm_api_list(client, PLM_API_WORKER_LIST, 0, worker_add, &workers);
	plm_api_client_close(client);
	if (r < 0) {
		json_decref(workers.json);
		columns_free(workers.workers);
		columns_free(workers.stages);
		return call_failed("WORKER_LIST", r);
	}
	if (options->json)
		return json_print(workers.json);
	columns_finish(workers.workers, "No workers.");
	putchar('\n');
	return columns_finish(workers.stages, NULL);
}

// ---------------------------------------------------------------------------- overview

struct census {
	unsigned states[PLM_TRANSPORT_DEAD + 1];
	unsigned n;
};

static int census_add(void *user, const void *item, size_t) {
	const struct plm_transport_info *info = item;
	struct census *census = user;

	census->n++;
	if (info->state <= PLM_TRANSPORT_DEAD)
		census->states[info->state]++;
	return 0;
}

static void hello_print(const struct plm_hello_rep *hello, const struct census *census) {
	char addr[PLM_ADDR_TEXT_LEN];
	const char *between = "";

	printf("plenum-dataplane %.*s, boot %016" PRIx64 ", %u worker%s\n",
	       PLM_API_NAME_LEN,
	       hello->version_text,
	       hello->boot_id,
	       hello->n_workers,
	       hello->n_workers == 1 ? "" : "s");
	printf("clients connect to UDP port %u of ", hello->public_port);
	for (unsigned i = 0; i < hello->n_addrs && i < PLM_HELLO_ADDRS; i++) {
		printf("%s%s", between, plm_addr_format_ip(&hello->addrs[i], addr, sizeof(addr)));
		between = ", ";
	}
	printf("\n%u of %u transports", census->n, hello->max_transports);
	for (unsigned i = 0; i <= PLM_TRANSPORT_DEAD; i++) {
		if (census->states[i] > 0)
			printf(", %u %s", census->states[i], plm_transport_state_name(i));
	}
	printf("\n\n");
}

static json_t *hello_json(const struct plm_hello_rep *hello, const struct census *census) {
	json_t *transports = json_pack(
		"{s:i, s:I}", "count", (int)census->n, "max", (json_int_t)hello->max_transports
	);
	json_t *addrs = json_array();
	char text[PLM_ADDR_TEXT_LEN], boot[17];

	for (unsigned i = 0; i <= PLM_TRANSPORT_DEAD; i++)
		json_object_set_new(
			transports,
			plm_transport_state_name(i),
			json_integer((json_int_t)census->states[i])
		);
	for (unsigned i = 0; i < hello->n_addrs && i < PLM_HELLO_ADDRS; i++)
		json_array_append_new(
			addrs, json_string(plm_addr_format(&hello->addrs[i], text, sizeof(text)))
		);
	snprintf(boot, sizeof(boot), "%016" PRIx64, hello->boot_id);
	return json_pack(
		"{s:s%, s:s, s:i, s:i, s:o, s:o}",
		"version",
		hello->version_text,
		strnlen(hello->version_text, PLM_API_NAME_LEN),
		"boot_id",
		boot,
		"n_workers",
		(int)hello->n_workers,
		"public_port",
		(int)hello->public_port,
		"addrs",
		addrs,
		"transports",
		transports
	);
}

// The lists of the overview.
static const struct {
	const char *name;
	uint16_t type;
	const struct field *fields;
	bool (*keep)(const void *item);
	const char *when_empty;
} parts[] = {
	{"ports", PLM_API_PORT_LIST, port_fields, NULL, NULL},
	{"workers", PLM_API_WORKER_LIST, worker_fields, NULL, NULL},
	{"drops", PLM_API_DROP_LIST, drop_fields, drop_happened, "No packet was dropped."},
};

#define N_PARTS (sizeof(parts) / sizeof(parts[0]))

static int part_show(struct plm_api_client *client, size_t i, json_t *overview) {
	struct columns *columns = overview == NULL ? columns_new() : NULL;
	json_t *list = overview != NULL ? json_array() : NULL;
	int r;

	r = list_collect(client, parts[i].type, parts[i].fields, parts[i].keep, list, columns);
	if (r != EXIT_GOOD) {
		json_decref(list);
		columns_free(columns);
		return r;
	}
	if (overview != NULL) {
		json_object_set_new(overview, parts[i].name, list);
		return EXIT_GOOD;
	}
	r = columns_finish(columns, parts[i].when_empty);
	if (i + 1 < N_PARTS)
		putchar('\n');
	return r;
}

int cmd_overview(const struct options *options, int argc, char **argv) {
	struct plm_api_client *client;
	struct plm_hello_rep hello;
	struct census census = {0};
	json_t *overview = NULL;
	int r;

	r = no_arguments(argc, argv);
	if (r != EXIT_GOOD)
		return r;
	client = dataplane_open(options, &hello, &r);
	if (client == NULL)
		return r;
	r = plm_api_list(client, PLM_API_TRANSPORT_LIST, 0, census_add, &census);
	if (r < 0) {
		plm_api_client_close(client);
		return call_failed("TRANSPORT_LIST", r);
	}
	if (options->json)
		overview = hello_json(&hello, &census);
	else
		hello_print(&hello, &census);
	r = EXIT_GOOD;
	for (size_t i = 0; i < N_PARTS && r == EXIT_GOOD; i++)
		r = part_show(client, i, overview);
	plm_api_client_close(client);
	if (r != EXIT_GOOD || !options->json) {
		json_decref(overview);
		return r;
	}
	return json_print(overview);
}
