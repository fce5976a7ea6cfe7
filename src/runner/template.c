/* SPDX-License-Identifier: Apache-2.0
 *
 * Uploaded files whose `{{ name }}` stand for variables. Braces around anything that is no name are left as they are.
 */
#include <ctype.h>
#include <string.h>

#include "bakery/mem.h"
#include "run.h"

static const char *skip_space(const char *at)
{
	while (*at == ' ' || *at == '\t')
		at++;
	return at;
}

/* The name in the braces that begin at text, and where they end; NULL when it is none. */
static char *name_in(const char *text, const char **end)
{
	const char *start = skip_space(text + 2), *at = start;
	while (isalnum((unsigned char)*at) || (*at && strchr("_.-", *at)))
		at++;
	const char *close = skip_space(at);
	if (at == start || strncmp(close, "}}", 2) != 0)
		return NULL;
	*end = close + 2;
	return mem_strndup(start, (size_t)(at - start));
}

static const char *look_up(const struct run *run, const char *name)
{
	const char *value = run->options->variables ? text_map_get(run->options->variables, name) : NULL;
	return value ? value : text_map_get(&run->playbook->vars, name);
}

bool template_fill(const struct run *run, const char *text, struct str *out, struct error *err)
{
	const char *at = text, *open, *end = NULL;
	while ((open = strstr(at, "{{"))) {
		_cleanup_(freep) char *name = name_in(open, &end);
		const char *value = name ? look_up(run, name) : NULL;
		if (name && !value)
			return error_set(err, ERROR_INVALID, "{{ %s }}: no such variable", name);
		str_add_n(out, at, (size_t)(open - at));
		str_add(out, name ? value : "{{");
		at = name ? end : open + 2;
	}
	str_add(out, at);
	return true;
}
