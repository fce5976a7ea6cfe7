/* SPDX-License-Identifier: Apache-2.0
 *
 * The folder in which Ansible works for one run: how to reach the machine, the inventory, what is installed for it. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ansible.h"
#include "bakery/crypto.h"
#include "bakery/file.h"
#include "bakery/tree.h"

/* Sockets lie in the folder, below names that OpenSSH adds, and such a path has at most 107 characters (unix(7)). */
enum { LONGEST_BASE = 48 };
#define MACHINE "bakery-machine"

static const char events_plugin[] =
#include "bakery_events.py.inc"
	;

void workplace_set(struct workplace *place, const char *key, const char *fmt, ...)
{
	_cleanup_(str_free) struct str text = STR_INIT;
	va_list args;

	str_addf(&text, "%s=", key);
	va_start(args, fmt);
	str_vaddf(&text, fmt, args);
	va_end(args);
	place->environment = mem_grow(place->environment, place->count + 2, sizeof(*place->environment));
	place->environment[place->count++] = str_take(&text);
	place->environment[place->count] = NULL;
}

static bool may_hold(const char *base)
{
	struct stat info;

	return base && base[0] == '/' && strlen(base) <= LONGEST_BASE && stat(base, &info) == 0 &&
	       S_ISDIR(info.st_mode) && access(base, W_OK | X_OK) == 0;
}

static bool folder_make(struct workplace *place, struct error *err)
{
	const char *const bases[] = {getenv("XDG_RUNTIME_DIR"), "/dev/shm", "/tmp"};

	for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
		if (!may_hold(bases[i]))
			continue;
		place->folder = mem_printf("%s/bakery-ansible-XXXXXX", bases[i]);
		if (mkdtemp(place->folder))
			return true;
		free(take(&place->folder));
	}
	return error_set(err, ERROR_INTERNAL, "neither $XDG_RUNTIME_DIR nor /dev/shm nor /tmp can be written to");
}

static bool put(const struct workplace *place, const char *name, const struct str *text, struct error *err)
{
	_cleanup_(freep) char *path = path_join(place->folder, name);

	return file_replace(path, text->data, text->len, 0600, err);
}

static bool put_tree(const struct workplace *place, const char *name, const struct tree *tree, struct error *err)
{
	_cleanup_(str_free) struct str text = STR_INIT;

	tree_to_json(tree, &text);
	return put(place, name, &text, err);
}

/* --- how to reach the machine --- */

/* ssh_config(5): quoted, % begins a token; a quote within quotes is escaped. */
static void add_option(struct str *config, const char *option, const char *value)
{
	str_addf(config, "  %s \"", option);
	for (const char *at = value; *at; at++) {
		if (*at == '%')
			str_add_char(config, '%');
		else if (*at == '"' || *at == '\\')
			str_add_char(config, '\\');
		str_add_char(config, *at);
	}
	str_add(config, "\"\n");
}

static void add_bastion(struct str *config, const struct ansible_bastion *bastion)
{
	str_add(config, "Host bakery-bastion\n");
	add_option(config, "HostName", bastion->host);
	add_option(config, "User", bastion->user);
	str_addf(config, "  Port %d\n", bastion->port ? bastion->port : 22);
	add_option(config, "UserKnownHostsFile", bastion->known_hosts);
	if (bastion->key) {
		add_option(config, "IdentityFile", bastion->key);
		str_add(config, "  IdentitiesOnly yes\n  IdentityAgent none\n");
	}
}

static void add_machine(struct str *config, const struct workplace *place, const struct ansible_machine *machine)
{
	_cleanup_(freep) char *agent = path_join(place->folder, "agent"), *key = path_join(place->folder, "login.pub"),
			      *known = path_join(place->folder, "known_hosts");

	str_addf(config, "Host %s %s\n", machine->name, machine->address);
	add_option(config, "HostName", machine->address);
	add_option(config, "User", machine->user);
	str_addf(config, "  Port %d\n  HostKeyAlias " MACHINE "\n", machine->port ? machine->port : 22);
	add_option(config, "UserKnownHostsFile", known);
	add_option(config, "IdentityAgent", agent);
	add_option(config, "IdentityFile", key);
	str_add(config, "  IdentitiesOnly yes\n");
	if (machine->bastion)
		str_add(config, "  ProxyJump bakery-bastion\n");
}

static bool ssh_config_put(const struct workplace *place, const struct ansible_machine *machine, struct error *err)
{
	_cleanup_(str_free) struct str config = STR_INIT, known = STR_INIT, key = STR_INIT;

	add_machine(&config, place, machine);
	if (machine->bastion)
		add_bastion(&config, machine->bastion);
	str_add(&config, "Host *\n"
			 "  BatchMode yes\n  ConnectTimeout 20\n  ForwardAgent no\n  GlobalKnownHostsFile /dev/null\n"
			 "  ServerAliveInterval 15\n  StrictHostKeyChecking yes\n  UpdateHostKeys no\n");
	str_addf(&known, MACHINE " %s\n", machine->host_key);
	str_addf(&key, "%s\n", machine->public_key);
	return put(place, "ssh_config", &config, err) && put(place, "known_hosts", &known, err) &&
	       put(place, "login.pub", &key, err);
}

/* --- what Ansible reads --- */

static struct tree *inventory(const struct ansible *ansible, const struct ansible_machine *machine)
{
	struct tree *tree = tree_new_object(), *all = tree_set_object(tree, "all");
	struct tree *host = tree_set_object(tree_set_object(all, "hosts"), machine->name);
	struct tree *children = tree_set_object(all, "children");

	tree_set_text(host, "ansible_user", machine->user);
	for (size_t i = 0; i < ansible->groups.count; i++) {
		struct tree *group = tree_set_object(children, ansible->groups.items[i]);
		tree_set_object(tree_set_object(group, "hosts"), machine->name);
	}
	return tree;
}

static bool extra_vars_put(const struct workplace *place, const struct ansible *ansible, struct error *err)
{
	_cleanup_(tree_freep) struct tree *vars = tree_new_object();

	for (size_t i = 0; i < ansible->extra_vars.count; i++)
		tree_set_text(vars, ansible->extra_vars.items[i].key, ansible->extra_vars.items[i].value);
	return put_tree(place, "extra_vars.json", vars, err);
}

static bool folders_put(const struct workplace *place, struct error *err)
{
	static const char *const names[] = {"c", "plugins", "home", "tmp"};
	const struct str plugin = {.data = (char *)events_plugin, .len = sizeof(events_plugin) - 1};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_(freep) char *path = path_join(place->folder, names[i]);
		if (!file_make_folders(path, 0700, err))
			return false;
	}
	return put(place, "plugins/bakery_events.py", &plugin, err) &&
	       put(place, "ansible.cfg", &(struct str)STR_INIT, err);
}

/* The configuration beside the playbook counts, as it does for who runs ansible-playbook there; what this user has at
 * home does not. */
static void environment_make(struct workplace *place)
{
	_cleanup_(freep) char *own = path_join(place->cwd, "ansible.cfg");
	const char *folder = place->folder, *given = getenv("ANSIBLE_CONFIG");

	if (file_exists(own))
		workplace_set(place, "ANSIBLE_CONFIG", "%s", own);
	else if (!given || !*given)
		workplace_set(place, "ANSIBLE_CONFIG", "%s/ansible.cfg", folder);
	if (!getenv("ANSIBLE_PIPELINING"))
		workplace_set(place, "ANSIBLE_PIPELINING", "1");
	workplace_set(place, "ANSIBLE_HOME", "%s/home", folder);
	workplace_set(place, "ANSIBLE_LOCAL_TEMP", "%s/tmp", folder);
	workplace_set(place, "ANSIBLE_CALLBACK_PLUGINS", "%s/plugins", folder);
	workplace_set(place, "ANSIBLE_STDOUT_CALLBACK", "bakery_events");
	workplace_set(place, "ANSIBLE_HOST_KEY_CHECKING", "1");
	workplace_set(place, "ANSIBLE_SSH_ARGS", "-F '%s/ssh_config' -o ControlMaster=auto -o ControlPersist=60s",
		      folder);
	workplace_set(place, "ANSIBLE_SSH_CONTROL_PATH_DIR", "%s/c", folder);
	workplace_set(place, "ANSIBLE_RETRY_FILES_ENABLED", "0");
	workplace_set(place, "ANSIBLE_FORCE_COLOR", "0");
	workplace_set(place, "ANSIBLE_NOCOLOR", "1");
	workplace_set(place, "BAKERY_EVENTS_MARK", "%s", place->mark);
}

bool workplace_make_empty(struct workplace *place, const struct playbook *playbook, struct error *err)
{
	*place = (struct workplace){.cwd = path_folder(playbook->ansible->playbook)};
	crypto_random_hex(place->mark, 32);
	if (!folder_make(place, err) || !folders_put(place, err))
		return error_context(err, "a folder for Ansible");
	environment_make(place);
	return true;
}

bool workplace_make(struct workplace *place, const struct playbook *playbook, const struct ansible_machine *machine,
		    struct error *err)
{
	_cleanup_(tree_freep) struct tree *hosts = inventory(playbook->ansible, machine);

	return workplace_make_empty(place, playbook, err) &&
	       ((ssh_config_put(place, machine, err) && put_tree(place, "inventory.json", hosts, err) &&
		 extra_vars_put(place, playbook->ansible, err)) ||
		error_context(err, "a folder for Ansible"));
}

void workplace_end(struct workplace *place)
{
	struct error ignored = {0};

	if (place->folder && !file_remove_tree(place->folder, &ignored))
		error_clear(&ignored); /* it holds no secret, and is in memory */
	for (size_t i = 0; i < place->count; i++)
		free(place->environment[i]);
	free(place->environment);
	free(place->folder);
	free(place->cwd);
	*place = (struct workplace){0};
}
