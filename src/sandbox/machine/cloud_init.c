/* SPDX-License-Identifier: Apache-2.0
 *
 * User data to shell text. Everything that came from outside is quoted or coded in base64, so it is data to the init
 * and commands only where cloud-init would run it. The keys understood are those of cloud-init's documentation of the
 * same names: https://cloudinit.readthedocs.io/en/22.4.2/topics/modules.html */
#include <stdio.h>
#include <string.h>

#include "bakery/crypto.h"
#include "bakery/mem.h"
#include "bakery/tree.h"
#include "cloud_init.h"

struct writer {
	const struct machine_spec *spec;
	struct tree *config;   /* NULL: the user data is no cloud-config */
	const char *complaint; /* said at first boot; "" for none */
	struct str *out;
};

static void add_variable(struct str *out, const char *name, const char *value)
{
	str_addf(out, "%s=", name);
	str_add_shell_quoted(out, value ? value : "");
	str_add_char(out, '\n');
}

/* A command whose output is these bytes, whatever they are. */
static void add_producer(struct str *out, const void *data, size_t length)
{
	_cleanup_(str_wipe_free) struct str coded = STR_INIT;

	crypto_base64(data, length, &coded);
	str_addf(out, "printf %%s '%s' | base64 -d", coded.data);
}

static void add_put(struct str *out, const char *path, const char *mode, const char *owner, bool append)
{
	str_add(out, " | put ");
	str_add_shell_quoted(out, path);
	str_add_char(out, ' ');
	str_add_shell_quoted(out, mode);
	str_add_char(out, ' ');
	str_add_shell_quoted(out, owner);
	str_add(out, append ? " append\n" : "\n");
}

/* cloud-init's shellify: a text is a line of shell, a list is one command's words. */
static void add_command(struct str *script, const struct tree *command)
{
	struct tree_iter words = tree_iter(command);

	if (tree_kind(command) != TREE_ARRAY) {
		str_addf(script, "%s\n", tree_text_or(command, NULL, ""));
		return;
	}
	while (tree_next(&words)) {
		if (words.index)
			str_add_char(script, ' ');
		str_add_shell_quoted(script, tree_text_or(words.value, NULL, ""));
	}
	str_add_char(script, '\n');
}

static bool add_commands(struct str *script, const struct tree *commands)
{
	struct tree_iter each = tree_iter(commands);

	if (tree_kind(commands) != TREE_ARRAY || !tree_count(commands))
		return false;
	str_add(script, "#!/bin/sh\n");
	while (tree_next(&each))
		add_command(script, each.value);
	return true;
}

static void write_user_data(struct writer *writer)
{
	add_producer(writer->out, writer->spec->user_data, writer->spec->user_data_length);
	str_add_char(writer->out, '\n');
}

static void write_boot_commands(struct writer *writer)
{
	_cleanup_(str_free) struct str script = STR_INIT;

	if (!add_commands(&script, tree_key(writer->config, "bootcmd")))
		return;
	add_producer(writer->out, script.data, script.len);
	str_addf(writer->out,
		 " >/run/sandbox/bootcmd\nINSTANCE_ID=%s sh /run/sandbox/bootcmd || warn 'Failed running bootcmd'\n",
		 writer->spec->id);
}

static const char *decoder(const char *encoding)
{
	if (str_eq(encoding, "b64") || str_eq(encoding, "base64"))
		return " | base64 -d";
	if (str_eq(encoding, "gz") || str_eq(encoding, "gzip"))
		return " | gzip -dc";
	if (str_starts(encoding, "gz"))
		return " | base64 -d | gzip -dc"; /* gz+b64, gz+base64, gzip+b64, gzip+base64 */
	return "";
}

static void write_files(struct writer *writer)
{
	struct tree_iter files = tree_iter(tree_key(writer->config, "write_files"));

	while (tree_next(&files)) {
		const char *path = tree_text(files.value, "path"), *content = tree_text_or(files.value, "content", "");
		if (!path || path[0] != '/')
			continue;
		add_producer(writer->out, content, strlen(content));
		str_add(writer->out, decoder(tree_text_or(files.value, "encoding", "")));
		add_put(writer->out, path, tree_text_or(files.value, "permissions", "0644"),
			tree_text_or(files.value, "owner", "root:root"), tree_bool(files.value, "append", false));
	}
}

static void write_host_key(struct writer *writer, const char *type, const char *part, const char *suffix,
			   const char *mode)
{
	_cleanup_(freep) char *path = mem_printf("/etc/ssh/ssh_host_%s_key%s", type, suffix);
	_cleanup_(freep) char *name = mem_printf("ssh_keys.%s_%s", type, part);
	_cleanup_(str_wipe_free) struct str key = STR_INIT;

	if (!tree_text(writer->config, name))
		return;
	str_add(&key, tree_text(writer->config, name));
	str_trim_right(&key);
	str_add_char(&key, '\n');
	add_producer(writer->out, key.data, key.len);
	add_put(writer->out, path, mode, "root:root", false);
}

static void write_host_keys(struct writer *writer)
{
	static const char *const types[] = {"rsa", "dsa", "ecdsa", "ed25519"};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		write_host_key(writer, types[i], "private", "", "0600");
		write_host_key(writer, types[i], "public", ".pub", "0644");
		write_host_key(writer, types[i], "certificate", "-cert.pub", "0644");
	}
}

static bool is_script(const struct machine_spec *spec)
{
	return spec->user_data_length >= 2 && memcmp(spec->user_data, "#!", 2) == 0;
}

static void write_scripts(struct writer *writer)
{
	_cleanup_(str_free) struct str script = STR_INIT;

	if (writer->complaint[0]) {
		str_add(writer->out, "warn ");
		str_add_shell_quoted(writer->out, writer->complaint);
		str_add_char(writer->out, '\n');
	}
	if (is_script(writer->spec)) {
		add_producer(writer->out, writer->spec->user_data, writer->spec->user_data_length);
		add_put(writer->out, "/var/lib/cloud/instance/scripts/part-001", "0700", "root:root", false);
	} else if (add_commands(&script, tree_key(writer->config, "runcmd"))) {
		add_producer(writer->out, script.data, script.len);
		add_put(writer->out, "/var/lib/cloud/instance/scripts/runcmd", "0700", "root:root", false);
	}
}

static void write_packages(struct writer *writer)
{
	struct tree_iter packages = tree_iter(tree_key(writer->config, "packages"));
	bool any = tree_count(packages.tree) > 0;

	if (any || tree_bool(writer->config, "package_update", false))
		str_add(writer->out, "apt update\n");
	if (tree_bool(writer->config, "package_upgrade", false))
		str_add(writer->out, "apt upgrade\n");
	if (!any)
		return;
	str_add(writer->out, "apt install --");
	while (tree_next(&packages)) {
		str_add_char(writer->out, ' ');
		str_add_shell_quoted(writer->out, tree_text_or(packages.value, NULL, ""));
	}
	str_add_char(writer->out, '\n');
}

static const struct section {
	const char *name;
	void (*write)(struct writer *writer);
} sections[] = {
	{"user_data", write_user_data},	      {"boot_commands", write_boot_commands}, {"files", write_files},
	{"given_host_keys", write_host_keys}, {"given_scripts", write_scripts},	      {"packages", write_packages},
};

static void add_authorized_keys(struct str *out, const struct machine_spec *spec, const struct tree *config)
{
	_cleanup_(str_free) struct str keys = STR_INIT;
	struct tree_iter more = tree_iter(tree_key(config, "ssh_authorized_keys"));

	if (spec->authorized_key)
		str_add(&keys, spec->authorized_key);
	while (tree_next(&more))
		str_addf(&keys, "%s%s", keys.len ? "\n" : "", tree_text_or(more.value, NULL, ""));
	add_variable(out, "authorized_keys", keys.data);
}

static struct tree *read_config(const struct machine_spec *spec, struct error *err)
{
	static const char first_line[] = "#cloud-config";

	if (spec->user_data_length < sizeof(first_line) - 1 ||
	    memcmp(spec->user_data, first_line, sizeof(first_line) - 1) != 0)
		return NULL;
	return tree_from_yaml(spec->user_data, spec->user_data_length, err);
}

static const char *find_complaint(const struct machine_spec *spec, const struct tree *config, const struct error *err)
{
	if (err->kind != ERROR_NONE)
		return err->text;
	if (config && tree_kind(config) != TREE_OBJECT && tree_kind(config) != TREE_NULL)
		return "the cloud-config is not a map";
	if (spec->user_data_length && !config && !is_script(spec))
		return "Unhandled non-multipart (text/x-not-multipart) userdata";
	return "";
}

static const char *usable_hostname(const struct machine_spec *spec, const struct tree *config)
{
	const char *wanted = tree_text(config, "hostname");

	return wanted && !strpbrk(wanted, " \t\r\n") ? wanted : spec->hostname;
}

void cloud_init_settings(const struct machine_spec *spec, const char *name_servers, struct str *out)
{
	struct error err = {};
	_cleanup_(tree_freep) struct tree *config = read_config(spec, &err);
	struct writer writer = {.spec = spec, .config = config, .out = out};

	writer.complaint = find_complaint(spec, config, &err);
	add_variable(out, "instance", spec->id);
	add_variable(out, "hostname", usable_hostname(spec, config));
	add_variable(out, "login_user", spec->login_user);
	add_variable(out, "name_servers", name_servers);
	add_authorized_keys(out, spec, config);
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		str_addf(out, "%s() {\n:\n", sections[i].name);
		sections[i].write(&writer);
		str_add(out, "}\n");
	}
}
