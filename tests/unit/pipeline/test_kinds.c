/* SPDX-License-Identifier: Apache-2.0
 *
 * Dropping an image: its protection goes first, its snapshots last; what is gone already is dropped. EC2 is played
 * here.
 */
#include "../../lib/check.h"
#include "bakery/mem.h"
#include "loopback.h"
#include "src/aws/aws_private.h"
#include "src/pipeline/pipeline.h"

struct world {
	struct loopback *server;
	struct aws *aws;
	struct build_context context;
	struct build build;
	int hidden;		/* so many questions are answered as if it were not there */
	const char *protection; /* NULL: there is no image */
	const char *refusal;	/* of DeregisterImage, or NULL */
	const char *snapshot_refusal;
	const char *in_use;   /* by which image snap-1 is in use, or NULL */
	const char *named;    /* the image that the build's parameter names, or NULL */
	const char *prefixed; /* the image that one under the prefix names, or NULL */
	bool denied;	      /* whatever changes something */
	bool terminated;
	const char *vanished;	   /* what descriptions are answered with then; NULL: it is there */
	const char *launched_with; /* client token of i-1 */
	int busy;		   /* so many times the group cannot go yet */
	struct plan plan;
	struct str actions;
};

static void refuse(struct str *reply, const char *code)
{
	_cleanup_(freep) char *text =
		mem_printf("<Response><Errors><Error><Code>%s</Code><Message>No.</Message></Error>"
			   "</Errors><RequestID>1</RequestID></Response>",
			   code);

	loopback_reply(reply, 400, "text/xml", "", text);
}

static void describe(const struct world *world, struct str *reply)
{
	_cleanup_(freep) char *text = mem_printf(
		"<DescribeImagesResponse><imagesSet><item><imageId>ami-1</imageId><deregistrationProtection>%s"
		"</deregistrationProtection><blockDeviceMapping><item><ebs><snapshotId>snap-1</snapshotId></ebs></item>"
		"</blockDeviceMapping></item></imagesSet></DescribeImagesResponse>",
		world->protection);

	loopback_reply(reply, 200, "text/xml", "", text);
}

static bool is(const char *action, size_t length, const char *name)
{
	return length == strlen(name) && !strncmp(action, name, length);
}

static void users(const struct world *world, struct str *reply)
{
	_cleanup_(freep) char *text =
		mem_printf("<DescribeImagesResponse><imagesSet><item><imageId>%s</imageId></item></imagesSet>"
			   "</DescribeImagesResponse>",
			   world->in_use);

	loopback_reply(reply, 200, "text/xml", "", text);
}

static void instances(const struct world *world, struct str *reply)
{
	_cleanup_(freep) char *text = mem_printf(
		"<DescribeInstancesResponse><reservationSet><item><instancesSet><item><instanceId>i-1</instanceId>"
		"<clientToken>%s</clientToken></item></instancesSet></item></reservationSet></"
		"DescribeInstancesResponse>",
		world->launched_with);

	loopback_reply(reply, 200, "text/xml", "", text);
}

/* Parameter Store speaks JSON. */
static bool parameter_answer(struct world *world, const struct loopback_request *request, struct str *reply)
{
	bool by_path = strstr(request->head, "AmazonSSM.GetParametersByPath");
	const char *value = by_path ? world->prefixed : world->named;
	_cleanup_(freep) char *parameter = mem_printf("{\"Name\":\"/shop/web/%s\",\"Value\":\"%s\"}",
						      by_path ? "prod" : "candidate", value ? value : "");
	_cleanup_(freep) char *text =
		by_path ? mem_printf("{\"Parameters\":[%s]}", parameter) : mem_printf("{\"Parameter\":%s}", parameter);

	if (!strstr(request->head, "AmazonSSM."))
		return false;
	str_add(&world->actions, by_path ? "GetParametersByPath " : "GetParameter ");
	if (value)
		loopback_reply(reply, 200, "application/x-amz-json-1.1", "", text);
	else
		loopback_reply(reply, 400, "application/x-amz-json-1.1", "",
			       by_path ? "{\"__type\":\"AccessDeniedException\",\"Message\":\"No.\"}"
				       : "{\"__type\":\"ParameterNotFound\"}");
	return true;
}

static enum loopback_after answer(void *cookie, const struct loopback_request *request, struct str *reply)
{
	struct world *world = cookie;
	const char *action = request->body + strlen("Action=");
	size_t length = strcspn(action, "&");

	if (parameter_answer(world, request, reply))
		return LOOPBACK_KEEP;
	str_add_n(&world->actions, action, length);
	str_add_char(&world->actions, ' ');
	if (world->denied && strncmp(action, "Describe", strlen("Describe")) != 0)
		refuse(reply, "UnauthorizedOperation");
	else if (world->denied && world->vanished)
		refuse(reply, world->vanished);
	else if (world->denied)
		loopback_reply(reply, 200, "text/xml", "",
			       world->terminated ? "<R><reservationSet><item><instancesSet><item><instanceState><name>"
						   "terminated</name></instanceState></item></instancesSet></item>"
						   "</reservationSet></R>"
						 : "<R/>");
	else if (world->launched_with)
		instances(world, reply);
	else if (is(action, length, "DeleteSecurityGroup") && world->busy-- > 0)
		refuse(reply, "DependencyViolation");
	else if (is(action, length, "DeleteSnapshot") && world->in_use)
		refuse(reply, "InvalidSnapshot.InUse");
	else if (is(action, length, "DeleteSnapshot") && world->snapshot_refusal)
		refuse(reply, world->snapshot_refusal);
	else if (strstr(request->body, "block-device-mapping.snapshot-id"))
		users(world, reply);
	else if (!is(action, length, "DeleteSecurityGroup") && (!world->protection || world->hidden-- > 0))
		refuse(reply, "InvalidAMIID.NotFound");
	else if (!strncmp(action, "DescribeImages", length))
		describe(world, reply);
	else if (world->refusal && !strncmp(action, "DeregisterImage", length))
		refuse(reply, world->refusal);
	else
		loopback_reply(reply, 200, "text/xml", "", "<R><return>true</return></R>");
	return LOOPBACK_KEEP;
}

static int world_setup(void **state)
{
	struct world *world = mem_alloc(sizeof(*world));
	struct error err = {0};

	world->actions = (struct str)STR_INIT;
	world->server = loopback_start(answer, world);
	assert_works(aws_open(&(struct aws_options){.region = "us-east-1",
						    .endpoint = loopback_url(world->server),
						    .access_key = "AKIA",
						    .secret_key = "s"},
			      &world->aws, &err));
	world->build.aws = world->aws;
	world->aws->is_told = true;
	world->build.context = &world->context;
	world->build.plan = &world->plan;
	world->context.settle_s = 30;
	stop_init(&world->build.stop);
	*state = world;
	return 0;
}

static int world_teardown(void **state)
{
	struct world *world = *state;

	stop_close(&world->build.stop);
	aws_close(world->aws);
	loopback_stop(world->server);
	str_free(&world->actions);
	free(world);
	return 0;
}

static const struct hold hold = {.region = "us-east-1", .id = "ami-1"};

static void an_image_goes_before_its_snapshots(void **state)
{
	struct world *world = *state;
	struct error err = {0};

	world->protection = "disabled";
	assert_works(held_image.drop(&world->build, &hold, &err));
	assert_string_equal(world->actions.data, "DescribeImages DeregisterImage DeleteSnapshot ");
}

static void its_protection_goes_first(void **state)
{
	struct world *world = *state;
	struct error err = {0};

	world->protection = "enabled-without-cooldown";
	assert_works(held_copy.drop(&world->build, &hold, &err));
	assert_string_equal(world->actions.data,
			    "DescribeImages DisableImageDeregistrationProtection DeregisterImage DeleteSnapshot ");
}

static void a_cool_down_is_explained(void **state)
{
	struct world *world = *state;
	struct error err = {0};

	world->protection = "enabled-with-cooldown";
	world->refusal = "OperationNotPermitted";
	assert_false(held_image.drop(&world->build, &hold, &err));
	assert_non_null(strstr(err.text, "24 h"));
	assert_null(strstr(world->actions.data, "DeleteSnapshot"));
}

static void gone_already_is_dropped(void **state)
{
	struct world *world = *state;
	struct error err = {0};

	assert_works(held_image.drop(&world->build, &hold, &err));
	assert_string_equal(world->actions.data, "DescribeImages ");
	world->protection = "disabled";
	world->refusal = "InvalidAMIID.Unavailable";
	assert_works(held_image.drop(&world->build, &hold, &err));
}

/* What EC2 does not show so soon after it was made is not gone. */
static void a_young_one_is_waited_for(void **state)
{
	struct world *world = *state;
	const struct hold young = {.region = "us-east-1", .id = "ami-1", .since_ms = clock_wall_ms()};
	struct error err = {0};

	world->protection = "disabled";
	world->hidden = 2;
	assert_works(held_image.drop(&world->build, &young, &err));
	assert_string_equal(world->actions.data,
			    "DescribeImages DescribeImages DescribeImages DeregisterImage DeleteSnapshot ");
}

static void time_to_settle_is_bounded(void **state)
{
	struct world *world = *state;
	int64_t now_ms = clock_wall_ms();

	assert_int_equal(build_unsettled_s(&world->build, &(struct hold){.since_ms = now_ms - 31000}), 0);
	assert_int_equal(build_unsettled_s(&world->build, &(struct hold){.since_ms = now_ms + 3600000}), 30);
	assert_in_range(build_unsettled_s(&world->build, &(struct hold){.since_ms = now_ms - 10000}), 15, 20);
	world->context.settle_s = 0;
	assert_int_equal(build_settle_s(&world->build), 60);
}

/* What decides is AWS's time: with this host's clock two hours ahead, what was made just now would look old. */
static void a_wrong_clock_ages_nothing(void **state)
{
	struct world *world = *state;
	const struct hold made_now = {.since_ms = clock_wall_ms()};

	for (int64_t hours = -2; hours <= 2; hours += 4) {
		world->aws->host_less_boot_ms += hours * 3600000;
		world->aws->told_ahead_ms = -hours * 3600000;
		assert_in_range(build_unsettled_s(&world->build, &made_now), 29, 30);
		world->aws->host_less_boot_ms -= hours * 3600000;
	}
	world->aws->told_ahead_ms = 0;
	world->aws->is_told = false;
	assert_int_equal(build_unsettled_s(&world->build, &(struct hold){.since_ms = 1000}), 30);
}

/* Somebody registered an image of their own with it: it is theirs now. */
static void a_snapshot_in_use_stays(void **state)
{
	struct world *world = *state;
	struct error err = {0};

	world->protection = "disabled";
	world->in_use = "ami-2";
	assert_works(held_image.drop(&world->build, &hold, &err));
	assert_string_equal(world->actions.data, "DescribeImages DeregisterImage DeleteSnapshot DescribeImages ");
}

static void a_snapshot_that_stays_is_told(void **state)
{
	struct world *world = *state;
	struct error err = {0};

	world->protection = "disabled";
	world->snapshot_refusal = "UnauthorizedOperation";
	assert_fails(held_image.drop(&world->build, &hold, &err), ERROR_DENIED, "its snapshot snap-1 is left behind");
	assert_string_equal(err.code, "ImageGone");
}

/* What the ledger calls unfinished may have been published by a newer copy of the database. */
static void a_published_image_stays(void **state)
{
	struct world *world = *state;
	struct error err = {0};

	world->protection = "disabled";
	world->plan.publish.parameter = "/shop/web/candidate";
	world->named = "ami-1";
	assert_fails(held_image.drop(&world->build, &hold, &err), ERROR_CONFLICT, "/shop/web/candidate names it");
	assert_string_equal(world->actions.data, "GetParameter ");
	world->named = "ami-2";
	assert_works(held_image.drop(&world->build, &hold, &err));
	world->named = NULL; /* nothing was published yet */
	assert_works(held_image.drop(&world->build, &hold, &err));
}

static void gc_asks_for_all_parameters(void **state)
{
	struct world *world = *state;
	struct error err = {0};

	world->protection = "disabled";
	world->context.parameter_prefix = "/shop";
	world->prefixed = "ami-1";
	assert_fails(held_copy.drop(&world->build, &hold, &err), ERROR_CONFLICT, "/shop/web/prod names it");
	world->prefixed = "ami-2";
	assert_works(held_copy.drop(&world->build, &hold, &err));
	world->prefixed = NULL; /* denied */
	assert_fails(held_copy.drop(&world->build, &hold, &err), ERROR_DENIED, "whether it is published");
	world->plan.publish.parameter = "/shop/web/candidate";
	world->named = "ami-1";
	assert_fails(held_copy.drop(&world->build, &hold, &err), ERROR_CONFLICT, "/shop/web/candidate names it");
}

/* By a policy that wants tags, which what is gone has no more. */
static void what_is_gone_may_be_denied(void **state)
{
	struct world *world = *state;
	const struct hold group = {.region = "us-east-1", .id = "sg-1"},
			  instance = {.region = "us-east-1", .id = "i-1"};
	struct error err = {0};

	world->denied = true;
	world->vanished = "InvalidGroup.NotFound";
	assert_works(held_security_group.drop(&world->build, &group, &err));
	world->vanished = "InvalidInstanceID.NotFound";
	assert_works(held_instance.drop(&world->build, &instance, &err));
	world->vanished = NULL;
	world->terminated = true; /* an hour long it is described all the same */
	assert_works(held_instance.drop(&world->build, &instance, &err));
	world->terminated = false;
	assert_false(held_security_group.drop(&world->build, &group, &err));
	assert_int_equal(err.kind, ERROR_DENIED);
	err = (struct error){0};
	assert_false(held_instance.drop(&world->build, &instance, &err));
	assert_int_equal(err.kind, ERROR_DENIED);
}

static void another_prefix_hides_nothing(void **state)
{
	struct world *world = *state;
	struct error err = {0};

	world->protection = "disabled";
	world->context.parameter_prefix = "/sho"; /* gc was begun in another project, which shares the database */
	world->prefixed = "ami-2";
	world->plan.publish.parameter = "/shop/web/candidate";
	world->named = "ami-1";
	assert_fails(held_image.drop(&world->build, &hold, &err), ERROR_CONFLICT, "/shop/web/candidate names it");
	world->context.parameter_prefix = "/shop";
	str_clear(&world->actions);
	assert_works(held_image.drop(&world->build, &hold, &err)); /* GetParametersByPath has seen it */
	assert_null(strstr(world->actions.data, "GetParameter "));
}

static void tags_alone_make_no_instance_ours(void **state)
{
	struct world *world = *state;
	const struct hold intended = {.region = "us-east-1", .token = "bakery-b1-build-5e6f"};
	struct error err = {0};
	char id[ID_SIZE] = "";

	world->launched_with = "by-hand";
	assert_works(held_instance.find(&world->build, &intended, id, &err));
	assert_string_equal(id, "");
	world->launched_with = "bakery-b1-build-5e6f-1-0";
	assert_works(held_instance.find(&world->build, &intended, id, &err));
	assert_string_equal(id, "i-1");
}

static void a_group_waits_for_its_last_interface(void **state)
{
	struct world *world = *state;
	const struct hold group = {.region = "us-east-1", .id = "sg-1"};
	struct error err = {0};

	world->busy = 1;
	assert_works(held_security_group.drop(&world->build, &group, &err));
	assert_string_equal(world->actions.data, "DeleteSecurityGroup DeleteSecurityGroup ");
}

#define world_test(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(an_image_goes_before_its_snapshots), world_test(its_protection_goes_first),
		world_test(a_cool_down_is_explained),		world_test(gone_already_is_dropped),
		world_test(a_wrong_clock_ages_nothing),		world_test(a_young_one_is_waited_for),
		world_test(time_to_settle_is_bounded),		world_test(a_snapshot_in_use_stays),
		world_test(a_snapshot_that_stays_is_told),	world_test(a_published_image_stays),
		world_test(gc_asks_for_all_parameters),		world_test(a_group_waits_for_its_last_interface),
		world_test(what_is_gone_may_be_denied),		world_test(another_prefix_hides_nothing),
		world_test(tags_alone_make_no_instance_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
