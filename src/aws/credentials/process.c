/* SPDX-License-Identifier: Apache-2.0
 *
 * credential_process: a program that prints credentials as JSON. It is run without a shell, so that a profile means the
 * same as for AWS's own tools: quotes and backslashes count, variables and pipes do not.
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/mem.h"
#include "bakery/process.h"
#include "sources.h"

#define TIMEOUT_MS 60000
#define MOST_OUTPUT 65536
#define MOST_WORDS 64
#define MOST_TOLD 400

static const struct credential_names names = {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"};

/* Writes the next word over the front of the line; returns what follows it, or NULL when a quote is never closed. */
static char *cut_word(char *from, char **word)
{
	char quote = 0, *to = from;
	*word = from;
	for (; *from && (quote || !isspace((unsigned char)*from)); from++) {
		if (quote ? *from == quote : *from == '"' || *from == '\'')
			quote = quote ? 0 : *from;
		else if (*from == '\\' && quote != '\'' && from[1] && (!quote || strchr("\"\\", from[1])))
			*to++ = *++from;
		else
			*to++ = *from;
	}
	if (quote)
		return NULL;
	char *rest = *from ? from + 1 : from;
	*to = '\0';
	return rest;
}

static bool split(char *line, const char *words[MOST_WORDS + 1], struct error *err)
{
	size_t count = 0;
	for (;;) {
		line += strspn(line, " \t");
		if (!*line)
			return count || error_set(err, ERROR_DENIED, "it is empty");
		if (count == MOST_WORDS)
			return error_set(err, ERROR_DENIED, "it has more than %d words", MOST_WORDS);
		line = cut_word(line, (char **)&words[count++]);
		if (!line)
			return error_set(err, ERROR_DENIED, "a quote in it is never closed");
	}
}

/* The end of what the program said, on one line. */
static const char *last_words(struct str *text)
{
	str_trim_right(text);
	for (char *c = text->data; *c; c++)
		*c = iscntrl((unsigned char)*c) ? ' ' : *c;
	return text->len > MOST_TOLD ? text->data + text->len - MOST_TOLD : text->data;
}

static bool run(const struct credential_search *search, const char *const *words, struct str *out, struct error *err)
{
	_cleanup_(str_wipe_free) struct str errors = STR_INIT;
	struct process process = {.argv = words,
				  .most_output = MOST_OUTPUT,
				  .timeout_ms = search->aws->process_timeout_ms,
				  .stop = search->aws->stop};
	int status;
	str_reserve(out, MOST_OUTPUT); /* so that no copies are left by growing */
	if (!process_run(&process, &status, out, &errors, err)) {
		if (err->kind != ERROR_STOPPED)
			err->kind = ERROR_DENIED;
		return false;
	}
	if (status == 0)
		return true;
	return error_set(err, ERROR_DENIED, "%s exited with %d: %s", words[0], status,
			 errors.len ? last_words(&errors) : "it said nothing on stderr");
}

static bool take_output(const char *program, const struct str *output, struct credentials *out, struct error *err)
{
	if (!output->len)
		return error_set(err, ERROR_DENIED, "%s printed nothing", program);
	_cleanup_(tree_wipe_freep) struct tree *tree = tree_from_json(output->data, output->len, err);
	bool good = tree;
	if (good && tree_int(tree, "Version", 0) != 1)
		good = error_set(err, ERROR_DENIED, "Version is not 1");
	good = good && credentials_from_tree(tree, &names, out, err);
	if (good)
		return true;
	err->kind = ERROR_DENIED;
	return error_context(err, "what %s printed cannot be used", program);
}

enum found credential_from_process(const struct credential_search *search, struct credentials *out, struct error *err)
{
	const char *words[MOST_WORDS + 1] = {0};
	_cleanup_(freep) char *line = mem_strdup(search->own->credential_process);
	_cleanup_(str_wipe_free) struct str output = STR_INIT;
	if (!line)
		return NOT_HERE;
	if (!split(line, words, err) || !run(search, words, &output, err) ||
	    !take_output(words[0], &output, out, err)) {
		error_context(err, "credential_process of profile %s", search->profile);
		return BROKEN;
	}
	out->is_renewable = out->expires_ms;
	snprintf(out->source, sizeof out->source, "credential_process of profile %s", search->profile);
	return FOUND;
}
