/* SPDX-License-Identifier: Apache-2.0
 *
 * Security group rules: read from a request, kept flat, shown grouped. */
#include "group_rules.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "bakery/mem.h"
#include "bakery/str.h"

/* Where the four kinds of source stand: list and member in the request, member of a flat rule, list and member as
 * shown, member in a rule set. */
static const struct source {
	const char *list, *member, *flat, *shown_list, *shown, *in_set;
} sources[] = {
	{"IpRanges", "CidrIp", "cidr", "ipRanges", "cidrIp", "cidrIpv4"},
	{"Ipv6Ranges", "CidrIpv6", "cidr6", "ipv6Ranges", "cidrIpv6", "cidrIpv6"},
	{"Groups", "GroupId", "group", "groups", "groupId", NULL},
	{"PrefixListIds", "PrefixListId", "prefix", "prefixListIds", "prefixListId", "prefixListId"},
};

static bool cidr_good(const char *text, int family)
{
	char address[INET6_ADDRSTRLEN];
	uint8_t binary[16];
	int64_t bits;
	const char *slash = strchr(text, '/');
	if (slash == NULL || (size_t)(slash - text) >= sizeof address || !str_to_int(slash + 1, &bits))
		return false;
	snprintf(address, sizeof address, "%.*s", (int)(slash - text), text);
	return inet_pton(family, address, binary) == 1 && bits >= 0 && bits <= (family == AF_INET ? 32 : 128);
}

static bool check_rule(struct request *rq, const struct tree *rule)
{
	const char *protocol = tree_text_or(rule, "protocol", ""), *cidr = tree_text(rule, "cidr"),
		   *cidr6 = tree_text(rule, "cidr6");
	static const char *const protocols[] = {"tcp", "udp", "icmp", "icmpv6", "-1"};
	bool known = false;
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++)
		known = known || str_eq(protocol, protocols[i]);
	if (!known)
		return refuse(rq, "InvalidPermission.Malformed",
			      "Unsupported IP protocol \"%s\" - supported: [tcp, udp, icmp]", protocol);
	if (cidr != NULL && !cidr_good(cidr, AF_INET))
		return refuse(rq, "InvalidParameterValue", "CIDR block %s is malformed", cidr);
	if (cidr6 != NULL && !cidr_good(cidr6, AF_INET6))
		return refuse(rq, "InvalidParameterValue", "CIDR block %s is malformed", cidr6);
	int64_t from = tree_int(rule, "from", -1), to = tree_int(rule, "to", -1);
	if ((str_eq(protocol, "tcp") || str_eq(protocol, "udp")) && (from < 0 || to < from || to > 65535))
		return refuse(rq, "InvalidParameterValue", "Invalid TCP/UDP port range (%d:%d)", (int)from, (int)to);
	return true;
}

static struct tree *flat_rule(const struct tree *permission, const struct source *source, const char *value,
			      const char *description)
{
	struct tree *rule = tree_new_object();
	const char *protocol = tree_text_or(permission, "IpProtocol", "");
	tree_set_text(rule, "protocol", str_eq(protocol, "6") ? "tcp" : str_eq(protocol, "17") ? "udp" : protocol);
	if (!str_eq(protocol, "-1")) {
		tree_set_int(rule, "from", tree_int(permission, "FromPort", -1));
		tree_set_int(rule, "to", tree_int(permission, "ToPort", -1));
	}
	tree_set_text(rule, source->flat, value);
	if (description != NULL)
		tree_set_text(rule, "description", description);
	return rule;
}

static bool add_permission(struct request *rq, const struct tree *permission, struct tree *rules)
{
	size_t before = tree_count(rules);
	for (size_t s = 0; s < ARRAY_SIZE(sources); s++)
		for (struct tree_iter i = tree_iter(tree_key(permission, sources[s].list)); tree_next(&i);) {
			struct tree *rule =
				flat_rule(permission, &sources[s], tree_text_or(i.value, sources[s].member, ""),
					  tree_text(i.value, "Description"));
			tree_add(rules, rule);
			if (!check_rule(rq, rule))
				return false;
		}
	return tree_count(rules) > before ||
	       refuse(rq, "InvalidParameterValue",
		      "Invalid value 'null' for a rule's source. Specify a CIDR, a group or a prefix list");
}

struct tree *rules_asked(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *rules = tree_new_array();
	for (struct tree_iter i = tree_iter(arg_tree(rq, "IpPermissions")); tree_next(&i);)
		if (!add_permission(rq, i.value, rules))
			return NULL;
	if (arg(rq, "CidrIp") != NULL) {
		struct tree *rule = flat_rule(rq->args, &sources[0], arg(rq, "CidrIp"), NULL);
		tree_add(rules, rule);
		if (!check_rule(rq, rule))
			return NULL;
	}
	return take(&rules);
}

static bool same_rule(const struct tree *a, const struct tree *b)
{
	bool same = str_eq(tree_text(a, "protocol"), tree_text(b, "protocol")) &&
		    str_eq(tree_text(a, "from"), tree_text(b, "from")) &&
		    str_eq(tree_text(a, "to"), tree_text(b, "to"));
	for (size_t s = 0; s < ARRAY_SIZE(sources); s++)
		same = same && str_eq(tree_text(a, sources[s].flat), tree_text(b, sources[s].flat));
	return same;
}

/* --- shown --- */

static struct tree *permission_for(struct tree *permissions, const struct tree *rule)
{
	for (struct tree_iter i = tree_iter(permissions); tree_next(&i);)
		if (str_eq(tree_text(i.value, "ipProtocol"), tree_text(rule, "protocol")) &&
		    str_eq(tree_text(i.value, "fromPort"), tree_text(rule, "from")) &&
		    str_eq(tree_text(i.value, "toPort"), tree_text(rule, "to")))
			return i.value;
	struct tree *permission = tree_add_object(permissions);
	tree_set_text(permission, "ipProtocol", tree_text(rule, "protocol"));
	if (tree_text(rule, "from") != NULL) {
		tree_set_int(permission, "fromPort", tree_int(rule, "from", -1));
		tree_set_int(permission, "toPort", tree_int(rule, "to", -1));
	}
	for (size_t s = 0; s < ARRAY_SIZE(sources); s++)
		tree_set_array(permission, sources[s].shown_list);
	return permission;
}

static void show_rules(struct tree *group)
{
	struct tree *permissions = tree_set_array(group, "ipPermissions");
	for (struct tree_iter i = tree_iter(tree_key(group, "_rules")); tree_next(&i);) {
		struct tree *permission = permission_for(permissions, i.value);
		for (size_t s = 0; s < ARRAY_SIZE(sources); s++) {
			const char *value = tree_text(i.value, sources[s].flat);
			if (value == NULL)
				continue;
			struct tree *one = tree_add_object(tree_key(permission, sources[s].shown_list));
			tree_set_text(one, sources[s].shown, value);
			if (str_eq(sources[s].flat, "group"))
				tree_set_text(one, "userId", tree_text(group, "ownerId"));
			if (tree_text(i.value, "description") != NULL)
				tree_set_text(one, "description", tree_text(i.value, "description"));
		}
	}
}

struct tree *rules_reply(const struct tree *group, const struct tree *rules)
{
	struct tree *set = tree_new_array();
	for (struct tree_iter i = tree_iter(rules); tree_next(&i);) {
		struct tree *rule = tree_add_object(set);
		for (struct tree_iter j = tree_iter(tree_key(group, "_rules")); tree_next(&j);)
			if (same_rule(j.value, i.value))
				tree_set_text(rule, "securityGroupRuleId", tree_text(j.value, "id"));
		tree_set_text(rule, "groupId", tree_text(group, "groupId"));
		tree_set_text(rule, "groupOwnerId", tree_text(group, "ownerId"));
		tree_set_bool(rule, "isEgress", false);
		tree_set_text(rule, "ipProtocol", tree_text(i.value, "protocol"));
		tree_set_int(rule, "fromPort", tree_int(i.value, "from", -1));
		tree_set_int(rule, "toPort", tree_int(i.value, "to", -1));
		for (size_t s = 0; s < ARRAY_SIZE(sources); s++)
			if (sources[s].in_set != NULL && tree_text(i.value, sources[s].flat) != NULL)
				tree_set_text(rule, sources[s].in_set, tree_text(i.value, sources[s].flat));
		if (tree_text(i.value, "description") != NULL)
			tree_set_text(rule, "description", tree_text(i.value, "description"));
	}
	return set;
}

/* --- kept --- */

static const char *source_text(const struct tree *rule)
{
	for (size_t s = 0; s < ARRAY_SIZE(sources); s++)
		if (tree_text(rule, sources[s].flat) != NULL)
			return tree_text(rule, sources[s].flat);
	return "";
}

bool rule_add(struct request *rq, struct tree *group, const struct tree *rule)
{
	char id[ID_SIZE];
	struct tree *rules = tree_key(group, "_rules");
	if (rules == NULL)
		rules = tree_set_array(group, "_rules");
	for (struct tree_iter i = tree_iter(rules); tree_next(&i);)
		if (same_rule(i.value, rule))
			return refuse(
				rq, "InvalidPermission.Duplicate",
				"the specified rule \"peer: %s, %s, from port: %d, to port: %d, ALLOW\" already exists",
				source_text(rule), tree_text(rule, "protocol"), (int)tree_int(rule, "from", -1),
				(int)tree_int(rule, "to", -1));
	struct tree *kept = tree_copy(rule);
	make_id("sgr-", id);
	tree_set_text(kept, "id", id);
	tree_add(rules, kept);
	show_rules(group);
	return true;
}

static bool keep_others(struct tree *group, const struct tree *rule, const char *id)
{
	struct tree *left = tree_new_array();
	for (struct tree_iter i = tree_iter(tree_key(group, "_rules")); tree_next(&i);)
		if (rule != NULL ? !same_rule(i.value, rule) : !str_eq(tree_text(i.value, "id"), id))
			tree_add(left, tree_share(i.value));
	bool removed = tree_count(left) < tree_count(tree_key(group, "_rules"));
	tree_set(group, "_rules", left);
	show_rules(group);
	return removed;
}

bool rule_remove(struct tree *group, const struct tree *rule)
{
	return keep_others(group, rule, NULL);
}

bool rule_remove_id(struct tree *group, const char *id)
{
	return keep_others(group, NULL, id);
}
