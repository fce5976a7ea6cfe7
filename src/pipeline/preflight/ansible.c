/* SPDX-License-Identifier: Apache-2.0
 *
 * Preflight: whether this host can run the plan's Ansible playbooks. */
#include "bakery/ansible.h"
#include "bakery/str.h"
#include "probe.h"

/* One that is used twice is read once. */
static bool is_read(const struct playbook *playbooks, size_t index)
{
	bool is = false;

	for (size_t i = 0; i < index; i++)
		is |= playbooks[i].ansible &&
		      str_eq(playbooks[i].ansible->playbook, playbooks[index].ansible->playbook);
	return is;
}

static bool playbooks_check(struct probe *probe, const struct struct_list *list, struct error *err)
{
	const struct stop *stop = build_stop(probe->build);
	const struct playbook *playbooks = list->items;

	for (size_t i = 0; i < list->count; i++) {
		if (!playbooks[i].ansible)
			continue;
		if (!ansible_secrets_check(&playbooks[i], err) ||
		    (!is_read(playbooks, i) && !ansible_syntax_check(&playbooks[i], stop, err)))
			return false;
	}
	return true;
}

void check_ansible(struct probe *probe)
{
	struct error err = {0};

	if (ansible_programs_check(&err) && playbooks_check(probe, &probe->plan->playbooks, &err) &&
	    playbooks_check(probe, &probe->plan->verify, &err))
		probe_ok(probe, "it is here, and can read the playbooks");
	else
		probe_fail(probe, err.kind, "%s", err.text);
}
