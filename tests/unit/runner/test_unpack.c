/* SPDX-License-Identifier: Apache-2.0
 *
 * Archives that a machine sends: those of honest tars, and what a hostile one would write elsewhere on this host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../src/runner/unpack.h"
#include "bakery/file.h"
#include "bakery/mem.h"
#include "bakery/process.h"
#include "bakery/str.h"

static char world[64]; /* "to" and "scratch" are in it, and nothing else may ever be written */

static int setup(void **state)
{
	/* in memory, if there is a place: thousands of files are made */
	snprintf(world, sizeof(world), "%s/bakery-unpack-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(world));
	assert_int_equal(chdir(world), 0);
	assert_int_equal(mkdir("to", 0755) | mkdir("scratch", 0700) | mkdir("outside", 0755), 0);
	return 0;
}

static int teardown(void **state)
{
	struct error err;
	assert_int_equal(chdir("/"), 0);
	return file_remove_tree(world, &err) ? 0 : -1;
}

static void shell(const char *script)
{
	struct error err = {0};
	struct str out = STR_INIT;
	if (!process_must(&(struct process){.argv = (const char *[]){"sh", "-euc", script, NULL}}, &out, &err))
		fail_msg("%s: %s", script, err.text);
	str_free(&out);
}

static void empty_scratch(void)
{
	struct error err;
	assert_true(file_remove_tree("scratch", &err));
	assert_int_equal(mkdir("scratch", 0700), 0);
}

struct member {
	const char *name;
	char kind;
	const char *text, *link;
	bool gnu;
};

/* tar's own text fields; the sum of the header's bytes comes last. */
static void add(struct str *tar, const struct member *member)
{
	char header[512] = "";
	unsigned sum = 0;
	size_t length = member->text ? strlen(member->text) : 0;

	strncpy(header, member->name, 100);
	memcpy(header + 100, "0007777", 7);
	snprintf(header + 124, 12, "%011o", (unsigned)length);
	memset(header + 148, ' ', 8);
	header[156] = member->kind;
	strncpy(header + 157, member->link ? member->link : "", 100);
	memcpy(header + 257, member->gnu ? "ustar  " : "ustar\00000", 8);
	for (size_t i = 0; i < sizeof(header); i++)
		sum += (unsigned char)header[i];
	snprintf(header + 148, 8, "%06o", sum);
	str_add_n(tar, header, sizeof(header));
	str_add_n(tar, member->text ? member->text : "", length);
	while (tar->len % 512)
		str_add_n(tar, "", 1);
}

static bool unpack_data(const struct str *tar, struct unpack_count *count, struct error *err)
{
	_cleanup_(closep) int fd = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	assert_true(fd >= 0 && write(fd, tar->data, tar->len) == (ssize_t)tar->len && lseek(fd, 0, SEEK_SET) == 0);
	return unpack_folder(fd, "scratch", "to", count, err);
}

static bool unpack_members(const struct member *members, size_t count, struct error *err)
{
	_cleanup_(str_free) struct str tar = STR_INIT;
	struct unpack_count told;
	for (size_t i = 0; i < count; i++)
		add(&tar, &members[i]);
	for (size_t i = 0; i < 1024; i++)
		str_add_n(&tar, "", 1);
	return unpack_data(&tar, &told, err);
}

static void expect_untouched(void)
{
	/* only an empty folder can be removed */
	assert_int_equal(rmdir("to") | rmdir("outside"), 0);
	assert_int_equal(mkdir("to", 0755) | mkdir("outside", 0755), 0);
}

/* Whatever the machine's tar is. */
static void honest_archives(void **state)
{
	static const char *const tars[] = {"tar", "busybox tar", "tar --format=ustar"};
	shell("mkdir -p from/sub/empty from/deep; d=from/deep; for i in 1 2 3; do d=$d/$(printf 'x%.0s' $(seq 70)); "
	      "done; "
	      "mkdir -p $d; echo far >$d/file; echo a >from/a; head -c 3000000 /dev/urandom >from/sub/large; : "
	      ">from/none; "
	      "echo run >from/run; chmod 4755 from/run; chmod 0 from/none; echo \"it's b\" >'from/ b $x '; ln from/a "
	      "from/second; "
	      "chmod 700 from/sub; echo '{{ x }}' >from/-rf; ln from/a $d/third");
	for (size_t i = 0; i < ARRAY_SIZE(tars); i++) {
		_cleanup_(freep) char *pack = mem_printf("cd from && find . \\( -type f -o -type d \\) -print0 | "
							 "xargs -0 -n 5 %s -cf - --no-recursion -- >../a.tar",
							 tars[i]);
		struct unpack_count count;
		struct error err = {0};
		if (str_starts(tars[i], "busybox") && !process_available("busybox"))
			continue;
		umask(022);
		if (strstr(tars[i], "ustar")) /* which has no room for the name it is a second one of */
			shell("find from -name third -delete");
		shell(pack);
		shell("rm -rf to scratch && mkdir to scratch && echo mine >to/mine && echo old >to/a && ln -s "
		      "../outside/x to/run");
		_cleanup_(closep) int fd = open("a.tar", O_RDONLY | O_CLOEXEC);
		if (!unpack_folder(fd, "scratch", "to", &count, &err))
			fail_msg("%s: %s", tars[i], err.text);
		assert_int_equal(count.files, strstr(tars[i], "ustar") ? 8 : 9);
		assert_int_equal(count.folders, 6);
		shell("test \"$(cat to/mine)\" = mine && rm to/mine && diff -r from to && test -z \"$(ls -A outside)\" "
		      "&& "
		      "test \"$(stat -c %a to/run to/none to/sub to/a | tr '\\n' ' ')\" = '755 600 700 644 ' && test ! "
		      "-L to/run");
	}
}

static void nothing_is_written_elsewhere(void **state)
{
	static const struct {
		struct member members[3];
		size_t count;
		const char *why;
	} cases[] = {
		{{{"../outside/x", '0', "x"}}, 1, "no name below the folder"},
		{{{"..", '5'}}, 1, "no name below the folder"},
		{{{"./../outside/x", '0', "x"}}, 1, "no name below the folder"},
		{{{"a/../../outside/x", '0', "x"}}, 1, "no name below the folder"},
		{{{"./a/..", '5'}}, 1, "no name below the folder"},
		{{{"/tmp/bakery-never", '0', "x"}}, 1, "no name below the folder"},
		{{{"//tmp/bakery-never", '0', "x"}}, 1, "no name below the folder"},
		{{{".//tmp/bakery-never", '0', "x"}}, 1, "no name below the folder"},
		{{{"a/./b", '0', "x"}}, 1, "no name below the folder"},
		{{{"", '0', "x"}}, 1, "no name below the folder"},
		{{{".", '0', "x"}}, 1, "no name below the folder"},
		{{{"a\033[2Jb", '0', "x"}}, 1, "control characters"},
		{{{"a\nb", '5'}}, 1, "control characters"},
		{{{"l", '2', NULL, "../outside"}, {"l/x", '0', "x"}}, 2, "neither a file nor a folder"},
		{{{"l", '2', NULL, "/etc/passwd"}}, 1, "neither a file nor a folder"},
		{{{"dev", '3'}}, 1, "neither a file nor a folder"},
		{{{"pipe", '6'}}, 1, "neither a file nor a folder"},
		{{{"x", 'x', "21 path=../outside/x\n"}, {"a", '0', "x"}}, 2, "no name below the folder"},
		{{{"h", '1', NULL, "../outside/there"}}, 1, "no name below the folder"},
		{{{"h", '1', NULL, "/etc/passwd"}}, 1, "no name below the folder"},
		{{{"h", '1', NULL, "nothing"}}, 1, "No such file"},
		{{{"././@LongLink", 'L', "../outside/x", NULL, true}, {"a", '0', "x", NULL, true}},
		 2,
		 "no name below the folder"},
		{{{"a", '0', "x"}, {"././@LongLink", 'K', "../outside/x", NULL, true}, {"h", '1', NULL, "a", true}},
		 3,
		 "no name below the folder"},
		{{{"a", '0', "x"}, {"a/b", '0', "x"}}, 2, "none here"},
		{{{"a", '0', "x"}, {"a", '0', "y"}}, 2, "File exists"},
		{{{"a/b", '0', "x"}}, 1, "No such file"},
		{{{"a", '5', "x"}}, 1, "not whole"},
	};
	struct error err = {0};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		empty_scratch();
		if (unpack_members(cases[i].members, cases[i].count, &err) || !strstr(err.text, cases[i].why) ||
		    strchr(err.text, '\033') || strchr(err.text, '\n'))
			fail_msg("case %zu (%s): %s", i, cases[i].members[0].name, err.text);
		expect_untouched();
	}
	assert_int_equal(access("/tmp/bakery-never", F_OK), -1);
}

static void names_that_are_too_much(void **state)
{
	_cleanup_(freep) char *part = mem_alloc(301), *deep = mem_alloc(301), *endless = mem_alloc(4000);
	struct error err = {0};
	memset(part, 'x', 300);
	for (size_t i = 0; i < 298; i++)
		deep[i] = "a/"[i % 2];
	memset(endless, 'y', 3999);
	const char *const names[] = {part, deep, endless};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct member members[] = {{"././@LongLink", 'L', names[i], NULL, true},
						 {"a", '0', "x", NULL, true}};
		assert_false(unpack_members(members, 2, &err));
		assert_true(strstr(err.text, "too long") || strstr(err.text, "no name below"));
		expect_untouched();
	}
}

static void too_many(void **state)
{
	_cleanup_(str_free) struct str tar = STR_INIT;
	struct unpack_count count;
	struct error err = {0};
	for (int i = 0; i <= UNPACK_MOST_ENTRIES; i++) {
		_cleanup_(freep) char *name = mem_printf("f%d", i);
		add(&tar, &(struct member){name, '0'});
	}
	for (size_t i = 0; i < 1024; i++)
		str_add_n(&tar, "", 1);
	assert_false(unpack_data(&tar, &count, &err));
	assert_non_null(strstr(err.text, "one too many"));
	expect_untouched();
}

static void larger_than_it_looks(void **state)
{
	_cleanup_(closep) int fd = -1;
	struct unpack_count count;
	struct error err = {0};
	shell("mkdir from; truncate -s 5M from/a; truncate -s 8G from/huge; tar -cSf a.tar -C from a huge");
	fd = open("a.tar", O_RDONLY | O_CLOEXEC);
	assert_false(unpack_folder(fd, "scratch", "to", &count, &err));
	assert_non_null(strstr(err.text, "\"huge\", with which it is larger than 8 GiB"));
	expect_untouched();
	shell("rm -rf scratch/*; tar -cSf a.tar -C from a");
	_cleanup_(closep) int good = open("a.tar", O_RDONLY | O_CLOEXEC);
	assert_true(unpack_folder(good, "scratch", "to", &count, &err));
	assert_int_equal(count.bytes, 5 << 20);
	shell("cmp from/a to/a");
}

/* What the person whose host this is has put there is not written through, either. */
static void links_of_this_host(void **state)
{
	static const struct member members[] = {{"sub", '5'}, {"sub/x", '0', "new"}, {"y", '0', "new"}};
	struct error err = {0};
	shell("ln -s ../outside to/sub; echo old >outside/x; echo old >outside/y; ln -s ../outside/y to/y");
	assert_false(unpack_members(members, 3, &err));
	assert_int_equal(err.kind, ERROR_CONFLICT);
	assert_non_null(strstr(err.text, "to/sub: there is a file or a symbolic link of that name here"));
	shell("test \"$(cat outside/x outside/y)\" = \"$(printf 'old\\nold')\"; rm to/sub; rm -rf scratch; mkdir "
	      "scratch");
	assert_true(unpack_members(members, 3, &err));
	shell("test \"$(cat outside/y to/y)\" = \"$(printf 'old\\nnew')\" && test ! -L to/y");
}

/* Nothing of it is seen before all of it is there. */
static void cut_off_anywhere(void **state)
{
	_cleanup_(str_free) struct str tar = STR_INIT;
	struct unpack_count count;
	struct error err = {0};
	add(&tar, &(struct member){"a", '0', "text"});
	add(&tar, &(struct member){"b", '5'});
	for (size_t length = 0; length <= tar.len; length += 100) {
		struct str part = {.data = tar.data, .len = length};
		empty_scratch();
		assert_false(unpack_data(&part, &count, &err));
		assert_non_null(strstr(err.text, "not whole"));
		expect_untouched();
	}
	for (size_t i = 0; i < 512; i += 7) { /* one byte of a header is another */
		tar.data[i] ^= 0x21;
		empty_scratch();
		assert_false(unpack_data(&tar, &count, &err));
		expect_untouched();
		tar.data[i] ^= 0x21;
	}
}

static void no_room_here(void **state)
{
	static const struct member members[] = {{"a", '0', "text"}, {"b", '0', "0123456789"}};
	struct rlimit before, small;
	struct error err = {0};
	_cleanup_(str_free) struct str tar = STR_INIT;
	struct unpack_count count;
	for (size_t i = 0; i < 2; i++)
		add(&tar, &members[i]);
	for (size_t i = 0; i < 1024; i++)
		str_add_n(&tar, "", 1);
	_cleanup_(closep) int fd = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	assert_true(write(fd, tar.data, tar.len) == (ssize_t)tar.len && lseek(fd, 0, SEEK_SET) == 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = (struct rlimit){5, before.rlim_max};
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	bool done = unpack_folder(fd, "scratch", "to", &count, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_false(done);
	assert_non_null(strstr(err.text, "File too large"));
	expect_untouched();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(honest_archives),	       TEST(nothing_is_written_elsewhere),
		TEST(names_that_are_too_much), TEST(too_many),
		TEST(larger_than_it_looks),    TEST(links_of_this_host),
		TEST(cut_off_anywhere),	       TEST(no_room_here),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
