/* SPDX-License-Identifier: Apache-2.0
 *
 * Ansible playbooks of a recipe. */
#ifndef BAKERY_RECIPE_ANSIBLE_H
#define BAKERY_RECIPE_ANSIBLE_H

#include "playbook_private.h"

/* name: as the record calls it; shown: its file as people read it; all live as long as arena. NULL when a file cannot
 * be read, which err tells. */
const struct playbook *ansible_read(const struct ansible *ansible, const char *name, const char *shown,
				    struct arena *arena, struct error *err);

#endif
