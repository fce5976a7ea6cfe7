/* SPDX-License-Identifier: Apache-2.0
 *
 * Options: read by table into a struct. */
#include <stdlib.h>
#include <string.h>

#include "bakery/str.h"
#include "options.h"

void text_list_add(struct text_list *list, const char *text, struct arena *arena)
{
	const char **items = arena_alloc(arena, (list->count + 1) * sizeof(*items));

	if (list->count)
		memcpy(items, list->items, list->count * sizeof(*items));
	items[list->count++] = text;
	list->items = items;
}

struct match {
	const struct option *option;
	void *into;
};

static bool option_is(const struct option *option, const char *word, size_t length)
{
	if (word[1] == '-')
		return strlen(option->name) == length && strncmp(option->name, word, length) == 0;
	return option->letter && length == 2 && word[1] == option->letter;
}

static struct match find(const struct option_set *sets, size_t set_count, const char *word, size_t length)
{
	for (size_t i = 0; i < set_count; i++) {
		for (const struct option *option = sets[i].options; option && option->name; option++) {
			if (option_is(option, word, length))
				return (struct match){option, (char *)sets[i].into + option->offset};
		}
	}
	return (struct match){0};
}

static bool unknown(const struct option_set *sets, size_t set_count, const char *word, size_t length, struct error *err)
{
	_cleanup_(freep) char *name = mem_strndup(word, length);
	const char *names[64], *nearest;
	size_t count = 0;

	for (size_t i = 0; i < set_count; i++) {
		for (const struct option *option = sets[i].options; option && option->name && count < ARRAY_SIZE(names);
		     option++)
			names[count++] = option->name;
	}
	nearest = str_nearest(name, names, count);
	error_set(err, ERROR_USAGE, "unknown option %s", name);
	if (nearest)
		error_hint(err, "did you mean %s?", nearest);
	return false;
}

static bool store(struct match match, const char *value, struct arena *arena, struct error *err)
{
	const struct option *option = match.option;

	switch (option->type) {
	case OPTION_FLAG:
		*(bool *)match.into = true;
		return true;
	case OPTION_TEXT:
		*(const char **)match.into = value;
		return true;
	case OPTION_TEXTS:
		text_list_add(match.into, value, arena);
		return true;
	case OPTION_INT:
		if (str_to_int(value, match.into))
			return true;
		return error_set(err, ERROR_USAGE, "%s wants a number, not \"%s\"", option->name, value);
	case OPTION_DURATION:
		if (str_to_duration(value, match.into))
			return true;
		return error_set(err, ERROR_USAGE, "%s wants a duration such as 30s, 5m, 2h or 90d, not \"%s\"",
				 option->name, value);
	}
	return true;
}

/* One option at argv[0]; *used: how many words it took. */
static bool option_read(const char *const *argv, const struct option_set *sets, size_t set_count, struct arena *arena,
			size_t *used, struct error *err)
{
	size_t length = strcspn(argv[0], "=");
	const char *value = argv[0][length] ? argv[0] + length + 1 : NULL;
	struct match match = find(sets, set_count, argv[0], length);

	*used = 1;
	if (!match.option)
		return unknown(sets, set_count, argv[0], length, err);
	if (match.option->type == OPTION_FLAG && value)
		return error_set(err, ERROR_USAGE, "%s takes no value", match.option->name);
	if (match.option->type != OPTION_FLAG && !value) {
		value = argv[1];
		*used = 2;
	}
	if (match.option->type != OPTION_FLAG && !value)
		return error_set(err, ERROR_USAGE, "%s wants a value: %s %s", match.option->name, match.option->name,
				 match.option->argument);
	return store(match, value, arena, err);
}

bool options_parse(const char *const *argv, const struct option_set *sets, size_t set_count, struct arena *arena,
		   struct text_list *operands, struct error *err)
{
	bool options_end = false;
	size_t used;

	for (; *argv; argv += used) {
		used = 1;
		if (!options_end && str_eq(*argv, "--"))
			options_end = true;
		else if (options_end || (*argv)[0] != '-' || !(*argv)[1])
			text_list_add(operands, *argv, arena);
		else if (!option_read(argv, sets, set_count, arena, &used, err))
			return false;
	}
	return true;
}
