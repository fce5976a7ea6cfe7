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

enum step_kind {
	STEP_SHELL,
	STEP_UPLOAD,
	STEP_DOWNLOAD,
	STEP_REBOOT,
	STEP_ANSIBLE, /* the whole of an Ansible playbook */
	STEP_TASK,    /* one of its tasks: only in reports, since Ansible alone knows beforehand what it will do */
};

struct stat;
struct transfer {
	const char *from, *to; /* upload: `from` is absolute here, and may be a folder; download: `to` is as written */
	const char *mode;      /* octal text; NULL: 0644, in a folder each file's own */
	const char *owner;     /* user[:group] or NULL */
	const char *sha256;    /* upload: of the content when it was read; NULL: not known */
	bool is_template;      /* variables in the file are replaced: template_render(content, vars, ...) */
	struct text_map vars;  /* of a template: those of the playbook the step stands in */
	const struct stat *seen; /* upload: the file as it was when sha256 was taken by this process; NULL: not known */
};
struct reboot {
	int64_t timeout_s;
};

struct step {
	enum step_kind kind;
	const char *id;	  /* unique in the compiled whole: "harden-linux/sshd-no-root-login" */
	const char *name; /* for people; default: the id */
	struct text_list controls;
	const char *checked; /* how the check tells, in words, for the page of controls; or NULL */
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
	const char *file;   /* where it stands */
	int line;
};

/* What ansible-playbook of this host runs against the machine. */
struct ansible {
	const char *playbook, *requirements; /* files; absolute, as soon as the recipe is read */
	struct text_map extra_vars;
	struct text_list groups;  /* of the inventory, that the machine is in */
	struct text_list secrets; /* variables of this host's environment: must be there, and are redacted */
};

/* Includes are already expanded and variables replaced: steps in the order they run. */
struct playbook {
	const char *name, *file;
	struct text_map vars;	  /* as used */
	struct struct_list steps; /* of struct step */
	const char *sha256;	  /* of the canonical form of the above and of the content of uploaded files */
	/* NULL for one of ours. Else the one step is STEP_ANSIBLE, `file` the playbook's as people read it, and sha256
	 * is of the whole folder that it lies in, its requirements and its extra variables. */
	const struct ansible *ansible;
};

/* A --var-file: its map of texts goes into vars, over what is there. */
void playbook_vars_read(const char *file, struct text_map *vars, struct arena *arena, struct faults *faults);

/* where: "file:line:column", or NULL when a person asks on the command line. name_or_file as for recipes; vars override
 * the playbook's own, unknown ones are faults at `where`. Faults are collected; NULL when it could not be read at all
 * (a fault says so). Everything lives in arena. */
const struct playbook *playbook_load(const struct settings *settings, const char *name_or_file, const char *relative_to,
				     const struct text_map *vars, const char *where, struct arena *arena,
				     struct faults *faults);

/* What an upload brings: one file, or all in a folder, sorted by name within each folder, which comes before what is in
 * it. Anything but files and folders is ERROR_INVALID. Lives in arena. */
struct upload_entry {
	const char *name; /* "./conf/a": within the folder; "." of a single file */
	const char *path; /* on this host */
	bool is_folder;
	unsigned mode; /* its permissions here; 0 of a single file */
	int64_t size, changed_s;
};
struct upload_list {
	struct upload_entry *items;
	size_t count;
	bool is_folder; /* what was asked for */
};
bool upload_list(const char *from, struct arena *arena, struct upload_list *out, struct error *err) must_check;

/* Whether an upload's file is still what it was when the playbook was read; the error says what to do. */
bool upload_check(const struct transfer *upload, struct error *err) must_check;

/* The same for Ansible's: its folder and requirements. */
bool ansible_check(const struct playbook *playbook, struct error *err) must_check;

/* {{ name }} in text replaced; {{{{ gives {{. ERROR_INVALID names an unknown variable (playbook_load has checked the
 * file as it was then). */
bool template_render(const char *text, const struct text_map *vars, struct str *out, struct error *err) must_check;

extern const struct field playbook_fields[]; /* for the schema and the reference */

#endif
