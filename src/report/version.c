/* SPDX-License-Identifier: Apache-2.0
 *
 * Which of two versions of a package is newer. */
#include "version.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct part { /* of a version; borrowed */
	const char *at, *end;
};
struct version {
	struct part epoch, upstream, revision;
};

/* The epoch ends at the first colon, the revision begins after the last hyphen. */
static struct version split(const char *text)
{
	const char *end = text + strlen(text), *colon = strchr(text, ':');
	const char *from = colon ? colon + 1 : text, *hyphen = memrchr(from, '-', (size_t)(end - from));

	return (struct version){
		.epoch = {text, colon ? colon : text},
		.upstream = {from, hyphen ? hyphen : end},
		.revision = {hyphen ? hyphen + 1 : end, end},
	};
}

static int at(const struct part *part)
{
	return part->at < part->end ? (unsigned char)*part->at : 0;
}

/* Letters of other alphabets do not occur, whatever the locale says. */
static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static size_t run_length(const struct part *part, bool (*belongs)(int c))
{
	const char *end = part->at;

	while (end < part->end && belongs((unsigned char)*end))
		end++;
	return (size_t)(end - part->at);
}

/* Numbers of any length; what is compared is gone from both. */
static int numbers_compare(struct part *a, struct part *b)
{
	size_t length_a, length_b;
	int order;

	while (at(a) == '0')
		a->at++;
	while (at(b) == '0')
		b->at++;
	length_a = run_length(a, is_digit);
	length_b = run_length(b, is_digit);
	order = length_a != length_b ? (length_a < length_b ? -1 : 1) : memcmp(a->at, b->at, length_a);
	a->at += length_a;
	b->at += length_b;
	return order;
}

/* --- dpkg --- */

/* A tilde sorts before the end, letters before what is neither letter nor digit. */
static int deb_weight(int c)
{
	if (c == '~')
		return -1;
	if (!c || is_digit(c))
		return 0;
	return is_letter(c) ? c : c + 256;
}

static int deb_part_compare(struct part a, struct part b)
{
	int order = 0;

	while (!order && (at(&a) || at(&b))) {
		while (!order && ((at(&a) && !is_digit(at(&a))) || (at(&b) && !is_digit(at(&b))))) {
			order = deb_weight(at(&a)) - deb_weight(at(&b));
			a.at += at(&a) != 0;
			b.at += at(&b) != 0;
		}
		order = order ? order : numbers_compare(&a, &b);
	}
	return order;
}

int version_compare_deb(const char *left, const char *right)
{
	struct version a = split(left), b = split(right);
	int order = numbers_compare(&a.epoch, &b.epoch);

	order = order ? order : deb_part_compare(a.upstream, b.upstream);
	return order ? order : deb_part_compare(a.revision, b.revision);
}

/* --- rpm --- */

static bool is_separator(int c)
{
	return !is_digit(c) && !is_letter(c) && c != '~' && c != '^';
}

/* A tilde sorts before the end. *decided: one side had it alone; both lose it else. */
static int tilde_compare(struct part *a, struct part *b, bool *decided)
{
	bool on_a = at(a) == '~', on_b = at(b) == '~';

	*decided = on_a != on_b;
	a->at += on_a;
	b->at += on_b;
	return *decided ? (on_a ? -1 : 1) : 0;
}

/* A caret sorts after the end, but before whatever else goes on there. */
static int caret_compare(struct part *a, struct part *b, bool *decided)
{
	bool on_a = at(a) == '^', on_b = at(b) == '^';

	*decided = on_a != on_b;
	if (*decided)
		return on_a ? (at(b) ? -1 : 1) : (at(a) ? 1 : -1);
	a->at += on_a;
	b->at += on_b;
	return 0;
}

static int letters_compare(struct part *a, struct part *b)
{
	size_t length_a = run_length(a, is_letter), length_b = run_length(b, is_letter);
	int order = memcmp(a->at, b->at, length_a < length_b ? length_a : length_b);

	a->at += length_a;
	b->at += length_b;
	return order ? order : (length_a > length_b) - (length_a < length_b);
}

/* A number is newer than letters, and than nothing. */
static int segment_compare(struct part *a, struct part *b)
{
	if (is_digit(at(a)) && is_digit(at(b)))
		return numbers_compare(a, b);
	if (is_letter(at(a)) && is_letter(at(b)))
		return letters_compare(a, b);
	return is_digit(at(a)) ? 1 : -1;
}

static int rpm_part_compare(struct part a, struct part b)
{
	for (;;) {
		bool decided, had_tilde, had_caret;
		int order;

		a.at += run_length(&a, is_separator);
		b.at += run_length(&b, is_separator);
		had_tilde = at(&a) == '~';
		order = tilde_compare(&a, &b, &decided);
		if (decided)
			return order;
		if (had_tilde)
			continue;
		had_caret = at(&a) == '^';
		order = caret_compare(&a, &b, &decided);
		if (decided)
			return order;
		if (had_caret)
			continue;
		if (!at(&a) || !at(&b))
			return (at(&a) != 0) - (at(&b) != 0);
		order = segment_compare(&a, &b);
		if (order)
			return order;
	}
}

int version_compare_rpm(const char *left, const char *right)
{
	struct version a = split(left), b = split(right);
	int order = numbers_compare(&a.epoch, &b.epoch);

	order = order ? order : rpm_part_compare(a.upstream, b.upstream);
	return order ? order : rpm_part_compare(a.revision, b.revision);
}
