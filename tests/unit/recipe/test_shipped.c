/* SPDX-License-Identifier: Apache-2.0
 *
 * What is shipped in recipes/ and playbooks/ has no faults; every control a playbook names stands in docs/hardening.md,
 * and no other; and harden-linux gives its parts the values they have by themselves. */
#include "bakery/file.h"
#include "bakery/playbook.h"
#include "bakery/recipe.h"
#include "bakery/str.h"
#include "tests/lib/check.h"

#include <glob.h>

struct shipped {
	struct arena *arena;
	struct settings settings;
	struct faults faults;
	glob_t playbooks;
	const struct playbook **loaded; /* those of the glob, once they were wanted */
};

static int setup(void **state)
{
	struct shipped *shipped = mem_alloc(sizeof(*shipped));
	const char *source = getenv("BAKERY_SOURCE_FOLDER");
	struct error err = {0};

	*state = shipped;
	shipped->arena = arena_new();
	if (!source || !settings_load(NULL, source, shipped->arena, &shipped->settings, &err))
		return -1;
	return glob(arena_printf(shipped->arena, "%s/playbooks/*.yaml", source), 0, NULL, &shipped->playbooks);
}

static int teardown(void **state)
{
	struct shipped *shipped = *state;

	globfree(&shipped->playbooks);
	faults_free(&shipped->faults);
	arena_free(shipped->arena);
	free(shipped);
	return 0;
}

static void assert_no_faults(struct faults *faults)
{
	_cleanup_(str_free) struct str text = STR_INIT;

	faults_print(faults, &text);
	if (faults->count)
		fail_msg("%s", text.data);
}

/* What whoever uses the playbook has to give. */
static const struct {
	const char *playbook;
	struct text_pair var;
} needed[] = {{"/log-forwarding.yaml", {"host", "logs.example.com"}}};

static const struct playbook *load(struct shipped *shipped, const char *path)
{
	struct text_map vars = {0};

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (str_ends(path, needed[i].playbook))
			vars = (struct text_map){(struct text_pair *)&needed[i].var, 1};
	const struct playbook *playbook =
		playbook_load(&shipped->settings, path, "/", &vars, "test", shipped->arena, &shipped->faults);

	assert_no_faults(&shipped->faults);
	assert_non_null(playbook);
	return playbook;
}

/* The playbook at this place of the glob. */
static const struct playbook *nth(struct shipped *shipped, size_t index)
{
	if (!shipped->loaded)
		shipped->loaded = arena_alloc(shipped->arena, shipped->playbooks.gl_pathc * sizeof(*shipped->loaded));
	if (!shipped->loaded[index])
		shipped->loaded[index] = load(shipped, shipped->playbooks.gl_pathv[index]);
	return shipped->loaded[index];
}

static void recipes_have_no_faults(void **state)
{
	struct shipped *shipped = *state;
	struct text_map recipes;
	struct error err = {0};

	recipe_list(&shipped->settings, shipped->arena, &recipes);
	assert_non_null(text_map_get(&recipes, "debian-12"));
	for (size_t i = 0; i < recipes.count; i++) {
		struct recipe *recipe;
		const struct recipe_options options = {0};
		assert_works(
			recipe_load(&shipped->settings, recipes.items[i].key, &options, shipped->arena, &recipe, &err));
		assert_non_null(recipe->description);
		assert_true(recipe->playbooks.count > 0);
	}
}

static void playbooks_have_no_faults(void **state)
{
	struct shipped *shipped = *state;

	assert_true(shipped->playbooks.gl_pathc >= 4);
	for (size_t i = 0; i < shipped->playbooks.gl_pathc; i++)
		nth(shipped, i);
}

/* Without a check a step would be "changed" on every run. */
static void steps_can_be_run_twice(void **state)
{
	struct shipped *shipped = *state;

	for (size_t i = 0; i < shipped->playbooks.gl_pathc; i++) {
		const struct playbook *playbook = nth(shipped, i);
		const struct step *steps = playbook->steps.items;
		for (size_t k = 0; k < playbook->steps.count; k++)
			if (steps[k].kind == STEP_SHELL && !steps[k].check)
				fail_msg("%s has no check", steps[k].id);
	}
}

static bool is_documented(const char *doc, const char *control)
{
	_cleanup_(freep) char *cell = mem_printf("| %s |", control);

	return strstr(doc, cell) != NULL;
}

static void controls_are_documented(void **state)
{
	struct shipped *shipped = *state;
	_cleanup_(str_free) struct str doc = STR_INIT;
	struct error err = {0};

	assert_works(file_read(arena_printf(shipped->arena, "%s/docs/hardening.md", getenv("BAKERY_SOURCE_FOLDER")),
			       1 << 20, &doc, &err));
	for (size_t i = 0; i < shipped->playbooks.gl_pathc; i++) {
		const struct playbook *playbook = nth(shipped, i);
		const struct step *steps = playbook->steps.items;
		for (size_t k = 0; k < playbook->steps.count; k++)
			for (size_t c = 0; c < steps[k].controls.count; c++)
				if (!is_documented(doc.data, steps[k].controls.items[c]))
					fail_msg("docs/hardening.md does not list %s (%s)", steps[k].controls.items[c],
						 steps[k].id);
	}
}

static bool is_established(struct shipped *shipped, const char *control, const char *step)
{
	for (size_t i = 0; i < shipped->playbooks.gl_pathc; i++) {
		const struct playbook *playbook = nth(shipped, i);
		const struct step *steps = playbook->steps.items;
		for (size_t k = 0; k < playbook->steps.count; k++)
			if (str_eq(steps[k].id, step) && text_list_has(&steps[k].controls, control))
				return true;
	}
	return false;
}

/* Rows of the table are "| CONTROL | what | playbook/step | ..."; a control may have several steps, each with its row.
 */
static void documented_controls_exist(void **state)
{
	struct shipped *shipped = *state;
	_cleanup_(str_free) struct str doc = STR_INIT;
	struct error err = {0};
	char *rest, *line;
	size_t rows = 0;

	assert_works(file_read(arena_printf(shipped->arena, "%s/docs/hardening.md", getenv("BAKERY_SOURCE_FOLDER")),
			       1 << 20, &doc, &err));
	for (line = strtok_r(doc.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char control[64], what[512], step[128];
		if (sscanf(line, "| %63s | %511[^|]| `%127[^`]` |", control, what, step) != 3)
			continue;
		if (!is_established(shipped, control, step))
			fail_msg("docs/hardening.md: no step %s with the control %s", step, control);
		rows++;
	}
	assert_true(rows >= 30);
}

static void parts_have_the_values_of_the_whole(void **state)
{
	struct shipped *shipped = *state;
	const char *source = getenv("BAKERY_SOURCE_FOLDER");
	const struct playbook *whole =
		load(shipped, arena_printf(shipped->arena, "%s/playbooks/harden-linux.yaml", source));

	for (size_t i = 0; i < shipped->playbooks.gl_pathc; i++) {
		const struct playbook *part = nth(shipped, i);
		for (size_t k = 0; str_starts(part->name, "harden-") && k < part->vars.count; k++)
			assert_string_equal(text_map_get(&whole->vars, part->vars.items[k].key),
					    part->vars.items[k].value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(recipes_have_no_faults, setup, teardown),
		cmocka_unit_test_setup_teardown(playbooks_have_no_faults, setup, teardown),
		cmocka_unit_test_setup_teardown(steps_can_be_run_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(controls_are_documented, setup, teardown),
		cmocka_unit_test_setup_teardown(documented_controls_exist, setup, teardown),
		cmocka_unit_test_setup_teardown(parts_have_the_values_of_the_whole, setup, teardown),
	};

	return cmocka_run_group_tests_name("shipped", tests, NULL, NULL);
}
