// SPDX-License-Identifier: BSD-3-Clause

// plenumctl trace: records packets, waits for them, prints them in the order of time.

#include "plenumctl.h"
#include "units.h"

#include <plm_addr.h>
#include <plm_api_client.h>
#include <plm_api_codec.h>

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TRACE_DEFAULT 20
#define TRACE_MAX 100000
#define REASONS_MAX 256
#define POLL_MS 200

struct trace {
	struct plm_trace_entry *entries;
	size_t n, room;
	char reasons[REASONS_MAX][PLM_API_NAME_LEN];
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int) {
	interrupted = 1;
}

static int entry_add(void *user, const void *item, size_t) {
	struct trace *trace = user;

	if (trace->n == trace->room) {
		size_t room = trace->room ? trace->room * 2 : 256;
		struct plm_trace_entry *entries;

		entries = realloc(trace->entries, room * sizeof(*entries));
		if (entries == NULL)
			return -ENOMEM;
		trace->entries = entries;
		trace->room = room;
	}
	memcpy(&trace->entries[trace->n++], item, sizeof(*trace->entries));
	return 0;
}

static int reason_add(void *user, const void *item, size_t) {
	const struct plm_drop_info *info = item;
	struct trace *trace = user;

	if (info->reason < REASONS_MAX) {
		memcpy(trace->reasons[info->reason], info->name, PLM_API_NAME_LEN);
		trace->reasons[info->reason][PLM_API_NAME_LEN - 1] = '\0';
	}
	return 0;
}

static int by_time(const void *a, const void *b) {
	const struct plm_trace_entry *x = a, *y = b;

	return x->at_ns < y->at_ns ? -1 : x->at_ns > y->at_ns;
}

static const char *verdict(const struct trace *trace, const struct plm_trace_entry *entry) {
	static const char *const names[] = {
		"sent or consumed", "dropped", "to the kernel", "handed over"};

	if (entry->verdict == 1 && entry->drop_reason < REASONS_MAX
	    && trace->reasons[entry->drop_reason][0] != '\0')
		return trace->reasons[entry->drop_reason];
	return entry->verdict < 4 ? names[entry->verdict] : "?";
}

static const char *kind_name(uint8_t kind) {
	switch (kind) {
	case 'R':
		return "RTP";
	case 'C':
		return "RTCP";
	case 'S':
		return "STUN";
	case 'D':
		return "DTLS";
	case 'K':
		return "kernel";
	default:
		return "other";
	}
}

static json_t *entry_json(const struct trace *trace, const struct plm_trace_entry *entry) {
	char remote[PLM_ADDR_TEXT_LEN], id[17];

	snprintf(id, sizeof(id), "%016" PRIx64, entry->transport_id);
	return json_pack(
		"{s:I, s:s, s:i, s:i, s:s, s:s, s:i, s:b, s:s, s:s, s:I, s:i, s:i, s:I}",
		"at_ns",
		(json_int_t)entry->at_ns,
		"transport_id",
		id,
		"worker",
		(int)entry->worker,
		"length",
		(int)entry->length,
		"remote",
		plm_addr_format(&entry->remote, remote, sizeof(remote)),
		"stage",
		plm_stage_name(entry->stage),
		"verdict",
		(int)entry->verdict,
		"dropped",
		entry->verdict == 1,
		"result",
		verdict(trace, entry),
		"kind",
		kind_name(entry->kind),
		"ssrc",
		(json_int_t)entry->ssrc,
		"seq",
		(int)entry->seq,
		"payload_type",
		(int)entry->payload_type,
		"fanout",
		(json_int_t)entry->fanout
	);
}

static void entry_row(
	const struct trace *trace,
	const struct plm_trace_entry *entry,
	uint64_t first_ns,
	struct columns *columns
) {
	const bool rtp = entry->kind == 'R' && entry->ssrc != 0;
	char buf[PLM_ADDR_TEXT_LEN];

	snprintf(buf, sizeof(buf), "%.3f", (double)(entry->at_ns - first_ns) / 1e6);
	columns_cell(columns, buf);
	snprintf(buf, sizeof(buf), "%u", entry->worker);
	columns_cell(columns, buf);
	columns_cell(
		columns,
		entry->transport_id != 0 ? units_id(entry->transport_id, buf, sizeof(buf)) : "-"
	);
	columns_cell(columns, plm_addr_format(&entry->remote, buf, sizeof(buf)));
	columns_cell(columns, kind_name(entry->kind));
	snprintf(buf, sizeof(buf), "%u", entry->length);
	columns_cell(columns, buf);
	snprintf(buf, sizeof(buf), rtp ? "%08x" : "-", entry->ssrc);
	columns_cell(columns, buf);
	snprintf(buf, sizeof(buf), rtp ? "%u" : "-", entry->seq);
	columns_cell(columns, buf);
	columns_cell(columns, plm_stage_name(entry->stage));
	columns_cell(columns, verdict(trace, entry));
	snprintf(buf, sizeof(buf), "%u", entry->fanout);
	columns_cell(columns, buf);
}

static int print(struct trace *trace, size_t n, bool json) {
	static const struct {
		const char *title;
		int right;
	} titles[] = {
		{"MS", 1},
		{"WORKER", 1},
		{"TRANSPORT", 0},
		{"REMOTE", 0},
		{"KIND", 0},
		{"LENGTH", 1},
		{"SSRC", 1},
		{"SEQ", 1},
		{"STAGE", 0},
		{"RESULT", 0},
		{"COPIES", 1},
	};
	struct columns *columns;
	json_t *list;

	if (trace->n > 0)
		qsort(trace->entries, trace->n, sizeof(*trace->entries), by_time);
	if (trace->n < n)
		n = trace->n;
	if (json) {
		list = json_array();
		for (size_t i = 0; i < n; i++)
			json_array_append_new(list, entry_json(trace, &trace->entries[i]));
		return json_print(list);
	}
	columns = columns_new();
	if (columns == NULL)
		return EXIT_FAILED;
	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
		columns_title(columns, titles[i].title, titles[i].right);
	for (size_t i = 0; i < n; i++)
		entry_row(trace, &trace->entries[i], trace->entries[0].at_ns, columns);
	return columns_finish(columns, "No packet came.");
}

// Sets the trace, and asks until n packets are there or the user has seen enough. 0 or -errno.
static int record(
	struct plm_api_client *client,
	struct trace *trace,
	uint64_t transport_id,
	uint32_t n
) {
	const struct timespec pause = {.tv_nsec = POLL_MS * 1000000};
	struct plm_trace_set set = {.transport_id = transport_id, .packets = n};
	struct sigaction action = {.sa_handler = on_interrupt};
	int r;

	sigaction(SIGINT, &action, NULL);
	r = plm_api_list(client, PLM_API_DROP_LIST, 0, reason_add, trace);
	if (r < 0)
		return r;
	r = plm_api_call(client, PLM_API_TRACE_SET, &set, sizeof(set), NULL, 0);
	if (r < 0)
		return r;
	while (!interrupted) {
		size_t before = trace->n;

		nanosleep(&pause, NULL);
		if (interrupted)
			break;
		trace->n = 0;
		r = plm_api_list(client, PLM_API_TRACE_LIST, 0, entry_add, trace);
		if (r == -EINTR) {
			trace->n = before; // the list was cut short; the rest of it is stale now
			return 0;
		}
		if (r < 0)
			return r;
		if (trace->n >= n)
			break;
	}
	set.packets = 0;
	return plm_api_call(client, PLM_API_TRACE_SET, &set, sizeof(set), NULL, 0);
}

int cmd_trace(const struct options *options, int argc, char **argv) {
	struct plm_api_client *client;
	struct trace *trace;
	unsigned long n = TRACE_DEFAULT;
	uint64_t transport_id = 0;
	char *end;
	int c, r;

	while ((c = getopt(argc + 1, argv - 1, "n:t:")) != -1) {
		switch (c) {
		case 'n':
			n = strtoul(optarg, &end, 10);
			if (*end != '\0' || n == 0 || n > TRACE_MAX) {
				fprintf(stderr, "plenumctl: -n: 1 to %d\n", TRACE_MAX);
				return EXIT_USAGE;
			}
			break;
		case 't':
			if (units_parse_id(optarg, &transport_id) < 0) {
				fprintf(stderr, "plenumctl: -t: no id: %s\n", optarg);
				return EXIT_USAGE;
			}
			break;
		default:
			return EXIT_USAGE;
		}
	}
	client = dataplane_open(options, NULL, &r);
	if (client == NULL)
		return r;
	trace = calloc(1, sizeof(*trace));
	if (trace == NULL) {
		plm_api_client_close(client);
		return EXIT_FAILED;
	}
	r = record(client, trace, transport_id, (uint32_t)n);
	plm_api_client_close(client);
	r = r < 0 ? call_failed("trace", r) : print(trace, n, options->json);
	free(trace->entries);
	free(trace);
	return r;
}
