/* SPDX-License-Identifier: Apache-2.0
 *
 * Help, made from the command and option tables. */
#include <string.h>

#include "bakery/cli.h"
#include "bakery/str.h"
#include "globals.h"
#include "help.h"

static void options_print(FILE *out, const struct option *options)
{
	for (; options && options->name; options++) {
		_cleanup_(str_free) struct str left = STR_INIT;
		if (options->letter)
			str_addf(&left, "-%c, ", options->letter);
		str_add(&left, options->name);
		if (options->argument)
			str_addf(&left, " %s", options->argument);
		fprintf(out, "  %-24s %s\n", left.data, options->help);
	}
}

static bool in_group(const struct command *command, const char *group)
{
	size_t length = strlen(group);

	return strncmp(command->name, group, length) == 0 && command->name[length] == ' ';
}

bool help_has_group(const char *group)
{
	for (const struct command *const *command = commands; *command; command++) {
		if (in_group(*command, group))
			return true;
	}
	return false;
}

static void line(FILE *out, const struct command *command)
{
	_cleanup_(str_free) struct str left = STR_INIT;

	str_addf(&left, "%s %s", command->name, command->synopsis ? command->synopsis : "");
	fprintf(out, left.len > 36 ? "  %s\n  %-36s  %s\n" : "  %-36s%s  %s\n", left.data, "", command->summary);
}

void help_overview(FILE *out)
{
	fputs("bakery bakes golden machine images for AWS: recipe, build, test, distribute, share, publish, record.\n\n"
	      "usage: bakery COMMAND [OPTIONS]\n\ncommands:\n",
	      out);
	for (const struct command *const *command = commands; *command; command++)
		line(out, *command);
	fputs("\noptions of every command:\n", out);
	options_print(out, global_options);
	fputs("\n`bakery help COMMAND` says more. The first minute: README.md.\n", out);
}

void help_group(FILE *out, const char *group)
{
	fprintf(out, "commands of %s:\n", group);
	for (const struct command *const *command = commands; *command; command++) {
		if (in_group(*command, group))
			line(out, *command);
	}
}

void help_command(FILE *out, const struct command *command)
{
	fprintf(out, "bakery %s: %s\n\nusage: bakery %s %s\n", command->name, command->summary, command->name,
		command->synopsis ? command->synopsis : "");
	if (command->description)
		fprintf(out, "\n%s\n", command->description);
	if (command->options && command->options->name) {
		fputs("\noptions:\n", out);
		options_print(out, command->options);
	}
	fputs("\noptions of every command:\n", out);
	options_print(out, global_options);
}
