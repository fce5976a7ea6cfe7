/* SPDX-License-Identifier: Apache-2.0
 *
 * AWS's wire forms: what is read from requests, what is refused of them, how replies look. */
#include "check.h"

#include "bakery/mem.h"
#include "src/sandbox/protocol.h"
#include "src/sandbox/services.h"

static void forms_are_decoded_in_order(void **state)
{
	static const struct {
		const char *text, *json;
	} cases[] = {
		{"", "{}"},
		{"A=1&B=2", "{\"A\":\"1\",\"B\":\"2\"}"},
		{"A=a+b%20c%26%3D&&B", "{\"A\":\"a b c&=\",\"B\":\"\"}"},
		{"A=%C3%A4", "{\"A\":\"\303\244\"}"},
		{"A=1&A=2", "{\"A\":\"2\"}"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(tree_freep) struct tree *out = tree_new_object();
		_cleanup_(str_free) struct str json = STR_INIT;
		assert_true(form_decode(cases[i].text, strlen(cases[i].text), out));
		tree_to_json(out, &json);
		assert_string_equal(json.data, cases[i].json);
	}
}

static void broken_percent_signs_are_refused(void **state)
{
	static const char *const cases[] = {"A=%", "A=%4", "A=%zz", "A=%00", "%=1"};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(tree_freep) struct tree *out = tree_new_object();
		assert_false(form_decode(cases[i], strlen(cases[i]), out));
	}
}

static void numbers_in_paths_are_lists(void **state)
{
	static const struct {
		const char *form, *json;
	} cases[] = {
		{"Tag.1.Key=a&Tag.1.Value=b&Tag.2.Key=c",
		 "{\"Tag\":[{\"Key\":\"a\",\"Value\":\"b\"},{\"Key\":\"c\"}]}"},
		{"Id.10=j&Id.9=i&Id.1=a", "{\"Id\":[\"a\",\"i\",\"j\"]}"},
		{"A.B.C=1&A.B.D=2", "{\"A\":{\"B\":{\"C\":\"1\",\"D\":\"2\"}}}"},
		{"A=1&A.B=2", "{\"A\":{\"B\":\"2\"}}"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(tree_freep) struct tree *flat = tree_new_object(), *nested = NULL;
		_cleanup_(str_free) struct str json = STR_INIT;
		assert_true(form_decode(cases[i].form, strlen(cases[i].form), flat));
		nested = form_nest(flat);
		tree_to_json(nested, &json);
		assert_string_equal(json.data, cases[i].json);
	}
}

static void json_is_flattened(void **state)
{
	struct error err = {0};
	static const char body[] =
		"{\"Name\":\"n\",\"Tags\":[{\"Key\":\"a\"},{\"Key\":\"b\"}],\"None\":[],\"O\":{\"P\":true}}";
	_cleanup_(tree_freep) struct tree *tree = tree_from_json(body, strlen(body), &err);
	_cleanup_(tree_freep) struct tree *flat = json_flatten(tree);
	_cleanup_(str_free) struct str json = STR_INIT;
	tree_to_json(flat, &json);
	assert_string_equal(json.data, "{\"Name\":\"n\",\"Tags.1.Key\":\"a\",\"Tags.2.Key\":\"b\",\"O.P\":true}");
}

static const struct operation row = {"Op", NULL, OPERATION_DRY_RUN,
				     "Id! Count:int Flag:bool When:time List.N! Map.N.Key Family.*"};

static const char *refused_for(enum protocol protocol, const char *text)
{
	static struct request rq;
	struct error err = {0};
	_cleanup_(tree_freep) struct tree *flat = tree_new_object(), *body = NULL;
	rq = (struct request){.operation = &row};
	if (protocol == PROTOCOL_JSON) {
		body = tree_from_json(text, strlen(text), &err);
		assert_non_null(body);
		tree_free(flat);
		flat = json_flatten(body);
	} else {
		assert_true(form_decode(text, strlen(text), flat));
	}
	return check_arguments(&rq, protocol, flat) ? "" : rq.refusal.code;
}

static void arguments_are_held_against_the_row(void **state)
{
	static const struct {
		const char *text, *code;
	} cases[] = {
		{"Id=1&List.1=a", ""},
		{"Id=1&List.1=a&Count=5&Flag=true&When=2026-01-01T00:00:00Z&Map.3.Key=k&Family.x.1.y=z&DryRun=false",
		 ""},
		{"List.1=a", "MissingParameter"},
		{"Id=1", "MissingParameter"},
		{"Id=1&List=a", "UnknownParameter"},
		{"Id=1&List.1=a&Lists.1=b", "UnknownParameter"},
		{"Id=1&List.1=a&Map.Key=b", "UnknownParameter"},
		{"Id=1&List.1=a&Count=five", "InvalidParameterValue"},
		{"Id=1&List.1=a&Flag=yes", "InvalidParameterValue"},
		{"Id=1&List.1=a&When=soon", "InvalidParameterValue"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(refused_for(PROTOCOL_EC2, cases[i].text), cases[i].code);
}

static void json_arguments_have_types(void **state)
{
	static const struct {
		const char *text, *code;
	} cases[] = {
		{"{\"Id\":\"1\",\"List\":[\"a\"],\"Count\":5,\"Flag\":true,\"When\":1.5}", ""},
		{"{\"Id\":\"1\",\"List\":[\"a\"],\"Count\":null}", ""},
		{"{\"Id\":1,\"List\":[\"a\"]}", "SerializationException"},
		{"{\"Id\":\"1\",\"List\":[\"a\"],\"Count\":\"5\"}", "SerializationException"},
		{"{\"Id\":\"1\",\"List\":[]}", "ValidationException"},
		{"{\"Id\":\"1\",\"List\":[\"a\"],\"DryRun\":true}", "ValidationException"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(refused_for(PROTOCOL_JSON, cases[i].text), cases[i].code);
}

static struct tree *example(void)
{
	struct tree *reply = tree_new_object();
	tree_set_text(reply, "name", "<a&b>\001");
	tree_set_text(reply, "_secret", "x");
	tree_set_bool(reply, "flag", true);
	tree_set(reply, "none", tree_new_null());
	struct tree *list = tree_set_array(reply, "set");
	tree_set_int(tree_add_object(list), "id", 1);
	tree_add_text(list, "two");
	return reply;
}

static void assert_encoded(const char *service, const char *wanted)
{
	_cleanup_(tree_freep) struct tree *reply = example();
	_cleanup_(str_free) struct str out = STR_INIT;
	encode_reply(service_named(service), "Op", reply, "r-1", &out);
	assert_string_equal(out.data, wanted);
}

static void replies_have_each_services_form(void **state)
{
	assert_encoded("ec2",
		       "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		       "<OpResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r-1</requestId>"
		       "<name>&lt;a&amp;b&gt;</name><flag>true</flag><set><item><id>1</id></item><item>two</item></"
		       "set></OpResponse>");
	assert_encoded(
		"sts",
		"<OpResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><OpResult><name>&lt;a&amp;b&gt;</name>"
		"<flag>true</flag><set><member><id>1</id></member><member>two</member></set></OpResult>"
		"<ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></OpResponse>");
	assert_encoded("ssm", "{\"name\":\"<a&b>\\u0001\",\"flag\":true,\"set\":[{\"id\":1},\"two\"]}");
}

static void refusals_have_each_services_form(void **state)
{
	static const struct {
		const char *service, *wanted;
	} cases[] = {
		{"ec2", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>Unavailable</Code>"
			"<Message>a &lt; b</Message></Error></Errors><RequestID>r-1</RequestID></Response>"},
		{"sts",
		 "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		 "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Receiver</Type>"
		 "<Code>Unavailable</Code><Message>a &lt; "
		 "b</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"},
		{"ssm", "{\"__type\":\"Unavailable\",\"message\":\"a < b\"}"},
	};
	const struct refusal refusal = {.code = "Unavailable", .message = "a < b"};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(str_free) struct str out = STR_INIT;
		encode_refusal(service_named(cases[i].service), &refusal, "r-1", &out);
		assert_string_equal(out.data, cases[i].wanted);
	}
	assert_int_equal(refusal_status(&refusal), 503);
	assert_int_equal(refusal_status(&(struct refusal){.code = "Whatever"}), 400);
	assert_int_equal(refusal_status(&(struct refusal){.status = 502, .code = "Whatever"}), 502);
}

static void services_and_operations_are_found(void **state)
{
	assert_null(service_named("s3"));
	assert_ptr_equal(service_of_target("AmazonSSM.PutParameter"), service_named("ssm"));
	assert_null(service_of_target("AmazonSSMX.PutParameter"));
	assert_non_null(operation_named(service_named("ec2"), "RunInstances"));
	assert_null(operation_named(service_named("ec2"), "PutParameter"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms_are_decoded_in_order),
		cmocka_unit_test(broken_percent_signs_are_refused),
		cmocka_unit_test(numbers_in_paths_are_lists),
		cmocka_unit_test(json_is_flattened),
		cmocka_unit_test(arguments_are_held_against_the_row),
		cmocka_unit_test(json_arguments_have_types),
		cmocka_unit_test(replies_have_each_services_form),
		cmocka_unit_test(refusals_have_each_services_form),
		cmocka_unit_test(services_and_operations_are_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
