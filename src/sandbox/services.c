/* SPDX-License-Identifier: Apache-2.0
 *
 * The services that the sandbox offers; a row more here is a service more. */
#include "services.h"

#include <string.h>

#include "access/authorize.h"
#include "access/iam.h"
#include "access/sts.h"
#include "bakery/sandbox.h"
#include "bakery/str.h"
#include "ec2/ec2.h"
#include "ec2/region_fill.h"
#include "jobs.h"
#include "kms/kms.h"
#include "organization.h"
#include "quotas.h"
#include "ssm/ssm.h"

static const struct operation *const ec2_tables[] = {ec2_image_operations,
						     ec2_image_make_operations,
						     ec2_image_attribute_operations,
						     ec2_snapshot_operations,
						     ec2_spot_operations,
						     ec2_instance_operations,
						     ec2_run_operations,
						     ec2_instance_state_operations,
						     ec2_instance_attribute_operations,
						     ec2_volume_operations,
						     ec2_key_operations,
						     ec2_group_operations,
						     ec2_tag_operations,
						     ec2_network_operations,
						     ec2_type_operations,
						     NULL};
static const struct operation *const ssm_tables[] = {ssm_write_operations, ssm_read_operations, ssm_tag_operations,
						     NULL};
static const struct operation *const iam_tables[] = {iam_role_operations, iam_role_policy_operations,
						     iam_profile_operations, iam_user_operations, NULL};
static const struct operation *const kms_tables[] = {kms_key_operations, kms_alias_operations, kms_grant_operations,
						     kms_policy_operations, NULL};
static const struct operation *const sts_tables[] = {sts_operations, sts_role_operations, sts_web_operations, NULL};
static const struct operation *const quota_tables[] = {quota_operations, NULL};
static const struct operation *const organizations_tables[] = {organizations_operations, NULL};

#define JSON_ERRORS                                                                                                    \
	.missing = "MissingAuthenticationTokenException", .unknown_key = "UnrecognizedClientException",                \
	.mismatch = "InvalidSignatureException", .stale = "InvalidSignatureException",                                 \
	.expired = "ExpiredTokenException", .throttled = "ThrottlingException",                                        \
	.unknown_operation = "UnknownOperationException"

#define QUERY_ERRORS                                                                                                   \
	.missing = "MissingAuthenticationToken", .unknown_key = "InvalidClientTokenId",                                \
	.mismatch = "SignatureDoesNotMatch", .stale = "SignatureDoesNotMatch", .expired = "ExpiredToken",              \
	.throttled = "Throttling", .unknown_operation = "InvalidAction"

const struct service services[] = {
	{.name = "ec2",
	 .protocol = PROTOCOL_EC2,
	 .version = "2016-11-15",
	 .xmlns = "http://ec2.amazonaws.com/doc/2016-11-15/",
	 .missing = "MissingAuthenticationToken",
	 .unknown_key = "AuthFailure",
	 .mismatch = "SignatureDoesNotMatch",
	 .stale = "RequestExpired",
	 .expired = "RequestExpired",
	 .throttled = "RequestLimitExceeded",
	 .unknown_operation = "InvalidAction",
	 .operations = ec2_tables},
	{.name = "sts",
	 .protocol = PROTOCOL_QUERY,
	 .version = "2011-06-15",
	 .xmlns = "https://sts.amazonaws.com/doc/2011-06-15/",
	 QUERY_ERRORS,
	 .operations = sts_tables},
	{.name = "iam",
	 .protocol = PROTOCOL_QUERY,
	 .version = "2010-05-08",
	 .xmlns = "https://iam.amazonaws.com/doc/2010-05-08/",
	 QUERY_ERRORS,
	 .operations = iam_tables},
	{.name = "ssm", .protocol = PROTOCOL_JSON, .target = "AmazonSSM", JSON_ERRORS, .operations = ssm_tables},
	{.name = "kms", .protocol = PROTOCOL_JSON, .target = "TrentService", JSON_ERRORS, .operations = kms_tables},
	{.name = "servicequotas",
	 .protocol = PROTOCOL_JSON,
	 .target = "ServiceQuotasV20190624",
	 JSON_ERRORS,
	 .operations = quota_tables},
	{.name = "organizations",
	 .protocol = PROTOCOL_JSON,
	 .target = "AWSOrganizationsV20161128",
	 JSON_ERRORS,
	 .operations = organizations_tables},
	{NULL},
};

const struct service *service_named(const char *name)
{
	for (const struct service *service = services; service->name != NULL; service++)
		if (str_eq(service->name, name))
			return service;
	return NULL;
}

const struct service *service_of_target(const char *target)
{
	for (const struct service *service = services; service->name != NULL; service++) {
		size_t length = service->target == NULL ? 0 : strlen(service->target);
		if (length > 0 && strncmp(target, service->target, length) == 0 && target[length] == '.')
			return service;
	}
	return NULL;
}

const struct operation *operation_named(const struct service *service, const char *name)
{
	for (size_t t = 0; service->operations[t] != NULL; t++)
		for (const struct operation *row = service->operations[t]; row->name != NULL; row++)
			if (str_eq(row->name, name))
				return row;
	return NULL;
}

struct tree *sandbox_operations(void)
{
	struct tree *list = tree_new_array();
	for (const struct service *service = services; service->name != NULL; service++)
		for (size_t t = 0; service->operations[t] != NULL; t++)
			for (const struct operation *row = service->operations[t]; row->name != NULL; row++) {
				struct tree *one = tree_add_object(list);
				tree_set_text(one, "service", service->name);
				tree_set_text(one, "operation", row->name);
			}
	return list;
}

/* Under the lock. DryRun: tried out, and nothing of it kept. */
static bool try_out(struct request *rq)
{
	struct error err = {0};
	state_begin(rq->cloud->state);
	if (rq->caller.kind != CALLER_NOBODY)
		region_fill(rq->cloud, rq->caller.account, rq->region);
	bool done = authorize(rq) && rq->operation->handle(rq);
	if (done && (rq->operation->flags & OPERATION_DRY_RUN) && arg_bool(rq, "DryRun", false))
		done = refuse(rq, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.");
	if (!done) {
		state_rollback(rq->cloud->state);
		return false;
	}
	return state_commit(rq->cloud->state, &err) || refuse(rq, "InternalError", "%s", err.text);
}

bool operation_carry_out(struct request *rq)
{
	pthread_mutex_lock(&rq->cloud->lock);
	rq->now_ms = clock_wall_ms();
	bool done = try_out(rq);
	if (done)
		for (size_t i = 0; i < rq->job_count; i++)
			jobs_start(rq->cloud->jobs, &rq->jobs[i]);
	pthread_mutex_unlock(&rq->cloud->lock);
	return done;
}
