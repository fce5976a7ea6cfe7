/* SPDX-License-Identifier: Apache-2.0
 *
 * One program: started once, whatever happens to the connection, and read to its last word. A start that was not
 * confirmed is sent again: the folder on the machine can be made only once, and only who makes it starts the program.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/crypto.h"
#include "bakery/mem.h"
#include "run.h"

#define MOST_FUTILE 60 /* connections in a row that did not reach the program */

static const char link_script[] =
#include "link.sh.inc"
	;

static void add_given(struct str *script, const char *name, const char *value)
{
	str_addf(script, "%s=", name);
	str_add_shell_quoted(script, value ? value : "");
	str_add_char(script, '\n');
}

static void add_head(struct str *script, const struct run *run, size_t part)
{
	const struct frames *frames = &run->frames;
	add_who(script, run);
	str_addf(script, "b_nonce=%s b_part=%zu b_sum=%s\n", frames->key, part, run->sum);
	str_addf(script, "b_from_out=%llu b_from_err=%llu b_attach=%s\n",
		 (unsigned long long)frames->streams[0].received, (unsigned long long)frames->streams[1].received,
		 frames->ever_synced || run->joins ? "1" : "");
}

static void add_secrets(struct str *script, const struct run *run, const struct program *program)
{
	for (size_t i = 0; i < program->count; i++) {
		const struct text_list *secrets = &run->script.steps[program->first + i]->secrets;
		for (size_t k = 0; k < secrets->count; k++) {
			const char *value = getenv(secrets->items[k]);
			str_addf(script, "b_secret_%s=", secrets->items[k]);
			str_add_shell_quoted(script, value ? value : "");
			str_add_char(script, '\n');
		}
	}
}

/* What starts the program, or, once that is confirmed, only joins it. */
static void make_script(struct str *script, const struct run *run, size_t part, const struct str *program)
{
	str_reserve(script, sizeof(link_script) + program->len +
				    65536); /* so that no copy of a secret is left behind by growing */
	add_head(script, run, part);
	if (!run->frames.ever_synced && !run->joins) {
		add_given(script, "b_staging", run->staging);
		add_given(script, "b_login", run->options->needs_sudo ? ssh_target_of(run->ssh)->user : "");
		add_secrets(script, run, &run->script.programs[part]);
		str_add(script, program->data);
	}
	str_add(script, link_script);
	str_add(script, "b_link\n");
}

static bool drain(struct run *run, struct error *err)
{
	struct frame_event event;
	while (frames_next(&run->frames, &event)) {
		if (!progress_take(run, &event, err))
			return false;
	}
	return true;
}

static bool hear(void *cookie, bool is_stderr, const char *data, size_t length, struct error *err)
{
	struct run *run = cookie;
	frames_feed(&run->frames, is_stderr, data, length);
	if (run->frames.ever_synced && !str_eq(run->frames.sum, run->sum))
		return error_coded(err, ERROR_CONFLICT, RUNNER_NOT_REJOINED,
				   "the machine still has another program under the name %s", run->options->run_id);
	if (!drain(run, err))
		return false;
	if (run->said_last)
		snprintf(run->farewell, sizeof(run->farewell), "done\n");
	if (run->frames.dead || run->frames.gone)
		run->finished = true;
	return true;
}

/* One connection's worth; when the last word was heard before, only the tidying. */
static bool listen_once(struct run *run, size_t part, const struct str *program, int *status, struct error *err)
{
	_cleanup_(str_wipe_free) struct str script = STR_INIT;
	frames_new_connection(&run->frames);
	run->finished = run->said_last;
	snprintf(run->farewell, sizeof(run->farewell), "%s\n", run->said_last ? "done" : "keep");
	make_script(&script, run, part, program);
	str_add(&script, SCRIPT_END);
	const struct ssh_command exchange = {.input = script.data,
					     .input_length = script.len,
					     .finished = &run->finished,
					     .farewell = run->farewell,
					     .sink = hear,
					     .cookie = run};
	return run_as_root(run->ssh, run->options, &exchange, &run->frames.streams[1].noise, status, err);
}

static const char *last_noise(struct run *run)
{
	struct str *noise = &run->frames.streams[run->frames.streams[1].noise.len ? 1 : 0].noise;
	str_trim_right(noise);
	const char *newline = memrchr(noise->data, '\n', noise->len);
	return newline ? newline + 1 : noise->data;
}

/* The program will not say its last word any more. */
static bool lost(struct run *run, const char *what, struct error *err)
{
	struct frame_event event;
	while (frames_rest(&run->frames, &event)) {
		if (!progress_take(run, &event, err))
			return false;
	}
	if (!run->progress.step)
		return error_set(err, ERROR_FAILED, "%s", what);
	if (!progress_end_here(run, what, err))
		return false;
	run->failed = true;
	if (run->script.mode != RUNNER_APPLY)
		error_set(&run->failure, ERROR_FAILED, "%s", what);
	return true;
}

/* What to make of a connection that ended without the last word: true to try another. Only connections over which the
 * program could not even be reached count against it: it may be silent for hours while a gateway drops one after
 * another. */
static bool may_go_on(struct run *run, bool ran, int status, size_t *futile, struct error *err)
{
	bool reached = run->frames.streams[0].synced;
	if (!ran && !error_is(err, ERROR_TRANSIENT))
		return false;
	if (ran && !run->frames.ever_synced)
		return error_set(err, ERROR_FAILED,
				 "the program could not be started on the machine (exit status %d)%s%s", status,
				 *last_noise(run) ? ": " : "", last_noise(run));
	*futile = reached ? 0 : *futile + 1;
	return *futile < MOST_FUTILE ||
	       error_context(err, "%d connections in a row did not reach the program", MOST_FUTILE);
}

/* How the program's account ended, if it did; else *ended stays false. That it died is believed when nothing of what it
 * wrote is left to read: whoever says so may have lost the readers. */
static bool see_end(struct run *run, bool heard_more, bool *ended, struct error *err)
{
	*ended = true;
	if (run->frames.dead && !heard_more)
		return lost(run, "something killed the program on the machine", err);
	if (run->frames.gone && run->frames.ever_synced)
		return lost(run, "the machine restarted or was cleaned meanwhile: its account of the step is gone",
			    err);
	if (run->frames.gone && run->joins)
		return error_coded(err, ERROR_CONFLICT, RUNNER_NOT_REJOINED,
				   "the machine knows nothing any more of the program that was running there");
	if (run->frames.gone)
		return error_set(err, ERROR_FAILED,
				 "the machine has no folder for the program: neither /run nor /var/tmp is writable "
				 "and has room");
	*ended = false;
	return true;
}

static uint64_t received(const struct run *run)
{
	return run->frames.streams[0].received + run->frames.streams[1].received;
}

/* All was heard, but not whether the machine was told to tidy up: once more, only for that. */
static void settle(struct run *run, size_t part, const struct str *program, bool ran, int status, struct error *trouble)
{
	struct error ignored;
	for (int attempt = 0; attempt < 3 && !(ran && status == 0) && !run->frames.gone; attempt++) {
		if (!ran && (!error_is(trouble, ERROR_TRANSIENT) || !remote_reconnect(run, trouble->text, &ignored)))
			break;
		ran = listen_once(run, part, program, &status, trouble);
	}
}

static bool follow(struct run *run, size_t part, const struct str *program, struct error *err)
{
	size_t futile = 0;
	for (;;) {
		int status = 0;
		uint64_t before = received(run);
		bool ended = false, ran = listen_once(run, part, program, &status, err);
		if (run->said_last) {
			settle(run, part, program, ran, status, err);
			return true;
		}
		if (!see_end(run, received(run) > before, &ended, err))
			return false;
		if (ended)
			return true;
		if (!may_go_on(run, ran, status, &futile, err))
			return false;
		if (futile > 2 && !stop_sleep_ms(ssh_target_of(run->ssh)->stop, 500))
			return error_set(err, ERROR_STOPPED, "interrupted");
		if (!ran && !remote_reconnect(run, err->text, err))
			return false;
	}
}

bool follow_program(struct run *run, size_t part, struct error *err)
{
	_cleanup_(str_free) struct str program = STR_INIT;
	char key[NONCE_SIZE];
	script_program(&run->script, &run->script.programs[part], &program);
	crypto_sha256_hex(program.data, program.len, run->sum);
	crypto_random_hex(key, NONCE_SIZE - 1);
	frames_free(&run->frames);
	frames_init(&run->frames, key);
	run->said_last = false;
	bool done = follow(run, part, &program, err);
	if ((!done && !error_is(err, ERROR_CONFLICT)) || (done && !run->said_last))
		remote_cancel(run);
	return done;
}
