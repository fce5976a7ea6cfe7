/* SPDX-License-Identifier: Apache-2.0
 *
 * Files on their way: uploads are sent ahead into a folder of the login user, from where their steps put them in place
 * as root; downloads are fetched once their step has made them readable. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bakery/file.h"
#include "bakery/mem.h"
#include "pack.h"
#include "run.h"
#include "unpack.h"

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

static bool send_template(struct run *run, const struct pack *pack, const char *to, struct error *err)
{
	_cleanup_(str_free) struct str filled = STR_INIT;
	return pack_fill(pack, pack->upload->from, &filled, err) &&
	       ssh_upload_data(run->ssh, filled.data, filled.len, to, 0600, err);
}

/* A file without a name, for an archive on its way. */
static int nameless_file(struct error *err)
{
	int fd = open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		error_errno(err, "a temporary file in /var/tmp");
	return fd;
}

/* As one archive, by way of a file without a name. */
static bool send_folder(struct run *run, const struct pack *pack, const char *to, const struct str *list,
			struct error *err)
{
	_cleanup_(freep) char *list_to = mem_printf("%s.list", to);
	_cleanup_(closep) int fd = nameless_file(err);
	if (fd < 0)
		return false;
	_cleanup_(freep) char *packed = mem_printf("/proc/self/fd/%d", fd);
	return pack_write(pack, fd, err) && ssh_upload(run->ssh, packed, to, 0600, err) &&
	       ssh_upload_data(run->ssh, list->data, list->len, list_to, 0600, err);
}

static bool is_folder(const char *path)
{
	struct stat status;
	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool send_file(struct run *run, const struct step *step, size_t index, struct error *err)
{
	const struct transfer *upload = step->upload;
	const struct pack pack = {.upload = upload, .variables = run->options->variables};
	_cleanup_(str_free) struct str list = STR_INIT;
	bool folder = is_folder(upload->from);
	if (!upload_check(upload, err) || (folder && !pack_list(&pack, &list, &folder, err)) || !make_staging(run, err))
		return false;
	_cleanup_(freep) char *to = mem_printf("%s/%zu", run->staging, index);
	if (folder)
		return send_folder(run, &pack, to, &list, err);
	return upload->is_template ? send_template(run, &pack, to, err)
				   : ssh_upload(run->ssh, upload->from, to, 0600, err);
}

/* In the folder that it goes to, so that it is on the same file system. */
static bool take_apart(int archive, const char *local, struct unpack_count *count, struct error *err)
{
	_cleanup_(freep) char *scratch = path_join(local, ".bakery-XXXXXX");
	struct error left = {0};
	if (!mkdtemp(scratch))
		return error_errno(err, "%s", scratch);
	bool done = lseek(archive, 0, SEEK_SET) == 0 && unpack_folder(archive, scratch, local, count, err);
	if (!file_remove_tree(scratch, &left) && done)
		return error_set(err, left.kind, "%s is left: %s", scratch, left.text);
	return done;
}

static bool fetch_folder(struct run *run, int archive, const char *local, struct error *err)
{
	struct unpack_count count;
	bool was_there = file_exists(local);
	if (!file_make_folders(local, 0755, err))
		return false;
	if (!take_apart(archive, local, &count, err)) {
		if (!was_there)
			rmdir(local);
		return error_context(err, "%s", local);
	}
	_cleanup_(freep) char *told = mem_printf("%s: %zu files, %zu folders, %lld bytes\n", local, count.files,
						 count.folders, (long long)count.bytes);
	return progress_take(run, &(struct frame_event){.kind = FRAME_DATA, .data = told, .length = strlen(told)}, err);
}

/* An archive: it is a folder there. A login user who is not root gets a copy of a single file. */
static bool fetch(struct run *run, const struct step *step, size_t index, const char *local, struct error *err)
{
	_cleanup_(freep) char *staged = mem_printf("%s/%zu", run->staging, index);
	_cleanup_(freep) char *packed = mem_printf("%s.tar", staged);
	_cleanup_(closep) int archive = nameless_file(err);
	if (archive < 0)
		return false;
	if (ssh_download_to(run->ssh, packed, archive, UNPACK_MOST_BYTES + (64 << 20), err))
		return fetch_folder(run, archive, local, err);
	if (!error_is(err, ERROR_ABSENT))
		return false;
	error_clear(err);
	return ssh_download(run->ssh, run->options->needs_sudo ? staged : step->download->from, local, err);
}

static bool fetch_file(struct run *run, const struct step *step, size_t index, struct error *err)
{
	_cleanup_(freep) char *name = transfer_target(step->download);
	_cleanup_(freep) char *local =
		path_join(run->options->download_folder ? run->options->download_folder : ".", name);
	_cleanup_(freep) char *folder = path_folder(local);
	return file_make_folders(folder, 0755, err) && make_staging(run, err) && fetch(run, step, index, local, err);
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

bool transfer_send_ahead(struct run *run, const struct program *program, struct error *err)
{
	if (run->script.mode != RUNNER_APPLY)
		return true;
	for (size_t i = program->first; i < program->first + program->count; i++) {
		const struct step *step = run->script.steps[i];
		if (step->kind == STEP_DOWNLOAD && !make_staging(run, err))
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
