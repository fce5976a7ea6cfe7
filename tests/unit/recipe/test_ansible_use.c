/* SPDX-License-Identifier: Apache-2.0
 *
 * Ansible playbooks as recipes use them: their names, and what their hash is over. */
#include "project.h"

static const char head[] = "bakery: 1\nsource: {ami: {owners: [\"136693071363\"], name: \"debian-12-*\"}}\n"
			   "launch: {instance_types: [m5.large]}\nconnect: {user: admin}\nplaybooks:\n";

static const struct playbook_use *uses_of(struct project *project, const char *entries)
{
	_cleanup_(freep) char *text = mem_printf("%s%s", head, entries);

	project_write("recipes/r.yaml", text);
	return project_read_ok(project, "r")->playbooks.items;
}

static const char *hash_of(struct project *project, const char *entry)
{
	return uses_of(project, entry)[0].playbook->sha256;
}

static void names_and_steps(void **state)
{
	_cleanup_(project_free) struct project project = project_new();
	const struct playbook_use *uses;
	const struct step *step;

	project_write("plays/site.yml", "- hosts: all\n");
	project_write("recipes/near.yml", "- hosts: all\n");
	uses = uses_of(&project, "  - {ansible: ../plays/site.yml, groups: web, secrets: [TOKEN]}\n"
				 "  - {ansible: ./near.yml}\n"
				 "  - {ansible: ../plays/site.yml, extra_vars: {a: b}}\n");
	assert_string_equal(uses[0].name, "plays/site.yml");
	assert_string_equal(uses[0].playbook->file, "plays/site.yml");
	assert_string_equal(uses[0].ansible->groups.items[0], "web");
	assert_string_equal(uses[0].ansible->secrets.items[0], "TOKEN");
	assert_int_equal(uses[0].playbook->steps.count, 1);
	step = uses[0].playbook->steps.items;
	assert_int_equal(step->kind, STEP_ANSIBLE);
	assert_string_equal(step->id, "plays/site.yml");
	assert_string_equal(step->secrets.items[0], "TOKEN"); /* looked for on the machine when it is sealed */
	assert_string_equal(uses[1].playbook->name, "near.yml");
	assert_string_equal(uses[1].playbook->file, "recipes/near.yml");
	assert_string_equal(uses[2].playbook->name, "plays/site.yml (2)");
}

/* Every change of what Ansible may read is one of the playbook, and nothing else is. */
static void what_counts(void **state)
{
	_cleanup_(project_free) struct project project = project_new();
	static const char entry[] = "  - {ansible: ../plays/site.yml, requirements: ../more/needs.yml}\n";
	static const struct {
		const char *file;
		bool counts;
	} files[] = {
		{"plays/site.yml", true},
		{"plays/roles/web/templates/page.j2", true},
		{"plays/group_vars/all.yml", true},
		{"plays/ansible.cfg", true},
		{"more/needs.yml", true},
		{"more/other.yml", false},
		{"recipes/other.yml", false},
		{"plays/vars.yaml", true},
		{"plays/.git/HEAD", false},
		{"plays/site.retry", false},
		{"plays/library/__pycache__/module.pyc", false},
		{"plays/site.yml~", false},
	};
	const char *before;

	project_write("plays/site.yml", "- hosts: all\n");
	project_write("more/needs.yml", "[]\n");
	before = hash_of(&project, entry);
	assert_string_equal(hash_of(&project, entry), before);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		const char *now;
		project_write(files[i].file, "changed\n");
		now = hash_of(&project, entry);
		if (str_eq(now, before) == files[i].counts)
			fail_msg("%s %s", files[i].file, files[i].counts ? "does not count" : "counts");
		before = now;
	}
	assert_string_not_equal(hash_of(&project, "  - {ansible: ../plays/site.yml}\n"), before);
	assert_string_not_equal(hash_of(&project, "  - {ansible: ../plays/site.yml, requirements: ../more/needs.yml, "
						  "groups: [web]}\n"),
				before);
	assert_string_not_equal(hash_of(&project, "  - {ansible: ../plays/site.yml, requirements: ../more/needs.yml, "
						  "extra_vars: {a: 1}}\n"),
				before);
}

/* Recipes may lie in the same folder: their own hashes know what is the same, whatever is written around it. */
static void documents_of_ours_do_not_count(void **state)
{
	_cleanup_(project_free) struct project project = project_new();
	static const char entry[] = "  - {ansible: site.yml}\n";
	const char *before;

	project_write("recipes/site.yml", "- hosts: all\n");
	project_write("recipes/base/linux.yaml", "# a recipe\nbakery: 1\n");
	project_write("recipes/patch.yaml", "playbook: 1\nsteps: []\n");
	before = hash_of(&project, entry);
	project_write("recipes/base/linux.yaml", "# another\nbakery: 1\n");
	project_write("recipes/patch.yaml", "# another\nplaybook: 1\nsteps: []\n");
	assert_string_equal(hash_of(&project, entry), before);
	project_write("recipes/patch.yaml", "- {hosts: all}\n");
	assert_string_not_equal(hash_of(&project, entry), before);
}

static void links(void **state)
{
	_cleanup_(project_free) struct project project = project_new();
	static const char entry[] = "  - {ansible: ../plays/site.yml}\n";
	const char *before;

	project_write("plays/site.yml", "- hosts: all\n");
	project_write("elsewhere/tasks/main.yml", "[]\n");
	assert_int_equal(symlink("../elsewhere", "plays/roles"), 0);
	assert_int_equal(symlink(".", "plays/circle"), 0);
	assert_int_equal(symlink("nowhere", "plays/broken"), 0);
	before = hash_of(&project, entry);
	project_write("elsewhere/tasks/main.yml", "[{debug: {}}]\n");
	assert_string_not_equal(hash_of(&project, entry), before);
}

static void checked_before_it_is_run(void **state)
{
	_cleanup_(project_free) struct project project = project_new();
	const struct playbook *playbook;
	struct error err = {0};

	project_write("plays/site.yml", "- hosts: all\n");
	playbook = uses_of(&project, "  - {ansible: ../plays/site.yml}\n")[0].playbook;
	assert_true(ansible_check(playbook, &err));
	project_write("plays/files/late", "x");
	assert_false(ansible_check(playbook, &err));
	assert_int_equal(err.kind, ERROR_CONFLICT);
	assert_non_null(strstr(err.text, "has changed since the plan was made"));
	assert_int_equal(unlink("plays/files/late"), 0);
	assert_true(ansible_check(playbook, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_steps),
		cmocka_unit_test(what_counts),
		cmocka_unit_test(documents_of_ours_do_not_count),
		cmocka_unit_test(links),
		cmocka_unit_test(checked_before_it_is_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
