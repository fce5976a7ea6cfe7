/* SPDX-License-Identifier: Apache-2.0
 *
 * What names and ids look like. A shape says that a text may be one, not that AWS has it. */
#ifndef BAKERY_RECIPE_SHAPES_H
#define BAKERY_RECIPE_SHAPES_H

#include <stdbool.h>

#include "bakery/fields.h"

bool shape_name(const char *text); /* of ours: recipe, playbook, channel */
bool shape_step_id(const char *text);
bool shape_control(const char *text);
bool shape_region(const char *text);
bool shape_account(const char *text);
bool shape_owner(const char *text); /* an account, or one of AWS's aliases */
bool shape_ami(const char *text);
bool shape_subnet(const char *text);
bool shape_security_group(const char *text);
bool shape_instance_type(const char *text);
bool shape_kms_key(const char *text);
bool shape_organization_arn(const char *text);
bool shape_unit_arn(const char *text);
bool shape_parameter(const char *text); /* of Parameter Store, with or without :version */
bool shape_profile(const char *text);	/* name or ARN of an IAM instance profile */
bool shape_policy_arn(const char *text);
bool shape_role(const char *text);     /* an IAM role's name, with its path */
bool shape_admitted(const char *text); /* a security group or a CIDR */
bool shape_image_name(const char *text);
bool shape_variable(const char *text); /* of the environment */
bool shape_user(const char *text);
bool shape_owner_group(const char *text); /* user[:group] */
bool shape_mode(const char *text);	  /* octal */
bool shape_absolute(const char *text);
bool shape_arch_word(const char *text);

/* A fault "must be WANTED, not ..." for each text in node (itself, a list's items, a map's values) that has not the
 * shape. */
void shape_check(const struct fields_context *context, const struct tree *node, bool (*shape)(const char *text),
		 const char *wanted);

#endif
