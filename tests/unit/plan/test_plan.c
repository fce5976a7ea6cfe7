/* SPDX-License-Identifier: Apache-2.0
 *
 * A plan is made of a recipe and facts; the facts here are written by hand. */
#include "../../lib/check.h"
#include "bakery/clock.h"
#include "bakery/file.h"
#include "bakery/plan.h"
#include "bakery/str.h"

static const char recipe_text[] =
	"bakery: 1\n"
	"name: web\n"
	"description: a web server\n"
	"source: {id: ami-0123456789abcdef0}\n"
	"launch:\n"
	"  region: us-east-1\n"
	"  instance_types: [m5.large, c5.large]\n"
	"  root_volume: {size_gib: %s, type: gp3, encrypted: %s}\n"
	"connect: {user: admin}\n"
	"playbooks: [{playbook: tiny, vars: {word: hello}}]\n"
	"verify: {playbooks: [tiny]}\n"
	"image: {name: \"web-{{ build }}\", deprecate_after: 90d, tags: {team: red}%s}\n"
	"distribute: {regions: {eu-west-1: {}}, share: {organization: true, accounts: [\"123456789012\"]}}\n"
	"publish: {channel: candidate}\n"
	"%s";
static const char playbook_text[] =
	"playbook: 1\nname: tiny\nvars: {word: bye}\nsteps:\n"
	"  - {id: say, controls: [X-1, X-2], check: \"true\", run: \"echo {{ word }}\", timeout: 30s}\n"
	"  - {id: again, reboot: {timeout: 2m}}\n";
static const char seal_text[] = "playbook: 1\nname: seal\nsteps:\n  - {id: wipe, run: \"true\"}\n";
static const char settings_text[] = "project: shop\ntags: {cost: \"7\", team: blue}\n";

struct bench {
	struct arena *arena;
	struct settings settings;
	struct facts facts;
	const char *folder;
	const char *image_more; /* into the recipe's image map */
};

static int bench_setup(void **state)
{
	static const struct plan_subnet subnets[] = {{"subnet-1", "us-east-1a"}, {"subnet-2", "us-east-1b"}};
	struct bench *bench = calloc(1, sizeof(*bench));
	_cleanup_(freep) char *playbooks = NULL, *settings = NULL;
	struct error err = {0};
	void *folder = NULL;

	if (temporary_folder_setup(&folder) < 0)
		return -1;
	bench->folder = folder;
	bench->arena = arena_new();
	playbooks = path_join(folder, "playbooks");
	settings = path_join(folder, "bakery.yaml");
	assert_works(file_make_folders(playbooks, 0755, &err));
	folder_write(playbooks, "tiny.yaml", playbook_text);
	folder_write(playbooks, "seal.yaml", seal_text);
	folder_write(folder, "bakery.yaml", settings_text);
	assert_works(settings_load(settings, folder, bench->arena, &bench->settings, &err));
	bench->facts = (struct facts){
		.account = "111122223333",
		.region = "us-east-1",
		.source = {"ami-0123456789abcdef0", "base", "136693071363", "2026-01-01T00:00:00.000Z", "x86_64",
			   "/dev/xvda", NULL, 8, "id"},
		.vpc = "vpc-1",
		.subnets = {(void *)subnets, 2},
		.organization_arn = "arn:aws:organizations::111122223333:organization/o-abc",
	};
	*state = bench;
	return 0;
}

static int bench_teardown(void **state)
{
	struct bench *bench = *state;
	void *folder = (void *)bench->folder;

	arena_free(bench->arena);
	free(bench);
	return temporary_folder_teardown(&folder);
}

static bool make(struct bench *bench, const char *size, const char *encrypted, const char *more, struct plan **plan,
		 struct error *err)
{
	_cleanup_(freep) char *text = mem_printf(recipe_text, size, encrypted,
						 bench->image_more ? bench->image_more : "", more),
			      *path = path_join(bench->folder, "web.yaml");
	struct recipe *recipe;

	folder_write(bench->folder, "web.yaml", text);
	if (!recipe_load(&bench->settings, path, &(struct recipe_options){0}, bench->arena, &recipe, err))
		fail_msg("%s", err->text);
	return plan_make(&bench->settings, recipe, &bench->facts, bench->arena, plan, err);
}

static void decisions(void **state)
{
	struct bench *bench = *state;
	struct error err = {0};
	struct plan *plan;
	const struct playbook *playbook;
	const struct step *steps;

	assert_works(make(bench, "16", "false", "", &plan, &err));
	assert_string_equal(plan->recipe, "web");
	assert_string_equal(plan->account, "111122223333");
	assert_int_equal(plan->launch.root_volume.size_gib, 16);
	assert_int_equal(plan->launch.subnets.count, 2);
	assert_int_equal(plan->copies.count, 1);
	assert_string_equal(((const struct plan_region *)plan->copies.items)->region, "eu-west-1");
	assert_true(text_list_has(&plan->share.organizations, bench->facts.organization_arn));
	assert_true(text_list_has(&plan->share.accounts, "123456789012"));
	assert_string_equal(plan->publish.parameter, "/bakery/web/candidate");
	assert_string_equal(plan->publish.metadata_parameter, "/bakery/web/candidate/metadata");
	assert_string_equal(plan->image.name, "web-{{ build }}");
	assert_string_equal(text_map_get(&plan->tags, "team"), "red");
	assert_string_equal(text_map_get(&plan->tags, "cost"), "7");
	playbook = plan->playbooks.items;
	steps = playbook->steps.items;
	assert_string_equal(steps[0].run, "echo hello");
	assert_int_equal(steps[1].kind, STEP_REBOOT);
	assert_int_equal(plan->seal.count, 1);
	assert_int_equal(plan_step_count(plan), 2);
	assert_int_equal(plan_control_count(plan), 2);
}

/* A day within the next two weeks. */
static void soon(char text[11])
{
	char at[CLOCK_TEXT_SIZE];

	clock_rfc3339(clock_wall_ms() + INT64_C(7) * 24 * 3600 * 1000, at);
	memcpy(text, at, 10);
	text[10] = '\0';
}

static void waivers_are_in_the_plan(void **state)
{
	struct bench *bench = *state;
	struct error err = {0};
	struct plan *without, *one, *both, *again;
	const struct step *steps;
	char end[11];

	soon(end);
	_cleanup_(freep) char *ends = mem_printf("waive: [{control: X-1, reason: old, expires: %s},\n"
						 "        {control: X-2, reason: older, expires: 2999-01-01}]\n",
						 end);
	assert_works(make(bench, "16", "false", "", &without, &err));
	assert_works(
		make(bench, "16", "false", "waive: {control: X-1, reason: old, expires: 2999-06-30}\n", &one, &err));
	steps = ((const struct playbook *)one->playbooks.items)->steps.items;
	assert_null(steps[0].waived); /* it serves X-2 as well */
	assert_int_equal(one->notes.count, 0);
	assert_string_not_equal(one->sha256, without->sha256);
	assert_non_null(plan_waiver(one, "X-1"));
	assert_null(plan_waiver(one, "X-2"));
	assert_non_null(plan_difference(without, one, bench->arena));

	assert_works(make(bench, "16", "false", ends, &both, &err));
	assert_int_equal(both->notes.count, 1);
	assert_non_null(strstr(both->notes.items[0], "X-1"));
	assert_works(plan_load(both->json, bench->arena, &again, &err));
	assert_string_equal(again->sha256, both->sha256);
	for (const struct struct_list *list = &again->playbooks;; list = &again->verify) {
		steps = ((const struct playbook *)list->items)->steps.items;
		assert_true(str_starts(steps[0].waived, "waived until "));
		assert_null(steps[1].waived); /* it serves no control */
		if (list == &again->verify)
			break;
	}
	assert_works(plan_waivers_check(again, &err));
	((struct waiver *)again->waivers.items)[1].expires = "2020-01-01";
	assert_false(plan_waivers_check(again, &err));
	assert_non_null(strstr(err.text, "X-2 until 2020-01-01"));
}

static void the_size_comes_from_the_source(void **state)
{
	struct bench *bench = *state;
	struct error err = {0};
	struct plan *plan;

	bench->facts.source.size_gib = 20;
	assert_fails(make(bench, "16", "false", "", &plan, &err), ERROR_INVALID,
		     "16 is less than the source image's 20 GiB");
}

static void a_default_key_cannot_be_shared(void **state)
{
	struct error err = {0};
	struct plan *plan;

	assert_fails(make(*state, "16", "true", "", &plan, &err), ERROR_INVALID, "cannot be shared");
	assert_non_null(strstr(err.text, "distribute.regions.eu-west-1.kms_key"));
}

static void what_cannot_be_done_is_refused(void **state)
{
	struct error err = {0};
	struct plan *plan;

	assert_fails(make(*state, "16", "false", "scan: {scanner: inspector}\n", &plan, &err), ERROR_INVALID,
		     "does not ask Amazon Inspector");
}

static void a_boot_mode_is_the_sources(void **state)
{
	struct bench *bench = *state;
	struct error err = {0};
	struct plan *plan;

	bench->image_more = ", boot_mode: uefi";
	assert_fails(make(bench, "16", "false", "", &plan, &err), ERROR_INVALID, "not told here, not uefi");
	bench->facts.source.boot_mode = "uefi";
	assert_works(make(bench, "16", "false", "", &plan, &err));
}

static void a_guarded_channel_is_not_published_to(void **state)
{
	static struct channel channels[] = {{.name = "candidate"}, {.name = "approved"}};
	static const char *approvers[] = {"arn:aws:iam::111122223333:role/release"};
	struct bench *bench = *state;
	struct error err = {0};
	struct plan *plan;

	bench->settings.channels = (struct struct_list){channels, 2};
	assert_works(make(bench, "16", "false", "", &plan, &err));
	channels[0].soak_s = 3600;
	assert_fails(make(bench, "16", "false", "", &plan, &err), ERROR_INVALID, "candidate wants images to soak");
	channels[0].soak_s = 0;
	channels[0].approvers = (struct text_list){approvers, 1};
	assert_fails(make(bench, "16", "false", "", &plan, &err), ERROR_INVALID, "candidate wants an approval");
	channels[0].builder_may_approve = true;
	assert_works(make(bench, "16", "false", "", &plan, &err));
}

static void a_stored_plan_is_the_same_plan(void **state)
{
	struct bench *bench = *state;
	struct error err = {0};
	struct plan *plan, *again, *back;
	const struct playbook *playbook;
	const struct step *steps;

	assert_works(make(bench, "16", "false", "", &plan, &err));
	assert_works(make(bench, "16", "false", "", &again, &err));
	assert_string_equal(plan->sha256, again->sha256);
	assert_works(plan_load(plan->json, bench->arena, &back, &err));
	assert_string_equal(back->json, plan->json);
	assert_string_equal(back->sha256, plan->sha256);
	assert_string_equal(back->playbooks_sha256, plan->playbooks_sha256);
	playbook = back->playbooks.items;
	steps = playbook->steps.items;
	assert_int_equal(steps[0].timeout_s, 30);
	assert_string_equal(steps[0].controls.items[1], "X-2");
	assert_int_equal(steps[1].reboot->timeout_s, 120);
	bench->facts.source.ami = "ami-0fedcba9876543210";
	assert_works(make(bench, "16", "false", "", &again, &err));
	assert_string_not_equal(plan->sha256, again->sha256);
}

static void a_strange_document_is_refused(void **state)
{
	struct bench *bench = *state;
	struct error err = {0};
	struct plan *plan;

	assert_fails(plan_load("{", bench->arena, &plan, &err), ERROR_INVALID, "stored plan");
	assert_fails(plan_load("{\"format\":99}", bench->arena, &plan, &err), ERROR_INVALID, "format is 99");
	assert_fails(plan_load("{\"format\":1,\"surprise\":2}", bench->arena, &plan, &err), ERROR_INVALID, "surprise");
}

static void a_product_is_not_copied_by_others(void **state)
{
	static const char *codes[] = {"abc1"};
	struct bench *bench = *state;
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct error err = {0};
	struct plan *plan;
	struct recipe *recipe;
	_cleanup_(freep) char *path = path_join(bench->folder, "web.yaml");

	assert_works(make(bench, "16", "false", "", &plan, &err));
	assert_works(recipe_load(&bench->settings, path, &(struct recipe_options){0}, arena, &recipe, &err));
	bench->facts.source.product_codes = (struct text_list){codes, 1};
	assert_works(plan_make(&bench->settings, recipe, &bench->facts, arena, &plan, &err));
	assert_string_equal(plan->source.product_codes.items[0], "abc1");
	recipe->distribute.share.snapshots = true;
	assert_fails(plan_make(&bench->settings, recipe, &bench->facts, arena, &plan, &err), ERROR_INVALID,
		     "product of AWS Marketplace (abc1)");
}

/* --- through a file --- */

static void a_plan_goes_through_a_file(void **state)
{
	struct bench *bench = *state;
	_cleanup_(str_free) struct str text = STR_INIT, edited = STR_INIT;
	struct error err = {0};
	struct plan *plan, *back;
	char *at;

	assert_works(make(bench, "16", "false", "", &plan, &err));
	plan_wrap(plan, &text);
	assert_works(plan_unwrap(&text, bench->arena, &back, &err));
	assert_string_equal(back->sha256, plan->sha256);
	assert_string_equal(back->json, plan->json);
	at = strstr(text.data, "echo hello");
	assert_non_null(at);
	memcpy(at, "echo HELLO", strlen("echo HELLO"));
	assert_fails(plan_unwrap(&text, bench->arena, &back, &err), ERROR_INVALID, "it was changed after it was made");
	/* Without the promise it is what it is. */
	str_add(&edited, plan->json);
	assert_works(plan_unwrap(&edited, bench->arena, &back, &err));
	assert_string_equal(back->sha256, plan->sha256);
}

static void what_is_no_plan_is_refused(void **state)
{
	static const char *const texts[] = {"", "{", "[]", "{}", "{\"recipe_sha256\":\"x\"}", "null"};
	struct bench *bench = *state;
	struct plan *plan;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_(str_free) struct str text = STR_INIT;
		struct error err = {0};
		str_add(&text, texts[i]);
		assert_fails(plan_unwrap(&text, bench->arena, &plan, &err), ERROR_INVALID, "plan");
	}
}

static void uploads_are_what_they_were(void **state)
{
	struct bench *bench = *state;
	_cleanup_(freep) char *playbooks = path_join(bench->folder, "playbooks"),
			      *file = path_join(playbooks, "banner");
	struct error err = {0};
	struct plan *plan, *back;

	folder_write(playbooks, "banner", "one");
	folder_write(playbooks, "tiny.yaml",
		     "playbook: 1\nname: tiny\nvars: {word: x}\nsteps:\n  - {id: up, upload: {from: banner, to: "
		     "/etc/banner}}\n");
	assert_works(make(bench, "16", "false", "", &plan, &err));
	assert_works(plan_load(plan->json, bench->arena, &back, &err));
	assert_works(plan_files_check(back, &err));
	folder_write(playbooks, "banner", "two");
	assert_fails(plan_files_check(back, &err), ERROR_CONFLICT, "banner has changed since the plan was made");
	assert_int_equal(unlink(file), 0);
	assert_fails(plan_files_check(back, &err), ERROR_ABSENT, "step tiny/up");
}

/* What a plan says of an Ansible playbook comes back whole, and its files are looked at. */
static void ansible_is_planned(void **state)
{
	static const char *groups[] = {"web"};
	struct bench *bench = *state;
	_cleanup_(freep) char *folder = path_join(bench->folder, "plays"), *site = path_join(folder, "site.yml");
	struct text_pair vars[] = {{"level", "2"}};
	struct ansible ansible = {.playbook = site, .extra_vars = {vars, 1}, .groups = {groups, 1}};
	struct step step = {.kind = STEP_ANSIBLE, .id = "site.yml", .name = "site.yml", .file = "site.yml", .line = 1};
	struct playbook playbook = {
		.name = "site.yml", .file = "site.yml", .steps = {&step, 1}, .sha256 = "0", .ansible = &ansible};
	_cleanup_(tree_freep) struct tree *tree = NULL;
	_cleanup_(str_free) struct str json = STR_INIT;
	const struct playbook *read;
	struct error err = {0};
	struct plan *plan, *back;

	assert_works(file_make_folders(folder, 0700, &err));
	folder_write(folder, "site.yml", "- hosts: all\n");
	assert_works(make(bench, "16", "false", "", &plan, &err));
	assert_false(plan_uses_ansible(plan));
	plan->verify = (struct struct_list){&playbook, 1};
	tree = fields_encode(plan_fields, plan);
	tree_to_json_canonical(tree, &json);
	assert_works(plan_load(json.data, bench->arena, &back, &err));
	assert_true(plan_uses_ansible(back));
	read = back->verify.items;
	assert_int_equal(((const struct step *)read->steps.items)->kind, STEP_ANSIBLE);
	assert_string_equal(read->ansible->playbook, site);
	assert_string_equal(read->ansible->groups.items[0], "web");
	assert_string_equal(text_map_get(&read->ansible->extra_vars, "level"), "2");
	assert_fails(plan_files_check(back, &err), ERROR_CONFLICT, "site.yml has changed since the plan was made");
}

/* --- differences --- */

static const char *difference(struct bench *bench, const struct plan *before, const char *more)
{
	struct error err = {0};
	struct plan *now;

	assert_works(make(bench, "16", "false", more, &now, &err));
	return plan_difference(before, now, bench->arena);
}

static void what_is_different(void **state)
{
	static const struct plan_subnet elsewhere[] = {{"subnet-9", "us-east-1c"}};
	struct bench *bench = *state;
	_cleanup_(freep) char *playbooks = path_join(bench->folder, "playbooks");
	struct error err = {0};
	struct plan *before;

	assert_works(make(bench, "16", "false", "", &before, &err));
	assert_works(plan_load(before->json, bench->arena, &before, &err));
	assert_null(difference(bench, before, ""));
	bench->facts.subnets = (struct struct_list){(void *)elsewhere, 1};
	bench->facts.source.found_by = "parameter /x, version 7";
	assert_null(difference(bench, before, ""));
	assert_string_equal(difference(bench, before, "deadline: 1h\n"),
			    "the recipe or the settings changed (deadline_s)");
	assert_string_equal(difference(bench, before, "retain: {keep: 3}\n"), "the recipe changed");
	bench->image_more = ", imds: v2.0";
	assert_string_equal(difference(bench, before, ""), "the recipe or the settings changed (image.imds)");
	bench->image_more = NULL;
	bench->facts.source.ami = "ami-0fedcba9876543210";
	bench->facts.source.created = "2026-02-01T00:00:00.000Z";
	assert_string_equal(difference(bench, before, ""),
			    "the source image is newer: ami-0123456789abcdef0 → ami-0fedcba9876543210 (base)");
	bench->facts.source.created = "2025-02-01T00:00:00.000Z";
	folder_write(playbooks, "seal.yaml", "playbook: 1\nname: seal\nsteps:\n  - {id: wipe, run: \"false\"}\n");
	assert_string_equal(
		difference(bench, before, ""),
		"the source image is another: ami-0123456789abcdef0 → ami-0fedcba9876543210 (base); playbook "
		"seal changed");
}

static struct struct_list named(struct bench *bench, const char *names)
{
	struct playbook *playbooks = arena_alloc(bench->arena, 8 * sizeof(*playbooks));
	size_t count = 0;

	for (; names[count]; count++) {
		playbooks[count].name = arena_strndup(bench->arena, names + count, 1);
		playbooks[count].sha256 = "1";
	}
	return (struct struct_list){playbooks, count};
}

static void playbooks_that_are_others(void **state)
{
	struct bench *bench = *state;
	struct plan before = {.recipe_sha256 = "1", .playbooks = named(bench, "ab")};
	struct plan now = {.recipe_sha256 = "2", .playbooks = named(bench, "ac")};

	assert_string_equal(plan_difference(&before, &now, bench->arena),
			    "playbook c is new; playbook b is no longer used");
	now.playbooks = named(bench, "ba");
	assert_string_equal(plan_difference(&before, &now, bench->arena), "the playbooks are used in another order");
	now.playbooks = named(bench, "ab");
	((struct playbook *)now.playbooks.items)[1].sha256 = "2";
	assert_string_equal(plan_difference(&before, &now, bench->arena), "playbook b changed");
}

#define bench_test(function) cmocka_unit_test_setup_teardown(function, bench_setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		bench_test(decisions),
		bench_test(waivers_are_in_the_plan),
		bench_test(the_size_comes_from_the_source),
		bench_test(a_default_key_cannot_be_shared),
		bench_test(what_cannot_be_done_is_refused),
		bench_test(a_boot_mode_is_the_sources),
		bench_test(a_guarded_channel_is_not_published_to),
		bench_test(a_stored_plan_is_the_same_plan),
		bench_test(a_strange_document_is_refused),
		bench_test(a_product_is_not_copied_by_others),
		bench_test(a_plan_goes_through_a_file),
		bench_test(what_is_no_plan_is_refused),
		bench_test(uploads_are_what_they_were),
		bench_test(ansible_is_planned),
		bench_test(what_is_different),
		bench_test(playbooks_that_are_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
