// SPDX-License-Identifier: BSD-3-Clause

#include "fields.h"

#include "units.h"

#include <plm_addr.h>
#include <plm_api.h>
#include <plm_api_codec.h>

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

const struct field transport_fields[] = {
	FIELD(plm_transport_info, id, "TRANSPORT", ID),
	FIELD(plm_transport_info, state, "STATE", STATE),
	FIELD(plm_transport_info, worker, "WORKER", WORKER),
	FIELD(plm_transport_info, remote, "REMOTE", ADDR),
	FIELD(plm_transport_info, n_producers, "IN", COUNT),
	FIELD(plm_transport_info, n_consumers, "OUT", COUNT),
	FIELD(plm_transport_info, rtt_us, "RTT", US),
	FIELD(plm_transport_info, consent_age_ms, "CONSENT", MS),
	FIELD(plm_transport_info, rx_packets, "RX", COUNT),
	FIELD(plm_transport_info, rx_bytes, NULL, BYTES),
	FIELD(plm_transport_info, rx_dropped, "RX DROP", COUNT),
	FIELD(plm_transport_info, tx_packets, "TX", COUNT),
	FIELD(plm_transport_info, tx_bytes, NULL, BYTES),
	FIELD(plm_transport_info, tx_dropped, "TX DROP", COUNT),
	FIELD(plm_transport_info, age_ms, "AGE", MS),
	FIELD(plm_transport_info, suite, NULL, SUITE),
	FIELD(plm_transport_info, n_paths, NULL, COUNT),
	FIELD(plm_transport_info, generations, NULL, COUNT),
	FIELD(plm_transport_info, path_changes, NULL, COUNT),
	FIELD(plm_transport_info, stun_requests, NULL, COUNT),
	FIELD(plm_transport_info, consent_sent, NULL, COUNT),
	FIELD(plm_transport_info, consent_received, NULL, COUNT),
	FIELDS_END,
};

const struct field producer_fields[] = {
	FIELD(plm_producer_info, id, "PRODUCER", ID),
	FIELD(plm_producer_info, transport_id, "TRANSPORT", ID),
	FIELD(plm_producer_info, kind, "KIND", KIND),
	FIELD(plm_producer_info, codec, "CODEC", CODEC),
	FIELD(plm_producer_info, worker, "WORKER", WORKER),
	FIELD(plm_producer_info, n_consumers, "OUT", COUNT),
	FIELD(plm_producer_info, bitrate, "RATE", BITRATE),
	FIELD(plm_producer_info, packet_rate, "PPS", COUNT),
	FIELD(plm_producer_info, packets, "PACKETS", COUNT),
	FIELD(plm_producer_info, lost, "LOST", COUNT),
	FIELD(plm_producer_info, recovered, "RECOVERED", COUNT),
	FIELD(plm_producer_info, keyframes, "KEY FRAMES", COUNT),
	FIELD(plm_producer_info, audio_level, "LEVEL", LEVEL),
	FIELD(plm_producer_info, bytes, NULL, BYTES),
	FIELD(plm_producer_info, ssrc, NULL, PLAIN),
	FIELD(plm_producer_info, payload_type, NULL, PLAIN),
	FIELD(plm_producer_info, clock_rate, NULL, PLAIN),
	FIELD(plm_producer_info, jitter, NULL, COUNT),
	FIELD(plm_producer_info, nacked, NULL, COUNT),
	FIELD(plm_producer_info, duplicates, NULL, COUNT),
	FIELD(plm_producer_info, keyframe_requests, NULL, COUNT),
	FIELD(plm_producer_info, keyframe_asked, NULL, COUNT),
	FIELDS_END,
};

const struct field consumer_fields[] = {
	FIELD(plm_consumer_info, id, "CONSUMER", ID),
	FIELD(plm_consumer_info, transport_id, "TRANSPORT", ID),
	FIELD(plm_consumer_info, producer_id, "PRODUCER", ID),
	FIELD(plm_consumer_info, kind, "KIND", KIND),
	FIELD(plm_consumer_info, worker, "WORKER", WORKER),
	FIELD(plm_consumer_info, paused, "PAUSED", BOOL),
	FIELD(plm_consumer_info, packets, "PACKETS", COUNT),
	FIELD(plm_consumer_info, bytes, "BYTES", BYTES),
	FIELD(plm_consumer_info, dropped, "DROPPED", COUNT),
	FIELD(plm_consumer_info, retransmitted, "RTX", COUNT),
	FIELD(plm_consumer_info, plis, "PLI", COUNT),
	FIELD(plm_consumer_info, rtt_us, "RTT", US),
	FIELD(plm_consumer_info, lost, "LOST", COUNT),
	FIELD(plm_consumer_info, fraction_lost, NULL, COUNT),
	FIELD(plm_consumer_info, jitter, NULL, COUNT),
	FIELD(plm_consumer_info, nacks, NULL, COUNT),
	FIELD(plm_consumer_info, nack_misses, NULL, COUNT),
	FIELD(plm_consumer_info, waiting_keyframe, NULL, BOOL),
	FIELD(plm_consumer_info, ssrc, NULL, PLAIN),
	FIELD(plm_consumer_info, payload_type, NULL, PLAIN),
	FIELDS_END,
};

const struct field worker_fields[] = {
	FIELD(plm_worker_info, index, "WORKER", PLAIN),
	FIELD(plm_worker_info, lcore, "CORE", PLAIN),
	FIELD(plm_worker_info, load_permille, "LOAD", PERMILLE),
	FIELD(plm_worker_info, n_transports, "TRANSPORTS", COUNT),
	FIELD(plm_worker_info, n_producers, "PRODUCERS", COUNT),
	FIELD(plm_worker_info, n_consumers, "CONSUMERS", COUNT),
	FIELD(plm_worker_info, rx_packets, "RX", COUNT),
	FIELD(plm_worker_info, tx_packets, "TX", COUNT),
	FIELD(plm_worker_info, handed_over, "HANDED OVER", COUNT),
	FIELD(plm_worker_info, fanned_out, "FANNED OUT", COUNT),
	FIELD(plm_worker_info, mbufs_used, "MBUFS", COUNT),
	FIELD(plm_worker_info, mbufs_free, "FREE", COUNT),
	FIELD(plm_worker_info, loops, NULL, COUNT),
	FIELD(plm_worker_info, sleeps, NULL, COUNT),
	FIELD(plm_worker_info, busy_cycles, NULL, COUNT),
	FIELD(plm_worker_info, tsc_hz, NULL, COUNT),
	FIELDS_END,
};

const struct field port_fields[] = {
	FIELD(plm_port_info, index, "PORT", PLAIN),
	FIELD(plm_port_info, name, "NAME", TEXT),
	FIELD(plm_port_info, driver, "DRIVER", TEXT),
	FIELD(plm_port_info, mac, "MAC", MAC),
	FIELD(plm_port_info, link_up, "UP", BOOL),
	FIELD(plm_port_info, n_rx_queues, "QUEUES", PLAIN),
	FIELD(plm_port_info, rx_packets, "RX", COUNT),
	FIELD(plm_port_info, rx_bytes, "RX BYTES", BYTES),
	FIELD(plm_port_info, rx_missed, "MISSED", COUNT),
	FIELD(plm_port_info, tx_packets, "TX", COUNT),
	FIELD(plm_port_info, tx_bytes, "TX BYTES", BYTES),
	FIELD(plm_port_info, tap, "TAP", TEXT),
	FIELD(plm_port_info, tap_rx_packets, NULL, COUNT),
	FIELD(plm_port_info, tap_tx_packets, NULL, COUNT),
	FIELD(plm_port_info, rx_errors, NULL, COUNT),
	FIELD(plm_port_info, rx_nombuf, NULL, COUNT),
	FIELD(plm_port_info, tx_errors, NULL, COUNT),
	FIELD(plm_port_info, n_tx_queues, NULL, PLAIN),
	FIELD(plm_port_info, link_mbps, NULL, PLAIN),
	FIELD(plm_port_info, mtu, NULL, PLAIN),
	FIELDS_END,
};

const struct field drop_fields[] = {
	FIELD(plm_drop_info, name, "REASON", TEXT),
	FIELD(plm_drop_info, worker, "WORKER", WORKER),
	FIELD(plm_drop_info, packets, "PACKETS", COUNT),
	FIELD(plm_drop_info, help, "MEANING", TEXT),
	FIELD(plm_drop_info, reason, NULL, PLAIN),
	FIELDS_END,
};

uint64_t field_number(const struct field *field, const void *item) {
	const uint8_t *at = (const uint8_t *)item + field->offset;
	uint64_t value = 0;

	// Host byte order, whatever it is.
	switch (field->size) {
	case 1:
		return *at;
	case 2: {
		uint16_t v;

		memcpy(&v, at, sizeof(v));
		return v;
	}
	case 4: {
		uint32_t v;

		memcpy(&v, at, sizeof(v));
		return v;
	}
	default:
		memcpy(&value, at, sizeof(value));
		return value;
	}
}

// A string of the dataplane, as far as it goes; control characters must not reach a terminal.
static const char *text_of(const struct field *field, const void *item, char *buf, size_t len) {
	const char *at = (const char *)item + field->offset;
	size_t n = strnlen(at, field->size);

	if (n >= len)
		n = len - 1;
	for (size_t i = 0; i < n; i++)
		buf[i] = at[i] >= 0x20 && at[i] < 0x7f ? at[i] : '?';
	buf[n] = '\0';
	return buf;
}

static const char *mac_of(const struct field *field, const void *item, char *buf, size_t len) {
	const uint8_t *mac = (const uint8_t *)item + field->offset;

	snprintf(
		buf,
		len,
		"%02x:%02x:%02x:%02x:%02x:%02x",
		mac[0],
		mac[1],
		mac[2],
		mac[3],
		mac[4],
		mac[5]
	);
	return buf;
}

static const char *addr_of(const struct field *field, const void *item, char *buf, size_t len) {
	struct plm_addr addr;

	memcpy(&addr, (const uint8_t *)item + field->offset, sizeof(addr));
	return plm_addr_format(&addr, buf, len);
}

static const char *number_text(const struct field *field, const void *item, char *buf, size_t len) {
	const uint64_t n = field_number(field, item);

	switch (field->form) {
	case FORM_COUNT:
		return units_count(n, buf, len);
	case FORM_BYTES:
		return units_bytes(n, buf, len);
	case FORM_BITRATE:
		return units_bitrate(n, buf, len);
	case FORM_US:
		return n == 0 ? "-" : units_us(n, buf, len);
	case FORM_MS:
		return units_age(n, buf, len);
	case FORM_PERMILLE:
		return units_permille(n, buf, len);
	case FORM_ID:
		return units_id(n, buf, len);
	case FORM_BOOL:
		return n ? "yes" : "no";
	case FORM_STATE:
		return plm_transport_state_name((unsigned)n);
	case FORM_KIND:
		return plm_kind_name((unsigned)n);
	case FORM_CODEC:
		return plm_codec_name((unsigned)n);
	case FORM_SUITE:
		return n == 0 ? "-" : plm_srtp_suite_name((unsigned)n);
	case FORM_WORKER:
		if (n == 255)
			return "-";
		break;
	case FORM_LEVEL:
		if (n > 127)
			return "-";
		snprintf(buf, len, "-%" PRIu64 " dBov", n);
		return buf;
	default:
		break;
	}
	snprintf(buf, len, "%" PRIu64, n);
	return buf;
}

static const char *field_text(const struct field *field, const void *item, char *buf, size_t len) {
	switch (field->form) {
	case FORM_TEXT:
		return text_of(field, item, buf, len);
	case FORM_MAC:
		return mac_of(field, item, buf, len);
	case FORM_ADDR:
		return addr_of(field, item, buf, len);
	default:
		return number_text(field, item, buf, len);
	}
}

static json_t *field_json(const struct field *field, const void *item) {
	char buf[PLM_ADDR_TEXT_LEN + 16];
	const char *text;

	switch (field->form) {
	case FORM_ADDR:
	case FORM_SUITE:
		// "-" is for people.
		text = field_text(field, item, buf, sizeof(buf));
		return strcmp(text, "-") == 0 ? json_null() : json_string(text);
	case FORM_TEXT:
	case FORM_MAC:
	case FORM_STATE:
	case FORM_KIND:
	case FORM_CODEC:
		return json_string(field_text(field, item, buf, sizeof(buf)));
	case FORM_ID:
		snprintf(buf, sizeof(buf), "%016" PRIx64, field_number(field, item));
		return json_string(buf);
	case FORM_BOOL:
		return json_boolean(field_number(field, item) != 0);
	case FORM_WORKER:
	case FORM_LEVEL:
		if (field_number(field, item) == 255)
			return json_null();
		break;
	default:
		break;
	}
	return json_integer((json_int_t)field_number(field, item));
}

json_t *fields_json(const struct field *fields, const void *item) {
	json_t *object = json_object();

	for (; fields->name != NULL; fields++)
		json_object_set_new(object, fields->name, field_json(fields, item));
	return object;
}

void fields_titles(const struct field *fields, struct columns *columns) {
	for (; fields->name != NULL; fields++) {
		if (fields->title == NULL)
			continue;
		switch (fields->form) {
		case FORM_TEXT:
		case FORM_MAC:
		case FORM_ADDR:
		case FORM_STATE:
		case FORM_KIND:
		case FORM_CODEC:
		case FORM_SUITE:
		case FORM_ID:
		case FORM_BOOL:
			columns_title(columns, fields->title, 0);
			break;
		default:
			columns_title(columns, fields->title, 1);
		}
	}
}

void fields_row(const struct field *fields, const void *item, struct columns *columns) {
	char buf[128];

	for (; fields->name != NULL; fields++) {
		if (fields->title != NULL)
			columns_cell(columns, field_text(fields, item, buf, sizeof(buf)));
	}
}
