/* SPDX-License-Identifier: Apache-2.0
 *
 * From argv to an exit status: finds the command, reads its options, opens what it needs, runs it, prints its error. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app.h"
#include "bakery/cli.h"
#include "bakery/utf8.h"
#include "globals.h"
#include "help.h"
#include "options.h"
#include "signals.h"

struct line { /* the command line, read */
	struct globals globals;
	const struct command *command;
	void *args;
	struct text_list operands;
};

/* "sandbox up" takes two words, "build" one. */
static const struct command *command_find(const char *first, const char *second, int *words)
{
	_cleanup_(freep) char *both = mem_printf("%s %s", first, second ? second : "");

	for (const struct command *const *command = commands; *command; command++) {
		*words = second && str_eq((*command)->name, both) ? 2 : 1;
		if (*words == 2 || str_eq((*command)->name, first))
			return *command;
	}
	return NULL;
}

static bool command_unknown(const char *name, struct error *err)
{
	const char *names[64], *nearest;
	size_t count = 0;

	if (help_has_group(name)) {
		help_group(stderr, name);
		return error_set(err, ERROR_USAGE, "\"%s\" wants one of these", name);
	}
	while (commands[count] && count < ARRAY_SIZE(names)) {
		names[count] = commands[count]->name;
		count++;
	}
	nearest = str_nearest(name, names, count);
	error_set(err, ERROR_USAGE, "there is no command \"%s\"", name);
	return nearest ? error_hint(err, "did you mean %s?", nearest) : error_hint(err, "`bakery help` lists them");
}

/* The first word that is neither an option nor the value of a global one. */
static size_t command_word(const char *const *argv)
{
	size_t i = 0;

	while (argv[i] && argv[i][0] == '-') {
		bool takes_value = false;
		for (const struct option *option = global_options; option->name; option++)
			takes_value |= option->type != OPTION_FLAG && str_eq(option->name, argv[i]);
		i += takes_value && argv[i + 1] ? 2 : 1;
	}
	return i;
}

static bool operands_check(const struct line *line, struct error *err)
{
	const struct command *command = line->command;
	size_t count = line->operands.count;

	if (line->globals.help)
		return true;
	if ((int)count < command->least_operands)
		error_set(err, ERROR_USAGE, "%s wants %s", command->name, command->synopsis);
	else if (command->most_operands >= 0 && (int)count > command->most_operands)
		error_set(err, ERROR_USAGE, "%s: \"%s\" is one word too many", command->name,
			  line->operands.items[command->most_operands]);
	else
		return true;
	return error_hint(err, "usage: bakery %s %s", command->name, command->synopsis ? command->synopsis : "");
}

static bool line_read(const char *const *argv, struct arena *arena, struct line *line, struct error *err)
{
	static const char *const version[] = {"version", NULL};
	size_t at, count = 0, used = 0;
	const char **rest;
	int words = 0;

	if (str_eq(argv[0], "--version")) /* as other programs have it */
		argv = version;
	at = command_word(argv);
	while (argv[count])
		count++;
	rest = arena_alloc(arena, (count + 1) * sizeof(*rest));
	if (argv[at]) {
		line->command = command_find(argv[at], argv[at + 1], &words);
		if (!line->command)
			return command_unknown(argv[at], err);
	}
	for (size_t i = 0; i < count; i++) {
		if (i < at || i >= at + (size_t)words)
			rest[used++] = argv[i];
	}
	line->args = arena_alloc(arena, line->command ? line->command->args_size : 1);
	struct option_set sets[] = {{line->command ? line->command->options : NULL, line->args},
				    {global_options, &line->globals}};
	if (!options_parse(rest, sets, ARRAY_SIZE(sets), arena, &line->operands, err))
		return false;
	if (!line->command)
		return true;
	if (!operands_check(line, err))
		return false;
	if (line->command->most_operands)
		*(struct text_list *)((char *)line->args + line->command->operands_offset) = line->operands;
	return true;
}

static bool dispatch(const char *const *argv, struct app *app, struct error *err)
{
	struct line line = {0};

	if (!line_read(argv, app->arena, &line, err))
		return false;
	if (!line.command || line.globals.help) {
		line.command ? help_command(stdout, line.command) : help_overview(stdout);
		return line.command || line.globals.help || error_set(err, ERROR_USAGE, "no command given");
	}
	if (!app_fill(app, &line.globals, line.command->formats, err) || !app_open(app, line.command->needs, err))
		return false;
	return line.command->run(app, line.args, err);
}

/* Whoever starts us with one of them closed must not find our talk in the next file that is opened. Opened the wrong
 * way round, so that results which nobody can get are a failure still. */
static void hold_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			return; /* a host without /dev/null */
	}
}

static void tell_error(const struct app *app, const struct error *err)
{
	_cleanup_(str_free) struct str text = STR_INIT;

	utf8_add_visible_lines(&text, err->text, strlen(err->text));
	fprintf(stderr, "%sbakery: %s%s\n", app->color ? "\033[31m" : "", text.data, app->color ? "\033[0m" : "");
}

int cli_main(int argc, char **argv)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct stop stop, leave;
	struct app app = {.arena = arena, .stop = &stop, .leave = &leave};
	struct error err = {0}, flush_error = {0};
	struct signals *signals;
	bool done;

	hold_standard_descriptors();
	stop_init(&stop);
	stop_init(&leave);
	signals = signals_watch(&stop, &leave);
	done = dispatch((const char *const *)argv + (argc > 0), &app, &err);
	if (!output_flush(stdout, &flush_error) && done) {
		err = flush_error;
		done = false;
	}
	if (!done && err.text[0])
		tell_error(&app, &err);
	app_release(&app);
	signals_end(signals);
	stop_close(&stop);
	stop_close(&leave);
	return done ? 0 : error_exit_status(err.kind);
}
