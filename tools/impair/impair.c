// SPDX-License-Identifier: BSD-3-Clause
// plenum-impair: a bridge between two interfaces that is as bad as one asks for. Side A is where
// the clients are. Loss, delay, jitter, reordering and duplication come from a seed, so that a
// failing run can be run again; SIGUSR1 makes the NAT forget (nat.h).

#include "delay_queue.h"
#include "nat.h"
#include "udp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define FRAME_MAX 65600
#define QUEUE_MAX 65536
#define BURST 64 // frames read from one side before the other gets its turn
#define SOCKET_BUFFER (8 * 1024 * 1024)
#define NS_PER_MS 1000000.0
#define REORDER_GAP_MS 10.0

// Counters of one direction, in the order of the JSON.
#define COUNTERS(X)                                                                                \
	X(received)                                                                                \
	X(sent)                                                                                    \
	X(media) /* UDP whose payload starts with a byte of 128 or more */                         \
	X(lost)                                                                                    \
	X(duplicated)                                                                              \
	X(reordered)                                                                               \
	X(nat_unmapped)                                                                            \
	X(queue_full)                                                                              \
	X(truncated)                                                                               \
	X(partial_checksum) /* "ethtool -K dev tx off" is missing somewhere */                     \
	X(tx_failed)

struct counters {
#define X(name) uint64_t name;
	COUNTERS(X)
#undef X
};

struct profile {
	double loss, dup, reorder; // probabilities, 0..1
	double delay_ms, jitter_ms, gap_ms; // jitter: uniform, added to delay
};

struct port {
	int fd;
	bool is_tap;
};

struct path {
	const char *name;
	unsigned from, to; // ports
	struct profile profile;
	uint64_t random;
	uint64_t last_due_ns; // jitter alone never reorders
	struct counters counters;
};

enum {
	AB,
	BA,
	N_PATHS
};

struct bridge {
	struct port ports[2];
	struct path paths[N_PATHS];
	struct delay_queue *queue;
	struct nat *nat;
	bool media_only;
	uint64_t random;
	unsigned rebinds;
	uint64_t started_ns;
	const char *stats_file;
};

static uint64_t now_ns(void) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

// splitmix64: small, and good enough for dice.
static uint64_t random_next(uint64_t *state) {
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static double random_unit(uint64_t *state) {
	return (double)(random_next(state) >> 11) / 9007199254740992.0; // 2^53
}

// --- ports ---

static int tap_open(const char *name) {
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	if (strlen(name) >= sizeof(request.ifr_name))
		return -ENAMETOOLONG;
	memcpy(request.ifr_name, name, strlen(name));
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (ioctl(fd, TUNSETIFF, &request) < 0) {
		int error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

static int packet_open(const char *name) {
	int index = (int)if_nametoindex(name);
	if (index == 0)
		return -errno;
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	int on = 1;
	int size = SOCKET_BUFFER;
	struct packet_mreq promiscuous = {.mr_ifindex = index, .mr_type = PACKET_MR_PROMISC};
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = index,
	};
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	// Without IGNORE_OUTGOING every frame that is sent would come back and go round.
	if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) < 0
	    || setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)) < 0
	    || setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof(promiscuous))
		    < 0
	    || bind(fd, (const void *)&address, sizeof(address)) < 0) {
		int error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

// "tap:NAME" makes a TAP device, anything else is an existing interface. Returns 0 or -errno.
static int port_open(const char *name, struct port *ret_port) {
	bool is_tap = strncmp(name, "tap:", 4) == 0;
	int fd = is_tap ? tap_open(name + 4) : packet_open(name);
	if (fd < 0)
		return fd;
	*ret_port = (struct port){.fd = fd, .is_tap = is_tap};
	return 0;
}

// The length of the next frame, 0 when there is none now. Broken ones are counted and passed over.
static size_t port_receive(const struct port *port, uint8_t *frame, struct counters *counters) {
	if (port->is_tap) {
		ssize_t len = read(port->fd, frame, FRAME_MAX);
		return len > 0 ? (size_t)len : 0;
	}
	union {
		struct cmsghdr align;
		uint8_t bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	} control;
	struct iovec iov = {.iov_base = frame, .iov_len = FRAME_MAX};
	for (;;) {
		struct msghdr message = {
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control),
		};
		ssize_t len = recvmsg(port->fd, &message, 0);
		if (len <= 0)
			return 0;
		if (message.msg_flags & MSG_TRUNC) {
			counters->received++;
			counters->truncated++;
			continue;
		}
		struct cmsghdr *item = CMSG_FIRSTHDR(&message);
		if (item && item->cmsg_level == SOL_PACKET && item->cmsg_type == PACKET_AUXDATA) {
			struct tpacket_auxdata aux;
			memcpy(&aux, CMSG_DATA(item), sizeof(aux));
			if (aux.tp_status & TP_STATUS_CSUMNOTREADY)
				counters->partial_checksum++;
		}
		return (size_t)len;
	}
}

static void path_send(struct bridge *bridge, struct path *path, const uint8_t *frame, size_t len) {
	if (write(bridge->ports[path->to].fd, frame, len) == (ssize_t)len)
		path->counters.sent++;
	else
		path->counters.tx_failed++;
}

// --- what happens to a frame ---

static void path_delay(
	struct bridge *bridge,
	unsigned index,
	const uint8_t *frame,
	size_t len,
	uint64_t now,
	bool reorder
) {
	struct path *path = &bridge->paths[index];
	const struct profile *profile = &path->profile;
	double wait_ms = profile->delay_ms;
	if (profile->jitter_ms > 0)
		wait_ms += profile->jitter_ms * random_unit(&path->random);
	uint64_t due = now + (uint64_t)(wait_ms * NS_PER_MS);
	if (reorder) {
		// Held back beside the others, which overtake it.
		path->counters.reordered++;
		due += (uint64_t)(profile->gap_ms * NS_PER_MS);
	} else {
		if (due < path->last_due_ns)
			due = path->last_due_ns;
		path->last_due_ns = due;
	}
	if (due <= now)
		path_send(bridge, path, frame, len);
	else if (delay_queue_push(bridge->queue, due, index, frame, (uint32_t)len) < 0)
		path->counters.queue_full++;
}

static void frame_handle(
	struct bridge *bridge,
	unsigned index,
	uint8_t *frame,
	size_t len,
	uint64_t now
) {
	struct path *path = &bridge->paths[index];
	const struct profile *profile = &path->profile;
	struct udp_view udp;
	bool is_udp = udp_find(frame, len, &udp);
	bool is_media = is_udp && udp.payload_len > 0 && udp.payload[0] >= 128;
	path->counters.received++;
	path->counters.media += is_media;

	// The dice are thrown for every frame, hit or not: what happens to one does not depend on
	// what was asked for another.
	bool lose = random_unit(&path->random) < profile->loss;
	bool twice = random_unit(&path->random) < profile->dup;
	bool reorder = random_unit(&path->random) < profile->reorder;
	if (bridge->media_only && !is_media)
		lose = twice = reorder = false;

	if (is_udp) {
		bool mapped = index == AB ? nat_outward(bridge->nat, &udp)
					  : nat_inward(bridge->nat, &udp);
		if (!mapped) {
			path->counters.nat_unmapped++;
			return;
		}
	}
	if (lose) {
		path->counters.lost++;
		return;
	}
	path_delay(bridge, index, frame, len, now, reorder);
	if (twice) {
		path->counters.duplicated++;
		path_delay(bridge, index, frame, len, now, false);
	}
}

static void queue_flush(struct bridge *bridge, uint64_t now) {
	struct delayed item;
	while (delay_queue_pop(bridge->queue, now, &item) == 0) {
		path_send(bridge, &bridge->paths[item.path], item.frame, item.len);
		free(item.frame);
	}
}

static void path_receive(struct bridge *bridge, unsigned index) {
	static uint8_t frame[FRAME_MAX];
	struct path *path = &bridge->paths[index];
	for (unsigned i = 0; i < BURST; i++) {
		size_t len = port_receive(&bridge->ports[path->from], frame, &path->counters);
		if (len == 0)
			return;
		uint64_t now = now_ns();
		queue_flush(bridge, now); // what is due goes first
		frame_handle(bridge, index, frame, len, now);
	}
}

// --- statistics ---

static void stats_write(const struct bridge *bridge) {
	FILE *file = bridge->stats_file ? fopen(bridge->stats_file, "w") : stdout;
	if (!file) {
		fprintf(stderr, "plenum-impair: %s: %s\n", bridge->stats_file, strerror(errno));
		return;
	}
	fprintf(file,
		"{\"seconds\":%.3f,\"rebinds\":%u,\"salt\":%u,\"queued\":%zu",
		(double)(now_ns() - bridge->started_ns) / 1e9,
		bridge->rebinds,
		nat_salt(bridge->nat),
		delay_queue_len(bridge->queue));
	for (unsigned i = 0; i < N_PATHS; i++) {
		const struct counters *counters = &bridge->paths[i].counters;
		const char *separator = "";
		fprintf(file, ",\"%s\":{", bridge->paths[i].name);
#define X(name)                                                                                    \
	fprintf(file, "%s\"" #name "\":%" PRIu64, separator, counters->name);                      \
	separator = ",";
		COUNTERS(X)
#undef X
		(void)separator;
		fprintf(file, "}");
	}
	fprintf(file, "}\n");
	if (bridge->stats_file)
		fclose(file);
	else
		fflush(file);
}

// --- options ---

static const char usage[] = "usage: plenum-impair [options] IF_A IF_B\n"
			    "\n"
			    "Bridges two interfaces (or tap:NAME, which is made). Clients are on "
			    "side A.\n"
			    "  --ab SPEC, --ba SPEC, --both SPEC   what happens from A to B, from "
			    "B to A\n"
			    "      SPEC: key=value,...  loss dup reorder (percent), delay jitter "
			    "gap (milliseconds)\n"
			    "  --media-only    loss, duplication and reordering only for UDP "
			    "payloads whose first byte\n"
			    "                  is 128 or more (RTP, RTCP)\n"
			    "  --seed N        of all dice (default 1)\n"
			    "  --stats FILE    where SIGUSR2 and the end write JSON (default: "
			    "standard output)\n"
			    "SIGUSR1 gives every UDP port of side A another outer number, SIGUSR2 "
			    "writes statistics.\n";

static int number_parse(const char *text, double max, double *ret_number) {
	char *end;
	errno = 0;
	double number = strtod(text, &end);
	if (errno || end == text || *end || !(number >= 0 && number <= max))
		return -EINVAL;
	*ret_number = number;
	return 0;
}

// "loss=5,delay=20". Changes what it names, leaves the rest. Cuts the text into pieces.
static int profile_parse(char *spec, struct profile *profile) {
	const struct {
		const char *key;
		double *value;
		double max, scale;
	} keys[] = {
		{"loss", &profile->loss, 100, 0.01},
		{"dup", &profile->dup, 100, 0.01},
		{"reorder", &profile->reorder, 100, 0.01},
		{"delay", &profile->delay_ms, 60000, 1},
		{"jitter", &profile->jitter_ms, 60000, 1},
		{"gap", &profile->gap_ms, 60000, 1},
	};
	char *rest = spec;
	for (char *item; (item = strsep(&rest, ","));) {
		char *value = strchr(item, '=');
		if (!value)
			return -EINVAL;
		*value++ = '\0';
		bool known = false;
		for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]) && !known; i++) {
			if (strcmp(item, keys[i].key) != 0)
				continue;
			double number;
			if (number_parse(value, keys[i].max, &number) < 0)
				return -EINVAL;
			*keys[i].value = number * keys[i].scale;
			known = true;
		}
		if (!known)
			return -EINVAL;
	}
	return 0;
}

// The same text for the first and last named path. Returns 0 or -errno.
static int spec_apply(struct bridge *bridge, unsigned first, unsigned last, const char *text) {
	for (unsigned i = first; i <= last; i++) {
		char *spec = strdup(text); // parsing cuts it up
		if (!spec)
			return -ENOMEM;
		int error = profile_parse(spec, &bridge->paths[i].profile);
		free(spec);
		if (error)
			return error;
	}
	return 0;
}

// Fills the bridge's wishes. Returns 0, or the process's exit code + 1.
static int options_parse(int argc, char **argv, struct bridge *bridge) {
	static const struct option options[] = {
		{"ab", required_argument, NULL, 'a'},
		{"ba", required_argument, NULL, 'b'},
		{"both", required_argument, NULL, 'c'},
		{"media-only", no_argument, NULL, 'm'},
		{"seed", required_argument, NULL, 's'},
		{"stats", required_argument, NULL, 'f'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int error = 0;
	int option;
	while (!error && (option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'a':
			error = spec_apply(bridge, AB, AB, optarg);
			break;
		case 'b':
			error = spec_apply(bridge, BA, BA, optarg);
			break;
		case 'c':
			error = spec_apply(bridge, AB, BA, optarg);
			break;
		case 'm':
			bridge->media_only = true;
			break;
		case 's':
			bridge->random = strtoull(optarg, NULL, 0);
			break;
		case 'f':
			bridge->stats_file = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return 1;
		default:
			error = -EINVAL;
		}
	}
	if (error || argc - optind != 2) {
		fputs(usage, stderr);
		return 3;
	}
	return 0;
}

// --- the loop ---

static void timer_arm(int fd, uint64_t at_ns) {
	struct itimerspec when = {0};
	if (at_ns != UINT64_MAX) {
		when.it_value.tv_sec = (time_t)(at_ns / 1000000000u);
		when.it_value.tv_nsec = (long)(at_ns % 1000000000u);
	}
	timerfd_settime(fd, TFD_TIMER_ABSTIME, &when, NULL);
}

// Returns false when it is time to end.
static bool signals_handle(struct bridge *bridge, int fd) {
	struct signalfd_siginfo info;
	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGUSR1:
			nat_rebind(bridge->nat, random_next(&bridge->random));
			bridge->rebinds++;
			break;
		case SIGUSR2:
			stats_write(bridge);
			break;
		default:
			return false;
		}
	}
	return true;
}

static void bridge_run(struct bridge *bridge, int signal_fd, int timer_fd) {
	enum {
		SIGNALS,
		TIMER,
		PORT_A,
		PORT_B
	};
	struct pollfd fds[] = {
		[SIGNALS] = {.fd = signal_fd, .events = POLLIN},
		[TIMER] = {.fd = timer_fd, .events = POLLIN},
		[PORT_A] = {.fd = bridge->ports[0].fd, .events = POLLIN},
		[PORT_B] = {.fd = bridge->ports[1].fd, .events = POLLIN},
	};
	for (;;) {
		timer_arm(timer_fd, delay_queue_next_ns(bridge->queue));
		if (poll(fds, sizeof(fds) / sizeof(fds[0]), -1) < 0 && errno != EINTR)
			return;
		if (fds[SIGNALS].revents && !signals_handle(bridge, signal_fd))
			return;
		uint64_t expirations;
		if (fds[TIMER].revents && read(timer_fd, &expirations, sizeof(expirations)) < 0)
			expirations = 0; // re-armed meanwhile
		queue_flush(bridge, now_ns());
		if (fds[PORT_A].revents)
			path_receive(bridge, AB);
		if (fds[PORT_B].revents)
			path_receive(bridge, BA);
	}
}

int main(int argc, char **argv) {
	static struct bridge bridge = {
		.random = 1,
		.paths = {
			[AB] = {.name = "ab", .from = 0, .to = 1, .profile = {.gap_ms = REORDER_GAP_MS}},
			[BA] = {.name = "ba", .from = 1, .to = 0, .profile = {.gap_ms = REORDER_GAP_MS}},
		},
	};
	int stop = options_parse(argc, argv, &bridge);
	if (stop)
		return stop - 1;
	for (unsigned i = 0; i < N_PATHS; i++)
		bridge.paths[i].random = random_next(&bridge.random);

	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGUSR2);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	int signal_fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
	int timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	bridge.queue = delay_queue_new(QUEUE_MAX);
	bridge.nat = nat_new();
	if (signal_fd < 0 || timer_fd < 0 || !bridge.queue || !bridge.nat) {
		perror("plenum-impair");
		return 1;
	}
	for (unsigned i = 0; i < 2; i++) {
		const char *name = argv[optind + (int)i];
		int error = port_open(name, &bridge.ports[i]);
		if (error < 0) {
			fprintf(stderr, "plenum-impair: %s: %s\n", name, strerror(-error));
			return 1;
		}
	}
	bridge.started_ns = now_ns();
	fputs("plenum-impair: ready\n", stderr);
	bridge_run(&bridge, signal_fd, timer_fd);
	stats_write(&bridge);
	delay_queue_free(bridge.queue);
	nat_free(bridge.nat);
	return 0;
}
