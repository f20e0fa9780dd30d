// SPDX-License-Identifier: BSD-3-Clause

// Measures one worker of the dataplane without a NIC: received SRTP in, encrypted frames out, every
// stage of worker_round between. Timed is worker_round alone; packets are made and put into the
// port's ring outside of it. Prints one JSON object a line to stdout, progress to stderr.

#include "ceiling.h"
#include "clock.h"
#include "nic.h"
#include "pair.h"
#include "scene.h"

#include <plm_loop.h>

#include <rte_cycles.h>
#include <rte_ring.h>

#include <getopt.h>
#include <srtp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <worker.h>

#define SAMPLES_MAX 64
#define FEED_MAX 1024 // packets that a NIC's receive queue holds
#define RUN_OUTPUTS 10000 // of one timed run, about
#define RUNS_DISTURBED 16 // of one sample, then it is given up
#define QUIET_LEAST 3 // quiet samples that make a median

struct bench_options {
	struct scene_options scene;
	unsigned n_samples; // quiet ones wanted
	double sample_ns;
	uint64_t patience_us; // that quiet samples of one figure are waited for
	bool ceiling;
	bool any; // keep disturbed samples too
};

// Medians over the quiet samples.
struct result {
	unsigned n, n_tried;
	bool disturbed; // hardly any sample was quiet: the fastest of the others stand for them
	double ns; // an output packet
	double ns_low, ns_high; // of the quiet samples
	double ghz;
	uint64_t packets_in, packets_out, bytes_out;
	struct plm_stage_info stages[PLM_STAGE_COUNT]; // sums of the quiet samples
};

static const char *const stage_names[] = {
#define X(name, text) [PLM_STAGE_##name] = text,
	PLM_STAGES(X)
#undef X
};

// Source packets of one feed: for small audiences a NIC's ring full; for large ones few, so that a
// run is over before the kernel wants the core for somebody else.
static unsigned feed_size(const struct bench_options *options) {
	unsigned n = RUN_OUTPUTS / options->scene.viewers;

	if (n >= FEED_MAX)
		return FEED_MAX;
	if (n >= WORKER_BURST)
		return n / WORKER_BURST * WORKER_BURST;
	return n == 0 ? 1 : n;
}

// Sums over the undisturbed runs.
struct sample {
	unsigned n_runs, n_disturbed;
	double ghz;
	uint64_t cycles, in, out, bytes;
	struct plm_stage_info stages[PLM_STAGE_COUNT];
};

static void add_stages(
	struct plm_stage_info *sum,
	const struct plm_stage_info *before,
	const struct plm_stage_info *after
) {
	for (unsigned i = 0; i < PLM_STAGE_COUNT; i++) {
		sum[i].calls += after[i].calls - before[i].calls;
		sum[i].packets += after[i].packets - before[i].packets;
		sum[i].cycles += after[i].cycles - before[i].cycles;
	}
}

// One feed and what the worker makes of it; counted unless something came between.
static void take_run(
	struct scene *scene,
	const struct bench_options *options,
	unsigned size,
	struct sample *sample
) {
	struct worker *worker = scene->dp->workers[0];
	const struct nic *nic = &scene->nics[0];
	struct plm_stage_info before[PLM_STAGE_COUNT];
	uint64_t cycles, frames, bytes;
	struct clock_span span;
	unsigned n;

	scene_feed_answers(scene, 0);
	scene_run(scene, 0); // consent comes between the packets, its cost is the timers' above
	n = scene_feed(scene, 0, size, feed_size(options));
	frames = nic->tx_frames;
	bytes = nic->tx_bytes;
	memcpy(before, worker->stages, sizeof(before));
	clock_begin(&span);
	scene_run(scene, 0);
	if (!clock_end(&span, &cycles) && !options->any) {
		sample->n_disturbed++;
		return;
	}
	sample->n_runs++;
	sample->cycles += cycles;
	sample->in += n;
	sample->out += nic->tx_frames - frames;
	sample->bytes += nic->tx_bytes - bytes;
	add_stages(sample->stages, before, worker->stages);
}

// True when the sample is good.
static bool take_sample(
	struct scene *scene,
	const struct bench_options *options,
	unsigned size,
	struct sample *ret_sample
) {
	double before = clock_ghz();

	*ret_sample = (struct sample){0};
	do {
		take_run(scene, options, size, ret_sample);
	} while (clock_ns(ret_sample->cycles) < options->sample_ns
		 && ret_sample->n_disturbed < RUNS_DISTURBED);
	ret_sample->ghz = clock_ghz();
	return ret_sample->out > 0
		&& (options->any || (clock_steady(before) && clock_steady(ret_sample->ghz)));
}

static void spread(const double *values, unsigned n, double *ret_low, double *ret_high) {
	*ret_low = *ret_high = n > 0 ? values[0] : 0;
	for (unsigned i = 1; i < n; i++) {
		*ret_low = values[i] < *ret_low ? values[i] : *ret_low;
		*ret_high = values[i] > *ret_high ? values[i] : *ret_high;
	}
}

static void add_sample(struct result *result, const struct sample *sample) {
	static const struct plm_stage_info none[PLM_STAGE_COUNT];

	result->packets_in += sample->in;
	result->packets_out += sample->out;
	result->bytes_out += sample->bytes;
	add_stages(result->stages, none, sample->stages);
}

static struct result measure(
	struct scene *scene,
	const struct bench_options *options,
	unsigned size
) {
	double ns[SAMPLES_MAX], ghz[SAMPLES_MAX];
	const uint64_t end_us = plm_now_us() + options->patience_us;
	struct bench_options as_it_comes = *options;
	struct result result = {0};
	struct sample sample;

	take_sample(scene, options, size, &sample); // warms up
	while (plm_now_us() < end_us && result.n < options->n_samples) {
		result.n_tried++;
		if (!take_sample(scene, options, size, &sample))
			continue;
		add_sample(&result, &sample);
		ns[result.n] = clock_ns(sample.cycles) / (double)sample.out;
		ghz[result.n++] = sample.ghz;
	}
	if (result.n < QUIET_LEAST) {
		memset(&result, 0, sizeof(result));
		result.disturbed = true;
		as_it_comes.any = true;
		for (unsigned i = 0; i < options->n_samples; i++, result.n_tried++) {
			if (!take_sample(scene, &as_it_comes, size, &sample))
				continue;
			add_sample(&result, &sample);
			ns[result.n] = clock_ns(sample.cycles) / (double)sample.out;
			ghz[result.n++] = sample.ghz;
		}
		clock_median(ns, result.n); // sorts
		result.n = (result.n + 2) / 3;
	}
	spread(ns, result.n, &result.ns_low, &result.ns_high);
	result.ns = clock_median(ns, result.n);
	result.ghz = clock_median(ghz, result.n);
	return result;
}

// The same for two workers: frames of both over the time that the slower one took.
static struct result measure_pair(
	struct scene *scene,
	const struct bench_options *options,
	unsigned size
) {
	const uint64_t end_us = plm_now_us() + options->patience_us;
	double quiet_ns[SAMPLES_MAX], other_ns[SAMPLES_MAX], *ns = quiet_ns;
	unsigned n_other = 0, n_feed = feed_size(options);
	struct result result = {0};
	struct pair_run run;

	pair_take(scene, size, n_feed, &run);
	while (plm_now_us() < end_us && result.n < options->n_samples) {
		result.n_tried++;
		if (!pair_take(scene, size, n_feed, &run))
			continue;
		result.packets_out += run.out;
		result.bytes_out += run.bytes;
		if (run.quiet || options->any)
			quiet_ns[result.n++] = clock_ns(run.cycles) / (double)run.out;
		else
			other_ns[n_other++ % SAMPLES_MAX] = clock_ns(run.cycles) / (double)run.out;
	}
	if (result.n < QUIET_LEAST && n_other > 0) {
		result.disturbed = true;
		n_other = RTE_MIN(n_other, (unsigned)SAMPLES_MAX);
		clock_median(other_ns, n_other);
		result.n = (n_other + 2) / 3;
		ns = other_ns;
	}
	spread(ns, result.n, &result.ns_low, &result.ns_high);
	result.ns = clock_median(ns, result.n);
	result.ghz = clock_ghz();
	return result;
}

// ns an output packet.
static double measure_ceiling(
	struct ceiling *ceiling,
	const struct bench_options *options,
	void (*run)(struct ceiling *ceiling, unsigned n, unsigned *ret_n)
) {
	unsigned n_viewers = options->scene.publishers * options->scene.viewers, n_done;
	unsigned n = n_viewers < RUN_OUTPUTS ? RUN_OUTPUTS : n_viewers, n_quiet = 0, n_other = 0;
	const uint64_t end_us = plm_now_us() + options->patience_us;
	double quiet_ns[SAMPLES_MAX], other_ns[SAMPLES_MAX];

	run(ceiling, n, &n_done);
	while (plm_now_us() < end_us && n_quiet < options->n_samples) {
		double before = clock_ghz(), ns;
		struct clock_span span;
		uint64_t cycles;
		bool quiet;

		clock_begin(&span);
		run(ceiling, n, &n_done);
		quiet = clock_end(&span, &cycles);
		quiet = clock_steady(clock_ghz()) && clock_steady(before) && quiet;
		if (n_done == 0)
			return 0;
		ns = clock_ns(cycles) / n_done;
		if (options->any || quiet)
			quiet_ns[n_quiet++] = ns;
		else if (n_other < SAMPLES_MAX)
			other_ns[n_other++] = ns;
	}
	if (n_quiet >= QUIET_LEAST || n_other == 0)
		return clock_median(quiet_ns, n_quiet);
	clock_median(other_ns, n_other);
	return clock_median(other_ns, (n_other + 2) / 3);
}

static const char *suite_name(uint16_t suite) {
	return suite == PLM_SRTP_AEAD_AES_128_GCM    ? "GCM-128"
		: suite == PLM_SRTP_AEAD_AES_256_GCM ? "GCM-256"
						     : "CM-SHA1-80";
}

static void print_stages(const struct result *result) {
	printf(",\"stages\":{");
	for (unsigned i = 0; i < PLM_STAGE_COUNT; i++) {
		const struct plm_stage_info *stage = &result->stages[i];

		printf("%s\"%s\":{\"tsc_per_out\":%.2f,\"packets_per_call\":%.1f,\"calls\":%lu,"
		       "\"packets\":%lu,\"cycles\":%lu}",
		       i == 0 ? "" : ",",
		       stage_names[i],
		       (double)stage->cycles / (double)(result->packets_out + !result->packets_out),
		       (double)stage->packets / (double)(stage->calls + !stage->calls),
		       stage->calls,
		       stage->packets,
		       stage->cycles);
	}
	printf("}");
}

static void print_result(
	const struct scene *scene,
	unsigned size,
	const struct result *result,
	double cipher_ns,
	double loop_ns
) {
	const struct scene_options *options = &scene->options;
	char drops[512];
	uint64_t n_drops = scene_drops(scene, drops, sizeof(drops));
	double frame = (double)result->bytes_out
		/ (double)(result->packets_out + !result->packets_out);

	printf("{\"kind\":\"worker\",\"workers\":%u,\"suite\":\"%s\",\"payload\":%u,\"publishers\":"
	       "%u,"
	       "\"viewers\":%u,\"total_viewers\":%u,\"backend\":\"%s\",\"checksum\":\"%s\","
	       "\"extensions\":%s,\"tx_depth\":%u,\"memory\":\"%s\"",
	       options->n_workers,
	       suite_name(options->suite),
	       options->sizes[size],
	       options->publishers,
	       options->viewers,
	       options->publishers * options->viewers,
	       srtp_backend_name(),
	       options->cksum == SCENE_CKSUM_OFFLOAD ? "offload" : "software",
	       options->extensions ? "true" : "false",
	       options->tx_depth,
	       scene->memory);
	printf(",\"ns\":%.2f,\"ns_low\":%.2f,\"ns_high\":%.2f,\"mpps\":%.4f,\"cycles\":%.1f,"
	       "\"gbps_payload\":%.3f,\"gbps_wire\":%.3f,\"core_ghz\":%.3f,\"tsc_ghz\":%.3f,"
	       "\"samples\":%u,\"tried\":%u,\"disturbed\":%s",
	       result->ns,
	       result->ns_low,
	       result->ns_high,
	       1e3 / result->ns,
	       result->ns * result->ghz,
	       8.0 * options->sizes[size] / result->ns,
	       8.0 * (frame + 24) / result->ns, // preamble, gap and FCS
	       result->ghz,
	       (double)rte_get_tsc_hz() / 1e9,
	       result->n,
	       result->n_tried,
	       result->disturbed ? "true" : "false");
	if (cipher_ns > 0)
		printf(",\"ceiling\":{\"library\":\"%s\",\"cipher_ns\":%.2f,\"loop_ns\":%.2f,"
		       "\"ratio_cipher\":%.3f,\"ratio_loop\":%.3f}",
		       ceiling_library(),
		       cipher_ns,
		       loop_ns,
		       cipher_ns / result->ns,
		       loop_ns / result->ns);
	print_stages(result);
	printf(",\"bytes_per_viewer\":%.0f,\"setup_s\":%.2f,\"drops\":%lu,\"drop_text\":\"%s\"}\n",
	       scene->bytes_per_viewer,
	       scene->setup_s,
	       n_drops,
	       drops);
	fflush(stdout);
}

static int bench_size(struct scene *scene, const struct bench_options *options, unsigned size) {
	const struct scene_options *o = &options->scene;
	double cipher_ns = 0, loop_ns = 0;
	struct result result = o->n_workers > 1 ? measure_pair(scene, options, size)
						: measure(scene, options, size);

	if (result.n == 0) {
		fprintf(stderr, "worker_bench: no sample was left undisturbed\n");
		return 1;
	}
	if (options->ceiling && o->n_workers == 1 && o->suite != PLM_SRTP_AEAD_AES_256_GCM) {
		const struct ceiling_options c = {
			.suite = o->suite,
			.n_keys = o->publishers * o->viewers,
			.n_streams = o->publishers,
			.header_len = scene_rtp_header_len(scene),
			.payload_len = o->sizes[size],
			.pool = scene->dp->packets,
			.depth = o->tx_depth > 0 ? o->tx_depth : 64,
			.nic = &scene->nics[0],
		};
		struct ceiling *ceiling = ceiling_new(&c);

		if (ceiling == NULL) {
			perror("worker_bench: ceiling");
			return 1;
		}
		cipher_ns = measure_ceiling(ceiling, options, ceiling_cipher);
		loop_ns = measure_ceiling(ceiling, options, ceiling_loop);
		ceiling_free(ceiling);
	}
	print_result(scene, size, &result, cipher_ns, loop_ns);
	fprintf(stderr,
		"  %u worker%s %-10s %4u B  %u x %u  %8.1f ns  %7.3f Mpps  cipher alone %.1f ns "
		"(%.0f %%)%s\n",
		o->n_workers,
		o->n_workers > 1 ? "s," : ", ",
		suite_name(o->suite),
		o->sizes[size],
		o->publishers,
		o->viewers,
		result.ns,
		1e3 / result.ns,
		cipher_ns,
		100 * cipher_ns / result.ns,
		result.disturbed ? " disturbed" : "");
	return 0;
}

static int usage(void) {
	fputs("usage: worker_bench [option...]\n"
	      "  --publishers P   streams (1)\n"
	      "  --viewers N      of each stream (1)\n"
	      "  --sizes A[,B]    bytes of RTP payload (1200); below 400 counts as audio\n"
	      "  --suite NAME     gcm, cm or gcm256 (gcm)\n"
	      "  --backend NAME   of SRTP (auto)\n"
	      "  --checksum WAY   offload or software (offload)\n"
	      "  --plain          no RTP header extensions\n"
	      "  --depth N        frames that the port holds, 0..8192 (1024)\n"
	      "  --rtx N          packets kept for retransmission (512)\n"
	      "  --cpu N          to run on (0)\n"
	      "  --second-cpu N   a second worker there; one of two publishers or more is its\n"
	      "  --samples N      undisturbed ones, 1..64 (15)\n"
	      "  --sample-ms X    worker time of one sample (3)\n"
	      "  --patience-s X   to wait for undisturbed samples of each figure (4)\n"
	      "  --no-ceiling     leave the cipher's own loop out\n"
	      "  --any            keep disturbed samples\n",
	      stderr);
	return 2;
}

static const struct option longs[] = {
	{"publishers", required_argument, NULL, 'p'},
	{"viewers", required_argument, NULL, 'n'},
	{"sizes", required_argument, NULL, 's'},
	{"suite", required_argument, NULL, 'u'},
	{"backend", required_argument, NULL, 'b'},
	{"checksum", required_argument, NULL, 'k'},
	{"plain", no_argument, NULL, 'x'},
	{"depth", required_argument, NULL, 'd'},
	{"rtx", required_argument, NULL, 'r'},
	{"cpu", required_argument, NULL, 'c'},
	{"second-cpu", required_argument, NULL, '2'},
	{"samples", required_argument, NULL, 'm'},
	{"sample-ms", required_argument, NULL, 't'},
	{"patience-s", required_argument, NULL, 'w'},
	{"no-ceiling", no_argument, NULL, 'z'},
	{"any", no_argument, NULL, 'a'},
	{0},
};

static bool take_text(struct bench_options *options, int c, char *text) {
	struct scene_options *scene = &options->scene;

	switch (c) {
	case 's':
		scene->n_sizes = 0;
		for (char *at = strtok(text, ","); at != NULL; at = strtok(NULL, ",")) {
			unsigned size = (unsigned)strtoul(at, NULL, 10);

			if (scene->n_sizes == SCENE_SIZES_MAX || size < 16 || size > 1300)
				return false;
			scene->sizes[scene->n_sizes++] = size;
		}
		return scene->n_sizes > 0;
	case 'u':
		scene->suite = strcmp(text, "cm") == 0 ? PLM_SRTP_AES128_CM_HMAC_SHA1_80
			: strcmp(text, "gcm256") == 0  ? PLM_SRTP_AEAD_AES_256_GCM
						       : PLM_SRTP_AEAD_AES_128_GCM;
		return strcmp(text, "gcm") == 0 || scene->suite != PLM_SRTP_AEAD_AES_128_GCM;
	case 'b':
		scene->backend = text;
		return true;
	case 'k':
		scene->cksum = strcmp(text, "software") == 0 ? SCENE_CKSUM_SOFTWARE
							     : SCENE_CKSUM_OFFLOAD;
		return strcmp(text, "offload") == 0 || scene->cksum == SCENE_CKSUM_SOFTWARE;
	default:
		return false;
	}
}

static bool take_option(struct bench_options *options, int c) {
	struct scene_options *scene = &options->scene;
	double number = optarg != NULL ? strtod(optarg, NULL) : 0;

	switch (c) {
	case 'p':
		scene->publishers = (unsigned)number;
		return number >= 1 && number <= 4096;
	case 'n':
		scene->viewers = (unsigned)number;
		return number >= 1 && number <= 200000;
	case 'x':
		scene->extensions = false;
		return true;
	case 'd':
		scene->tx_depth = (unsigned)number;
		return number >= 0 && number <= NIC_DEPTH_MAX;
	case 'r':
		scene->rtx_packets = (unsigned)number;
		return number >= 16;
	case 'c':
		scene->cpus[0] = (unsigned)number;
		return number >= 0;
	case '2':
		scene->cpus[1] = (unsigned)number;
		scene->n_workers = 2;
		return number >= 0;
	case 'm':
		options->n_samples = (unsigned)number;
		return number >= 1 && number <= SAMPLES_MAX;
	case 't':
		options->sample_ns = number * 1e6;
		return number > 0;
	case 'w':
		options->patience_us = (uint64_t)(number * 1e6);
		return number >= 0;
	case 'z':
		options->ceiling = false;
		return true;
	case 'a':
		options->any = true;
		return true;
	default:
		return take_text(options, c, optarg);
	}
}

int main(int argc, char **argv) {
	struct bench_options options = {
		.scene = {
			.publishers = 1,
			.viewers = 1,
			.n_workers = 1,
			.suite = PLM_SRTP_AEAD_AES_128_GCM,
			.backend = "auto",
			.sizes = {1200},
			.n_sizes = 1,
			.extensions = true,
			.cksum = SCENE_CKSUM_OFFLOAD,
			.tx_depth = 1024,
			.rtx_packets = 512,
		},
		.n_samples = 15,
		.sample_ns = 3e6,
		.patience_us = 4000000,
		.ceiling = true,
	};
	struct scene *scene;
	int c, status = 0;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (!take_option(&options, c))
			return usage();
	}
	if (optind < argc || options.scene.publishers < options.scene.n_workers)
		return usage();
	scene = scene_new(&options.scene);
	if (scene == NULL)
		return 1;
	if (!scene_verify(scene)) {
		fprintf(stderr, "worker_bench: what came out is wrong: %s\n", scene->check.why);
		status = 1;
	}
	for (unsigned s = 0; s < options.scene.n_sizes && status == 0; s++)
		status = bench_size(scene, &options, s);
	fflush(stdout);
	// The kernel takes it all back: taking 100,000 viewers down in order takes longer than the
	// measurement.
	_Exit(status);
}
