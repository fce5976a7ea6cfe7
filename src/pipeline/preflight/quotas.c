/* SPDX-License-Identifier: Apache-2.0
 *
 * Preflight: what the account may have more of. A warning from nine tenths of a quota on, a failure when what the build
 * needs does not fit. */
#include <stdio.h>
#include <string.h>

#include "bakery/str.h"
#include "probe.h"

static bool quota_ask(struct probe *probe, const char *service, const char *code, double *limit)
{
	const enum aws_operation operations[] = {AWS_servicequotas_GetServiceQuota,
						 AWS_servicequotas_GetAWSDefaultServiceQuota};
	struct error err = {0};

	/* A quota that was never changed may be known by its default only (Service Quotas API, GetServiceQuota). */
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
		struct aws_call call = aws_call(operations[i], probe->region);
		_cleanup_(tree_freep) struct tree *reply = NULL;

		aws_arg(&call, "ServiceCode", service);
		aws_arg(&call, "QuotaCode", code);
		if (build_send(probe->build, &call, &reply, &err)) {
			*limit = tree_double(reply, "Quota.Value", 0);
			return true;
		}
		if (!error_is(&err, ERROR_ABSENT))
			break;
	}
	probe_error(probe, ASK_EXTRA, &err);
	return false;
}

static void quota_judge(struct probe *probe, const char *what, const char *code, int64_t used, int64_t more,
			double limit)
{
	const double nearly = 0.9;
	double then = (double)(used + more);

	if (then > limit)
		probe_fail(probe, ERROR_QUOTA,
			   "%s in %s: %lld of %.0f are in use, and the build needs %lld more; remove some, or raise "
			   "quota %s",
			   what, probe->region, (long long)used, limit, (long long)more, code);
	else if (then >= nearly * limit)
		probe_warn(probe, "%s in %s: %lld of %.0f are in use; quota %s will soon be reached", what,
			   probe->region, (long long)used, limit, code);
	else
		probe_ok(probe, "%s in %s: %lld of %.0f", what, probe->region, (long long)used, limit);
}

/* --- vCPUs --- */

/* The families that share the "standard" quotas (EC2 user guide, "Amazon EC2 instance type quotas"). */
static bool is_standard(const char *type)
{
	size_t letters = strcspn(type, "0123456789");

	return letters == 1 && strchr("acdhimrtz", type[0]);
}

struct usage {
	bool spot;
	struct tree *instances; /* type -> running ones of the market */
	struct tree *vcpus;	/* type -> of one */
};

static bool instances_count(struct probe *probe, struct usage *usage)
{
	struct aws_call call = aws_call(AWS_ec2_DescribeInstances, probe->region);
	_cleanup_(tree_freep) struct tree *reply = NULL;

	aws_arg(&call, "Filter.1.Name", "instance-state-name");
	aws_arg(&call, "Filter.1.Value.1", "pending");
	aws_arg(&call, "Filter.1.Value.2", "running");
	if (!probe_ask(probe, ASK_NEEDED, &call, &reply))
		return false;
	for (struct tree_iter i = tree_iter(tree_get(reply, "reservationSet")); tree_next(&i);) {
		for (struct tree_iter k = tree_iter(tree_get(i.value, "instancesSet")); tree_next(&k);) {
			const char *type = tree_text_or(k.value, "instanceType", "");
			bool spot = str_eq(tree_text(k.value, "instanceLifecycle"), "spot");
			const struct tree *count = tree_key(usage->instances, type);
			if (spot == usage->spot && is_standard(type))
				tree_set_int(usage->instances, type, tree_int(count, NULL, 0) + 1);
		}
	}
	return true;
}

/* Of the types that run, and of those that the build may start. */
static bool vcpus_ask(struct probe *probe, struct usage *usage)
{
	struct aws_call call = aws_call(AWS_ec2_DescribeInstanceTypes, probe->region);
	const struct text_list *wanted = &probe->plan->launch.instance_types;
	_cleanup_(tree_freep) struct tree *reply = NULL;
	char path[64];
	size_t count = 0;

	aws_arg(&call, "Filter.1.Name", "instance-type");
	for (size_t i = 0; i < wanted->count; i++) {
		snprintf(path, sizeof(path), "Filter.1.Value.%zu", ++count);
		aws_arg(&call, path, wanted->items[i]);
	}
	for (struct tree_iter i = tree_iter(usage->instances); tree_next(&i);) {
		snprintf(path, sizeof(path), "Filter.1.Value.%zu", ++count);
		aws_arg(&call, path, i.key);
	}
	if (!probe_ask(probe, ASK_EXTRA, &call, &reply))
		return false;
	for (struct tree_iter i = tree_iter(tree_get(reply, "instanceTypeSet")); tree_next(&i);)
		tree_set_int(usage->vcpus, tree_text_or(i.value, "instanceType", ""),
			     tree_int(i.value, "vCpuInfo.defaultVCpus", 0));
	return true;
}

/* The smallest of the types will do. */
static int64_t vcpus_needed(const struct probe *probe, const struct usage *usage)
{
	const struct text_list *wanted = &probe->plan->launch.instance_types;
	int64_t least = 0;

	for (size_t i = 0; i < wanted->count; i++) {
		int64_t vcpus = tree_int(tree_key(usage->vcpus, wanted->items[i]), NULL, 0);
		if (is_standard(wanted->items[i]) && vcpus && (!least || vcpus < least))
			least = vcpus;
	}
	return least;
}

static void market_judge(struct probe *probe, struct usage *usage)
{
	const char *code = usage->spot ? "L-34B43A08" : "L-1216C47A";
	int64_t used = 0, needed;
	double limit;

	if (!instances_count(probe, usage) || !vcpus_ask(probe, usage) || !quota_ask(probe, "ec2", code, &limit))
		return;
	for (struct tree_iter i = tree_iter(usage->instances); tree_next(&i);)
		used += tree_int(i.value, NULL, 0) * tree_int(tree_key(usage->vcpus, i.key), NULL, 0);
	needed = vcpus_needed(probe, usage);
	if (needed)
		quota_judge(probe, usage->spot ? "vCPUs of standard spot instances" : "vCPUs of standard instances",
			    code, used, needed, limit);
	else
		probe_unknown(probe, "only the quotas of the families A, C, D, H, I, M, R, T and Z are looked at");
}

void check_vcpus(struct probe *probe)
{
	_cleanup_(tree_freep) struct tree *instances = tree_new_object(), *vcpus = tree_new_object();
	struct usage usage = {probe->plan->launch.market != MARKET_ON_DEMAND, instances, vcpus};

	market_judge(probe, &usage);
}

/* --- images, groups --- */

void check_image_quota(struct probe *probe)
{
	static const char code[] = "L-B665C33B";
	struct aws_call call;
	_cleanup_(tree_freep) struct tree *reply = NULL;
	double limit;

	if (!quota_ask(probe, "ec2", code, &limit))
		return;
	call = aws_call(AWS_ec2_DescribeImages, probe->region);
	aws_arg(&call, "Owner.1", "self");
	aws_arg_bool(&call, "IncludeDeprecated", true);
	aws_arg_bool(&call, "IncludeDisabled", true);
	if (probe_ask(probe, ASK_NEEDED, &call, &reply))
		quota_judge(probe, "images", code, (int64_t)tree_count(tree_get(reply, "imagesSet")), 1, limit);
}

void check_group_quota(struct probe *probe)
{
	static const char code[] = "L-E79EC296";
	struct aws_call call;
	_cleanup_(tree_freep) struct tree *reply = NULL;
	double limit;

	if (!quota_ask(probe, "vpc", code, &limit))
		return;
	call = aws_call(AWS_ec2_DescribeSecurityGroups, probe->region);
	if (probe_ask(probe, ASK_EXTRA, &call, &reply))
		quota_judge(probe, "security groups", code, (int64_t)tree_count(tree_get(reply, "securityGroupInfo")),
			    1, limit);
}
