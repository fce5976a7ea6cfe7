/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of a security group. A group's document keeps them flat under "_rules", one source a rule ({id, protocol,
 * from, to, cidr | cidr6 | group | prefix, description}), and shows them grouped by protocol and ports, as EC2 does. */
#ifndef BAKERY_SANDBOX_GROUP_RULES_H
#define BAKERY_SANDBOX_GROUP_RULES_H

#include "../request.h"

struct tree *rules_asked(
	struct request *rq); /* flat rules of IpPermissions and of the older single parameters; NULL after refusing */
bool rule_add(struct request *rq, struct tree *group, const struct tree *rule); /* refuses a doubled one */
bool rule_remove(struct tree *group, const struct tree *rule);			/* false: there is no such rule */
bool rule_remove_id(struct tree *group, const char *id);
struct tree *rules_reply(const struct tree *group, const struct tree *rules); /* securityGroupRuleSet of these */

#endif
