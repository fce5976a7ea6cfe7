/* SPDX-License-Identifier: Apache-2.0
 *
 * Parameter Store: reading parameters, with selectors (name:3, name:label), by path, and their history. */
#include <ctype.h>
#include <string.h>

#include "../ec2/public_images.h"
#include "bakery/crypto.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "ssm.h"

double parameter_time(const struct tree *version)
{
	return (double)tree_int(version, "_at", 0) / 1000;
}

/* Without decryption a SecureString's value is shown as something that is not it. */
static void set_value(struct tree *out, const struct tree *version, bool decrypt)
{
	const char *value = tree_text_or(version, "Value", "");
	_cleanup_(str_free) struct str sealed = STR_INIT;
	if (str_eq(tree_text(version, "Type"), "SecureString") && !decrypt) {
		char hex[SHA256_HEX_SIZE];
		crypto_sha256_hex(value, strlen(value), hex);
		crypto_base64(hex, strlen(hex), &sealed);
		value = sealed.data;
	}
	tree_set_text(out, "Value", value);
}

static struct tree *shown(const struct tree *parameter, const struct tree *version, const char *selector, bool decrypt)
{
	struct tree *out = tree_new_object();
	tree_set_text(out, "Name", tree_text(parameter, "Name"));
	tree_set_text(out, "Type", tree_text(version, "Type"));
	set_value(out, version, decrypt);
	tree_set_int(out, "Version", tree_int(version, "Version", 1));
	if (*selector != '\0')
		tree_set_text(out, "Selector", selector);
	tree_set(out, "LastModifiedDate", tree_new_double(parameter_time(version)));
	tree_set_text(out, "ARN", tree_text(parameter, "ARN"));
	tree_set_text(out, "DataType", tree_text_or(version, "DataType", "text"));
	return out;
}

static bool version_selected(const struct tree *version, const char *selector)
{
	if (isdigit((unsigned char)*selector))
		return str_eq(tree_text(version, "Version"), selector);
	return list_has(tree_key(version, "Labels"), selector);
}

/* wanted: a number or a label; "": the newest. */
static const struct tree *select_version(const struct tree *parameter, const char *wanted)
{
	if (*wanted == '\0')
		return parameter_newest(parameter);
	for (struct tree_iter i = tree_iter(tree_key(parameter, "_versions")); tree_next(&i);)
		if (version_selected(i.value, wanted))
			return i.value;
	return NULL;
}

/* "arn:aws:ssm:us-east-1:123456789012:parameter/a/b:3" -> "/a/b" and ":3" */
static char *split_name(const char *asked, const char **selector)
{
	const char *name = str_starts(asked, "arn:") && strstr(asked, ":parameter/") != NULL
				   ? strstr(asked, ":parameter/") + strlen(":parameter")
				   : asked;
	const char *colon = strchr(name, ':');
	*selector = colon == NULL ? "" : colon;
	return mem_strndup(name, colon == NULL ? strlen(name) : (size_t)(colon - name));
}

static struct tree *get_one(struct request *rq, const char *asked)
{
	const char *selector;
	_cleanup_(freep) char *name = split_name(asked, &selector);
	_cleanup_(tree_freep) struct tree *parameter = parameter_find(rq, name);
	if (parameter == NULL) {
		refuse(rq, "ParameterNotFound", "The parameter %s does not exist", asked);
		return NULL;
	}
	const char *wanted = *selector == '\0' ? "" : selector + 1;
	const struct tree *version = select_version(parameter, wanted);
	if (version != NULL)
		return shown(parameter, version, selector, arg_bool(rq, "WithDecryption", false));
	refuse(rq, "ParameterVersionNotFound",
	       "Systems Manager could not find version %s of %s. Verify the version and try again.", wanted, name);
	return NULL;
}

char *parameter_value(struct request *rq, const char *asked)
{
	_cleanup_(tree_freep) struct tree *parameter = get_one(rq, asked);
	return mem_strdup(tree_text(parameter, "Value"));
}

static bool get_parameter(struct request *rq)
{
	struct tree *parameter = get_one(rq, arg_or(rq, "Name", ""));
	if (parameter != NULL)
		tree_set(rq->reply, "Parameter", parameter);
	return parameter != NULL;
}

static bool get_parameters(struct request *rq)
{
	struct tree *found = tree_set_array(rq->reply, "Parameters");
	struct tree *invalid = tree_set_array(rq->reply, "InvalidParameters");
	if (tree_count(arg_tree(rq, "Names")) > 10)
		return refuse(rq, "ValidationException", "GetParameters takes at most ten names");
	for (struct tree_iter i = tree_iter(arg_tree(rq, "Names")); tree_next(&i);) {
		const char *name = tree_text_or(i.value, NULL, "");
		struct tree *parameter = get_one(rq, name);
		if (parameter == NULL)
			tree_add_text(invalid, name);
		else
			tree_add(found, parameter);
	}
	return true;
}

/* --- many --- */

static bool reply_ssm_page(struct request *rq, struct tree *items, int64_t most)
{
	_cleanup_(tree_freep) struct tree *all = items;
	int64_t asked = arg_int(rq, "MaxResults", most), offset = 0;
	const char *token = arg(rq, "NextToken");
	if (asked < 1 || asked > most)
		return refuse(rq, "ValidationException",
			      "1 validation error detected: Value '%d' at 'maxResults' failed to satisfy constraint: "
			      "Member must "
			      "have value less than or equal to %d",
			      (int)asked, (int)most);
	if (token != NULL && (!str_to_int(token, &offset) || offset < 0))
		return refuse(rq, "InvalidNextToken", "The specified token isn't valid.");
	struct tree *page = tree_set_array(rq->reply, "Parameters");
	for (int64_t i = offset; i < (int64_t)tree_count(all) && i < offset + asked; i++)
		tree_add(page, tree_share(tree_at(all, (size_t)i)));
	if (offset + asked < (int64_t)tree_count(all))
		tree_setf(rq->reply, "NextToken", "%d", (int)(offset + asked));
	return true;
}

static bool below(const char *name, const char *path, bool recursive)
{
	size_t length = strlen(path);
	if (length == 1 && *path == '/')
		length = 0;
	if (strncmp(name, path, length) != 0 || name[length] != '/')
		return false;
	return recursive || strchr(name + length + 1, '/') == NULL;
}

/* One of ParameterFilters: Key, Option (Equals, BeginsWith, Contains; for Path Recursive, OneLevel), Values. */
static bool filter_one(const struct tree *parameter, const struct tree *filter)
{
	const char *key = tree_text_or(filter, "Key", ""), *option = tree_text_or(filter, "Option", "Equals");
	for (struct tree_iter i = tree_iter(tree_key(filter, "Values")); tree_next(&i);) {
		const char *value = tree_text_or(i.value, NULL, ""), *name = tree_text_or(parameter, "Name", "");
		const char *text = str_eq(key, "Name") ? name
				   : str_eq(key, "DataType")
					   ? tree_text_or(parameter_newest(parameter), "DataType", "text")
					   : tree_text(parameter, key);
		if (str_eq(key, "Path") && below(name, value, str_eq(option, "Recursive")))
			return true;
		if (str_eq(key, "Label") && select_version(parameter, value) != NULL)
			return true;
		if (str_starts(key, "tag:"))
			for (struct tree_iter j = tree_iter(tree_key(parameter, "_tags")); tree_next(&j);)
				if (str_eq(tree_text(j.value, "Key"), key + 4) &&
				    str_eq(tree_text(j.value, "Value"), value))
					return true;
		if (text == NULL || str_eq(key, "Path"))
			continue;
		if (str_eq(option, "BeginsWith") ? str_starts(text, value)
		    : str_eq(option, "Contains") ? strstr(text, value) != NULL
						 : str_eq(text, value))
			return true;
	}
	return false;
}

static bool check_filters(struct request *rq)
{
	static const char *const keys[] = {"Name", "Type", "Path", "Label", "Tier", "DataType", "KeyId"};
	for (struct tree_iter i = tree_iter(arg_tree(rq, "ParameterFilters")); tree_next(&i);) {
		const char *key = tree_text_or(i.value, "Key", "");
		bool known = str_starts(key, "tag:");
		for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
			known = known || str_eq(key, keys[k]);
		if (!known)
			return refuse(rq, "InvalidFilterKey", "The specified key isn't valid: %s", key);
	}
	return true;
}

static bool filtered(const struct request *rq, const struct tree *parameter)
{
	for (struct tree_iter i = tree_iter(arg_tree(rq, "ParameterFilters")); tree_next(&i);)
		if (!filter_one(parameter, i.value))
			return false;
	for (struct tree_iter i = tree_iter(arg_tree(rq, "Filters")); tree_next(&i);)
		if (!filter_one(parameter, i.value))
			return false;
	return true;
}

static struct tree *parameters_under(struct request *rq, const char *path)
{
	if (!str_starts(path, "/aws/service"))
		return list_objects(rq, "parameter");
	return state_list(rq->cloud->state, PUBLIC_PARAMETERS_ACCOUNT, rq->region, "parameter");
}

static bool get_parameters_by_path(struct request *rq)
{
	const char *path = arg_or(rq, "Path", "");
	if (*path != '/')
		return refuse(rq, "ValidationException",
			      "The parameter doesn't meet the parameter name requirements: a path "
			      "begins with a slash");
	if (!check_filters(rq))
		return false;
	_cleanup_(freep) char *trimmed =
		mem_strndup(path, strlen(path) > 1 && str_ends(path, "/") ? strlen(path) - 1 : strlen(path));
	_cleanup_(tree_freep) struct tree *all = parameters_under(rq, path);
	struct tree *found = tree_new_array();
	for (struct tree_iter i = tree_iter(all); tree_next(&i);)
		if (below(tree_text_or(i.value, "Name", ""), trimmed, arg_bool(rq, "Recursive", false)) &&
		    filtered(rq, i.value))
			tree_add(found,
				 shown(i.value, parameter_newest(i.value), "", arg_bool(rq, "WithDecryption", false)));
	return reply_ssm_page(rq, found, 10);
}

static struct tree *history_entry(const struct tree *parameter, const struct tree *version, bool decrypt)
{
	struct tree *entry = tree_copy(version);
	tree_set_text(entry, "Name", tree_text(parameter, "Name"));
	tree_set(entry, "LastModifiedDate", tree_new_double(parameter_time(version)));
	set_value(entry, version, decrypt);
	tree_set_array(entry, "Policies");
	return entry;
}

static bool get_parameter_history(struct request *rq)
{
	struct tree *found = NULL;
	if (!parameter_need(rq, arg(rq, "Name"), &found))
		return false;
	_cleanup_(tree_freep) struct tree *parameter = found;
	struct tree *history = tree_new_array();
	for (struct tree_iter i = tree_iter(tree_key(parameter, "_versions")); tree_next(&i);)
		tree_add(history, history_entry(parameter, i.value, arg_bool(rq, "WithDecryption", false)));
	return reply_ssm_page(rq, history, 50);
}

static struct tree *metadata(const struct tree *parameter)
{
	struct tree *out = tree_copy(parameter_newest(parameter));
	tree_set_text(out, "Name", tree_text(parameter, "Name"));
	tree_set_text(out, "ARN", tree_text(parameter, "ARN"));
	tree_set(out, "LastModifiedDate", tree_new_double(parameter_time(out)));
	tree_set_array(out, "Policies");
	tree_remove(out, "Value");
	tree_remove(out, "Labels");
	return out;
}

static bool describe_parameters(struct request *rq)
{
	if (!check_filters(rq))
		return false;
	_cleanup_(tree_freep) struct tree *all = list_objects(rq, "parameter");
	struct tree *found = tree_new_array();
	for (struct tree_iter i = tree_iter(all); tree_next(&i);)
		if (filtered(rq, i.value))
			tree_add(found, metadata(i.value));
	return reply_ssm_page(rq, found, 50);
}

#define ARGS_PAGE "MaxResults:int NextToken "
#define ARGS_PARAMETER_FILTERS "ParameterFilters.N.Key ParameterFilters.N.Option ParameterFilters.N.Values.N "

const struct operation ssm_read_operations[] = {
	{"GetParameter", get_parameter, 0, "Name! WithDecryption:bool"},
	{"GetParameters", get_parameters, 0, "Names.N! WithDecryption:bool"},
	{"GetParametersByPath", get_parameters_by_path, 0,
	 "Path! Recursive:bool WithDecryption:bool " ARGS_PARAMETER_FILTERS ARGS_PAGE},
	{"GetParameterHistory", get_parameter_history, 0, "Name! WithDecryption:bool " ARGS_PAGE},
	{"DescribeParameters", describe_parameters, 0,
	 "Filters.N.Key Filters.N.Values.N Shared:bool " ARGS_PARAMETER_FILTERS ARGS_PAGE},
	{NULL},
};
