/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs a command and writes what it cost as one JSON object to a file: wall time, CPU time of it and all its
 * descendants that were waited for, and the peak of their memory together, sampled.
 *
 *     measure RESULT.json COMMAND [ARGUMENT...] */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bakery/macros.h"

enum { SAMPLE_MS = 20, MOST_PROCESSES = 4096 };

struct entry {
	int pid, parent;
};

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool entry_read(int pid, struct entry *entry)
{
	char path[64], line[1024];
	const char *behind_name;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	behind_name = fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
	fclose(file);
	entry->pid = pid;
	if (!behind_name || sscanf(behind_name + 1, " %*c %d", &entry->parent) != 1)
		return false;
	return true;
}

/* The proportional share, so that pages which several processes have in common count once. */
static long memory_kib(int pid)
{
	char path[64], line[256];
	long kib = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	while (!kib && fgets(line, sizeof(line), file))
		sscanf(line, "Pss: %ld kB", &kib);
	fclose(file);
	return kib;
}

static size_t processes_read(struct entry *entries)
{
	DIR *folder = opendir("/proc");
	struct dirent *item;
	size_t count = 0;

	while (folder && (item = readdir(folder)) && count < MOST_PROCESSES) {
		int pid = atoi(item->d_name);
		if (pid > 0 && entry_read(pid, &entries[count]))
			count++;
	}
	if (folder)
		closedir(folder);
	return count;
}

static bool descends(const struct entry *entries, size_t count, int pid, int from)
{
	for (int hops = 0; pid > 1 && hops < 64; hops++) {
		size_t i = 0;
		if (pid == from)
			return true;
		while (i < count && entries[i].pid != pid)
			i++;
		pid = i < count ? entries[i].parent : 0;
	}
	return false;
}

static long tree_kib(int root)
{
	static struct entry entries[MOST_PROCESSES];
	size_t count = processes_read(entries);
	long total = 0;

	for (size_t i = 0; i < count; i++) {
		if (descends(entries, count, entries[i].pid, root))
			total += memory_kib(entries[i].pid);
	}
	return total;
}

static double seconds(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
	struct rusage usage;
	double began = now_s();
	long peak_kib = 0;
	int status = 0;
	FILE *result;
	pid_t pid;

	if (argc < 3) {
		fputs("usage: measure RESULT.json COMMAND [ARGUMENT...]\n", stderr);
		return 2;
	}
	pid = fork();
	if (pid == 0) {
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	while (waitpid(pid, &status, WNOHANG) == 0) {
		long kib = tree_kib(pid);
		peak_kib = kib > peak_kib ? kib : peak_kib;
		usleep(SAMPLE_MS * 1000);
	}
	getrusage(RUSAGE_CHILDREN, &usage);
	result = fopen(argv[1], "we");
	if (!result) {
		perror(argv[1]);
		return 1;
	}
	fprintf(result,
		"{\"wall_s\": %.3f, \"cpu_s\": %.3f, \"peak_mib\": %.1f, \"peak_one_process_mib\": %.1f, \"status\": "
		"%d}\n",
		now_s() - began, seconds(usage.ru_utime) + seconds(usage.ru_stime), (double)peak_kib / 1024,
		(double)usage.ru_maxrss / 1024, WIFEXITED(status) ? WEXITSTATUS(status) : 128);
	return fclose(result) == 0 ? WEXITSTATUS(status) : 1;
}
