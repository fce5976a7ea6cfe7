/* SPDX-License-Identifier: Apache-2.0
 *
 * Asking a machine for more than a line: a script that changes nothing, and all that it prints, bounded. Since it
 * changes nothing it is simply run again after the connection dropped. */
#include "run.h"

struct answer {
	struct str *out;
	size_t most;
	struct str errors;
};

static bool hear(void *cookie, bool is_stderr, const char *data, size_t length, struct error *err)
{
	enum { ERRORS_KEPT = 4096 };
	struct answer *answer = cookie;

	if (is_stderr && answer->errors.len + length <= ERRORS_KEPT)
		str_add_n(&answer->errors, data, length);
	if (is_stderr)
		return true;
	if (answer->out->len + length > answer->most)
		return error_set(err, ERROR_FAILED, "the machine says more than %zu bytes", answer->most);
	str_add_n(answer->out, data, length);
	return true;
}

static bool ask(struct ssh *ssh, const struct runner_options *options, const char *script, struct answer *answer,
		struct error *err)
{
	_cleanup_(str_free) struct str text = STR_INIT;
	int status = 0;

	str_addf(&text, "%s" SCRIPT_END, script);
	const struct ssh_command run = {.input = text.data, .input_length = text.len, .sink = hear, .cookie = answer};
	if (!run_as_root(ssh, options, &run, &answer->errors, &status, err))
		return false;
	str_trim_right(&answer->errors);
	return !status || error_set(err, ERROR_FAILED, "exit status %d on the machine%s%s", status,
				    answer->errors.len ? ": " : "", answer->errors.data);
}

bool runner_read(struct ssh *ssh, const struct runner_options *options, const char *script, size_t most,
		 struct str *out, struct error *err)
{
	enum { TRIES = 3 };
	size_t before = out->len;

	for (int try = 1;; try++) {
		struct answer answer = {.out = out, .most = before + most, .errors = STR_INIT};
		bool done = ask(ssh, options, script, &answer, err);

		str_free(&answer.errors);
		if (done)
			return true;
		if (!error_is(err, ERROR_TRANSIENT) || try == TRIES ||
		    !ssh_reopen(ssh, reconnect_timeout_s(options), err))
			return false;
		out->len = before;
	}
}
