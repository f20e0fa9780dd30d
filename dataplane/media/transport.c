// SPDX-License-Identifier: BSD-3-Clause

#include "transport.h"

#include <plm_addr.h>

#include <errno.h>
#include <string.h>

void transport_init(
	struct transport *transport,
	uint64_t id,
	uint32_t index,
	uint16_t punt_channel,
	unsigned max_paths,
	uint64_t now_us
) {
	memset(transport, 0, sizeof(*transport));
	transport->id = id;
	transport->index = index;
	transport->punt_channel = punt_channel;
	transport->max_paths = (uint8_t)max_paths;
	transport->created_us = now_us;
	transport->selected = TRANSPORT_NO_PATH;
	transport->nominated = TRANSPORT_NO_PATH;
	transport->dtls_path = TRANSPORT_NO_PATH;
	transport->dtls_sent = TRANSPORT_NO_PATH;
}

struct path *transport_path_find(struct transport *transport, const struct plm_addr *remote) {
	for (unsigned i = 0; i < TRANSPORT_PATHS; i++) {
		if (transport->paths[i].seen_us != 0
		    && plm_addr_equal(&transport->paths[i].remote, remote))
			return &transport->paths[i];
	}
	return NULL;
}

struct path *transport_path_take(struct transport *transport, struct path *ret_evicted) {
	struct path *oldest = NULL;

	memset(ret_evicted, 0, sizeof(*ret_evicted));
	for (unsigned i = 0; i < transport->max_paths; i++) {
		struct path *path = &transport->paths[i];

		if (path->seen_us == 0)
			return path;
		if (i == transport->selected || i == transport->nominated)
			continue;
		if (oldest == NULL || path->seen_us < oldest->seen_us)
			oldest = path;
	}
	// At least three slots: there is always one that is neither selected nor nominated.
	*ret_evicted = *oldest;
	if (transport->dtls_path == transport_path_slot(transport, oldest))
		transport->dtls_path = TRANSPORT_NO_PATH;
	if (transport->dtls_sent == transport_path_slot(transport, oldest))
		transport->dtls_sent = TRANSPORT_SEVERAL_PATHS;
	memset(oldest, 0, sizeof(*oldest));
	return oldest;
}

struct producer *transport_ssrc_find(const struct transport *transport, uint32_t ssrc) {
	for (unsigned i = 0; i < transport->n_ssrcs; i++) {
		if (transport->ssrcs[i].ssrc == ssrc)
			return transport->ssrcs[i].producer;
	}
	return NULL;
}

int transport_ssrc_add(struct transport *transport, uint32_t ssrc, struct producer *producer) {
	if (transport->n_ssrcs >= TRANSPORT_SSRCS)
		return -ENOSPC;
	transport->ssrcs[transport->n_ssrcs++] = (struct transport_ssrc){ssrc, producer};
	return 0;
}

void transport_ssrc_remove(struct transport *transport, const struct producer *producer) {
	unsigned kept = 0;

	for (unsigned i = 0; i < transport->n_ssrcs; i++) {
		if (transport->ssrcs[i].producer != producer)
			transport->ssrcs[kept++] = transport->ssrcs[i];
	}
	transport->n_ssrcs = (uint16_t)kept;
}

const struct transport_sent *transport_sent_find(const struct transport *transport, uint32_t ssrc) {
	for (unsigned i = 0; i < TRANSPORT_SSRCS_SENT; i++) {
		if (transport->sent[i].ssrc == ssrc)
			return &transport->sent[i];
	}
	return NULL;
}

void transport_sent_set(struct transport *transport, const struct transport_sent *sent) {
	for (unsigned i = 0; i < TRANSPORT_SSRCS_SENT; i++) {
		if (transport->sent[i].ssrc == sent->ssrc || transport->sent[i].ssrc == 0) {
			transport->sent[i] = *sent;
			return;
		}
	}
}

struct credential *transport_credential(const struct transport *transport, uint32_t generation) {
	for (struct credential *c = transport->credentials; c != NULL; c = c->next) {
		if (c->generation == generation)
			return c;
	}
	return NULL;
}
