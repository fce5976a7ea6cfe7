/* SPDX-License-Identifier: Apache-2.0
 *
 * `bakery playbook compile` prints the program that a playbook becomes; `bakery playbook run` runs a playbook on any
 * machine that can be reached by ssh: the fast loop of whoever writes one. */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bakery/cli.h"
#include "bakery/crypto.h"
#include "bakery/file.h"
#include "bakery/runner.h"
#include "bakery/str.h"
#include "bakery/utf8.h"
#include "faults_tell.h"
#include "recipe_args.h"
#include "scratch.h"

#define SCRATCH_BOOT_S 60

struct playbook_args {
	struct text_list names;
	struct variable_args variables;
	bool dry_run, fresh;
	const char *host, *key, *known_hosts, *downloads, *image;
	int64_t port;
};

static bool load(struct app *app, const struct playbook_args *args, const struct playbook **out, struct error *err)
{
	_cleanup_(faults_free) struct faults faults = FAULTS_INIT;
	struct recipe_options options = {0};
	struct text_map vars = {0};

	if (!variables_read(&args->variables, app->arena, &options, err))
		return false;
	for (size_t i = 0; i < options.var_files.count; i++)
		playbook_vars_read(options.var_files.items[i], &vars, app->arena, &faults);
	for (size_t i = 0; i < options.vars.count; i++)
		text_map_put(&vars, options.vars.items[i].key, options.vars.items[i].value, app->arena);
	*out = playbook_load(&app->settings, args->names.items[0], NULL, &vars, NULL, app->arena, &faults);
	return faults_tell(&faults, err);
}

static bool compile_run(struct app *app, void *arguments, struct error *err)
{
	const struct playbook_args *args = arguments;
	const struct playbook *playbook = NULL;
	_cleanup_(str_free) struct str program = STR_INIT;

	return load(app, args, &playbook, err) &&
	       runner_compile(playbook, args->dry_run ? RUNNER_LOOK : RUNNER_APPLY, &program, err) &&
	       output_text(stdout, &program, err);
}

/* --- what is told while it runs --- */

struct telling {
	struct app *app;
	struct tree *rows;
	const struct step *step;
	size_t index, total;
	size_t results[STEP_WOULD_RUN + 1];
};

static void on_began(void *cookie, const struct step *step, size_t index, size_t total)
{
	struct telling *telling = cookie;

	telling->step = step;
	telling->index = index;
	telling->total = total;
}

/* Terminals must not be steered by what a machine prints. */
static void add_shown(struct str *line, const char *data, size_t length)
{
	const char *end = data + length;

	for (const char *at = data; at < end; at++) {
		const char *back = memchr(at, '\r', (size_t)(end - at));
		const char *stop = back ? back : end;
		utf8_add_visible_lines(line, at, (size_t)(stop - at));
		at = stop;
	}
}

static void on_output(void *cookie, const struct step *step, bool is_stderr, const char *data, size_t length)
{
	struct telling *telling = cookie;
	const char *at = data, *end = data + length;

	while (at < end) {
		_cleanup_(str_free) struct str line = STR_INIT;
		const char *newline = memchr(at, '\n', (size_t)(end - at)), *stop = newline ? newline : end;
		add_shown(&line, at, (size_t)(stop - at));
		log_info(telling->app->log, "    %c %s", is_stderr ? '!' : '|', line.data);
		at = newline ? newline + 1 : end;
	}
}

static bool on_ended(void *cookie, const struct step_report *report, struct error *err)
{
	struct telling *telling = cookie;
	struct tree *row = tree_add_object(telling->rows), *controls;
	const char *result = step_result_name(report->result);
	char took[CLOCK_TEXT_SIZE];

	telling->results[report->result]++;
	clock_duration(report->ended_ms - report->started_ms, took);
	log_info(telling->app->log, "[%zu/%zu] %s: %s (%s)%s%s", telling->index + 1, telling->total, report->step->id,
		 result, took, *report->why ? ": " : "", report->why);
	tree_set_text(row, "step", report->step->id);
	tree_set_text(row, "name", report->step->name);
	tree_set_text(row, "result", result);
	tree_set_text(row, "why", report->why);
	tree_set_int(row, "status", report->status);
	tree_set_int(row, "attempts", report->attempts);
	tree_set(row, "duration_s", tree_new_double((double)(report->ended_ms - report->started_ms) / 1000));
	tree_set_text(row, "evidence", report->evidence);
	controls = tree_set_array(row, "controls");
	for (size_t i = 0; i < report->step->controls.count; i++)
		tree_add_text(controls, report->step->controls.items[i]);
	return true;
}

/* "2 unchanged, 1 would change" */
static void tell_sum(const struct telling *telling)
{
	_cleanup_(str_free) struct str text = STR_INIT;

	for (enum step_result result = STEP_OK; result <= STEP_WOULD_RUN; result++)
		if (telling->results[result])
			str_addf(&text, "%s%zu %s", text.len ? ", " : "", telling->results[result],
				 step_result_name(result));
	if (text.len)
		log_info(telling->app->log, "%zu %s: %s", tree_count(telling->rows),
			 tree_count(telling->rows) == 1 ? "step" : "steps", text.data);
}

static void on_reconnected(void *cookie, const char *why)
{
	log_info(((struct telling *)cookie)->app->log, "connected again (%s)", why);
}

/* --- where it runs --- */

/* "user@address", "address", "user@[v6]" */
static void split_host(const char *text, struct arena *arena, struct ssh_target *target)
{
	const char *at = strrchr(text, '@'), *host = at ? at + 1 : text;
	size_t length = strlen(host);
	const struct passwd *me = at ? NULL : getpwuid(geteuid());

	if (length > 2 && *host == '[' && host[length - 1] == ']')
		target->host = arena_strndup(arena, host + 1, length - 2);
	else
		target->host = host;
	target->user =
		at ? arena_strndup(arena, text, (size_t)(at - text)) : arena_strdup(arena, me ? me->pw_name : "root");
}

static bool host_make(struct app *app, const struct playbook_args *args, struct str *key, struct ssh_target *target,
		      struct error *err)
{
	_cleanup_(freep) char *home = path_home();

	if (!args->host || !*args->host)
		return error_set(err, ERROR_USAGE,
				 "--host USER@ADDRESS says on which machine; --sandbox takes a scratch machine");
	*target = (struct ssh_target){.port = (int)args->port, .stop = app->stop, .log = app->log};
	split_host(args->host, app->arena, target);
	if (!*target->host || !*target->user)
		return error_set(err, ERROR_USAGE, "--host wants USER@ADDRESS, not \"%s\"", args->host);
	if (args->key && !ssh_key_read(args->key, key, err))
		return error_context(err, "--key");
	target->private_key = args->key ? key->data : NULL;
	target->known_hosts =
		args->known_hosts ? args->known_hosts : arena_printf(app->arena, "%s/.ssh/known_hosts", home);
	return true;
}

static bool target_make(struct app *app, const struct playbook_args *args, struct str *key, struct ssh_target *target,
			struct error *err)
{
	const struct scratch_wish wish = {.image = args->image, .fresh = args->fresh};

	if (app->sandbox && args->host)
		return error_set(err, ERROR_USAGE, "either --host or --sandbox, not both");
	if (app->sandbox)
		return scratch_find(app, &wish, target, err);
	if (args->image || args->fresh)
		return error_set(err, ERROR_USAGE, "--image and --fresh go with --sandbox");
	return host_make(app, args, key, target, err);
}

static bool connect(struct app *app, const struct ssh_target *target, const struct runner_options *options,
		    struct ssh **ssh, struct error *err)
{
	if (!app->sandbox)
		return ssh_open(target, ssh, err);
	if (!ssh_open_within(target, SCRATCH_BOOT_S, ssh, err))
		return error_hint(err, "--fresh takes a new machine, if an earlier run closed the door of this one");
	return runner_wait_ready(*ssh, options, err);
}

static bool play(struct app *app, const struct playbook_args *args, const struct ssh_target *target,
		 const struct playbook *playbook, struct tree *rows, struct error *err)
{
	_cleanup_(ssh_closep) struct ssh *ssh = NULL;
	char run_id[24] = "run-";
	struct telling telling = {.app = app, .rows = rows};
	const struct runner_options options = {
		.mode = args->dry_run ? RUNNER_LOOK : RUNNER_APPLY,
		.run_id = run_id,
		.variables = &playbook->vars,
		.download_folder = args->downloads ? args->downloads : ".",
		.needs_sudo = !str_eq(target->user, "root"),
		.stop = app->stop,
		.log = app->log,
		.events = {&telling, on_began, on_output, on_ended, on_reconnected},
	};

	crypto_random_hex(run_id + strlen(run_id), 16);
	bool done = connect(app, target, &options, &ssh, err) && runner_run(ssh, playbook, &options, err);
	tell_sum(&telling);
	return done;
}

static bool run_run(struct app *app, void *arguments, struct error *err)
{
	static const struct column columns[] = {{"STEP", "step", COLUMN_TEXT},
						{"RESULT", "result", COLUMN_TEXT},
						{"TOOK", "duration_s", COLUMN_DURATION},
						{"WHY", "why", COLUMN_TEXT}};
	const struct playbook_args *args = arguments;
	const struct playbook *playbook = NULL;
	struct ssh_target target;
	struct error trouble;
	_cleanup_(str_wipe_free) struct str key = STR_INIT;
	_cleanup_(tree_freep) struct tree *rows = tree_new_array();

	if (!load(app, args, &playbook, err) || !target_make(app, args, &key, &target, err))
		return false;
	bool done = play(app, args, &target, playbook, rows, err);
	if (!tree_count(rows) && !done) /* it did not come to any step */
		return false;
	return output_rows(stdout, app->format, rows, columns, ARRAY_SIZE(columns), 0, done ? err : &trouble) && done;
}

#define AT(member) offsetof(struct playbook_args, member)

static const struct option compile_options[] = {
	VARIABLE_OPTIONS(AT(variables), "playbook"),
	{"--dry-run", 0, OPTION_FLAG, AT(dry_run), NULL, "what run --dry-run sends: only conditions and checks"},
	{0},
};

static const struct option run_options[] = {
	{"--host", 0, OPTION_TEXT, AT(host), "USER@ADDRESS",
	 "the machine; a user other than root needs sudo without a password there"},
	{"--port", 'p', OPTION_INT, AT(port), "N", "port of its sshd (22)"},
	{"--key", 'i', OPTION_TEXT, AT(key), "FILE", "private key, ed25519 or ECDSA; default: the ssh-agent"},
	{"--known-hosts", 0, OPTION_TEXT, AT(known_hosts), "FILE",
	 "where the machine's host key stands (~/.ssh/known_hosts)"},
	{"--downloads", 0, OPTION_TEXT, AT(downloads), "FOLDER", "where downloaded files go (the working directory)"},
	{"--image", 0, OPTION_TEXT, AT(image), "IMAGE",
	 "with --sandbox: what the scratch machine is of, an AMI or a name with * (the newest Debian 12)"},
	{"--fresh", 0, OPTION_FLAG, AT(fresh), NULL, "with --sandbox: a new scratch machine, even if there is one"},
	{"--dry-run", 0, OPTION_FLAG, AT(dry_run), NULL, "change nothing: only look what each step would do"},
	VARIABLE_OPTIONS(AT(variables), "playbook"),
	{0},
};

const struct command command_playbook_compile = {
	.name = "playbook compile",
	.synopsis = "PLAYBOOK",
	.summary = "print the shell program that a playbook becomes",
	.needs = NEEDS_SETTINGS,
	.options = compile_options,
	.args_size = sizeof(struct playbook_args),
	.operands_offset = AT(names),
	.least_operands = 1,
	.most_operands = 1,
	.run = compile_run,
};

const struct command command_playbook_run = {
	.name = "playbook run",
	.synopsis = "PLAYBOOK --host USER@ADDRESS | --sandbox",
	.summary = "run a playbook on any machine, over ssh",
	.description = "Each step's result is a row; what the steps print is shown as it comes. The machine's host key "
		       "must be known\n"
		       "beforehand. A connection that drops is taken up again without running any step twice. With "
		       "--sandbox it runs on a\n"
		       "scratch machine of the local cloud, which is started when there is none and kept for the next "
		       "run.",
	.needs = NEEDS_SETTINGS,
	.options = run_options,
	.args_size = sizeof(struct playbook_args),
	.operands_offset = AT(names),
	.least_operands = 1,
	.most_operands = 1,
	.run = run_run,
};
