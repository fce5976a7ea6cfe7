/* SPDX-License-Identifier: Apache-2.0
 *
 * Facts from an AWS of a few images and parameters: which source image is taken, which are passed over or refused and
 * in which words, what is told of it, and the subnets. */
#include "../../lib/check.h"
#include "bakery/clock.h"
#include "bakery/file.h"
#include "bakery/plan.h"
#include "loopback.h"

#define PAST "2020-05-01T00:00:00.000Z"
#define FUTURE "2099-05-01T00:00:00.000Z"

struct image_row {
	const char *id, *name, *created;
	const char *state, *architecture; /* NULL: available, x86_64 */
	const char *owner, *deprecation;  /* NULL: ours, never */
	const char *more;		  /* XML */
};

struct cloud {
	const struct image_row *images; /* ends with a NULL id */
	const char *value;		/* of every parameter; NULL: there is none */
	const char *subnets;		/* XML */
	int image_looks;
	struct str bodies;
	struct loopback *server;
	struct aws *aws;
	struct arena *arena;
	struct settings settings;
	struct recipe recipe;
	struct source_ami ami;
	struct source_recipe parent;
	struct facts facts;
};

static const char ours[] = "111122223333";

static bool has(const char *body, const char *text)
{
	return strstr(body, text) != NULL;
}

static bool is_asked(const struct image_row *row, const char *body)
{
	const char *state = row->state ? row->state : "available";

	if ((has(body, "ImageId.1=") || has(body, "=image-id&")) && !has(body, row->id))
		return false;
	if (has(body, "=available") && !str_eq(state, "available"))
		return false;
	if (str_eq(state, "disabled") && !has(body, "IncludeDisabled=true"))
		return false;
	return !has(body, "=architecture&") || has(body, row->architecture ? row->architecture : "x86_64");
}

static void image_add(struct str *xml, const struct image_row *row)
{
	str_addf(xml,
		 "<item><imageId>%s</imageId><name>%s</name><creationDate>%s</creationDate><imageState>%s</imageState>"
		 "<architecture>%s</architecture><imageOwnerId>%s</imageOwnerId><rootDeviceName>/dev/xvda"
		 "</rootDeviceName><blockDeviceMapping><item><deviceName>/dev/xvda</deviceName><ebs><volumeSize>8"
		 "</volumeSize></ebs></item></blockDeviceMapping>",
		 row->id, row->name, row->created, row->state ? row->state : "available",
		 row->architecture ? row->architecture : "x86_64", row->owner ? row->owner : ours);
	if (row->deprecation)
		str_addf(xml, "<deprecationTime>%s</deprecationTime>", row->deprecation);
	str_addf(xml, "%s</item>", row->more ? row->more : "");
}

static void answer_images(struct cloud *cloud, const char *body, struct str *reply)
{
	_cleanup_(str_free) struct str xml = STR_INIT;

	cloud->image_looks++;
	str_add(&xml, "<DescribeImagesResponse><imagesSet>");
	for (const struct image_row *row = cloud->images; row && row->id; row++) {
		if (is_asked(row, body))
			image_add(&xml, row);
	}
	str_add(&xml, "</imagesSet></DescribeImagesResponse>");
	loopback_reply(reply, 200, "text/xml", "", xml.data);
}

static void answer_parameter(struct cloud *cloud, struct str *reply)
{
	_cleanup_(tree_freep) struct tree *document = tree_new_object();
	_cleanup_(str_free) struct str json = STR_INIT;
	struct tree *parameter;

	if (!cloud->value) {
		loopback_reply(reply, 400, "application/x-amz-json-1.1", "",
			       "{\"__type\":\"ParameterNotFound\",\"message\":\"\"}");
		return;
	}
	parameter = tree_set_object(document, "Parameter");
	tree_set_text(parameter, "Value", cloud->value);
	tree_set_int(parameter, "Version", 3);
	tree_to_json(document, &json);
	loopback_reply(reply, 200, "application/x-amz-json-1.1", "", json.data);
}

static enum loopback_after answer(void *cookie, const struct loopback_request *request, struct str *reply)
{
	struct cloud *cloud = cookie;
	_cleanup_(str_free) struct str xml = STR_INIT;
	const char *body = request->body;

	str_addf(&cloud->bodies, "%s\n", body);
	if (has(body, "Action=GetCallerIdentity"))
		str_addf(&xml,
			 "<R><GetCallerIdentityResult><Account>%s</Account><Arn>arn:aws:iam::%s:user/x</Arn><UserId>A"
			 "</UserId></GetCallerIdentityResult></R>",
			 ours, ours);
	else if (has(body, "Action=DescribeSubnets"))
		str_addf(&xml, "<R><subnetSet>%s</subnetSet></R>", cloud->subnets);
	else if (has(body, "Action=DescribeImages"))
		answer_images(cloud, body, reply);
	else
		answer_parameter(cloud, reply);
	if (xml.len)
		loopback_reply(reply, 200, "text/xml", "", xml.data);
	return LOOPBACK_KEEP;
}

#define SUBNET(id, vpc, zone, left)                                                                                    \
	"<item><subnetId>" id "</subnetId><vpcId>" vpc "</vpcId><availabilityZone>" zone                               \
	"</availabilityZone><availableIpAddressCount>" left "</availableIpAddressCount></item>"

static int cloud_setup(void **state)
{
	static const char *types[] = {"m5.large"}, *owners[] = {"111122223333"};
	struct cloud *cloud = calloc(1, sizeof(*cloud));
	struct error err = {0};

	cloud->bodies = (struct str)STR_INIT;
	cloud->arena = arena_new();
	cloud->server = loopback_start(answer, cloud);
	cloud->subnets = SUBNET("subnet-1", "vpc-1", "us-east-1a", "10");
	cloud->settings.parameter_prefix = "/bakery";
	cloud->recipe = (struct recipe){.name = "web", .file = "web.yaml", .launch = {.region = "us-east-1"}};
	cloud->recipe.launch.instance_types = (struct text_list){types, 1};
	cloud->ami = (struct source_ami){.owners = {owners, 1}, .name = "base-*"};
	assert_works(aws_open(&(struct aws_options){.region = "us-east-1",
						    .endpoint = loopback_url(cloud->server),
						    .access_key = "AKID",
						    .secret_key = "secret"},
			      &cloud->aws, &err));
	*state = cloud;
	return 0;
}

static int cloud_teardown(void **state)
{
	struct cloud *cloud = *state;

	aws_close(cloud->aws);
	loopback_stop(cloud->server);
	str_free(&cloud->bodies);
	arena_free(cloud->arena);
	free(cloud);
	return 0;
}

static bool gather(struct cloud *cloud, struct error *err)
{
	*err = (struct error){0};
	return facts_gather(cloud->aws, &cloud->settings, &cloud->recipe, cloud->arena, &cloud->facts, err);
}

static bool gather_ami(struct cloud *cloud, const struct image_row *images, struct error *err)
{
	cloud->images = images;
	cloud->recipe.source = (struct source){.ami = &cloud->ami};
	return gather(cloud, err);
}

static bool gather_id(struct cloud *cloud, const struct image_row *images, const char *id, struct error *err)
{
	cloud->images = images;
	cloud->recipe.source = (struct source){.id = id};
	return gather(cloud, err);
}

static bool gather_parent(struct cloud *cloud, const struct image_row *images, const char *value, struct error *err)
{
	cloud->images = images;
	cloud->value = value;
	cloud->parent = (struct source_recipe){"base", "approved"};
	cloud->recipe.source = (struct source){.recipe = &cloud->parent};
	return gather(cloud, err);
}

static void the_newest_that_can_be_built_on(void **state)
{
	static const struct image_row images[] = {
		{"ami-1", "base-1", "2026-01-01T00:00:00.000Z", .deprecation = FUTURE},
		{"ami-2", "base-2", "2026-02-01T00:00:00.000Z",
		 .more = "<bootMode>uefi</bootMode><tpmSupport>v2.0</tpmSupport><imdsSupport>v2.0</imdsSupport>"
			 "<enaSupport>true</enaSupport><productCodes><item><productCode>abc1</productCode><type>"
			 "marketplace</type></item></productCodes>"},
		{"ami-3", "base-3", "2026-03-01T00:00:00.000Z", .deprecation = PAST},
		{"ami-4", "base-4", "2026-04-01T00:00:00.000Z", .state = "pending"},
		{"ami-5", "base-5", "2026-05-01T00:00:00.000Z", .state = "disabled"},
		{"ami-6", "base-6", "2026-06-01T00:00:00.000Z", .architecture = "arm64"},
		{"ami-7", "base-7", "2026-07-01T00:00:00.000Z",
		 .more = "<rootDeviceType>instance-store</rootDeviceType>"},
		{"ami-8", "base-8", "2026-08-01T00:00:00.000Z",
		 .more = "<virtualizationType>paravirtual</virtualizationType>"},
		{"ami-9", "base-9", "2026-09-01T00:00:00.000Z",
		 .more = "<tagSet><item><key>bakery:revoked</key><value>bad</value></item></tagSet>"},
		{0},
	};
	struct cloud *cloud = *state;
	const struct plan_source *source = &cloud->facts.source;
	struct error err;

	assert_works(gather_ami(cloud, images, &err));
	assert_string_equal(source->ami, "ami-2");
	assert_string_equal(source->boot_mode, "uefi");
	assert_string_equal(source->tpm, "v2.0");
	assert_string_equal(source->imds, "v2.0");
	assert_true(source->ena);
	assert_int_equal(source->product_codes.count, 1);
	assert_string_equal(source->product_codes.items[0], "abc1");
	assert_int_equal(source->size_gib, 8);
	assert_null(source->deprecated);
	assert_int_equal(cloud->image_looks, 1);
	assert_false(has(cloud->bodies.data, "IncludeDeprecated"));
	assert_false(has(cloud->bodies.data, "DescribeVpcs"));
	cloud->ami.include_deprecated = true;
	assert_works(gather_ami(cloud, images, &err));
	assert_string_equal(source->ami, "ami-3");
	assert_string_equal(source->deprecated, PAST);
}

static void two_of_the_same_second(void **state)
{
	static const struct image_row images[] = {
		{"ami-1", "base-b", "2026-01-01T00:00:00.000Z"},
		{"ami-3", "base-a", "2026-01-01T00:00:00.000Z"},
		{"ami-2", "base-b", "2026-01-01T00:00:00.000Z"},
		{0},
	};
	struct cloud *cloud = *state;
	struct error err;

	assert_works(gather_ami(cloud, images, &err));
	assert_string_equal(cloud->facts.source.ami, "ami-2");
}

static void none_that_can(void **state)
{
	static const struct image_row images[] = {
		{"ami-3", "base-3", "2026-03-01T00:00:00.000Z", .deprecation = PAST},
		{"ami-2", "base-2", "2026-02-01T00:00:00.000Z", .deprecation = PAST},
		{"ami-4", "base-4", "2026-04-01T00:00:00.000Z", .state = "pending"},
		{"ami-5", "base-5", "2026-05-01T00:00:00.000Z", .state = "disabled"},
		{"ami-6", "base-6", "2026-06-01T00:00:00.000Z", .architecture = "arm64"},
		{0},
	};
	struct cloud *cloud = *state;
	struct error err;

	assert_fails(gather_ami(cloud, images, &err), ERROR_ABSENT, "owner 111122223333, name base-*");
	assert_non_null(strstr(err.text, "fit 5: 1 disabled, 1 not available (pending or failed), 1 for another "
					 "processor, 2 deprecated"));
	assert_non_null(strstr(err.text, "ami-6 (base-6, 2026-06-01)"));
	assert_non_null(strstr(err.text, "include_deprecated"));
	assert_int_equal(cloud->image_looks, 2);
}

static void none_of_that_name(void **state)
{
	static const struct image_row images[] = {{0}};
	struct error err;

	assert_fails(gather_ami(*state, images, &err), ERROR_ABSENT, "no image of that name");
}

static void a_named_one_must_be_fit(void **state)
{
	static const struct image_row images[] = {
		{"ami-1", "one", "2026-01-01T00:00:00.000Z", .deprecation = PAST},
		{"ami-2", "two", "2026-01-01T00:00:00.000Z", .state = "pending"},
		{"ami-3", "three", "2026-01-01T00:00:00.000Z", .state = "failed",
		 .more = "<stateReason><message>no room</message></stateReason>"},
		{"ami-4", "four", "2026-01-01T00:00:00.000Z", .state = "disabled"},
		{"ami-5", "five", "2026-01-01T00:00:00.000Z", .architecture = "arm64"},
		{"ami-6", "six", "2026-01-01T00:00:00.000Z", .more = "<rootDeviceType>instance-store</rootDeviceType>"},
		{"ami-7", "seven", "2026-01-01T00:00:00.000Z",
		 .more = "<virtualizationType>paravirtual</virtualizationType>"},
		{"ami-8", "eight", "2026-01-01T00:00:00.000Z", .owner = "999988887777"},
		{0},
	};
	struct cloud *cloud = *state;
	struct error err;

	assert_fails(gather_id(cloud, images, "ami-1", &err), ERROR_INVALID, "ami-1 (one) is deprecated since 2020");
	assert_fails(gather_id(cloud, images, "ami-2", &err), ERROR_CONFLICT, "ami-2 is pending");
	assert_fails(gather_id(cloud, images, "ami-3", &err), ERROR_CONFLICT, "ami-3 is failed: no room");
	assert_fails(gather_id(cloud, images, "ami-4", &err), ERROR_CONFLICT, "ami-4 is disabled");
	assert_fails(gather_id(cloud, images, "ami-5", &err), ERROR_INVALID, "names m5.large, which is x86_64");
	assert_fails(gather_id(cloud, images, "ami-6", &err), ERROR_INVALID, "no EBS root volume");
	assert_fails(gather_id(cloud, images, "ami-7", &err), ERROR_INVALID, "paravirtual");
	assert_works(gather_id(cloud, images, "ami-8", &err));
	assert_fails(gather_id(cloud, images, "ami-0", &err), ERROR_ABSENT,
		     "there is no image ami-0 in us-east-1 that account 111122223333 can see");
}

static void a_parameter_names_it(void **state)
{
	static const struct image_row images[] = {{"ami-1", "one", "2026-01-01T00:00:00.000Z"}, {0}};
	static const struct {
		const char *value, *said;
	} cases[] = {
		{"ami-1", NULL},
		{" ami-1\n", NULL},
		{"{\"image_name\":\"al2023\",\"image_id\":\"ami-1\"}", NULL},
		{"{\"image_name\":\"al2023\"}", "which names no image"},
		{"{broken", "which names no image"},
		{"hello", "holds \"hello\""},
		{"ami-9", "parameter /aws/service/x:3: there is no image ami-9"},
		{NULL, "there is no parameter /aws/service/x:3 in us-east-1; `aws ssm get-parameters-by-path"},
	};
	struct cloud *cloud = *state;
	struct error err;

	cloud->images = images;
	cloud->recipe.source = (struct source){.ssm = "/aws/service/x:3"};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		/* Another AWS each time: answers may be shared for a while. */
		struct cloud *fresh = cloud;
		fresh->value = cases[i].value;
		aws_close(fresh->aws);
		assert_works(aws_open(&(struct aws_options){.region = "us-east-1",
							    .endpoint = loopback_url(fresh->server),
							    .access_key = "AKID",
							    .secret_key = "secret"},
				      &fresh->aws, &err));
		if (!cases[i].said) {
			assert_works(gather(fresh, &err));
			assert_string_equal(fresh->facts.source.ami, "ami-1");
			assert_string_equal(fresh->facts.source.found_by, "parameter /aws/service/x:3, version 3");
		} else if (gather(fresh, &err) || !strstr(err.text, cases[i].said)) {
			fail_msg("%s: %s", cases[i].said, err.text);
		}
	}
}

#define TAG(key, value) "<item><key>" key "</key><value>" value "</value></item>"

static void a_child_knows_its_ancestors(void **state)
{
	static const struct image_row images[] = {
		{"ami-c", "middle", "2026-03-01T00:00:00.000Z",
		 .more = "<tagSet>" TAG("bakery:build", "b3") TAG("bakery:recipe", "base")
			 TAG("bakery:source", "ami-b") "</tagSet>"},
		{"ami-b", "low", "2026-02-01T00:00:00.000Z",
		 .more = "<tagSet>" TAG("bakery:build", "b2") TAG("bakery:source", "ami-a") "</tagSet>"},
		{"ami-a", "debian", "2020-02-01T00:00:00.000Z", .owner = "136693071363"},
		{"ami-l", "loop", "2026-03-01T00:00:00.000Z",
		 .more = "<tagSet>" TAG("bakery:build", "b1") TAG("bakery:source", "ami-l") "</tagSet>"},
		{0},
	};
	struct cloud *cloud = *state;
	const struct plan_source *source = &cloud->facts.source;
	struct error err;

	assert_works(gather_parent(cloud, images, "ami-c", &err));
	assert_true(has(cloud->bodies.data, "/bakery/base/approved"));
	assert_string_equal(source->build, "b3");
	assert_string_equal(source->recipe, "base");
	assert_int_equal(source->ancestors.count, 2);
	assert_string_equal(source->ancestors.items[0], "ami-b");
	assert_string_equal(source->ancestors.items[1], "ami-a");
	assert_works(gather_parent(cloud, images, "ami-l", &err));
	assert_int_equal(source->ancestors.count, 1);
}

static void a_revoked_parent_is_refused(void **state)
{
	static const struct image_row images[] = {
		{"ami-1", "one", "2026-01-01T00:00:00.000Z",
		 .more = "<tagSet>" TAG("bakery:build", "b1") TAG("bakery:recipe", "base")
			 TAG("bakery:revoked", "CVE-2026-1") "</tagSet>"},
		{"ami-2", "two", "2026-01-01T00:00:00.000Z",
		 .more = "<tagSet>" TAG("bakery:build", "b2") TAG("bakery:quarantined", "test") "</tagSet>"},
		{"ami-3", "three", "2026-01-01T00:00:00.000Z",
		 .more = "<tagSet>" TAG("bakery:build", "b3") TAG("bakery:source", "ami-1") "</tagSet>"},
		{"ami-4", "four", "2026-01-01T00:00:00.000Z", .deprecation = PAST},
		{0},
	};
	struct cloud *cloud = *state;
	struct error err;

	assert_fails(gather_parent(cloud, images, "ami-1", &err), ERROR_REFUSED,
		     "ami-1 was revoked: CVE-2026-1; it is of build b1 of recipe base");
	assert_fails(gather_parent(cloud, images, "ami-2", &err), ERROR_REFUSED, "ami-2 is in quarantine: stage test");
	assert_fails(gather_parent(cloud, images, "ami-3", &err), ERROR_REFUSED,
		     "ami-3 is built on a revoked image: ami-1 was revoked");
	assert_fails(gather_parent(cloud, images, "ami-4", &err), ERROR_INVALID, "build and publish recipe base anew");
	assert_fails(gather_parent(cloud, images, NULL, &err), ERROR_ABSENT, "publish recipe base to channel approved");
}

static void a_parent_is_ours_or_trusted(void **state)
{
	static const struct image_row images[] = {{"ami-1", "one", "2026-01-01T00:00:00.000Z", .owner = "999988887777"},
						  {0}};
	static const char *trusted[] = {"999988887777"};
	struct cloud *cloud = *state;
	struct error err;

	assert_fails(gather_parent(cloud, images, "ami-1", &err), ERROR_REFUSED, "belongs to account 999988887777");
	cloud->settings.trusted_accounts = (struct text_list){trusted, 1};
	assert_works(gather_parent(cloud, images, "ami-1", &err));
}

static void subnets_are_tried_in_order(void **state)
{
	static const struct image_row images[] = {{"ami-1", "base-1", "2026-01-01T00:00:00.000Z"}, {0}};
	static const char *ids[] = {"subnet-3", "subnet-1", "subnet-2", "subnet-4"};
	struct subnets wish = {.ids = {ids, 4}};
	struct cloud *cloud = *state;
	const struct plan_subnet *subnets;
	struct error err;

	cloud->subnets = SUBNET("subnet-1", "vpc-1", "us-east-1b", "10") SUBNET("subnet-2", "vpc-1", "us-east-1a", "0")
		SUBNET("subnet-3", "vpc-1", "us-east-1c", "10") SUBNET("subnet-4", "vpc-2", "us-east-1a", "10");
	cloud->recipe.launch.subnets = &wish;
	assert_works(gather_ami(cloud, images, &err));
	subnets = cloud->facts.subnets.items;
	assert_int_equal(cloud->facts.subnets.count, 2);
	assert_string_equal(subnets[0].id, "subnet-3");
	assert_string_equal(subnets[1].id, "subnet-1");
	assert_string_equal(cloud->facts.vpc, "vpc-1");
}

static void subnets_that_are_not_there(void **state)
{
	static const struct image_row images[] = {{"ami-1", "base-1", "2026-01-01T00:00:00.000Z"}, {0}};
	struct cloud *cloud = *state;
	struct error err;

	cloud->subnets = "";
	assert_fails(gather_ami(cloud, images, &err), ERROR_INVALID, "us-east-1 has no default VPC");
}

static void subnets_that_are_full(void **state)
{
	static const struct image_row images[] = {{"ami-1", "base-1", "2026-01-01T00:00:00.000Z"}, {0}};
	struct cloud *cloud = *state;
	struct error err;

	cloud->subnets = SUBNET("subnet-1", "vpc-1", "us-east-1a", "0");
	assert_fails(gather_ami(cloud, images, &err), ERROR_INVALID, "has addresses left (1 looked at)");
}

#define cloud_test(function) cmocka_unit_test_setup_teardown(function, cloud_setup, cloud_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cloud_test(the_newest_that_can_be_built_on),
		cloud_test(two_of_the_same_second),
		cloud_test(none_that_can),
		cloud_test(none_of_that_name),
		cloud_test(a_named_one_must_be_fit),
		cloud_test(a_parameter_names_it),
		cloud_test(a_child_knows_its_ancestors),
		cloud_test(a_revoked_parent_is_refused),
		cloud_test(a_parent_is_ours_or_trusted),
		cloud_test(subnets_are_tried_in_order),
		cloud_test(subnets_that_are_not_there),
		cloud_test(subnets_that_are_full),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
