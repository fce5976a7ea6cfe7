/* SPDX-License-Identifier: Apache-2.0
 *
 * Parameter Store. A parameter's document holds what belongs to the name (Name, ARN, Type, Tier, tags under "_tags")
 * and its versions, oldest first, under
 * "_versions": {Version, Value, Type, DataType, Tier, Description, AllowedPattern, Labels, LastModifiedUser, _at}. */
#ifndef BAKERY_SANDBOX_SSM_H
#define BAKERY_SANDBOX_SSM_H

#include "../request.h"

extern const struct operation ssm_write_operations[], ssm_read_operations[], ssm_tag_operations[];

struct tree *parameter_find(struct request *rq,
			    const char *name); /* own or public; without a selector; NULL when absent */
bool parameter_need(struct request *rq, const char *name, struct tree **out); /* own; refuses with ParameterNotFound */
void parameter_put(struct request *rq, struct tree *parameter);
const struct tree *parameter_newest(const struct tree *parameter);
char *
parameter_value(struct request *rq,
		const char *name); /* of an own or public one, with a selector or without; NULL when absent; free it */
double parameter_time(const struct tree *version); /* seconds since 1970, as the JSON protocol has it */

#endif
