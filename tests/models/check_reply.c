/* SPDX-License-Identifier: Apache-2.0
 *
 * Replies, good ones and errors, in XML and JSON. */
#include <string.h>

#include "bakery/mem.h"
#include "model.h"

static void check_xml(struct findings *findings, const struct model *model, const struct tree *shape, const char *path,
		      const struct tree *value);

static bool is_empty(const struct tree *value)
{
	return str_eq(tree_text(value, NULL), "");
}

static void check_xml_members(struct findings *findings, const struct model *model, const struct tree *shape,
			      const char *path, const struct tree *value)
{
	if (tree_kind(value) != TREE_OBJECT && !is_empty(value))
		fault(findings, path, "is %s instead of a structure", tree_kind_name(tree_kind(value)));
	for (struct tree_iter i = tree_iter(tree_kind(value) == TREE_OBJECT ? value : NULL); tree_next(&i);) {
		_cleanup_(freep) char *below = mem_printf("%s%s%s", path, *path ? "." : "", i.key);
		const struct tree *member = model_member(model, shape, i.key, strlen(i.key), REPLY);
		if (member)
			check_xml(findings, model, model_shape(model, member), below, i.value);
		else
			unknown(findings, model, below, "AWS knows no such element");
	}
}

static void check_xml_items(struct findings *findings, const struct model *model, const struct tree *shape,
			    const char *path, const struct tree *value)
{
	const struct tree *below = model_shape(model, tree_key(shape, "member"));
	_cleanup_(freep) char *item = mem_printf("%s.*", path);
	if (tree_kind(value) != TREE_ARRAY && !is_empty(value))
		fault(findings, path, "is %s instead of a list", tree_kind_name(tree_kind(value)));
	for (struct tree_iter i = tree_iter(tree_kind(value) == TREE_ARRAY ? value : NULL); tree_next(&i);)
		check_xml(findings, model, below, item, i.value);
}

static void check_xml(struct findings *findings, const struct model *model, const struct tree *shape, const char *path,
		      const struct tree *value)
{
	const char *type = model_type(shape);
	if (str_eq(type, "structure"))
		check_xml_members(findings, model, shape, path, value);
	else if (str_eq(type, "list"))
		check_xml_items(findings, model, shape, path, value);
	else if (!str_eq(type, "map") &&
		 !(str_eq(type, "string") && is_empty(value))) /* <groupName/> stands for "none" */
		check_scalar(findings, model, shape, path, value, false);
}

/* The name of a document's root element. */
static char *root_name(const char *xml)
{
	const char *at = xml;
	while ((at = strchr(at, '<')) && (at[1] == '?' || at[1] == '!'))
		at++;
	return at ? mem_strndup(at + 1, strcspn(at + 1, " />\r\n\t")) : mem_strdup("");
}

static void expect_root(struct findings *findings, const char *body, const char *wanted)
{
	_cleanup_(freep) char *root = root_name(body);
	if (!str_eq(root, wanted))
		fault(findings, "", "the root element is %s instead of %s", root, wanted);
}

static void check_good_xml(struct findings *findings, const struct model *model, const char *operation,
			   const struct tree *shape, const char *body, struct tree *tree)
{
	bool ec2 = str_eq(model->protocol, "ec2");
	_cleanup_(freep) char *root = mem_printf("%sResponse", operation);
	_cleanup_(freep) char *result = mem_printf("%sResult", operation);
	expect_root(findings, body, root);
	if (strstr(body, ec2 ? "<member>" : "<item>"))
		fault(findings, "", "items of lists have the wrong name for the protocol");
	if (!tree_text(tree, ec2 ? "requestId" : "ResponseMetadata.RequestId"))
		fault(findings, "", "there is no request id");
	if (ec2) {
		tree_remove(tree, "requestId");
		if (!model_member(model, shape, "return", strlen("return"), REPLY))
			tree_remove(tree, "return"); /* EC2 adds it to many answers, whatever the model says */
		check_xml_members(findings, model, shape, "", tree);
	} else if (shape && !tree_key(tree, result)) {
		fault(findings, "", "there is no %s", result);
	} else if (shape) {
		check_xml_members(findings, model, shape, "", tree_key(tree, result));
	}
}

static void check_xml_error(struct findings *findings, const struct model *model, const char *body,
			    const struct tree *tree)
{
	bool ec2 = str_eq(model->protocol, "ec2");
	const struct tree *error = tree_get(tree, ec2 ? "Errors.Error" : "Error");
	const char *type = tree_text(error, "Type");
	expect_root(findings, body, ec2 ? "Response" : "ErrorResponse");
	if (!tree_text(error, "Code") || !tree_text(error, "Message"))
		fault(findings, "", "an error needs a Code and a Message");
	if (!tree_text(tree, ec2 ? "RequestID" : "RequestId"))
		fault(findings, "", "there is no request id");
	if (!ec2 && !str_eq(type, "Sender") && !str_eq(type, "Receiver"))
		fault(findings, "", "an error's Type is Sender or Receiver");
}

/* What any JSON service may answer, whatever its model lists. */
static bool is_common_error(const char *code)
{
	static const char *const codes[] = {
		"AccessDeniedException",
		"ExpiredTokenException",
		"IncompleteSignatureException",
		"InternalFailure",
		"InternalServerError",
		"InvalidSignatureException",
		"MissingAuthenticationTokenException",
		"RequestExpired",
		"ServiceUnavailable",
		"ServiceUnavailableException",
		"ThrottlingException",
		"UnrecognizedClientException",
		"UnknownOperationException",
		"ValidationException",
		"SerializationException",
	};
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (strcmp(codes[i], code) == 0)
			return true;
	return false;
}

static void check_json_error(struct findings *findings, const struct model *model, const struct tree *row,
			     const struct tree *tree)
{
	const char *type = tree_text(tree, "__type");
	if (!type || !tree_text(tree, tree_key(tree, "message") ? "message" : "Message")) {
		fault(findings, "", "an error needs __type and message");
		return;
	}
	const char *hash = strchr(type, '#'), *code = hash ? hash + 1 : type;
	for (struct tree_iter i = tree_iter(tree_key(row, "errors")); tree_next(&i);)
		if (str_eq(tree_text(i.value, "shape"), code))
			return;
	if (!is_common_error(code))
		unknown(findings, model, "", "%s is no error that the operation has", code);
}

static struct tree *parse(struct findings *findings, const struct model *model, const char *body)
{
	struct error err = {0};
	bool json = str_eq(model->protocol, "json");
	if (json && !*body)
		return tree_new_object();
	struct tree *tree = json ? tree_from_json(body, strlen(body), &err) : tree_from_xml(body, strlen(body), &err);
	if (!tree)
		fault(findings, "", "%s", err.text);
	return tree;
}

static void check_content_type(struct findings *findings, const struct model *model, const char *type)
{
	const char *wanted = str_eq(model->protocol, "json") ? "application/x-amz-json-1.1" : "text/xml";
	if (!str_starts(type, wanted))
		fault(findings, "", "the content type is %s instead of %s", type, wanted);
}

void check_reply(struct findings *findings, const struct model *model, const char *operation, int status,
		 const char *content_type, const char *body)
{
	const struct tree *row = model_operation(model, operation);
	const struct tree *shape = model_shape(model, tree_key(row, "output"));
	_cleanup_(tree_freep) struct tree *tree = parse(findings, model, body);
	bool json = str_eq(model->protocol, "json"), good = status >= 200 && status <= 299;
	check_content_type(findings, model, content_type);
	if (!tree)
		return;
	if (json && good && shape)
		check_json(findings, model, shape, "", tree, REPLY);
	else if (json && !good)
		check_json_error(findings, model, row, tree);
	else if (!json && good)
		check_good_xml(findings, model, operation, shape, body, tree);
	else if (!json)
		check_xml_error(findings, model, body, tree);
}
