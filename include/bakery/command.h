/* SPDX-License-Identifier: Apache-2.0
 *
 * A command of the command line: one struct, one file a noun, one line in the list (src/cli/commands.c). Options write
 * into the command's own struct; main opens what the command needs before it runs; help and completion come from the
 * same tables. */
#ifndef BAKERY_COMMAND_H
#define BAKERY_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "bakery/aws.h"
#include "bakery/clock.h"
#include "bakery/error.h"
#include "bakery/log.h"
#include "bakery/mem.h"
#include "bakery/output.h"
#include "bakery/recipe.h"
#include "bakery/store.h"

enum command_needs {
	NEEDS_SETTINGS = 1,
	NEEDS_STORE = 2 | NEEDS_SETTINGS,
	NEEDS_AWS = 4,
};

/* What every command may use; made in main, owned by it. Members that the command does not need are NULL. */
struct app {
	struct arena *arena;
	struct log *log;
	struct stop *stop;  /* asked for by the first signal: stop, clean up */
	struct stop *leave; /* asked for by the second: leave at once */
	enum output_format format;
	const char *own_format; /* of the command's own ones, or NULL */
	bool yes, color, live;	/* live: stderr is a terminal and not quiet */
	const char *region, *profile, *config, *store_path;
	const char *events; /* --events FILE or NULL */
	bool sandbox;	    /* --sandbox */
	struct settings settings;
	struct store *store;
	struct aws *aws;
};

enum option_type {
	OPTION_FLAG /* bool */,
	OPTION_TEXT /* const char * */,
	OPTION_INT /* int64_t */,
	OPTION_DURATION /* int64_t s */,
	OPTION_TEXTS /* struct text_list: may be repeated */
};
struct option {
	const char *name; /* "--since" */
	char letter;	  /* 'n' or 0 */
	enum option_type type;
	size_t offset;	      /* into the command's args */
	const char *argument; /* "TIME" for help; NULL for flags */
	const char *help;
};

struct command {
	const char *name;	 /* "history", or "sandbox up" */
	const char *synopsis;	 /* "[recipe]" */
	const char *summary;	 /* one line */
	const char *description; /* more for `bakery help X`, or NULL */
	unsigned needs;
	const struct option *options; /* ends with a NULL name; may be NULL */
	const char *const *formats;   /* what --format takes here besides the usual; NULL-terminated, or NULL */
	size_t args_size;
	size_t operands_offset;		   /* of a struct text_list in args that gets the operands */
	int least_operands, most_operands; /* most: -1 for any number */
	bool (*run)(struct app *app, void *args, struct error *err) must_check;
};

#endif
