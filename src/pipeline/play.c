/* SPDX-License-Identifier: Apache-2.0
 *
 * An Ansible playbook on an instance: how ansible-playbook reaches it, and what to do when the instance lacks Python.
 */
#include "bakery/ansible.h"
#include "bakery/str.h"
#include "pipeline.h"

struct way {
	struct ansible_bastion bastion;
	char *key, *known_hosts;
};

static void way_free(struct way *way)
{
	freep(&way->key);
	freep(&way->known_hosts);
}

static const struct ansible_bastion *way_make(const struct bastion *bastion, struct way *way)
{
	if (!bastion)
		return NULL;
	way->key = bastion->key ? bastion_file(bastion->key) : NULL;
	way->known_hosts = bastion_file(bastion->known_hosts ? bastion->known_hosts : BASTION_KNOWN_HOSTS);
	way->bastion = (struct ansible_bastion){.host = bastion->host,
						.user = bastion->user,
						.port = (int)bastion->port,
						.key = way->key,
						.known_hosts = way->known_hosts};
	return &way->bastion;
}

/* A playbook may have restarted sshd or the machine; our own connection was not looked at meanwhile. */
static bool connection_renew(struct box *box, struct error *err)
{
	enum { REOPEN_S = 120 };
	struct error dropped = {0};

	return ssh_must(box->ssh, "true", NULL, &dropped) || ssh_reopen(box->ssh, REOPEN_S, err);
}

/* The empty folders that Ansible leaves where its modules ran would become part of the image. */
static void tidy(struct build *build, struct box *box)
{
	bool is_root = str_eq(build->plan->connect.user, "root");
	_cleanup_(freep) char *command =
		mem_printf("rmdir ~/.ansible/tmp ~/.ansible 2>/dev/null; %srmdir ~root/.ansible/tmp ~root/.ansible "
			   "2>/dev/null; true",
			   is_root ? "" : "sudo -n ");
	struct error ignored = {0};

	if (!ssh_must(box->ssh, command, NULL, &ignored))
		error_clear(&ignored);
}

/* Ansible finds this out in many ways and words. */
static bool lacks_python(struct box *box)
{
	_cleanup_(str_free) struct str out = STR_INIT;
	struct error ignored = {0};

	return ssh_must(box->ssh,
			"command -v python3 || ls /usr/libexec/platform-python /usr/bin/python[23]* 2>/dev/null || "
			"echo none",
			&out, &ignored) &&
	       str_eq(out.data, "none\n");
}

bool play_run(struct build *build, struct box *box, const struct playbook *playbook,
	      const struct runner_options *options, struct error *err)
{
	const struct connect *connect = &build->plan->connect;
	_cleanup_(way_free) struct way way = {0};
	const struct ansible_machine machine = {
		.name = box->instance,
		.address = box->address,
		.user = connect->user,
		.port = (int)connect->port,
		.private_key = box->login.private_key,
		.public_key = box->login.public_key,
		.host_key = box->host.public_key,
		.bastion = way_make(connect->bastion, &way),
	};
	const struct ansible_options ansible = {
		.key_life_s = build_seconds_left(build), .stop = options->stop, .events = options->events};

	if (ansible_run(playbook, &machine, &ansible, err)) {
		if (!connection_renew(box, err))
			return error_context(err, "%s after Ansible playbook %s", box->instance, playbook->name);
		tidy(build, box);
		return true;
	}
	if (error_is(err, ERROR_FAILED) && lacks_python(box))
		error_hint(err, "the instance has no Python, which Ansible's modules need: put the playbook `python` "
				"before this one");
	return false;
}
