/* SPDX-License-Identifier: Apache-2.0
 *
 * Holds a request's arguments against the operation's row, so that a client's slip of the pen shows: AWS's query
 * services ignore a parameter that they do not know, the sandbox refuses it. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "bakery/mem.h"
#include "bakery/str.h"
#include "protocol.h"

/* "Filter.1.Value.2" -> "Filter.N.Value.N" */
static char *numbers_as_n(const char *path)
{
	struct str out = STR_INIT;
	while (*path != '\0') {
		size_t length = strcspn(path, ".");
		bool number = length > 0 && strspn(path, "0123456789") >= length;
		if (number)
			str_add(&out, "N");
		else
			str_add_n(&out, path, length);
		path += length;
		if (*path == '.')
			str_add_char(&out, *path++);
	}
	return str_take(&out);
}

/* One word of a row's args, taken apart. */
struct word {
	const char *name;
	size_t length;
	bool required, family;
	const char *type; /* "int", "bool", "time", or "" */
	size_t type_length;
};

static bool next_word(const char **rest, struct word *out)
{
	*rest += strspn(*rest, " ");
	size_t length = strcspn(*rest, " ");
	if (length == 0)
		return false;
	*out = (struct word){.name = *rest, .type = ""};
	out->length = strcspn(*rest, " !:");
	out->required = memchr(*rest, '!', length) != NULL;
	const char *colon = memchr(*rest, ':', length);
	if (colon != NULL) {
		out->type = colon + 1;
		out->type_length = length - (size_t)(colon + 1 - *rest);
	}
	out->family = out->length >= 2 && strncmp(out->name + out->length - 2, ".*", 2) == 0;
	*rest += length;
	return true;
}

static bool word_is(const struct word *word, const char *name)
{
	if (word->family)
		return strncmp(word->name, name, word->length - 1) == 0;
	return strlen(name) == word->length && strncmp(word->name, name, word->length) == 0;
}

static bool type_is(const struct word *word, const char *type)
{
	return strlen(type) == word->type_length && strncmp(word->type, type, word->type_length) == 0;
}

static bool fits_form(const struct word *word, const char *text)
{
	int64_t number;
	if (type_is(word, "int"))
		return str_to_int(text, &number);
	if (type_is(word, "bool"))
		return strcasecmp(text, "true") == 0 || strcasecmp(text, "false") == 0;
	if (type_is(word, "time"))
		return clock_parse_rfc3339(text, &number);
	return true;
}

static bool fits_json(const struct word *word, enum tree_kind kind)
{
	if (type_is(word, "int"))
		return kind == TREE_INT;
	if (type_is(word, "bool"))
		return kind == TREE_BOOL;
	if (type_is(word, "time"))
		return kind == TREE_INT || kind == TREE_DOUBLE;
	return word->family || kind == TREE_TEXT;
}

static bool refuse_unknown(struct request *rq, enum protocol protocol, const char *path)
{
	if (protocol == PROTOCOL_JSON)
		return refuse(rq, "ValidationException", "The request has an unknown member: %s", path);
	return refuse(rq, "UnknownParameter", "The parameter %s is not recognized", path);
}

static bool refuse_value(struct request *rq, enum protocol protocol, const char *path, const struct word *word,
			 const struct tree *value)
{
	const char *text = tree_text(value, NULL);
	if (protocol == PROTOCOL_JSON)
		return refuse(rq, "SerializationException", "%s is of the wrong type", path);
	return refuse(rq, "InvalidParameterValue",
		      "Value (%s) for parameter %s is invalid. Expecting a value of type %.*s",
		      text == NULL ? "" : text, path, (int)word->type_length, word->type);
}

static bool check_one(struct request *rq, enum protocol protocol, const char *path, const struct tree *value)
{
	_cleanup_(freep) char *name = numbers_as_n(path);
	struct word word;
	if (protocol != PROTOCOL_JSON && str_eq(name, "DryRun") && (rq->operation->flags & OPERATION_DRY_RUN))
		return true;
	for (const char *rest = rq->operation->args; next_word(&rest, &word);) {
		if (!word_is(&word, name))
			continue;
		bool fits = protocol == PROTOCOL_JSON ? fits_json(&word, tree_kind(value))
						      : fits_form(&word, tree_text_or(value, NULL, ""));
		return fits || refuse_value(rq, protocol, path, &word, value);
	}
	return refuse_unknown(rq, protocol, path);
}

static bool refuse_missing(struct request *rq, enum protocol protocol, const struct word *word)
{
	size_t length = word->length;
	if (length > 2 && strncmp(word->name + length - 2, ".N", 2) == 0)
		length -= 2;
	if (protocol == PROTOCOL_JSON)
		return refuse(rq, "ValidationException",
			      "1 validation error detected: Value null at '%.*s' failed to satisfy constraint: Member "
			      "must not be null",
			      (int)length, word->name);
	return refuse(rq, "MissingParameter", "The request must contain the parameter %.*s", (int)length, word->name);
}

static bool present(const struct word *word, const struct tree *flat)
{
	for (struct tree_iter i = tree_iter(flat); tree_next(&i);) {
		_cleanup_(freep) char *name = numbers_as_n(i.key);
		if (word_is(word, name))
			return true;
	}
	return false;
}

bool check_arguments(struct request *rq, enum protocol protocol, const struct tree *flat)
{
	for (struct tree_iter i = tree_iter(flat); tree_next(&i);)
		if (!(protocol == PROTOCOL_JSON && tree_kind(i.value) == TREE_NULL) &&
		    !check_one(rq, protocol, i.key, i.value))
			return false;
	struct word word;
	for (const char *rest = rq->operation->args; next_word(&rest, &word);)
		if (word.required && !present(&word, flat))
			return refuse_missing(rq, protocol, &word);
	return true;
}
