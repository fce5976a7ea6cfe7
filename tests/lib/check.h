/* SPDX-License-Identifier: Apache-2.0
 *
 * What every cmocka program includes, in the order cmocka wants it, and the assertions of our own. */
#ifndef BAKERY_TESTS_CHECK_H
#define BAKERY_TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bakery/error.h"
#include "bakery/file.h"
#include "bakery/mem.h"

/* A call that must work; its error is printed when it does not. */
#define assert_works(call)                                                                                             \
	do {                                                                                                           \
		if (!(call))                                                                                           \
			fail_msg("%s: %s", #call, err.text);                                                           \
	} while (0)

/* A call that must fail, with that kind and that text somewhere in its message. */
#define assert_fails(call, wanted_kind, wanted_text)                                                                   \
	do {                                                                                                           \
		if (call)                                                                                              \
			fail_msg("%s worked", #call);                                                                  \
		if (err.kind != (wanted_kind) || !strstr(err.text, wanted_text))                                       \
			fail_msg("%s: kind %s, \"%s\"; wanted kind %s and \"%s\"", #call, error_kind_name(err.kind),   \
				 err.text, error_kind_name(wanted_kind), wanted_text);                                 \
	} while (0)

/* A folder for one test: setup/teardown for cmocka; *state is its path. */
static inline int temporary_folder_setup(void **state)
{
	char *path = strdup("/tmp/bakery-test-XXXXXX");

	*state = mkdtemp(path);
	return *state ? 0 : -1;
}

static inline int temporary_folder_teardown(void **state)
{
	struct error err = {0};
	bool removed = file_remove_tree(*state, &err);

	if (!removed)
		fprintf(stderr, "%s\n", err.text);
	free(*state);
	return removed ? 0 : -1;
}

static inline void folder_write(const char *folder, const char *name, const char *text)
{
	_cleanup_(freep) char *path = path_join(folder, name);
	struct error err = {0};

	assert_works(file_replace(path, text, strlen(text), 0644, &err));
}

#define folder_test(function)                                                                                          \
	cmocka_unit_test_setup_teardown(function, temporary_folder_setup, temporary_folder_teardown)

#endif
