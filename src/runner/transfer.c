/* SPDX-License-Identifier: Apache-2.0
 *
 * Files on their way: uploads are sent ahead into a folder of the login user, from where their steps put them in place
 * as root; downloads are fetched once their step has made them readable. */
#include <string.h>

#include "bakery/file.h"
#include "bakery/mem.h"
#include "run.h"

#define MOST_TEMPLATE (16 << 20)
#define TRIES 5

static bool make_staging(struct run *run, struct error *err)
{
	_cleanup_(freep) char *command = NULL;
	_cleanup_(str_free) struct str said = STR_INIT;
	if (run->staging)
		return true;
	command = mem_printf("exec sh -c 'umask 077; mkdir -p \"$HOME/.bakery-%s\" && cd \"$HOME/.bakery-%s\" && pwd'",
			     run->options->run_id, run->options->run_id);
	if (!ssh_must(run->ssh, command, &said, err))
		return error_context(err, "making a folder for uploads");
	str_trim_right(&said);
	const char *newline = memrchr(said.data, '\n', said.len);
	run->staging = mem_strdup(newline ? newline + 1 : said.data);
	return *run->staging == '/' ||
	       error_set(err, ERROR_FAILED, "making a folder for uploads: the machine answered \"%s\"", said.data);
}

static bool send_template(struct run *run, const struct transfer *upload, const char *to, struct error *err)
{
	static const struct text_map none = {0};
	const struct text_map *given = run->options->variables ? run->options->variables : &none;
	_cleanup_(str_free) struct str text = STR_INIT, filled = STR_INIT;
	if (!file_read(upload->from, MOST_TEMPLATE, &text, err))
		return false;
	if (strlen(text.data) != text.len)
		return error_set(err, ERROR_INVALID, "%s: a template must be text", upload->from);
	if (!template_render(text.data, upload->vars.count ? &upload->vars : given, &filled, err))
		return error_context(err, "%s", upload->from);
	return ssh_upload_data(run->ssh, filled.data, filled.len, to, 0600, err);
}

static bool send_file(struct run *run, const struct step *step, size_t index, struct error *err)
{
	const struct transfer *upload = step->upload;
	if (!upload_check(upload, err) || !make_staging(run, err))
		return false;
	_cleanup_(freep) char *to = mem_printf("%s/%zu", run->staging, index);
	return upload->is_template ? send_template(run, upload, to, err)
				   : ssh_upload(run->ssh, upload->from, to, 0600, err);
}

static bool fetch_file(struct run *run, const struct step *step, size_t index, struct error *err)
{
	_cleanup_(freep) char *name = transfer_target(step->download);
	_cleanup_(freep) char *local =
		path_join(run->options->download_folder ? run->options->download_folder : ".", name);
	_cleanup_(freep) char *folder = path_folder(local);
	_cleanup_(freep) char *staged = mem_printf("%s/%zu", run->staging ? run->staging : "", index);
	if (!file_make_folders(folder, 0755, err))
		return false;
	return ssh_download(run->ssh, run->options->needs_sudo ? staged : step->download->from, local, err);
}

/* Transfers write beside and rename, so one that was cut off is simply begun again. */
static bool persist(struct run *run, const struct step *step, size_t index,
		    bool (*transfer)(struct run *, const struct step *, size_t, struct error *), struct error *err)
{
	for (int attempt = 1;; attempt++) {
		if (transfer(run, step, index, err))
			return true;
		if (!error_is(err, ERROR_TRANSIENT) || attempt == TRIES || !remote_reconnect(run, err->text, err))
			return false;
	}
}

static bool needs_staging(const struct run *run, const struct step *step)
{
	return step->kind == STEP_DOWNLOAD && run->options->needs_sudo;
}

bool transfer_send_ahead(struct run *run, const struct program *program, struct error *err)
{
	for (size_t i = program->first; i < program->first + program->count; i++) {
		const struct step *step = run->script.steps[i];
		if (needs_staging(run, step) && !make_staging(run, err))
			return false;
		if (step->kind == STEP_UPLOAD && !run->joins && !persist(run, step, i, send_file, err)) {
			_cleanup_(freep) char *place = step_place(step);
			return error_context(err, "step %s", place);
		}
	}
	return true;
}

bool transfer_fetch(struct run *run, const struct step *step, size_t index, struct error *err)
{
	return persist(run, step, index, fetch_file, err);
}

void transfer_tidy(struct run *run)
{
	_cleanup_(str_free) struct str script = STR_INIT;
	const struct stop *stop = ssh_target_of(run->ssh)->stop;
	struct error ignored;
	if (!run->staging || (stop && stop->requests > 1))
		return;
	str_add(&script, "rm -rf ");
	str_add_shell_quoted(&script, run->staging);
	str_add_char(&script, '\n');
	ssh_set_stop(run->ssh, NULL);
	if (!remote_script(run->ssh, run->options, script.data, 10, NULL, &ignored))
		log_debug(run->options->log, "%s is left on the machine: %s", run->staging, ignored.text);
	ssh_set_stop(run->ssh, stop);
}
