/* SPDX-License-Identifier: Apache-2.0
 *
 * A playbook as it stands in its file: steps with includes that are not expanded yet. */
#ifndef BAKERY_RECIPE_PLAYBOOK_PRIVATE_H
#define BAKERY_RECIPE_PLAYBOOK_PRIVATE_H

#include "bakery/playbook.h"
#include "bakery/recipe.h"

struct step_wish {
	struct step step;
	const char *include;
	struct text_map vars;
};

struct playbook_wish {
	int64_t format;
	const char *name, *description;
	struct text_map vars;
	struct struct_list steps; /* of struct step_wish */
};

extern const struct field step_fields[];

/* Adds faults for what the step at node says that does not go together. key: "steps.3". */
void step_check(const struct step_wish *wish, const struct tree *node, const char *key, struct faults *faults);

/* A place in a document, for faults: "recipes/debian-12.yaml:20:5" and back. */
struct place {
	const char *file;
	int line, column;
};
struct place place_parse(const char *where, struct arena *arena);

/* Who asks for a playbook: a recipe, a command, an including playbook. */
struct playbook_request {
	const struct settings *settings;
	const char *name_or_file;
	const char *folder; /* a path is relative to it; NULL: the working directory */
	const struct text_map *vars;
	struct place place; /* where faults of the request go */
	const char *key;    /* what it stands at there: "playbooks.2" */
	struct arena *arena;
	struct faults *faults;
};
const struct playbook *playbook_read(const struct playbook_request *request);

/* sha256 (hex, in arena) of a file's content; NULL when it cannot be read, which err tells. */
const char *file_fingerprint(const char *path, struct arena *arena, struct error *err);
/* Fills in the upload's sha256: of the file's content, or of all in the folder. */
bool upload_fingerprint(struct transfer *upload, struct arena *arena, struct error *err) must_check;
/* Why not, with the path as people read it. */
const char *file_fault(const char *path, const struct error *err, struct arena *arena);
/* sha256 (hex, in arena) of the canonical form of tree. */
const char *tree_fingerprint(const struct tree *tree, struct arena *arena);

#endif
