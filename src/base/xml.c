/* SPDX-License-Identifier: Apache-2.0
 *
 * XML as events, and as AWS's query services answer it into a tree: names and text, nothing else. It comes from a
 * network, so depth is bounded and a document type, and with it every entity of its own, is refused. */
#include <expat.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/error.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "bakery/tree.h"
#include "bakery/xml.h"

enum { MOST_DEPTH = 64 };

struct element {
	char *name;
	struct str text;
	struct tree *list;    /* its children as long as all are <item> or all are <member> */
	char *list_name;      /* "item" or "member" */
	struct tree *members; /* its children as an object, once it is no list */
	struct tree *doubled; /* names that came more than once: their value in members is an array */
};

struct reader {
	XML_Parser parser;
	const struct xml_events *events;
	size_t depth;
	const char *refused;
};

struct builder { /* of a tree */
	struct element elements[MOST_DEPTH];
	size_t depth;
	struct tree *root;
};

static void element_clear(struct element *element)
{
	free(take(&element->name));
	free(take(&element->list_name));
	str_wipe_free(&element->text); /* STS answers with secrets */
	tree_free(take(&element->list));
	tree_free(take(&element->members));
	tree_free(take(&element->doubled));
}

static void element_start(void *cookie, const char *name, const char *const *attributes)
{
	struct builder *builder = cookie;
	builder->elements[builder->depth++] = (struct element){.name = mem_strdup(name), .text = STR_INIT};
}

static void element_text(void *cookie, const char *text, size_t length)
{
	struct builder *builder = cookie;
	str_add_n(&builder->elements[builder->depth - 1].text, text, length);
}

static void set_member(struct element *parent, const char *name, struct tree *child)
{
	if (!parent->members)
		parent->members = tree_new_object();
	struct tree *there = tree_key(parent->members, name);
	if (!there) {
		tree_set(parent->members, name, child);
	} else if (tree_key(parent->doubled, name)) {
		tree_add(there, child);
	} else {
		struct tree *both = tree_new_array();
		tree_add(both, tree_share(there));
		tree_add(both, child);
		tree_set(parent->members, name, both);
		if (!parent->doubled)
			parent->doubled = tree_new_object();
		tree_set_bool(parent->doubled, name, true);
	}
}

/* The list turns out to be none: what was collected becomes members. */
static void give_up_list(struct element *parent)
{
	for (struct tree_iter i = tree_iter(parent->list); tree_next(&i);)
		set_member(parent, parent->list_name, tree_share(i.value));
	tree_free(take(&parent->list));
	free(take(&parent->list_name));
}

static void add_child(struct element *parent, const char *name, struct tree *child)
{
	bool may_be_list = !parent->members && (str_eq(name, "item") || str_eq(name, "member"));
	if (parent->list && !str_eq(parent->list_name, name)) {
		give_up_list(parent);
		may_be_list = false;
	}
	if (!may_be_list) {
		set_member(parent, name, child);
		return;
	}
	if (!parent->list) {
		parent->list = tree_new_array();
		parent->list_name = mem_strdup(name);
	}
	tree_add(parent->list, child);
}

/* An empty element that was printed over two lines is as empty as one that was not. */
static struct tree *text_value(const struct str *text)
{
	bool blank = strspn(text->data, " \t\r\n") == text->len && strchr(text->data, '\n');
	return blank ? tree_new_text("") : tree_new_text_n(text->data, text->len);
}

static struct tree *element_value(struct element *element)
{
	if (element->list)
		return take(&element->list);
	if (element->members)
		return take(&element->members);
	return text_value(&element->text);
}

static void element_end(void *cookie, const char *name)
{
	struct builder *builder = cookie;
	struct element *element = &builder->elements[--builder->depth];
	if (builder->depth > 0) {
		add_child(&builder->elements[builder->depth - 1], name, element_value(element));
	} else {
		if (element->list)
			give_up_list(element);
		builder->root = element->members ? take(&element->members) : tree_new_object();
	}
	element_clear(element);
}

/* --- reading --- */

static void refuse(struct reader *reader, const char *why)
{
	reader->refused = why;
	XML_StopParser(reader->parser, XML_FALSE);
}

static void on_start(void *cookie, const XML_Char *name, const XML_Char **attributes)
{
	struct reader *reader = cookie;
	if (reader->refused)
		return;
	if (reader->depth == MOST_DEPTH) {
		refuse(reader, "elements are nested too deep");
		return;
	}
	reader->depth++;
	reader->events->start(reader->events->cookie, name, (const char *const *)attributes);
}

static void on_text(void *cookie, const XML_Char *text, int length)
{
	struct reader *reader = cookie;
	if (reader->depth > 0 && !reader->refused)
		reader->events->text(reader->events->cookie, text, (size_t)length);
}

static void on_end(void *cookie, const XML_Char *name)
{
	struct reader *reader = cookie;
	if (reader->refused || reader->depth == 0)
		return;
	reader->depth--;
	reader->events->end(reader->events->cookie, name);
}

static void on_doctype(void *cookie, const XML_Char *name, const XML_Char *system_id, const XML_Char *public_id,
		       int has_subset)
{
	refuse(cookie, "a document type is refused");
}

/* expat's buffers hold the whole answer, and STS answers with secrets: they are wiped like our own. */
static void wiping_free(void *memory)
{
	mem_wipe(memory, malloc_usable_size(memory));
	free(memory);
}

static void *wiping_realloc(void *old, size_t size)
{
	size_t had = malloc_usable_size(old);
	void *grown = malloc(size);
	if (!grown)
		return NULL;
	if (old)
		memcpy(grown, old, had < size ? had : size);
	wiping_free(old);
	return grown;
}

static void parser_freep(XML_Parser *parser)
{
	if (*parser)
		XML_ParserFree(*parser);
}

static void set_fault(const struct reader *reader, struct error *err)
{
	const char *why = reader->refused ? reader->refused : XML_ErrorString(XML_GetErrorCode(reader->parser));
	error_set(err, ERROR_REMOTE, "the XML cannot be read: line %lu, column %lu: %s",
		  XML_GetCurrentLineNumber(reader->parser), XML_GetCurrentColumnNumber(reader->parser) + 1, why);
}

/* expat takes an int: long documents go in by parts. */
static bool parse(XML_Parser parser, const char *text, size_t length)
{
	const size_t most = 1 << 20;
	while (length > most) {
		if (XML_Parse(parser, text, (int)most, XML_FALSE) != XML_STATUS_OK)
			return false;
		text += most;
		length -= most;
	}
	return XML_Parse(parser, text, (int)length, XML_TRUE) == XML_STATUS_OK;
}

bool xml_read(const char *text, size_t length, const struct xml_events *events, struct error *err)
{
	const XML_Memory_Handling_Suite memory = {malloc, wiping_realloc, wiping_free};
	_cleanup_(parser_freep) XML_Parser parser = XML_ParserCreate_MM("UTF-8", &memory, NULL);
	struct reader reader = {.parser = parser, .events = events};
	if (!parser)
		return error_set(err, ERROR_INTERNAL, "the XML reader could not be started");
	XML_SetUserData(parser, &reader);
	XML_SetElementHandler(parser, on_start, on_end);
	XML_SetCharacterDataHandler(parser, on_text);
	XML_SetStartDoctypeDeclHandler(parser, on_doctype);
	if (parse(parser, text, length) && !reader.refused)
		return true;
	set_fault(&reader, err);
	return false;
}

struct tree *tree_from_xml(const char *text, size_t length, struct error *err)
{
	struct builder builder = {0};
	const struct xml_events events = {&builder, element_start, element_text, element_end};
	if (xml_read(text, length, &events, err))
		return builder.root;
	while (builder.depth > 0)
		element_clear(&builder.elements[--builder.depth]);
	tree_free(builder.root);
	return NULL;
}

const char *xml_local_name(const char *name)
{
	const char *colon = strrchr(name, ':');
	return colon ? colon + 1 : name;
}

const char *xml_attribute_of(const char *const *attributes, const char *name)
{
	for (; *attributes; attributes += 2) {
		if (str_eq(xml_local_name(attributes[0]), name))
			return attributes[1];
	}
	return NULL;
}
