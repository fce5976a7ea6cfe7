/* SPDX-License-Identifier: Apache-2.0
 *
 * The bastion that machines are reached through, as this host knows it: key file or agent, known_hosts. */

#include "bakery/file.h"
#include "bakery/str.h"
#include "pipeline.h"

char *bastion_file(const char *path)
{
	_cleanup_(freep) char *home = path_home();

	return str_starts(path, "~/") ? path_join(home, path + 2) : mem_strdup(path);
}

bool bastion_way_make(const struct build *build, struct bastion_way *way, struct error *err)
{
	const struct bastion *bastion = build->plan->connect.bastion;

	bastion_way_free(way);
	way->known_hosts = bastion_file(bastion->known_hosts ? bastion->known_hosts : BASTION_KNOWN_HOSTS);
	way->target = (struct ssh_target){
		.host = bastion->host,
		.port = (int)bastion->port,
		.user = bastion->user,
		.known_hosts = way->known_hosts,
		.log = build->context->log,
	};
	if (!bastion->key)
		return true;
	_cleanup_(freep) char *path = bastion_file(bastion->key);
	if (!ssh_key_read(path, &way->key, err))
		return error_context(err, "connect.bastion.key");
	way->target.private_key = way->key.data;
	return true;
}

void bastion_way_free(struct bastion_way *way)
{
	str_wipe_free(&way->key);
	freep(&way->known_hosts);
	*way = (struct bastion_way){.key = STR_INIT};
}

bool bastion_check(struct build *build, struct error *err)
{
	enum { REACH_S = 20 };
	_cleanup_(bastion_way_free) struct bastion_way way = {.key = STR_INIT};
	_cleanup_(ssh_closep) struct ssh *ssh = NULL;

	if (!build->plan->connect.bastion)
		return true;
	if (!bastion_way_make(build, &way, err))
		return false;
	way.target.stop = &build->stop;
	/* One attempt where it refuses us: asking again and again looks like an attack. */
	if (ssh_open(&way.target, &ssh, err) ||
	    (error_is(err, ERROR_TRANSIENT) && ssh_open_within(&way.target, REACH_S, &ssh, err)))
		return true;
	return error_context(err, "bastion %s", build->plan->connect.bastion->host);
}

/* ssh's -J knows no key or known_hosts of its own for the host in between. */
void bastion_command(const struct build *build, struct str *command)
{
	const struct bastion *bastion = build->plan->connect.bastion;
	_cleanup_(str_free) struct str proxy = STR_INIT;

	if (!bastion)
		return;
	if (!bastion->key && !bastion->known_hosts) {
		str_addf(command, " -J %s@%s:%lld", bastion->user, bastion->host, (long long)bastion->port);
		return;
	}
	str_add(&proxy, "ProxyCommand=ssh");
	if (bastion->key) {
		_cleanup_(freep) char *key = bastion_file(bastion->key);
		str_add(&proxy, " -i ");
		str_add_shell_quoted(&proxy, key);
	}
	if (bastion->known_hosts) {
		_cleanup_(freep) char *hosts = bastion_file(bastion->known_hosts);
		str_add(&proxy, " -o UserKnownHostsFile=");
		str_add_shell_quoted(&proxy, hosts);
	}
	str_addf(&proxy, " -p %lld -W %%h:%%p %s@%s", (long long)bastion->port, bastion->user, bastion->host);
	str_add(command, " -o ");
	str_add_shell_quoted(command, proxy.data);
}
