/* SPDX-License-Identifier: Apache-2.0
 *
 * Package URLs: github.com/package-url/purl-spec, with its types deb and rpm. */
#include <ctype.h>
#include <string.h>

#include "inventory.h"

/* purl-spec, "Character encoding": these and the colon stay as they are. */
static void encoded(struct str *out, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if (isalnum(c) || strchr(".-_~:", c))
			str_add_char(out, (char)c);
		else
			str_addf(out, "%%%02X", c);
	}
}

static void encoded_lower(struct str *out, const char *text)
{
	_cleanup_(freep) char *lower = mem_strdup(text);

	for (char *c = lower; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	encoded(out, lower);
}

/* The vendor of RHEL's packages is Red Hat; other systems are called as they call themselves. */
static const char *namespace_of(const struct package *package, const char *os)
{
	return str_eq(package->manager, "rpm") && str_eq(os, "rhel") ? "redhat" : os;
}

static void qualifier(struct str *out, char *separator, const char *key)
{
	str_addf(out, "%c%s=", *separator, key);
	*separator = '&';
}

char *inventory_purl(const struct package *package, const struct text_map *os)
{
	const char *id = text_map_get(os, "ID") ? text_map_get(os, "ID") : "linux";
	const char *os_version = text_map_get(os, "VERSION_ID"), *colon = strchr(package->version, ':');
	bool is_rpm = str_eq(package->manager, "rpm");
	struct str out = STR_INIT;
	char separator = '?';

	str_addf(&out, "pkg:%s/", package->manager);
	encoded_lower(&out, namespace_of(package, id));
	str_add_char(&out, '/');
	is_rpm ? encoded(&out, package->name) : encoded_lower(&out, package->name);
	str_add_char(&out, '@');
	encoded(&out, is_rpm && colon ? colon + 1 : package->version);
	if (*package->architecture) {
		qualifier(&out, &separator, "arch");
		encoded(&out, package->architecture);
	}
	qualifier(&out, &separator, "distro");
	encoded(&out, id);
	if (os_version) {
		str_add_char(&out, '-');
		encoded(&out, os_version);
	}
	if (is_rpm && colon)
		str_addf(&out, "&epoch=%.*s", (int)(colon - package->version), package->version);
	return str_take(&out);
}
