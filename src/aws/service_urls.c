/* SPDX-License-Identifier: Apache-2.0
 *
 * The one place of the shared files where indented lines matter: a service's settings stand below its name. */
#include "service_urls.h"

#include <stdlib.h>
#include <string.h>

#include "bakery/file.h"
#include "bakery/mem.h"

#define MOST_BYTES (1u << 20)
#define BLANKS " \t\r"

struct reader {
	const char *section;
	bool ours, found;
	enum service service; /* whose lines these are; SERVICE_COUNT: nobody's that we know */
	char **urls;
};

static char *trim(char *text)
{
	text += strspn(text, BLANKS);
	size_t length = strlen(text);
	while (length && strchr(BLANKS, text[length - 1]))
		length--;
	text[length] = '\0';
	return text;
}

/* "[services local]" */
static bool is_section(char *line, const char *name)
{
	size_t length = strlen("services");
	line[strcspn(line, "]")] = '\0';
	char *word = trim(line + 1);
	return strncmp(word, "services", length) == 0 && word[length] && strchr(BLANKS, word[length]) &&
	       strcmp(trim(word + length), name) == 0;
}

static enum service service_of(const char *id)
{
	enum service service = 0;
	while (service < SERVICE_COUNT && strcmp(service_row(service)->id, id) != 0)
		service++;
	return service;
}

static void take_line(struct reader *reader, char *line)
{
	bool nested = strchr(BLANKS, line[0]);
	char *equals = strchr(line, '=');
	if (!equals)
		return;
	*equals = '\0';
	const char *key = trim(line), *value = trim(equals + 1);
	if (!nested) {
		reader->service = service_of(key);
	} else if (reader->service < SERVICE_COUNT && strcmp(key, "endpoint_url") == 0 && *value) {
		freep(&reader->urls[reader->service]);
		reader->urls[reader->service] = mem_strdup(value);
	}
}

static void read_line(struct reader *reader, char *line)
{
	size_t blanks = strspn(line, BLANKS);
	if (!line[blanks] || strchr("#;", line[blanks]))
		return;
	if (line[0] == '[') {
		reader->ours = is_section(line, reader->section);
		reader->found |= reader->ours;
		reader->service = SERVICE_COUNT;
	} else if (reader->ours) {
		take_line(reader, line);
	}
}

bool service_urls_read(const char *config_path, const char *section, char *urls[SERVICE_COUNT], struct error *err)
{
	_cleanup_(str_free) struct str text = STR_INIT;
	struct reader reader = {.section = section, .service = SERVICE_COUNT, .urls = urls};
	if (!file_read(config_path, MOST_BYTES, &text, err)) {
		err->kind = ERROR_DENIED;
		return false;
	}
	char *rest = text.data;
	for (char *line; (line = strsep(&rest, "\n"));)
		read_line(&reader, line);
	return reader.found || error_set(err, ERROR_DENIED, "%s has no section [services %s], which the profile names",
					 config_path, section);
}
