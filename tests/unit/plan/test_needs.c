/* SPDX-License-Identifier: Apache-2.0
 *
 * What a recipe needs of AWS: a feature's permissions are in the policy when the recipe has the feature, and not
 * otherwise. */
#include "../../lib/check.h"
#include "bakery/file.h"
#include "bakery/mem.h"
#include "bakery/needs.h"
#include "bakery/str.h"

static const char head[] = "bakery: 1\n"
			   "name: web\n"
			   "playbooks: []\n"
			   "image: {name: \"web-{{ build }}\"%s}\n"
			   "connect: {user: admin%s}\n"
			   "launch: {region: %s, instance_types: [m5.large], root_volume: {encrypted: true%s}%s}\n"
			   "%s";

struct recipe_text {
	const char *image, *region, *volume, *launch, *rest, *connect;
};
#define SOURCE "source: {ami: {owners: [\"136693071363\"], name: \"debian-12-*\"}}\n"

struct bench {
	struct arena *arena;
	struct settings settings;
	const char *folder;
};

static int bench_setup(void **state)
{
	struct bench *bench = mem_alloc(sizeof(*bench));
	_cleanup_(freep) char *settings = NULL;
	struct error err = {0};
	void *folder = NULL;

	if (temporary_folder_setup(&folder) < 0)
		return -1;
	bench->folder = folder;
	bench->arena = arena_new();
	folder_write(folder, "bakery.yaml", "project: shop\n");
	settings = path_join(folder, "bakery.yaml");
	assert_works(settings_load(settings, folder, bench->arena, &bench->settings, &err));
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

static struct tree *policy_of(struct bench *bench, struct recipe_text text, bool with_doctor)
{
	_cleanup_(permission_needs_free) struct permission_needs needs;
	_cleanup_(freep) char *document =
		mem_printf(head, text.image ? text.image : "", text.connect ? text.connect : "",
			   text.region ? text.region : "us-east-1", text.volume ? text.volume : "",
			   text.launch ? text.launch : "", text.rest ? text.rest : SOURCE "verify: false\n");
	_cleanup_(freep) char *path = path_join(bench->folder, "web.yaml");
	struct needs_scope scope = {.account = "111122223333", .with_doctor = with_doctor};
	struct recipe *recipe;
	struct error err = {0};

	folder_write(bench->folder, "web.yaml", document);
	assert_works(recipe_load(&bench->settings, path, &(struct recipe_options){0}, bench->arena, &recipe, &err));
	permission_needs_init(&needs);
	needs_of_recipe(&bench->settings, recipe, &scope, &needs);
	return permissions_policy(&needs);
}

static bool speaks_of(const struct tree *policy, const char *text)
{
	_cleanup_(str_free) struct str json = STR_INIT;

	tree_to_json(policy, &json);
	return strstr(json.data, text);
}

/* What only that feature brings into the policy. */
static void each_feature_brings_its_own(void **state)
{
	static const struct {
		struct recipe_text with;
		const char *brings[4];
	} features[] = {
		{{.rest = SOURCE "verify: false\ndistribute: {regions: {eu-west-1: {}}}\n"},
		 {"ec2:CopyImage", "arn:aws:ec2:eu-west-1::snapshot/*", "\"CopyImage\""}},
		{{.rest = SOURCE "verify: false\ndistribute: {share: {accounts: [\"123456789012\"]}}\n"},
		 {"ec2:ModifyImageAttribute", "ec2:DescribeImageAttribute"}},
		{{.rest = SOURCE "verify: false\ndistribute: {share: {organization: true}}\n",
		  .volume = ", kms_key: alias/k"},
		 {"organizations:DescribeOrganization", "ec2:ModifyImageAttribute"}},
		{{.image = ", imds: v2.0"}, {"ec2:ModifyImageAttribute"}},
		{{.image = ", deprecate_after: 90d"}, {"ec2:EnableImageDeprecation"}},
		{{.rest = SOURCE "verify: false\npublish: {channel: candidate}\n"},
		 {"ssm:PutParameter", "ssm:GetParameter",
		  "arn:aws:ssm:us-east-1:111122223333:parameter/bakery/web/candidate/metadata"}},
		{{.rest = "source: {ssm: /aws/service/debian/release/12/latest/amd64}\nverify: false\n"},
		 {"ssm:GetParameter", "arn:aws:ssm:us-east-1::parameter/aws/service/debian/release/12/latest/amd64"}},
		{{.rest = "source: {ssm: /ours/base}\nverify: false\n"},
		 {"ssm:GetParameter", "arn:aws:ssm:us-east-1:111122223333:parameter/ours/base"}},
		{{.rest = "source: {recipe: {name: base, channel: approved}}\nverify: false\n"},
		 {"ssm:GetParameter", "arn:aws:ssm:us-east-1:111122223333:parameter/bakery/base/approved"}},
		{{.rest = "source: {id: ami-0123456789abcdef0}\nverify: {}\n"},
		 {"arn:aws:ec2:us-east-1::image/ami-0123456789abcdef0", "LaunchOwnImage"}},
		{{.volume = ", kms_key: alias/bakery"},
		 {"arn:aws:kms:us-east-1:111122223333:key/*", "\"kms:ResourceAliases\":[\"alias/bakery\"]",
		  "\"kms:ViaService\":[\"ec2.us-east-1.amazonaws.com\"]", "kms:GrantIsForAWSResource"}},
		{{.volume = ", kms_key: \"arn:aws:kms:us-east-1:444455556666:alias/x\""},
		 {"arn:aws:kms:us-east-1:444455556666:key/*", "\"alias/x\""}},
		{{.volume = ", kms_key: 1234abcd-12ab-34cd-56ef-1234567890ab"},
		 {"arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab", "kms:CreateGrant"}},
		{{.launch = ", iam_instance_profile: builder"}, {"iam:PassRole", "\"iam:PassedToService\""}},
		{{.launch = ", temporary_profile: {managed_policies: "
			    "[\"arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore\"]}"},
		 {"iam:CreateRole", "iam:AttachRolePolicy",
		  "arn:aws:iam::111122223333:instance-profile/bakery-20*-build-????",
		  "\"arn:aws:iam::111122223333:role/bakery-20*-build-????\""}},
		{{.connect = ", bastion: {host: jump, user: jump}"}, {"ec2:DescribeVpcs"}},
		{{.launch = ", market: spot"},
		 {"iam:CreateServiceLinkedRole", "role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot"}},
		{{.launch = ", subnets: {ids: [subnet-0123456789abcdef0]}"}, {"subnet/subnet-0123456789abcdef0"}},
		{{.launch = ", security_groups: [sg-0123456789abcdef0], subnets: {ids: [subnet-0123456789abcdef0]}"},
		 {"security-group/sg-0123456789abcdef0"}},
		{{.rest = SOURCE
		  "verify: false\ndistribute: {share: {accounts: [\"123456789012\"], consumer_role: look, "
		  "snapshots: true}}\n"},
		 {"arn:aws:iam::123456789012:role/look", "ec2:ModifySnapshotAttribute",
		  "ec2:DescribeSnapshotAttribute"}},
		{{.image = ", deregistration_protection: {enabled: true}"},
		 {"ec2:EnableImageDeregistrationProtection", "ec2:DisableImageDeregistrationProtection"}},
		{{.region = "cn-north-1"}, {"arn:aws-cn:ec2:cn-north-1:111122223333:instance/*"}},
	};
	struct bench *bench = *state;
	_cleanup_(tree_freep) struct tree *plain = policy_of(bench, (struct recipe_text){0}, false);

	for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
		_cleanup_(tree_freep) struct tree *policy = policy_of(bench, features[i].with, false);
		for (size_t k = 0; k < ARRAY_SIZE(features[i].brings) && features[i].brings[k]; k++) {
			if (!speaks_of(policy, features[i].brings[k]))
				fail_msg("feature %zu: the policy does not speak of %s", i, features[i].brings[k]);
			if (speaks_of(plain, features[i].brings[k]))
				fail_msg("a plain recipe's policy speaks of %s", features[i].brings[k]);
		}
	}
}

static void each_feature_left_out_takes_its_own(void **state)
{
	struct bench *bench = *state;
	_cleanup_(tree_freep) struct tree *plain = policy_of(bench, (struct recipe_text){0}, false);
	_cleanup_(tree_freep) struct tree *own_group =
		policy_of(bench,
			  (struct recipe_text){.launch = ", security_groups: [sg-0123456789abcdef0], subnets: {ids: "
							 "[subnet-0123456789abcdef0]}"},
			  false);
	static const char *const gone[] = {"ec2:CreateSecurityGroup", "ec2:AuthorizeSecurityGroupIngress",
					   "ec2:DeleteSecurityGroup", "vpc/*", "ec2:DescribeSecurityGroups"};

	for (size_t i = 0; i < ARRAY_SIZE(gone); i++) {
		assert_true(speaks_of(plain, gone[i]));
		assert_false(speaks_of(own_group, gone[i]));
	}
}

static void any_account_is_a_star(void **state)
{
	struct bench *bench = *state;
	_cleanup_(permission_needs_free) struct permission_needs needs;
	_cleanup_(tree_freep) struct tree *policy = NULL, *unused = policy_of(bench, (struct recipe_text){0}, false);
	_cleanup_(freep) char *path = path_join(bench->folder, "web.yaml");
	struct needs_scope scope = {0};
	struct recipe *recipe;
	struct error err = {0};

	assert_works(recipe_load(&bench->settings, path, &(struct recipe_options){0}, bench->arena, &recipe, &err));
	permission_needs_init(&needs);
	needs_of_recipe(&bench->settings, recipe, &scope, &needs);
	policy = permissions_policy(&needs);
	assert_true(speaks_of(policy, "arn:aws:ec2:us-east-1:*:instance/*"));
}

/* A job that only cleans up: all regions, only the project's, and nothing that makes anything. */
static void gc_has_a_policy_of_its_own(void **state)
{
	struct bench *bench = *state;
	_cleanup_(permission_needs_free) struct permission_needs needs;
	_cleanup_(tree_freep) struct tree *policy = NULL;

	permission_needs_init(&needs);
	needs_of_gc(&bench->settings, &(struct needs_scope){.account = "111122223333"}, bench->arena, &needs);
	policy = permissions_policy(&needs);
	assert_true(speaks_of(policy, "ec2:DeleteVolume"));
	assert_true(speaks_of(policy, "arn:aws:ec2:*:111122223333:instance/*"));
	assert_true(speaks_of(policy, "arn:aws:ssm:*:111122223333:parameter/bakery/*"));
	assert_true(speaks_of(policy, "\"aws:ResourceTag/bakery:project\":[\"shop\"]"));
	assert_false(speaks_of(policy, "RunInstances"));
	assert_false(speaks_of(policy, "PutParameter"));
	assert_false(speaks_of(policy, "sts:AssumeRole"));
	assert_false(speaks_of(policy, "aws:RequestedRegion"));
}

static struct tree *gc_policy(struct bench *bench, struct fleet fleet)
{
	_cleanup_(permission_needs_free) struct permission_needs needs;

	bench->settings.fleet = fleet;
	permission_needs_init(&needs);
	needs_of_gc(&bench->settings, &(struct needs_scope){.account = "111122223333"}, bench->arena, &needs);
	return permissions_policy(&needs);
}

static void gc_may_take_its_role_in_the_accounts_of_the_fleet(void **state)
{
	const char *all = "organization", *one = "222233334444";
	_cleanup_(tree_freep) struct tree *of_one = gc_policy(*state, (struct fleet){{&one, 1}, {0}, "sweeper"});
	_cleanup_(tree_freep) struct tree *of_all = gc_policy(*state, (struct fleet){{&all, 1}, {0}, "sweeper"});

	assert_true(speaks_of(of_one, "arn:aws:iam::222233334444:role/sweeper"));
	assert_false(speaks_of(of_one, "organizations:ListAccounts"));
	assert_true(speaks_of(of_all, "arn:aws:iam::*:role/sweeper"));
	assert_true(speaks_of(of_all, "organizations:ListAccounts"));
}

int main(void)
{
#define bench_test(function) cmocka_unit_test_setup_teardown(function, bench_setup, bench_teardown)
	const struct CMUnitTest tests[] = {
		bench_test(each_feature_brings_its_own),
		bench_test(each_feature_left_out_takes_its_own),
		bench_test(any_account_is_a_star),
		bench_test(gc_has_a_policy_of_its_own),
		bench_test(gc_may_take_its_role_in_the_accounts_of_the_fleet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
