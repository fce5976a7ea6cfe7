/* SPDX-License-Identifier: Apache-2.0
 *
 * AWS's own service models (botocore's service-2.json), and what they say of a request or a reply. */
#ifndef TESTS_MODEL_H
#define TESTS_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "bakery/str.h"
#include "bakery/tree.h"

struct models;
/* From BAKERY_AWS_MODELS, else ../shared/aws-models beside the source, else Debian's python3-botocore; NULL when there
 * are none. */
struct models *models_open(void);
void models_close(struct models *models);
const char *models_folder(const struct models *models);
bool models_are_old(const struct models *models); /* Debian's: what they do not know may be newer than they are */

struct model {
	const char *name;
	struct tree *tree;
	const char *protocol; /* "ec2", "query", "json" */
	bool old;
};
const struct model *models_find(struct models *models, const char *service); /* NULL: no such service */

const struct tree *model_operation(const struct model *model, const char *operation);
const struct tree *model_shape(const struct model *model, const struct tree *reference); /* {"shape": "..."} */
const char *model_type(const struct tree *shape);
bool model_is_required(const struct tree *structure, const char *member);

enum direction { REQUEST, REPLY };
/* The name of a member on the wire, and the member of a structure that has a name on the wire (NULL: none; length of
 * wire). */
void model_wire_name(const struct model *model, const char *member, const struct tree *reference,
		     enum direction direction, struct str *out);
const struct tree *model_member(const struct model *model, const struct tree *structure, const char *wire,
				size_t length, enum direction direction);

/* Collected faults: each text once, with how often it came. */
struct findings {
	struct tree *faults, *unknown; /* text -> count; unknown: only the age of the models may be to blame */
	const char *context;	       /* "ec2.RunInstances request" */
};
void findings_init(struct findings *findings);
void findings_free(struct findings *findings);
void fault(struct findings *findings, const char *path, const char *fmt, ...) printf_like(3, 4);
void unknown(struct findings *findings, const struct model *model, const char *path, const char *fmt, ...)
	printf_like(4, 5);
bool findings_print(const struct findings *findings, const char *prefix); /* true: no faults */

/* A value that is neither list, map nor structure; typed: JSON's types count. */
void check_scalar(struct findings *findings, const struct model *model, const struct tree *shape, const char *path,
		  const struct tree *value, bool typed);
/* A JSON value against a shape. */
void check_json(struct findings *findings, const struct model *model, const struct tree *shape, const char *path,
		const struct tree *value, enum direction direction);
/* A request: wire paths -> values in a form, or a JSON body as a tree or as paths. */
void check_request(struct findings *findings, const struct model *model, const char *operation,
		   const struct tree *request);
/* A whole reply as it came. */
void check_reply(struct findings *findings, const struct model *model, const char *operation, int status,
		 const char *content_type, const char *body);

#endif
