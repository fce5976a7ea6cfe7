/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks of single values, for the field tables of recipe, playbook and settings. */
#ifndef BAKERY_RECIPE_CHECKS_H
#define BAKERY_RECIPE_CHECKS_H

#include "bakery/fields.h"

typedef void value_check(const struct fields_context *context, const struct tree *node, const void *value);

value_check must_be_format, must_be_name, must_be_step_id, must_be_controls, must_be_region, must_be_regions,
	must_be_accounts, must_be_owners, must_be_ami;
value_check must_be_subnets, must_be_security_groups, must_be_instance_types, must_be_kms_key, must_be_organizations,
	must_be_units, must_be_parameter;
value_check must_be_prefix, must_be_profile, must_be_user, must_be_tags, must_be_env, must_be_secrets, must_be_groups,
	must_be_mode, must_be_owner_group, must_be_absolute;
value_check must_be_words, must_be_policies, must_be_role, must_be_admitted, must_be_fleet_accounts;

extern const struct field launch_fields[]; /* the settings' defaults are held to it, too */

#endif
