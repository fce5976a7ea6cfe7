/* SPDX-License-Identifier: Apache-2.0 */
#include "project.h"

static bool load(struct project *project, const char *text)
{
	project_write("bakery.yaml", text);
	project->err = (struct error){0};
	return settings_load(NULL, ".", project->arena, &project->settings, &project->err);
}

static void none_at_all(void **state)
{
	_cleanup_(project_free) struct project project = project_new();
	const struct settings *settings = &project.settings;

	assert_true(settings_load(NULL, ".", project.arena, &project.settings, &project.err));
	assert_null(settings->file);
	assert_string_equal(settings->folder, project.folder);
	assert_string_equal(settings->project, project.folder + strlen("/tmp/"));
	assert_null(settings->store);
	assert_string_equal(settings->parameter_prefix, "/bakery");
	assert_int_equal(settings->recipes.count, 2);
	assert_true(str_starts(settings->recipes.items[0], project.folder) &&
		    str_ends(settings->recipes.items[0], "/recipes"));
	assert_true(*settings->recipes.items[1] == '/' && str_ends(settings->recipes.items[1], "/recipes"));
	assert_true(str_ends(settings->playbooks.items[1], "/playbooks"));
	assert_int_equal(settings->channels.count, 0);
}

static void everything(void **state)
{
	_cleanup_(project_free) struct project project = project_new();
	const struct settings *settings = &project.settings;

	project_write("more/.keep", "");
	assert_true(load(&project, "bakery: 1\n"
				   "project: demo\n"
				   "store: state/bakery.db\n"
				   "parameter_prefix: /golden/images\n"
				   "recipes: [recipes, more]\n"
				   "playbooks: more\n"
				   "launch: {region: eu-west-1, root_volume: {size_gib: 9}}\n"
				   "tags: {team: platform}\n"
				   "channels:\n"
				   "- candidate\n"
				   "- {name: approved, approvers: [\"arn:aws:iam::123456789012:role/release-*\"], "
				   "soak: 2d, builder_may_approve: true}\n"
				   "fleet: {accounts: [123456789012, \"012345678901\"], role: sweeper, "
				   "regions: eu-west-1}\n"));
	const struct channel *channels = settings->channels.items;
	assert_string_equal(settings->file, "bakery.yaml");
	assert_string_equal(settings->project, "demo");
	assert_true(str_starts(settings->store, project.folder) && str_ends(settings->store, "/state/bakery.db"));
	assert_string_equal(settings->parameter_prefix, "/golden/images");
	assert_int_equal(settings->recipes.count, 3);
	assert_true(str_ends(settings->recipes.items[1], "/more"));
	assert_int_equal(settings->playbooks.count, 2);
	assert_string_equal(tree_text(settings->launch, "region"), "eu-west-1");
	assert_string_equal(text_map_get(&settings->tags, "team"), "platform");
	assert_int_equal(settings->channels.count, 2);
	assert_string_equal(channels[0].name, "candidate");
	assert_int_equal(channels[1].soak_s, 2 * 86400);
	assert_true(channels[1].builder_may_approve);
	assert_int_equal(settings->fleet.accounts.count, 2);
	assert_string_equal(settings->fleet.accounts.items[0], "123456789012"); /* a number is as good */
	assert_string_equal(settings->fleet.role, "sweeper");
	assert_string_equal(settings->fleet.regions.items[0], "eu-west-1"); /* and a text as a list of one */
}

static void found_upward(void **state)
{
	_cleanup_(project_free) struct project project = project_new();

	assert_true(load(&project, "project: above\n"));
	project_write("a/b/.keep", "");
	assert_true(settings_load(NULL, "a/b", project.arena, &project.settings, &project.err));
	assert_string_equal(project.settings.project, "above");
	assert_string_equal(project.settings.folder, project.folder);
	project_write("other.yaml", "project: other\n");
	assert_true(settings_load("other.yaml", "a/b", project.arena, &project.settings, &project.err));
	assert_string_equal(project.settings.project, "other");
	assert_false(settings_load("none.yaml", ".", project.arena, &project.settings, &project.err));
	assert_string_equal(project.err.text, "none.yaml: there is no such file");
}

static void comments_only(void **state)
{
	_cleanup_(project_free) struct project project = project_new();

	assert_true(load(&project, "# nothing yet\n"));
	assert_string_equal(project.settings.parameter_prefix, "/bakery");
}

static void wrong(void **state)
{
	_cleanup_(project_free) struct project project = project_new();
	static const struct {
		const char *text, *faults;
	} cases[] = {
		{"parameter_prefx: /x",
		 "bakery.yaml:1:1: parameter_prefx: unknown key (did you mean parameter_prefix?)"},
		{"bakery: 3", "bakery.yaml:1:9: bakery: format 3 is not known to this version (it reads 1)"},
		{"parameter_prefix: x", "bakery.yaml:1:19: parameter_prefix: must be a parameter's name such as "
					"/aws/service/debian/release/12/latest/amd64, not \"x\""},
		{"parameter_prefix: /x/", "bakery.yaml:1:19: parameter_prefix: must not end with /"},
		{"parameter_prefix: /aws/x", "bakery.yaml:1:19: parameter_prefix: /aws and /ssm belong to AWS"},
		{"recipes: [none]", "bakery.yaml:1:11: recipes: there is no folder none"},
		{"playbooks: none", "bakery.yaml:1:12: playbooks: there is no folder none"},
		{"launch: {regin: x}", "bakery.yaml:1:10: launch.regin: unknown key (did you mean region?)"},
		{"launch: {region: x}",
		 "bakery.yaml:1:18: launch.region: must be a region such as eu-west-1, not \"x\""},
		{"launch: x", "bakery.yaml:1:9: launch: must be a map, not a text"},
		{"tags: {\"aws:a\": b}", "bakery.yaml:1:8: tags.aws:a: tags that begin with aws: belong to AWS"},
		{"channels: [a, b, a]", "bakery.yaml:1:18: channels.3: a stands twice"},
		{"channels: [{soak: 1d}]", "bakery.yaml:1:12: channels.1.name: is missing"},
		{"fleet: [a]", "bakery.yaml:1:8: fleet: must be a map, not a list"},
		{"fleet: {acounts: [123456789012]}",
		 "bakery.yaml:1:9: fleet.acounts: unknown key (did you mean accounts?)"},
		{"fleet: {accounts: [12], role: r}", "bakery.yaml:1:20: fleet.accounts.1: must be an account id (12 "
						     "digits), or organization alone, not \"12\""},
		{"fleet: {accounts: [organization], role: r}",
		 "bakery.yaml:1:20: fleet.accounts.1: must be an account id (12 digits), or organization alone, not "
		 "\"organization\""},
		{"fleet: {accounts: organization}",
		 "bakery.yaml:1:8: fleet.role: is missing: the name of a role in each of the accounts"},
		{"fleet: {regions: [mars]}",
		 "bakery.yaml:1:19: fleet.regions.1: must be a region such as eu-west-1, not \"mars\""},
		{"a: 1\na: 2", "2 faults:\nbakery.yaml:1:1: a: unknown key\nbakery.yaml:2:1: a: the key stands twice "
			       "(first in line 1)"},
		{"- a", "bakery.yaml:1:1: must be a map, not a list"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_false(load(&project, cases[i].text));
		assert_true(error_is(&project.err, ERROR_INVALID));
		assert_string_equal(project.err.text, cases[i].faults);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none_at_all),	 cmocka_unit_test(everything), cmocka_unit_test(found_upward),
		cmocka_unit_test(comments_only), cmocka_unit_test(wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
