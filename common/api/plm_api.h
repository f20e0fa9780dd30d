// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The contract between plenum-dataplane and everyone who talks to it (plenum-control, plenum-hls,
// plenumctl, tests, benchmarks).
//
// Transport: SOCK_SEQPACKET on a unix socket, one message a packet, host byte order unless a name
// ends in _be. A message is struct plm_api_header followed by the flat struct of its type. Fields
// are fixed width; there is no hidden padding (size asserts below, golden layout in
// tests/unit/api/layout.golden).
//
// A client opens with HELLO. A request carries a seq of the client's choice; its reply carries the
// same seq and a status, 0 or a positive errno value. Ids of objects are chosen by control, so ADD
// and DEL are idempotent: ADD of the same id with the same contents is 0, with other contents
// EEXIST; DEL of an unknown id is 0. A LIST answers with one reply per item, flag MORE set, and
// ends with a reply without MORE and without payload.
//
// The server treats every message as hostile: unknown type ENOTSUP, short or long payload EMSGSIZE,
// bad value EINVAL, table full ENOSPC, unknown object ENOENT, HELLO missing EPROTO.

#include <stdint.h>

#define PLM_API_MAGIC 0x504c4e4dU // "PLNM"
#define PLM_API_VERSION 1
#define PLM_API_MAX_LEN 4096 // header and payload
#define PLM_API_NAME_LEN 32

enum plm_api_flag {
	PLM_API_REPLY = 1 << 0, // answer to a request
	PLM_API_MORE = 1 << 1, // more items of this LIST follow
	PLM_API_EVENT = 1 << 2, // unasked; no reply is expected (also DTLS records both ways)
};

struct plm_api_header {
	uint16_t type; // enum plm_api_type
	uint16_t flags; // enum plm_api_flag
	uint32_t seq; // chosen by the requester, echoed in replies; 0 in events
	int32_t status; // replies: 0 or a positive errno; requests and events: 0
	uint32_t length; // bytes of payload after this header
};

// ---------------------------------------------------------------------------- common shapes

struct plm_addr {
	uint8_t family; // 0 none, 4 or 6
	uint8_t pad;
	uint16_t port; // host byte order
	uint8_t ip[16]; // network byte order; IPv4 in the first 4
};

enum plm_kind {
	PLM_KIND_NONE,
	PLM_KIND_AUDIO,
	PLM_KIND_VIDEO
};

enum plm_codec {
	PLM_CODEC_NONE,
	PLM_CODEC_OPUS,
	PLM_CODEC_VP8,
	PLM_CODEC_VP9,
	PLM_CODEC_H264,
	PLM_CODEC_AV1,
	PLM_CODEC_COUNT,
};

// RTP header extensions we know, by URI (RFC 8285). The one list of them: X(NAME, "uri").
#define PLM_EXTENSIONS(X)                                                                          \
	X(MID, "urn:ietf:params:rtp-hdrext:sdes:mid")                                              \
	X(RID, "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id")                                    \
	X(REPAIRED_RID, "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id")                  \
	X(AUDIO_LEVEL, "urn:ietf:params:rtp-hdrext:ssrc-audio-level")                              \
	X(ABS_SEND_TIME, "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time")             \
	X(TRANSPORT_CC,                                                                            \
	  "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01")             \
	X(TOFFSET, "urn:ietf:params:rtp-hdrext:toffset")                                           \
	X(VIDEO_ORIENTATION, "urn:3gpp:video-orientation")                                         \
	X(PLAYOUT_DELAY, "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay")             \
	X(VIDEO_CONTENT_TYPE, "http://www.webrtc.org/experiments/rtp-hdrext/video-content-type")   \
	X(VIDEO_TIMING, "http://www.webrtc.org/experiments/rtp-hdrext/video-timing")               \
	X(COLOR_SPACE, "http://www.webrtc.org/experiments/rtp-hdrext/color-space")                 \
	X(DEPENDENCY_DESCRIPTOR,                                                                   \
	  "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-"         \
	  "extension")                                                                             \
	X(ABS_CAPTURE_TIME, "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time")

enum plm_ext {
	PLM_EXT_NONE,
#define X(name, uri) PLM_EXT_##name,
	PLM_EXTENSIONS(X)
#undef X
	PLM_EXT_COUNT,
};

// ids[PLM_EXT_x] is the negotiated local id 1..255 of that extension, 0 = not negotiated.
#define PLM_EXT_MAP_LEN 16
struct plm_ext_map {
	uint8_t ids[PLM_EXT_MAP_LEN];
};

#define PLM_UFRAG_MAX 32 // longest we take (RFC 8839 allows 256; browsers use 4, we make 12)
#define PLM_PWD_MAX 64 // RFC 8839: at least 22
#define PLM_MID_MAX 16
#define PLM_CNAME_MAX 32

// One generation of ICE credentials (RFC 8445 section 5.3). Strings are NUL-terminated.
struct plm_ice_credentials {
	char local_ufrag[PLM_UFRAG_MAX];
	char local_pwd[PLM_PWD_MAX];
	char remote_ufrag[PLM_UFRAG_MAX];
	char remote_pwd[PLM_PWD_MAX];
};

// SRTP protection profiles (RFC 5764 section 4.1.2, RFC 7714 section 14.2): their DTLS numbers.
enum plm_srtp_suite {
	PLM_SRTP_AES128_CM_HMAC_SHA1_80 = 0x0001,
	PLM_SRTP_AEAD_AES_128_GCM = 0x0007,
	PLM_SRTP_AEAD_AES_256_GCM = 0x0008,
};

#define PLM_SRTP_KEY_MAX 48 // master key then master salt: 30, 28 or 44 bytes used
struct plm_srtp_key {
	uint8_t bytes[PLM_SRTP_KEY_MAX];
};

// ---------------------------------------------------------------------------- messages

// The one list: X(NAME, number, request struct, reply struct). A request without payload uses
// struct plm_empty.
#define PLM_API_MESSAGES(X)                                                                        \
	X(HELLO, 1, plm_hello_req, plm_hello_rep)                                                  \
	X(TRANSPORT_ADD, 10, plm_transport_add, plm_empty)                                         \
	X(TRANSPORT_RESTART, 11, plm_transport_restart, plm_empty)                                 \
	X(TRANSPORT_SECURE, 12, plm_transport_secure, plm_empty)                                   \
	X(TRANSPORT_DEL, 13, plm_id, plm_empty)                                                    \
	X(TRANSPORT_LIST, 14, plm_list, plm_transport_info)                                        \
	X(PRODUCER_ADD, 20, plm_producer_add, plm_empty)                                           \
	X(PRODUCER_DEL, 21, plm_id, plm_empty)                                                     \
	X(PRODUCER_LIST, 22, plm_list, plm_producer_info)                                          \
	X(PRODUCER_KEYFRAME, 23, plm_id, plm_empty)                                                \
	X(CONSUMER_ADD, 30, plm_consumer_add, plm_empty)                                           \
	X(CONSUMER_DEL, 31, plm_id, plm_empty)                                                     \
	X(CONSUMER_LIST, 32, plm_list, plm_consumer_info)                                          \
	X(CONSUMER_SET, 33, plm_consumer_set, plm_empty)                                           \
	X(WORKER_LIST, 40, plm_list, plm_worker_info)                                              \
	X(PORT_LIST, 41, plm_list, plm_port_info)                                                  \
	X(DROP_LIST, 42, plm_list, plm_drop_info)                                                  \
	X(TRACE_SET, 50, plm_trace_set, plm_empty)                                                 \
	X(TRACE_LIST, 51, plm_list, plm_trace_entry)                                               \
	X(DTLS_RECORD, 60, plm_dtls_record, plm_empty)                                             \
	X(EVENT_TRANSPORT, 70, plm_event_transport, plm_empty)                                     \
	X(EVENT_PRODUCER, 71, plm_event_producer, plm_empty)

enum plm_api_type {
#define X(name, number, req, rep) PLM_API_##name = number,
	PLM_API_MESSAGES(X)
#undef X
};

struct plm_empty {
	uint8_t nothing[0];
};

struct plm_id {
	uint64_t id;
};

struct plm_list {
	uint64_t id; // 0 = all; else only this object (or, for consumers, this producer's)
};

// --- HELLO

enum plm_role {
	PLM_ROLE_OBSERVER, // reads lists and statistics, changes nothing
	// may change objects; receives events. At most one at a time: a new one wins
	PLM_ROLE_CONTROL,
	PLM_ROLE_PUNT, // carries DTLS records of its channel, and TRANSPORT_SECURE; several
};

struct plm_hello_req {
	uint32_t magic;
	uint16_t version;
	uint16_t role; // enum plm_role
	uint16_t punt_channel; // PLM_ROLE_PUNT: 0..PLM_PUNT_CHANNELS-1; else 0
	uint16_t pad[3];
	char name[PLM_API_NAME_LEN]; // of the client, for logs
};

#define PLM_PUNT_CHANNELS 16
#define PLM_HELLO_ADDRS 4

struct plm_hello_rep {
	uint16_t version;
	uint16_t n_workers;
	uint16_t public_port; // the one UDP port of all sessions
	// private ports of ICE agents on the TAP, not reachable from outside
	uint16_t agent_port_min;
	uint16_t agent_port_max;
	uint16_t n_addrs;
	uint32_t pad;
	uint64_t boot_id; // random at each start of the dataplane
	uint32_t max_transports;
	uint32_t max_producers;
	uint32_t max_consumers;
	uint32_t max_paths; // per transport
	struct plm_addr addrs[PLM_HELLO_ADDRS]; // of the TAP; port = public_port
	char version_text[PLM_API_NAME_LEN];
};

// --- transports (one peer's ICE + DTLS + SRTP session)

enum plm_transport_state {
	PLM_TRANSPORT_NEW, // credentials known, no path yet
	PLM_TRANSPORT_PATH, // at least one authenticated path; STUN goes to the agent
	PLM_TRANSPORT_SECURE, // keys installed; the dataplane answers and sends consent
	PLM_TRANSPORT_DEAD, // consent lost; waits for TRANSPORT_DEL
};

// EEXIST also when another transport has the same local ufrag: requests are told apart by it.
struct plm_transport_add {
	uint64_t id; // != 0
	uint16_t agent_port_v4; // private port of the ICE agent on the TAP, 0 = no such family
	uint16_t agent_port_v6;
	uint16_t punt_channel; // DTLS records go to the PUNT client of this channel
	uint16_t pad;
	struct plm_ice_credentials ice;
};

// ICE restart (RFC 8445 section 9): a second generation of credentials for the same transport. The
// old one is dropped when the new one has a selected path. agent ports 0: no agent, the dataplane
// answers alone (transport is SECURE).
struct plm_transport_restart {
	uint64_t id;
	uint16_t agent_port_v4;
	uint16_t agent_port_v6;
	uint32_t pad;
	struct plm_ice_credentials ice;
};

// PATH (or NEW) -> SECURE. Allowed to CONTROL and PUNT clients.
struct plm_transport_secure {
	uint64_t id;
	uint16_t suite; // enum plm_srtp_suite
	uint16_t pad[3];
	struct plm_srtp_key rx; // what the peer encrypts with
	struct plm_srtp_key tx; // what we encrypt with
};

struct plm_transport_info {
	uint64_t id;
	uint8_t state; // enum plm_transport_state
	uint8_t worker; // 255 = not claimed yet
	uint8_t n_paths;
	uint8_t generations;
	uint16_t suite;
	uint16_t n_producers;
	uint32_t n_consumers;
	uint32_t rtt_us; // of the newest consent check
	uint32_t consent_age_ms; // since the last good consent response
	uint32_t age_ms; // since TRANSPORT_ADD
	struct plm_addr remote; // of the selected path
	uint32_t pad;
	uint64_t rx_packets; // RTP and RTCP that passed authentication
	uint64_t rx_bytes; // UDP payload bytes of these
	uint64_t tx_packets;
	uint64_t tx_bytes;
	uint64_t rx_dropped; // authentication failed, replayed, malformed, unknown SSRC
	uint64_t tx_dropped; // no buffer, ring full, protect failed
	uint64_t path_changes;
	uint64_t stun_requests; // authenticated requests received
	uint64_t consent_sent;
	uint64_t consent_received;
};

// --- producers (a stream that a transport receives)

struct plm_producer_add {
	uint64_t id;
	uint64_t transport_id;
	uint32_t ssrc; // 0 = learn it from the MID extension or, lacking that, the payload type
	uint32_t clock_rate;
	uint8_t kind; // enum plm_kind
	uint8_t codec; // enum plm_codec
	uint8_t payload_type;
	uint8_t nack; // 1: gaps are NACKed (RFC 4585)
	uint8_t pli; // 1: key frames are asked by PLI (RFC 4585)
	uint8_t fir; // 1: else by FIR (RFC 5104)
	uint8_t remb; // 1: the peer takes goog-remb; the dataplane sends max_bitrate
	uint8_t pad;
	uint32_t max_bitrate; // bit/s told to the publisher, 0 = do not tell
	uint32_t pad2;
	char mid[PLM_MID_MAX]; // NUL-terminated; empty = no MID
	struct plm_ext_map ext;
};

struct plm_producer_info {
	uint64_t id;
	uint64_t transport_id;
	uint32_t ssrc;
	uint32_t clock_rate;
	uint8_t kind;
	uint8_t codec;
	uint8_t payload_type;
	uint8_t worker;
	uint32_t n_consumers;
	uint64_t packets; // received, authenticated, after duplicates are removed
	uint64_t bytes; // RTP payload bytes of these
	uint64_t lost; // expected - received now (RFC 3550 A.3), never below 0
	uint64_t nacked; // sequence numbers asked for, each repetition counted
	uint64_t recovered; // packets that came after they were NACKed
	uint64_t duplicates;
	uint64_t keyframes; // seen
	uint64_t keyframe_requests; // sent to the publisher
	uint64_t keyframe_asked; // asked for by viewers and joins, before coalescing
	uint32_t jitter; // RFC 3550 6.4.1, in clock_rate units
	uint32_t bitrate; // bit/s of the last full second, RTP payload
	uint32_t packet_rate; // packets/s of the last full second
	uint32_t audio_level; // 0..127 -dBov of the newest packet, 255 = unknown
};

// --- consumers (a stream that a transport sends: one producer to one viewer)

struct plm_consumer_add {
	uint64_t id;
	uint64_t transport_id; // of the viewer
	uint64_t producer_id;
	uint32_t ssrc; // of what the viewer receives; != 0, unique in its transport. An SSRC used
		// again there goes on numbering; 15 different ones a transport, else ENOSPC
	uint8_t payload_type; // the viewer's number of the producer's codec
	uint8_t nack; // 1: the viewer may NACK
	uint8_t paused; // 1: starts paused
	uint8_t pad;
	char mid[PLM_MID_MAX];
	char cname[PLM_CNAME_MAX]; // SDES CNAME sent with sender reports
	struct plm_ext_map ext; // the viewer's ids; an extension without one is removed
};

struct plm_consumer_set {
	uint64_t id;
	uint8_t paused;
	uint8_t pad[7];
};

struct plm_consumer_info {
	uint64_t id;
	uint64_t transport_id;
	uint64_t producer_id;
	uint32_t ssrc;
	uint8_t payload_type;
	uint8_t worker;
	uint8_t kind;
	uint8_t paused;
	uint64_t packets; // sent, retransmissions excluded
	uint64_t bytes; // RTP payload bytes of these
	uint64_t dropped; // meant for this viewer and lost in the relay
	uint64_t retransmitted;
	uint64_t nacks; // sequence numbers the viewer asked for
	uint64_t nack_misses; // of these: no longer in the cache, or over the budget
	uint64_t plis; // PLI and FIR received from the viewer
	uint32_t rtt_us; // from LSR and DLSR of its receiver reports
	uint32_t jitter; // of its newest receiver report, clock_rate units
	uint32_t lost; // cumulative, of its newest receiver report
	uint8_t fraction_lost; // /256, of its newest receiver report
	uint8_t waiting_keyframe;
	uint8_t pad[2];
};

// --- workers, ports, drops

#define PLM_STAGES(X)                                                                              \
	X(RX, "rx")                                                                                \
	X(CLASSIFY, "classify")                                                                    \
	X(STUN, "stun")                                                                            \
	X(LOOKUP, "lookup")                                                                        \
	X(UNPROTECT, "unprotect")                                                                  \
	X(RTCP, "rtcp")                                                                            \
	X(ROUTE, "route")                                                                          \
	X(FANOUT, "fanout")                                                                        \
	X(EGRESS, "egress")                                                                        \
	X(HOUSEKEEPING, "housekeeping")

enum plm_stage {
#define X(name, text) PLM_STAGE_##name,
	PLM_STAGES(X)
#undef X
	PLM_STAGE_COUNT,
};

#define PLM_STAGE_MAX 12

struct plm_stage_info {
	uint64_t calls; // with at least one packet
	uint64_t packets; // in
	uint64_t cycles; // TSC
};

struct plm_worker_info {
	uint32_t index;
	uint32_t lcore;
	uint32_t n_transports;
	uint32_t n_producers;
	uint32_t n_consumers;
	uint32_t load_permille; // of the last second: busy cycles / all cycles
	uint64_t tsc_hz;
	uint64_t loops;
	uint64_t busy_cycles;
	uint64_t sleeps;
	uint64_t rx_packets; // from the port
	uint64_t tx_packets; // to the port
	uint64_t handed_over; // strays given to the owning worker
	uint64_t fanned_out; // source packets given to other workers
	uint64_t mbufs_free;
	uint64_t mbufs_used;
	struct plm_stage_info stages[PLM_STAGE_MAX];
};

struct plm_port_info {
	uint32_t index;
	uint16_t n_rx_queues;
	uint16_t n_tx_queues;
	uint8_t mac[6];
	uint8_t link_up;
	uint8_t pad;
	uint32_t link_mbps; // 0 = unknown
	uint32_t mtu;
	uint64_t rx_packets;
	uint64_t rx_bytes;
	uint64_t rx_missed;
	uint64_t rx_errors;
	uint64_t rx_nombuf;
	uint64_t tx_packets;
	uint64_t tx_bytes;
	uint64_t tx_errors;
	uint64_t tap_rx_packets; // kernel to network
	uint64_t tap_tx_packets; // network to kernel
	char name[PLM_API_NAME_LEN];
	char driver[PLM_API_NAME_LEN];
	char tap[16];
};

struct plm_drop_info {
	uint32_t reason;
	uint32_t worker; // 255 = the exception thread
	uint64_t packets;
	char name[PLM_API_NAME_LEN];
	char help[64];
};

// --- packet trace: bounded, off by default

struct plm_trace_set {
	uint64_t transport_id; // 0 = any
	uint32_t packets; // record this many more packets per worker, 0 = off
	uint32_t pad;
};

struct plm_trace_entry {
	uint64_t at_ns; // since the dataplane started
	uint64_t transport_id;
	uint32_t worker;
	uint32_t length; // UDP payload
	struct plm_addr remote;
	uint8_t stage; // last stage reached
	uint8_t verdict; // 0 sent or consumed, 1 dropped, 2 to the kernel, 3 handed over
	uint16_t drop_reason;
	uint32_t ssrc;
	uint16_t seq;
	uint8_t payload_type;
	uint8_t kind; // 'R' RTP, 'C' RTCP, 'S' STUN, 'D' DTLS, 'K' kernel's, '?' other
	uint32_t fanout; // copies sent
	uint32_t pad;
};

// --- DTLS records, either direction (PLM_API_EVENT set)

#define PLM_DTLS_MAX 2048

struct plm_dtls_record {
	uint64_t transport_id;
	uint16_t len;
	uint8_t pad[6];
	uint8_t data[PLM_DTLS_MAX]; // only len bytes are sent: payload length is 16 + len
};

// --- events to the CONTROL client

enum plm_transport_event {
	PLM_TRANSPORT_EV_PATH, // the selected path changed (first time or moved)
	PLM_TRANSPORT_EV_CONSENT_LOST, // now DEAD (RFC 7675: 30 s without consent)
	PLM_TRANSPORT_EV_RESTARTED, // an ICE restart is complete, old credentials dropped
};

struct plm_event_transport {
	uint64_t id;
	uint32_t event;
	uint32_t generation;
	struct plm_addr remote;
	uint32_t pad;
};

enum plm_producer_event {
	PLM_PRODUCER_EV_ACTIVE, // first packet, or packets again after a silence
	PLM_PRODUCER_EV_IDLE, // no packet for 2 s
};

struct plm_event_producer {
	uint64_t id;
	uint32_t event;
	uint32_t ssrc;
};

#define PLM_API_SIZE(name, size)                                                                   \
	_Static_assert(sizeof(struct name) == (size), "size of struct " #name " changed")

PLM_API_SIZE(plm_api_header, 16);
PLM_API_SIZE(plm_addr, 20);
PLM_API_SIZE(plm_hello_req, 48);
PLM_API_SIZE(plm_hello_rep, 152);
PLM_API_SIZE(plm_transport_add, 208);
PLM_API_SIZE(plm_transport_restart, 208);
PLM_API_SIZE(plm_transport_secure, 112);
PLM_API_SIZE(plm_transport_info, 136);
PLM_API_SIZE(plm_producer_add, 72);
PLM_API_SIZE(plm_producer_info, 120);
PLM_API_SIZE(plm_consumer_add, 96);
PLM_API_SIZE(plm_consumer_set, 16);
PLM_API_SIZE(plm_consumer_info, 104);
PLM_API_SIZE(plm_worker_info, 392);
PLM_API_SIZE(plm_port_info, 184);
PLM_API_SIZE(plm_drop_info, 112);
PLM_API_SIZE(plm_trace_set, 16);
PLM_API_SIZE(plm_trace_entry, 64);
PLM_API_SIZE(plm_dtls_record, 2064);
PLM_API_SIZE(plm_event_transport, 40);
PLM_API_SIZE(plm_event_producer, 16);
