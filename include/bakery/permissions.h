/* SPDX-License-Identifier: Apache-2.0
 *
 * What IAM must allow: the policy for a set of operations, from src/aws/permissions.def. Pure; asks nobody. */
#ifndef BAKERY_PERMISSIONS_H
#define BAKERY_PERMISSIONS_H

#include <stdbool.h>

#include "bakery/aws.h"
#include "bakery/tree.h"

struct permission_needs {
	bool operations[AWS_OPERATION_COUNT];
	struct tree *values; /* what {name} stands for in permissions.def: name -> list of texts */
};
void permission_needs_init(struct permission_needs *needs);
void permission_needs_free(struct permission_needs *needs);
/* Once; a value that is there already is left alone. NULL adds nothing. */
void permission_needs_add(struct permission_needs *needs, const char *name, const char *value);

/* {"Version", "Statement": [{Sid, Effect, Action, Resource, Condition}]}, in the table's order; lists sorted, and also
 * lists when they hold one. Statements that no needed operation uses, or that have no resource, are left out. */
struct tree *permissions_policy(const struct permission_needs *needs);

/* The same as questions, for who asks whether a policy allows it all: statements whose every action acts on every
 * resource. */
struct tree *permissions_questions(const struct permission_needs *needs);

/* Whether the table says what the operation needs (nothing, maybe). */
bool permissions_known(enum aws_operation operation);

/* Of IAM: a managed policy may have so many characters, white space not counted. */
enum { PERMISSIONS_MOST_SIZE = 6144 };
#endif
