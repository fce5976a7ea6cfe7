/* SPDX-License-Identifier: Apache-2.0
 *
 * How base images are made and kept, with a program in mmdebstrap's place that shows what it was asked and fails on
 * demand; and what is said on hosts that cannot have machines. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "bakery/crypto.h"
#include "bakery/file.h"
#include "bakery/mem.h"
#include "bakery/process.h"
#include "src/sandbox/machine/machine.h"

static const struct base_image plum = {.name = "plum-1", .suite = "plum"};

/* Notes its arguments; its target is the one that ends with .partial. */
static const char program[] = "#!/bin/sh\n"
			      "echo \"$*\" >>\"$FAKE/calls\"\n"
			      "for a; do case $a in *.partial) target=$a ;; esac; done\n"
			      "[ ! -e \"$target\" ] || exit 9\n"
			      "mkdir \"$target\" && echo half >\"$target/half\"\n"
			      "if [ -e \"$FAKE/fail\" ]; then echo 'E: no such mirror' >&2; exit 1; fi\n"
			      "sleep 0.2\n"
			      "echo whole >\"$target/whole\"\n";

struct fake {
	char folder[48];
	char *cache, *calls, *fail, *path;
};

static void fake_open(struct fake *fake)
{
	_cleanup_(freep) char *tool = NULL, *path = NULL;
	struct error err = {};

	*fake = (struct fake){.folder = "/tmp/bakery-base-XXXXXX"};
	assert_non_null(mkdtemp(fake->folder));
	fake->cache = path_join(fake->folder, "cache");
	fake->calls = path_join(fake->folder, "calls");
	fake->fail = path_join(fake->folder, "fail");
	fake->path = mem_strdup(getenv("PATH"));
	tool = path_join(fake->folder, "mmdebstrap");
	path = mem_printf("%s:%s", fake->folder, fake->path);
	assert_true(file_replace(tool, program, strlen(program), 0755, &err));
	setenv("FAKE", fake->folder, 1);
	setenv("PATH", path, 1);
}

static void fake_close(struct fake *fake)
{
	struct error err = {};

	setenv("PATH", fake->path, 1);
	unsetenv("FAKE");
	assert_true(file_remove_tree(fake->folder, &err));
	free(fake->cache);
	free(fake->calls);
	free(fake->fail);
	free(fake->path);
}

static size_t calls(const struct fake *fake)
{
	_cleanup_(str_free) struct str text = STR_INIT;
	struct error err = {};
	size_t count = 0;

	if (!file_read(fake->calls, 1 << 20, &text, &err))
		return 0;
	for (const char *c = text.data; *c; c++)
		count += *c == '\n';
	return count;
}

static void makes_it_once(void **state)
{
	struct fake fake;
	_cleanup_(freep) char *first = NULL, *second = NULL, *whole = NULL;
	_cleanup_(str_free) struct str said = STR_INIT;
	struct error err = {};
	struct stat found;

	fake_open(&fake);
	assert_true(base_image_make(&plum, fake.cache, NULL, NULL, &first, &err));
	assert_true(base_image_make(&plum, fake.cache, NULL, NULL, &second, &err));
	assert_string_equal(first, second);
	assert_int_equal(calls(&fake), 1);
	whole = path_join(first, "whole");
	assert_true(file_exists(whole));
	assert_int_equal(stat(fake.cache, &found), 0);
	assert_int_equal(found.st_mode & 0777, 0700);
	assert_int_equal(stat(first, &found), 0);
	assert_int_equal(found.st_mode & 0777, 0755);
	assert_true(file_read(fake.calls, 1 << 16, &said, &err));
	assert_non_null(strstr(said.data, " plum "));
	assert_non_null(strstr(said.data, "openssh-server"));
	fake_close(&fake);
}

struct maker {
	const struct fake *fake;
	char *folder;
	bool made;
};

static void *maker_main(void *argument)
{
	struct maker *maker = argument;
	struct error err = {};

	maker->made = base_image_make(&plum, maker->fake->cache, NULL, NULL, &maker->folder, &err);
	return NULL;
}

static void makes_it_once_for_many(void **state)
{
	struct fake fake;
	struct maker makers[6];
	pthread_t threads[6];

	fake_open(&fake);
	for (int i = 0; i < 6; i++) {
		makers[i] = (struct maker){.fake = &fake};
		assert_int_equal(pthread_create(&threads[i], NULL, maker_main, &makers[i]), 0);
	}
	for (int i = 0; i < 6; i++) {
		pthread_join(threads[i], NULL);
		assert_true(makers[i].made);
		free(makers[i].folder);
	}
	assert_int_equal(calls(&fake), 1);
	fake_close(&fake);
}

static void leaves_no_half_one(void **state)
{
	struct fake fake;
	_cleanup_(freep) char *folder = NULL, *whole = NULL;
	struct error err = {};

	fake_open(&fake);
	assert_true(file_replace(fake.fail, "", 0, 0600, &err));
	assert_false(base_image_make(&plum, fake.cache, NULL, NULL, &folder, &err));
	assert_null(folder);
	assert_non_null(strstr(err.text, "plum-1"));
	assert_non_null(strstr(err.text, "no such mirror"));
	/* What the failed try left is not in the next one's way. */
	unlink(fake.fail);
	error_clear(&err);
	if (!base_image_make(&plum, fake.cache, NULL, NULL, &folder, &err))
		fail_msg("%s", err.text);
	whole = path_join(folder, "whole");
	assert_true(file_exists(whole));
	fake_close(&fake);
}

/* ---- archives with sources and keys of their own */

#define KEYRING "/usr/share/keyrings/bakery-no-such-keyring.gpg"

static const char *const sources[] = {"deb http://pear.invalid pear main", "deb http://pear.invalid pear-updates main",
				      NULL};

/* dpkg-deb's place: its last argument is the folder. */
static const char unpacker[] = "#!/bin/sh\n"
			       "echo \"dpkg-deb $*\" >>\"$FAKE/calls\"\n"
			       "mkdir -p \"$3/usr/share/keyrings\" && echo key >\"$3" KEYRING "\"\n";

/* apt-helper is the real one, and takes the package from this host's disk. */
static void make_package(const struct fake *fake, char sum[SHA256_HEX_SIZE], char **url)
{
	_cleanup_(freep) char *package = path_join(fake->folder, "keys.deb"),
			      *tool = path_join(fake->folder, "dpkg-deb");
	struct error err = {};

	assert_true(file_replace(tool, unpacker, strlen(unpacker), 0755, &err));
	assert_true(file_replace(package, "package", 7, 0644, &err));
	crypto_sha256_hex("package", 7, sum);
	*url = mem_printf("copy:%s", package);
}

static void fetches_keys_by_their_hash(void **state)
{
	struct fake fake;
	char sum[SHA256_HEX_SIZE];
	_cleanup_(freep) char *url = NULL, *folder = NULL;
	_cleanup_(str_free) struct str said = STR_INIT;
	struct error err = {};

	fake_open(&fake);
	make_package(&fake, sum, &url);
	struct base_keyring keyring = {.name = "keys", .path = KEYRING, .url = url, .sha256 = sum};
	struct base_image pear = {
		.name = "pear-1", .suite = "pear", .sources = sources, .packages = "seed", .keyring = &keyring};
	if (!base_image_make(&pear, fake.cache, NULL, NULL, &folder, &err))
		fail_msg("%s", err.text);
	assert_true(file_read(fake.calls, 1 << 16, &said, &err));
	assert_int_equal(calls(&fake), 2);
	assert_non_null(strstr(said.data, "--include=seed"));
	assert_non_null(strstr(said.data, KEYRING " "));
	assert_non_null(
		strstr(said.data, ".partial deb http://pear.invalid pear main deb http://pear.invalid pear-updates"));
	fake_close(&fake);
}

static void refuses_other_keys(void **state)
{
	struct fake fake;
	char sum[SHA256_HEX_SIZE];
	_cleanup_(freep) char *url = NULL, *folder = NULL;
	struct error err = {};

	fake_open(&fake);
	make_package(&fake, sum, &url);
	sum[0] = sum[0] == '0' ? '1' : '0';
	struct base_keyring keyring = {.name = "keys", .path = KEYRING, .url = url, .sha256 = sum};
	struct base_image pear = {.name = "pear-1", .suite = "pear", .sources = sources, .keyring = &keyring};
	assert_false(base_image_make(&pear, fake.cache, NULL, NULL, &folder, &err));
	assert_int_equal(calls(&fake), 0);
	assert_non_null(strstr(err.text, "base image pear-1: the keys of its archive"));
	fake_close(&fake);
}

static void knows_what_it_cannot_make(void **state)
{
	_cleanup_(freep) char *folder = NULL;
	struct error err = {};

	assert_null(base_image_find("plum-1"));
	assert_non_null(base_image_find("debian-13"));
	assert_false(base_image_make(base_image_find("rhel-9"), "/nonexistent", NULL, NULL, &folder, &err));
	assert_non_null(strstr(err.text, "rhel-9"));
	assert_non_null(strstr(err.text, "bakery sandbox import"));
}

static void can_be_stopped(void **state)
{
	struct fake fake;
	struct stop stop;
	_cleanup_(freep) char *folder = NULL;
	struct error err = {};

	fake_open(&fake);
	stop_init(&stop);
	stop_request(&stop, 0);
	assert_false(base_image_make(&plum, fake.cache, &stop, NULL, &folder, &err));
	assert_true(error_is(&err, ERROR_STOPPED));
	stop_close(&stop);
	fake_close(&fake);
}

/* ---- hosts that cannot */

static void says_which_program_is_missing(void **state)
{
	_cleanup_(freep) char *path = mem_strdup(getenv("PATH"));
	struct error err = {};

	if (geteuid() != 0) {
		print_message("skipped: only root comes so far\n");
		skip();
	}
	setenv("PATH", "/nonexistent", 1);
	assert_false(machines_check(&err));
	setenv("PATH", path, 1);
	assert_non_null(strstr(err.text, "apt-get install bubblewrap"));
}

static void says_that_it_needs_root(void **state)
{
	struct error err = {};
	int status = -1;
	pid_t child = fork();

	if (child == 0)
		_exit((geteuid() != 0 || setuid(65534) == 0) && !machines_check(&err) && strstr(err.text, "root") ? 0
														  : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_it_once),	   cmocka_unit_test(makes_it_once_for_many),
		cmocka_unit_test(leaves_no_half_one),	   cmocka_unit_test(says_which_program_is_missing),
		cmocka_unit_test(says_that_it_needs_root), cmocka_unit_test(fetches_keys_by_their_hash),
		cmocka_unit_test(refuses_other_keys),	   cmocka_unit_test(knows_what_it_cannot_make),
		cmocka_unit_test(can_be_stopped),
	};

	return cmocka_run_group_tests_name("base_image", tests, NULL, NULL);
}
