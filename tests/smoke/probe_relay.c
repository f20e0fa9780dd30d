// SPDX-License-Identifier: BSD-3-Clause

// The relay by its API: objects, lists, drop counters, events, DTLS records.

#include "probe.h"

#include <plm_addr.h>
#include <plm_api_client.h>
#include <plm_api_codec.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHANNEL 3
#define EVENTS_MAX 4096
#define RECORDS_MAX 256
#define REASONS_MAX 128
#define WORKERS_MAX 16
#define TAIL 40 // entries of the trace that are printed

static struct plm_api_client *control, *punt;
static uint64_t last_id;

static struct event events[EVENTS_MAX];
static unsigned n_events;

static struct {
	uint64_t transport_id;
	uint16_t len;
	uint8_t data[PLM_DTLS_MAX];
} records[RECORDS_MAX];
static unsigned n_records;

static struct {
	char name[PLM_API_NAME_LEN];
	uint64_t before, now, expected;
	bool allowed;
} reasons[REASONS_MAX];
static unsigned n_reasons;

static void take_event(void *user, uint16_t type, const void *payload, size_t len) {
	struct event *event = &events[n_events % EVENTS_MAX];

	(void)user;
	(void)len;
	*event = (struct event){.at_us = plm_now_us(), .type = type};
	if (type == PLM_API_EVENT_TRANSPORT) {
		const struct plm_event_transport *in = payload;

		event->id = in->id;
		event->event = in->event;
		event->generation = in->generation;
		event->remote = in->remote;
		n_events++;
	} else if (type == PLM_API_EVENT_PRODUCER) {
		const struct plm_event_producer *in = payload;

		event->id = in->id;
		event->event = in->event;
		event->ssrc = in->ssrc;
		n_events++;
	}
}

static void take_record(void *user, uint16_t type, const void *payload, size_t len) {
	const struct plm_dtls_record *record = payload;
	unsigned i = n_records % RECORDS_MAX;

	(void)user;
	(void)len;
	if (type != PLM_API_DTLS_RECORD)
		return;
	records[i].transport_id = record->transport_id;
	records[i].len = record->len;
	memcpy(records[i].data, record->data, record->len);
	n_records++;
}

void relay_open(void) {
	control = plm_api_client_open(options.api_socket, PLM_ROLE_CONTROL, 0, "probe", &hello);
	punt = plm_api_client_open(options.api_socket, PLM_ROLE_PUNT, CHANNEL, "probe", NULL);
	if (control == NULL || punt == NULL) {
		fprintf(stderr, "%s: %s\n", options.api_socket, strerror(errno));
		exit(2);
	}
	plm_api_client_on_event(control, take_event, NULL);
	plm_api_client_on_event(punt, take_record, NULL);
}

void relay_close(void) {
	plm_api_client_close(control);
	plm_api_client_close(punt);
	control = NULL;
	punt = NULL;
}

void relay_pump(void) {
	while (control != NULL && plm_api_client_wait_event(control, 0) == 0)
		;
	while (punt != NULL && plm_api_client_wait_event(punt, 0) == 0)
		;
}

int relay_try(uint16_t type, const void *request, size_t len) {
	return -plm_api_call(control, type, request, len, NULL, 0);
}

static int sum_loops(void *user, const void *payload, size_t len) {
	const struct plm_worker_info *info = payload;
	uint64_t *loops = user;

	(void)len;
	if (info->index < WORKERS_MAX)
		loops[info->index] = info->loops;
	return 0;
}

// Messages reach workers by mailbox, packets by the port: a packet sent now could overtake what the
// API has just confirmed. Within 8 rounds a worker reads its mailbox.
void relay_settle(void) {
	uint64_t before[WORKERS_MAX] = {0}, now[WORKERS_MAX];
	bool all = false;

	CHECK(plm_api_list(control, PLM_API_WORKER_LIST, 0, sum_loops, before) == 0, "WORKER_LIST");
	while (!all) {
		memcpy(now, before, sizeof(now));
		CHECK(plm_api_list(control, PLM_API_WORKER_LIST, 0, sum_loops, now) == 0,
		      "WORKER_LIST");
		all = true;
		for (unsigned i = 0; i < hello.n_workers; i++)
			all &= now[i] >= before[i] + 9;
		pump(1);
	}
}

void relay_do(uint16_t type, const void *request, size_t len) {
	int r = relay_try(type, request, len);

	CHECK(r == 0, "%s: %s", plm_api_type_name(type), strerror(r));
	relay_settle();
}

void relay_del(uint16_t type, uint64_t id) {
	const struct plm_id request = {.id = id};

	relay_do(type, &request, sizeof(request));
}

uint64_t relay_id(void) {
	return ++last_id;
}

// ---------------------------------------------------------------------------- lists

struct wanted {
	uint64_t id;
	void *item; // where to put it
	unsigned n;
};

static int keep_first(void *user, const void *payload, size_t len) {
	struct wanted *wanted = user;
	uint64_t id;

	memcpy(&id, payload, sizeof(id)); // the first field of all three
	if (id == wanted->id) {
		memcpy(wanted->item, payload, len);
		wanted->n++;
	}
	return 0;
}

static void get(uint16_t type, uint64_t id, void *ret_item) {
	struct wanted wanted = {.id = id, .item = ret_item};
	int r = plm_api_list(control, type, id, keep_first, &wanted);

	CHECK(r == 0, "%s: %s", plm_api_type_name(type), strerror(-r));
	CHECK(wanted.n == 1, "%s: %u of id %" PRIu64, plm_api_type_name(type), wanted.n, id);
}

struct plm_transport_info transport_info(uint64_t id) {
	struct plm_transport_info info;

	get(PLM_API_TRANSPORT_LIST, id, &info);
	return info;
}

struct plm_producer_info producer_info(uint64_t id) {
	struct plm_producer_info info;

	get(PLM_API_PRODUCER_LIST, id, &info);
	return info;
}

struct plm_consumer_info consumer_info(uint64_t id) {
	struct plm_consumer_info info;

	get(PLM_API_CONSUMER_LIST, id, &info);
	return info;
}

static int keep_worker(void *user, const void *payload, size_t len) {
	const struct plm_worker_info *in = payload;
	struct plm_worker_info *want = user;

	(void)len;
	if (in->index == want->index)
		*want = *in;
	return 0;
}

struct plm_worker_info worker_info(unsigned index) {
	struct plm_worker_info info = {.index = index};
	int r = plm_api_list(control, PLM_API_WORKER_LIST, 0, keep_worker, &info);

	CHECK(r == 0 && info.tsc_hz != 0, "worker %u: %s", index, strerror(-r));
	return info;
}

static int count(void *user, const void *payload, size_t len) {
	(void)payload;
	(void)len;
	(*(unsigned *)user)++;
	return 0;
}

unsigned list_count(uint16_t type, uint64_t id) {
	unsigned n = 0;
	int r = plm_api_list(control, type, id, count, &n);

	CHECK(r == 0, "%s: %s", plm_api_type_name(type), strerror(-r));
	return n;
}

// ---------------------------------------------------------------------------- drops

static int reason_find(const char *name) {
	for (unsigned i = 0; i < n_reasons; i++) {
		if (strcmp(reasons[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

static int take_drop(void *user, const void *payload, size_t len) {
	const struct plm_drop_info *in = payload;
	int i = reason_find(in->name);

	(void)user;
	(void)len;
	if (i < 0 && n_reasons < REASONS_MAX) {
		i = (int)n_reasons++;
		snprintf(reasons[i].name, sizeof(reasons[i].name), "%s", in->name);
	}
	if (i >= 0)
		reasons[i].now += in->packets;
	return 0;
}

static void drops_read(void) {
	int r;

	for (unsigned i = 0; i < n_reasons; i++)
		reasons[i].now = 0;
	r = plm_api_list(control, PLM_API_DROP_LIST, 0, take_drop, NULL);
	CHECK(r == 0, "DROP_LIST: %s", strerror(-r));
}

static unsigned reason_of(const char *name) {
	int i = reason_find(name);

	CHECK(i >= 0, "there is no drop reason %s", name);
	return (unsigned)i;
}

void drops_begin(void) {
	const struct plm_trace_set trace = {.packets = 1024}; // for relay_dump

	drops_read();
	relay_try(PLM_API_TRACE_SET, &trace, sizeof(trace));
	for (unsigned i = 0; i < n_reasons; i++) {
		reasons[i].before = reasons[i].now;
		reasons[i].expected = 0;
		reasons[i].allowed = false;
	}
	drop_allow("no_consumer"); // not losses
	drop_allow("cache_closed");
}

uint64_t drops(const char *reason) {
	unsigned i = reason_of(reason);

	drops_read();
	return reasons[i].now - reasons[i].before;
}

void drop_allow(const char *reason) {
	reasons[reason_of(reason)].allowed = true;
}

void drop_expect(const char *reason, uint64_t n) {
	unsigned i = reason_of(reason);

	reasons[i].expected += n;
	WAIT(drops(reason) >= reasons[i].expected,
	     WAIT_MS,
	     "drops by %s: %" PRIu64 " instead of %" PRIu64,
	     reason,
	     drops(reason),
	     reasons[i].expected);
}

void drops_end(void) {
	drops_read();
	for (unsigned i = 0; i < n_reasons; i++) {
		uint64_t n = reasons[i].now - reasons[i].before;

		CHECK(reasons[i].allowed || n == reasons[i].expected,
		      "drops by %s: %" PRIu64 " instead of %" PRIu64,
		      reasons[i].name,
		      n,
		      reasons[i].expected);
	}
}

// ---------------------------------------------------------------------------- what one wants to
// see

static int print_transport(void *user, const void *payload, size_t len) {
	const struct plm_transport_info *t = payload;
	char text[PLM_ADDR_TEXT_LEN];

	(void)user;
	(void)len;
	printf("        transport %" PRIu64 " %s worker %u at %s, %u paths, rx %" PRIu64
	       " tx %" PRIu64 ", consent %" PRIu64 "/%" PRIu64 "\n",
	       t->id,
	       plm_transport_state_name(t->state),
	       t->worker,
	       plm_addr_format(&t->remote, text, sizeof(text)),
	       t->n_paths,
	       t->rx_packets,
	       t->tx_packets,
	       t->consent_received,
	       t->consent_sent);
	return 0;
}

static int print_consumer(void *user, const void *payload, size_t len) {
	const struct plm_consumer_info *c = payload;

	(void)user;
	(void)len;
	printf("        consumer %" PRIu64 " of %" PRIu64 " to %" PRIu64 ": %" PRIu64
	       " sent, %" PRIu64 " lost, %" PRIu64 " again%s%s\n",
	       c->id,
	       c->producer_id,
	       c->transport_id,
	       c->packets,
	       c->dropped,
	       c->retransmitted,
	       c->paused ? ", paused" : "",
	       c->waiting_keyframe ? ", waits for a key frame" : "");
	return 0;
}

// The newest ones, of each worker in turn.
struct trace_tail {
	struct plm_trace_entry entries[TAIL];
	unsigned n;
};

static int keep_trace(void *user, const void *payload, size_t len) {
	struct trace_tail *tail = user;

	memcpy(&tail->entries[tail->n++ % TAIL], payload, len);
	return 0;
}

static void print_trace(const struct plm_trace_entry *e) {
	static const char *const verdicts[] = {"done", "dropped", "to the kernel", "handed over"};
	char text[PLM_ADDR_TEXT_LEN];

	printf("        %10.3f ms worker %u %c %u bytes from %s: %s in %s",
	       (double)e->at_ns / 1e6,
	       e->worker,
	       e->kind,
	       e->length,
	       plm_addr_format(&e->remote, text, sizeof(text)),
	       verdicts[e->verdict % 4],
	       plm_stage_name(e->stage));
	if (e->verdict == 1 && e->drop_reason < n_reasons)
		printf(", %s", reasons[e->drop_reason].name);
	if (e->ssrc != 0)
		printf(", %08x number %u to %u", e->ssrc, e->seq, e->fanout);
	printf("\n");
}

void relay_dump(void) {
	static struct trace_tail tail;

	drops_read();
	for (unsigned i = 0; i < n_reasons; i++) {
		if (reasons[i].now != reasons[i].before)
			printf("        %" PRIu64 " dropped by %s\n",
			       reasons[i].now - reasons[i].before,
			       reasons[i].name);
	}
	plm_api_list(control, PLM_API_TRANSPORT_LIST, 0, print_transport, NULL);
	if (list_count(PLM_API_CONSUMER_LIST, 0) < 40)
		plm_api_list(control, PLM_API_CONSUMER_LIST, 0, print_consumer, NULL);
	tail.n = 0;
	plm_api_list(control, PLM_API_TRACE_LIST, 0, keep_trace, &tail);
	for (unsigned i = tail.n > TAIL ? tail.n - TAIL : 0; i < tail.n; i++)
		print_trace(&tail.entries[i % TAIL]);
}

// ---------------------------------------------------------------------------- events, DTLS

static unsigned first_event(void) {
	return n_events > EVENTS_MAX ? n_events - EVENTS_MAX : 0;
}

const struct event *event_find(uint16_t type, uint64_t id, uint32_t event) {
	for (unsigned i = n_events; i > first_event(); i--) {
		const struct event *e = &events[(i - 1) % EVENTS_MAX];

		if (e->type == type && e->id == id && e->event == event)
			return e;
	}
	return NULL;
}

unsigned event_count(uint16_t type, uint64_t id, uint32_t event) {
	unsigned n = 0;

	for (unsigned i = first_event(); i < n_events; i++) {
		const struct event *e = &events[i % EVENTS_MAX];

		n += e->type == type && e->id == id && e->event == event;
	}
	return n;
}

static unsigned first_record(void) {
	return n_records > RECORDS_MAX ? n_records - RECORDS_MAX : 0;
}

unsigned punt_count(uint64_t transport_id) {
	unsigned n = 0;

	for (unsigned i = first_record(); i < n_records; i++)
		n += records[i % RECORDS_MAX].transport_id == transport_id;
	return n;
}

bool punt_newest_is(uint64_t transport_id, const void *data, size_t len) {
	for (unsigned i = n_records; i > first_record(); i--) {
		unsigned at = (i - 1) % RECORDS_MAX;

		if (records[at].transport_id == transport_id)
			return records[at].len == len && memcmp(records[at].data, data, len) == 0;
	}
	return false;
}

void punt_send(uint64_t transport_id, const void *data, size_t len) {
	struct plm_dtls_record record = {.transport_id = transport_id, .len = (uint16_t)len};
	int r;

	memcpy(record.data, data, len);
	r = plm_api_client_send_event(
		punt, PLM_API_DTLS_RECORD, &record, offsetof(struct plm_dtls_record, data) + len
	);
	CHECK(r == 0, "DTLS_RECORD: %s", strerror(-r));
}

uint16_t punt_channel(void) {
	return CHANNEL;
}
