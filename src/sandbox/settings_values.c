/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading the values of settings. */
#include "settings_values.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/mem.h"
#include "bakery/str.h"

static const struct {
	const char *unit;
	double ms;
} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60e3}, {"h", 3600e3}};

bool value_duration(const char *text, int64_t *ms)
{
	char *end = NULL;
	if (!isdigit((unsigned char)*text))
		return false;
	double number = strtod(text, &end);
	*ms = 0;
	if (number == 0 && *end == '\0')
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (str_eq(end, units[i].unit) && number * units[i].ms < 1e12) {
			*ms = (int64_t)(number * units[i].ms + 0.5);
			return true;
		}
	return false;
}

bool value_offset(const char *text, int64_t *ms)
{
	if ((*text != '+' && *text != '-') || !value_duration(text + 1, ms))
		return false;
	*ms = *text == '-' ? -*ms : *ms;
	return true;
}

/* Cuts ":after" off; what is left stays in text. */
static bool cut_after(char *text)
{
	size_t length = strlen(text);
	bool after = str_ends(text, ":after");
	if (after)
		text[length - strlen(":after")] = '\0';
	return after;
}

static bool is_code(const char *text)
{
	if (!isalpha((unsigned char)*text) || strlen(text) >= sizeof((struct strike *)0)->code)
		return false;
	for (; *text != '\0'; text++)
		if (!isalnum((unsigned char)*text) && *text != '.')
			return false;
	return true;
}

/* An AWS code, with its HTTP status behind a slash where it is not the usual one; an HTTP status; "reset", "cut" or
 * "hang". */
static bool read_what(char *text, struct strike *strike)
{
	int64_t status = 0;
	char *slash = strchr(text, '/');
	if (slash != NULL) {
		*slash = '\0';
		if (!str_to_int(slash + 1, &status) || status < 400 || status > 599)
			return false;
		strike->kind = STRIKE_ERROR;
		strike->status = (int)status;
		snprintf(strike->code, sizeof strike->code, "%s", text);
		return is_code(text);
	}
	static const struct {
		const char *word;
		enum strike_kind kind;
	} silences[] = {{"reset", STRIKE_RESET}, {"cut", STRIKE_CUT}, {"hang", STRIKE_HANG}};
	for (size_t i = 0; i < sizeof silences / sizeof *silences; i++) {
		if (!str_eq(text, silences[i].word))
			continue;
		strike->kind = silences[i].kind;
		strike->hang_ms = -1;
		return true;
	}
	strike->kind = STRIKE_ERROR;
	if (str_to_int(text, &status)) {
		strike->status = (int)status;
		return status >= 400 && status <= 599;
	}
	snprintf(strike->code, sizeof strike->code, "%s", text);
	return is_code(text);
}

bool value_fault(const char *text, struct strike *strike, int64_t *count)
{
	_cleanup_(freep) char *copy = mem_strdup(text);
	strike->after = cut_after(copy);
	char *colon = strchr(copy, ':');
	*count = 1;
	if (colon != NULL) {
		*colon = '\0';
		if (!str_to_int(colon + 1, count) || *count < 1)
			return false;
	}
	return read_what(copy, strike);
}

bool value_hang(const char *text, struct strike *strike)
{
	_cleanup_(freep) char *copy = mem_strdup(text);
	*strike = (struct strike){.kind = STRIKE_HANG, .after = cut_after(copy)};
	return value_duration(copy, &strike->hang_ms);
}

bool value_hold(const char *text, struct strike *strike, int64_t *at)
{
	_cleanup_(freep) char *copy = mem_strdup(text);
	*strike = (struct strike){.kind = STRIKE_HANG, .hang_ms = -1, .after = cut_after(copy)};
	return str_to_int(copy, at) && *at >= 1;
}

bool value_strike(const char *text, struct strike *strike, int64_t *at)
{
	_cleanup_(freep) char *copy = mem_strdup(text);
	strike->after = cut_after(copy);
	char *colon = strchr(copy, ':');
	if (colon == NULL)
		return false;
	*colon = '\0';
	return str_to_int(copy, at) && *at >= 1 && read_what(colon + 1, strike);
}
