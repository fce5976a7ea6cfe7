/* SPDX-License-Identifier: Apache-2.0
 *
 * Debian's Ansible over a real connection to this host: with requirements, through a bastion, stopped, killed, only
 * read; nothing is left of any. */
#include "ansible_fixture.h"

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
	bool known_one = play(&ansible, &heard, NULL, &err);
	put("jump \"hosts\"", wrong);
	bool unknown_one = play(&ansible, &refused, NULL, &err);
	through = NULL;
	assert_true(known_one);
	assert_report(&heard, 0, STEP_CHANGED, "site.yml/who", NULL);
	assert_false(unknown_one);
	_cleanup_(freep) char *found = ssh_key_fingerprint(sshd.host_key.public_key),
			      *expected = ssh_key_fingerprint(sshd.user_key.public_key),
			      *told = mem_printf(
				      "i-0123456789abcdef0 is unreachable: bastion 127.0.0.1: the host key of "
				      "127.0.0.1 port %d (%s) is not the expected one (%s): ",
				      sshd.port, found, expected);
	assert_int_equal(err.kind, ERROR_REFUSED);
	if (!strstr(err.text, told) || !strstr(err.text, "replace its lines in"))
		fail_msg("%s", err.text);
	assert_non_null(strstr(refused.reports[refused.count - 1].why, "is not the expected one"));
	assert_int_equal(refused.reports[0].result, STEP_FAILED);
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
		cmocka_unit_test(requirements), cmocka_unit_test(a_bastion), cmocka_unit_test(stopped),
		cmocka_unit_test(killed),	cmocka_unit_test(syntax),
	};

	return cmocka_run_group_tests(tests, ansible_setup, ansible_teardown);
}
