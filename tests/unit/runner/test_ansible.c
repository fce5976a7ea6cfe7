/* SPDX-License-Identifier: Apache-2.0
 *
 * Debian's Ansible over a real connection to this host: what its tasks come to, what keeps it from
 * beginning. */
#include "ansible_fixture.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roles_handlers_templates),
		cmocka_unit_test(a_task_fails),
		cmocka_unit_test(what_does_not_begin),
	};

	return cmocka_run_group_tests(tests, ansible_setup, ansible_teardown);
}
