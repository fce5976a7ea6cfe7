/* SPDX-License-Identifier: Apache-2.0
 *
 * The rows of operations.def as data, and the services they belong to. */
#ifndef AWS_OPERATIONS_H
#define AWS_OPERATIONS_H

#include <stdbool.h>

#include "bakery/aws.h"

enum protocol {
	PROTOCOL_EC2,	/* a form, answered in XML; lists are Name.1 */
	PROTOCOL_QUERY, /* the same, the answer one level deeper; lists are Name.member.1 */
	PROTOCOL_JSON,	/* application/x-amz-json-1.1 */
	PROTOCOL_REST,	/* has no operations here: credential_sso.c asks it in its own way, and needs its address */
};

/* Its place in the table; the names are those of operations.def. */
enum service {
	SERVICE_ec2,
	SERVICE_sts,
	SERVICE_ssm,
	SERVICE_organizations,
	SERVICE_iam,
	SERVICE_kms,
	SERVICE_servicequotas,
	SERVICE_sso,
	SERVICE_ssooidc,
	SERVICE_COUNT
};

struct service_row {
	const char *name; /* in host names and in the signature's scope */
	const char *id;	  /* in AWS_ENDPOINT_URL_... (in capitals) and in the config file's services */
	enum protocol protocol;
	const char *version; /* of a form; "" in JSON */
	const char *target;  /* before the operation in X-Amz-Target; "" in forms */
	bool global;	     /* one endpoint for a whole partition */
};
const struct service_row *service_row(enum service service);

enum repeat { REPEAT_SAFE, REPEAT_TOKEN, REPEAT_ONCE };

struct operation_row {
	enum service service;
	const char *name;
	enum repeat repeat;
	const char *pages;
};
const struct operation_row *operation_row(enum aws_operation operation);
/* Asked without credentials, since it is how one gets them. */
bool operation_is_unsigned(enum aws_operation operation);

#endif
