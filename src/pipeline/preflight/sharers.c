/* SPDX-License-Identifier: Apache-2.0
 *
 * Preflight: whether those that the image is shared with exist, as far as the organization can tell. */
#include <string.h>

#include "bakery/parallel.h"
#include "bakery/str.h"
#include "probe.h"

struct account_look {
	struct probe *probe;
	const char *account;
	struct tree *reply;
	struct error err;
};

static bool account_ask(void *item, struct error *err)
{
	struct account_look *look = item;
	struct aws_call call = aws_call(AWS_organizations_DescribeAccount, look->probe->region);

	aws_arg(&call, "AccountId", look->account);
	if (!build_send(look->probe->build, &call, &look->reply, &look->err))
		*err = look->err;
	return look->err.kind == ERROR_NONE;
}

static bool account_judge(struct probe *probe, const struct account_look *look)
{
	const char *state = tree_text_or(look->reply, "Account.Status", "ACTIVE");

	/* Whether an account of somebody else exists, nobody tells. */
	if (error_is(&look->err, ERROR_ABSENT))
		probe_warn(probe,
			   "%s is no account of the organization: right if it is somebody else's, else correct "
			   "distribute.share.accounts",
			   look->account);
	else if (look->err.kind == ERROR_NONE && !str_eq(state, "ACTIVE"))
		probe_warn(probe, "account %s is %s", look->account, state);
	else
		return look->err.kind == ERROR_NONE;
	return false;
}

void check_accounts(struct probe *probe)
{
	enum { AT_ONCE = 4 };
	const struct text_list *accounts = &probe->plan->share.accounts;
	_cleanup_(freep) struct account_look *looks = mem_array(accounts->count, sizeof(*looks));
	const struct error *refused = NULL;
	struct error err = {0};
	size_t fine = 0;

	for (size_t i = 0; i < accounts->count; i++)
		looks[i] = (struct account_look){.probe = probe, .account = accounts->items[i]};
	if (!parallel_each(looks, accounts->count, sizeof(*looks), AT_ONCE, account_ask, NULL, &err))
		error_clear(&err);
	for (size_t i = 0; i < accounts->count; i++) {
		fine += account_judge(probe, &looks[i]);
		if (looks[i].err.kind != ERROR_NONE && !error_is(&looks[i].err, ERROR_ABSENT))
			refused = &looks[i].err;
		tree_free(looks[i].reply);
	}
	if (refused)
		probe_error(probe, ASK_EXTRA, refused);
	if (fine)
		probe_ok(probe, "%zu of %zu are active accounts of the organization", fine, accounts->count);
}

void check_organization(struct probe *probe)
{
	struct aws_call call = aws_call(AWS_organizations_DescribeOrganization, probe->region);
	const struct text_list *organizations = &probe->plan->share.organizations;
	_cleanup_(tree_freep) struct tree *reply = NULL;
	const char *own;

	if (!probe_ask(probe, ASK_EXTRA, &call, &reply))
		return;
	own = tree_text_or(reply, "Organization.Arn", "");
	for (size_t i = 0; i < organizations->count; i++) {
		if (str_eq(organizations->items[i], own))
			probe_ok(probe, "%s is the account's own", own);
		else
			probe_unknown(probe,
				      "%s is not the account's own (%s); whether it exists, only its members know",
				      organizations->items[i], own);
	}
}

static void unit_judge(struct probe *probe, const char *arn)
{
	struct aws_call call = aws_call(AWS_organizations_DescribeOrganizationalUnit, probe->region);
	const char *slash = strrchr(arn, '/');
	struct error err = {0};

	aws_arg(&call, "OrganizationalUnitId", slash ? slash + 1 : arn);
	if (build_send(probe->build, &call, NULL, &err))
		probe_ok(probe, "%s exists", arn);
	else if (error_is(&err, ERROR_ABSENT))
		probe_fail(probe, ERROR_ABSENT,
			   "%s does not exist in the account's organization; correct "
			   "distribute.share.organizational_units",
			   arn);
	else
		probe_error(probe, ASK_EXTRA, &err);
}

void check_units(struct probe *probe)
{
	const struct text_list *units = &probe->plan->share.organizational_units;

	for (size_t i = 0; i < units->count; i++)
		unit_judge(probe, units->items[i]);
}
