// SPDX-License-Identifier: BSD-3-Clause

#include "fake_dataplane.h"

#include <plm_api_codec.h>
#include <plm_unixsock.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define OBJECTS_MAX 4096

struct thing {
	uint64_t id;
	uint64_t number; // in order of adding
	uint16_t type; // PLM_API_x_ADD
	uint8_t state; // of a transport
	uint64_t transport_id, producer_id;
	struct plm_consumer_add consumer;
};

struct fake {
	char path[128];
	int listen_fd, fd, wake_fd;
	pthread_t thread;
	pthread_mutex_t lock; // guards all below, and fd
	bool stop, silent;
	uint64_t boot_id;
	unsigned n;
	uint64_t n_added;
	struct thing things[OBJECTS_MAX];
	uint16_t refuse_type;
	int refuse_status;
	unsigned connects;
	unsigned requests[100];
};

static struct thing *find(struct fake *fake, uint64_t id) {
	for (unsigned i = 0; i < fake->n; i++) {
		if (fake->things[i].id == id)
			return &fake->things[i];
	}
	return NULL;
}

// With all that hangs on it.
static void drop(struct fake *fake, uint64_t id) {
	for (unsigned i = 0; i < fake->n;) {
		struct thing *thing = &fake->things[i];

		if (thing->id == id || thing->transport_id == id || thing->producer_id == id)
			*thing = fake->things[--fake->n];
		else
			i++;
	}
}

static void send_packet(
	struct fake *fake,
	uint16_t type,
	uint16_t flags,
	uint32_t seq,
	int status,
	const void *payload,
	size_t len
) {
	_Alignas(8) uint8_t packet[PLM_API_MAX_LEN];
	size_t n;

	n = plm_api_message(packet, sizeof(packet), type, flags, seq, status, payload, len);
	if (fake->fd >= 0 && send(fake->fd, packet, n, MSG_NOSIGNAL) < 0 && errno != EPIPE)
		perror("send");
}

static int add(struct fake *fake, uint16_t type, const void *payload) {
	struct thing thing = {.type = type};

	switch (type) {
	case PLM_API_TRANSPORT_ADD:
		thing.id = ((const struct plm_transport_add *)payload)->id;
		break;
	case PLM_API_PRODUCER_ADD:
		thing.id = ((const struct plm_producer_add *)payload)->id;
		thing.transport_id = ((const struct plm_producer_add *)payload)->transport_id;
		break;
	default:
		thing.consumer = *(const struct plm_consumer_add *)payload;
		thing.id = thing.consumer.id;
		thing.transport_id = thing.consumer.transport_id;
		thing.producer_id = thing.consumer.producer_id;
	}
	if (find(fake, thing.id) != NULL)
		return 0;
	if ((thing.transport_id != 0 && find(fake, thing.transport_id) == NULL)
	    || (thing.producer_id != 0 && find(fake, thing.producer_id) == NULL))
		return ENOENT;
	if (fake->n == OBJECTS_MAX)
		return ENOSPC;
	thing.number = ++fake->n_added;
	fake->things[fake->n++] = thing;
	return 0;
}

static void list(struct fake *fake, const struct plm_api_header *req, uint16_t add_type) {
	for (unsigned i = 0; i < fake->n; i++) {
		const struct thing *thing = &fake->things[i];
		union {
			struct plm_transport_info transport;
			struct plm_producer_info producer;
			struct plm_consumer_info consumer;
		} info = {0};

		if (thing->type != add_type)
			continue;
		info.transport.id = thing->id; // the first field of each
		if (add_type == PLM_API_TRANSPORT_ADD)
			info.transport.state = thing->state;
		else if (add_type == PLM_API_PRODUCER_ADD)
			info.producer.transport_id = thing->transport_id;
		else {
			info.consumer.transport_id = thing->transport_id;
			info.consumer.paused = thing->consumer.paused;
		}
		send_packet(
			fake,
			req->type,
			PLM_API_REPLY | PLM_API_MORE,
			req->seq,
			0,
			&info,
			plm_api_type_info(req->type)->reply_size
		);
	}
	send_packet(fake, req->type, PLM_API_REPLY, req->seq, 0, NULL, 0);
}

static void answer(struct fake *fake, const struct plm_api_header *req, const void *payload) {
	const struct plm_hello_rep hello = {
		.version = PLM_API_VERSION,
		.n_workers = 1,
		.boot_id = fake->boot_id,
	};
	struct thing *thing;
	int status = 0;

	fake->requests[req->type]++;
	if (req->type == fake->refuse_type) {
		fake->refuse_type = 0;
		send_packet(fake, req->type, PLM_API_REPLY, req->seq, fake->refuse_status, NULL, 0);
		return;
	}
	switch (req->type) {
	case PLM_API_HELLO:
		send_packet(fake, req->type, PLM_API_REPLY, req->seq, 0, &hello, sizeof(hello));
		return;
	case PLM_API_TRANSPORT_LIST:
		list(fake, req, PLM_API_TRANSPORT_ADD);
		return;
	case PLM_API_PRODUCER_LIST:
		list(fake, req, PLM_API_PRODUCER_ADD);
		return;
	case PLM_API_CONSUMER_LIST:
		list(fake, req, PLM_API_CONSUMER_ADD);
		return;
	case PLM_API_TRANSPORT_ADD:
	case PLM_API_PRODUCER_ADD:
	case PLM_API_CONSUMER_ADD:
		status = add(fake, req->type, payload);
		break;
	case PLM_API_TRANSPORT_DEL:
	case PLM_API_PRODUCER_DEL:
	case PLM_API_CONSUMER_DEL:
		drop(fake, ((const struct plm_id *)payload)->id);
		break;
	case PLM_API_CONSUMER_SET:
		thing = find(fake, ((const struct plm_consumer_set *)payload)->id);
		if (thing != NULL)
			thing->consumer.paused = ((const struct plm_consumer_set *)payload)->paused;
		break;
	}
	send_packet(fake, req->type, PLM_API_REPLY, req->seq, status, NULL, 0);
}

static void hang_up(struct fake *fake) {
	if (fake->fd >= 0)
		close(fake->fd);
	fake->fd = -1;
}

static void receive(struct fake *fake) {
	_Alignas(8) uint8_t packet[PLM_API_MAX_LEN];
	const struct plm_api_header *header;
	const void *payload;
	ssize_t n;

	n = recv(fake->fd, packet, sizeof(packet), MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 || plm_api_check_request(packet, (size_t)n, &header, &payload) < 0
	    || plm_api_check_strings(header->type, payload) < 0) {
		if (n > 0)
			abort(); // control sends what the API does not have
		hang_up(fake);
		return;
	}
	answer(fake, header, payload);
}

static void *run(void *user) {
	struct fake *fake = user;
	uint64_t count;

	for (;;) {
		struct pollfd fds[3] = {
			{.fd = fake->wake_fd, .events = POLLIN},
			{.fd = fake->listen_fd, .events = POLLIN},
		};

		pthread_mutex_lock(&fake->lock);
		fds[2] = (struct pollfd){
			.fd = fake->silent ? -1 : fake->fd,
			.events = POLLIN,
		};
		pthread_mutex_unlock(&fake->lock);
		poll(fds, 3, -1);
		pthread_mutex_lock(&fake->lock);
		if (fds[0].revents && read(fake->wake_fd, &count, sizeof(count)) < 0)
			perror("read");
		if (fake->stop) {
			pthread_mutex_unlock(&fake->lock);
			return NULL;
		}
		if (fds[1].revents) {
			hang_up(fake);
			fake->fd = accept(fake->listen_fd, NULL, NULL);
			fake->connects++;
		} else if (fds[2].revents && fake->fd == fds[2].fd) {
			receive(fake);
		}
		pthread_mutex_unlock(&fake->lock);
	}
}

static void wake(struct fake *fake) {
	uint64_t one = 1;

	if (write(fake->wake_fd, &one, sizeof(one)) < 0)
		perror("write");
}

struct fake *fake_start(const char *path) {
	struct fake *fake = calloc(1, sizeof(*fake));

	if (fake == NULL)
		abort();
	snprintf(fake->path, sizeof(fake->path), "%s", path);
	fake->fd = -1;
	fake->boot_id = 1;
	fake->wake_fd = eventfd(0, EFD_NONBLOCK);
	fake->listen_fd = plm_unixsock_listen(path, 4);
	pthread_mutex_init(&fake->lock, NULL);
	if (fake->wake_fd < 0 || fake->listen_fd < 0
	    || pthread_create(&fake->thread, NULL, run, fake) != 0)
		abort();
	return fake;
}

void fake_stop(struct fake *fake) {
	pthread_mutex_lock(&fake->lock);
	fake->stop = true;
	pthread_mutex_unlock(&fake->lock);
	wake(fake);
	pthread_join(fake->thread, NULL);
	hang_up(fake);
	close(fake->listen_fd);
	close(fake->wake_fd);
	unlink(fake->path);
	free(fake);
}

void fake_drop(struct fake *fake) {
	pthread_mutex_lock(&fake->lock);
	hang_up(fake);
	pthread_mutex_unlock(&fake->lock);
	wake(fake);
}

void fake_restart(struct fake *fake) {
	pthread_mutex_lock(&fake->lock);
	hang_up(fake);
	fake->n = 0;
	fake->boot_id++;
	pthread_mutex_unlock(&fake->lock);
	wake(fake);
}

void fake_silent(struct fake *fake, bool silent) {
	pthread_mutex_lock(&fake->lock);
	fake->silent = silent;
	pthread_mutex_unlock(&fake->lock);
	wake(fake);
}

void fake_refuse(struct fake *fake, uint16_t type, int status) {
	pthread_mutex_lock(&fake->lock);
	fake->refuse_type = type;
	fake->refuse_status = status;
	pthread_mutex_unlock(&fake->lock);
}

void fake_put_transport(struct fake *fake, uint64_t id, uint8_t state) {
	pthread_mutex_lock(&fake->lock);
	fake->things[fake->n++] = (struct thing){
		.id = id,
		.type = PLM_API_TRANSPORT_ADD,
		.state = state,
	};
	pthread_mutex_unlock(&fake->lock);
}

void fake_forget(struct fake *fake, uint64_t id) {
	pthread_mutex_lock(&fake->lock);
	drop(fake, id);
	pthread_mutex_unlock(&fake->lock);
}

void fake_transport_event(struct fake *fake, uint64_t id, uint32_t event) {
	const struct plm_event_transport message = {.id = id, .event = event};

	pthread_mutex_lock(&fake->lock);
	send_packet(fake, PLM_API_EVENT_TRANSPORT, PLM_API_EVENT, 0, 0, &message, sizeof(message));
	pthread_mutex_unlock(&fake->lock);
}

void fake_producer_event(struct fake *fake, uint64_t id, uint32_t event) {
	const struct plm_event_producer message = {.id = id, .event = event};

	pthread_mutex_lock(&fake->lock);
	send_packet(fake, PLM_API_EVENT_PRODUCER, PLM_API_EVENT, 0, 0, &message, sizeof(message));
	pthread_mutex_unlock(&fake->lock);
}

bool fake_has(struct fake *fake, uint64_t id) {
	bool has;

	pthread_mutex_lock(&fake->lock);
	has = find(fake, id) != NULL;
	pthread_mutex_unlock(&fake->lock);
	return has;
}

unsigned fake_count(struct fake *fake, uint16_t add_type) {
	unsigned n = 0;

	pthread_mutex_lock(&fake->lock);
	for (unsigned i = 0; i < fake->n; i++)
		n += fake->things[i].type == add_type;
	pthread_mutex_unlock(&fake->lock);
	return n;
}

uint64_t fake_first(struct fake *fake, uint16_t add_type) {
	uint64_t id = 0;

	pthread_mutex_lock(&fake->lock);
	for (unsigned i = 0; i < fake->n && id == 0; i++) {
		if (fake->things[i].type == add_type)
			id = fake->things[i].id;
	}
	pthread_mutex_unlock(&fake->lock);
	return id;
}

uint64_t fake_last(struct fake *fake, uint16_t add_type) {
	const struct thing *last = NULL;
	uint64_t id;

	pthread_mutex_lock(&fake->lock);
	for (unsigned i = 0; i < fake->n; i++) {
		if (fake->things[i].type == add_type
		    && (last == NULL || fake->things[i].number > last->number))
			last = &fake->things[i];
	}
	id = last != NULL ? last->id : 0;
	pthread_mutex_unlock(&fake->lock);
	return id;
}

bool fake_consumer(struct fake *fake, uint64_t id, struct plm_consumer_add *ret_add) {
	struct thing *thing;

	pthread_mutex_lock(&fake->lock);
	thing = find(fake, id);
	if (thing != NULL)
		*ret_add = thing->consumer;
	pthread_mutex_unlock(&fake->lock);
	return thing != NULL;
}

unsigned fake_connects(struct fake *fake) {
	unsigned n;

	pthread_mutex_lock(&fake->lock);
	n = fake->connects;
	pthread_mutex_unlock(&fake->lock);
	return n;
}

unsigned fake_requests(struct fake *fake, uint16_t type) {
	unsigned n;

	pthread_mutex_lock(&fake->lock);
	n = fake->requests[type];
	pthread_mutex_unlock(&fake->lock);
	return n;
}
