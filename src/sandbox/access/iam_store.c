/* SPDX-License-Identifier: Apache-2.0
 *
 * Where IAM's documents are kept, and what each account of the organization has from the start. */
#include "iam.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "../organization.h"
#include "bakery/crypto.h"
#include "bakery/mem.h"
#include "bakery/str.h"

/* --- new documents --- */

/* "AROA" and 17 characters, the same for the same name: what was there before a reset is there again. */
static void set_id(struct tree *document, const char *key, const char *prefix, const char *account, const char *name)
{
	char hex[SHA256_HEX_SIZE], id[32];
	_cleanup_(freep) char *seed =
		mem_printf("%s %s %s %lld", prefix, account, name, (long long)tree_int(document, "_made", 0));
	crypto_sha256_hex(seed, strlen(seed), hex);
	snprintf(id, sizeof id, "%s%.17s", prefix, hex);
	for (char *c = id; *c != '\0'; c++)
		*c = (char)toupper((unsigned char)*c);
	tree_set_text(document, key, id);
}

static struct tree *new_document(const char *account, const char *path, const char *noun, const char *name,
				 int64_t now_ms)
{
	char created[CLOCK_TEXT_SIZE];
	struct tree *document = tree_new_object();
	clock_rfc3339(now_ms, created);
	tree_set_text(document, "Path", path);
	tree_setf(document, "Arn", "arn:aws:iam::%s:%s%s%s", account, noun, path, name);
	tree_set_text(document, "CreateDate", created);
	tree_set_int(document, "_made", now_ms);
	tree_set_text(document, "_kind", noun);
	return document;
}

struct tree *iam_new_role(const char *account, const char *path, const char *name, const char *trust, int64_t now_ms)
{
	struct tree *role = new_document(account, path, "role", name, now_ms);
	tree_set_text(role, "RoleName", name);
	set_id(role, "RoleId", "AROA", account, name);
	tree_set_int(role, "MaxSessionDuration", 3600);
	tree_set_text(role, "_trust", trust);
	tree_set_object(role, "_policies");
	tree_set_array(role, "_attached");
	return role;
}

struct tree *iam_new_profile(const char *account, const char *path, const char *name, int64_t now_ms)
{
	struct tree *profile = new_document(account, path, "instance-profile", name, now_ms);
	tree_set_text(profile, "InstanceProfileName", name);
	set_id(profile, "InstanceProfileId", "AIPA", account, name);
	tree_set_int(profile, "_changed", now_ms);
	return profile;
}

/* --- from the start --- */

#define MANAGED(name) "arn:aws:iam::aws:policy/" name
#define TRUST(principal, action, condition)                                                                            \
	"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":" principal                    \
	",\"Action\":\"" action "\"" condition "}]}"
#define TRUST_MANAGEMENT TRUST("{\"AWS\":\"arn:aws:iam::" CLOUD_ACCOUNT ":root\"}", "sts:AssumeRole", "")
#define TRUST_SERVICE(service) TRUST("{\"Service\":\"" service "\"}", "sts:AssumeRole", "")
#define PROVIDER(host) "arn:aws:iam::" CLOUD_ACCOUNT ":oidc-provider/" host
#define TRUST_CI                                                                                                       \
	TRUST("{\"Federated\":[\"" PROVIDER("token.actions.githubusercontent.com") "\",\"" PROVIDER(                   \
		      "gitlab.com") "\"]}",                                                                            \
	      "sts:AssumeRoleWithWebIdentity", "")

enum whose { EVERYBODY, MANAGEMENT, MEMBERS };
static const struct {
	const char *name, *path, *trust, *policy, *description;
	enum whose whose;
	bool profile;
} given_roles[] = {
	{"OrganizationAccountAccessRole", "/", TRUST_MANAGEMENT, MANAGED("AdministratorAccess"),
	 "The management account's way into this account", MEMBERS, false},
	{"bakery-reader", "/", TRUST_MANAGEMENT, MANAGED("ReadOnlyAccess"), "Sees what is shared with this account",
	 EVERYBODY, false},
	{"bakery-ci", "/", TRUST_CI, MANAGED("AdministratorAccess"), "For pipelines of GitHub and GitLab", MANAGEMENT,
	 false},
	{"bakery-builder", "/", TRUST_SERVICE("ec2.amazonaws.com"), MANAGED("AmazonSSMManagedInstanceCore"),
	 "For instances that images are baked on", EVERYBODY, true},
	{"AWSServiceRoleForAutoScaling", "/aws-service-role/autoscaling.amazonaws.com/",
	 TRUST_SERVICE("autoscaling.amazonaws.com"), NULL, "Default Service-Linked Role enables access to AWS Services",
	 EVERYBODY, false},
};

static void make_given(struct request *rq, const char *account, size_t index)
{
	struct state *state = rq->cloud->state;
	const char *name = given_roles[index].name;
	_cleanup_(tree_freep) struct tree *role =
		iam_new_role(account, given_roles[index].path, name, given_roles[index].trust, 0);
	tree_set_text(role, "Description", given_roles[index].description);
	tree_set_text(role, "CreateDate", "2026-01-01T00:00:00Z");
	tree_set_int(role, "MaxSessionDuration", 12 * 3600);
	if (given_roles[index].policy != NULL)
		tree_add_text(tree_key(role, "_attached"), given_roles[index].policy);
	state_put(state, account, GLOBAL_REGION, IAM_ROLE, name, role);
	if (!given_roles[index].profile)
		return;
	_cleanup_(tree_freep) struct tree *profile = iam_new_profile(account, "/", name, 0);
	tree_set_text(profile, "CreateDate", "2026-01-01T00:00:00Z");
	tree_set_text(profile, "_role", name);
	state_put(state, account, GLOBAL_REGION, IAM_PROFILE, name, profile);
}

static bool in_organization(const char *account)
{
	const char *member;
	for (size_t i = 0; (member = organization_account(i)) != NULL; i++)
		if (str_eq(member, account))
			return true;
	return false;
}

static void prepare(struct request *rq, const char *account)
{
	_cleanup_(tree_freep) struct tree *known = state_get(rq->cloud->state, account, GLOBAL_REGION, "iam", account);
	if (known != NULL || !in_organization(account))
		return;
	bool management = str_eq(account, CLOUD_ACCOUNT);
	for (size_t i = 0; i < ARRAY_SIZE(given_roles); i++)
		if (given_roles[i].whose == EVERYBODY || (given_roles[i].whose == MANAGEMENT) == management)
			make_given(rq, account, i);
	_cleanup_(tree_freep) struct tree *mark = tree_new_object();
	state_put(rq->cloud->state, account, GLOBAL_REGION, "iam", account, mark);
}

/* --- documents --- */

struct tree *iam_find(struct request *rq, const char *account, const char *kind, const char *name)
{
	prepare(rq, account);
	return name == NULL ? NULL : state_get(rq->cloud->state, account, GLOBAL_REGION, kind, name);
}

struct tree *iam_list(struct request *rq, const char *account, const char *kind)
{
	prepare(rq, account);
	return state_list(rq->cloud->state, account, GLOBAL_REGION, kind);
}

void iam_put(struct request *rq, const char *account, const char *kind, const char *name, const struct tree *document)
{
	state_put(rq->cloud->state, account, GLOBAL_REGION, kind, name, document);
}

void iam_remove(struct request *rq, const char *account, const char *kind, const char *name)
{
	state_remove(rq->cloud->state, account, GLOBAL_REGION, kind, name);
}

bool iam_arn_split(const char *arn, const char *noun, char account[16], char name[136])
{
	const char *rest = arn != NULL && str_starts(arn, "arn:aws:iam::") ? arn + strlen("arn:aws:iam::") : "";
	size_t digits = strspn(rest, "0123456789"), length = strlen(noun);
	if (digits != 12 || rest[12] != ':' || strncmp(rest + 13, noun, length) != 0 || rest[13 + length] != '/')
		return false;
	const char *last = strrchr(rest, '/') + 1;
	snprintf(account, 16, "%.12s", rest);
	snprintf(name, 136, "%s", last);
	return *last != '\0';
}
