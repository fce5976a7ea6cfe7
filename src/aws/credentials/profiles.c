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
	{"role_arn", offsetof(struct profile, role_arn)},
	{"source_profile", offsetof(struct profile, source_profile)},
	{"credential_source", offsetof(struct profile, credential_source)},
	{"external_id", offsetof(struct profile, external_id)},
	{"role_session_name", offsetof(struct profile, role_session_name)},
	{"duration_seconds", offsetof(struct profile, duration_seconds)},
	{"mfa_serial", offsetof(struct profile, mfa_serial)},
	{"web_identity_token_file", offsetof(struct profile, web_identity_token_file)},
	{"sso_session", offsetof(struct profile, sso_session)},
	{"sso_account_id", offsetof(struct profile, sso_account_id)},
	{"sso_role_name", offsetof(struct profile, sso_role_name)},
	{"sso_start_url", offsetof(struct profile, sso_start_url)},
	{"sso_region", offsetof(struct profile, sso_region)},
	{"credential_process", offsetof(struct profile, credential_process)},
	{"ec2_metadata_service_endpoint", offsetof(struct profile, ec2_metadata_service_endpoint)},
	{"ec2_metadata_service_endpoint_mode", offsetof(struct profile, ec2_metadata_service_endpoint_mode)},
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
	const char *path = getenv(variable);
	_cleanup_(freep) char *home = path_home(), *folder = path_join(home, ".aws");
	return path && *path ? mem_strdup(path) : path_join(folder, name);
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

/* With the type "profile": "[profile ci]" -> "ci"; NULL for a section of another type ("[sso-session x]"). The type
 * NULL is that of the credentials file: "[ci]" -> "ci". */
static char *section_name(char *line, const char *type)
{
	char *end = strchr(line, ']');
	if (end)
		*end = '\0';
	char *name = trim(line + 1);
	if (!type || (strcmp(type, "profile") == 0 && strcmp(name, "default") == 0))
		return name;
	size_t length = strlen(type);
	if (strncmp(name, type, length) != 0 || !strchr(" \t", name[length]) || !name[length])
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

static void parse(char *text, const char *type, const char *name, struct profile *out, struct str *names)
{
	bool ours = false;
	for (char *line; (line = strsep(&text, "\n"));) {
		if (line[0] == '[') {
			const char *section = section_name(line, type);
			ours = str_eq(section, name);
			out->present |= ours;
			if (section && names)
				str_addf(names, "%s\n", section);
		} else if (ours && line[0] && !strchr("#; \t", line[0])) {
			take_setting(line, out);
		}
	}
}

static bool read_section(const char *path, const char *type, const char *name, struct profile *out, struct str *names,
			 struct error *err)
{
	_cleanup_(str_wipe_free) struct str text = STR_INIT;
	*out = (struct profile){0};
	if (!file_exists(path))
		return true;
	str_reserve(&text, 65536); /* so that all but huge files are read in place and leave no copies */
	if (!file_read(path, MOST_BYTES, &text, err)) {
		err->kind = ERROR_DENIED;
		return false;
	}
	parse(text.data, type, name, out, names);
	return true;
}

bool profile_read_credentials(const struct profile_files *files, const char *name, struct profile *out,
			      struct str *names, struct error *err)
{
	return read_section(files->credentials, NULL, name, out, names, err);
}

bool profile_read_config(const struct profile_files *files, const char *name, struct profile *out, struct str *names,
			 struct error *err)
{
	return read_section(files->config, "profile", name, out, names, err);
}

bool profile_read_sso_session(const struct profile_files *files, const char *name, struct profile *out,
			      struct error *err)
{
	return read_section(files->config, "sso-session", name, out, NULL, err);
}

bool profile_read_both(const struct profile_files *files, const char *name, struct profile *out, struct error *err)
{
	_cleanup_(profile_free) struct profile over = {0};
	*out = (struct profile){0};
	if (!profile_read_config(files, name, out, NULL, err) ||
	    !profile_read_credentials(files, name, &over, NULL, err))
		return false;
	out->present |= over.present;
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		if (!*setting_of(&over, i))
			continue;
		wipe_free(*setting_of(out, i));
		*setting_of(out, i) = take(setting_of(&over, i));
	}
	return true;
}
