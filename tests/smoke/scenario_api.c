// SPDX-License-Identifier: BSD-3-Clause

// The API as hostile, confused and slow clients use it.

#include "probe.h"

#include <plm_api_codec.h>
#include <plm_unixsock.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// A client of its own, without the library's manners. Closed at the scenario's end at the latest.
static int raw_fds[16];
static unsigned n_raw;

static int raw_connect(void) {
	int fd = plm_unixsock_connect(options.api_socket, 0);

	CHECK(fd >= 0, "connect: %s", strerror(-fd));
	CHECK(n_raw < 16, "too many clients");
	raw_fds[n_raw++] = fd;
	return fd;
}

static void raw_close_all(void) {
	while (n_raw > 0)
		close(raw_fds[--n_raw]);
}

static void raw_send(int fd, const void *data, size_t len) {
	CHECK(send(fd, data, len, MSG_NOSIGNAL) == (ssize_t)len, "send: %s", strerror(errno));
}

static void raw_request(int fd, uint16_t type, const void *payload, size_t len) {
	uint8_t packet[PLM_API_MAX_LEN];
	size_t n = plm_api_message(packet, sizeof(packet), type, 0, 1, 0, payload, len);

	raw_send(fd, packet, n);
}

// The status of the next reply; -1 when the connection is at its end.
static int raw_reply(int fd, struct plm_api_header *ret_header) {
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	_Alignas(8) uint8_t packet[PLM_API_MAX_LEN];
	ssize_t n;

	CHECK(poll(&poll_fd, 1, WAIT_MS) == 1, "no reply");
	n = recv(fd, packet, sizeof(packet), 0);
	if (n <= 0)
		return -1;
	CHECK(n >= (ssize_t)sizeof(*ret_header), "a reply of %zd bytes", n);
	memcpy(ret_header, packet, sizeof(*ret_header));
	CHECK(ret_header->length == (size_t)n - sizeof(*ret_header), "a reply with a wrong length");
	return ret_header->status;
}

static int raw_call(int fd, uint16_t type, const void *payload, size_t len) {
	struct plm_api_header header;

	raw_request(fd, type, payload, len);
	return raw_reply(fd, &header);
}

static int raw_hello(int fd, uint16_t role, uint16_t channel) {
	const struct plm_hello_req request = {
		.magic = PLM_API_MAGIC,
		.version = PLM_API_VERSION,
		.role = role,
		.punt_channel = channel,
		.name = "raw",
	};

	return raw_call(fd, PLM_API_HELLO, &request, sizeof(request));
}

static int raw_open(uint16_t role) {
	int fd = raw_connect();

	CHECK(raw_hello(fd, role, 0) == 0, "HELLO is refused");
	return fd;
}

#define EXPECT(status, call, what)                                                                 \
	do {                                                                                       \
		int r_ = (call);                                                                   \
		CHECK(r_ == (status), "%s: %s", what, r_ < 0 ? "disconnected" : strerror(r_));     \
	} while (0)

static void api_hello(void) {
	struct plm_hello_req request = {.magic = PLM_API_MAGIC, .version = PLM_API_VERSION};
	const struct plm_list list = {0};
	int fd = raw_connect();

	EXPECT(EPROTO, raw_call(fd, PLM_API_WORKER_LIST, &list, sizeof(list)), "before HELLO");
	request.version = PLM_API_VERSION + 1;
	EXPECT(EPROTONOSUPPORT,
	       raw_call(fd, PLM_API_HELLO, &request, sizeof(request)),
	       "another version");
	request.version = PLM_API_VERSION;
	request.magic ^= 1;
	EXPECT(EPROTO, raw_call(fd, PLM_API_HELLO, &request, sizeof(request)), "wrong magic");
	EXPECT(EPROTO, raw_call(fd, PLM_API_WORKER_LIST, &list, sizeof(list)), "after bad HELLOs");
	EXPECT(EINVAL, raw_hello(fd, PLM_ROLE_PUNT + 1, 0), "an unknown role");
	EXPECT(EINVAL, raw_hello(fd, PLM_ROLE_PUNT, PLM_PUNT_CHANNELS), "an unknown channel");
	EXPECT(0, raw_hello(fd, PLM_ROLE_OBSERVER, 0), "HELLO");
	EXPECT(EINVAL, raw_hello(fd, PLM_ROLE_OBSERVER, 0), "HELLO again");
	raw_close_all();
	CHECK(hello.version == PLM_API_VERSION && hello.boot_id != 0 && hello.public_port == 3478
		      && hello.n_addrs == 2 && hello.max_transports == 64,
	      "HELLO says other things than the configuration");
}

static void api_malformed(void) {
	struct plm_transport_add add = {.id = 1};
	struct plm_api_header header = {.type = PLM_API_WORKER_LIST, .seq = 7, .length = 8};
	uint8_t packet[PLM_API_MAX_LEN + 100] = {0};
	struct plm_api_header reply;
	int fd = raw_open(PLM_ROLE_OBSERVER);

	EXPECT(EMSGSIZE, raw_call(fd, PLM_API_WORKER_LIST, packet, 7), "a payload too short");
	EXPECT(EMSGSIZE, raw_call(fd, PLM_API_WORKER_LIST, packet, 9), "a payload too long");
	EXPECT(EMSGSIZE, raw_call(fd, PLM_API_WORKER_LIST, NULL, 0), "no payload");
	EXPECT(ENOTSUP, raw_call(fd, 999, packet, 8), "an unknown type");
	EXPECT(ENOTSUP,
	       raw_call(fd, PLM_API_EVENT_TRANSPORT, packet, sizeof(struct plm_event_transport)),
	       "an event of the server's");
	memset(add.ice.local_ufrag, 'a', sizeof(add.ice.local_ufrag));
	EXPECT(EINVAL,
	       raw_call(fd, PLM_API_TRANSPORT_ADD, &add, sizeof(add)),
	       "a string without end");

	header.length = 9; // lies
	memcpy(packet, &header, sizeof(header));
	raw_send(fd, packet, sizeof(header) + 8);
	EXPECT(EMSGSIZE, raw_reply(fd, &reply), "a length that lies");
	CHECK(reply.seq == 7, "the reply has another seq");
	header.length = 8;
	header.flags = PLM_API_REPLY;
	memcpy(packet, &header, sizeof(header));
	raw_send(fd, packet, sizeof(header) + 8);
	EXPECT(EINVAL, raw_reply(fd, &reply), "a reply as request");
	header.flags = 0;
	header.status = 5;
	memcpy(packet, &header, sizeof(header));
	raw_send(fd, packet, sizeof(header) + 8);
	EXPECT(EINVAL, raw_reply(fd, &reply), "a request with a status");
	raw_send(fd, packet, sizeof(packet));
	CHECK(raw_reply(fd, &reply) == EMSGSIZE, "a packet longer than any");

	raw_send(fd, packet, 15);
	CHECK(raw_reply(fd, &reply) == -1, "a packet without a whole header does not end it");
	raw_close_all();
}

// Noise: with a header that is right it reaches every function; nothing may break or hang.
static void api_garbage(void) {
	const uint16_t roles[] = {PLM_ROLE_OBSERVER, PLM_ROLE_PUNT};
	uint8_t packet[PLM_API_MAX_LEN];
	unsigned seed = 1;

	for (unsigned r = 0; r < 2; r++) {
		int fd = raw_connect();

		CHECK(raw_hello(fd, roles[r], roles[r] == PLM_ROLE_PUNT ? 9 : 0) == 0, "HELLO");
		for (unsigned i = 0; i < 2000; i++) {
			const struct plm_api_type_info *info;
			struct plm_api_header header = {
				.type = (uint16_t)(rand_r(&seed) % 80),
				.seq = i,
			};

			for (size_t k = 0; k < sizeof(packet); k++)
				packet[k] = (uint8_t)(rand_r(&seed) % 5 ? 0 : rand_r(&seed));
			info = plm_api_type_info(header.type);
			header.length = (uint32_t)(rand_r(&seed) % 2400);
			if (info != NULL && i % 8 != 0)
				header.length = (uint32_t)info->request_size;
			if (info != NULL && header.type == PLM_API_DTLS_RECORD)
				header.flags = PLM_API_EVENT;
			memcpy(packet, &header, sizeof(header));
			raw_send(fd, packet, sizeof(header) + header.length);
			// Answers are read now and then, so that neither side waits.
			while (recv(fd, packet, sizeof(packet), MSG_DONTWAIT) > 0)
				;
		}
	}
	raw_close_all();
	drop_allow("punt_full"); // records of no transport
	CHECK(list_count(PLM_API_WORKER_LIST, 0) == hello.n_workers, "it does not answer any more");
}

static void api_roles(void) {
	const struct plm_transport_secure secure = {.id = 0x123456};
	const struct plm_id id = {.id = 1};
	const struct plm_list list = {0};
	const struct plm_trace_set off = {0};
	struct plm_api_header header;
	int observer = raw_open(PLM_ROLE_OBSERVER), punt = raw_connect();

	EXPECT(EPERM, raw_call(observer, PLM_API_TRANSPORT_DEL, &id, sizeof(id)), "an observer");
	EXPECT(EPERM, raw_call(observer, PLM_API_CONSUMER_DEL, &id, sizeof(id)), "an observer");
	EXPECT(EPERM, raw_call(observer, PLM_API_PRODUCER_DEL, &id, sizeof(id)), "an observer");
	EXPECT(EPERM,
	       raw_call(observer, PLM_API_TRANSPORT_SECURE, &secure, sizeof(secure)),
	       "an observer");
	EXPECT(0, raw_call(observer, PLM_API_TRACE_SET, &off, sizeof(off)), "its trace");
	raw_request(observer, PLM_API_PORT_LIST, &list, sizeof(list));
	EXPECT(0, raw_reply(observer, &header), "its list");
	EXPECT(0, raw_hello(punt, PLM_ROLE_PUNT, 7), "HELLO of a punt client");
	EXPECT(EPERM, raw_call(punt, PLM_API_TRANSPORT_DEL, &id, sizeof(id)), "a punt client");
	EXPECT(ENOENT,
	       raw_call(punt, PLM_API_TRANSPORT_SECURE, &secure, sizeof(secure)),
	       "a punt client's keys");
	raw_close_all();
}

static void api_replace(void) {
	struct plm_api_header header;
	int first = raw_open(PLM_ROLE_CONTROL), second;
	const struct plm_id id = {.id = 77777};

	EXPECT(0, raw_call(first, PLM_API_TRANSPORT_DEL, &id, sizeof(id)), "the new client");
	second = raw_open(PLM_ROLE_CONTROL);
	CHECK(raw_reply(first, &header) == -1, "the old client stays");
	EXPECT(0, raw_call(second, PLM_API_TRANSPORT_DEL, &id, sizeof(id)), "the newest client");
	relay_close();
	relay_open();
	CHECK(raw_reply(second, &header) == -1, "the old client stays");
	raw_close_all();
}

static void api_transports(void) {
	struct peer *peer = peer_new(), *other = peer_new();
	struct plm_transport_add add = {
		.id = peer->id,
		.ice = peer->generations[0].ice,
	};
	struct plm_transport_secure secure = {.id = peer->id, .suite = SUITE_GCM};
	struct plm_transport_restart restart = {.id = 999999, .ice = other->generations[0].ice};
	const struct plm_id nobody = {.id = 999999};

#define TRY(type, request) relay_try(PLM_API_##type, &(request), sizeof(request))
	EXPECT(0, TRY(TRANSPORT_ADD, add), "ADD");
	EXPECT(0, TRY(TRANSPORT_ADD, add), "ADD again");
	add.punt_channel = 1;
	EXPECT(EEXIST, TRY(TRANSPORT_ADD, add), "ADD with other contents");
	add.punt_channel = PLM_PUNT_CHANNELS;
	EXPECT(EINVAL, TRY(TRANSPORT_ADD, add), "ADD with a wrong channel");
	add.punt_channel = 0;
	add.id = 0;
	EXPECT(EINVAL, TRY(TRANSPORT_ADD, add), "ADD of id 0");
	add.id = other->id;
	EXPECT(EEXIST, TRY(TRANSPORT_ADD, add), "ADD with the ufrag of another");
	add.ice = other->generations[0].ice;
	add.ice.local_pwd[21] = '\0';
	EXPECT(EINVAL, TRY(TRANSPORT_ADD, add), "ADD with a short password");
	add.ice = other->generations[0].ice;
	add.ice.remote_ufrag[3] = '\0';
	EXPECT(EINVAL, TRY(TRANSPORT_ADD, add), "ADD with a short ufrag");
	EXPECT(ENOENT, TRY(TRANSPORT_RESTART, restart), "RESTART of nobody");
	restart.id = peer->id;
	restart.ice = peer->generations[0].ice;
	EXPECT(0, TRY(TRANSPORT_RESTART, restart), "RESTART with the same ufrag");
	peer_add(other);
	restart.ice = other->generations[0].ice;
	EXPECT(EEXIST, TRY(TRANSPORT_RESTART, restart), "RESTART with the ufrag of another");
	secure.id = 999999;
	EXPECT(ENOENT, TRY(TRANSPORT_SECURE, secure), "SECURE of nobody");
	secure.id = peer->id;
	secure.suite = 2;
	EXPECT(EINVAL, TRY(TRANSPORT_SECURE, secure), "SECURE with an unknown suite");
	secure.suite = SUITE_GCM;
	EXPECT(0, TRY(TRANSPORT_SECURE, secure), "SECURE before the first packet");
	EXPECT(EALREADY, TRY(TRANSPORT_SECURE, secure), "SECURE again");
	EXPECT(0, TRY(TRANSPORT_DEL, nobody), "DEL of nobody");
	// Deleted and made anew with the same id and ufrag.
	const struct plm_id id = {.id = peer->id};
	EXPECT(0, TRY(TRANSPORT_DEL, id), "DEL");
	EXPECT(0, TRY(TRANSPORT_DEL, id), "DEL again");
	CHECK(list_count(PLM_API_TRANSPORT_LIST, peer->id) == 0, "it is still listed");
	peer_add(peer);
	peer_open(peer, 4);
	peer_nominate(peer, peer->sock);
}

static void api_streams(void) {
	struct peer *peer = peer_up(4, SUITE_GCM);
	struct source source;
	struct sink sink;
	struct plm_producer_add producer;
	struct plm_consumer_add consumer;
	struct plm_consumer_set set = {.id = 999999};
	const struct plm_id nobody = {.id = 999999};

	source_add(&source, peer, PLM_KIND_VIDEO, true);
	sink_add(&sink, peer, &source);
	producer = source.add;
	consumer = sink.add;
	EXPECT(0, TRY(PRODUCER_ADD, producer), "PRODUCER_ADD again");
	EXPECT(0, TRY(CONSUMER_ADD, consumer), "CONSUMER_ADD again");
	producer.payload_type = 99;
	consumer.payload_type = 99;
	EXPECT(EEXIST, TRY(PRODUCER_ADD, producer), "PRODUCER_ADD with other contents");
	EXPECT(EEXIST, TRY(CONSUMER_ADD, consumer), "CONSUMER_ADD with other contents");
	producer.id = consumer.id = 888888;
	EXPECT(EINVAL, TRY(CONSUMER_ADD, consumer), "CONSUMER_ADD with an SSRC taken");
	producer.payload_type = 128;
	EXPECT(EINVAL, TRY(PRODUCER_ADD, producer), "PRODUCER_ADD with payload type 128");
	producer.payload_type = 99;
	producer.transport_id = 999999;
	EXPECT(ENOENT, TRY(PRODUCER_ADD, producer), "PRODUCER_ADD to nobody");
	producer.transport_id = peer->id;
	producer.codec = PLM_CODEC_COUNT;
	EXPECT(EINVAL, TRY(PRODUCER_ADD, producer), "PRODUCER_ADD with an unknown codec");
	producer.codec = PLM_CODEC_VP8;
	producer.clock_rate = 0;
	EXPECT(EINVAL, TRY(PRODUCER_ADD, producer), "PRODUCER_ADD with clock rate 0");
	consumer.ssrc = 0;
	EXPECT(EINVAL, TRY(CONSUMER_ADD, consumer), "CONSUMER_ADD with SSRC 0");
	consumer.ssrc = 12345;
	consumer.producer_id = 999999;
	EXPECT(ENOENT, TRY(CONSUMER_ADD, consumer), "CONSUMER_ADD of nobody's stream");
	consumer.producer_id = source.producer_id;
	consumer.transport_id = 999999;
	EXPECT(ENOENT, TRY(CONSUMER_ADD, consumer), "CONSUMER_ADD to nobody");
	EXPECT(ENOENT, TRY(CONSUMER_SET, set), "CONSUMER_SET of nobody");
	EXPECT(ENOENT, TRY(PRODUCER_KEYFRAME, nobody), "PRODUCER_KEYFRAME of nobody");
	EXPECT(0, TRY(PRODUCER_DEL, nobody), "PRODUCER_DEL of nobody");
	EXPECT(0, TRY(CONSUMER_DEL, nobody), "CONSUMER_DEL of nobody");
	// The end of a producer is the end of its consumers.
	const struct plm_id id = {.id = source.producer_id};
	EXPECT(0, TRY(PRODUCER_DEL, id), "PRODUCER_DEL");
	CHECK(list_count(PLM_API_CONSUMER_LIST, sink.consumer_id) == 0, "the consumer is listed");
	CHECK(transport_info(peer->id).n_producers == 0, "the transport counts the producer");
}

// Tables are full: ENOSPC, and room again after a DEL.
static void api_limits(void) {
	unsigned n = hello.max_transports - list_count(PLM_API_TRANSPORT_LIST, 0);
	struct peer *peer = NULL, *first = NULL, *viewers[16];
	struct plm_producer_add producer = {
		.clock_rate = 48000,
		.kind = PLM_KIND_AUDIO,
		.codec = PLM_CODEC_OPUS,
	};
	struct plm_consumer_add consumer = {.ssrc = 1};
	unsigned producers = hello.max_producers - list_count(PLM_API_PRODUCER_LIST, 0);
	unsigned consumers = hello.max_consumers - list_count(PLM_API_CONSUMER_LIST, 0);
	int r;

	for (unsigned i = 0; i < n; i++) {
		struct peer *p = peer_new();
		const struct plm_transport_add add = {
			.id = p->id,
			.ice = p->generations[0].ice,
		};

		EXPECT(0, TRY(TRANSPORT_ADD, add), "a transport within the limit");
		first = first == NULL ? p : first;
		if (i < 16)
			viewers[i] = p;
		peer = p;
	}
	CHECK(n > 16, "no room for transports");
	struct peer *beyond = peer_new();
	const struct plm_transport_add add = {
		.id = beyond->id,
		.ice = beyond->generations[0].ice,
	};
	EXPECT(ENOSPC, TRY(TRANSPORT_ADD, add), "a transport beyond the limit");
	peer_del(peer);
	WAIT(TRY(TRANSPORT_ADD, add) == 0, WAIT_MS, "no room after a DEL");

	producer.transport_id = beyond->id;
	n = 0;
	do {
		producer.id = relay_id();
		r = TRY(PRODUCER_ADD, producer);
		n++;
		if (n == 16 && r == 0) // streams one transport may send
			producer.transport_id = first->id;
	} while (r == 0);
	CHECK(r == ENOSPC && n == producers + 1, "producer %u: %s", n, strerror(r));
	consumer.producer_id = producer.id - 1;
	n = 0;
	do {
		CHECK(n / 15 < 16, "more than %u consumers", n);
		consumer.transport_id = viewers[n / 15]->id; // each takes 15 SSRCs
		consumer.id = relay_id();
		consumer.ssrc++;
		r = TRY(CONSUMER_ADD, consumer);
		n++;
	} while (r == 0);
	CHECK(r == ENOSPC && n == consumers + 1, "consumer %u: %s", n, strerror(r));
}

static void api_lists(void) {
	struct peer *a = peer_up(4, SUITE_GCM), *b = peer_up(6, SUITE_GCM);
	struct source source, other;
	struct sink sinks[3];
	unsigned before = list_count(PLM_API_TRANSPORT_LIST, 0);
	unsigned producers = list_count(PLM_API_PRODUCER_LIST, 0);
	unsigned consumers = list_count(PLM_API_CONSUMER_LIST, 0);

	source_add(&source, a, PLM_KIND_VIDEO, true);
	source_add(&other, a, PLM_KIND_AUDIO, true);
	for (unsigned i = 0; i < 3; i++)
		sink_add(&sinks[i], b, i < 2 ? &source : &other);
	CHECK(before >= 2, "%u transports", before);
	CHECK(list_count(PLM_API_TRANSPORT_LIST, a->id) == 1, "one transport by its id");
	CHECK(list_count(PLM_API_TRANSPORT_LIST, 999999) == 0, "a transport that is not there");
	CHECK(list_count(PLM_API_PRODUCER_LIST, 0) == producers + 2, "all producers");
	CHECK(list_count(PLM_API_PRODUCER_LIST, other.producer_id) == 1, "one producer");
	CHECK(list_count(PLM_API_CONSUMER_LIST, 0) == consumers + 3, "all consumers");
	CHECK(list_count(PLM_API_CONSUMER_LIST, source.producer_id) == 2, "a producer's consumers");
	CHECK(list_count(PLM_API_CONSUMER_LIST, sinks[2].consumer_id) == 1, "one consumer");
	CHECK(list_count(PLM_API_WORKER_LIST, 0) == hello.n_workers, "the workers");
	CHECK(list_count(PLM_API_PORT_LIST, 0) == 1, "the port");
	CHECK(list_count(PLM_API_DROP_LIST, 0) % (hello.n_workers + 1) == 0, "the drop reasons");
	CHECK(producer_info(source.producer_id).n_consumers == 2, "a producer counts otherwise");
	CHECK(transport_info(b->id).n_consumers == 3, "a transport counts otherwise");
}

// The last entries of the trace.
static struct plm_trace_entry traced[8];
static unsigned n_traced;

static void trace_read(int fd) {
	const struct plm_list list = {0};
	_Alignas(8) uint8_t packet[PLM_API_MAX_LEN];
	const struct plm_api_header *header = (const struct plm_api_header *)packet;

	n_traced = 0;
	raw_request(fd, PLM_API_TRACE_LIST, &list, sizeof(list));
	while (recv(fd, packet, sizeof(packet), 0) > 0) {
		if (!(header->flags & PLM_API_MORE))
			return;
		memcpy(&traced[n_traced++ % 8], header + 1, sizeof(traced[0]));
	}
	fail("the trace has no end");
}

static void api_trace(void) {
	struct peer *publisher = peer_up(4, SUITE_GCM), *viewer = peer_up(4, SUITE_GCM);
	struct plm_trace_set set = {.transport_id = publisher->id, .packets = 2};
	bool found = false;
	int fd = raw_open(PLM_ROLE_OBSERVER);
	struct source source;
	struct sink sink;

	source_add(&source, publisher, PLM_KIND_AUDIO, true);
	sink_add(&sink, viewer, &source);
	EXPECT(0, raw_call(fd, PLM_API_TRACE_SET, &set, sizeof(set)), "TRACE_SET");
	relay_settle();
	for (unsigned i = 0; i < 4; i++)
		source_send(&source, false, 100);
	WAIT(sink_count(&sink) == 4, WAIT_MS, "media is lost");
	trace_read(fd);
	CHECK(n_traced == 2, "%u entries instead of 2", n_traced);
	CHECK(traced[0].transport_id == publisher->id && traced[0].kind == 'R'
		      && traced[0].ssrc == source.ssrc && traced[0].fanout == 1
		      && traced[0].seq == (uint16_t)(source.seq - 4)
		      && traced[0].payload_type == source.add.payload_type,
	      "the entry tells of another packet");
	set.transport_id = 999999;
	EXPECT(ENOENT, raw_call(fd, PLM_API_TRACE_SET, &set, sizeof(set)), "a trace of nobody");
	set.transport_id = 0;
	set.packets = 1000000;
	EXPECT(EINVAL, raw_call(fd, PLM_API_TRACE_SET, &set, sizeof(set)), "a trace too long");
	set.packets = 100;
	EXPECT(0, raw_call(fd, PLM_API_TRACE_SET, &set, sizeof(set)), "TRACE_SET of all");
	relay_settle();
	source_make(&source, false, 100);
	source.wire[source.wire_len - 1] ^= 1;
	sock_send(publisher->sock, source.wire, source.wire_len);
	drop_expect("srtp_auth", 1);
	trace_read(fd);
	for (unsigned i = 0; i < n_traced && i < 8; i++)
		found |= traced[i].verdict == 1 && traced[i].stage == PLM_STAGE_UNPROTECT
			&& traced[i].transport_id == publisher->id;
	CHECK(found, "the dropped packet is not among %u entries", n_traced);
	set.packets = 0;
	EXPECT(0, raw_call(fd, PLM_API_TRACE_SET, &set, sizeof(set)), "TRACE_SET off");
	raw_close_all();
}

// A client that asks for lists and does not read the answers waits; the others do not.
static void api_slow_list(void) {
	const struct plm_list list = {0};
	struct plm_api_header header;
	int fd = raw_open(PLM_ROLE_OBSERVER);
	unsigned ends = 0;

	for (unsigned i = 0; i < 100; i++)
		raw_request(fd, PLM_API_DROP_LIST, &list, sizeof(list));
	pump_for(50);
	CHECK(list_count(PLM_API_WORKER_LIST, 0) == hello.n_workers, "others are not served");
	while (ends < 100) {
		EXPECT(0, raw_reply(fd, &header), "a list");
		ends += !(header.flags & PLM_API_MORE);
	}
	raw_close_all();
}

// A CONTROL client that does not read its events is disconnected in the end, not waited for.
static void api_slow_control(void) {
	struct peer *peer = peer_new();
	struct sock *socks[2];
	struct pollfd poll_fd = {.events = POLLRDHUP};
	struct plm_api_header header;
	bool hung_up = false;
	int fd, r = 0;

	peer_open(peer, 4);
	peer_add(peer);
	peer_nominate(peer, peer->sock);
	socks[0] = peer->sock;
	socks[1] = sock_open(4, NULL);
	fd = raw_open(PLM_ROLE_CONTROL); // takes the probe's place
	poll_fd.fd = fd;
	drop_allow("handover_full");
	// Each request makes an event: the path moves.
	for (unsigned i = 0; i < 100000 && !hung_up; i++) {
		stun_send(peer, socks[i % 2], NULL, NULL);
		if (i % 8 == 0)
			pump(1);
		hung_up = poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLRDHUP) != 0;
	}
	CHECK(hung_up, "it is still connected");
	for (unsigned i = 0; i < 20000 && r >= 0; i++)
		r = raw_reply(fd, &header);
	CHECK(r < 0, "its events have no end");
	relay_close();
	relay_open();
	raw_close_all();
}

const struct scenario api_scenarios[] = {
	{"api_hello", api_hello, "HELLO comes first, with version and role"},
	{"api_malformed", api_malformed, "malformed messages get their errors"},
	{"api_garbage", api_garbage, "noise breaks nothing"},
	{"api_roles", api_roles, "observers and punt clients may do what is theirs"},
	{"api_replace", api_replace, "a new CONTROL client takes the old one's place"},
	{"api_transports", api_transports, "transports: idempotent ADD and DEL, errors"},
	{"api_streams", api_streams, "streams: idempotent ADD and DEL, errors"},
	{"api_limits", api_limits, "full tables say ENOSPC"},
	{"api_lists", api_lists, "every LIST, whole and by id"},
	{"api_trace", api_trace, "the trace shows where packets end"},
	{"api_slow_list", api_slow_list, "a slow reader of lists holds up nobody"},
	{"api_slow_control", api_slow_control, "a slow reader of events is disconnected"},
	{0},
};
