/* SPDX-License-Identifier: Apache-2.0
 *
 * What can be set on the cloud, while it starts or while it runs: one table (settings.c) of names, what a value looks
 * like, defaults and a sentence of documentation. Thread-safe. */
#ifndef BAKERY_SANDBOX_SETTINGS_H
#define BAKERY_SANDBOX_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bakery/error.h"
#include "bakery/tree.h"
#include "strike.h"

enum setting_kind {
	SETTING_DURATION, /* "500ms", "3s", "1.5s", "2m"; plain "0" */
	SETTING_COUNT,	  /* 0, 1, 2, ... */
	SETTING_SWITCH,	  /* on, off */
	SETTING_FAULT,	  /* <what>[:<count>] */
	SETTING_HANG,	  /* <duration>[:after] */
	SETTING_HOLD,	  /* <N>[:after] */
	SETTING_STRIKE,	  /* <N>:<what>[:after] */
	SETTING_INSTANCE, /* i-... */
	SETTING_OFFSET,	  /* "+10m", "-90s" */
};

struct setting_row {
	const char *name; /* "fault.*": any name that opens with "fault." */
	enum setting_kind kind;
	const char *otherwise;
	const char *doc;
};
extern const struct setting_row setting_rows[];	  /* ends with a NULL name */
const char *setting_form(enum setting_kind kind); /* "DURATION", "WHAT[:COUNT]": for the reference */

struct settings;
struct settings *settings_new(void);
void settings_free(struct settings *settings);
/* "name=value"; an empty value goes back to the default. ERROR_USAGE with a suggestion when it is not understood. */
bool settings_set(struct settings *settings, const char *assignment, struct error *err) must_check;

int64_t settings_ms(struct settings *settings, const char *name);
int64_t settings_count(struct settings *settings, const char *name,
		       int64_t otherwise); /* otherwise: when not set and without a default */
bool settings_on(struct settings *settings, const char *name);
struct tree *settings_tree(struct settings *settings); /* name -> value of every row and of what was set */

/* Counts the request and says what it meets: hold, at, fault.<Operation>, hang.<Operation>, throttle, in this order.
 * now_ms: monotonic. */
struct strike settings_strike(struct settings *settings, const char *operation, int64_t now_ms);
int64_t settings_requests(struct settings *settings); /* counted since the last change of hold or at */

#endif
