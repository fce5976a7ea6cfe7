/* SPDX-License-Identifier: Apache-2.0
 *
 * Debian's Ansible over a real connection to this host: what its tasks come to, what it leaves behind (nothing), how it
 * is stopped and killed. */
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

static void heard_free(struct heard *heard)
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
static void assert_report(const struct heard *heard, size_t index, enum step_result result, const char *id,
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

static void put(const char *name, const char *text)
{
	struct error err = {0};
	_cleanup_(freep) char *path = path_join(folder, name), *parent = path_folder(path);

	assert_works(file_make_folders(parent, 0755, &err) && file_replace(path, text, strlen(text), 0644, &err));
}

static const struct ansible_bastion *through; /* NULL: directly */

static bool play(struct ansible *ansible, struct heard *heard, struct stop *stop, struct error *err)
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

static void assert_nothing_left(void)
{
	int64_t end_ms = clock_mono_ms() + PATIENCE_MS;

	while (!is_empty(runtime) || is_running(runtime)) {
		if (clock_mono_ms() > end_ms)
			fail_msg("left: %s in %s", is_empty(runtime) ? "a process" : "files", runtime);
		stop_sleep_ms(NULL, 20);
	}
}

static int start(void **state)
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

static int finish(void **state)
{
	struct error err;

	test_sshd_stop(&sshd);
	return file_remove_tree(folder, &err) ? 0 : -1;
}

static void put_site(void)
{
	put("plays/site.yml", "- hosts: web\n"
			      "  roles: [web]\n"
			      "  tasks:\n"
			      "    - name: hidden\n"
			      "      command: echo very private\n"
			      "      no_log: true\n"
			      "      changed_when: false\n"
			      "    - name: speaks\n"
			      "      command: echo {{ lookup('env', 'PLAY_SECRET') | quote }}\n"
			      "      changed_when: false\n"
			      "    - name: ignored\n"
			      "      command: 'false'\n"
			      "      ignore_errors: true\n"
			      "    - block:\n"
			      "        - name: rescued\n"
			      "          fail: {msg: on purpose}\n"
			      "      rescue:\n"
			      "        - name: rescuing\n"
			      "          debug: {msg: \"level {{ level }}, {{ from_group }}\"}\n"
			      "    - name: not here\n"
			      "      command: 'false'\n"
			      "      when: level == 'other'\n");
	put("plays/group_vars/web.yml", "from_group: by group\n");
	put("plays/roles/web/tasks/main.yml", "- name: the folder is there\n"
					      "  file: {path: '{{ folder }}/made', state: directory}\n"
					      "- name: the file is filled\n"
					      "  template: {src: t.j2, dest: '{{ folder }}/made/t'}\n"
					      "  notify: restarted\n"
					      "- name: all are there\n"
					      "  copy: {content: '{{ item }}', dest: '{{ folder }}/made/{{ item }}'}\n"
					      "  loop: [one, two]\n");
	put("plays/roles/web/handlers/main.yml",
	    "- name: restarted\n  shell: 'echo again >>{{ folder }}/made/restarts'\n");
	put("plays/roles/web/templates/t.j2", "level {{ level }}\n");
}

static void assert_tasks(const struct heard *heard, enum step_result work)
{
	assert_report(heard, 0, STEP_OK, "site.yml/Gathering Facts", NULL);
	assert_report(heard, 1, work, "site.yml/web : the folder is there", "plays/roles/web/tasks/main.yml:1");
	assert_report(heard, 2, work, "site.yml/web : the file is filled", "plays/roles/web/tasks/main.yml:3");
	assert_report(heard, 3, work, "site.yml/web : all are there", "plays/roles/web/tasks/main.yml:6");
	assert_report(heard, 4, STEP_UNCHANGED, "site.yml/hidden", "plays/site.yml:4");
	assert_report(heard, 5, STEP_UNCHANGED, "site.yml/speaks", NULL);
	assert_report(heard, 6, STEP_OK, "site.yml/ignored", NULL);
	assert_report(heard, 7, STEP_OK, "site.yml/rescued", NULL);
	assert_report(heard, 8, STEP_OK, "site.yml/rescuing", NULL);
	assert_report(heard, 9, STEP_SKIPPED, "site.yml/not here", NULL);
}

static void roles_handlers_templates(void **state)
{
	static const char *groups[] = {"web"}, *secrets[] = {"PLAY_SECRET"};
	struct text_pair vars[] = {{"level", "2"}, {"folder", folder}};
	struct ansible ansible = {"plays/site.yml", NULL, {vars, 2}, {groups, 1}, {secrets, 1}};
	struct heard heard = {0}, again = {0};
	struct error err = {0};

	put_site();
	setenv("PLAY_SECRET", "it's 4 secret", 1);
	assert_works(play(&ansible, &heard, NULL, &err));
	assert_tasks(&heard, STEP_CHANGED);
	assert_report(&heard, 10, STEP_CHANGED, "site.yml/web : restarted", "plays/roles/web/handlers/main.yml:1");
	assert_report(&heard, 11, STEP_CHANGED, "site.yml", NULL);
	assert_int_equal(heard.count, 12);
	assert_int_equal(heard.reports[11].kind, STEP_ANSIBLE);
	assert_int_equal(heard.reports[1].kind, STEP_TASK);
	assert_string_equal(heard.reports[8].output, "level 2, by group");
	assert_non_null(strstr(heard.reports[3].output, "one: changed\ntwo: changed"));
	assert_non_null(strstr(heard.reports[4].output, "no_log"));
	assert_string_equal(heard.reports[5].output, "[redacted]");
	assert_non_null(strstr(heard.reports[6].why, "ignored: exited with 1"));
	assert_string_equal(heard.reports[7].why, "failed, and is rescued: on purpose");
	assert_null(strstr(heard.live.data, "private"));
	assert_null(strstr(heard.live.data, "4 secret"));
	assert_non_null(strstr(heard.reports[11].output, "i-0123456789abcdef0: ok="));
	assert_nothing_left();

	assert_works(play(&ansible, &again, NULL, &err));
	assert_tasks(&again, STEP_UNCHANGED);
	assert_report(&again, 10, STEP_UNCHANGED, "site.yml", NULL);
	assert_int_equal(again.count, 11);
	heard_free(&heard);
	heard_free(&again);
}

static void a_task_fails(void **state)
{
	struct ansible ansible = {.playbook = "plays/fails.yml"};
	struct heard heard = {0};
	struct error err = {0};

	put("plays/fails.yml", "- hosts: all\n"
			       "  gather_facts: false\n"
			       "  tasks:\n"
			       "    - name: fine\n"
			       "      raw: 'true'\n"
			       "      changed_when: false\n"
			       "    - name: broken\n"
			       "      raw: 'echo what went wrong; exit 7'\n"
			       "    - name: never\n"
			       "      raw: 'true'\n");
	assert_fails(play(&ansible, &heard, NULL, &err), ERROR_FAILED,
		     "Ansible playbook site.yml: step site.yml/broken (plays/fails.yml:7): ");
	assert_non_null(strstr(err.text, "what went wrong"));
	assert_report(&heard, 1, STEP_FAILED, "site.yml/broken", "plays/fails.yml:7");
	assert_report(&heard, 2, STEP_FAILED, "site.yml", NULL);
	assert_int_equal(heard.count, 3);
	assert_nothing_left();
	heard_free(&heard);
}

static void what_does_not_begin(void **state)
{
	static const char *secrets[] = {"NO_SUCH_SECRET"};
	static const struct {
		const char *text;
		enum error_kind kind;
		const char *told;
		struct text_list secrets;
	} cases[] = {
		{"- hosts: web\n  tasks: []\n", ERROR_FAILED, "no play of it is for the instance", {0}},
		{"- hosts: all\n  tusks: []\n", ERROR_FAILED, "'tusks' is not a valid attribute", {0}},
		{"- hosts: all\n  roles: [absent]\n", ERROR_FAILED, "the role 'absent' was not found", {0}},
		{"- hosts: all\n", ERROR_USAGE, "secrets are missing in the environment: NO_SUCH_SECRET", {secrets, 1}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ansible ansible = {.playbook = "plays/wrong.yml", .secrets = cases[i].secrets};
		struct heard heard = {0};
		struct error err = {0};
		put("plays/wrong.yml", cases[i].text);
		assert_fails(play(&ansible, &heard, NULL, &err), cases[i].kind, cases[i].told);
		heard_free(&heard);
	}
	assert_nothing_left();
}

/* A role in an archive and a collection in a folder, as they would come from a company's own store. */
static void requirements(void **state)
{
	_cleanup_(freep) char *file = path_join(folder, "plays/requirements.yml"), *roles = path_join(folder, "store"),
			      *text = mem_printf("roles:\n  - {name: greeter, src: 'file://%s/store/greeter.tar.gz'}\n"
						 "collections:\n  - {name: '%s/store/house', type: dir}\n",
						 folder, folder);
	struct ansible ansible = {.playbook = "plays/needs.yml", .requirements = file};
	const char *const tar[] = {"tar", "czf", "greeter.tar.gz", "greeter", NULL};
	struct heard heard = {0};
	struct error err = {0};

	put("store/greeter/tasks/main.yml", "- {name: greets, debug: {msg: hello of the role}}\n");
	put("store/greeter/meta/main.yml", "galaxy_info: {author: us, description: greets, license: Apache-2.0, "
					   "min_ansible_version: '2.9'}\ndependencies: []\n");
	put("store/house/galaxy.yml",
	    "{namespace: our, name: house, version: 1.0.0, readme: README.md, authors: [us]}\n");
	put("store/house/README.md", "ours\n");
	put("store/house/roles/door/tasks/main.yml", "- {name: opens, debug: {msg: hello of the collection}}\n");
	put("plays/requirements.yml", text);
	put("plays/ansible.cfg", "[defaults]\nroles_path = ../more\n");
	put("more/third/tasks/main.yml", "- {name: third, debug: {msg: hello of the configuration}}\n");
	put("plays/needs.yml", "- {hosts: all, gather_facts: false, roles: [greeter, our.house.door, third]}\n");
	assert_works(process_must(&(struct process){.argv = tar, .folder = roles}, NULL, &err));
	assert_works(play(&ansible, &heard, NULL, &err));
	assert_string_equal(heard.reports[0].output, "hello of the role");
	assert_string_equal(heard.reports[1].output, "hello of the collection");
	assert_string_equal(heard.reports[2].output, "hello of the configuration");
	assert_non_null(strstr(heard.live.data, "greeter"));
	assert_nothing_left();
	heard_free(&heard);

	put("plays/requirements.yml", "roles:\n  - {name: gone, src: 'file:///nowhere/gone.tar.gz'}\n");
	heard = (struct heard){0};
	assert_fails(play(&ansible, &heard, NULL, &err), ERROR_FAILED, "ansible-galaxy could not install");
	assert_nothing_left();
	heard_free(&heard);
}

static void put_slow(void)
{
	put("plays/slow.yml", "- hosts: all\n"
			      "  gather_facts: false\n"
			      "  tasks:\n"
			      "    - {name: first, raw: 'true'}\n"
			      "    - {name: slow, raw: 'sleep 100'}\n");
}

static void stopped(void **state)
{
	struct ansible ansible = {.playbook = "plays/slow.yml"};
	struct stop stop;
	struct heard heard = {.stop = &stop, .stop_at = "slow"};
	struct error err = {0};
	int64_t began_ms = clock_mono_ms();

	put_slow();
	stop_init(&stop);
	assert_fails(play(&ansible, &heard, &stop, &err), ERROR_STOPPED, "stopped");
	assert_true(clock_mono_ms() - began_ms < 30000);
	assert_report(&heard, 0, STEP_CHANGED, "site.yml/first", NULL);
	assert_int_equal(heard.count, 1);
	assert_nothing_left();
	stop_close(&stop);
	heard_free(&heard);
}

/* The same sshd stands before itself. */
static void a_bastion(void **state)
{
	_cleanup_(freep) char *key = path_join(folder, "jump %key"), *known = path_join(folder, "jump \"hosts\""),
			      *line = mem_printf("[127.0.0.1]:%d %s\n", sshd.port, sshd.host_key.public_key),
			      *wrong = mem_printf("[127.0.0.1]:%d %s\n", sshd.port, sshd.user_key.public_key);
	const struct ansible_bastion bastion = {
		.host = "127.0.0.1", .user = sshd.user, .port = sshd.port, .key = key, .known_hosts = known};
	struct ansible ansible = {.playbook = "plays/quick.yml"};
	struct heard heard = {0}, refused = {0};
	struct error err = {0};

	put("plays/quick.yml", "- hosts: all\n  gather_facts: false\n  tasks: [{name: who, raw: id}]\n");
	put("jump \"hosts\"", line);
	assert_works(file_replace(key, sshd.user_key.private_key, strlen(sshd.user_key.private_key), 0600, &err));
	through = &bastion;
	assert_works(play(&ansible, &heard, NULL, &err));
	assert_report(&heard, 0, STEP_CHANGED, "site.yml/who", NULL);
	put("jump \"hosts\"", wrong);
	assert_fails(play(&ansible, &refused, NULL, &err), ERROR_FAILED, "unreachable");
	assert_non_null(strstr(err.text, "Host key verification failed"));
	through = NULL;
	assert_nothing_left();
	heard_free(&heard);
	heard_free(&refused);
}

static void die(void *cookie, const struct step *step, size_t index, size_t total)
{
	if (strstr(step->id, "slow"))
		kill(getpid(), SIGKILL);
}

/* Nobody is left to clean up but what it had started. */
static void killed(void **state)
{
	pid_t pid;
	int status;

	put_slow();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		_cleanup_(freep) char *path = path_join(folder, "plays/slow.yml");
		struct ansible ansible = {.playbook = path};
		struct step step = {.kind = STEP_ANSIBLE, .id = "site.yml", .name = "site.yml", .file = "site.yml"};
		const struct playbook playbook = {
			.name = "site.yml", .file = "site.yml", .steps = {&step, 1}, .ansible = &ansible};
		const struct ansible_machine machine = {.name = "i-1",
							.address = "127.0.0.1",
							.port = sshd.port,
							.user = sshd.user,
							.private_key = sshd.user_key.private_key,
							.public_key = sshd.user_key.public_key,
							.host_key = sshd.host_key.public_key};
		const struct ansible_options options = {.key_life_s = 60, .events = {.step_began = die}};
		struct error err = {0};
		_exit(ansible_run(&playbook, &machine, &options, &err));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_nothing_left();
}

static void syntax(void **state)
{
	_cleanup_(freep) char *path = path_join(folder, "plays/wrong.yml");
	struct ansible ansible = {.playbook = path};
	const struct playbook playbook = {.name = "site.yml", .file = "site.yml", .ansible = &ansible};
	struct error err = {0};

	put("plays/wrong.yml", "- hosts: all\n  tasks: [{debug: {msg: fine}}]\n");
	assert_works(ansible_syntax_check(&playbook, NULL, &err));
	put("plays/wrong.yml", "- hosts: all\n  tasks: [{no_such_module: {}}]\n");
	assert_fails(ansible_syntax_check(&playbook, NULL, &err), ERROR_INVALID, "no_such_module");
	assert_nothing_left();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roles_handlers_templates),
		cmocka_unit_test(a_task_fails),
		cmocka_unit_test(what_does_not_begin),
		cmocka_unit_test(requirements),
		cmocka_unit_test(a_bastion),
		cmocka_unit_test(stopped),
		cmocka_unit_test(killed),
		cmocka_unit_test(syntax),
	};

	return cmocka_run_group_tests(tests, start, finish);
}
