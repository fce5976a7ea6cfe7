/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs a fuzz target over its corpus as a plain test, with any compiler: each file whole, and cut off at up to 64
 * places, since most mistakes of parsers are at an end that comes too early. `scripts/fuzz` runs the same targets under
 * libFuzzer. */
#include <dirent.h>
#include <stdio.h>

#include "bakery/file.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "fuzz.h"

enum { MOST_BYTES = 1 << 20, CUTS = 64 };

/* A copy of exactly that size, so that a read beyond the end is seen. */
static void run(const char *data, size_t length)
{
	_cleanup_(freep) uint8_t *copy = mem_alloc(length ? length : 1);

	for (size_t i = 0; i < length; i++)
		copy[i] = (uint8_t)data[i];
	LLVMFuzzerTestOneInput(copy, length);
}

static bool run_file(const char *path)
{
	_cleanup_(str_free) struct str text = STR_INIT;
	struct error err = {0};

	if (!file_read(path, MOST_BYTES, &text, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return false;
	}
	for (size_t i = 0; i < CUTS; i++)
		run(text.data, text.len * i / CUTS);
	run(text.data, text.len);
	return true;
}

int main(int argc, char **argv)
{
	int passed = 0, failed = 0;

	for (int i = 1; i < argc; i++) {
		_cleanup_(freep) char *name = realpath(argv[i], NULL); /* a target may go to another folder */
		DIR *folder = name ? opendir(name) : NULL;
		const struct dirent *entry;
		while (folder && (entry = readdir(folder))) {
			_cleanup_(freep) char *path = path_join(name, entry->d_name);
			if (entry->d_name[0] == '.')
				continue;
			run_file(path) ? passed++ : failed++;
		}
		if (folder)
			closedir(folder);
	}
	printf("%d inputs passed, %d failed\n", passed, failed);
	return passed > 0 && failed == 0 ? 0 : 1;
}
