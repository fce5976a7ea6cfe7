/* SPDX-License-Identifier: Apache-2.0
 *
 * Faults for people: one a line, as compilers print them, so that editors and CI systems find the place. */
#include "faults_tell.h"

#include <stdio.h>

#include "bakery/str.h"
#include "bakery/utf8.h"

bool faults_tell(struct faults *faults, struct error *err)
{
	_cleanup_(str_free) struct str text = STR_INIT, shown = STR_INIT;

	if (!faults->count)
		return true;
	faults_print(faults, &text);
	fflush(stdout);
	utf8_add_visible_lines(&shown, text.data, text.len);
	fputs(shown.data, stderr);
	return error_set(err, ERROR_INVALID, "%zu %s", faults->count, faults->count == 1 ? "fault" : "faults");
}

bool recipe_open(struct app *app, const char *name_or_file, const struct recipe_options *options, struct recipe **out,
		 struct error *err)
{
	_cleanup_(faults_free) struct faults faults = FAULTS_INIT;

	return recipe_read(&app->settings, name_or_file, options, app->arena, out, &faults, err) &&
	       faults_tell(&faults, err);
}
