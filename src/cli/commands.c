/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of commands: one line each. */
#include "bakery/cli.h"

extern const struct command command_validate, command_schema, command_plan, command_build, command_resume, command_gc,
	command_history, command_show, command_log, command_sbom, command_diff, command_doctor, command_iam_policy,
	command_playbook_run, command_playbook_compile, command_sandbox_up, command_sandbox_down,
	command_sandbox_status, command_sandbox_operations, command_sandbox_reset, command_sandbox_exec,
	command_sandbox_env, command_sandbox_set, command_sandbox_import, command_sandbox_serve, command_version,
	command_help;

const struct command *const commands[] = {
	&command_validate,
	&command_plan,
	&command_build,
	&command_resume,
	&command_gc,
	&command_history,
	&command_show,
	&command_log,
	&command_sbom,
	&command_diff,
	&command_playbook_run,
	&command_playbook_compile,
	&command_schema,
	&command_doctor,
	&command_iam_policy,
	&command_sandbox_up,
	&command_sandbox_down,
	&command_sandbox_status,
	&command_sandbox_operations,
	&command_sandbox_reset,
	&command_sandbox_exec,
	&command_sandbox_env,
	&command_sandbox_set,
	&command_sandbox_import,
	&command_sandbox_serve,
	&command_version,
	&command_help,
	NULL,
};
