/* SPDX-License-Identifier: Apache-2.0
 *
 * The checker notices what it is there for: a check that always says "ok" would be worse than none. */
#include "with_models.h"

#include <string.h>

#include "bakery/mem.h"

/* wanted: a part of the one fault that must be found, or NULL for none. */
static void expect(const struct findings *findings, const char *what, const char *wanted)
{
	struct tree_iter i = tree_iter(findings->faults);
	bool found = tree_next(&i);
	if (!wanted && found)
		fail_msg("%s: %s", what, i.key);
	if (wanted && (!found || !strstr(i.key, wanted)))
		fail_msg("%s: found \"%s\" instead of \"%s\"", what, found ? i.key : "nothing", wanted);
}

static void test_requests(void **state)
{
	static const struct {
		const char *service, *operation, *request, *wanted;
	} cases[] = {
		{"ec2", "DescribeImages",
		 "{\"Owner.1\":\"self\",\"Filter.1.Name\":\"name\",\"Filter.1.Value.1\":\"x\"}", NULL},
		{"ec2", "DescribeImages", "{\"Action\":\"DescribeImages\",\"Version\":\"2016-11-15\"}", NULL},
		{"ec2", "NoSuchThing", "{}", "no such operation"},
		{"ec2", "DescribeImages", "{\"Owners.1\":\"self\"}", "Owners.1: AWS knows no such parameter"},
		{"ec2", "DescribeImages", "{\"Owner\":\"self\"}", "numbered from 1"},
		{"ec2", "DescribeImages", "{\"Owner.0\":\"self\"}", "numbered from 1"},
		{"ec2", "DescribeImages", "{\"Owner.2\":\"self\"}", "there is no item 1"},
		{"ec2", "DescribeImages", "{\"Owner.1.Name\":\"self\"}", "goes on behind a string"},
		{"ec2", "DescribeImages", "{\"IncludeDeprecated\":\"yes\"}", "not true or false"},
		{"ec2", "DescribeImages", "{\"MaxResults\":\"many\"}", "not a whole number"},
		{"ec2", "CopyImage", "{\"Name\":\"abc\",\"SourceImageId\":\"ami-1\"}", "SourceRegion: is required"},
		{"ec2", "CopyImage", "{\"Name\":\"a\",\"SourceImageId\":\"ami-1\",\"SourceRegion\":\"r\"}",
		 "outside AWS's bounds"},
		{"ec2", "EnableImageDeprecation", "{\"ImageId\":\"ami-1\",\"DeprecateAt\":\"soon\"}", "not a time"},
		{"ec2", "ImportKeyPair", "{\"KeyName\":\"k\",\"PublicKeyMaterial\":\"ssh-ed25519 !\"}", "not base64"},
		{"ec2", "RunInstances", "{\"MinCount\":\"1\",\"MaxCount\":\"1\",\"InstanceType\":\"m7i.largest\"}",
		 "none of the values"},
		{"ssm", "PutParameter", "{\"Name\":\"/a\",\"Value\":\"v\",\"Overwrite\":true}", NULL},
		{"ssm", "PutParameter", "{\"Name\":\"/a\",\"Value\":\"v\",\"Overwrite\":\"true\"}",
		 "is a text instead of a boolean"},
		{"ssm", "PutParameter", "{\"Name\":\"/a\"}", "Value is missing"},
		{"ssm", "PutParameter", "{\"Name\":\"/a\",\"Value\":\"v\",\"Colour\":\"red\"}",
		 "Colour: AWS knows no such member"},
		{"ssm", "AddTagsToResource",
		 "{\"ResourceType\":\"Parameter\",\"ResourceId\":\"/a\",\"Tags\":[{\"Key\":\"k\"}]}",
		 "Value is missing"},
		{"ssm", "GetParameterHistory", "{\"Name\":\"/a\",\"MaxResults\":51}", "outside AWS's bounds"},
		{"organizations", "DescribeOrganization", "{\"Id\":\"o-1\"}", "Id: AWS knows no such member"},
	};
	if (!has_models())
		return;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct findings findings;
		struct error err;
		_cleanup_(tree_freep) struct tree *request =
			tree_from_json(cases[i].request, strlen(cases[i].request), &err);
		findings_init(&findings);
		assert_non_null(request);
		check_request(&findings, models_find(models, cases[i].service), cases[i].operation, request);
		expect(&findings, cases[i].request, cases[i].wanted);
		findings_free(&findings);
	}
}

#define IMAGES(body) "<DescribeImagesResponse><requestId>r</requestId>" body "</DescribeImagesResponse>"
#define XML_ERROR(body) "<Response><Errors><Error>" body "</Error></Errors><RequestID>r</RequestID></Response>"

static void test_replies(void **state)
{
	static const struct {
		const char *service, *operation;
		int status;
		const char *reply, *wanted;
	} cases[] = {
		{"ec2", "DescribeImages", 200, IMAGES("<imagesSet><item><imageId>ami-1</imageId></item></imagesSet>"),
		 NULL},
		{"ec2", "DescribeImages", 200, IMAGES("<imagesSet/>"), NULL},
		{"ec2", "DescribeImages", 200, "<DescribeImagesResponse><imagesSet/></DescribeImagesResponse>",
		 "no request id"},
		{"ec2", "DescribeImages", 200,
		 "<DescribeImageResponse><requestId>r</requestId></DescribeImageResponse>", "root element"},
		{"ec2", "DescribeImages", 200, IMAGES("<images/>"), "images: AWS knows no such element"},
		{"ec2", "DescribeImages", 200, IMAGES("<imagesSet><item><isPublic>yes</isPublic></item></imagesSet>"),
		 "not true or false"},
		{"ec2", "DescribeImages", 200,
		 IMAGES("<imagesSet><item><imageState>ready</imageState></item></imagesSet>"), "none of the values"},
		{"ec2", "DescribeImages", 200, IMAGES("<imagesSet><imageId>ami-1</imageId></imagesSet>"),
		 "instead of a list"},
		{"ec2", "DescribeImages", 200, IMAGES("<imagesSet><member><imageId>a</imageId></member></imagesSet>"),
		 "wrong name"},
		{"ec2", "DescribeImages", 200, IMAGES("<imagesSet><item>ami-1</item></imagesSet>"),
		 "instead of a structure"},
		{"ec2", "DescribeImages", 200, "<half", "XML"},
		{"ec2", "DescribeImages", 400, XML_ERROR("<Code>InvalidAMIID.NotFound</Code><Message>no</Message>"),
		 NULL},
		{"ec2", "DescribeImages", 400, XML_ERROR("<Code>InvalidAMIID.NotFound</Code>"),
		 "needs a Code and a Message"},
		{"ec2", "DescribeImages", 400,
		 "<ErrorResponse><Error><Code>x</Code><Message>m</Message></Error></ErrorResponse>", "root element"},
		{"sts", "GetCallerIdentity", 200,
		 "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>1</Account></GetCallerIdentityResult>"
		 "<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetCallerIdentityResponse>",
		 NULL},
		{"sts", "GetCallerIdentity", 200,
		 "<GetCallerIdentityResponse><Account>1</Account><ResponseMetadata><RequestId>r</RequestId></"
		 "ResponseMetadata>"
		 "</GetCallerIdentityResponse>",
		 "no GetCallerIdentityResult"},
		{"ssm", "GetParameter", 200, "{\"Parameter\":{\"Name\":\"/a\",\"Version\":1,\"LastModifiedDate\":1.5}}",
		 NULL},
		{"ssm", "GetParameter", 200, "{\"Parameter\":{\"Version\":\"1\"}}", "is a text instead of a long"},
		{"ssm", "GetParameter", 200, "{\"Parameter\":{\"LastModifiedDate\":\"2026-01-02T03:04:05Z\"}}",
		 "instead of a timestamp"},
		{"ssm", "GetParameter", 200, "{\"parameter\":{}}", "parameter: AWS knows no such member"},
		{"ssm", "GetParameter", 400, "{\"__type\":\"ParameterNotFound\",\"message\":\"\"}", NULL},
		{"ssm", "GetParameter", 400, "{\"__type\":\"ParameterMissing\",\"message\":\"\"}",
		 "no error that the operation has"},
		{"ssm", "GetParameter", 400, "{\"error\":\"x\"}", "needs __type"},
	};
	if (!has_models())
		return;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct findings findings;
		bool json = cases[i].reply[0] == '{';
		findings_init(&findings);
		check_reply(&findings, models_find(models, cases[i].service), cases[i].operation, cases[i].status,
			    json ? "application/x-amz-json-1.1" : "text/xml;charset=UTF-8", cases[i].reply);
		expect(&findings, cases[i].reply, cases[i].wanted);
		findings_free(&findings);
	}
}

static void test_content_type(void **state)
{
	struct findings findings;
	if (!has_models())
		return;
	findings_init(&findings);
	check_reply(&findings, models_find(models, "ssm"), "GetParameter", 200, "text/plain", "{}");
	expect(&findings, "text/plain", "the content type is text/plain");
	findings_free(&findings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_content_type),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
