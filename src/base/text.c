/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests and readings of plain strings. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/mem.h"
#include "bakery/str.h"

bool str_eq(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool str_starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *text, const char *suffix)
{
	size_t length = strlen(text), tail = strlen(suffix);

	return length >= tail && memcmp(text + length - tail, suffix, tail) == 0;
}

/* Greedy with one point to go back to: linear in practice, and no recursion for hostile patterns. */
bool str_glob(const char *pattern, const char *text)
{
	const char *star = NULL, *resume = NULL;

	while (*text) {
		if (*pattern == '*') {
			star = pattern++;
			resume = text;
		} else if (*pattern == '?' || *pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star + 1;
			text = ++resume;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

bool str_to_int(const char *text, int64_t *out)
{
	char *end;
	long long value;

	if (!text || !*text || strchr(" \t\n+", *text))
		return false;
	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno || *end)
		return false;
	*out = value;
	return true;
}

size_t str_distance(const char *a, const char *b)
{
	size_t columns = strlen(b);
	_cleanup_(freep) size_t *row = mem_array(columns + 1, sizeof(*row));

	for (size_t j = 0; j <= columns; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];
		row[0] = i + 1;
		for (size_t j = 0; j < columns; j++) {
			size_t best = diagonal + (a[i] != b[j]);
			diagonal = row[j + 1];
			if (row[j + 1] + 1 < best)
				best = row[j + 1] + 1;
			if (row[j] + 1 < best)
				best = row[j] + 1;
			row[j + 1] = best;
		}
	}
	return row[columns];
}

const char *str_nearest(const char *text, const char *const *candidates, size_t count)
{
	size_t best = strlen(text) / 3 + 2; /* more slips than this is another word */
	const char *nearest = NULL;

	for (size_t i = 0; i < count; i++) {
		size_t distance = str_distance(text, candidates[i]);
		if (distance < best && distance < strlen(candidates[i])) {
			best = distance;
			nearest = candidates[i];
		}
	}
	return nearest;
}

static int64_t unit_seconds(char unit)
{
	switch (unit) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return 86400;
	default:
		return 0;
	}
}

bool str_to_duration(const char *text, int64_t *seconds)
{
	char *end;
	long long value;
	int64_t unit;

	if (str_eq(text, "0")) {
		*seconds = 0;
		return true;
	}
	if (!text || *text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtoll(text, &end, 10);
	unit = unit_seconds(*end);
	if (errno || !unit || end[1] || value > INT64_MAX / 86400 / 1000)
		return false;
	*seconds = value * unit;
	return true;
}
