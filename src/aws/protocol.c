/* SPDX-License-Identifier: Apache-2.0
 *
 * The three protocols of the services we call:
 * https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html, .../aws-query-protocol.html,
 * .../aws-json-1_1-protocol.html */
#include "protocol.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "bakery/mem.h"
#include "bakery/sigv4.h"

#define FORM_TYPE "application/x-www-form-urlencoded; charset=utf-8"
#define JSON_TYPE "application/x-amz-json-1.1"

/* --- requests --- */

static void add_pair(struct str *out, const char *name, const char *value)
{
	if (out->len)
		str_add_char(out, '&');
	sigv4_encode(out, name, strlen(name));
	str_add_char(out, '=');
	sigv4_encode(out, value, strlen(value));
}

static void encode_form(const struct operation_row *row, const struct tree *args, struct str *out)
{
	add_pair(out, "Action", row->name);
	add_pair(out, "Version", service_row(row->service)->version);
	for (struct tree_iter i = tree_iter(args); tree_next(&i);)
		add_pair(out, i.key, tree_text(i.value, NULL));
}

static struct tree *new_child(const char *rest)
{
	return isdigit((unsigned char)*rest) ? tree_new_array() : tree_new_object();
}

/* The child of node called part, made when it is not there; what it becomes depends on the part that follows it. */
static struct tree *child_of(struct tree *node, const char *part, const char *rest)
{
	struct tree *child = tree_get(node, part);
	if (child)
		return child;
	child = new_child(rest);
	if (tree_kind(node) == TREE_ARRAY)
		tree_add(node, child);
	else
		tree_set(node, part, child);
	return child;
}

/* "Tags.1.Key" = x -> {"Tags": [{"Key": x}]} */
static void set_path(struct tree *node, const char *path, const struct tree *value)
{
	char part[128];
	for (const char *dot; (dot = strchr(path, '.')); path = dot + 1) {
		snprintf(part, sizeof part, "%.*s", (int)(dot - path), path);
		node = child_of(node, part, dot + 1);
	}
	if (tree_kind(node) == TREE_ARRAY)
		tree_add(node, tree_copy(value));
	else
		tree_set(node, path, tree_copy(value));
}

static void encode_json(const struct tree *args, struct str *out)
{
	_cleanup_(tree_wipe_freep) struct tree *root = tree_new_object();
	for (struct tree_iter i = tree_iter(args); tree_next(&i);)
		set_path(root, i.key, i.value);
	tree_to_json(root, out);
}

void protocol_encode(const struct operation_row *row, const struct tree *args, struct wire_request *out)
{
	const struct service_row *service = service_row(row->service);
	bool json = service->protocol == PROTOCOL_JSON;
	*out = (struct wire_request){.body = STR_INIT, .content_type = json ? JSON_TYPE : FORM_TYPE};
	if (json) {
		snprintf(out->target, sizeof out->target, "%s.%s", service->target, row->name);
		encode_json(args, &out->body);
	} else {
		encode_form(row, args, &out->body);
	}
}

void wire_request_free(struct wire_request *request)
{
	str_wipe_free(&request->body); /* user data and SecureStrings pass through here */
}

/* --- answers --- */

static struct tree *parse(enum protocol protocol, const struct str *body, struct error *err)
{
	if (protocol == PROTOCOL_JSON && body->len == 0)
		return tree_new_object();
	return protocol == PROTOCOL_JSON ? tree_from_json(body->data, body->len, err)
					 : tree_from_xml(body->data, body->len, err);
}

bool protocol_decode(const struct operation_row *row, const struct str *body, struct tree **reply, struct error *err)
{
	enum protocol protocol = service_row(row->service)->protocol;
	_cleanup_(tree_freep) struct tree *tree = parse(protocol, body, err);
	if (!tree)
		return false;
	if (tree_kind(tree) != TREE_OBJECT)
		return error_set(err, ERROR_REMOTE, "the answer is %s", tree_kind_name(tree_kind(tree)));
	if (protocol == PROTOCOL_QUERY) {
		_cleanup_(freep) char *result = mem_printf("%sResult", row->name);
		*reply = tree_kind(tree_key(tree, result)) == TREE_OBJECT ? tree_share(tree_key(tree, result))
									  : tree_new_object();
		return true;
	}
	*reply = take(&tree);
	return true;
}

/* One line, however AWS wrote it; the encoded part by itself. */
static void add_message(struct wire_error *out, const char *message)
{
	static const char mark[] = "Encoded authorization failure message:";
	const char *encoded = message ? strstr(message, mark) : NULL;
	size_t length = encoded ? (size_t)(encoded - message) : message ? strlen(message) : 0;
	for (size_t i = 0; i < length; i++)
		str_add_char(&out->message, iscntrl((unsigned char)message[i]) ? ' ' : message[i]);
	str_trim_right(&out->message);
	if (!encoded)
		return;
	encoded += sizeof mark - 1;
	encoded += strspn(encoded, " \t\r\n");
	str_add_n(&out->encoded, encoded, strcspn(encoded, " \t\r\n"));
}

/* "com.amazonaws.ssm#ParameterNotFound:http://internal.amazon.com/..." -> "ParameterNotFound" */
static void copy_code(char out[64], const char *text)
{
	const char *hash = text ? strchr(text, '#') : NULL;
	const char *start = hash ? hash + 1 : text ? text : "";
	snprintf(out, 64, "%.*s", (int)strcspn(start, ":"), start);
}

static void decode_json_error(const struct tree *tree, const struct http_reply *reply, struct wire_error *out)
{
	const char *message = tree_text(tree, "message");
	copy_code(out->code, reply->error_type[0] ? reply->error_type : tree_text(tree, "__type"));
	add_message(out, message ? message : tree_text(tree, "Message"));
}

static void decode_xml_error(const struct tree *tree, struct wire_error *out)
{
	const struct tree *error = tree_get(tree, "Errors.Error"); /* EC2 */
	if (!error)
		error = tree_get(tree, "Error"); /* STS */
	if (tree_kind(error) == TREE_ARRAY)
		error = tree_at(error, 0);
	const char *id = tree_text(tree, "RequestID");
	copy_code(out->code, tree_text(error, "Code"));
	add_message(out, tree_text(error, "Message"));
	snprintf(out->request_id, sizeof out->request_id, "%s", id ? id : tree_text_or(tree, "RequestId", ""));
}

bool protocol_decode_error(const struct operation_row *row, const struct http_reply *reply, struct wire_error *out)
{
	enum protocol protocol = service_row(row->service)->protocol;
	struct error ignored;
	_cleanup_(tree_freep) struct tree *tree = parse(protocol, &reply->body, &ignored);
	*out = (struct wire_error){.message = STR_INIT, .encoded = STR_INIT};
	if (protocol == PROTOCOL_JSON)
		decode_json_error(tree, reply, out);
	else
		decode_xml_error(tree, out);
	if (!out->request_id[0])
		snprintf(out->request_id, sizeof out->request_id, "%s", reply->request_id);
	return out->code[0];
}

void wire_error_free(struct wire_error *error)
{
	str_free(&error->message);
	str_free(&error->encoded);
}

/* --- pages --- */

/* Of the query services here only IAM answers in pages, and it calls the place to go on at a marker. */
const char *protocol_token_argument(enum protocol protocol)
{
	return protocol == PROTOCOL_QUERY ? "Marker" : "NextToken";
}

const char *protocol_token_path(enum protocol protocol)
{
	return protocol == PROTOCOL_EC2 ? "nextToken" : protocol_token_argument(protocol);
}
