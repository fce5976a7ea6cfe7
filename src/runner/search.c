/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking for secrets in a machine's files. A needle becomes the patterns that redaction has for it, made ready for a
 * search by lines: what may be broken over lines is looked for in two halves, of which one is whole wherever a line
 * ends. The patterns go to the machine over the connection and stay in its memory. */
#include <ctype.h>
#include <string.h>

#include "bakery/mem.h"
#include "bakery/runner.h"
#include "redact.h"
#include "run.h"

enum {
	LEAST_PATTERN = 8,
	LEAST_HALF = 12,
	MOST_HALF = 32,
	LEAST_TELLING_LINE = 16,
	MOST_PATTERNS = 96 << 10, /* bytes; Linux takes 128 KiB as one variable of the environment (execve(2)) */
};

static const char search_script[] =
#include "search.sh.inc"
	;

static void add_line(struct str *lines, const char *text, size_t length)
{
	if (lines->len)
		str_add_char(lines, '\n');
	str_add_n(lines, text, length);
}

/* Nothing but what base64 and hex are written with, which tools break into lines of 64 or 76 characters. */
static bool may_be_broken(const struct str *pattern)
{
	for (size_t i = 0; i < pattern->len; i++) {
		if (!isalnum((unsigned char)pattern->data[i]) && !strchr("+/=-_", pattern->data[i]))
			return false;
	}
	return true;
}

/* The middle of a text says more than its beginning, which may be a format's. */
static void add_pattern(struct str *lines, const struct str *pattern, bool is_plain)
{
	size_t half = pattern->len / 2 < MOST_HALF ? pattern->len / 2 : MOST_HALF;
	const char *middle = pattern->data + pattern->len / 2;

	if (!is_plain && half >= LEAST_HALF && may_be_broken(pattern)) {
		add_line(lines, middle - half, half);
		add_line(lines, middle, half);
	} else if (pattern->len > 2 * MOST_HALF) {
		add_line(lines, middle - half, 2 * half);
	} else {
		add_line(lines, pattern->data, pattern->len);
	}
}

static bool is_telling(const char *line, size_t length)
{
	/* Every OpenSSH key without a passphrase begins like that. */
	static const char openssh[] = "b3BlbnNzaC1rZXktdjEA";

	return length >= LEAST_TELLING_LINE && memcmp(line, "-----", 5) != 0 &&
	       memcmp(line, openssh, sizeof(openssh) - 1 < length ? sizeof(openssh) - 1 : length) != 0;
}

/* Of a text of several lines those that say something; when there is none, the longest. */
static void add_text_lines(struct str *lines, const char *text)
{
	const char *longest = text;
	size_t longest_length = 0, added = 0;

	for (const char *at = text; *at;) {
		size_t length = strcspn(at, "\r\n");
		if (is_telling(at, length)) {
			add_line(lines, at, length);
			added++;
		}
		if (length > longest_length) {
			longest = at;
			longest_length = length;
		}
		at += length + strspn(at + length, "\r\n");
	}
	if (!added && longest_length >= LEAST_PATTERN)
		add_line(lines, longest, longest_length);
}

void search_patterns(const char *text, struct str *lines)
{
	_cleanup_(redaction_free) struct redaction redaction = {0};
	bool has_lines;

	redaction_add(&redaction, text);
	if (!redaction.count || redaction.patterns[0].len < LEAST_PATTERN) /* the first is the text itself */
		return;
	has_lines = strpbrk(redaction.patterns[0].data, "\r\n");
	for (size_t i = 0; i < redaction.count; i++) {
		const struct str *pattern = &redaction.patterns[i];
		bool is_plain = strstr(text, pattern->data);

		if (pattern->len >= LEAST_PATTERN && !strpbrk(pattern->data, "\r\n") && !(has_lines && is_plain))
			add_pattern(lines, pattern, is_plain);
	}
	if (has_lines)
		add_text_lines(lines, text);
}

/* --- what the machine says --- */

struct reading {
	const struct search *search;
	struct tree *found, *too_large, *unread;
	int64_t files;
	bool done;
};

static struct reading reading_begin(const struct search *search)
{
	return (struct reading){search, tree_new_array(), tree_new_array(), tree_new_array(), 0, false};
}

static void reading_end(struct reading *reading)
{
	tree_free(reading->found);
	tree_free(reading->too_large);
	tree_free(reading->unread);
}

static bool is_told(const struct tree *list, const char *what, const char *path)
{
	for (struct tree_iter i = tree_iter(list); tree_next(&i);) {
		if (str_eq(tree_text(i.value, "what"), what) && str_eq(tree_text(i.value, "path"), path))
			return true;
	}
	return false;
}

/* "2\t/path" */
static void found_add(struct reading *reading, char *text)
{
	const struct search *search = reading->search;
	char *path = strchr(text, '\t');
	const char *what = "something that must not stay"; /* in a file whose name has a line break */
	int64_t number = -1;
	struct tree *row;

	if (path)
		*path++ = '\0';
	if (str_to_int(text, &number) && number >= 0 && number <= (int64_t)search->needle_count)
		what = number ? search->needles[number - 1].what : SEARCH_PRIVATE_KEY;
	if ((number == 0 && text_list_has(&search->allowed, path)) || is_told(reading->found, what, path))
		return;
	row = tree_add_object(reading->found);
	tree_set_text(row, "what", what);
	tree_set_text(row, "path", path ? path : text);
}

/* A file's name comes from the machine, and goes to terminals. */
static void clean(char *text)
{
	for (; *text; text++) {
		if (iscntrl((unsigned char)*text) && *text != '\t')
			*text = '?';
	}
}

static void line_read(struct reading *reading, char *line)
{
	int64_t files = 0;

	clean(line);
	if (str_starts(line, "F\t"))
		found_add(reading, line + 2);
	else if (str_starts(line, "B\t"))
		tree_add_text(reading->too_large, line + 2);
	else if (str_starts(line, "E\t"))
		tree_add_text(reading->unread, line + 2);
	else if (str_starts(line, "N\t") && str_to_int(line + 2, &files))
		reading->files += files;
	reading->done = str_eq(line, "done");
}

static struct tree *said_read(const struct search *search, struct str *said, bool *done)
{
	_cleanup_(reading_end) struct reading reading = reading_begin(search);
	struct tree *result = tree_new_object();
	char *rest = NULL;

	for (char *line = strtok_r(said->data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		line_read(&reading, line);
	tree_set(result, "found", take(&reading.found));
	tree_set(result, "too_large", take(&reading.too_large));
	tree_set(result, "unread", take(&reading.unread));
	tree_set_int(result, "files", reading.files);
	*done = reading.done;
	return result;
}

/* --- asking it --- */

static bool needles_add(const struct search *search, struct str *script, struct error *err)
{
	for (size_t i = 0; i < search->needle_count; i++) {
		_cleanup_(str_wipe_free) struct str lines = STR_INIT;

		search_patterns(search->needles[i].text, &lines);
		if (!lines.len)
			return error_set(err, ERROR_USAGE, "%s is too short to be looked for", search->needles[i].what);
		str_addf(script, "b_%zu=", i + 1);
		str_add_shell_quoted(script, lines.data);
		str_add_char(script, '\n');
	}
	return script->len <= MOST_PATTERNS ||
	       error_set(err, ERROR_USAGE, "the secrets are too many and too long to be looked for");
}

bool runner_search(struct ssh *ssh, const struct runner_options *options, const struct search *search,
		   struct tree **out, struct error *err)
{
	_cleanup_(str_wipe_free) struct str script = STR_INIT;
	_cleanup_(str_free) struct str said = STR_INIT;
	bool done;

	str_add(&script, "b_folder=");
	str_add_shell_quoted(&script, search->folder ? search->folder : "");
	str_addf(&script, " b_count=%zu\n", search->needle_count);
	if (!needles_add(search, &script, err))
		return false;
	str_add(&script, search_script);
	if (!remote_script(ssh, options, script.data, search->timeout_s, &said, err))
		return error_context(err, "looking through the machine's files");
	*out = said_read(search, &said, &done);
	if (done)
		return true;
	tree_free(take(out));
	return error_set(err, ERROR_FAILED, "looking through the machine's files: it did not get to the end");
}
