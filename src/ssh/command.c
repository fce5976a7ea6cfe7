/* SPDX-License-Identifier: Apache-2.0
 *
 * Running a command on the machine: what it prints is handed on as it comes, stdout and stderr apart, while its input
 * is sent. */
#include <stdlib.h>
#include <string.h>

#include "bakery/mem.h"
#include "session.h"

#define READ_SIZE 65536
#define CLOSE_MS 500

struct exchange {
	struct ssh *ssh;
	LIBSSH2_CHANNEL *channel;
	const struct ssh_command *command;
	int64_t deadline_ms;
	size_t sent;	 /* of the input */
	size_t farewell; /* of what is sent when the sink has enough */
	bool input_ended;
	char *buffer;
};

static bool wait_more(struct exchange *exchange, struct error *err)
{
	if (session_wait(exchange->ssh, exchange->deadline_ms, err))
		return true;
	if (clock_mono_ms() < exchange->deadline_ms)
		return false;
	return error_set(err, ERROR_FAILED, "the command did not end within %llds",
			 (long long)exchange->command->timeout_s);
}

static bool open_channel(struct exchange *exchange, struct error *err)
{
	LIBSSH2_SESSION *session = exchange->ssh->session;
	if (!session)
		return error_set(err, ERROR_TRANSIENT, "not connected");
	while (!(exchange->channel = libssh2_channel_open_session(session))) {
		if (libssh2_session_last_errno(session) != LIBSSH2_ERROR_EAGAIN)
			return session_fail(exchange->ssh, ERROR_REMOTE, err, "opening a channel");
		if (!wait_more(exchange, err))
			return false;
	}
	return true;
}

static bool start_command(struct exchange *exchange, struct error *err)
{
	int rc;
	while ((rc = libssh2_channel_exec(exchange->channel, exchange->command->command)) == LIBSSH2_ERROR_EAGAIN) {
		if (!wait_more(exchange, err))
			return false;
	}
	return rc == 0 || session_fail(exchange->ssh, ERROR_REMOTE, err, "starting a command");
}

/* A packet that went half must be finished by the same call before anything else is sent; reading sends too (window
 * messages). */
static bool half_sent(const struct exchange *exchange, ssize_t rc)
{
	return rc == LIBSSH2_ERROR_EAGAIN &&
	       libssh2_session_block_directions(exchange->ssh->session) & LIBSSH2_SESSION_BLOCK_OUTBOUND;
}

/* Sends as much as goes. */
static bool send_some(struct exchange *exchange, const char *data, size_t length, size_t *sent, bool *blocked,
		      struct error *err)
{
	*blocked = false;
	while (*sent < length && !*blocked) {
		ssize_t rc = libssh2_channel_write(exchange->channel, data + *sent, length - *sent);
		if (rc > 0)
			*sent += rc;
		else if (rc < 0 && rc != LIBSSH2_ERROR_EAGAIN)
			return session_fail(exchange->ssh, ERROR_REMOTE, err, "sending input");
		else if (!half_sent(exchange, rc))
			*blocked = true; /* the machine takes no more for now */
		else if (!wait_more(exchange, err))
			return false;
	}
	return true;
}

static bool end_input(struct exchange *exchange, struct error *err)
{
	int rc;
	exchange->input_ended = true;
	while ((rc = libssh2_channel_send_eof(exchange->channel)) == LIBSSH2_ERROR_EAGAIN) {
		if (!wait_more(exchange, err))
			return false;
	}
	return rc == 0 || session_fail(exchange->ssh, ERROR_REMOTE, err, "ending the input");
}

static bool feed(struct exchange *exchange, struct error *err)
{
	const struct ssh_command *command = exchange->command;
	bool blocked;
	if (exchange->input_ended || libssh2_channel_eof(exchange->channel))
		return true; /* a command that is gone reads no more */
	if (!send_some(exchange, command->input, command->input ? command->input_length : 0, &exchange->sent, &blocked,
		       err))
		return false;
	if (blocked || (command->finished && !*command->finished))
		return true;
	const char *farewell = command->finished && command->farewell ? command->farewell : "";
	if (!send_some(exchange, farewell, strlen(farewell), &exchange->farewell, &blocked, err))
		return false;
	return blocked || end_input(exchange, err);
}

/* One stream until nothing is there; *got says whether anything was. */
static bool drain(struct exchange *exchange, bool is_stderr, bool *got, struct error *err)
{
	const struct ssh_command *command = exchange->command;
	for (;;) {
		ssize_t rc = libssh2_channel_read_ex(exchange->channel, is_stderr ? SSH_EXTENDED_DATA_STDERR : 0,
						     exchange->buffer, READ_SIZE);
		if (half_sent(exchange, rc)) {
			if (!wait_more(exchange, err))
				return false;
			continue;
		}
		if (rc == 0 || rc == LIBSSH2_ERROR_EAGAIN)
			return true;
		if (rc < 0)
			return session_fail(exchange->ssh, ERROR_TRANSIENT, err, "reading output");
		*got = true;
		if (command->sink && !command->sink(command->cookie, is_stderr, exchange->buffer, (size_t)rc, err))
			return false;
		if (stop_requested(exchange->ssh->target.stop))
			return error_set(err, ERROR_STOPPED, "interrupted");
	}
}

static bool converse(struct exchange *exchange, struct error *err)
{
	for (;;) {
		bool got = false;
		if (!feed(exchange, err) || !drain(exchange, false, &got, err) || !drain(exchange, true, &got, err))
			return false;
		if (libssh2_channel_eof(exchange->channel))
			return true;
		bool pending = !exchange->input_ended && exchange->command->finished && *exchange->command->finished;
		if (!got && !pending && !wait_more(exchange, err))
			return false;
	}
}

static const struct {
	const char *name;
	int number;
} signals[] = {{"HUP", 1},  {"INT", 2},	  {"QUIT", 3},	{"ILL", 4},   {"ABRT", 6},  {"FPE", 8},
	       {"KILL", 9}, {"USR1", 10}, {"SEGV", 11}, {"PIPE", 13}, {"ALRM", 14}, {"TERM", 15}};

static int status_of(struct exchange *exchange)
{
	char *name = NULL;
	size_t length = 0;
	int status = libssh2_channel_get_exit_status(exchange->channel);
	libssh2_channel_get_exit_signal(exchange->channel, &name, &length, NULL, NULL, NULL, NULL);
	for (size_t i = 0; name && i < ARRAY_SIZE(signals); i++) {
		if (str_eq(name, signals[i].name))
			status = 128 + signals[i].number;
	}
	if (name)
		libssh2_free(exchange->ssh->session, name);
	return status;
}

/* The exit status comes with the end of the channel, which may be long after the end of the output. */
static bool await_end(struct exchange *exchange, int *status, struct error *err)
{
	int rc;
	while ((rc = libssh2_channel_wait_closed(exchange->channel)) == LIBSSH2_ERROR_EAGAIN) {
		if (!wait_more(exchange, err))
			return false;
	}
	if (rc)
		return session_fail(exchange->ssh, ERROR_TRANSIENT, err, "waiting for the command's end");
	*status = status_of(exchange);
	return true;
}

/* sshd confirms the end of a channel only when the command's process is gone, so after a failure nobody waits for that:
 * the channel is then freed with the session. */
static void close_channel(struct exchange *exchange)
{
	struct error ignored;
	int64_t deadline_ms = clock_mono_ms() + CLOSE_MS;
	const struct stop *stop = exchange->ssh->target.stop;
	exchange->ssh->target.stop = NULL; /* or a stop would leave half a packet behind */
	while (exchange->channel && half_sent(exchange, libssh2_channel_free(exchange->channel))) {
		if (!session_wait(exchange->ssh, deadline_ms, &ignored))
			break;
	}
	exchange->ssh->target.stop = stop;
}

bool ssh_run(struct ssh *ssh, const struct ssh_command *command, int *status, struct error *err)
{
	_cleanup_(freep) char *buffer = mem_alloc(READ_SIZE);
	struct exchange exchange = {.ssh = ssh, .command = command, .buffer = buffer, .deadline_ms = NO_DEADLINE};
	if (command->timeout_s)
		exchange.deadline_ms = clock_mono_ms() + command->timeout_s * 1000;
	session_begin(ssh);
	bool done = open_channel(&exchange, err) && start_command(&exchange, err) && converse(&exchange, err) &&
		    await_end(&exchange, status, err);
	close_channel(&exchange);
	return done;
}

struct collected {
	struct str *out;
	struct str errors;
};

static bool collect(void *cookie, bool is_stderr, const char *data, size_t length, struct error *err)
{
	struct collected *collected = cookie;
	struct str *to = is_stderr ? &collected->errors : collected->out;
	if (to)
		str_add_n(to, data, length);
	return true;
}

static const char *last_line(struct str *text)
{
	str_trim_right(text);
	const char *newline = memrchr(text->data, '\n', text->len);
	return newline ? newline + 1 : text->data;
}

bool ssh_must(struct ssh *ssh, const char *command, struct str *out, struct error *err)
{
	struct collected collected = {.out = out, .errors = STR_INIT};
	const struct ssh_command run = {.command = command, .sink = collect, .cookie = &collected};
	int status = 0;
	bool done = ssh_run(ssh, &run, &status, err);
	if (done && status) {
		const char *said = last_line(&collected.errors);
		done = error_set(err, ERROR_FAILED, "exit status %d%s%s", status, *said ? ": " : "", said);
	}
	str_free(&collected.errors);
	return done;
}
