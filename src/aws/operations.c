/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables of operations and services. */
#include "operations.h"

#include <assert.h>

static const struct service_row services[SERVICE_COUNT] = {
	[SERVICE_ec2] = {"ec2", "ec2", PROTOCOL_EC2, "2016-11-15", "", false},
	[SERVICE_sts] = {"sts", "sts", PROTOCOL_QUERY, "2011-06-15", "", false},
	[SERVICE_ssm] = {"ssm", "ssm", PROTOCOL_JSON, "", "AmazonSSM", false},
	[SERVICE_organizations] = {"organizations", "organizations", PROTOCOL_JSON, "", "AWSOrganizationsV20161128",
				   true},
	[SERVICE_iam] = {"iam", "iam", PROTOCOL_QUERY, "2010-05-08", "", true},
	[SERVICE_kms] = {"kms", "kms", PROTOCOL_JSON, "", "TrentService", false},
	[SERVICE_servicequotas] = {"servicequotas", "service_quotas", PROTOCOL_JSON, "", "ServiceQuotasV20190624",
				   false},
	[SERVICE_sso] = {"portal.sso", "sso", PROTOCOL_REST, "", "", false},
	[SERVICE_ssooidc] = {"oidc", "sso_oidc", PROTOCOL_REST, "", "", false},
};

static const struct operation_row operations[AWS_OPERATION_COUNT] = {
#define OP(service, operation, repeat, pages) {SERVICE_##service, #operation, REPEAT_##repeat, pages},
#include "operations.def"
#undef OP
};

const struct service_row *service_row(enum service service)
{
	assert(service < SERVICE_COUNT);
	return &services[service];
}

const struct operation_row *operation_row(enum aws_operation operation)
{
	assert(operation < AWS_OPERATION_COUNT);
	return &operations[operation];
}

bool operation_is_unsigned(enum aws_operation operation)
{
	return operation == AWS_sts_AssumeRoleWithWebIdentity;
}

const char *aws_operation_name(enum aws_operation operation)
{
	return operation_row(operation)->name;
}

const char *aws_operation_service(enum aws_operation operation)
{
	return service_row(operation_row(operation)->service)->name;
}
