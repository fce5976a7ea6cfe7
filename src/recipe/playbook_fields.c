/* SPDX-License-Identifier: Apache-2.0
 *
 * The playbook's and its steps' keys. Rules between keys are in playbook.c. */
#include "bakery/playbook.h"
#include "checks.h"
#include "playbook_private.h"

#define AT(type, member) offsetof(struct type, member)

static const char *const architectures[] = {"x86_64", "arm64", NULL};

static const struct field upload_fields[] = {
	{"from", AT(transfer, from), FIELD_TEXT, FIELD_REQUIRED | FIELD_NOT_EMPTY,
	 .doc = "A file or folder on this host, relative to the playbook's folder."},
	{"to", AT(transfer, to), FIELD_TEXT, FIELD_REQUIRED, .check = must_be_absolute,
	 .doc = "Where it goes on the machine, absolute."},
	{"mode", AT(transfer, mode), FIELD_TEXT, .check = must_be_mode,
	 .doc = "Mode of the files, octal; default: 0644, in a folder each file's own."},
	{"owner", AT(transfer, owner), FIELD_TEXT, .check = must_be_owner_group,
	 .doc = "`user` or `user:group`; default: root."},
	{"template", AT(transfer, is_template), FIELD_BOOL, .doc = "Replace `{{ name }}` in the files, too."},
	{0},
};

static const struct field download_fields[] = {
	{"from", AT(transfer, from), FIELD_TEXT, FIELD_REQUIRED, .check = must_be_absolute,
	 .doc = "A file or folder on the machine, absolute."},
	{"to", AT(transfer, to), FIELD_TEXT, FIELD_REQUIRED | FIELD_NOT_EMPTY,
	 .doc = "Where it goes on this host; a folder when it ends with /."},
	{0},
};

static const struct field reboot_fields[] = {
	{"timeout", AT(reboot, timeout_s), FIELD_DURATION, .otherwise = "5m", .least = 10, .most = 3600,
	 .doc = "How long the machine may take to come back."},
	{0},
};

const struct field step_fields[] = {
	{"id", AT(step_wish, step.id), FIELD_TEXT, .check = must_be_step_id,
	 .doc = "Stable name: evidence and history refer to it. Needed with `controls`; default: kind and position, "
		"such as `upload-3`."},
	{"name", AT(step_wish, step.name), FIELD_TEXT, .doc = "What it establishes, for people. Default: the id."},
	{"controls", AT(step_wish, step.controls), FIELD_TEXT_LIST, .check = must_be_controls,
	 .doc = "The controls whose evidence the step's `check` is."},
	{"checked", AT(step_wish, step.checked), FIELD_TEXT, FIELD_NOT_EMPTY,
	 .doc = "In words, for the list of controls: what the check asks."},
	{"os", AT(step_wish, step.os), FIELD_TEXT_LIST, .check = must_be_words,
	 .doc = "Only where ID or ID_LIKE of /etc/os-release has one of these."},
	{"arch", AT(step_wish, step.arch), FIELD_TEXT_LIST, .choices = architectures,
	 .doc = "Only on these processors."},
	{"if", AT(step_wish, step.condition), FIELD_TEXT, FIELD_NOT_EMPTY,
	 .doc = "Shell: skip the step unless it succeeds."},
	{"check", AT(step_wish, step.check), FIELD_TEXT, FIELD_NOT_EMPTY,
	 .doc = "Shell: does it hold? Before `run`: then nothing is done; after it: it must. Alone: an assertion."},
	{"run", AT(step_wish, step.run), FIELD_TEXT, FIELD_NOT_EMPTY, .doc = "Shell: makes it so."},
	{"as", AT(step_wish, step.as), FIELD_TEXT, .check = must_be_user,
	 .doc = "The user `if`, `check` and `run` run as. Default: root."},
	{"timeout", AT(step_wish, step.timeout_s), FIELD_DURATION, .otherwise = "10m", .least = 1, .most = 86400,
	 .doc = "Most time for the step."},
	{"retries", AT(step_wish, step.retries), FIELD_INT, .least = 0, .most = 100,
	 .doc = "Further tries after a failure."},
	{"env", AT(step_wish, step.env), FIELD_TEXT_MAP, .check = must_be_env,
	 .doc = "Environment variables of the step."},
	{"secrets", AT(step_wish, step.secrets), FIELD_TEXT_LIST, .check = must_be_secrets,
	 .doc = "Variables of this host's environment the step gets; never on a command line, in a log or in the "
		"database."},
	{"upload", AT(step_wish, step.upload), FIELD_STRUCT, .fields = upload_fields, .size = sizeof(struct transfer),
	 .doc = "Instead of `run`: a file, or a folder, to the machine."},
	{"download", AT(step_wish, step.download), FIELD_STRUCT, .fields = download_fields,
	 .size = sizeof(struct transfer), .doc = "Instead of `run`: a file, or a folder, from the machine."},
	{"reboot", AT(step_wish, step.reboot), FIELD_STRUCT, .fields = reboot_fields, .size = sizeof(struct reboot),
	 .shorthand = "timeout",
	 .doc = "Instead of `run`: restart the machine and wait for it; `reboot: 5m` or `reboot: {}`."},
	{"include", AT(step_wish, include), FIELD_TEXT, FIELD_NOT_EMPTY,
	 .doc = "Instead of `run`: the steps of another playbook."},
	{"vars", AT(step_wish, vars), FIELD_TEXT_MAP, .doc = "With `include`: values for that playbook's variables."},
	{0},
};

const struct field playbook_fields[] = {
	{"playbook", AT(playbook_wish, format), FIELD_INT, FIELD_REQUIRED, .check = must_be_format,
	 .doc = "Format of this file: 1."},
	{"name", AT(playbook_wish, name), FIELD_TEXT, .check = must_be_name,
	 .doc = "The playbook's name. Default: the file's, without `.yaml`."},
	{"description", AT(playbook_wish, description), FIELD_TEXT, .doc = "One line for people."},
	{"vars", AT(playbook_wish, vars), FIELD_TEXT_MAP, FIELD_NULL_VALUES,
	 .doc = "Its variables and their values, used as `{{ name }}`; a null value must be given by who uses the "
		"playbook."},
	{"steps", AT(playbook_wish, steps), FIELD_STRUCT_LIST, FIELD_REQUIRED | FIELD_NOT_EMPTY, .fields = step_fields,
	 .size = sizeof(struct step_wish), .doc = "What is done, in order."},
	{0},
};
