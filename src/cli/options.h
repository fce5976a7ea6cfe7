/* SPDX-License-Identifier: Apache-2.0
 *
 * Options: read by table into a struct. */
#ifndef BAKERY_CLI_OPTIONS_H
#define BAKERY_CLI_OPTIONS_H

#include "bakery/command.h"

/* A table and the struct its offsets point into. */
struct option_set {
	const struct option *options; /* ends with a NULL name; may be NULL */
	void *into;
};

/* Reads argv (without the program's name): options of any of the sets, in any place; what is no option is appended to
 * operands. "--" ends options. Texts are borrowed from argv. */
bool options_parse(const char *const *argv, const struct option_set *sets, size_t set_count, struct arena *arena,
		   struct text_list *operands, struct error *err) must_check;

void text_list_add(struct text_list *list, const char *text, struct arena *arena);

#endif
