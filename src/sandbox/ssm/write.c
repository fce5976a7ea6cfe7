/* SPDX-License-Identifier: Apache-2.0
 *
 * Parameter Store: putting, deleting and labelling parameters. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "../ec2/ec2.h"
#include "../ec2/public_images.h"
#include "../quotas.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "ssm.h"

#define VERSIONS_MOST 100

struct tree *parameter_find(struct request *rq, const char *name)
{
	if (name == NULL)
		return NULL;
	if (!str_starts(name, "/aws/service/"))
		return find_object(rq, "parameter", name);
	return state_get(rq->cloud->state, PUBLIC_PARAMETERS_ACCOUNT, rq->region, "parameter", name);
}

bool parameter_need(struct request *rq, const char *name, struct tree **out)
{
	*out = find_object(rq, "parameter", name);
	return *out != NULL ||
	       refuse(rq, "ParameterNotFound", "The parameter %s does not exist", name == NULL ? "" : name);
}

void parameter_put(struct request *rq, struct tree *parameter)
{
	put_object(rq, "parameter", tree_text(parameter, "Name"), parameter);
}

const struct tree *parameter_newest(const struct tree *parameter)
{
	const struct tree *versions = tree_key(parameter, "_versions");
	return tree_count(versions) == 0 ? NULL : tree_at(versions, tree_count(versions) - 1);
}

/* --- PutParameter --- */

static bool name_reserved(const char *name)
{
	const char *first = *name == '/' ? name + 1 : name;
	return strncasecmp(first, "aws", 3) == 0 || strncasecmp(first, "ssm", 3) == 0;
}

static bool check_name(struct request *rq, const char *name)
{
	size_t levels = 0;
	bool letters = *name != '\0';
	for (const char *c = name; *c != '\0'; c++) {
		letters = letters && (isalnum((unsigned char)*c) || strchr("_.-/", *c) != NULL);
		levels += *c == '/';
	}
	if (!letters || strstr(name, "//") != NULL || str_ends(name, "/"))
		return refuse(
			rq, "ValidationException",
			"Parameter name: can't be empty, end with a slash or have other characters than a-zA-Z0-9_.-/");
	if (name_reserved(name))
		return refuse(rq, str_starts(name, "/aws/") ? "AccessDeniedException" : "ValidationException",
			      "Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive)");
	if (levels > 0 && *name != '/')
		return refuse(rq, "ValidationException", "Parameter name must be a fully qualified name.");
	if (levels > 15)
		return refuse(rq, "HierarchyLevelLimitExceededException",
			      "A parameter hierarchy has at most 15 levels");
	return strlen(name) <= 1011 ||
	       refuse(rq, "ValidationException", "The parameter name has more than 1011 characters");
}

static bool check_value(struct request *rq)
{
	bool advanced = str_eq(arg(rq, "Tier"), "Advanced");
	size_t most = advanced ? 8192 : 4096, length = strlen(arg_or(rq, "Value", ""));
	if (length == 0)
		return refuse(rq, "ValidationException", "The parameter's value is empty");
	if (length > most)
		return refuse(rq, "ValidationException",
			      "%s tier parameters support a maximum parameter value of %zu characters.",
			      advanced ? "Advanced" : "Standard", most);
	const char *data_type = arg_or(rq, "DataType", "text");
	if (!str_eq(data_type, "text") && !str_eq(data_type, "aws:ec2:image"))
		return refuse(rq, "ValidationException", "The following data type is not supported: %s", data_type);
	const char *value = arg_or(rq, "Value", "");
	size_t digits = str_starts(value, "ami-") ? strspn(value + 4, "0123456789abcdef") : 0;
	if (str_eq(data_type, "aws:ec2:image") && ((digits != 8 && digits != 17) || value[4 + digits] != '\0'))
		return refuse(rq, "ValidationException",
			      "The following parameter value cannot be validated: %s. Please make sure the provided "
			      "value has "
			      "valid format.",
			      value);
	return true;
}

static bool check_against(struct request *rq, const struct tree *known)
{
	const char *type = arg(rq, "Type");
	bool overwrite = arg_bool(rq, "Overwrite", false);
	static const char *const types[] = {"String", "StringList", "SecureString"};
	if (type != NULL && !str_eq(type, types[0]) && !str_eq(type, types[1]) && !str_eq(type, types[2]))
		return refuse(rq, "ValidationException", "Value '%s' at 'type' failed to satisfy constraint", type);
	if (overwrite && arg_tree(rq, "Tags") != NULL)
		return refuse(rq, "ValidationException",
			      "Invalid request: tags and overwrite can't be used together. To create a parameter with "
			      "tags, please "
			      "remove overwrite flag. To update tags for an existing parameter, please use "
			      "AddTagsToResource or "
			      "RemoveTagsFromResource.");
	if (known == NULL)
		return type != NULL ||
		       refuse(rq, "ValidationException", "A parameter type is required when you create a parameter.");
	if (!overwrite)
		return refuse(rq, "ParameterAlreadyExists",
			      "The parameter already exists. To overwrite this value, set the overwrite option in the "
			      "request to "
			      "true.");
	if (type != NULL && !str_eq(type, tree_text(known, "Type")))
		return refuse(rq, "HierarchyTypeMismatchException",
			      "Parameter store does not support changing a parameter type in a hierarchy.");
	return true;
}

static struct tree *new_parameter(struct request *rq, const char *name)
{
	struct tree *parameter = tree_new_object();
	tree_set_text(parameter, "Name", name);
	tree_setf(parameter, "ARN", "arn:aws:ssm:%s:%s:parameter%s%s", rq->region, rq->caller.account,
		  *name == '/' ? "" : "/", name);
	tree_set_text(parameter, "Type", arg(rq, "Type"));
	tree_set_array(parameter, "_versions");
	struct tree *tags = tree_set_array(parameter, "_tags");
	for (struct tree_iter i = tree_iter(arg_tree(rq, "Tags")); tree_next(&i);)
		tree_add(tags, tree_copy(i.value));
	return parameter;
}

/* The oldest of a hundred versions makes room, unless it is labelled. */
static bool make_room(struct request *rq, struct tree *parameter)
{
	struct tree *versions = tree_key(parameter, "_versions");
	if (tree_count(versions) < VERSIONS_MOST)
		return true;
	if (tree_count(tree_get(versions, "1.Labels")) > 0)
		return refuse(rq, "ParameterMaxVersionLimitExceeded",
			      "You attempted to create a new version of %s by calling the PutParameter API with the "
			      "overwrite flag. "
			      "Version %s, the oldest version, can't be deleted because it has a label associated with "
			      "it. Move the "
			      "label to another version of the parameter, and try again.",
			      tree_text(parameter, "Name"), tree_text(versions, "1.Version"));
	struct tree *left = tree_new_array();
	for (size_t i = 1; i < tree_count(versions); i++)
		tree_add(left, tree_share(tree_at(versions, i)));
	tree_set(parameter, "_versions", left);
	return true;
}

static int64_t add_version(struct request *rq, struct tree *parameter)
{
	static const char *const copied[] = {"Value", "Description", "AllowedPattern", "KeyId"};
	int64_t version = tree_int(parameter_newest(parameter), "Version", 0) + 1;
	struct tree *one = tree_add_object(tree_key(parameter, "_versions"));
	tree_set_int(one, "Version", version);
	tree_set_text(one, "Type", tree_text(parameter, "Type"));
	for (size_t i = 0; i < ARRAY_SIZE(copied); i++)
		if (arg(rq, copied[i]) != NULL)
			tree_set_text(one, copied[i], arg(rq, copied[i]));
	tree_set_text(one, "DataType", arg_or(rq, "DataType", "text"));
	tree_set_text(one, "Tier", str_eq(arg(rq, "Tier"), "Advanced") ? "Advanced" : "Standard");
	tree_set_array(one, "Labels");
	tree_set_text(one, "LastModifiedUser", rq->caller.arn);
	tree_set_int(one, "_at", rq->now_ms);
	tree_set_text(parameter, "Tier", tree_text(one, "Tier"));
	return version;
}

/* AWS answers 200 and looks at the image afterwards; a value that does not pass is dropped without a word to the
 * caller. https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-ec2-aliases.html */
static bool image_passes(struct request *rq)
{
	if (!str_eq(arg(rq, "DataType"), "aws:ec2:image"))
		return true;
	_cleanup_(tree_freep) struct tree *image = image_seen(rq, arg(rq, "Value"));
	return str_eq(tree_text(image, "imageState"), "available");
}

static bool check_parameter_quota(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *all =
		state_list(rq->cloud->state, rq->caller.account, rq->region, "parameter");
	return (int64_t)tree_count(all) < quota_of(rq, QUOTA_PARAMETERS) ||
	       refuse(rq, "ParameterLimitExceeded",
		      "You have exceeded the number of parameters for this Amazon Web Services account. Delete one or "
		      "more parameters and try again.");
}

static bool put_parameter(struct request *rq)
{
	const char *name = arg_or(rq, "Name", "");
	if (!check_name(rq, name) || !check_value(rq) || !tags_check(rq, arg_tree(rq, "Tags"), "Key", "Value"))
		return false;
	_cleanup_(tree_freep) struct tree *known =
		state_get(rq->cloud->state, rq->caller.account, rq->region, "parameter", name);
	if (!check_against(rq, known))
		return false;
	_cleanup_(tree_freep) struct tree *parameter = known != NULL ? tree_copy(known) : new_parameter(rq, name);
	if (!make_room(rq, parameter))
		return false;
	tree_set_int(rq->reply, "Version", add_version(rq, parameter));
	tree_set_text(rq->reply, "Tier", tree_text(parameter, "Tier"));
	if (!image_passes(rq))
		return true;
	if (known == NULL && !check_parameter_quota(rq))
		return false;
	if (known == NULL)
		put_new_object(rq, "parameter", name, parameter);
	else
		parameter_put(rq, parameter);
	return true;
}

/* --- DeleteParameter(s) --- */

static bool delete_parameter(struct request *rq)
{
	struct tree *parameter = NULL;
	if (!parameter_need(rq, arg(rq, "Name"), &parameter))
		return false;
	tree_free(parameter);
	remove_object(rq, "parameter", arg(rq, "Name"));
	return true;
}

static bool delete_parameters(struct request *rq)
{
	struct tree *deleted = tree_set_array(rq->reply, "DeletedParameters");
	struct tree *invalid = tree_set_array(rq->reply, "InvalidParameters");
	for (struct tree_iter i = tree_iter(arg_tree(rq, "Names")); tree_next(&i);) {
		const char *name = tree_text_or(i.value, NULL, "");
		_cleanup_(tree_freep) struct tree *parameter = find_object(rq, "parameter", name);
		tree_add_text(parameter == NULL ? invalid : deleted, name);
		if (parameter != NULL)
			remove_object(rq, "parameter", name);
	}
	return true;
}

/* --- LabelParameterVersion --- */

static bool label_good(const char *label)
{
	bool good = *label != '\0' && strlen(label) <= 100 && !isdigit((unsigned char)*label) &&
		    strncasecmp(label, "aws", 3) != 0 && strncasecmp(label, "ssm", 3) != 0;
	for (; *label != '\0'; label++)
		good = good && (isalnum((unsigned char)*label) || strchr("_.-", *label) != NULL);
	return good;
}

static void take_label_away(struct tree *parameter, const char *label)
{
	for (struct tree_iter i = tree_iter(tree_key(parameter, "_versions")); tree_next(&i);) {
		struct tree *left = tree_new_array();
		for (struct tree_iter j = tree_iter(tree_key(i.value, "Labels")); tree_next(&j);)
			if (!str_eq(tree_text(j.value, NULL), label))
				tree_add_text(left, tree_text(j.value, NULL));
		tree_set(i.value, "Labels", left);
	}
}

static struct tree *version_numbered(struct tree *parameter, int64_t number)
{
	for (struct tree_iter i = tree_iter(tree_key(parameter, "_versions")); tree_next(&i);)
		if (tree_int(i.value, "Version", 0) == number)
			return i.value;
	return NULL;
}

/* A label stands on one version of a parameter; on another it moves. Bad labels come back with HTTP 200. */
static bool label_parameter_version(struct request *rq)
{
	struct tree *found = NULL;
	if (!parameter_need(rq, arg(rq, "Name"), &found))
		return false;
	_cleanup_(tree_freep) struct tree *parameter = found;
	int64_t number = arg_int(rq, "ParameterVersion", tree_int(parameter_newest(parameter), "Version", 0));
	struct tree *version = version_numbered(parameter, number);
	if (version == NULL)
		return refuse(rq, "ParameterVersionNotFound", "Systems Manager could not find version %d of %s.",
			      (int)number, arg(rq, "Name"));
	struct tree *invalid = tree_set_array(rq->reply, "InvalidLabels");
	for (struct tree_iter i = tree_iter(arg_tree(rq, "Labels")); tree_next(&i);) {
		const char *label = tree_text_or(i.value, NULL, "");
		if (!label_good(label)) {
			tree_add_text(invalid, label);
			continue;
		}
		take_label_away(parameter, label);
		tree_add_text(tree_key(version, "Labels"), label);
	}
	if (tree_count(tree_key(version, "Labels")) > 10)
		return refuse(rq, "ParameterVersionLabelLimitExceeded",
			      "A parameter version can have a maximum of ten labels.");
	parameter_put(rq, parameter);
	tree_set_int(rq->reply, "ParameterVersion", number);
	return true;
}

const struct operation ssm_write_operations[] = {
	{"PutParameter", put_parameter, 0,
	 "Name! Value! Type Description KeyId Overwrite:bool AllowedPattern Tags.N.Key Tags.N.Value Tier Policies "
	 "DataType"},
	{"DeleteParameter", delete_parameter, 0, "Name!"},
	{"DeleteParameters", delete_parameters, 0, "Names.N!"},
	{"LabelParameterVersion", label_parameter_version, 0, "Name! ParameterVersion:int Labels.N!"},
	{NULL},
};
