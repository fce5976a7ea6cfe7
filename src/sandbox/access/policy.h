/* SPDX-License-Identifier: Apache-2.0
 *
 * A policy document as IAM has them: read and checked whole, then asked whether it allows an action on a resource.
 * Pure: a document and a question come in, an answer goes out.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html */
#ifndef BAKERY_SANDBOX_POLICY_H
#define BAKERY_SANDBOX_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "bakery/error.h"
#include "bakery/tree.h"

enum policy_kind {
	POLICY_IDENTITY, /* of a user or role, or of a session: resources, no principals */
	POLICY_TRUST,	 /* of a role: who may become it; principals, no resources */
	POLICY_RESOURCE, /* of a key: both */
};

/* ERROR_INVALID with "LINE:COLUMN: ..." when the text is no such policy. *out: the document; free it. */
bool policy_read(const char *text, size_t length, enum policy_kind kind, struct tree **out,
		 struct error *err) must_check;

/* An identity policy; the error also names the file. */
bool policy_read_file(const char *path, struct tree **out, struct error *err) must_check;

/* Who asks, for documents that name principals; what does not hold of somebody is NULL. */
struct policy_principal {
	const char *account;   /* "123456789012" */
	const char *arn;       /* of the user, or of the role's session */
	const char *role_arn;  /* of the session's role */
	const char *federated; /* ARN of the OIDC provider that vouches */
};

struct policy_question {
	const char *action;			  /* "ec2:RunInstances" */
	const char *resource;			  /* an ARN or "*"; nothing to trust policies */
	const struct tree *context;		  /* {"aws:RequestTag/k": "v", "aws:TagKeys": ["k"]} */
	const struct policy_principal *principal; /* NULL: the document names none */
};

enum policy_word { POLICY_SILENT, POLICY_ALLOWS, POLICY_DENIES };
struct policy_answer {
	enum policy_word word;
	const struct tree *statement; /* that decided; borrowed of the document */
	size_t number;		      /* of it, from 1 */
	bool direct; /* ALLOWS: a principal is named itself, not only its whole account; the account's own policies then
			need not agree */
};
/* An explicit deny wins over every allow. */
struct policy_answer policy_ask(const struct tree *policy, const struct policy_question *question);

/* What a statement's Statement list holds: one object counts as a list of one. Number from 1; NULL: no more. */
const struct tree *policy_statement(const struct tree *policy, size_t number);

#endif
