// SPDX-License-Identifier: BSD-3-Clause

#include "trace.h"

#include "media/transport.h"
#include "worker.h"

#include <plm_demux.h>

static char kind_letter(uint8_t kind) {
	switch (kind) {
	case PLM_PAYLOAD_STUN:
		return 'S';
	case PLM_PAYLOAD_DTLS:
		return 'D';
	case PLM_PAYLOAD_RTP:
		return 'R';
	case PLM_PAYLOAD_RTCP:
		return 'C';
	default:
		return '?';
	}
}

void trace_record(
	struct worker *worker,
	struct rte_mbuf *m,
	unsigned stage,
	enum trace_verdict verdict,
	unsigned reason
) {
	const struct packet *packet = packet_of(m);
	const struct transport *transport = worker->transports[packet->transport];
	struct trace *trace = &worker->trace;
	struct plm_trace_entry *entry;

	if (trace->transport != UINT32_MAX
	    && (transport == NULL || trace->transport != packet->transport
		|| !(stage >= PLM_STAGE_LOOKUP)))
		return;
	entry = &trace->entries[trace->n % TRACE_MAX];
	*entry = (struct plm_trace_entry){
		.at_ns = (worker->now_us - worker->dp->start_us) * 1000,
		.transport_id = stage >= PLM_STAGE_LOOKUP && transport != NULL ? transport->id : 0,
		.worker = worker->index,
		.length = packet->payload_len,
		.remote = packet->remote,
		.stage = (uint8_t)stage,
		.verdict = (uint8_t)verdict,
		.drop_reason = (uint16_t)reason,
		.kind = verdict == TRACE_TO_KERNEL ? 'K' : (uint8_t)kind_letter(packet->kind),
		.fanout = packet->fanout,
	};
	if (packet->kind == PLM_PAYLOAD_RTP && stage >= PLM_STAGE_UNPROTECT) {
		entry->ssrc = packet->rtp.ssrc;
		entry->seq = packet->rtp.seq;
		entry->payload_type = packet->rtp.payload_type;
	}
	trace->left--;
	__atomic_store_n(&trace->n, trace->n + 1, __ATOMIC_RELEASE);
}
