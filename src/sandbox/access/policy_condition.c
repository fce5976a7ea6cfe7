/* SPDX-License-Identifier: Apache-2.0
 *
 * Condition operators by table.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html */
#include "policy_condition.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/clock.h"
#include "bakery/mem.h"

/* --- patterns --- */

static bool same_character(char pattern, char text, bool fold)
{
	if (pattern == PLAIN_STAR || pattern == PLAIN_QUESTION)
		return text == (pattern == PLAIN_STAR ? '*' : '?');
	return fold ? tolower((unsigned char)pattern) == tolower((unsigned char)text) : pattern == text;
}

bool policy_glob(const char *pattern, const char *text, bool fold)
{
	const char *star = NULL, *retry = NULL;
	while (*text != '\0') {
		if (*pattern == '*') {
			star = ++pattern;
			retry = text;
		} else if (*pattern != '\0' && (*pattern == '?' || same_character(*pattern, *text, fold))) {
			pattern++;
			text++;
		} else if (star != NULL) {
			pattern = star;
			text = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

/* A "*" of the policy is a plain one here. */
static bool same_text(const char *given, const char *wanted, bool fold)
{
	for (; *given != '\0' && *wanted != '\0'; given++, wanted++)
		if (!same_character(*wanted, *given, fold))
			return false;
	return *given == *wanted;
}

bool policy_arn_matches(const char *pattern, const char *arn)
{
	if (str_eq(pattern, "*"))
		return true;
	for (int part = 0; part < 5; part++) {
		const char *pattern_end = strchr(pattern, ':'), *arn_end = strchr(arn, ':');
		if (pattern_end == NULL || arn_end == NULL)
			return false;
		_cleanup_(freep) char *a = mem_strndup(pattern, (size_t)(pattern_end - pattern));
		_cleanup_(freep) char *b = mem_strndup(arn, (size_t)(arn_end - arn));
		if (!policy_glob(a, b, false))
			return false;
		pattern = pattern_end + 1;
		arn = arn_end + 1;
	}
	return policy_glob(pattern, arn, false);
}

/* --- variables --- */

const struct tree *policy_context_value(const struct tree *context, const char *key)
{
	for (struct tree_iter i = tree_iter(context); tree_next(&i);)
		if (strcasecmp(i.key, key) == 0)
			return i.value;
	return NULL;
}

static void add_plain(struct str *out, const char *text)
{
	for (; *text != '\0'; text++)
		str_add_char(out, *text == '*' ? PLAIN_STAR : *text == '?' ? PLAIN_QUESTION : *text);
}

/* "aws:username", or "aws:PrincipalTag/team, 'nobody'"; *, ? and $ stand for themselves. */
static bool expand_one(const char *name, const struct tree *context, struct str *out)
{
	_cleanup_(freep) char *key = mem_strdup(name);
	char *otherwise = strchr(key, ',');
	if (otherwise != NULL) {
		*otherwise++ = '\0';
		otherwise += strspn(otherwise, " ");
		size_t length = strlen(otherwise);
		if (length >= 2 && *otherwise == '\'' && otherwise[length - 1] == '\'') {
			otherwise[length - 1] = '\0';
			otherwise++;
		}
	}
	if (strlen(key) == 1 && strchr("*?$", *key) != NULL) {
		add_plain(out, key);
		return true;
	}
	const char *value = tree_text(policy_context_value(context, key), NULL);
	if (value == NULL)
		value = otherwise;
	if (value != NULL)
		add_plain(out, value);
	return value != NULL;
}

bool policy_expand(const char *text, const struct tree *context, bool variables, struct str *out)
{
	while (*text != '\0') {
		const char *end = variables && str_starts(text, "${") ? strchr(text, '}') : NULL;
		if (end == NULL) {
			str_add_char(out, *text++);
			continue;
		}
		_cleanup_(freep) char *name = mem_strndup(text + 2, (size_t)(end - text - 2));
		if (!expand_one(name, context, out))
			return false;
		text = end + 1;
	}
	return true;
}

/* --- values --- */

static bool read_number(const char *text, double *out)
{
	char *end = NULL;
	*out = strtod(text, &end);
	return *text != '\0' && !isspace((unsigned char)*text) && *end == '\0';
}

/* RFC 3339, a day alone, or seconds since 1970. */
static bool read_date(const char *text, double *out)
{
	int64_t ms;
	_cleanup_(freep) char *day = mem_printf("%sT00:00:00Z", text);
	if (!clock_parse_rfc3339(text, &ms) && (strlen(text) != 10 || !clock_parse_rfc3339(day, &ms)))
		return read_number(text, out);
	*out = (double)ms / 1000;
	return true;
}

struct network {
	unsigned char bytes[16];
	size_t size;
	long prefix;
};

static bool read_network(const char *text, struct network *out)
{
	const char *slash = strchr(text, '/');
	_cleanup_(freep) char *address = mem_strndup(text, slash == NULL ? strlen(text) : (size_t)(slash - text));
	int64_t prefix;
	*out = (struct network){0};
	if (inet_pton(AF_INET, address, out->bytes) == 1)
		out->size = 4;
	else if (inet_pton(AF_INET6, address, out->bytes) == 1)
		out->size = 16;
	else
		return false;
	prefix = (int64_t)out->size * 8;
	if (slash != NULL && (!str_to_int(slash + 1, &prefix) || prefix < 0 || prefix > (int64_t)out->size * 8))
		return false;
	out->prefix = (long)prefix;
	return true;
}

static bool bool_good(const char *text)
{
	return strcasecmp(text, "true") == 0 || strcasecmp(text, "false") == 0;
}

static bool number_good(const char *text)
{
	double number;
	return read_number(text, &number);
}

static bool date_good(const char *text)
{
	double date;
	return read_date(text, &date);
}

static bool network_good(const char *text)
{
	struct network network;
	return read_network(text, &network);
}

static bool arn_good(const char *text)
{
	size_t colons = 0;
	for (const char *c = text; *c != '\0'; c++)
		colons += *c == ':';
	return str_eq(text, "*") || colons >= 5;
}

/* --- operators --- */

static bool equals(const char *given, const char *wanted)
{
	return same_text(given, wanted, false);
}

static bool equals_folded(const char *given, const char *wanted)
{
	return same_text(given, wanted, true);
}

static bool like(const char *given, const char *wanted)
{
	return policy_glob(wanted, given, false);
}

static bool arn_like(const char *given, const char *wanted)
{
	return policy_arn_matches(wanted, given);
}

static bool in_network(const char *given, const char *wanted)
{
	struct network inner, outer;
	if (!read_network(given, &inner) || !read_network(wanted, &outer) || inner.size != outer.size)
		return false;
	size_t whole = (size_t)outer.prefix / 8, rest = (size_t)outer.prefix % 8;
	if (memcmp(inner.bytes, outer.bytes, whole) != 0)
		return false;
	return rest == 0 || (inner.bytes[whole] ^ outer.bytes[whole]) >> (8 - rest) == 0;
}

#define COMPARISON(name, read, relation)                                                                               \
	static bool name(const char *given, const char *wanted)                                                        \
	{                                                                                                              \
		double a, b;                                                                                           \
		return read(given, &a) && read(wanted, &b) && a relation b;                                            \
	}
COMPARISON(number_equal, read_number, ==)
COMPARISON(number_less, read_number, <)
COMPARISON(number_most, read_number, <=)
COMPARISON(number_greater, read_number, >)
COMPARISON(number_least, read_number, >=)
COMPARISON(date_equal, read_date, ==)
COMPARISON(date_less, read_date, <)
COMPARISON(date_most, read_date, <=)
COMPARISON(date_greater, read_date, >)
COMPARISON(date_least, read_date, >=)

static const struct comparison {
	const char *name;
	bool (*match)(const char *given, const char *wanted);
	bool negated;
	bool (*good)(const char *value); /* NULL: any text */
} operators[] = {
	{"StringEquals", equals, false, NULL},
	{"StringNotEquals", equals, true, NULL},
	{"StringEqualsIgnoreCase", equals_folded, false, NULL},
	{"StringNotEqualsIgnoreCase", equals_folded, true, NULL},
	{"StringLike", like, false, NULL},
	{"StringNotLike", like, true, NULL},
	{"NumericEquals", number_equal, false, number_good},
	{"NumericNotEquals", number_equal, true, number_good},
	{"NumericLessThan", number_less, false, number_good},
	{"NumericLessThanEquals", number_most, false, number_good},
	{"NumericGreaterThan", number_greater, false, number_good},
	{"NumericGreaterThanEquals", number_least, false, number_good},
	{"DateEquals", date_equal, false, date_good},
	{"DateNotEquals", date_equal, true, date_good},
	{"DateLessThan", date_less, false, date_good},
	{"DateLessThanEquals", date_most, false, date_good},
	{"DateGreaterThan", date_greater, false, date_good},
	{"DateGreaterThanEquals", date_least, false, date_good},
	{"Bool", equals_folded, false, bool_good},
	{"BinaryEquals", equals, false, NULL},
	{"IpAddress", in_network, false, network_good},
	{"NotIpAddress", in_network, true, network_good},
	{"ArnEquals", arn_like, false, arn_good},
	{"ArnLike", arn_like, false, arn_good},
	{"ArnNotEquals", arn_like, true, arn_good},
	{"ArnNotLike", arn_like, true, arn_good},
	{"Null", NULL, false, bool_good},
};

enum quantifier { ONE_VALUE, ALL_VALUES, ANY_VALUE };
struct test {
	const struct comparison *comparison;
	enum quantifier quantifier;
	bool if_exists;
};

static bool test_named(const char *name, struct test *out)
{
	*out = (struct test){.quantifier = ONE_VALUE};
	if (str_starts(name, "ForAllValues:"))
		out->quantifier = ALL_VALUES;
	else if (str_starts(name, "ForAnyValue:"))
		out->quantifier = ANY_VALUE;
	if (out->quantifier != ONE_VALUE)
		name = strchr(name, ':') + 1;
	size_t length = strlen(name);
	out->if_exists = str_ends(name, "IfExists");
	if (out->if_exists)
		length -= strlen("IfExists");
	for (size_t i = 0; i < ARRAY_SIZE(operators); i++)
		if (strlen(operators[i].name) == length && strncasecmp(operators[i].name, name, length) == 0)
			out->comparison = &operators[i];
	bool null = out->comparison != NULL && out->comparison->match == NULL;
	return out->comparison != NULL && !(null && (out->if_exists || out->quantifier != ONE_VALUE));
}

bool policy_operator_known(const char *name)
{
	struct test test;
	return test_named(name, &test);
}

bool policy_operator_takes(const char *name, const char *value)
{
	struct test test;
	if (!test_named(name, &test))
		return false;
	return test.comparison->good == NULL || strstr(value, "${") != NULL || test.comparison->good(value);
}

struct values {
	const struct tree *list, *context;
	bool variables;
};

/* Whether one of the wanted values matches. */
static bool matches_any(const struct comparison *comparison, const char *given, const struct values *wanted)
{
	bool many = tree_kind(wanted->list) == TREE_ARRAY;
	for (size_t i = 0; many ? i < tree_count(wanted->list) : i < 1; i++) {
		const char *text = tree_text_or(many ? tree_at(wanted->list, i) : wanted->list, NULL, "");
		_cleanup_(str_free) struct str pattern = STR_INIT;
		if (policy_expand(text, wanted->context, wanted->variables, &pattern) &&
		    comparison->match(given, pattern.data))
			return true;
	}
	return false;
}

static bool null_holds(const struct tree *wanted, bool absent)
{
	bool many = tree_kind(wanted) == TREE_ARRAY;
	for (size_t i = 0; many ? i < tree_count(wanted) : i < 1; i++)
		if ((strcasecmp(tree_text_or(many ? tree_at(wanted, i) : wanted, NULL, ""), "true") == 0) == absent)
			return true;
	return false;
}

/* ForAllValues holds of nothing at all, and a negated operator of what is not there.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
 */
static bool holds_of_nothing(const struct test *test)
{
	if (test->quantifier == ANY_VALUE)
		return test->if_exists;
	return test->quantifier == ALL_VALUES || test->if_exists || test->comparison->negated;
}

static bool key_holds(const struct test *test, const struct tree *given, const struct values *wanted)
{
	bool many = tree_kind(given) == TREE_ARRAY, negated = test->comparison->negated;
	size_t count = given == NULL ? 0 : many ? tree_count(given) : 1;
	if (test->comparison->match == NULL)
		return null_holds(wanted->list, count == 0);
	if (count == 0)
		return holds_of_nothing(test);
	bool all = test->quantifier == ALL_VALUES || (test->quantifier == ONE_VALUE && negated);
	for (size_t i = 0; i < count; i++) {
		const char *text = tree_text_or(many ? tree_at(given, i) : given, NULL, "");
		if ((matches_any(test->comparison, text, wanted) != negated) != all)
			return !all;
	}
	return all;
}

bool policy_conditions_hold(const struct tree *conditions, const struct tree *context, bool variables)
{
	for (struct tree_iter i = tree_iter(conditions); tree_next(&i);) {
		struct test test;
		if (!test_named(i.key, &test))
			return false;
		for (struct tree_iter j = tree_iter(i.value); tree_next(&j);) {
			struct values wanted = {j.value, context, variables};
			if (!key_holds(&test, policy_context_value(context, j.key), &wanted))
				return false;
		}
	}
	return true;
}
