/* SPDX-License-Identifier: Apache-2.0
 *
 * A playbook is a list of steps; a step is done on the machine by a POSIX shell. Shapes: docs/playbooks.md. */
#ifndef BAKERY_PLAYBOOK_H
#define BAKERY_PLAYBOOK_H

#include "bakery/faults.h"
#include "bakery/fields.h"
#include "bakery/mem.h"
#include "bakery/str.h"

struct settings;

enum step_kind { STEP_SHELL, STEP_UPLOAD, STEP_DOWNLOAD, STEP_REBOOT };

struct transfer {
	const char *from, *to; /* upload: `from` is absolute here; download: `to` is as written */
	const char *mode;      /* octal text or NULL */
	const char *owner;     /* user[:group] or NULL */
	const char *sha256;    /* upload: of the file's content when it was read; NULL: not known */
	bool is_template;      /* variables in the file are replaced: template_render(content, vars, ...) */
	struct text_map vars;  /* of a template: those of the playbook the step stands in */
};
struct reboot {
	int64_t timeout_s;
};

struct step {
	enum step_kind kind;
	const char *id;	  /* unique in the compiled whole: "harden-linux/sshd-no-root-login" */
	const char *name; /* for people; default: the id */
	struct text_list controls;
	struct text_list os, arch;
	const char *condition; /* `if` */
	const char *check, *run;
	const char *as; /* user; default root */
	int64_t timeout_s, retries;
	struct text_map env;
	struct text_list secrets;
	const struct transfer *upload, *download;
	const struct reboot *reboot;
	const char *waived; /* why it is not run: a plan whose recipe waives all its controls says so; else NULL */
	const char *file; /* where it stands */
	int line;
};

/* Includes are already expanded and variables replaced: steps in the order they run. */
struct playbook {
	const char *name, *file;
	struct text_map vars;	  /* as used */
	struct struct_list steps; /* of struct step */
	const char *sha256;	  /* of the canonical form of the above and of the content of uploaded files */
};

/* A --var-file: its map of texts goes into vars, over what is there. */
void playbook_vars_read(const char *file, struct text_map *vars, struct arena *arena, struct faults *faults);

/* where: "file:line:column", or NULL when a person asks on the command line. name_or_file as for recipes; vars override
 * the playbook's own, unknown ones are faults at `where`. Faults are collected; NULL when it could not be read at all
 * (a fault says so). Everything lives in arena. */
const struct playbook *playbook_load(const struct settings *settings, const char *name_or_file, const char *relative_to,
				     const struct text_map *vars, const char *where, struct arena *arena,
				     struct faults *faults);

/* Whether an upload's file is still what it was when the playbook was read; the error says what to do. */
bool upload_check(const struct transfer *upload, struct error *err) must_check;

/* {{ name }} in text replaced; {{{{ gives {{. ERROR_INVALID names an unknown variable (playbook_load has checked the
 * file as it was then). */
bool template_render(const char *text, const struct text_map *vars, struct str *out, struct error *err) must_check;

extern const struct field playbook_fields[]; /* for the schema and the reference */

#endif
