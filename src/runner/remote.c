/* SPDX-License-Identifier: Apache-2.0
 *
 * The machine as a whole: scripts on it, its restarts, coming back to it, leaving it clean. */
#include <stdio.h>
#include <string.h>

#include "bakery/mem.h"
#include "run.h"

#define READY_LIMIT_S 1200
#define RECONNECT_S 120
#define CANCEL_S 4
#define SCRIPT_S 60
#define FORGET_S 10

static const char runtime[] =
#include "program.sh.inc"
	;
static const char cancel_script[] =
#include "cancel.sh.inc"
	;
static const char reboot_script[] =
#include "reboot.sh.inc"
	;
static const char noted_script[] =
#include "noted.sh.inc"
	;
static const char ready_script[] =
#include "ready.sh.inc"
	;

/* The first words of every script: whose it is. */
void add_who(struct str *script, const struct run *run)
{
	str_add(script, "b_user=");
	str_add_shell_quoted(script, run->options->needs_sudo ? "root" : ssh_target_of(run->ssh)->user);
	str_add(script, " b_run=");
	str_add_shell_quoted(script, run->options->run_id);
	str_add_char(script, '\n');
}

/* A script comes over stdin: no command line shows it, no file holds it, and stdin can go on behind it. One that
 * arrives cut does nothing: all of it is taken in before any of it is done, and the last line must be there. */
static void add_login_command(struct str *command, const struct runner_options *options, size_t length)
{
	str_addf(command,
		 "exec %ssh -c 'b_text=$(head -c %zu); case $b_text in *\"" SCRIPT_END
		 "\") eval \"$b_text\" ;; *) exit 97 ;; esac'",
		 options->needs_sudo ? "sudo -n " : "", length);
}

/* sudoers(5), requiretty: sudo wants its process to have a controlling terminal, wherever its streams go. script(1)
 * gives it one that nobody uses; a terminal of SSH's would mingle the streams. One level of single quotes and no
 * backslash before one: login shells agree on no more. */
static void add_terminal_command(struct str *command, size_t length)
{
	str_addf(command,
		 "exec sh -c 'command -v script >/dev/null || { echo \"sudo there wants a terminal (requiretty), and "
		 "there is no script(1) to make one\" >&2; exit 1; }; exec 3<&0 4>&1 5>&2; "
		 "b_root=\"b_text=\\$(head -c %zu); case \\$b_text in *\\\"" SCRIPT_END
		 "\\\") eval \\\"\\$b_text\\\" ;; *) exit 97 ;; esac\"; SHELL=/bin/sh; export b_root SHELL; "
		 "exec script -qec \"exec sudo -n sh -c \\\"\\$b_root\\\" <&3 >&4 2>&5\" /dev/null </dev/null "
		 ">/dev/null 2>&1'",
		 length);
}

static bool refused_without_terminal(int status, const char *said)
{
	return status == 1 && strstr(said, "sudo: ") && strstr(said, "tty");
}

bool run_as_root(struct ssh *ssh, const struct runner_options *options, const struct ssh_command *exchange,
		 const struct str *said, int *status, struct error *err)
{
	_cleanup_(str_free) struct str command = STR_INIT;
	struct ssh_command run = *exchange;
	add_login_command(&command, options, exchange->input_length);
	run.command = command.data;
	if (!ssh_run(ssh, &run, status, err))
		return false;
	if (!options->needs_sudo || !refused_without_terminal(*status, said->data))
		return true;
	str_clear(&command);
	add_terminal_command(&command, exchange->input_length);
	run.command = command.data;
	return ssh_run(ssh, &run, status, err);
}

struct said {
	struct str *out;
	struct str errors;
};

static bool hear(void *cookie, bool is_stderr, const char *data, size_t length, struct error *err)
{
	struct said *said = cookie;
	struct str *to = is_stderr ? &said->errors : said->out;
	if (to && to->len < 65536)
		str_add_n(to, data, length);
	return true;
}

static void one_line(struct str *text)
{
	str_trim_right(text);
	const char *newline = memrchr(text->data, '\n', text->len);
	if (newline)
		str_remove_front(text, (size_t)(newline + 1 - text->data));
}

bool remote_script(struct ssh *ssh, const struct runner_options *options, const char *script, int64_t timeout_s,
		   struct str *out, struct error *err)
{
	_cleanup_(str_wipe_free) struct str text = STR_INIT; /* may hold secrets */
	struct said said = {.out = out, .errors = STR_INIT};
	int status = 0;
	str_reserve(&text, strlen(script) + sizeof(SCRIPT_END));
	str_add(&text, script);
	str_add(&text, SCRIPT_END);
	const struct ssh_command run = {
		.input = text.data, .input_length = text.len, .sink = hear, .cookie = &said, .timeout_s = timeout_s};
	bool done = run_as_root(ssh, options, &run, &said.errors, &status, err);
	one_line(&said.errors);
	if (done && status)
		done = error_set(err, ERROR_FAILED, "exit status %d on the machine%s%s", status,
				 said.errors.len ? ": " : "", said.errors.data);
	str_free(&said.errors);
	return done;
}

int64_t reconnect_timeout_s(const struct runner_options *options)
{
	return options->reconnect_timeout_s ? options->reconnect_timeout_s : RECONNECT_S;
}

bool remote_reconnect(struct run *run, const char *why, struct error *err)
{
	const struct runner_events *events = &run->options->events;
	_cleanup_(freep) char *reason = mem_strdup(why); /* may be err's own text */
	if (!ssh_reopen(run->ssh, reconnect_timeout_s(run->options), err))
		return error_context(err, "after the connection dropped (%s)", reason);
	if (events->reconnected)
		events->reconnected(events->cookie, reason);
	return true;
}

/* As program.sh's b_facts tells it. */
static bool read_boot(struct run *run, struct str *boot, struct error *err)
{
	static const char script[] = "read -r b_boot </proc/sys/kernel/random/boot_id\n"
				     "read -r b_line </proc/1/stat\n"
				     "set -- ${b_line##*) }\n"
				     "echo \"$b_boot/${20}\"\n";
	str_clear(boot);
	if (!remote_script(run->ssh, run->options, script, SCRIPT_S, boot, err))
		return false;
	str_trim_right(boot);
	return true;
}

static int64_t seconds_left(int64_t end_ms)
{
	return (end_ms - clock_mono_ms() + 999) / 1000;
}

static bool may_come_back(const struct error *err)
{
	return error_is(err, ERROR_TRANSIENT) || error_is(err, ERROR_DENIED) || error_is(err, ERROR_FAILED);
}

/* Looks at the machine until it is in another life than before. */
static bool await_restart(struct run *run, int64_t end_ms, struct error *err)
{
	_cleanup_(str_free) struct str boot = STR_INIT;
	for (;;) {
		if (read_boot(run, &boot, err)) {
			if (!str_eq(boot.data, run->boot))
				return true;
			error_set(err, ERROR_FAILED, "it did not go down");
		} else if (!may_come_back(err)) {
			return false;
		}
		if (seconds_left(end_ms) <= 0)
			return false;
		if (!stop_sleep_ms(ssh_target_of(run->ssh)->stop, 300))
			return error_set(err, ERROR_STOPPED, "interrupted");
		if (!str_eq(boot.data, run->boot) && !ssh_reopen(run->ssh, seconds_left(end_ms), err) &&
		    !may_come_back(err))
			return false;
	}
}

bool remote_reboot(struct run *run, int64_t timeout_s, struct error *err)
{
	int64_t limit_s = timeout_s ? timeout_s : 300, end_ms = clock_mono_ms() + limit_s * 1000;
	const struct runner_events *events = &run->options->events;
	_cleanup_(str_free) struct str script = STR_INIT;
	struct error ignored; /* the machine may go down before it answers */
	add_who(&script, run);
	str_addf(&script, "b_index=%zu b_life=", run->progress.index);
	str_add_shell_quoted(&script, run->boot);
	str_add_char(&script, '\n');
	str_add(&script, reboot_script);
	if (!remote_script(run->ssh, run->options, script.data, SCRIPT_S, NULL, &ignored) && !may_come_back(&ignored)) {
		*err = ignored;
		return false;
	}
	if (!await_restart(run, end_ms, err)) {
		if (error_is(err, ERROR_STOPPED) || error_is(err, ERROR_REFUSED))
			return false;
		err->kind = ERROR_FAILED;
		return error_context(err, "the machine did not come back from its restart within %llds",
				     (long long)limit_s);
	}
	run->clock_known = false;
	if (events->reconnected)
		events->reconnected(events->cookie, "the machine was restarted");
	return true;
}

/* The machine may be going down at this moment. */
bool remote_reboot_noted(struct run *run, size_t index, struct str *life, bool *over, struct error *err)
{
	_cleanup_(str_free) struct str script = STR_INIT, boot = STR_INIT;
	add_who(&script, run);
	str_addf(&script, "b_index=%zu\n", index);
	str_add(&script, noted_script);
	for (;;) {
		str_clear(life);
		if (remote_script(run->ssh, run->options, script.data, SCRIPT_S, life, err) &&
		    read_boot(run, &boot, err))
			break;
		if (!error_is(err, ERROR_TRANSIENT) || !remote_reconnect(run, err->text, err))
			return false;
	}
	str_trim_right(life);
	*over = life->len && !str_eq(life->data, boot.data);
	return true;
}

/* Ends what runs and removes the folders. */
static void add_cancel(struct str *script, const struct run *run)
{
	add_who(script, run);
	str_add(script, runtime);
	str_add(script, cancel_script);
}

void runner_forget(struct ssh *ssh, const struct runner_options *options)
{
	const struct run run = {.ssh = ssh, .options = options};
	const struct stop *stop = ssh_target_of(ssh)->stop;
	_cleanup_(str_free) struct str script = STR_INIT;
	_cleanup_(freep) char *command = mem_printf("rm -rf \"$HOME/.bakery-%s\"", options->run_id);
	struct error ignored;
	if (stop && stop->requests > 1)
		return;
	add_cancel(&script, &run);
	ssh_set_stop(ssh, NULL);
	if (!remote_script(ssh, options, script.data, FORGET_S, NULL, &ignored) ||
	    !ssh_must(ssh, command, NULL, &ignored))
		log_debug(options->log, "what %s left on the machine may still be there: %s", options->run_id,
			  ignored.text);
	ssh_set_stop(ssh, stop);
}

void remote_cancel(struct run *run)
{
	_cleanup_(str_free) struct str script = STR_INIT;
	const struct stop *stop = ssh_target_of(run->ssh)->stop;
	struct error ignored;
	if (stop && stop->requests > 1)
		return; /* told twice: leave at once */
	add_cancel(&script, run);
	ssh_set_stop(run->ssh, NULL);
	if (!remote_script(run->ssh, run->options, script.data, CANCEL_S, NULL, &ignored) &&
	    ssh_reopen(run->ssh, 2, &ignored) &&
	    !remote_script(run->ssh, run->options, script.data, CANCEL_S, NULL, &ignored))
		log_debug(run->options->log, "what ran on the machine could not be ended: %s", ignored.text);
	ssh_set_stop(run->ssh, stop);
}

static void tell(const struct runner_options *options, struct str *said)
{
	char *rest = NULL;
	for (char *line = strtok_r(said->data, "\r\n", &rest); line; line = strtok_r(NULL, "\r\n", &rest))
		log_warn(options->log, "%s", line);
}

bool runner_wait_ready(struct ssh *ssh, const struct runner_options *options, struct error *err)
{
	int64_t end_ms = clock_mono_ms() + READY_LIMIT_S * 1000;
	_cleanup_(str_free) struct str said = STR_INIT;
	for (;;) {
		str_clear(&said);
		bool ready = remote_script(ssh, options, ready_script, READY_LIMIT_S, &said, err);
		if (ready)
			tell(options, &said);
		if (ready || !error_is(err, ERROR_TRANSIENT) || seconds_left(end_ms) <= 0)
			return ready || error_context(err, "waiting until the machine has finished its first boot");
		if (!ssh_reopen(ssh, reconnect_timeout_s(options),
				err)) /* the first boot may restart sshd or the network */
			return false;
	}
}
