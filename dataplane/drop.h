// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Why a packet was lost inside the dataplane. The one list: X(NAME, "name", "what it means").
// Every loss counts exactly one of these, per worker.

#define DROP_REASONS(X)                                                                            \
	X(L2_MALFORMED, "l2_malformed", "Ethernet frame too short, VLAN tag, or several segments") \
	X(IP_MALFORMED, "ip_malformed", "IP or UDP header lies about lengths")                     \
	X(IP_FRAGMENT, "ip_fragment", "fragmented UDP")                                            \
	X(IPV6_EXTENSION, "ipv6_extension", "UDP behind IPv6 extension headers")                   \
	X(IPV6_NO_CHECKSUM, "ipv6_no_checksum", "UDP checksum 0 over IPv6")                        \
	X(PRIVATE_PORT, "private_port", "UDP to a private port of the appliance")                  \
	X(NOT_OURS, "not_ours", "UDP to the public port of another address")                       \
	X(UNKNOWN_PAYLOAD, "unknown_payload", "neither STUN, DTLS, RTP nor RTCP")                  \
	X(EXCEPTION_FULL, "exception_full", "kernel-bound queue full")                             \
	X(TAP_WRITE, "tap_write", "the kernel refused a frame")                                    \
	X(STUN_MALFORMED, "stun_malformed", "not a STUN message")                                  \
	X(STUN_USERNAME, "stun_username", "Binding request without a usable USERNAME")             \
	X(STUN_UNKNOWN_UFRAG, "stun_unknown_ufrag", "no transport has this ufrag")                 \
	X(STUN_UFRAG_MISMATCH, "stun_ufrag_mismatch", "remote half of USERNAME is another's")      \
	X(STUN_FINGERPRINT, "stun_fingerprint", "FINGERPRINT missing or wrong")                    \
	X(STUN_INTEGRITY, "stun_integrity", "MESSAGE-INTEGRITY missing or wrong")                  \
	X(STUN_OLD_GENERATION, "stun_old_generation", "credentials from before an ICE restart")    \
	X(STUN_UNEXPECTED, "stun_unexpected", "a response nobody waits for, or an indication")     \
	X(STUN_AGENT_LATE, "stun_agent_late", "agent's request after the hand-over")               \
	X(AGENT_UNKNOWN, "agent_unknown", "from a private port without transport, or not STUN")    \
	X(ICMP_PRIVATE, "icmp_private", "kernel's ICMP about a private port, kept inside")         \
	X(UNKNOWN_PATH, "unknown_path", "DTLS, RTP or RTCP from an address ICE has not validated") \
	X(NOT_SECURE, "not_secure", "RTP or RTCP before the keys are known")                       \
	X(TRANSPORT_DEAD, "transport_dead", "consent of this transport is lost")                   \
	X(DTLS_TOO_LONG, "dtls_too_long", "DTLS datagram longer than the punt takes")              \
	X(PUNT_FULL, "punt_full", "queue to the control thread full")                              \
	X(RTP_MALFORMED, "rtp_malformed", "RTP header lies about lengths")                         \
	X(RTCP_MALFORMED, "rtcp_malformed", "RTCP lies about lengths")                             \
	X(SRTP_AUTH, "srtp_auth", "authentication failed")                                         \
	X(SRTP_REPLAYED, "srtp_replayed", "packet index seen before")                              \
	X(SRTP_TOO_OLD, "srtp_too_old", "packet index left of the replay window")                  \
	X(SRTP_MALFORMED, "srtp_malformed", "shorter than header and tag")                         \
	X(SRTP_STREAMS, "srtp_streams", "more SSRCs than a session keeps")                         \
	X(SRTP_FAILED, "srtp_failed", "the cipher library refused")                                \
	X(UNKNOWN_SSRC, "unknown_ssrc", "no producer for this SSRC: not negotiated")               \
	X(DUPLICATE, "duplicate", "received twice")                                                \
	X(NO_CONSUMER, "no_consumer", "nobody watches (not a loss)")                               \
	X(HANDOVER_FULL, "handover_full", "ring to the owning worker full")                        \
	X(FANOUT_FULL, "fanout_full", "ring to another worker's viewers full")                     \
	X(CACHE_CLOSED, "cache_closed", "not kept for retransmission, pool low (not a loss)")      \
	X(NO_MBUF, "no_mbuf", "packet pool empty")                                                 \
	X(NO_PATH, "no_path", "nothing selected to send on")                                       \
	X(TX_FULL, "tx_full", "the port took no more")                                             \
	X(PATHS_FULL, "paths_full", "address table full")                                          \
	X(TRANSPORT_GONE, "transport_gone", "in flight when its transport was deleted")

enum drop_reason {
#define X(name, text, help) DROP_##name,
	DROP_REASONS(X)
#undef X
	DROP_COUNT,
};

const char *drop_name(enum drop_reason reason);
const char *drop_help(enum drop_reason reason);
