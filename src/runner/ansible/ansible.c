/* SPDX-License-Identifier: Apache-2.0
 *
 * Running ansible-playbook: with the login key in an agent of its own, watched by a shell (warden.sh) that ends all of
 * it when this process does. */
#include "ansible.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/file.h"
#include "bakery/process.h"
#include "bakery/ssh.h"
#include "bakery/tree.h"

enum { GRACE_MS = 5000, QUERY_TIMEOUT_MS = 60000 };
#define INSTALL "install Ansible (on Debian: apt-get install ansible-core)"

static const char warden[] =
#include "warden.sh.inc"
	;

/* --- what this host must have --- */

bool ansible_programs_check(struct error *err)
{
	static const struct {
		const char *program, *hint;
	} needed[] = {{"ansible-playbook", INSTALL},
		      {"ansible-galaxy", INSTALL},
		      {"ssh", "install OpenSSH's client"},
		      {"ssh-agent", "install OpenSSH's client"},
		      {"ssh-add", "install OpenSSH's client"}};

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		if (!process_available(needed[i].program))
			return error_set(err, ERROR_USAGE, "%s is not on this host, and Ansible playbooks need it; %s",
					 needed[i].program, needed[i].hint);
	}
	return true;
}

bool ansible_secrets_check(const struct playbook *playbook, struct error *err)
{
	const struct text_list *secrets = &playbook->ansible->secrets;
	_cleanup_(str_free) struct str missing = STR_INIT;

	for (size_t i = 0; i < secrets->count; i++) {
		if (!getenv(secrets->items[i]))
			str_addf(&missing, "%s%s", missing.len ? ", " : "", secrets->items[i]);
	}
	return !missing.len ||
	       error_set(err, ERROR_USAGE, "Ansible playbook %s: secrets are missing in the environment: %s",
			 playbook->name, missing.data);
}

/* Ansible's own words for why it cannot go on come last, and over several lines. */
static void words_of(struct str *text)
{
	char *error = strstr(text->data, "ERROR!");

	str_trim_right(text);
	if (error && error > text->data)
		str_remove_front(text, (size_t)(error - text->data));
	if (text->len > 1200) {
		text->len = 1200;
		text->data[text->len] = '\0';
	}
}

/* One line, for a fault. */
static void fold(struct str *text)
{
	size_t used = 0;

	for (size_t at = 0; at < text->len; at++) {
		bool is_space = strchr(" \t\r\n", text->data[at]);
		if (!is_space || (used && text->data[used - 1] != ' '))
			text->data[used++] = is_space ? ' ' : text->data[at];
	}
	if (text->len)
		text->data[text->len = used] = '\0';
}

bool ansible_syntax_check(const struct playbook *playbook, const struct stop *stop, struct error *err)
{
	const struct ansible *ansible = playbook->ansible;
	const char *const argv[] = {"ansible-playbook", "--syntax-check", "-i", "localhost,", ansible->playbook, NULL};
	_cleanup_(workplace_end) struct workplace place = {0};
	_cleanup_(str_free) struct str errors = STR_INIT;
	struct process process = {.argv = argv, .timeout_ms = QUERY_TIMEOUT_MS, .stop = stop};
	int status;

	if (ansible->requirements)
		return true;
	if (!workplace_make_empty(&place, playbook, err))
		return false;
	process.folder = place.cwd;
	process.environment = (const char *const *)place.environment;
	if (!process_run(&process, &status, NULL, &errors, err))
		return error_context(err, "%s", ansible->playbook);
	words_of(&errors);
	fold(&errors);
	return status == 0 || error_set(err, ERROR_INVALID, "%s: %s", ansible->playbook, errors.data);
}

/* --- what is installed for the run --- */

/* A list of folders that Ansible would search, with one before it. */
static void search_set(struct workplace *place, const char *key, const char *first, const struct tree *settings,
		       const char *name)
{
	_cleanup_(str_free) struct str path = STR_INIT;

	str_addf(&path, "%s/home/%s", place->folder, first);
	for (struct tree_iter i = tree_iter(settings); tree_next(&i);) {
		if (!str_eq(tree_text(i.value, "name"), name))
			continue;
		for (struct tree_iter folder = tree_iter(tree_key(i.value, "value")); tree_next(&folder);)
			str_addf(&path, ":%s", tree_text_or(folder.value, NULL, ""));
	}
	workplace_set(place, key, "%s", path.data);
}

/* ansible-galaxy installs into the first folder of its search paths: that shall be one of ours, and what the
 * configuration names stays behind it. */
static bool search_make(struct workplace *place, const struct stop *stop, struct error *err)
{
	static const char *const argv[] = {"ansible-config", "dump", "--format", "json", NULL};
	const struct process process = {.argv = argv,
					.folder = place->cwd,
					.environment = (const char *const *)place->environment,
					.timeout_ms = QUERY_TIMEOUT_MS,
					.stop = stop};
	_cleanup_(tree_freep) struct tree *settings = NULL;
	_cleanup_(str_free) struct str out = STR_INIT;

	if (!process_must(&process, &out, err))
		return false;
	settings = tree_from_json(out.data, out.len, err);
	if (!settings)
		return error_context(err, "ansible-config dump");
	search_set(place, "ANSIBLE_ROLES_PATH", "roles", settings, "DEFAULT_ROLES_PATH");
	search_set(place, "ANSIBLE_COLLECTIONS_PATH", "collections", settings, "COLLECTIONS_PATHS");
	return true;
}

/* --- the run --- */

enum { GALAXY_FAILED = 96, AGENT_FAILED = 97 };

static void script_make(const struct workplace *place, const struct ansible *ansible, struct str *script)
{
	if (ansible->requirements) {
		str_add(script, "ansible-galaxy install -r ");
		str_add_shell_quoted(script, ansible->requirements);
		str_addf(script, " || exit %d\n", GALAXY_FAILED);
	}
	str_addf(script, "exec ansible-playbook -i '%s/inventory.json' -e '@%s/extra_vars.json' ", place->folder,
		 place->folder);
	str_add_shell_quoted(script, ansible->playbook);
}

/* A failed task says best what went wrong; what ends Ansible before it comes to tasks stands in its output. */
static bool judge(struct listener *listener, int status, struct error *err)
{
	const char *name = listener->playbook->name;
	_cleanup_(str_free) struct str words = STR_INIT;

	if (status == 0 && listener->plays && listener->plays == listener->plays_without_hosts)
		return error_set(err, ERROR_FAILED,
				 "Ansible playbook %s did nothing: no play of it is for the instance; let it say "
				 "`hosts: all`, or give the instance the groups that it names with `groups`",
				 name);
	if (status == 0)
		return true;
	if (listener->failure.kind != ERROR_NONE) {
		*err = listener->failure;
		return error_context(err, "Ansible playbook %s", name);
	}
	str_add(&words, listener->output.data);
	words_of(&words);
	if (status == AGENT_FAILED)
		return error_set(err, ERROR_INTERNAL, "no ssh-agent for the login key: %s", words.data);
	if (status == GALAXY_FAILED)
		return error_set(err, ERROR_FAILED, "Ansible playbook %s: ansible-galaxy could not install %s: %s",
				 name, listener->playbook->ansible->requirements, words.data);
	return error_set(err, ERROR_FAILED, "Ansible playbook %s: ansible-playbook exited with %d: %s", name, status,
			 words.data);
}

/* One attempt of our own, as the rest of a build would make it. */
static bool bastion_try(const struct ansible_bastion *bastion, const struct stop *stop, struct error *err)
{
	_cleanup_(ssh_closep) struct ssh *ssh = NULL;
	_cleanup_(str_wipe_free) struct str key = STR_INIT;
	struct ssh_target target = {.host = bastion->host,
				    .port = bastion->port,
				    .user = bastion->user,
				    .known_hosts = bastion->known_hosts,
				    .stop = stop};

	if (bastion->key && !ssh_key_read(bastion->key, &key, err))
		return false;
	target.private_key = bastion->key ? key.data : NULL;
	return ssh_open(&target, &ssh, err);
}

/* When the bastion is in the way, be it with a wrong host key, OpenSSH tells Ansible no more than that the connection
 * was closed. *told: why it was is known now. */
static void explain_bastion(const struct ansible_machine *machine, const struct listener *listener, struct error *why,
			    bool *told)
{
	struct error trouble = {0};

	*told = false;
	if (!machine->bastion || !strstr(why->text, "unreachable") || stop_requested(listener->options->stop) ||
	    bastion_try(machine->bastion, listener->options->stop, &trouble))
		return;
	error_context(&trouble, "Ansible playbook %s: %s is unreachable: bastion %s", listener->playbook->name,
		      machine->name, machine->bastion->host);
	error_clear(why);
	*why = trouble;
	*told = true;
}

static bool conclude(struct listener *listener, const struct ansible_machine *machine, int status, struct error *err)
{
	struct error why = {0}, unwritten = {0};
	bool fine, told = false;

	listener_hear_end(listener);
	fine = judge(listener, status, &why);
	if (!fine)
		explain_bastion(machine, listener, &why, &told);
	if (!listener_end(listener, fine ? NULL : told ? why.text : "it failed", &unwritten)) {
		*err = unwritten;
		return false;
	}
	if (!fine)
		*err = why;
	return fine;
}

static bool run(struct workplace *place, struct listener *listener, const struct ansible_machine *machine,
		struct error *err)
{
	const struct ansible_options *options = listener->options;
	_cleanup_(freep) char *life = mem_printf("%lld", (long long)options->key_life_s);
	_cleanup_(str_free) struct str script = STR_INIT;
	int status;

	script_make(place, listener->playbook->ansible, &script);
	const char *const argv[] = {"sh", "-c", warden, "bakery-ansible", place->folder, life, script.data, NULL};
	const struct process process = {
		.argv = argv,
		.folder = place->cwd,
		.environment = (const char *const *)place->environment,
		.input = machine->private_key,
		.input_length = strlen(machine->private_key),
		.hold_input = true,
		.grace_ms = GRACE_MS,
		.stop = options->stop,
		.sink = listener_hear,
		.cookie = listener,
	};
	listener_begin(listener);
	return process_run(&process, &status, NULL, NULL, err) && conclude(listener, machine, status, err);
}

bool ansible_run(const struct playbook *playbook, const struct ansible_machine *machine,
		 const struct ansible_options *options, struct error *err)
{
	_cleanup_(workplace_end) struct workplace place = {0};
	struct listener listener;
	bool done;

	if (!ansible_programs_check(err) || !ansible_secrets_check(playbook, err) ||
	    !workplace_make(&place, playbook, machine, err) ||
	    (playbook->ansible->requirements && !search_make(&place, options->stop, err)))
		return false;
	listener_init(&listener, playbook, options, &place);
	done = run(&place, &listener, machine, err);
	listener_free(&listener);
	return done;
}
