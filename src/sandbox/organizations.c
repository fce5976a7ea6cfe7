/* SPDX-License-Identifier: Apache-2.0
 *
 * The organization: one root, two units, the sandbox's account as its management account and two member accounts to
 * share with. */
#include <string.h>

#include "bakery/mem.h"
#include "bakery/str.h"
#include "organization.h"

#define ROOT_ID "r-sand"
#define ROOT_ARN "arn:aws:organizations::" CLOUD_ACCOUNT ":root/" ORGANIZATION_ID "/" ROOT_ID
#define UNIT_ARN(unit) "arn:aws:organizations::" CLOUD_ACCOUNT ":ou/" ORGANIZATION_ID "/" unit

static const struct unit {
	const char *id, *arn, *name;
} units[] = {
	{"ou-sand-workload", UNIT_ARN("ou-sand-workload"), "workloads"},
	{"ou-sand-security", UNIT_ARN("ou-sand-security"), "security"},
};

static const struct member {
	const char *id, *name;
	const struct unit *unit; /* NULL: directly under the root */
} members[] = {
	{CLOUD_ACCOUNT, "management", NULL},
	{"210987654321", "workload", &units[0]},
	{"345678901234", "security", &units[1]},
};

#define JOINED_S 1767225600 /* 2026-01-01 */

static const struct member *member_of(const char *account)
{
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (str_eq(members[i].id, account))
			return &members[i];
	return NULL;
}

const char *organization_account(size_t index)
{
	return index < ARRAY_SIZE(members) ? members[index].id : NULL;
}

bool organization_has(const char *organization_arn, const char *unit_arn, const char *account)
{
	const struct member *member = member_of(account);
	if (member == NULL)
		return false;
	if (str_eq(organization_arn, ORGANIZATION_ARN))
		return true;
	return unit_arn != NULL && member->unit != NULL && str_eq(unit_arn, member->unit->arn);
}

bool organization_arn_good(const char *arn, bool unit)
{
	const char *kind = unit ? ":ou/o-" : ":organization/o-";
	const char *found = strstr(arn, kind);
	return str_starts(arn, "arn:aws") && found != NULL && (!unit || strstr(found, "/ou-") != NULL);
}

static bool describe_organization(struct request *rq)
{
	struct tree *organization = tree_set_object(rq->reply, "Organization");
	tree_set_text(organization, "Id", ORGANIZATION_ID);
	tree_set_text(organization, "Arn", ORGANIZATION_ARN);
	tree_set_text(organization, "FeatureSet", "ALL");
	tree_set_text(organization, "MasterAccountArn",
		      "arn:aws:organizations::" CLOUD_ACCOUNT ":account/" ORGANIZATION_ID "/" CLOUD_ACCOUNT);
	tree_set_text(organization, "MasterAccountId", CLOUD_ACCOUNT);
	tree_set_text(organization, "MasterAccountEmail", "management@sandbox.example");
	struct tree *type = tree_add_object(tree_set_array(organization, "AvailablePolicyTypes"));
	tree_set_text(type, "Type", "SERVICE_CONTROL_POLICY");
	tree_set_text(type, "Status", "ENABLED");
	return true;
}

static struct tree *account_of(const struct member *member)
{
	struct tree *account = tree_new_object();
	tree_set_text(account, "Id", member->id);
	tree_setf(account, "Arn", "arn:aws:organizations::%s:account/%s/%s", CLOUD_ACCOUNT, ORGANIZATION_ID,
		  member->id);
	tree_setf(account, "Email", "%s@sandbox.example", member->name);
	tree_set_text(account, "Name", member->name);
	tree_set_text(account, "Status", "ACTIVE");
	tree_set_text(account, "State", "ACTIVE");
	tree_set_text(account, "JoinedMethod", "CREATED");
	tree_set(account, "JoinedTimestamp", tree_new_double(JOINED_S));
	return account;
}

/* A member learns only which organization it belongs to. */
static bool management_only(struct request *rq)
{
	return str_eq(rq->caller.account, CLOUD_ACCOUNT) ||
	       refuse(rq, "AccessDeniedException", "You don't have permissions to access this resource.");
}

/* Pages as the service makes them: the token is where to go on. */
static bool list_accounts(struct request *rq)
{
	int64_t most = arg_int(rq, "MaxResults", 20), offset = 0;
	const char *token = arg(rq, "NextToken");
	if (!management_only(rq))
		return false;
	if (most < 1 || most > 20 || (token != NULL && (!str_to_int(token, &offset) || offset < 0)))
		return refuse(rq, "InvalidInputException", "You specified an invalid value.");
	struct tree *accounts = tree_set_array(rq->reply, "Accounts");
	int64_t count = (int64_t)ARRAY_SIZE(members);
	for (int64_t i = offset; i < count && i < offset + most; i++)
		tree_add(accounts, account_of(&members[i]));
	if (offset + most < count)
		tree_setf(rq->reply, "NextToken", "%d", (int)(offset + most));
	return true;
}

static bool list_roots(struct request *rq)
{
	if (!management_only(rq))
		return false;
	struct tree *root = tree_add_object(tree_set_array(rq->reply, "Roots"));
	tree_set_text(root, "Id", ROOT_ID);
	tree_set_text(root, "Arn", ROOT_ARN);
	tree_set_text(root, "Name", "Root");
	tree_set_array(root, "PolicyTypes");
	return true;
}

static bool list_units(struct request *rq)
{
	const char *parent = arg_or(rq, "ParentId", "");
	struct tree *list = tree_set_array(rq->reply, "OrganizationalUnits");
	bool known = str_eq(parent, ROOT_ID);
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		known = known || str_eq(parent, units[i].id);
		if (!str_eq(parent, ROOT_ID))
			continue;
		struct tree *unit = tree_add_object(list);
		tree_set_text(unit, "Id", units[i].id);
		tree_set_text(unit, "Arn", units[i].arn);
		tree_set_text(unit, "Name", units[i].name);
	}
	if (!management_only(rq))
		return false;
	return known || refuse(rq, "ParentNotFoundException", "You specified parent that doesn't exist.");
}

static bool describe_account(struct request *rq)
{
	const struct member *member = member_of(arg(rq, "AccountId"));
	if (!management_only(rq))
		return false;
	if (member == NULL)
		return refuse(rq, "AccountNotFoundException", "You specified an account that doesn't exist.");
	tree_set(rq->reply, "Account", account_of(member));
	return true;
}

const struct operation organizations_operations[] = {
	{"DescribeOrganization", describe_organization, 0, ""},
	{"DescribeAccount", describe_account, 0, "AccountId!"},
	{"ListAccounts", list_accounts, 0, "MaxResults:int NextToken"},
	{"ListRoots", list_roots, 0, "MaxResults:int NextToken"},
	{"ListOrganizationalUnitsForParent", list_units, 0, "ParentId! MaxResults:int NextToken"},
	{NULL},
};
