/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks of single values, for the field tables of recipe, playbook and settings. */
#ifndef BAKERY_RECIPE_CHECKS_H
#define BAKERY_RECIPE_CHECKS_H

#include "bakery/fields.h"

typedef void value_check(const struct fields_context *context, const struct tree *node, const void *value);

value_check check_format, check_name, check_step_id, check_controls, check_region, check_regions, check_accounts, check_owners, check_ami;
value_check check_subnets, check_security_groups, check_instance_types, check_kms_key, check_organizations, check_units, check_parameter;
value_check check_prefix, check_profile, check_user, check_tags, check_env, check_secrets, check_mode, check_owner_group, check_absolute;
value_check check_words;

extern const struct field launch_fields[]; /* the settings' defaults are held to it, too */

#endif
