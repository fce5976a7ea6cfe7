/* SPDX-License-Identifier: Apache-2.0
 *
 * Policies: what the grammar refuses and where, and what a document answers. */
#include <string.h>

#include "check.h"

#include "bakery/mem.h"
#include "src/sandbox/access/policy.h"
#include "src/sandbox/access/policy_condition.h"

/* Single quotes stand for double ones. */
static char *quoted(const char *text)
{
	char *copy = mem_strdup(text);
	for (char *c = copy; *c != '\0'; c++)
		*c = *c == '\'' ? '"' : *c == '`' ? '\'' : *c;
	return copy;
}

static struct tree *parsed(const char *text)
{
	struct error err = {0};
	_cleanup_(freep) char *json = quoted(text);
	struct tree *tree = tree_from_json(json, strlen(json), &err);
	if (tree == NULL)
		fail_msg("%s: %s", err.text, json);
	return tree;
}

/* --- the grammar --- */

static void what_is_no_policy_is_told_with_its_place(void **state)
{
	(void)state;
	static const struct {
		enum policy_kind kind;
		const char *text, *wanted;
	} cases[] = {
		{POLICY_IDENTITY, "[]", "1:1: a policy has to be a map"},
		{POLICY_IDENTITY, "{'Version':'2012-10-17'}", "1:1: a policy needs at least one statement"},
		{POLICY_IDENTITY, "{'Version':'2012-10-17','Statement':[]}",
		 "1:1: a policy needs at least one statement"},
		{POLICY_IDENTITY, "{'Version':'2012-10-18','Statement':{}}", "1:12: Version has to be"},
		{POLICY_IDENTITY, "{'Statements':[]}", "1:2: Statements: a policy has no such element"},
		{POLICY_IDENTITY, "{'Statement':[\n {'Effect':'allow','Action':'*','Resource':'*'}]}",
		 "2:12: Effect has to be Allow or Deny"},
		{POLICY_IDENTITY, "{'Statement':[\n {'Action':'*','Resource':'*'}]}",
		 "2:2: Effect has to be Allow or Deny"},
		{POLICY_IDENTITY, "{'Statement':{'Effect':'Allow','Resource':'*'}}",
		 "1:14: a statement needs Action or NotAction"},
		{POLICY_IDENTITY, "{'Statement':{'Effect':'Allow','Action':'*','NotAction':'*','Resource':'*'}}",
		 "1:14: a statement needs Action or NotAction"},
		{POLICY_IDENTITY, "{'Statement':{'Effect':'Allow','Action':'*'}}",
		 "1:14: a statement needs Resource or NotResource"},
		{POLICY_IDENTITY, "{'Statement':{'Effect':'Allow','Action':'RunInstances','Resource':'*'}}",
		 "1:41: \"RunInstances\" is no action"},
		{POLICY_IDENTITY,
		 "{'Statement':{'Effect':'Allow','Action':['ec2:*', 'ec2:Run Instances'],'Resource':'*'}}",
		 "1:51: \"ec2:Run Instances\" is no action"},
		{POLICY_IDENTITY, "{'Statement':{'Effect':'Allow','Action':[],'Resource':'*'}}",
		 "1:41: Action is an empty list"},
		{POLICY_IDENTITY, "{'Statement':{'Effect':'Allow','Action':7,'Resource':'*'}}",
		 "1:41: Action has to be text"},
		{POLICY_IDENTITY, "{'Statement':{'Effect':'Allow','Action':'*','Resource':'instance/*'}}",
		 "1:56: Resource \"instance/*\" must be an ARN or \"*\""},
		{POLICY_IDENTITY, "{'Statement':{'Effect':'Allow','Action':'*','Resource':'*','Principal':'*'}}",
		 "1:60: Principal: has no place in a policy of this kind"},
		{POLICY_IDENTITY, "{'Statement':{'Effect':'Allow','Action':'*','Resource':'*','Conditions':{}}}",
		 "1:60: Conditions: a policy has no such element"},
		{POLICY_IDENTITY,
		 "{'Statement':{'Effect':'Allow','Action':'*','Resource':'*','Condition':{'StringIs':{'a':'b'}}}}",
		 "1:73: StringIs: there is no such condition operator"},
		{POLICY_IDENTITY,
		 "{'Statement':{'Effect':'Allow','Action':'*','Resource':'*','Condition':{'Bool':{'a':'maybe'}}}}",
		 "1:85: \"maybe\" is no value for Bool"},
		{POLICY_IDENTITY,
		 "{'Statement':{'Effect':'Allow','Action':'*','Resource':'*','Condition':{'NumericEquals':{'a':['1','x'"
		 "]}}}}",
		 "\"x\" is no value for NumericEquals"},
		{POLICY_IDENTITY,
		 "{'Statement':{'Effect':'Allow','Action':'*','Resource':'*','Condition':{'IpAddress':{'a':'10.0.0.0/"
		 "33'}}}}",
		 "\"10.0.0.0/33\" is no value for IpAddress"},
		{POLICY_IDENTITY,
		 "{'Statement':{'Effect':'Allow','Action':'*','Resource':'*','Condition':{'NullIfExists':{'a':'true'}}}"
		 "}",
		 "NullIfExists: there is no such condition operator"},
		{POLICY_IDENTITY, "{'Statement':{'Sid':'a b','Effect':'Allow','Action':'*','Resource':'*'}}",
		 "1:21: Sid is made of letters and digits"},
		{POLICY_IDENTITY,
		 "{'Statement':[{'Sid':'a','Effect':'Allow','Action':'*','Resource':'*'},\n"
		 "{'Sid':'a','Effect':'Deny','Action':'*','Resource':'*'}]}",
		 "2:8: two statements have the Sid \"a\""},
		{POLICY_IDENTITY, "{'Statement':{'Effect':'Allow','Effect':'Deny','Action':'*','Resource':'*'}}",
		 "line 1, column 32: Effect: the key stands twice"},
		{POLICY_IDENTITY, "{'Statement':{'Effect':'Allow',}}", ""},
		{POLICY_IDENTITY, "Statement: {Effect: Allow, Action: '*', Resource: '*'}", ""},
		{POLICY_TRUST, "{'Statement':{'Effect':'Allow','Action':'sts:AssumeRole'}}",
		 "1:14: a statement needs Principal or NotPrincipal"},
		{POLICY_TRUST,
		 "{'Statement':{'Effect':'Allow','Action':'sts:AssumeRole','Principal':'*','Resource':'*'}}",
		 "Resource: has no place in a policy of this kind"},
		{POLICY_TRUST, "{'Statement':{'Effect':'Allow','Action':'sts:AssumeRole','Principal':{'AWS':'bob'}}}",
		 "\"bob\" is no principal"},
		{POLICY_TRUST, "{'Statement':{'Effect':'Allow','Action':'sts:AssumeRole','Principal':{'User':'bob'}}}",
		 "User: there is no such kind of principal"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = {0};
		struct tree *policy = NULL;
		_cleanup_(freep) char *text = quoted(cases[i].text);
		if (policy_read(text, strlen(text), cases[i].kind, &policy, &err))
			fail_msg("accepted: %s", text);
		assert_int_equal(err.kind, ERROR_INVALID);
		if (strstr(err.text, cases[i].wanted) == NULL)
			fail_msg("%s: says %s, not %s", text, err.text, cases[i].wanted);
	}
}

static void what_is_a_policy_is_read(void **state)
{
	(void)state;
	static const struct {
		enum policy_kind kind;
		const char *text;
	} cases[] = {
		{POLICY_IDENTITY, "{'Statement':{'Effect':'Allow','Action':'*','Resource':'*'}}"},
		{POLICY_IDENTITY, "{'Version':'2008-10-17','Id':'x','Statement':[{'Sid':'','Effect':'Deny','NotAction':"
				  "['ec2:*','kms:Re?ncrypt*'],"
				  "'NotResource':['arn:aws:ec2:*:*:instance/*']}]}"},
		{POLICY_IDENTITY,
		 "{'Statement':{'Effect':'Allow','Action':'*','Resource':'*','Condition':{'ForAnyValue:"
		 "StringLikeIfExists':"
		 "{'aws:TagKeys':['a*']},'Bool':{'aws:SecureTransport':true},'NumericLessThan':{'x':5},"
		 "'DateGreaterThan':{'aws:CurrentTime':'2026-01-01'},'IpAddress':{'aws:SourceIp':['::1/128']},"
		 "'NumericEquals':{'y':'${aws:PrincipalTag/n}'}}}}"},
		{POLICY_TRUST,
		 "{'Statement':{'Effect':'Allow','Action':'sts:AssumeRole','Principal':{'AWS':['123456789012',"
		 "'arn:aws:iam::123456789012:root','*'],'Service':'ec2.amazonaws.com'}}}"},
		{POLICY_RESOURCE,
		 "{'Statement':{'Sid':'Enable IAM','Effect':'Allow','Action':'kms:*','Principal':'*','Resource':'*'}}"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = {0};
		_cleanup_(tree_freep) struct tree *policy = NULL;
		_cleanup_(freep) char *text = quoted(cases[i].text);
		if (!policy_read(text, strlen(text), cases[i].kind, &policy, &err))
			fail_msg("%s: %s", text, err.text);
	}
}

/* --- actions and resources --- */

static enum policy_word ask(const char *policy_text, const char *action, const char *resource, const char *context_text)
{
	_cleanup_(tree_freep) struct tree *policy = parsed(policy_text);
	_cleanup_(tree_freep) struct tree *context = parsed(context_text);
	struct policy_question question = {.action = action, .resource = resource, .context = context};
	return policy_ask(policy, &question).word;
}

#define INSTANCE "arn:aws:ec2:us-east-1:123456789012:instance/i-1"

static void actions_and_resources_match(void **state)
{
	(void)state;
	static const struct {
		const char *action, *resource; /* of the statement, as members */
		const char *asked_action, *asked_resource;
		enum policy_word wanted;
	} cases[] = {
		{"'Action':'ec2:RunInstances'", "'Resource':'*'", "ec2:RunInstances", INSTANCE, POLICY_ALLOWS},
		{"'Action':'EC2:runinstances'", "'Resource':'*'", "ec2:RunInstances", INSTANCE, POLICY_ALLOWS},
		{"'Action':'ec2:Run*'", "'Resource':'*'", "ec2:RunInstances", INSTANCE, POLICY_ALLOWS},
		{"'Action':'ec2:?unInstances'", "'Resource':'*'", "ec2:RunInstances", INSTANCE, POLICY_ALLOWS},
		{"'Action':'ec2:Run'", "'Resource':'*'", "ec2:RunInstances", INSTANCE, POLICY_SILENT},
		{"'Action':'*'", "'Resource':'*'", "ec2:RunInstances", "*", POLICY_ALLOWS},
		{"'Action':['ssm:*','ec2:RunInstances']", "'Resource':'*'", "ec2:RunInstances", INSTANCE,
		 POLICY_ALLOWS},
		{"'NotAction':'ec2:Run*'", "'Resource':'*'", "ec2:RunInstances", INSTANCE, POLICY_SILENT},
		{"'NotAction':'iam:*'", "'Resource':'*'", "ec2:RunInstances", INSTANCE, POLICY_ALLOWS},
		{"'Action':'*'", "'Resource':'arn:aws:ec2:*:*:instance/*'", "ec2:X", INSTANCE, POLICY_ALLOWS},
		{"'Action':'*'", "'Resource':'arn:aws:ec2:*:*:*'", "ec2:X", INSTANCE, POLICY_ALLOWS},
		{"'Action':'*'", "'Resource':'arn:aws:ec2:*:*:volume/*'", "ec2:X", INSTANCE, POLICY_SILENT},
		{"'Action':'*'", "'Resource':'arn:aws:ec2:eu-west-1:*:instance/*'", "ec2:X", INSTANCE, POLICY_SILENT},
		/* A star stays within its part of the ARN. */
		{"'Action':'*'", "'Resource':'arn:aws:ec2:us*instance/*::x:y'", "ec2:X", INSTANCE, POLICY_SILENT},
		{"'Action':'*'", "'Resource':'arn:aws:ec2:*::image/*'", "ec2:X", "arn:aws:ec2:us-east-1::image/ami-1",
		 POLICY_ALLOWS},
		{"'Action':'*'", "'Resource':'arn:aws:ec2:*:123456789012:image/*'", "ec2:X",
		 "arn:aws:ec2:us-east-1::image/ami-1", POLICY_SILENT},
		/* What knows no resources is allowed with "*" only. */
		{"'Action':'*'", "'Resource':'arn:aws:ec2:*:*:*'", "ec2:DescribeImages", "*", POLICY_SILENT},
		{"'Action':'*'", "'NotResource':'arn:aws:ec2:*:*:instance/*'", "ec2:X", INSTANCE, POLICY_SILENT},
		{"'Action':'*'", "'NotResource':'arn:aws:ec2:*:*:volume/*'", "ec2:X", INSTANCE, POLICY_ALLOWS},
		{"'Action':'*'", "'Resource':'arn:aws:ec2:us-east-1:${aws:PrincipalAccount}:instance/*'", "ec2:X",
		 INSTANCE, POLICY_ALLOWS},
		{"'Action':'*'", "'Resource':'arn:aws:ec2:us-east-1:${aws:Nothing}:instance/*'", "ec2:X", INSTANCE,
		 POLICY_SILENT},
		{"'Action':'*'", "'Resource':'arn:aws:ec2:us-east-1:${aws:Nothing, `123456789012`}:instance/*'",
		 "ec2:X", INSTANCE, POLICY_ALLOWS},
		{"'Action':'*'", "'Resource':'arn:aws:ec2:us-east-1:123456789012:instance/${*}'", "ec2:X", INSTANCE,
		 POLICY_SILENT},
		/* A star that comes out of a variable is a plain one. */
		{"'Action':'*'", "'Resource':'arn:aws:ec2:us-east-1:123456789012:instance/${aws:username}'", "ec2:X",
		 INSTANCE, POLICY_SILENT},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(freep) char *policy =
			mem_printf("{'Version':'2012-10-17','Statement':{'Effect':'Allow',%s,%s}}", cases[i].action,
				   cases[i].resource);
		enum policy_word word = ask(policy, cases[i].asked_action, cases[i].asked_resource,
					    "{'aws:PrincipalAccount':'123456789012','aws:username':'*'}");
		if (word != cases[i].wanted)
			fail_msg("%s on %s for %s: %d", policy, cases[i].asked_action, cases[i].asked_resource, word);
	}
}

static void a_deny_wins_wherever_it_stands(void **state)
{
	(void)state;
	static const char deny[] = "{'Effect':'Deny','Action':'ec2:Terminate*','Resource':'*'}";
	static const char allow[] = "{'Effect':'Allow','Action':'*','Resource':'*'}";
	_cleanup_(freep) char *first = mem_printf("{'Statement':[%s,%s]}", deny, allow);
	_cleanup_(freep) char *last = mem_printf("{'Statement':[%s,%s]}", allow, deny);
	assert_int_equal(ask(first, "ec2:TerminateInstances", INSTANCE, "{}"), POLICY_DENIES);
	assert_int_equal(ask(last, "ec2:TerminateInstances", INSTANCE, "{}"), POLICY_DENIES);
	assert_int_equal(ask(last, "ec2:StopInstances", INSTANCE, "{}"), POLICY_ALLOWS);
}

static void the_older_version_has_no_variables(void **state)
{
	(void)state;
	static const char policy[] =
		"{'Statement':{'Effect':'Allow','Action':'*','Resource':'arn:aws:s3:::${aws:username}'}}";
	assert_int_equal(ask(policy, "s3:X", "arn:aws:s3:::bob", "{'aws:username':'bob'}"), POLICY_SILENT);
	assert_int_equal(ask(policy, "s3:X", "arn:aws:s3:::${aws:username}", "{'aws:username':'bob'}"), POLICY_ALLOWS);
}

/* --- conditions --- */

static void conditions_hold_as_aws_says(void **state)
{
	(void)state;
	static const struct {
		const char *condition, *context;
		bool wanted;
	} cases[] = {
		{"'StringEquals':{'k':'a'}", "{'k':'a'}", true},
		{"'StringEquals':{'k':'a'}", "{'K':'a'}", true},
		{"'StringEquals':{'k':'a'}", "{'k':'A'}", false},
		{"'StringEquals':{'k':['b','a']}", "{'k':'a'}", true},
		{"'StringEquals':{'k':'a*'}", "{'k':'ab'}", false},
		{"'StringEquals':{'k':'a*'}", "{'k':'a*'}", true},
		{"'StringEquals':{'k':'a'}", "{}", false},
		{"'StringEqualsIfExists':{'k':'a'}", "{}", true},
		{"'StringEqualsIfExists':{'k':'a'}", "{'k':'b'}", false},
		{"'StringNotEquals':{'k':'a'}", "{}", true},
		{"'StringNotEquals':{'k':['a','b']}", "{'k':'b'}", false},
		{"'StringNotEquals':{'k':['a','b']}", "{'k':'c'}", true},
		{"'StringEqualsIgnoreCase':{'k':'AB'}", "{'k':'ab'}", true},
		{"'StringNotEqualsIgnoreCase':{'k':'AB'}", "{'k':'ab'}", false},
		{"'StringLike':{'k':'a*c?'}", "{'k':'abbbcd'}", true},
		{"'StringLike':{'k':'a*c?'}", "{'k':'abbbc'}", false},
		{"'StringNotLike':{'k':'a*'}", "{'k':'b'}", true},
		{"'StringLike':{'k':'${aws:username}*'}", "{'k':'bob-1','aws:username':'bob'}", true},
		{"'StringLike':{'k':'${aws:username}'}", "{'k':'bob','aws:username':'*'}", false},
		{"'StringEquals':{'k':'${aws:username}'}", "{'k':'x'}", false},
		/* All keys and all operators. */
		{"'StringEquals':{'k':'a','l':'b'}", "{'k':'a'}", false},
		{"'StringEquals':{'k':'a'},'StringLike':{'l':'b*'}", "{'k':'a','l':'c'}", false},
		{"'StringEquals':{'k':'a'},'StringLike':{'l':'b*'}", "{'k':'a','l':'bb'}", true},
		/* Sets. */
		{"'ForAllValues:StringEquals':{'k':['a','b']}", "{'k':['a','b']}", true},
		{"'ForAllValues:StringEquals':{'k':['a','b']}", "{'k':['a','c']}", false},
		{"'ForAllValues:StringEquals':{'k':['a','b']}", "{}", true},
		{"'ForAllValues:StringEquals':{'k':['a','b']}", "{'k':[]}", true},
		{"'ForAllValues:StringLike':{'k':'bakery:*'}", "{'k':['bakery:build','Name']}", false},
		{"'ForAllValues:StringNotEquals':{'k':'x'}", "{'k':['a','x']}", false},
		{"'ForAnyValue:StringEquals':{'k':['a','b']}", "{'k':['c','b']}", true},
		{"'ForAnyValue:StringEquals':{'k':['a','b']}", "{'k':['c']}", false},
		{"'ForAnyValue:StringEquals':{'k':['a','b']}", "{}", false},
		{"'ForAnyValue:StringNotEquals':{'k':'a'}", "{'k':['a','b']}", true},
		{"'ForAnyValue:StringEqualsIfExists':{'k':'a'}", "{}", true},
		/* The rest. */
		{"'Bool':{'k':'true'}", "{'k':'true'}", true},
		{"'Bool':{'k':true}", "{'k':'false'}", false},
		{"'BoolIfExists':{'k':'true'}", "{}", true},
		{"'Null':{'k':'true'}", "{}", true},
		{"'Null':{'k':'false'}", "{}", false},
		{"'Null':{'k':'false'}", "{'k':'x'}", true},
		{"'Null':{'k':true}", "{'k':'x'}", false},
		{"'NumericEquals':{'k':'8'}", "{'k':'8.0'}", true},
		{"'NumericLessThanEquals':{'k':16}", "{'k':'16'}", true},
		{"'NumericGreaterThan':{'k':16}", "{'k':'16'}", false},
		{"'NumericLessThan':{'k':16}", "{'k':'many'}", false},
		{"'NumericNotEquals':{'k':16}", "{'k':'15'}", true},
		{"'DateLessThan':{'k':'2026-01-02T00:00:00Z'}", "{'k':'2026-01-01T23:59:59Z'}", true},
		{"'DateGreaterThanEquals':{'k':'2026-01-02'}", "{'k':'2026-01-02T00:00:00Z'}", true},
		{"'DateGreaterThan':{'k':'1767225600'}", "{'k':'2026-01-01T00:00:01Z'}", true},
		{"'IpAddress':{'k':'10.1.0.0/16'}", "{'k':'10.1.2.3'}", true},
		{"'IpAddress':{'k':'10.1.0.0/16'}", "{'k':'10.2.2.3'}", false},
		{"'IpAddress':{'k':['10.1.0.0/20','192.0.2.1']}", "{'k':'10.1.16.1'}", false},
		{"'IpAddress':{'k':['10.1.0.0/20','192.0.2.1']}", "{'k':'192.0.2.1'}", true},
		{"'IpAddress':{'k':'0.0.0.0/0'}", "{'k':'::1'}", false},
		{"'IpAddress':{'k':'2001:db8::/32'}", "{'k':'2001:db8:1::1'}", true},
		{"'NotIpAddress':{'k':'10.0.0.0/8'}", "{'k':'10.0.0.1'}", false},
		{"'ArnLike':{'k':'arn:aws:iam::*:role/bakery-*'}", "{'k':'arn:aws:iam::123456789012:role/bakery-x'}",
		 true},
		{"'ArnEquals':{'k':'arn:aws:iam::*:role/*'}", "{'k':'arn:aws:iam::123456789012:user/x'}", false},
		{"'ArnNotLike':{'k':'arn:aws:iam::*:role/*'}", "{'k':'arn:aws:iam::123456789012:user/x'}", true},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(freep) char *policy = mem_printf("{'Version':'2012-10-17','Statement':{'Effect':'Allow','"
							   "Action':'*','Resource':'*','Condition':{%s}}}",
							   cases[i].condition);
		if ((ask(policy, "ec2:X", INSTANCE, cases[i].context) == POLICY_ALLOWS) != cases[i].wanted)
			fail_msg("%s with %s", cases[i].condition, cases[i].context);
	}
}

static void globs_end(void **state)
{
	(void)state;
	assert_true(policy_glob("*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", false));
	assert_false(policy_glob("*a*a*a*a*a*a*a*a*c", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", false));
	assert_true(policy_glob("", "", false));
	assert_true(policy_glob("**", "", false));
	assert_false(policy_glob("?", "", false));
	assert_false(policy_glob("a", "ab", false));
}

/* --- principals --- */

static struct policy_answer trust(const char *principal, const char *more)
{
	static const struct policy_principal who = {.account = "123456789012",
						    .arn = "arn:aws:sts::123456789012:assumed-role/ci/run",
						    .role_arn = "arn:aws:iam::123456789012:role/ci"};
	_cleanup_(freep) char *text =
		mem_printf("{'Statement':[{'Effect':'Allow','Action':'sts:AssumeRole',%s}%s]}", principal, more);
	_cleanup_(tree_freep) struct tree *policy = parsed(text);
	struct policy_question question = {.action = "sts:AssumeRole", .resource = "", .principal = &who};
	struct policy_answer answer = policy_ask(policy, &question);
	answer.statement = NULL;
	return answer;
}

static void principals_are_named_by_account_or_directly(void **state)
{
	(void)state;
	static const struct {
		const char *principal;
		enum policy_word word;
		bool direct;
	} cases[] = {
		{"'Principal':'*'", POLICY_ALLOWS, true},
		{"'Principal':{'AWS':'*'}", POLICY_ALLOWS, true},
		{"'Principal':{'AWS':'123456789012'}", POLICY_ALLOWS, false},
		{"'Principal':{'AWS':'arn:aws:iam::123456789012:root'}", POLICY_ALLOWS, false},
		{"'Principal':{'AWS':'arn:aws:iam::210987654321:root'}", POLICY_SILENT, false},
		{"'Principal':{'AWS':'arn:aws:iam::123456789012:role/ci'}", POLICY_ALLOWS, true},
		{"'Principal':{'AWS':['210987654321','arn:aws:sts::123456789012:assumed-role/ci/run']}", POLICY_ALLOWS,
		 true},
		{"'Principal':{'AWS':'arn:aws:iam::123456789012:role/other'}", POLICY_SILENT, false},
		{"'Principal':{'Service':'ec2.amazonaws.com'}", POLICY_SILENT, false},
		{"'Principal':{'Federated':'arn:aws:iam::123456789012:oidc-provider/gitlab.com'}", POLICY_SILENT,
		 false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct policy_answer answer = trust(cases[i].principal, "");
		if (answer.word != cases[i].word || answer.direct != cases[i].direct)
			fail_msg("%s: %d, %d", cases[i].principal, answer.word, answer.direct);
	}
	struct policy_answer both =
		trust("'Principal':{'AWS':'123456789012'}", ",{'Effect':'Allow','Action':'sts:*','Principal':'*'}");
	assert_true(both.direct);
	struct policy_answer denied =
		trust("'Principal':'*'", ",{'Effect':'Deny','Action':'sts:*','NotPrincipal':{'AWS':'210987654321'}}");
	assert_int_equal(denied.word, POLICY_DENIES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_policy_is_told_with_its_place),
		cmocka_unit_test(what_is_a_policy_is_read),
		cmocka_unit_test(actions_and_resources_match),
		cmocka_unit_test(a_deny_wins_wherever_it_stands),
		cmocka_unit_test(the_older_version_has_no_variables),
		cmocka_unit_test(conditions_hold_as_aws_says),
		cmocka_unit_test(globs_end),
		cmocka_unit_test(principals_are_named_by_account_or_directly),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
