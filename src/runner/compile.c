/* SPDX-License-Identifier: Apache-2.0
 *
 * The compiler: each step becomes a shell function that says what the step is, and program.sh knows what to do with it.
 * Texts of steps are quoted whole, so nothing in them can break out of their step. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/crypto.h"
#include "bakery/mem.h"
#include "compile.h"
#include "pack.h"
#include "unpack.h"

static const char runtime[] =
#include "program.sh.inc"
	;
static const char upload_check_script[] =
#include "upload_check.sh.inc"
	;
static const char upload_run_script[] =
#include "upload_run.sh.inc"
	;
static const char download_script[] =
#include "download.sh.inc"
	;

static bool takes_part(const struct step *step, enum runner_mode mode)
{
	return mode != RUNNER_CHECKS || (step->kind == STEP_SHELL && step->check);
}

bool is_shell_name(const char *name)
{
	const char *at = name;
	while (isalnum((unsigned char)*at) || *at == '_')
		at++;
	return *name && !*at && !isdigit((unsigned char)*name);
}

static bool is_word(const char *word, const char *also)
{
	const char *at = word;
	while (isalnum((unsigned char)*at) || (*at && strchr(also, *at)))
		at++;
	return *word && *word != '-' && !*at;
}

static bool bad(const struct step *step, struct error *err, const char *what, const char *value)
{
	return error_set(err, ERROR_INVALID, "%s:%d: step %s: %s \"%s\" is not usable as such", step->file, step->line,
			 step->id, what, value);
}

static bool check_words(const struct step *step, const struct text_list *words, const char *what, struct error *err)
{
	for (size_t i = 0; i < words->count; i++) {
		if (!is_word(words->items[i], "_.-"))
			return bad(step, err, what, words->items[i]);
	}
	return true;
}

static bool check_transfer(const struct step *step, const struct transfer *transfer, struct error *err)
{
	if (!transfer)
		return true;
	if (transfer->mode && (!*transfer->mode || strspn(transfer->mode, "01234567") != strlen(transfer->mode)))
		return bad(step, err, "mode", transfer->mode);
	if (transfer->owner && !is_word(transfer->owner, "_.-:"))
		return bad(step, err, "owner", transfer->owner);
	return true;
}

static bool check_step(const struct step *step, struct error *err)
{
	for (size_t i = 0; i < step->env.count; i++) {
		if (!is_shell_name(step->env.items[i].key))
			return bad(step, err, "environment variable", step->env.items[i].key);
	}
	for (size_t i = 0; i < step->secrets.count; i++) {
		if (!is_shell_name(step->secrets.items[i]))
			return bad(step, err, "secret", step->secrets.items[i]);
	}
	if (step->as && !is_word(step->as, "_.-"))
		return bad(step, err, "user", step->as);
	return check_words(step, &step->os, "os", err) && check_words(step, &step->arch, "arch", err) &&
	       check_transfer(step, step->upload, err) && check_transfer(step, step->download, err);
}

static void add_program(struct script *script, size_t first, size_t count)
{
	script->programs = mem_grow(script->programs, script->program_count + 1, sizeof(*script->programs));
	script->programs[script->program_count++] = (struct program){.first = first, .count = count};
}

static void part_programs(struct script *script)
{
	size_t first = 0;
	for (size_t i = 0; i < script->step_count; i++) {
		enum step_kind kind = script->steps[i]->kind;
		bool last = i + 1 == script->step_count;
		bool parts = script->mode == RUNNER_APPLY && (kind == STEP_DOWNLOAD || kind == STEP_REBOOT);
		if (!last && !parts)
			continue;
		add_program(script, first, i + 1 - first);
		first = i + 1;
	}
}

static bool list_uploads(const struct playbook *playbook, struct script *script, struct error *err)
{
	script->lists = mem_array(script->step_count + 1, sizeof(*script->lists));
	for (size_t i = 0; i < script->step_count; i++) {
		const struct step *step = script->steps[i];
		const struct pack pack = {.upload = step->upload, .variables = &playbook->vars};
		_cleanup_(str_free) struct str list = STR_INIT;
		bool is_folder;
		if (step->kind != STEP_UPLOAD)
			continue;
		if (!pack_list(&pack, &list, &is_folder, err))
			return error_context(err, "step %s", step->id);
		script->lists[i] = str_take(&list);
	}
	return true;
}

bool script_make(const struct playbook *playbook, enum runner_mode mode, struct script *out, struct error *err)
{
	const struct step *steps = playbook->steps.items;
	*out = (struct script){.mode = mode, .steps = mem_array(playbook->steps.count + 1, sizeof(*out->steps))};
	for (size_t i = 0; i < playbook->steps.count; i++) {
		if (!check_step(&steps[i], err))
			return false;
		if (takes_part(&steps[i], mode))
			out->steps[out->step_count++] = &steps[i];
	}
	part_programs(out);
	return mode != RUNNER_LOOK || list_uploads(playbook, out, err);
}

void script_free(struct script *script)
{
	for (size_t i = 0; script->lists && i < script->step_count; i++)
		free(script->lists[i]);
	free(script->lists);
	free(script->steps);
	free(script->programs);
	*script = (struct script){0};
}

char *transfer_target(const struct transfer *transfer)
{
	const char *slash = strrchr(transfer->from, '/');
	return str_ends(transfer->to, "/") ? mem_printf("%s%s", transfer->to, slash ? slash + 1 : transfer->from)
					   : mem_strdup(transfer->to);
}

static void add_setting(struct str *out, const char *name, const char *value)
{
	if (!value)
		return;
	str_addf(out, "\t%s=", name);
	str_add_shell_quoted(out, value);
	str_add_char(out, '\n');
}

static void add_words(struct str *out, const char *name, const struct text_list *words)
{
	_cleanup_(str_free) struct str list = STR_INIT;
	str_add_joined(&list, " ", words->items, words->count);
	add_setting(out, name, words->count ? list.data : NULL);
}

static void add_number(struct str *out, const char *name, int64_t value)
{
	if (value > 0)
		str_addf(out, "\t%s=%lld\n", name, (long long)value);
}

static void add_environment(struct str *out, const struct step *step)
{
	if (!step->env.count && !step->secrets.count)
		return;
	str_add(out, "\tb_env() {\n");
	for (size_t i = 0; i < step->env.count; i++) {
		str_addf(out, "\t\texport %s=", step->env.items[i].key);
		str_add_shell_quoted(out, step->env.items[i].value ? step->env.items[i].value : "");
		str_add_char(out, '\n');
	}
	for (size_t i = 0; i < step->secrets.count; i++)
		str_addf(out, "\t\texport %s=\"$b_secret_%s\"\n", step->secrets.items[i], step->secrets.items[i]);
	str_add(out, "\t}\n");
}

static void add_assignment(struct str *text, const char *name, const char *value)
{
	str_addf(text, "%s=", name);
	str_add_shell_quoted(text, value);
	str_add_char(text, '\n');
}

static bool is_number(const char *text, size_t length)
{
	return length && strspn(text, "0123456789") >= length;
}

/* "app", "app:app", numbers or one of each, as stat prints them. */
static char *owner_format(const char *owner)
{
	size_t user = strcspn(owner, ":");
	const char *group = owner[user] ? owner + user + 1 : NULL;
	return mem_printf("%s%s", is_number(owner, user) ? "%u" : "%U",
			  !group			    ? ""
			  : is_number(group, strlen(group)) ? ":%g"
							    : ":%G");
}

static void add_upload_head(struct str *out, const struct step *step)
{
	_cleanup_(freep) char *target = transfer_target(step->upload);
	const char *owner = step->upload->owner ? step->upload->owner : "root", *given = step->upload->mode;
	_cleanup_(freep) char *format = owner_format(owner);
	_cleanup_(freep) char *mode = mem_printf("%lo", given ? strtoul(given, NULL, 8) : 0644); /* as stat prints it */
	add_assignment(out, "to", target);
	add_assignment(out, "mode", mode);
	add_assignment(out, "owner", owner);
	add_assignment(out, "format", format);
}

/* What was sent lies in the staging folder, and says itself what it is. */
static void add_upload(struct str *out, const struct step *step, size_t index)
{
	_cleanup_(str_free) struct str check = STR_INIT, run = STR_INIT;
	add_upload_head(&check, step);
	str_add(&check, "sum= kind=file\n[ ! -e \"$BAKERY_STAGED.list\" ] || kind=folder\n"
			"list() { cat \"$BAKERY_STAGED.list\"; }\n");
	str_add(&run, check.data);
	str_add(&check, upload_check_script);
	str_add(&run, upload_run_script);
	add_setting(out, "b_check", check.data);
	add_setting(out, "b_run", run.data);
	str_addf(out, "\tb_env() { export BAKERY_STAGED=\"$b_staging/%zu\"; }\n", index);
}

/* Nothing is sent: the program itself holds the sums. A file's list is one line, "F MODE SUM .". */
static void add_upload_look(struct str *out, const struct step *step, const char *list)
{
	_cleanup_(str_free) struct str check = STR_INIT;
	bool is_file = str_starts(list, "F ") && str_ends(list, " .\n");
	char sum[SHA256_HEX_SIZE] = "";
	if (is_file)
		sscanf(list, "F %*s %64[0-9a-f]", sum);
	add_upload_head(&check, step);
	str_addf(&check, "sum=%s kind=%s\nlist() {\n\tcat <<'END'\n%sEND\n}\n", sum, is_file ? "file" : "folder", list);
	str_add(&check, upload_check_script);
	add_setting(out, "b_check", check.data);
	add_setting(out, "b_run", ":");
}

static void add_download(struct str *out, const struct step *step, size_t index)
{
	_cleanup_(str_free) struct str run = STR_INIT;
	add_assignment(&run, "from", step->download->from);
	str_addf(&run, "most=%d largest=%lld\n", UNPACK_MOST_ENTRIES, UNPACK_MOST_BYTES >> 10);
	str_add(&run, download_script);
	add_setting(out, "b_run", run.data);
	str_add(out, "\tb_once=1\n");
	str_addf(out, "\tb_env() { export BAKERY_STAGED=\"$b_staging/%zu\" BAKERY_LOGIN=\"$b_login\"; }\n", index);
}

static void add_shell(struct str *out, const struct script *script, const struct step *step)
{
	bool looks = script->mode == RUNNER_LOOK && step->run;
	const char *run = script->mode == RUNNER_APPLY ? step->run : looks ? ":" : NULL;
	add_setting(out, "b_check", step->check);
	add_setting(out, "b_run", run);
	add_setting(out, "b_as", step->as && !str_eq(step->as, "root") ? step->as : NULL);
	add_environment(out, step);
	if (script->mode != RUNNER_LOOK && (run || !step->run)) /* nothing will make a check hold that only looks */
		add_number(out, "b_retries", step->retries);
}

/* This host restarts the machine once the program has come to here. */
static void add_reboot(struct str *out, const struct step *step)
{
	add_setting(out, "b_check", step->check);
	add_setting(out, "b_run", ":");
	str_add(out, "\tb_once=1\n");
}

static void add_comment(struct str *out, const struct step *step)
{
	size_t start = out->len;
	str_addf(out, "# %s (%s:%d)", step->id, step->file ? step->file : "-", step->line);
	for (char *at = out->data + start; *at; at++) {
		if ((unsigned char)*at < ' ')
			*at = ' ';
	}
	str_add_char(out, '\n');
}

static void add_step(struct str *out, const struct script *script, size_t index)
{
	const struct step *step = script->steps[index];
	add_comment(out, step);
	str_addf(out, "step_%zu() {\n", index);
	if (step->waived)
		str_add(out, "\tb_waived=1\n");
	add_words(out, "b_os", &step->os);
	add_words(out, "b_arch", &step->arch);
	add_setting(out, "b_if", step->condition);
	add_number(out, "b_timeout", step->timeout_s);
	if (step->kind == STEP_UPLOAD && script->mode == RUNNER_LOOK)
		add_upload_look(out, step, script->lists[index]);
	else if (step->kind == STEP_UPLOAD)
		add_upload(out, step, index);
	else if (step->kind != STEP_SHELL && script->mode == RUNNER_LOOK)
		add_setting(out, "b_run", ":");
	else if (step->kind == STEP_DOWNLOAD)
		add_download(out, step, index);
	else if (step->kind == STEP_REBOOT)
		add_reboot(out, step);
	else
		add_shell(out, script, step);
	str_add(out, "\t:\n}\n\n");
}

void script_program(const struct script *script, const struct program *program, struct str *out)
{
	str_add(out, runtime);
	str_add_char(out, '\n');
	for (size_t i = 0; i < program->count; i++)
		add_step(out, script, program->first + i);
	str_addf(out, "b_keep_going=%s b_look=%s\nb_steps='", script->mode == RUNNER_APPLY ? "" : "1",
		 script->mode == RUNNER_LOOK ? "1" : "");
	for (size_t i = 0; i < program->count; i++)
		str_addf(out, "%s%zu", i ? " " : "", program->first + i);
	str_add(out, "'\n");
}

bool runner_compile(const struct playbook *playbook, enum runner_mode mode, struct str *program, struct error *err)
{
	_cleanup_(script_free) struct script script = {0};
	if (!script_make(playbook, mode, &script, err))
		return error_context(err, "playbook %s", playbook->name);
	for (size_t i = 0; i < script.program_count; i++) {
		if (script.program_count > 1)
			str_addf(program, "%s# Program %zu of %zu.\n", i ? "\n" : "", i + 1, script.program_count);
		script_program(&script, &script.programs[i], program);
	}
	return true;
}

const char *step_result_name(enum step_result result)
{
	static const char *const names[] = {"ok",     "unchanged",    "changed",  "skipped",
					    "failed", "would change", "would run"};
	return names[result];
}
