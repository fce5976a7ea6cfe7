/* SPDX-License-Identifier: Apache-2.0
 *
 * The cloud-config an instance starts with (cloud-init, "Cloud config examples": ssh_keys, ssh_authorized_keys,
 * bootcmd): the host key that bakery made, so that it knows whom it talks to; the key it logs in with; and a timer that
 * ends the instance at the build's deadline. */
#include <string.h>

#include "bakery/str.h"
#include "pipeline.h"

/* Minutes, rounded up, with a few to spare for clean-up. A later shutdown replaces an earlier one. */
char *dead_man_command(const struct build *build)
{
	return mem_printf("shutdown -P +%lld 'bakery: the build is overdue' >/dev/null 2>&1 || true",
			  (long long)((build_seconds_left(build) + BUILD_SPARE_S) / 60));
}

/* bootcmd runs on every boot, so a reboot step does not lose the timer. */
static struct tree *dead_man_switch(const struct build *build)
{
	_cleanup_(freep) char *shutdown = dead_man_command(build);
	struct tree *command = tree_new_array();

	tree_add_text(command, "sh");
	tree_add_text(command, "-c");
	tree_add_text(command, shutdown);
	return command;
}

static struct tree *list_of(struct tree *config, const char *key)
{
	struct tree *list = tree_key(config, key);

	return tree_kind(list) == TREE_ARRAY ? list : tree_set_array(config, key);
}

static struct tree *base_config(const struct build *build)
{
	const char *wanted = build->plan->launch.user_data;
	struct error broken = {0};
	struct tree *config = wanted ? tree_from_json(wanted, strlen(wanted), &broken) : NULL;

	return config ? config : tree_new_object();
}

static void host_key_add(struct tree *keys, const char *type, const struct ssh_key_pair *host)
{
	_cleanup_(freep) char *private_name = mem_printf("%s_private", type);
	_cleanup_(freep) char *public_name = mem_printf("%s_public", type);

	tree_set_text(keys, private_name, host->private_key);
	tree_set_text(keys, public_name, host->public_key);
}

/* JSON is YAML, so the merged map is written as JSON behind cloud-config's first line. */
void user_data_make(const struct build *build, const struct box *box, struct str *base64)
{
	_cleanup_(tree_freep) struct tree *config = base_config(build);
	_cleanup_(str_wipe_free) struct str text = STR_INIT;
	struct tree *keys = tree_set_object(config, "ssh_keys");

	host_key_add(keys, ssh_key_types[build->plan->connect.key_type], &box->host);
	tree_set_bool(config, "ssh_deletekeys", true);
	tree_add_text(list_of(config, "ssh_authorized_keys"), box->login.public_key);
	tree_add(list_of(config, "bootcmd"), dead_man_switch(build));
	str_add(&text, "#cloud-config\n");
	tree_to_json_pretty(config, &text);
	crypto_base64(text.data, text.len, base64);
}
