/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of quotas and Service Quotas' operations over it. Who makes a thing that is counted asks quota_of. */
#include "quotas.h"

#include "bakery/mem.h"
#include "bakery/str.h"

#define MOST_PAGE 100

static const struct service_name {
	const char *code, *name;
} service_names[] = {
	{"ec2", "Amazon Elastic Compute Cloud (Amazon EC2)"},
	{"ssm", "AWS Systems Manager"},
	{"vpc", "Amazon Virtual Private Cloud (Amazon VPC)"},
};

static const struct quota {
	const char *service, *code, *name;
	int64_t otherwise, applied; /* AWS's default, and what this account has */
} quotas[] = {
	{"ec2", QUOTA_ON_DEMAND_VCPUS, "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", 5, 1920},
	{"ec2", QUOTA_SPOT_VCPUS, "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests", 5, 1440},
	{"ec2", QUOTA_IMAGES, "AMIs", 50000, 50000},
	{"ec2", QUOTA_PUBLIC_IMAGES, "Public AMIs", 5, 5},
	{"ec2", QUOTA_IMAGE_SHARING, "AMI sharing", 1000, 1000},
	{"vpc", QUOTA_GROUPS, "VPC security groups per Region", 2500, 2500},
	{"vpc", QUOTA_GROUPS_PER_INTERFACE, "Security groups per network interface", 5, 5},
	{"vpc", QUOTA_RULES_PER_GROUP, "Inbound or outbound rules per security group", 60, 60},
	{"ssm", QUOTA_PARAMETERS, "Standard parameters", 10000, 10000},
};

static int64_t applied_value(const struct request *rq, const struct quota *quota)
{
	_cleanup_(freep) char *setting = mem_printf("quota.%s", quota->code);
	return settings_count(rq->cloud->settings, setting, quota->applied);
}

int64_t quota_of(const struct request *rq, const char *code)
{
	for (size_t i = 0; i < ARRAY_SIZE(quotas); i++)
		if (str_eq(quotas[i].code, code))
			return applied_value(rq, &quotas[i]);
	return INT64_MAX;
}

/* --- operations --- */

static const char *name_of_service(const char *code)
{
	for (size_t i = 0; i < ARRAY_SIZE(service_names); i++)
		if (str_eq(service_names[i].code, code))
			return service_names[i].name;
	return NULL;
}

static struct tree *shown(const struct request *rq, const struct quota *quota, int64_t value)
{
	struct tree *out = tree_new_object();
	tree_set_text(out, "ServiceCode", quota->service);
	tree_set_text(out, "ServiceName", name_of_service(quota->service));
	tree_setf(out, "QuotaArn", "arn:aws:servicequotas:%s:%s:%s/%s", rq->region, rq->caller.account, quota->service,
		  quota->code);
	tree_set_text(out, "QuotaCode", quota->code);
	tree_set_text(out, "QuotaName", quota->name);
	tree_set(out, "Value", tree_new_double((double)value));
	tree_set_text(out, "Unit", "None");
	tree_set_bool(out, "Adjustable", true);
	tree_set_bool(out, "GlobalQuota", false);
	return out;
}

static const struct quota *quota_asked(struct request *rq)
{
	for (size_t i = 0; i < ARRAY_SIZE(quotas); i++)
		if (str_eq(quotas[i].service, arg(rq, "ServiceCode")) && str_eq(quotas[i].code, arg(rq, "QuotaCode")))
			return &quotas[i];
	refuse(rq, "NoSuchResourceException", "The request failed because the specified service quota does not exist.");
	return NULL;
}

static bool get_service_quota(struct request *rq)
{
	const struct quota *quota = quota_asked(rq);
	if (quota != NULL)
		tree_set(rq->reply, "Quota", shown(rq, quota, applied_value(rq, quota)));
	return quota != NULL;
}

static bool get_default_quota(struct request *rq)
{
	const struct quota *quota = quota_asked(rq);
	if (quota != NULL)
		tree_set(rq->reply, "Quota", shown(rq, quota, quota->otherwise));
	return quota != NULL;
}

/* The token is where to go on. */
static bool reply_quotas(struct request *rq, const char *key, struct tree *items)
{
	_cleanup_(tree_freep) struct tree *all = items;
	int64_t most = arg_int(rq, "MaxResults", MOST_PAGE), offset = 0;
	const char *token = arg(rq, "NextToken");
	if (most < 1 || most > MOST_PAGE)
		return refuse(rq, "IllegalArgumentException", "MaxResults has to be from 1 to %d", MOST_PAGE);
	if (token != NULL && (!str_to_int(token, &offset) || offset < 0))
		return refuse(rq, "InvalidPaginationTokenException", "Invalid NextToken");
	struct tree *page = tree_set_array(rq->reply, key);
	size_t last = (size_t)(offset + most);
	for (size_t i = (size_t)offset; i < tree_count(all) && i < last; i++)
		tree_add(page, tree_share(tree_at(all, i)));
	if (last < tree_count(all))
		tree_setf(rq->reply, "NextToken", "%zu", last);
	return true;
}

static bool list_quotas(struct request *rq, bool defaults)
{
	const char *service = arg_or(rq, "ServiceCode", ""), *code = arg(rq, "QuotaCode");
	if (name_of_service(service) == NULL)
		return refuse(rq, "NoSuchResourceException",
			      "The request failed because the specified service does not exist.");
	struct tree *list = tree_new_array();
	for (size_t i = 0; i < ARRAY_SIZE(quotas); i++)
		if (str_eq(quotas[i].service, service) && (code == NULL || str_eq(quotas[i].code, code)))
			tree_add(list,
				 shown(rq, &quotas[i], defaults ? quotas[i].otherwise : applied_value(rq, &quotas[i])));
	return reply_quotas(rq, "Quotas", list);
}

static bool list_service_quotas(struct request *rq)
{
	return list_quotas(rq, false);
}

static bool list_default_quotas(struct request *rq)
{
	return list_quotas(rq, true);
}

static bool list_services(struct request *rq)
{
	struct tree *list = tree_new_array();
	for (size_t i = 0; i < ARRAY_SIZE(service_names); i++) {
		struct tree *one = tree_add_object(list);
		tree_set_text(one, "ServiceCode", service_names[i].code);
		tree_set_text(one, "ServiceName", service_names[i].name);
	}
	return reply_quotas(rq, "Services", list);
}

#define ARGS_QUOTA_PAGE "MaxResults:int NextToken"

const struct operation quota_operations[] = {
	{"GetServiceQuota", get_service_quota, 0, "ServiceCode! QuotaCode!"},
	{"GetAWSDefaultServiceQuota", get_default_quota, 0, "ServiceCode! QuotaCode!"},
	{"ListServiceQuotas", list_service_quotas, 0, "ServiceCode! QuotaCode " ARGS_QUOTA_PAGE},
	{"ListAWSDefaultServiceQuotas", list_default_quotas, 0, "ServiceCode! " ARGS_QUOTA_PAGE},
	{"ListServices", list_services, 0, ARGS_QUOTA_PAGE},
	{NULL},
};
