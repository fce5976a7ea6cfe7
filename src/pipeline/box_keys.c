/* SPDX-License-Identifier: Apache-2.0
 *
 * An instance's keys in the kernel's keyring, so that they outlive a killed process and never touch a disk. */
#include <string.h>

#include "bakery/keyring.h"
#include "bakery/log.h"
#include "bakery/str.h"
#include "pipeline.h"

static char *key_name(const char *build, const char *purpose, const char *which)
{
	return mem_printf("bakery:%s:%s:%s", build, purpose, which);
}

/* Both halves, one behind the other. */
static bool pair_keep(const struct build *build, const struct box *box, const char *which,
		      const struct ssh_key_pair *pair, struct error *err)
{
	_cleanup_(freep) char *name = key_name(build->id, box->purpose, which);
	_cleanup_(str_wipe_free) struct str both = STR_INIT;

	str_reserve(&both, strlen(pair->private_key) + strlen(pair->public_key) + 1);
	str_add(&both, pair->private_key);
	str_add(&both, pair->public_key);
	return keyring_keep(name, both.data, both.len, build_seconds_left(build), err);
}

static bool pair_find(const struct build *build, const struct box *box, const char *which, struct ssh_key_pair *pair,
		      struct error *err)
{
	_cleanup_(freep) char *name = key_name(build->id, box->purpose, which);
	_cleanup_(str_wipe_free) struct str both = STR_INIT;
	const char *at;

	if (!keyring_find(name, &both, err))
		return false;
	at = strstr(both.data, "\n-----END ");
	at = at ? strchr(at + 1, '\n') : NULL;
	if (!at)
		return error_set(err, ERROR_ABSENT, "what the kernel's keyring has as %s is no key", name);
	at++;
	pair->private_key = mem_strndup(both.data, (size_t)(at - both.data));
	pair->public_key = mem_strdup(at);
	return true;
}

void box_keys_keep(struct build *build, const struct box *box)
{
	struct error err = {0};

	if (pair_keep(build, box, "login", &box->login, &err) && pair_keep(build, box, "host", &box->host, &err))
		return;
	box_keys_forget(build, box->purpose);
	log_debug(build->context->log, "%s: should this process be killed, its instance is lost: %s", build->id,
		  err.text);
}

void box_keys_forget(const struct build *build, const char *purpose)
{
	_cleanup_(freep) char *login = key_name(build->id, purpose, "login");
	_cleanup_(freep) char *host = key_name(build->id, purpose, "host");

	keyring_forget(login);
	keyring_forget(host);
}

bool box_keys_find(const struct build *build, struct box *box, struct error *err)
{
	if (!pair_find(build, box, "login", &box->login, err) || !pair_find(build, box, "host", &box->host, err))
		return false;
	box->host_keys[0] = box->host.public_key;
	return true;
}
