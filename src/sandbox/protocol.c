/* SPDX-License-Identifier: Apache-2.0
 *
 * AWS's wire forms: requests in, replies out. The arguments are checked in arguments.c. */
#include "protocol.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/mem.h"

/* --- requests --- */

static bool percent_decode(const char *text, size_t length, struct str *out)
{
	for (size_t i = 0; i < length; i++) {
		if (text[i] != '%') {
			str_add_char(out, text[i] == '+' ? ' ' : text[i]);
			continue;
		}
		if (i + 2 >= length || !isxdigit((unsigned char)text[i + 1]) || !isxdigit((unsigned char)text[i + 2]))
			return false;
		char digits[3] = {text[i + 1], text[i + 2], '\0'};
		char c = (char)strtol(digits, NULL, 16);
		if (c == '\0')
			return false;
		str_add_char(out, c);
		i += 2;
	}
	return true;
}

static bool decode_pair(const char *pair, size_t length, struct tree *out)
{
	const char *equals = memchr(pair, '=', length);
	size_t key_length = equals == NULL ? length : (size_t)(equals - pair);
	_cleanup_(str_free) struct str key = STR_INIT, value = STR_INIT;
	if (!percent_decode(pair, key_length, &key))
		return false;
	if (equals != NULL && !percent_decode(equals + 1, length - key_length - 1, &value))
		return false;
	if (key.len > 0)
		tree_set(out, key.data, tree_new_text_n(value.data, value.len));
	return true;
}

bool form_decode(const char *text, size_t length, struct tree *out)
{
	for (size_t start = 0; start < length;) {
		const char *end = memchr(text + start, '&', length - start);
		size_t pair_length = end == NULL ? length - start : (size_t)(end - text) - start;
		if (pair_length > 0 && !decode_pair(text + start, pair_length, out))
			return false;
		start += pair_length + 1;
	}
	return true;
}

/* Where the last part of a path goes, making the maps on the way. */
static void nest_one(struct tree *into, const char *path, struct tree *value)
{
	const char *dot;
	while ((dot = strchr(path, '.')) != NULL) {
		_cleanup_(freep) char *part = mem_strndup(path, (size_t)(dot - path));
		struct tree *below = tree_key(into, part);
		into = tree_kind(below) == TREE_OBJECT ? below : tree_set_object(into, part);
		path = dot + 1;
	}
	tree_set(into, path, value);
}

static bool is_number(const char *text)
{
	return *text != '\0' && strspn(text, "0123456789") == strlen(text) && strlen(text) < 10;
}

struct numbered {
	long number;
	struct tree *value;
};

static int by_number(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;
	return (x->number > y->number) - (x->number < y->number);
}

static struct tree *lists_in(const struct tree *tree);

static struct tree *list_of(const struct tree *map)
{
	size_t count = 0;
	struct numbered *items = mem_array(tree_count(map) + 1, sizeof *items);
	for (struct tree_iter i = tree_iter(map); tree_next(&i);)
		items[count++] = (struct numbered){atol(i.key), i.value};
	qsort(items, count, sizeof *items, by_number);
	struct tree *list = tree_new_array();
	for (size_t i = 0; i < count; i++)
		tree_add(list, lists_in(items[i].value));
	free(items);
	return list;
}

/* A copy in which maps whose keys are all numbers are lists. */
static struct tree *lists_in(const struct tree *tree)
{
	if (tree_kind(tree) != TREE_OBJECT)
		return tree_share(tree);
	bool numbers = tree_count(tree) > 0;
	for (struct tree_iter i = tree_iter(tree); tree_next(&i);)
		numbers = numbers && is_number(i.key);
	if (numbers)
		return list_of(tree);
	struct tree *map = tree_new_object();
	for (struct tree_iter i = tree_iter(tree); tree_next(&i);)
		tree_set(map, i.key, lists_in(i.value));
	return map;
}

struct tree *form_nest(const struct tree *flat)
{
	_cleanup_(tree_freep) struct tree *maps = tree_new_object();
	for (struct tree_iter i = tree_iter(flat); tree_next(&i);)
		nest_one(maps, i.key, tree_share(i.value));
	return lists_in(maps);
}

static void flatten_into(struct tree *out, const struct tree *node, const char *path)
{
	if (tree_kind(node) != TREE_OBJECT && tree_kind(node) != TREE_ARRAY) {
		tree_set(out, path, node == NULL ? tree_new_null() : tree_share(node));
		return;
	}
	for (struct tree_iter i = tree_iter(node); tree_next(&i);) {
		_cleanup_(freep) char *below = i.key == NULL   ? mem_printf("%s.%zu", path, i.index + 1)
					       : *path == '\0' ? mem_strdup(i.key)
							       : mem_printf("%s.%s", path, i.key);
		flatten_into(out, i.value, below);
	}
}

struct tree *json_flatten(const struct tree *body)
{
	struct tree *flat = tree_new_object();
	flatten_into(flat, body, "");
	return flat;
}

/* --- replies --- */

static void add_xml_text(struct str *out, const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		if (c == '&')
			str_add(out, "&amp;");
		else if (c == '<')
			str_add(out, "&lt;");
		else if (c == '>')
			str_add(out, "&gt;");
		else if (c == '\r')
			str_add(out, "&#xD;");
		else if (c >= 0x20 || c == '\n' || c == '\t') /* XML 1.0 has no other control characters */
			str_add_char(out, (char)c);
	}
}

static void add_xml(struct str *out, const char *name, const struct tree *node, const char *item_name);

static void add_xml_members(struct str *out, const struct tree *node, const char *item_name)
{
	for (struct tree_iter i = tree_iter(node); tree_next(&i);)
		if (i.key == NULL || i.key[0] != '_')
			add_xml(out, i.key == NULL ? item_name : i.key, i.value, item_name);
}

static void add_xml(struct str *out, const char *name, const struct tree *node, const char *item_name)
{
	enum tree_kind kind = tree_kind(node);
	if (kind == TREE_ABSENT || kind == TREE_NULL)
		return;
	str_addf(out, "<%s>", name);
	if (kind == TREE_OBJECT || kind == TREE_ARRAY)
		add_xml_members(out, node, item_name);
	else
		add_xml_text(out, tree_text(node, NULL));
	str_addf(out, "</%s>", name);
}

static void encode_ec2(const struct service *service, const char *operation, const struct tree *reply,
		       const char *request_id, struct str *out)
{
	str_addf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<%sResponse xmlns=\"%s\">", operation,
		 service->xmlns);
	str_addf(out, "<requestId>%s</requestId>", request_id);
	add_xml_members(out, reply, "item");
	str_addf(out, "</%sResponse>", operation);
}

static void encode_query(const struct service *service, const char *operation, const struct tree *reply,
			 const char *request_id, struct str *out)
{
	str_addf(out, "<%sResponse xmlns=\"%s\">", operation, service->xmlns);
	if (tree_count(reply) > 0) {
		str_addf(out, "<%sResult>", operation);
		add_xml_members(out, reply, "member");
		str_addf(out, "</%sResult>", operation);
	}
	str_addf(out, "<ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></%sResponse>", request_id,
		 operation);
}

static struct tree *without_private(const struct tree *node)
{
	enum tree_kind kind = tree_kind(node);
	if (kind != TREE_OBJECT && kind != TREE_ARRAY)
		return tree_share(node);
	struct tree *copy = kind == TREE_OBJECT ? tree_new_object() : tree_new_array();
	for (struct tree_iter i = tree_iter(node); tree_next(&i);) {
		if (i.key == NULL)
			tree_add(copy, without_private(i.value));
		else if (i.key[0] != '_' && tree_kind(i.value) != TREE_NULL)
			tree_set(copy, i.key, without_private(i.value));
	}
	return copy;
}

void encode_reply(const struct service *service, const char *operation, const struct tree *reply,
		  const char *request_id, struct str *out)
{
	if (service->protocol == PROTOCOL_EC2) {
		encode_ec2(service, operation, reply, request_id, out);
	} else if (service->protocol == PROTOCOL_QUERY) {
		encode_query(service, operation, reply, request_id, out);
	} else {
		_cleanup_(tree_freep) struct tree *public = without_private(reply);
		tree_to_json(public, out);
	}
}

static void encode_refusal_json(const struct refusal *refusal, struct str *out)
{
	_cleanup_(tree_freep) struct tree *body = tree_new_object();
	tree_set_text(body, "__type", refusal->code);
	tree_set_text(body, "message", refusal->message);
	tree_to_json(body, out);
}

void encode_refusal(const struct service *service, const struct refusal *refusal, const char *request_id,
		    struct str *out)
{
	if (service->protocol == PROTOCOL_JSON) {
		encode_refusal_json(refusal, out);
		return;
	}
	bool ec2 = service->protocol == PROTOCOL_EC2;
	str_add(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	if (ec2)
		str_add(out, "<Response><Errors><Error>");
	else
		str_addf(out, "<ErrorResponse xmlns=\"%s\"><Error><Type>%s</Type>", service->xmlns,
			 refusal_status(refusal) < 500 ? "Sender" : "Receiver");
	str_addf(out, "<Code>%s</Code><Message>", refusal->code);
	add_xml_text(out, refusal->message);
	str_addf(out,
		 ec2 ? "</Message></Error></Errors><RequestID>%s</RequestID></Response>"
		     : "</Message></Error><RequestId>%s</RequestId></ErrorResponse>",
		 request_id);
}

const char *content_type(const struct service *service)
{
	return service->protocol == PROTOCOL_JSON ? "application/x-amz-json-1.1" : "text/xml;charset=UTF-8";
}

/* https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html */
int refusal_status(const struct refusal *refusal)
{
	static const struct {
		const char *code;
		int status;
	} statuses[] = {
		{"AuthFailure", 401},
		{"DryRunOperation", 412},
		{"UnauthorizedOperation", 403},
		{"OptInRequired", 401},
		{"SignatureDoesNotMatch", 403},
		{"MissingAuthenticationToken", 403},
		{"InvalidClientTokenId", 403},
		{"AccessDenied", 403},
		{"DeleteConflict", 409},
		{"EntityAlreadyExists", 409},
		{"LimitExceeded", 409},
		{"NoSuchEntity", 404},
		{"InternalError", 500},
		{"InternalFailure", 500},
		{"InternalServerError", 500},
		{"InsufficientInstanceCapacity", 500},
		{"InsufficientAddressCapacity", 500},
		{"Unavailable", 503},
		{"ServiceUnavailable", 503},
		{"RequestLimitExceeded", 503},
	};
	if (refusal->status != 0)
		return refusal->status;
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
		if (str_eq(refusal->code, statuses[i].code))
			return statuses[i].status;
	return 400;
}
