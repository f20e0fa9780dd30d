// SPDX-License-Identifier: BSD-3-Clause

#include "exception.h"

#include "config.h"
#include "frame.h"
#include "worker.h"

#include <plm_loop.h>
#include <plm_secret.h>
#include <plm_stun.h>

#include <rte_ring.h>

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUDGET 64
#define TRANSACTIONS 4096 // requests of agents remembered, a power of two
#define TRANSACTION_US 10000000 // for this long
#define PORTS 65536

// A connecting transport's agent. Owned by the exception path.
struct agent {
	uint32_t transport;
	bool used, secure;
	uint16_t ports[2]; // [0] IPv4, [1] IPv6
	struct plm_stun_key remote_key;
};

// A request an agent sent: the answer comes back by this id, from this address.
struct transaction {
	uint8_t txid[PLM_STUN_TXID_LEN];
	uint64_t at_us; // 0 = empty
	uint32_t transport;
	struct plm_addr remote;
};

struct exception {
	struct dataplane *dp;
	int tap_fd;
	uint64_t from_kernel, to_kernel;
	uint64_t drops[DROP_COUNT];
	struct agent *agents; // by transport index
	uint32_t *by_port[2]; // private port -> transport index + 1
	struct transaction transactions[TRANSACTIONS];
};

struct exception *exception_new(struct dataplane *dp, int tap_fd) {
	struct exception *exception = calloc(1, sizeof(*exception));

	if (exception == NULL)
		return NULL;
	exception->dp = dp;
	exception->tap_fd = tap_fd;
	exception->agents = calloc(dp->config->max_transports, sizeof(struct agent));
	exception->by_port[0] = calloc(PORTS, sizeof(uint32_t));
	exception->by_port[1] = calloc(PORTS, sizeof(uint32_t));
	if (exception->agents == NULL || exception->by_port[0] == NULL
	    || exception->by_port[1] == NULL) {
		exception_free(exception);
		errno = ENOMEM;
		return NULL;
	}
	return exception;
}

void exception_free(struct exception *exception) {
	if (exception == NULL)
		return;
	free(exception->agents);
	free(exception->by_port[0]);
	free(exception->by_port[1]);
	free(exception);
}

static void drop(struct exception *exception, struct rte_mbuf *m, enum drop_reason reason) {
	exception->drops[reason]++;
	rte_pktmbuf_free(m);
}

void exception_agent_clear(struct exception *exception, uint32_t transport) {
	struct agent *agent = &exception->agents[transport];

	if (!agent->used)
		return;
	for (unsigned i = 0; i < 2; i++) {
		if (exception->by_port[i][agent->ports[i]] == transport + 1)
			exception->by_port[i][agent->ports[i]] = 0;
	}
	plm_wipe(agent, sizeof(*agent));
}

void exception_agent_set(
	struct exception *exception,
	uint32_t transport,
	const struct plm_ice_credentials *ice,
	uint16_t port_v4,
	uint16_t port_v6
) {
	struct agent *agent = &exception->agents[transport];

	exception_agent_clear(exception, transport);
	agent->used = true;
	agent->transport = transport;
	agent->ports[0] = port_v4;
	agent->ports[1] = port_v6;
	plm_stun_key_init(&agent->remote_key, ice->remote_pwd, strlen(ice->remote_pwd));
	for (unsigned i = 0; i < 2; i++) {
		if (agent->ports[i] != 0)
			exception->by_port[i][agent->ports[i]] = transport + 1;
	}
}

void exception_agent_secure(struct exception *exception, uint32_t transport) {
	exception->agents[transport].secure = true;
}

static struct transaction *transaction_slot(struct exception *exception, const uint8_t *txid) {
	uint32_t hash;

	memcpy(&hash, txid + 4, sizeof(hash));
	return &exception->transactions[hash & (TRANSACTIONS - 1)];
}

static void to_tap(struct exception *exception, struct rte_mbuf *m) {
	if (write(exception->tap_fd, rte_pktmbuf_mtod(m, void *), m->data_len) < 0) {
		drop(exception, m, DROP_TAP_WRITE);
		return;
	}
	exception->to_kernel++;
	rte_pktmbuf_free(m);
}

static void set_port(struct rte_mbuf *m, unsigned udp_offset, bool source, uint16_t port) {
	struct rte_udp_hdr *udp = rte_pktmbuf_mtod_offset(m, struct rte_udp_hdr *, udp_offset);
	rte_be16_t old_be = source ? udp->src_port : udp->dst_port;
	rte_be16_t port_be = rte_cpu_to_be_16(port);

	udp->dgram_cksum = frame_cksum_update(udp->dgram_cksum, old_be, port_be);
	if (source)
		udp->src_port = port_be;
	else
		udp->dst_port = port_be;
}

// A client's answer to an agent's check: taken when the transaction is known, the source is the
// address asked, and it is signed.
static void take_answer(struct exception *exception, struct rte_mbuf *m) {
	const struct packet *packet = packet_of(m);
	struct transaction *transaction;
	const struct agent *agent;
	struct plm_stun msg;
	uint16_t port;

	if (plm_stun_parse(packet_payload(m), packet->payload_len, &msg) < 0) {
		drop(exception, m, DROP_STUN_MALFORMED);
		return;
	}
	transaction = transaction_slot(exception, msg.txid);
	if (transaction->at_us == 0 || plm_now_us() - transaction->at_us > TRANSACTION_US
	    || memcmp(transaction->txid, msg.txid, PLM_STUN_TXID_LEN) != 0
	    || memcmp(&transaction->remote, &packet->remote, sizeof(packet->remote)) != 0) {
		drop(exception, m, DROP_STUN_UNEXPECTED);
		return;
	}
	agent = &exception->agents[transaction->transport];
	port = agent->ports[packet->remote.family == 4 ? 0 : 1];
	if (!agent->used || port == 0) {
		drop(exception, m, DROP_STUN_UNEXPECTED);
		return;
	}
	if (!plm_stun_integrity_ok(packet_payload(m), &msg, &agent->remote_key)) {
		drop(exception, m, DROP_STUN_INTEGRITY);
		return;
	}
	transaction->at_us = 0;
	set_port(m, packet->payload_offset - (unsigned)sizeof(struct rte_udp_hdr), false, port);
	to_tap(exception, m);
}

unsigned exception_to_kernel(struct exception *exception) {
	struct rte_mbuf *frames[BUDGET];
	unsigned n, total;

	n = rte_ring_dequeue_burst(exception->dp->to_kernel, (void *)frames, BUDGET, NULL);
	for (unsigned i = 0; i < n; i++)
		to_tap(exception, frames[i]);
	total = n;
	n = rte_ring_dequeue_burst(exception->dp->stun_answers, (void *)frames, BUDGET, NULL);
	for (unsigned i = 0; i < n; i++)
		take_answer(exception, frames[i]);
	return total + n;
}

// Where the UDP header of a frame is, and its addresses; 0 when it is not plain UDP.
static unsigned find_udp(struct rte_mbuf *m, struct plm_addr *ret_remote) {
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	unsigned offset = 14;

	memset(ret_remote, 0, sizeof(*ret_remote));
	if (eth->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4)) {
		const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(eth + 1);

		if (m->data_len < 14 + sizeof(*ip) || ip->next_proto_id != IPPROTO_UDP
		    || (ip->fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_OFFSET_MASK)) != 0)
			return 0;
		ret_remote->family = 4;
		memcpy(ret_remote->ip, &ip->dst_addr, 4);
		offset += (ip->version_ihl & 0xf) * 4U;
	} else if (eth->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6)) {
		const struct rte_ipv6_hdr *ip = (const struct rte_ipv6_hdr *)(eth + 1);

		if (m->data_len < 14 + sizeof(*ip) || ip->proto != IPPROTO_UDP)
			return 0;
		ret_remote->family = 6;
		memcpy(ret_remote->ip, ip->dst_addr, 16);
		offset += sizeof(*ip);
	} else {
		return 0;
	}
	if (m->data_len < offset + sizeof(struct rte_udp_hdr))
		return 0;
	ret_remote->port = rte_be_to_cpu_16(
		rte_pktmbuf_mtod_offset(m, const struct rte_udp_hdr *, offset)->dst_port
	);
	return offset;
}

static bool is_private(const struct config *config, uint16_t port) {
	return port >= config->agent_port_min && port <= config->agent_port_max;
}

// The kernel's "port unreachable" about a private port would tell the world of it, and of an agent
// that is gone by design.
static bool is_private_icmp(const struct config *config, struct rte_mbuf *m) {
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);
	unsigned offset, inner;
	uint16_t port;

	if (eth->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4)) {
		if (m->data_len < 14 + 20 + 8 + 20 + 4 || data[14 + 9] != IPPROTO_ICMP)
			return false;
		offset = 14 + (data[14] & 0xf) * 4U;
		if (offset + 8 + 20 + 4 > m->data_len || data[offset] != ICMP_DEST_UNREACH
		    || data[offset + 8 + 9] != IPPROTO_UDP)
			return false;
		inner = offset + 8 + (data[offset + 8] & 0xf) * 4U;
	} else if (eth->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6)) {
		offset = 14 + 40;
		if (m->data_len < offset + 8 + 40 + 4 || data[14 + 6] != IPPROTO_ICMPV6
		    || data[offset] != ICMP6_DST_UNREACH || data[offset + 8 + 6] != IPPROTO_UDP)
			return false;
		inner = offset + 8 + 40;
	} else {
		return false;
	}
	if (inner + 4 > m->data_len)
		return false;
	port = (uint16_t)(data[inner + 2] << 8 | data[inner + 3]);
	return is_private(config, port);
}

// What an agent sends: its STUN leaves by the public port, its requests are remembered.
static bool rewrite_agent(
	struct exception *exception,
	struct rte_mbuf *m,
	unsigned udp_offset,
	const struct plm_addr *remote
) {
	const struct rte_udp_hdr *udp = rte_pktmbuf_mtod_offset(
		m, const struct rte_udp_hdr *, udp_offset
	);
	unsigned payload = udp_offset + (unsigned)sizeof(*udp);
	uint32_t owner = exception->by_port[remote->family == 4 ? 0 : 1]
					   [rte_be_to_cpu_16(udp->src_port)];
	const struct agent *agent;
	struct plm_stun msg;

	if (owner == 0
	    || plm_stun_parse(
		       rte_pktmbuf_mtod_offset(m, const uint8_t *, payload),
		       m->data_len - payload,
		       &msg
	       ) < 0) {
		drop(exception, m, DROP_AGENT_UNKNOWN);
		return false;
	}
	agent = &exception->agents[owner - 1];
	if (msg.type == PLM_STUN_BINDING_REQUEST) {
		struct transaction *transaction = transaction_slot(exception, msg.txid);

		if (agent->secure) {
			drop(exception, m, DROP_STUN_AGENT_LATE);
			return false;
		}
		memcpy(transaction->txid, msg.txid, PLM_STUN_TXID_LEN);
		transaction->at_us = plm_now_us();
		transaction->transport = owner - 1;
		transaction->remote = *remote;
	}
	set_port(m, udp_offset, true, exception->dp->config->public_port);
	return true;
}

static void take_frame(struct exception *exception, struct rte_mbuf *m) {
	const struct config *config = exception->dp->config;
	struct plm_addr remote;
	unsigned udp_offset;

	if (m->data_len < sizeof(struct rte_ether_hdr)) {
		drop(exception, m, DROP_L2_MALFORMED);
		return;
	}
	if (is_private_icmp(config, m)) {
		drop(exception, m, DROP_ICMP_PRIVATE);
		return;
	}
	udp_offset = find_udp(m, &remote);
	if (udp_offset != 0
	    && is_private(
		    config,
		    rte_be_to_cpu_16(
			    rte_pktmbuf_mtod_offset(m, struct rte_udp_hdr *, udp_offset)->src_port
		    )
	    )
	    && !rewrite_agent(exception, m, udp_offset, &remote))
		return;
	if (rte_ring_enqueue(exception->dp->workers[0]->to_send, m) != 0)
		drop(exception, m, DROP_TX_FULL);
}

unsigned exception_from_kernel(struct exception *exception) {
	unsigned n = 0;

	while (n < BUDGET) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(exception->dp->packets);
		ssize_t len;

		if (m == NULL) {
			exception->drops[DROP_NO_MBUF]++;
			break;
		}
		len = read(exception->tap_fd, rte_pktmbuf_mtod(m, void *), rte_pktmbuf_tailroom(m));
		if (len <= 0) {
			rte_pktmbuf_free(m);
			break;
		}
		m->data_len = (uint16_t)len;
		m->pkt_len = (uint32_t)len;
		exception->from_kernel++;
		take_frame(exception, m);
		n++;
	}
	return n;
}

void exception_stats(const struct exception *exception, struct exception_stats *ret_stats) {
	uint64_t agents = 0;

	for (uint32_t i = 0; i < exception->dp->config->max_transports; i++)
		agents += exception->agents[i].used;
	*ret_stats = (struct exception_stats){
		.from_kernel = exception->from_kernel,
		.to_kernel = exception->to_kernel,
		.agents = agents,
		.drops = exception->drops,
	};
}
