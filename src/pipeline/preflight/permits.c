/* SPDX-License-Identifier: Apache-2.0
 *
 * Preflight: what the build may do. IAM is asked what the caller's policies say to each statement of the least policy
 * (SimulatePrincipalPolicy), with the tags and resources the build will have; EC2 whether it would make what the build
 * makes (dry runs), which counts the organization's policies, too. What touches a thing that is there only during the
 * build cannot be tried: EC2 would judge it by tags that nothing carries yet. */
#include <stdio.h>
#include <string.h>

#include "bakery/needs.h"
#include "bakery/parallel.h"
#include "bakery/str.h"
#include "probe.h"

/* --- what policies say --- */

/* Policies hang on users and roles: arn:aws:sts::1:assumed-role/ci/session is of arn:aws:iam::1:role/ci. A role's path
 * is not told; then IAM finds none of that name. false: of nobody that has policies. */
static bool source_of(const char *arn, struct str *out)
{
	const char *assumed = strstr(arn, ":assumed-role/"), *sts = strstr(arn, ":sts::");
	const char *name, *account;

	if (strstr(arn, ":user/") || strstr(arn, ":role/")) {
		str_add(out, arn);
		return true;
	}
	if (!assumed || !sts)
		return false;
	account = sts + strlen(":sts::");
	name = assumed + strlen(":assumed-role/");
	str_addf(out, "%.*s:iam::%.*s:role/%.*s", (int)(sts - arn), arn, (int)strcspn(account, ":"), account,
		 (int)strcspn(name, "/"), name);
	return true;
}

struct question {
	struct probe *probe;
	const char *source;
	const struct tree *statement;
	struct tree *reply;
};

static void argument_add(struct aws_call *call, const char *list, int number, const char *value)
{
	_cleanup_(freep) char *path = mem_printf("%s.member.%d", list, number);

	aws_arg(call, path, value);
}

/* One that the pattern fits: arn:...:instance/... */
static void resource_add(struct aws_call *call, int number, const char *pattern)
{
	size_t length = strlen(pattern);
	_cleanup_(freep) char *arn = NULL;

	if (str_eq(pattern, "*"))
		return;
	arn = str_ends(pattern, "*") ? mem_printf("%.*s00000000000000000", (int)length - 1, pattern)
				     : mem_strdup(pattern);
	argument_add(call, "ResourceArns", number, arn);
}

static const char *context_type(const char *operator)
{
	if (str_starts(operator, "ForAnyValue:"))
		return "stringList";
	return str_eq(operator, "Bool") ? "boolean" : "string";
}

static void context_add(struct aws_call *call, int number, const char *operator, const char * key, const char *value)
{
	_cleanup_(freep) char *entry = mem_printf("ContextEntries.member.%d", number);
	_cleanup_(freep) char *name = mem_printf("%s.ContextKeyName", entry);
	_cleanup_(freep) char *type = mem_printf("%s.ContextKeyType", entry);
	_cleanup_(freep) char *values = mem_printf("%s.ContextKeyValues", entry);

	aws_arg(call, name, key);
	aws_arg(call, type, context_type(operator));
	argument_add(call, values, 1, value);
}

static bool question_ask(void *item, struct error *err)
{
	struct question *question = item;
	struct aws_call call = aws_call(AWS_iam_SimulatePrincipalPolicy, question->probe->region);
	const struct tree *statement = question->statement;
	int number = 0;

	aws_arg(&call, "PolicySourceArn", question->source);
	for (struct tree_iter i = tree_iter(tree_get(statement, "Action")); tree_next(&i);)
		argument_add(&call, "ActionNames", ++number, tree_text(i.value, NULL));
	number = 0;
	for (struct tree_iter i = tree_iter(tree_get(statement, "Resource")); tree_next(&i);)
		resource_add(&call, ++number, tree_text(i.value, NULL));
	number = 0;
	for (struct tree_iter i = tree_iter(tree_get(statement, "Condition")); tree_next(&i);) {
		for (struct tree_iter k = tree_iter(i.value); tree_next(&k);)
			context_add(&call, ++number, i.key, k.key, tree_text(tree_at(k.value, 0), NULL));
	}
	aws_arg_int(&call, "MaxItems", 1000);
	return build_send(question->probe->build, &call, &question->reply, err);
}

/* A denied action once, with the first resource that it is denied on. */
static size_t question_judge(struct probe *probe, const struct question *question)
{
	_cleanup_(tree_freep) struct tree *told = tree_new_object();

	for (struct tree_iter i = tree_iter(tree_get(question->reply, "EvaluationResults")); tree_next(&i);) {
		const char *action = tree_text_or(i.value, "EvalActionName", "?");
		const char *decision = tree_text_or(i.value, "EvalDecision", "");

		if (str_eq(decision, "allowed") || tree_key(told, action))
			continue;
		tree_set_bool(told, action, true);
		probe_fail(probe, ERROR_DENIED,
			   "%s on %s is %s; `bakery iam-policy %s` prints what is needed (statement %s)", action,
			   tree_text_or(i.value, "EvalResourceName", "*"),
			   str_eq(decision, "explicitDeny") ? "denied by a policy" : "not allowed by any policy",
			   probe->plan->recipe, tree_text_or(question->statement, "Sid", "?"));
	}
	return tree_count(told);
}

static void questions_judge(struct probe *probe, const struct question *questions, size_t count,
			    const struct error *refused)
{
	size_t denied = 0;

	if (refused) {
		probe_unknown(
			probe,
			"what cannot be tried before there is something to try it on (stopping, tagging, sharing, "
			"removing) is not known: %s",
			refused->text);
		return;
	}
	for (size_t i = 0; i < count; i++)
		denied += question_judge(probe, &questions[i]);
	if (!denied)
		probe_ok(probe, "the caller's policies allow all that the build asks, as IAM simulates them");
}

static void questions_ask(struct probe *probe, const char *source, const struct tree *statements)
{
	enum { AT_ONCE = 8 };
	size_t count = tree_count(statements);
	_cleanup_(freep) struct question *questions = mem_array(count, sizeof(*questions));
	struct error err = {0};
	bool done;

	for (size_t i = 0; i < count; i++)
		questions[i] = (struct question){probe, source, tree_at(statements, i), NULL};
	done = parallel_each(questions, count, sizeof(*questions), AT_ONCE, question_ask, NULL, &err);
	if (!error_is(&err, ERROR_STOPPED))
		questions_judge(probe, questions, count, done ? NULL : &err);
	for (size_t i = 0; i < count; i++)
		tree_free(questions[i].reply);
}

void check_policies(struct probe *probe)
{
	_cleanup_(permission_needs_free) struct permission_needs needs;
	_cleanup_(tree_freep) struct tree *statements = NULL;
	_cleanup_(str_free) struct str source = STR_INIT;
	struct aws_identity identity;
	struct error err = {0};

	permission_needs_init(&needs);
	if (!aws_identity(probe->build->aws, probe->region, &identity, &err)) {
		probe_error(probe, ASK_NEEDED, &err);
		return;
	}
	if (!source_of(identity.arn, &source)) {
		probe_ok(probe, "%s has no policies of its own", identity.arn);
		return;
	}
	needs_of_plan(probe->plan, probe->arena, &needs);
	statements = permissions_questions(&needs);
	questions_ask(probe, source.data, statements);
}

/* --- dry runs --- */

/* Whether EC2 would do it; anything but a refusal of permission is of the arguments, and as true at build time. */
static bool dry_run_judge(struct probe *probe, const char *what, struct error *err)
{
	if (error_is(err, ERROR_STOPPED))
		return false;
	if (error_is(err, ERROR_CAPACITY) || error_is(err, ERROR_TRANSIENT) || error_is(err, ERROR_THROTTLED))
		probe_warn(probe, "%s: %s", what, err->text);
	else
		probe_fail(probe, err->kind, "%s: %s", what, err->text);
	return false;
}

static bool group_try(struct probe *probe)
{
	struct aws_call call = aws_call(AWS_ec2_CreateSecurityGroup, probe->region);
	struct error err = {0};

	call.dry_run = true;
	aws_arg(&call, "GroupName", "bakery-preflight");
	aws_arg(&call, "GroupDescription", "bakery: would a build be allowed to make one?");
	aws_arg(&call, "VpcId", probe->plan->launch.vpc);
	build_tag(probe->build, &call, 1, "security-group", "build", "bakery-preflight");
	return build_send(probe->build, &call, NULL, &err) || dry_run_judge(probe, "a temporary security group", &err);
}

static bool launch_try(struct probe *probe, const char *type, const struct plan_subnet *subnet, struct error *err)
{
	_cleanup_(freep) char *what = mem_printf("%s in %s", type, subnet->zone);

	return instance_dry_run(probe->build, type, subnet, err) || dry_run_judge(probe, what, err);
}

/* Of the image and the account, whatever the type and the subnet. */
static bool is_same_everywhere(const struct error *err)
{
	return str_eq(err->code, "OptInRequired");
}

void check_dry_runs(struct probe *probe)
{
	const struct plan_launch *launch = &probe->plan->launch;
	const struct plan_subnet *subnets = launch->subnets.items;
	bool fine = launch->security_groups.count || group_try(probe);
	struct error err = {0};

	for (size_t i = 0; i < launch->instance_types.count; i++) {
		for (size_t k = 0; k < launch->subnets.count; k++) {
			/* Permission is by type or by subnet, hardly ever by both at once. */
			if ((i == 0 || k == 0) &&
			    !launch_try(probe, launch->instance_types.items[i], &subnets[k], &err))
				fine = false;
			if (is_same_everywhere(&err))
				return;
		}
	}
	if (fine)
		probe_ok(probe, "EC2 would start it (%zu types, %zu subnets)", launch->instance_types.count,
			 launch->subnets.count);
}

/* An earlier image of the project, in place of the one that is not there yet; NULL in *ami when there is none. */
static bool earlier_image(struct probe *probe, const char **ami)
{
	struct aws_call call = aws_call(AWS_ec2_DescribeImages, probe->plan->region);
	_cleanup_(tree_freep) struct tree *reply = NULL;

	call.share_ms = 10000;
	aws_arg(&call, "Owner.1", "self");
	aws_arg(&call, "Filter.1.Name", "tag:bakery:project");
	aws_arg(&call, "Filter.1.Value.1", probe->plan->project);
	aws_arg(&call, "Filter.2.Name", "state");
	aws_arg(&call, "Filter.2.Value.1", "available");
	if (!probe_ask(probe, ASK_NEEDED, &call, &reply))
		return false;
	*ami = arena_strdup(probe->arena, tree_text(reply, "imagesSet.1.imageId"));
	return true;
}

void check_copy(struct probe *probe)
{
	struct aws_call call;
	struct error err = {0};
	const char *ami;

	if (str_eq(probe->region, probe->plan->region) || !earlier_image(probe, &ami))
		return;
	if (!ami) {
		probe_unknown(probe, "%s: there is no image of the project yet to try it with", probe->region);
		return;
	}
	call = aws_call(AWS_ec2_CopyImage, probe->region);
	call.dry_run = true;
	aws_arg(&call, "SourceImageId", ami);
	aws_arg(&call, "SourceRegion", probe->plan->region);
	aws_arg(&call, "Name", probe->build->state.image_name);
	build_tag(probe->build, &call, 1, "image", "copy", "bakery-preflight");
	build_tag(probe->build, &call, 2, "snapshot", "copy", "bakery-preflight");
	if (build_send(probe->build, &call, NULL, &err))
		probe_ok(probe, "EC2 would copy images to %s", probe->region);
	else if (error_is(&err, ERROR_DENIED))
		dry_run_judge(probe, "a copy", &err);
	else if (!error_is(&err, ERROR_STOPPED))
		probe_unknown(probe, "%s: cannot be tried with %s: %s", probe->region, ami, err.text);
}
