/* SPDX-License-Identifier: Apache-2.0
 *
 * The documentation is current: the tables of keys are those of the program, the playbook page names every key, and the
 * examples hold. */
#include "project.h"

static void read_page(const char *name, struct str *out)
{
	const char *source = getenv("BAKERY_SOURCE_FOLDER");
	struct error err = {0};
	_cleanup_(freep) char *path = mem_printf("%s/docs/%s.md", source ? source : ".", name);

	assert_true(file_read(path, 1 << 20, out, &err));
}

static void assert_current(const char *kind, const struct field *fields)
{
	_cleanup_(str_free) struct str page = STR_INIT;
	_cleanup_(str_free) struct str wanted = STR_INIT;
	_cleanup_(freep) char *begin = mem_printf("<!-- keys of %s: written by scripts/reference -->\n", kind);

	read_page(kind, &page);
	fields_reference(fields, &wanted);
	str_add(&wanted, "<!-- end of keys -->\n");
	const char *found = strstr(page.data, begin);
	assert_non_null(found);
	if (!str_starts(found + strlen(begin), wanted.data))
		fail_msg("docs/%s.md is not current: run scripts/reference", kind);
}

static void tables_of_keys(void **state)
{
	assert_current("recipe", recipe_fields);
	assert_current("settings", settings_fields);
}

/* `key`, "key:" or a member of {a, b}. */
static bool is_named(const char *key, const char *page)
{
	static const char *const forms[] = {"`%s`", "%s:", "{%s,", "{%s}", ", %s,", ", %s}"};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		_cleanup_(freep) char *form = mem_printf(forms[i], key);
		if (strstr(page, form))
			return true;
	}
	return false;
}

static void assert_named(const struct field *fields, const struct str *page)
{
	for (const struct field *field = fields; field->key; field++) {
		if (!is_named(field->key, page->data))
			fail_msg("docs/playbooks.md does not name %s", field->key);
		if (field->fields)
			assert_named(field->fields, page);
	}
}

static void every_key_of_playbooks(void **state)
{
	_cleanup_(str_free) struct str page = STR_INIT;

	read_page("playbooks", &page);
	assert_named(playbook_fields, &page);
}

/* The text of the number-th ```yaml block. */
static char *example(const char *page, int number)
{
	const char *at = page, *end;

	for (int i = 0; i <= number; i++) {
		at = strstr(at, "```yaml\n");
		assert_non_null(at);
		at += strlen("```yaml\n");
	}
	end = strstr(at, "```");
	assert_non_null(end);
	return mem_strndup(at, (size_t)(end - at));
}

static void examples_are_valid(void **state)
{
	_cleanup_(project_free) struct project project = project_new();
	_cleanup_(str_free) struct str recipe = STR_INIT;
	_cleanup_(str_free) struct str settings = STR_INIT;

	read_page("recipe", &recipe);
	_cleanup_(freep) char *first = example(recipe.data, 0), *more = example(recipe.data, 1);
	_cleanup_(freep) char *both = mem_printf("%s%s", first, more);
	project_write("playbooks/patch.yaml", "playbook: 1\nsteps: [{run: x}]\n");
	project_write("playbooks/harden-linux.yaml", "playbook: 1\nsteps: [{run: x}]\n");
	project_write("recipes/web.yaml", both);
	assert_string_equal(project_read_ok(&project, "web")->publish.channel, "candidate");
	read_page("settings", &settings);
	_cleanup_(freep) char *file = example(settings.data, 0);
	project_write("team/recipes/.keep", "");
	project_write("bakery.yaml", file);
	assert_string_equal(project_read_ok(&project, "web")->launch.root_volume.kms_key, "alias/images");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_of_keys),
		cmocka_unit_test(every_key_of_playbooks),
		cmocka_unit_test(examples_are_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
