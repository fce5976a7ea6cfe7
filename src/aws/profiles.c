/* SPDX-License-Identifier: Apache-2.0
 *
 * The shared files' own dialect of INI: "[name]" or "[profile name]", "key = value", "#" and ";" lines, and indented
 * lines that belong to a nested setting (none of which concerns us). */
#include "profiles.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/file.h"
#include "bakery/mem.h"

#define MOST_BYTES (1u << 20)

static const struct {
	const char *key;
	size_t offset;
} settings[] = {
	{"aws_access_key_id", offsetof(struct profile, access_key)},
	{"aws_secret_access_key", offsetof(struct profile, secret_key)},
	{"aws_session_token", offsetof(struct profile, session_token)},
	{"region", offsetof(struct profile, region)},
	{"endpoint_url", offsetof(struct profile, endpoint_url)},
	{"ca_bundle", offsetof(struct profile, ca_bundle)},
	{"max_attempts", offsetof(struct profile, max_attempts)},
	{"services", offsetof(struct profile, services)},
	{"use_fips_endpoint", offsetof(struct profile, use_fips)},
	{"use_dualstack_endpoint", offsetof(struct profile, use_dual_stack)},
	{"ignore_configured_endpoint_urls", offsetof(struct profile, ignore_endpoints)},
};

static char **setting_of(struct profile *profile, size_t index)
{
	return (char **)((char *)profile + settings[index].offset);
}

static void wipe_free(char *text)
{
	if (text)
		mem_wipe(text, strlen(text));
	free(text);
}

void profile_free(struct profile *profile)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		wipe_free(*setting_of(profile, i));
	*profile = (struct profile){0};
}

static char *file_path(const char *variable, const char *name)
{
	const char *path = getenv(variable), *home = getenv("HOME");
	if (path && *path)
		return mem_strdup(path);
	return mem_printf("%s/.aws/%s", home ? home : "", name);
}

void profile_files_find(struct profile_files *out)
{
	out->credentials = file_path("AWS_SHARED_CREDENTIALS_FILE", "credentials");
	out->config = file_path("AWS_CONFIG_FILE", "config");
}

void profile_files_free(struct profile_files *files)
{
	free(files->credentials);
	free(files->config);
	*files = (struct profile_files){0};
}

/* Cuts the blanks off both ends, in place. */
static char *trim(char *text)
{
	text += strspn(text, " \t\r");
	size_t length = strlen(text);
	while (length && strchr(" \t\r", text[length - 1]))
		length--;
	text[length] = '\0';
	return text;
}

/* "[profile ci]" -> "ci"; NULL for what is no profile ("[sso-session x]", "[services y]"). */
static char *section_name(char *line, bool config)
{
	char *end = strchr(line, ']');
	if (end)
		*end = '\0';
	char *name = trim(line + 1);
	if (!config || strcmp(name, "default") == 0)
		return name;
	size_t length = strlen("profile");
	if (strncmp(name, "profile", length) != 0 || !strchr(" \t", name[length]) || !name[length])
		return NULL;
	name = trim(name + length);
	if (name[0] == '"' && str_ends(name + 1, "\"")) {
		name++;
		name[strlen(name) - 1] = '\0';
	}
	return name;
}

static void take_setting(char *line, struct profile *out)
{
	char *equals = strchr(line, '=');
	if (!equals)
		return;
	*equals = '\0';
	const char *key = trim(line);
	char *value = trim(equals + 1);
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		if (strcmp(settings[i].key, key) != 0)
			continue;
		wipe_free(*setting_of(out, i)); /* the last one counts, as it does for AWS's tools */
		*setting_of(out, i) = *value ? mem_strdup(value) : NULL;
	}
}

static void parse(char *text, bool config, const char *name, struct profile *out, struct str *names)
{
	bool ours = false;
	for (char *line; (line = strsep(&text, "\n"));) {
		if (line[0] == '[') {
			const char *section = section_name(line, config);
			ours = str_eq(section, name);
			out->present |= ours;
			if (section && names)
				str_addf(names, "%s\n", section);
		} else if (ours && line[0] && !strchr("#; \t", line[0])) {
			take_setting(line, out);
		}
	}
}

static bool read_profile(const char *path, bool config, const char *name, struct profile *out, struct str *names,
			 struct error *err)
{
	_cleanup_(str_wipe_free) struct str text = STR_INIT;
	*out = (struct profile){0};
	if (!file_exists(path))
		return true;
	str_reserve(&text, 4096); /* so that small files are read in place and leave no copies */
	if (!file_read(path, MOST_BYTES, &text, err)) {
		err->kind = ERROR_DENIED;
		return false;
	}
	parse(text.data, config, name, out, names);
	return true;
}

bool profile_read_credentials(const struct profile_files *files, const char *name, struct profile *out,
			      struct str *names, struct error *err)
{
	return read_profile(files->credentials, false, name, out, names, err);
}

bool profile_read_config(const struct profile_files *files, const char *name, struct profile *out, struct str *names,
			 struct error *err)
{
	return read_profile(files->config, true, name, out, names, err);
}
