/* SPDX-License-Identifier: Apache-2.0
 *
 * For test programs that need an SSH server and a folder that both sides see: set-up and tear-down of the group. */
#ifndef TESTS_LIB_SSHD_FOLDER_H
#define TESTS_LIB_SSHD_FOLDER_H

#include "bakery/file.h"
#include "tests/lib/sshd.h"

static struct test_sshd sshd;
static char folder[] = "/tmp/bakery-test-XXXXXX";

static int start(void **state)
{
	assert_non_null(mkdtemp(folder));
	return test_sshd_start(&sshd) ? 0 : -1;
}

static int finish(void **state)
{
	struct error err;
	test_sshd_stop(&sshd);
	return file_remove_tree(folder, &err) ? 0 : -1;
}

#endif
