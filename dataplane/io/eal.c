// SPDX-License-Identifier: BSD-3-Clause

#include "config.h"
#include "dpdk_log.h"
#include "port.h"

#include <rte_eal.h>
#include <rte_errno.h>

#include <dirent.h>
#include <errno.h>
#include <mntent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARGS_MAX 16
#define ARGS_BYTES 768

// The EAL keeps pointers to its arguments.
struct eal_args {
	char *argv[ARGS_MAX + 1];
	int argc;
	char text[ARGS_BYTES];
	size_t used;
};

static void arg_add(struct eal_args *args, const char *text) {
	size_t len = strlen(text) + 1;

	// The longest possible list fits: a broken invariant otherwise.
	if (args->argc == ARGS_MAX || len > ARGS_BYTES - args->used)
		abort();
	args->argv[args->argc++] = memcpy(args->text + args->used, text, len);
	args->used += len;
}

static void lcores_format(const struct config *config, char *text, size_t len) {
	size_t n = (size_t)snprintf(text, len, "0@%u", config->main_core);

	for (unsigned i = 0; i < config->n_workers && n < len; i++)
		n += (size_t)snprintf(text + n, len - n, ",%u@%u", i + 1, config->worker_cores[i]);
}

// The EAL panics on a CPU that this process may not use (offline, not there, another cpuset).
static bool cpu_usable(unsigned cpu) {
	cpu_set_t saved, one;
	bool usable;

	if (sched_getaffinity(0, sizeof(saved), &saved) < 0)
		return true;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	usable = sched_setaffinity(0, sizeof(one), &one) == 0;
	sched_setaffinity(0, sizeof(saved), &saved);
	return usable;
}

static int cpus_check(const struct config *config, char *error, size_t error_len) {
	if (!cpu_usable(config->main_core)) {
		snprintf(
			error,
			error_len,
			"dataplane.workers.main_core: CPU %u cannot be used on this machine",
			config->main_core
		);
		return -EINVAL;
	}
	for (unsigned i = 0; i < config->n_workers; i++) {
		if (cpu_usable(config->worker_cores[i]))
			continue;
		snprintf(
			error,
			error_len,
			"dataplane.workers.cores[%u]: CPU %u cannot be used on this machine",
			i,
			config->worker_cores[i]
		);
		return -EINVAL;
	}
	return 0;
}

// Where the EAL puts its sockets and locks, by its own rule; it makes the last component.
static int runtime_dir_check(char *error, size_t error_len) {
	const char *parent = getenv("RUNTIME_DIRECTORY");
	char dir[512];
	int err;

	if (parent == NULL && getuid() == 0)
		parent = "/var/run";
	if (parent == NULL)
		parent = getenv("XDG_RUNTIME_DIR");
	if (parent == NULL)
		parent = "/tmp";
	snprintf(dir, sizeof(dir), "%s/dpdk", parent);
	if ((mkdir(dir, 0700) < 0 && errno != EEXIST) || access(dir, R_OK | W_OK | X_OK) < 0) {
		err = -errno;
		snprintf(
			error,
			error_len,
			"%s, DPDK's runtime directory, cannot be written: %s (RUNTIME_DIRECTORY in "
			"the "
			"environment chooses its parent)",
			dir,
			strerror(-err)
		);
		return err;
	}
	return 0;
}

static unsigned long number_in(const char *dir, const char *name, const char *file) {
	unsigned long number = 0;
	char path[512];
	FILE *stream;

	snprintf(path, sizeof(path), "%s/%s/%s", dir, name, file);
	stream = fopen(path, "re");
	if (stream == NULL)
		return 0;
	if (fscanf(stream, "%lu", &number) != 1)
		number = 0;
	fclose(stream);
	return number;
}

static bool hugetlbfs_mounted(void) {
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *mount;
	bool found = false;

	if (mounts == NULL)
		return true; // let the EAL find out
	while (!found && (mount = getmntent(mounts)) != NULL)
		found = strcmp(mount->mnt_type, "hugetlbfs") == 0;
	endmntent(mounts);
	return found;
}

static int hugepages_check(char *error, size_t error_len) {
	static const char pages[] = "/sys/kernel/mm/hugepages";
	struct dirent *entry;
	unsigned long n_free = 0;
	DIR *dir;

	dir = opendir(pages);
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.')
			n_free += number_in(pages, entry->d_name, "free_hugepages");
	}
	if (dir != NULL)
		closedir(dir);
	if (n_free > 0 && hugetlbfs_mounted())
		return 0;
	snprintf(
		error,
		error_len,
		"dataplane.memory.hugepages: %s; false does without",
		n_free == 0 ? "no hugepage is free (sysctl vm.nr_hugepages reserves them)"
			    : "no hugetlbfs is mounted (mount -t hugetlbfs none /dev/hugepages)"
	);
	return -ENOMEM;
}

int eal_start(const struct config *config, const char *argv0, char *error, size_t error_len) {
	static struct eal_args args;
	char text[CONFIG_WORKERS_MAX * 12 + 16];
	const char *why;
	int err;

	err = cpus_check(config, error, error_len);
	if (err == 0)
		err = runtime_dir_check(error, error_len);
	if (err == 0 && config->hugepages)
		err = hugepages_check(error, error_len);
	if (err < 0)
		return err;

	memset(&args, 0, sizeof(args));
	arg_add(&args, argv0);
	arg_add(&args, "--lcores");
	lcores_format(config, text, sizeof(text));
	arg_add(&args, text);
	arg_add(&args, "--file-prefix");
	arg_add(&args, config->file_prefix);
	arg_add(&args, "--log-level=warning");
	if (!config->hugepages) {
		// Not --in-memory, which conflicts with the static memory of --no-huge.
		arg_add(&args, "--no-huge");
		arg_add(&args, "--no-shconf");
		arg_add(&args, "-m");
		snprintf(text, sizeof(text), "%u", config->memory_mb);
		arg_add(&args, text);
	}
	if (config_device_is_pci(config->device)) {
		arg_add(&args, "-a");
		arg_add(&args, config->device);
	} else {
		arg_add(&args, "--no-pci");
	}
	err = dpdk_log_redirect();
	if (err < 0) {
		snprintf(error, error_len, "DPDK's log: %s", strerror(-err));
		return err;
	}
	dpdk_log_keep_begin();
	rte_errno = 0;
	if (rte_eal_init(args.argc, args.argv) < 0) {
		err = rte_errno > 0 ? -rte_errno : -EINVAL;
		why = dpdk_log_keep_end(rte_strerror(-err));
		snprintf(error, error_len, "DPDK does not start: %s", why);
		return err;
	}
	dpdk_log_keep_end("");
	return 0;
}
