/* SPDX-License-Identifier: Apache-2.0
 *
 * What IAM's operations have in common: names, documents, tags, pages. */
#ifndef BAKERY_SANDBOX_IAM_RULES_H
#define BAKERY_SANDBOX_IAM_RULES_H

#include "../request.h"
#include "policy.h"

/* All refuse in IAM's words. member: as the message names it, "roleName". */
bool iam_name_check(struct request *rq, const char *member, const char *name, size_t most);
bool iam_path_check(struct request *rq);
bool iam_document_check(struct request *rq, const char *text, enum policy_kind kind, size_t most);

struct tree *iam_tags_with(const struct tree *tags, const struct tree *more); /* a new list; later ones win */

#define ARGS_IAM_PAGE "Marker MaxItems:int"
bool iam_reply_page(struct request *rq, const char *key, struct tree *items); /* takes items over */

/* Roles, for the files that work on them. */
void iam_set_document(struct tree *into, const char *key, const char *text);
struct tree *iam_role_shown(const struct tree *role, bool whole);
struct tree *iam_role_needed(struct request *rq); /* of argument RoleName; refuses with NoSuchEntity */
void iam_role_keep(struct request *rq, const struct tree *role);

#endif
