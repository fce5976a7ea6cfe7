/* SPDX-License-Identifier: Apache-2.0
 *
 * AWS's models for a test program: opened once, and a word when they are not there. */
#ifndef TESTS_MODELS_WITH_MODELS_H
#define TESTS_MODELS_WITH_MODELS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model.h"

static struct models *models;

static int set_up(void **state)
{
	models = models_open();
	return 0;
}

static int tear_down(void **state)
{
	if (models)
		models_close(models);
	return 0;
}

/* cmocka's own skip() is a failure in TAP. */
static bool has_models(void)
{
	bool has = models && !models_are_old(models);
	if (!has)
		print_message("# skipped: needs the newer models (BAKERY_AWS_MODELS)\n");
	return has;
}

#endif
