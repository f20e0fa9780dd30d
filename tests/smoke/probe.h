// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// probe: a peer for plenum-dataplane on its software port. It commands the relay by the API socket,
// speaks STUN, DTLS, SRTP and SRTCP to it from kernel sockets in the clients' network namespace,
// and stands for ICE agents with sockets on the relay's TAP. One thread; a scenario that fails
// leaves by fail() and its sockets and transports are cleaned up behind it.

#include <plm_api.h>
#include <plm_loop.h>
#include <plm_rtcp.h>
#include <plm_stun.h>

#include <srtp_job.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define DATAGRAM_MAX 2048
#define GENERATIONS 4
#define TXID PLM_STUN_TXID_LEN

// ---------------------------------------------------------------------------- scenarios

struct scenario {
	const char *name;
	void (*run)(void);
	const char *sentence; // what holds when it passes
	void (*begin)(void); // optional: before any scenario runs, for what takes long
};

extern const struct scenario ice_scenarios[], path_scenarios[], move_scenarios[], dtls_scenarios[],
	srtp_scenarios[], media_scenarios[], feedback_scenarios[], api_scenarios[],
	life_scenarios[];

void life_leave(void); // leaves transports and streams to the dataplane's end

_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define CHECK(condition, ...)                                                                      \
	do {                                                                                       \
		if (!(condition))                                                                  \
			fail(__VA_ARGS__);                                                         \
	} while (0)

// Handles what arrives until the condition holds; fails after ms.
#define WAIT(condition, ms, ...)                                                                   \
	do {                                                                                       \
		const uint64_t end_us_ = plm_now_us() + (ms)*UINT64_C(1000);                       \
		while (!(condition)) {                                                             \
			if (plm_now_us() > end_us_)                                                \
				fail(__VA_ARGS__);                                                 \
			pump(2);                                                                   \
		}                                                                                  \
	} while (0)

#define WAIT_MS 3000 // for what takes one round trip

struct options {
	const char *api_socket;
	const char *relay_netns; // name under /run/netns
	pid_t pid; // of the dataplane
	const char *only; // one scenario
	bool quick; // leave out what waits for consent to expire
};

extern struct options options;
extern const struct scenario *running;
extern struct plm_hello_rep hello; // of the CONTROL connection

// ---------------------------------------------------------------------------- sockets
// (probe_net.c)

struct datagram {
	uint64_t at_us;
	struct plm_addr from;
	uint16_t len;
	uint8_t kind; // enum plm_payload_kind
	uint8_t data[];
};

struct peer;

// A UDP socket. Owned by the scenario.
struct sock {
	struct sock *next;
	const struct scenario *owner;
	int fd;
	struct plm_addr local;
	struct peer *peer; // whose checks it answers and whose media it gets; NULL = nobody's
	bool silent; // answers no checks
	uint64_t bytes; // of everything that arrived
	struct datagram **datagrams; // all that came, in order
	unsigned n, room;
};

// In the clients' namespace. ip: NULL = the default one of the family (4 or 6). port 0 = any.
struct sock *sock_open(uint8_t family, const char *ip);
// In the relay's namespace, on its address and a private port: an agent's.
struct sock *sock_agent(uint8_t family);
void sock_close(struct sock *sock);
void sock_send_to(struct sock *sock, const struct plm_addr *to, const void *data, size_t len);
void sock_send(struct sock *sock, const void *data, size_t len); // to the relay's public port
struct plm_addr relay_addr(uint8_t family, uint16_t port);
// How many datagrams of a kind (enum plm_payload_kind) came.
unsigned sock_count(const struct sock *sock, int kind);
// The newest one of a kind; NULL.
const struct datagram *sock_newest(const struct sock *sock, int kind);

// Handles everything that is there, waiting at most ms for something.
void pump(int ms);
void pump_for(int ms); // the whole time
void sockets_clean(const struct scenario *owner);
void net_init(void);

// ---------------------------------------------------------------------------- API (probe_relay.c)

void relay_open(void); // CONTROL and PUNT connections; exits when it cannot
void relay_close(void);
void relay_pump(void); // events that wait
int relay_try(uint16_t type, const void *request, size_t len); // 0 or a positive errno
void relay_do(uint16_t type, const void *request, size_t len); // fails unless 0; settles
void relay_settle(void); // returns when the workers know what the API was told
void relay_del(uint16_t type, uint64_t id);
uint64_t relay_id(void); // a new one for any object

struct plm_transport_info transport_info(uint64_t id);
struct plm_producer_info producer_info(uint64_t id);
struct plm_consumer_info consumer_info(uint64_t id);
struct plm_worker_info worker_info(unsigned index);
unsigned list_count(uint16_t type, uint64_t id);

// Drops since the scenario began. Those of an expected reason must be n at its end, of others none.
uint64_t drops(const char *reason);
void drop_expect(const char *reason, uint64_t n); // n more, and waits until they are counted
void drop_allow(const char *reason); // any number
void drops_begin(void);
void drops_end(void); // fails when the counts are not as expected
void relay_dump(void); // drops, transports, consumers, trace: after a failure

struct event {
	uint64_t at_us;
	uint16_t type; // PLM_API_EVENT_TRANSPORT or _PRODUCER
	uint64_t id;
	uint32_t event, generation, ssrc;
	struct plm_addr remote;
};

// The newest event of an object, NULL = none.
const struct event *event_find(uint16_t type, uint64_t id, uint32_t event);
unsigned event_count(uint16_t type, uint64_t id, uint32_t event);

// DTLS records that the PUNT client got for a transport.
unsigned punt_count(uint64_t transport_id);
bool punt_newest_is(uint64_t transport_id, const void *data, size_t len);
void punt_send(uint64_t transport_id, const void *data, size_t len);
uint16_t punt_channel(void);

// ---------------------------------------------------------------------------- peers (probe_peer.c)

struct media { // an RTP packet that a peer received
	uint64_t at_us;
	const struct sock *sock;
	uint32_t ssrc, timestamp;
	uint16_t seq;
	uint8_t payload_type;
	bool marker;
	uint16_t source_seq; // that the source wrote in its payload
	uint32_t source_ssrc;
	bool intact; // the payload is what that source makes for that number
	bool keyframe;
	uint8_t ext_ids[16], ext_lens[16];
	uint8_t ext_data[16][20];
	unsigned n_ext;
	uint16_t wire_len;
	uint8_t wire[1600]; // as it came, encrypted
};

struct control { // an RTCP compound that a peer received
	uint64_t at_us;
	uint16_t len;
	uint8_t data[1500]; // decrypted
};

struct generation {
	struct plm_ice_credentials ice; // as the relay has them: local is the relay's
	struct plm_stun_key relay_key, own_key;
};

// The other end of a transport. Owned by the scenario.
struct peer {
	struct peer *next;
	const struct scenario *owner;
	uint64_t id; // of the transport
	struct generation generations[GENERATIONS];
	unsigned n_generations;
	uint16_t agent_ports[2];
	struct plm_transport_secure secure;
	struct srtp_session *tx, *rx;
	struct sock *sock; // where it sends from
	uint64_t checks_us[64]; // when the relay's checks came
	unsigned n_checks;
	unsigned n_bad; // could not be decrypted, or checks with a wrong signature
	struct media **media;
	unsigned n_media, media_room;
	struct control **control;
	unsigned n_control, control_room;
};

struct peer *peer_new(void); // credentials; nothing told yet
void peer_add(struct peer *peer); // TRANSPORT_ADD, with its agent_ports
void peer_restart(struct peer *peer); // a new generation, TRANSPORT_RESTART without agent
void peer_open(struct peer *peer, uint8_t family); // a new socket, from now on its own
void peer_secure(struct peer *peer, uint16_t suite); // TRANSPORT_SECURE with random keys
void peer_del(struct peer *peer);
// All of it; returns when its path is validated.
struct peer *peer_up(uint8_t family, uint16_t suite);
// The same on another worker than that of `other`, where there are several.
struct peer *peer_up_elsewhere(uint8_t family, uint16_t suite, const struct peer *other);
void peer_wait_validated(struct peer *peer);
bool peer_selected(const struct peer *peer, const struct sock *sock); // media goes to sock
void peers_clean(const struct scenario *owner);
void peer_receive(struct peer *peer, struct sock *sock, const struct datagram *datagram);

#define SUITE_GCM PLM_SRTP_AEAD_AES_128_GCM

// STUN requests as tests want them.
struct stun_options {
	unsigned generation; // 0 = the newest, else 1..
	bool no_candidate; // leave USE-CANDIDATE out
	bool controlled; // ICE-CONTROLLED instead of ICE-CONTROLLING
	const char *username; // other than "relay:peer"; "" = none at all
	const char *password; // other than the relay's
	bool no_integrity, no_fingerprint, bad_integrity, bad_fingerprint;
};

// Builds a Binding request; ret_txid may be NULL. Returns its length.
size_t stun_build(
	const struct peer *peer,
	const struct stun_options *how,
	uint8_t *ret_data,
	uint8_t *ret_txid
);
// Sends one from sock.
void stun_send(
	struct peer *peer,
	struct sock *sock,
	const struct stun_options *how,
	uint8_t *ret_txid
);
// The relay's answer to txid at sock, its signature checked; 0 = none yet. 487 or 1 for success.
int stun_answer(const struct peer *peer, const struct sock *sock, const uint8_t *txid);
// Request with USE-CANDIDATE from sock, and its answer; sock becomes the peer's.
void peer_nominate(struct peer *peer, struct sock *sock);

// ---------------------------------------------------------------------------- media
// (probe_media.c)

// A stream that a peer sends.
struct source {
	struct peer *peer;
	uint64_t producer_id;
	struct plm_producer_add add;
	uint32_t ssrc;
	uint16_t seq; // of the next packet
	uint32_t timestamp;
	unsigned n_sent;
	uint16_t wire_len; // of the newest packet
	uint8_t wire[1600];
	bool no_mid; // leave the MID out
};

// PRODUCER_ADD of a video (VP8) or audio (Opus) stream with extensions, from peer.
void source_add(struct source *source, struct peer *peer, enum plm_kind kind, bool announce_ssrc);
// One packet. Its payload tells source, number and whether it is intact.
void source_send(struct source *source, bool keyframe, unsigned payload_len);
// The packet without sending it: to source->wire.
void source_make(struct source *source, bool keyframe, unsigned payload_len);
void source_send_n(struct source *source, unsigned n); // all but key frames, 2 ms apart

struct sink { // a stream that a peer receives
	struct peer *peer;
	struct source *source;
	uint64_t consumer_id;
	struct plm_consumer_add add;
	uint32_t ssrc;
};

void sink_add(struct sink *sink, struct peer *peer, struct source *source);
void sink_add_with(struct sink *sink, struct peer *peer, struct source *source, bool paused);
// Packets of this stream that came.
unsigned sink_count(const struct sink *sink);
const struct media *sink_at(const struct sink *sink, unsigned i); // NULL beyond the end
// Waits for n packets more than seen before (from number `from` on), and checks each: the source's
// numbers first_seq.. in order, own numbers contiguous, one timestamp offset, intact.
void sink_expect(const struct sink *sink, unsigned from, uint16_t first_seq, unsigned n);
const uint8_t *media_ext(const struct media *media, uint8_t id, uint8_t *ret_len);

// RTCP from peer to the relay, encrypted; data has room for the trailer.
void control_send(struct peer *peer, uint8_t *data, size_t len);
void send_nack(struct peer *peer, uint32_t media_ssrc, const uint16_t *seqs, int n);
void send_pli(struct peer *peer, uint32_t media_ssrc);
// Items of a type and count (FMT; -1 = any) that came to peer; the newest in *ret_item if not NULL.
unsigned control_count(
	const struct peer *peer,
	int type,
	int count,
	struct plm_rtcp_item *ret_item
);
