/* SPDX-License-Identifier: Apache-2.0
 *
 * What is told of a recipe's keys before anything starts; KMS is played here. */
#include "../../lib/check.h"
#include "bakery/mem.h"
#include "loopback.h"
#include "src/plan/facts_private.h"

struct bench {
	struct loopback *server;
	struct arena *arena;
	struct recipe recipe;
	struct facts facts;
	const char *metadata; /* of DescribeKey, behind the ARN */
	const char *policy;   /* of GetKeyPolicy; NULL: refused */
	int asked;
};

static enum loopback_after answer(void *cookie, const struct loopback_request *request, struct str *reply)
{
	struct bench *bench = cookie;
	_cleanup_(freep) char *text = NULL;

	__atomic_add_fetch(&bench->asked, 1, __ATOMIC_RELAXED);
	if (strstr(request->head, "TrentService.GetKeyPolicy") && !bench->policy)
		loopback_reply(reply, 400, "application/x-amz-json-1.1", "",
			       "{\"__type\":\"AccessDeniedException\",\"message\":\"not you\"}");
	else if (strstr(request->head, "TrentService.GetKeyPolicy"))
		loopback_reply(reply, 200, "application/x-amz-json-1.1", "", bench->policy);
	else if (!bench->metadata)
		loopback_reply(reply, 400, "application/x-amz-json-1.1", "",
			       "{\"__type\":\"NotFoundException\",\"message\":\"Alias is not found.\"}");
	else {
		text = mem_printf(
			"{\"KeyMetadata\":{\"KeyId\":\"k\",\"Arn\":\"arn:aws:kms:us-east-1:111122223333:key/k\",%s}}",
			bench->metadata);
		loopback_reply(reply, 200, "application/x-amz-json-1.1", "", text);
	}
	return LOOPBACK_KEEP;
}

static int bench_setup(void **state)
{
	static const struct region_wish wishes[] = {{"alias/bakery"}};
	static const char *regions[] = {"eu-west-1"};
	struct bench *bench = mem_alloc(sizeof(*bench));

	bench->arena = arena_new();
	bench->server = loopback_start(answer, bench);
	bench->facts = (struct facts){.account = "111122223333", .region = "us-east-1"};
	bench->recipe.launch.root_volume = (struct root_volume){.encrypted = true, .kms_key = "alias/bakery"};
	bench->recipe.distribute.regions = (struct struct_map){regions, (void *)wishes, 1};
	*state = bench;
	return 0;
}

static int bench_teardown(void **state)
{
	struct bench *bench = *state;

	loopback_stop(bench->server);
	arena_free(bench->arena);
	free(bench);
	return 0;
}

static void look(struct bench *bench)
{
	_cleanup_(aws_closep) struct aws *aws = NULL; /* a new one remembers no answers */
	struct aws_options options = {.region = "us-east-1",
				      .endpoint = loopback_url(bench->server),
				      .access_key = "AKIA",
				      .secret_key = "s"};
	struct gather gather = {NULL, NULL, &bench->recipe, bench->arena, &bench->facts};
	struct error err = {0};

	bench->facts.faults = bench->facts.notes = (struct text_list){0};
	bench->asked = 0;
	assert_works(aws_open(&options, &aws, &err));
	gather.aws = aws;
	assert_works(keys_find(&gather, &err));
}

static void assert_says(const struct text_list *list, size_t count, size_t index, const char *text)
{
	assert_int_equal(list->count, count);
	if (!strstr(list->items[index], text))
		fail_msg("\"%s\" is not in: %s", text, list->items[index]);
}

static void share_with(struct bench *bench)
{
	static const char *accounts[] = {"210987654321"};

	bench->recipe.distribute.share.accounts = (struct text_list){accounts, 1};
}

#define GOOD                                                                                                           \
	"\"AWSAccountId\":\"111122223333\",\"KeyState\":\"Enabled\",\"KeyManager\":\"CUSTOMER\","                      \
	"\"KeySpec\":\"SYMMETRIC_DEFAULT\",\"KeyUsage\":\"ENCRYPT_DECRYPT\""

static void a_good_key_is_not_worth_a_word(void **state)
{
	struct bench *bench = *state;

	bench->metadata = GOOD;
	look(bench);
	assert_int_equal(bench->facts.faults.count + bench->facts.notes.count, 0);
	assert_int_equal(bench->asked, 2);
	bench->recipe = (struct recipe){0};
	look(bench);
	assert_int_equal(bench->asked, 0);
}

static void a_key_that_is_not_there_is_told_for_each_region(void **state)
{
	struct bench *bench = *state;

	look(bench);
	assert_says(&bench->facts.faults, 2, 0,
		    "launch.root_volume.kms_key: alias/bakery in us-east-1: there is no such");
	assert_says(&bench->facts.faults, 2, 1, "distribute.regions.eu-west-1.kms_key: alias/bakery in eu-west-1");
}

static void a_key_in_a_bad_state(void **state)
{
	struct bench *bench = *state;

	bench->metadata = "\"AWSAccountId\":\"111122223333\",\"KeyState\":\"Disabled\"";
	look(bench);
	assert_says(&bench->facts.faults, 2, 0, "the key is Disabled; enable it");
	bench->metadata = "\"AWSAccountId\":\"111122223333\",\"KeyState\":\"PendingDeletion\"";
	look(bench);
	assert_says(&bench->facts.faults, 2, 1, "about to be deleted");
	bench->metadata = "\"AWSAccountId\":\"111122223333\",\"KeySpec\":\"RSA_2048\",\"KeyUsage\":\"SIGN_VERIFY\"";
	look(bench);
	assert_says(&bench->facts.faults, 2, 0,
		    "only symmetric keys that encrypt and decrypt; this one is RSA_2048, SIGN_VERIFY");
}

static void what_is_shared_needs_a_key_of_ones_own(void **state)
{
	struct bench *bench = *state;

	bench->metadata = "\"AWSAccountId\":\"111122223333\",\"KeyManager\":\"AWS\"";
	look(bench);
	assert_int_equal(bench->facts.faults.count, 0);
	share_with(bench);
	look(bench);
	assert_says(&bench->facts.faults, 2, 0, "managed by AWS");
	bench->metadata = "\"AWSAccountId\":\"999988887777\"";
	look(bench);
	assert_int_equal(bench->facts.faults.count, 0);
	assert_says(&bench->facts.notes, 2, 0, "it belongs to account 999988887777");
	assert_int_equal(bench->asked, 2); /* another account's policy cannot be read */
}

static void the_policy_is_read_when_the_image_is_shared(void **state)
{
	struct bench *bench = *state;

	bench->metadata = GOOD;
	share_with(bench);
	look(bench);
	assert_int_equal(bench->facts.faults.count, 0);
	assert_says(&bench->facts.notes, 2, 0, "its policy could not be read");
	bench->policy = "{\"Policy\":\"{\\\"Statement\\\":[]}\"}";
	look(bench);
	assert_says(&bench->facts.notes, 2, 1,
		    "key alias/bakery in eu-west-1: no statement of its key policy admits account 210987654321");
	bench->policy = "{\"Policy\":\"{\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\",\\\"Principal\\\":\\\"*\\\","
			"\\\"Action\\\":"
			"[\\\"kms:Decrypt\\\",\\\"kms:D*\\\",\\\"kms:G*\\\",\\\"kms:ReEncrypt*\\\"]}]}\"}";
	look(bench);
	assert_says(&bench->facts.notes, 2, 0, "does not give account 210987654321 kms:CreateGrant");
	bench->policy = "{\"Policy\":\"no JSON\"}";
	look(bench);
	assert_says(&bench->facts.notes, 2, 0, "its policy could not be read");
}

#define bench_test(test) cmocka_unit_test_setup_teardown(test, bench_setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		bench_test(a_good_key_is_not_worth_a_word),
		bench_test(a_key_that_is_not_there_is_told_for_each_region),
		bench_test(a_key_in_a_bad_state),
		bench_test(what_is_shared_needs_a_key_of_ones_own),
		bench_test(the_policy_is_read_when_the_image_is_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
