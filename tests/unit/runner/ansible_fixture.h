/* SPDX-License-Identifier: Apache-2.0
 *
 * Ansible playbooks run over a real connection to this host, with all that they told; what they may have left behind.
 */
#ifndef BAKERY_TESTS_ANSIBLE_FIXTURE_H
#define BAKERY_TESTS_ANSIBLE_FIXTURE_H

#include "bakery/ansible.h"

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "bakery/file.h"
#include "bakery/mem.h"
#include "bakery/process.h"
#include "tests/lib/check.h"
#include "tests/lib/sshd.h"

enum { MOST_REPORTS = 40, PATIENCE_MS = 20000 };

static struct test_sshd sshd;
static char folder[] = "/tmp/bakery-play-XXXXXX";
static char runtime[64]; /* where runs have their folders */

struct heard {
	struct {
		enum step_kind kind;
		enum step_result result;
		char *id, *why, *place, *output;
	} reports[MOST_REPORTS];
	size_t count;
	struct str live;
	struct stop *stop; /* asked for as soon as there is output with a certain word */
	const char *stop_at;
};

static void on_began(void *cookie, const struct step *step, size_t index, size_t total)
{
	struct heard *heard = cookie;

	if (heard->stop && strstr(step->id, heard->stop_at))
		stop_request(heard->stop, SIGTERM);
}

static void on_output(void *cookie, const struct step *step, bool is_stderr, const char *data, size_t length)
{
	str_add_n(&((struct heard *)cookie)->live, data, length);
}

static bool on_ended(void *cookie, const struct step_report *report, struct error *err)
{
	struct heard *heard = cookie;

	assert_true(heard->count < MOST_REPORTS);
	assert_true(report->ended_ms >= report->started_ms && report->started_ms > 1600000000000);
	heard->reports[heard->count].kind = report->step->kind;
	heard->reports[heard->count].result = report->result;
	heard->reports[heard->count].id = mem_strdup(report->step->id);
	heard->reports[heard->count].why = mem_strdup(report->why);
	heard->reports[heard->count].output = mem_strdup(report->output);
	heard->reports[heard->count++].place = mem_printf("%s:%d", report->step->file, report->step->line);
	return true;
}

static inline void heard_free(struct heard *heard)
{
	for (size_t i = 0; i < heard->count; i++) {
		free(heard->reports[i].id);
		free(heard->reports[i].why);
		free(heard->reports[i].output);
		free(heard->reports[i].place);
	}
	str_free(&heard->live);
}

/* "changed made", with why or "" behind. */
static inline void assert_report(const struct heard *heard, size_t index, enum step_result result, const char *id,
				 const char *place)
{
	assert_true(index < heard->count);
	assert_string_equal(heard->reports[index].id, id);
	if (heard->reports[index].result != result)
		fail_msg("%s is %s: %s\n%s", id, step_result_name(heard->reports[index].result),
			 heard->reports[index].why, heard->reports[index].output);
	if (place)
		assert_string_equal(heard->reports[index].place, place);
}

static inline void put(const char *name, const char *text)
{
	struct error err = {0};
	_cleanup_(freep) char *path = path_join(folder, name), *parent = path_folder(path);

	assert_works(file_make_folders(parent, 0755, &err) && file_replace(path, text, strlen(text), 0644, &err));
}

static const struct ansible_bastion *through; /* NULL: directly */

static inline bool play(struct ansible *ansible, struct heard *heard, struct stop *stop, struct error *err)
{
	_cleanup_(freep) char *path = path_join(folder, ansible->playbook);
	struct ansible own = *ansible;
	struct step step = {.kind = STEP_ANSIBLE, .id = "site.yml", .name = "site.yml", .file = "plays/site.yml"};
	const struct playbook playbook = {
		.name = "site.yml", .file = "plays/site.yml", .steps = {&step, 1}, .sha256 = "", .ansible = &own};
	const struct ansible_machine machine = {
		.name = "i-0123456789abcdef0",
		.address = "127.0.0.1",
		.port = sshd.port,
		.user = sshd.user,
		.private_key = sshd.user_key.private_key,
		.public_key = sshd.user_key.public_key,
		.host_key = sshd.host_key.public_key,
		.bastion = through,
	};
	const struct ansible_options options = {
		.key_life_s = 60, .stop = stop, .events = {heard, on_began, on_output, on_ended, NULL}};

	heard->live = (struct str)STR_INIT;
	own.playbook = path;
	return ansible_run(&playbook, &machine, &options, err);
}

static bool is_empty(const char *path)
{
	DIR *entries = opendir(path);
	size_t count = 0;

	assert_non_null(entries);
	for (const struct dirent *entry; (entry = readdir(entries));)
		count += entry->d_name[0] != '.';
	closedir(entries);
	return !count;
}

/* Whether any process of this user was started with that folder in its arguments. */
static bool is_running(const char *word)
{
	struct error err = {0};
	const char *const argv[] = {"pgrep", "-f", word, NULL};
	int status;

	assert_works(process_run(&(struct process){.argv = argv}, &status, NULL, NULL, &err));
	return status == 0;
}

static inline void assert_nothing_left(void)
{
	int64_t end_ms = clock_mono_ms() + PATIENCE_MS;

	while (!is_empty(runtime) || is_running(runtime)) {
		if (clock_mono_ms() > end_ms)
			fail_msg("left: %s in %s", is_empty(runtime) ? "a process" : "files", runtime);
		stop_sleep_ms(NULL, 20);
	}
}

static inline int ansible_setup(void **state)
{
	if (!process_available("ansible-playbook"))
		return -1;
	assert_non_null(mkdtemp(folder));
	snprintf(runtime, sizeof(runtime), "%s/run", folder);
	assert_int_equal(mkdir(runtime, 0700), 0);
	setenv("XDG_RUNTIME_DIR", runtime, 1);
	setenv("HOME", folder, 1);
	unsetenv("SSH_AUTH_SOCK");
	_cleanup_(freep) char *remote = path_join(folder, "remote");
	setenv("ANSIBLE_REMOTE_TMP", remote, 1); /* the machine is this host */
	return test_sshd_start(&sshd) ? 0 : -1;
}

static inline int ansible_teardown(void **state)
{
	struct error err;

	test_sshd_stop(&sshd);
	return file_remove_tree(folder, &err) ? 0 : -1;
}

#endif
