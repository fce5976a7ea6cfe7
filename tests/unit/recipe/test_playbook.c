/* SPDX-License-Identifier: Apache-2.0
 *
 * Playbooks: steps, includes, variables, uploads, ids, hashes. */
#include "project.h"

static const struct playbook *load_with(struct project *project, const char *name, const struct text_map *vars)
{
	_cleanup_(faults_free) struct faults faults = FAULTS_INIT;
	const struct playbook *playbook;

	str_clear(&project->faults);
	assert_true(settings_load(NULL, ".", project->arena, &project->settings, &project->err));
	playbook = playbook_load(&project->settings, name, NULL, vars, "recipes/r.yaml:20:5", project->arena, &faults);
	faults_print(&faults, &project->faults);
	return playbook;
}

static const struct playbook *load(struct project *project, const char *name)
{
	return load_with(project, name, NULL);
}

static const struct playbook *load_ok(struct project *project, const char *name)
{
	const struct playbook *playbook = load(project, name);

	assert_string_equal(project->faults.data, "");
	assert_non_null(playbook);
	return playbook;
}

static const struct step *step_of(const struct playbook *playbook, size_t index)
{
	assert_true(index < playbook->steps.count);
	return (const struct step *)playbook->steps.items + index;
}

static void every_kind_of_step(void **state)
{
	_cleanup_(project_free) struct project project = project_new();

	project_write("playbooks/files/banner", "hello\n");
	project_write("playbooks/common.yaml",
		      "playbook: 1\nvars: {who: nobody}\nsteps: [{id: greet, run: 'echo {{ who }}'}]\n");
	project_write("playbooks/all.yaml",
		      "playbook: 1\n"
		      "name: all\n"
		      "vars: {tries: \"4\", file: files/banner}\n"
		      "steps:\n"
		      "- id: no-root-login\n"
		      "  name: SSH refuses root logins\n"
		      "  controls: [CIS-5.1.20, CIS-5.1.21]\n"
		      "  os: [debian, ubuntu]\n"
		      "  arch: arm64\n"
		      "  if: test -d /etc/ssh\n"
		      "  check: sshd -T | grep -qx 'maxauthtries {{ tries }}'\n"
		      "  run: |\n"
		      "    x=1; echo ${x} {{ tries }} {{{{.Names}} \"$((2 * 3))\"\n"
		      "  timeout: 2m\n"
		      "  retries: 2\n"
		      "  env: {LC_ALL: C}\n"
		      "  secrets: [ACTIVATION_KEY]\n"
		      "  as: admin\n"
		      "- check: test -e /etc/issue\n"
		      "- upload: {from: \"{{ file }}\", to: /etc/issue.net, mode: 0600, owner: \"root:adm\"}\n"
		      "- download: {from: /var/log/x, to: artifacts/}\n"
		      "- include: common\n"
		      "  vars: {who: \"{{ tries }}\"}\n"
		      "- reboot: 7m\n"
		      "- reboot: {}\n");
	const struct playbook *all = load_ok(&project, "all");
	assert_string_equal(all->name, "all");
	assert_string_equal(all->file, "playbooks/all.yaml");
	assert_int_equal(all->steps.count, 7);

	const struct step *step = step_of(all, 0);
	assert_int_equal(step->kind, STEP_SHELL);
	assert_string_equal(step->id, "all/no-root-login");
	assert_string_equal(step->name, "SSH refuses root logins");
	assert_int_equal(step->controls.count, 2);
	assert_int_equal(step->os.count, 2);
	assert_string_equal(step->arch.items[0], "arm64");
	assert_string_equal(step->condition, "test -d /etc/ssh");
	assert_string_equal(step->check, "sshd -T | grep -qx 'maxauthtries 4'");
	assert_string_equal(step->run, "x=1; echo ${x} 4 {{.Names}} \"$((2 * 3))\"\n");
	assert_int_equal(step->timeout_s, 120);
	assert_int_equal(step->retries, 2);
	assert_string_equal(text_map_get(&step->env, "LC_ALL"), "C");
	assert_string_equal(step->secrets.items[0], "ACTIVATION_KEY");
	assert_string_equal(step->as, "admin");
	assert_string_equal(step->file, "playbooks/all.yaml");
	assert_int_equal(step->line, 5);

	step = step_of(all, 1);
	assert_string_equal(step->id, "all/step-2");
	assert_string_equal(step->name, "step-2");
	assert_null(step->run);
	assert_int_equal(step->timeout_s, 600);

	step = step_of(all, 2);
	assert_int_equal(step->kind, STEP_UPLOAD);
	assert_string_equal(step->id, "all/upload-3");
	assert_true(*step->upload->from == '/' && str_ends(step->upload->from, "/playbooks/files/banner"));
	assert_string_equal(step->upload->mode, "0600");
	assert_string_equal(step->upload->owner, "root:adm");

	step = step_of(all, 3);
	assert_int_equal(step->kind, STEP_DOWNLOAD);
	assert_string_equal(step->download->to, "artifacts/");

	step = step_of(all, 4);
	assert_string_equal(step->id, "common/greet");
	assert_string_equal(step->run, "echo 4");
	assert_string_equal(step->file, "playbooks/common.yaml");

	assert_int_equal(step_of(all, 5)->kind, STEP_REBOOT);
	assert_int_equal(step_of(all, 5)->reboot->timeout_s, 420);
	assert_int_equal(step_of(all, 6)->reboot->timeout_s, 300);
}

static const struct {
	const char *steps, *faults; /* the step begins in line 3 */
} wrongs[] = {
	{"- name: nothing",
	 "playbooks/p.yaml:3:3: steps.1: does nothing (it needs run, check, upload, download, reboot or include)\n"},
	{"- run: a\n  reboot: {}", "playbooks/p.yaml:3:3: steps.1: has run and reboot; a step does one thing\n"},
	{"- run: a\n  upload: {from: f, to: /x}\n  include: q",
	 "playbooks/p.yaml:3:3: steps.1: has run and upload and include; a step does one thing\n"
	 "playbooks/p.yaml:5:12: steps.1.include: there is no playbook q HINT"},
	{"- run: ''", "playbooks/p.yaml:3:8: steps.1.run: must not be empty\n"},
	{"- run:", "playbooks/p.yaml:3:7: steps.1.run: has no value (it must be text)\n"},
	{"- rum: a",
	 "playbooks/p.yaml:3:3: steps.1.rum: unknown key (did you mean run?)\n"
	 "playbooks/p.yaml:3:3: steps.1: does nothing (it needs run, check, upload, download, reboot or include)\n"},
	{"- run: a\n  id: A b",
	 "playbooks/p.yaml:4:7: steps.1.id: must be an id of lower-case letters, digits, . _ and -, not \"A b\"\n"},
	{"- run: a\n  id: x\n- check: b\n  id: x",
	 "playbooks/p.yaml:6:7: the id p/x stands twice (first at playbooks/p.yaml:3)\n"},
	{"- run: a\n  controls: [C-1]",
	 "playbooks/p.yaml:4:3: steps.1.controls: need a check: what it answers is their evidence\n"
	 "playbooks/p.yaml:4:3: steps.1.controls: need an id: their evidence refers to it\n"},
	{"- run: a\n  check: b\n  id: i\n  controls: [\"C 1\"]",
	 "playbooks/p.yaml:6:14: steps.1.controls.1: must be a control's name such as CIS-5.1.20, not \"C 1\"\n"},
	{"- upload: {from: f, to: /x}\n  check: a\n  env: {A: b}",
	 "playbooks/p.yaml:4:3: steps.1.check: goes with run only\nplaybooks/p.yaml:5:3: steps.1.env: goes with run "
	 "only\n"},
	{"- reboot: {}\n  timeout: 5m", "playbooks/p.yaml:4:3: steps.1.timeout: belongs into reboot: {timeout: ...}\n"},
	{"- run: a\n  vars: {a: b}", "playbooks/p.yaml:4:3: steps.1.vars: goes with include only\n"},
	{"- include: good\n  if: x",
	 "playbooks/p.yaml:4:3: steps.1.if: cannot stand with include (the included steps have their own)\n"},
	{"- run: a\n  timeout: 10",
	 "playbooks/p.yaml:4:12: steps.1.timeout: must be a duration such as 30s, 5m, 2h or 90d, not \"10\"\n"},
	{"- run: a\n  retries: 101", "playbooks/p.yaml:4:12: steps.1.retries: must be between 0 and 100, not 101\n"},
	{"- run: a\n  env: {a-b: c}",
	 "playbooks/p.yaml:4:9: steps.1.env: must be the name of an environment variable, not \"a-b\"\n"},
	{"- run: a\n  secrets: $KEY",
	 "playbooks/p.yaml:4:12: steps.1.secrets: must be the name of an environment variable, not \"$KEY\"\n"},
	{"- run: a\n  arch: amd64",
	 "playbooks/p.yaml:4:9: steps.1.arch: must be one of x86_64, arm64, not \"amd64\" (did you mean arm64?)\n"},
	{"- run: a\n  os: Debian",
	 "playbooks/p.yaml:4:7: steps.1.os: must be a word of /etc/os-release such as debian, not \"Debian\"\n"},
	{"- upload: {from: none, to: /x}",
	 "playbooks/p.yaml:3:18: steps.1.upload.from: there is no file playbooks/none\n"},
	{"- upload: {from: /dev/null, to: /x}",
	 "playbooks/p.yaml:3:18: steps.1.upload.from: /dev/null is no regular file\n"},
	{"- upload: {from: f, to: x}",
	 "playbooks/p.yaml:3:25: steps.1.upload.to: must be an absolute path, not \"x\"\n"},
	{"- upload: {from: f, to: /x, mode: 888}",
	 "playbooks/p.yaml:3:35: steps.1.upload.mode: must be an octal mode such as \"0644\", not \"888\"\n"},
	{"- upload: {from: f, to: /x, owner: \"a:b:c\"}",
	 "playbooks/p.yaml:3:36: steps.1.upload.owner: must be user or user:group, not \"a:b:c\"\n"},
	{"- upload: f", "playbooks/p.yaml:3:11: steps.1.upload: must be a map, not a text\n"},
	{"- download: {to: x}", "playbooks/p.yaml:3:13: steps.1.download.from: is missing\n"},
	{"- upload: {from: template, to: /x, template: true}",
	 "playbooks/template:2:13: unknown variable prot (did you mean port?)\n"
	 "playbooks/template:3:1: \"{{ no end\" names no variable (a literal {{ is written {{{{)\n"},
	{"- include: p", "playbooks/p.yaml:3:12: steps.1.include: p includes itself\n"},
	{"- include: good\n- include: good", "playbooks/p.yaml:4:12: steps.2.include: good is included twice\n"},
	{"- include: circle", "playbooks/circle.yaml:2:19: steps.1.include: p includes itself\n"},
	{"- include: needy",
	 "playbooks/p.yaml:3:12: steps.1.include: playbook needy needs a value for its variable must\n"},
	{"- include: needy\n  vars: {must: a, mus: b}",
	 "playbooks/p.yaml:3:12: steps.1.include: playbook needy: unknown variable mus (did you mean must?)\n"},
	{"- include: bad",
	 "playbooks/bad.yaml:1:1: playbook: is missing\nplaybooks/bad.yaml:1:8: steps: must not be empty\n"},
	{"- run: echo {{ nam }}", "playbooks/p.yaml:3:8: steps.1.run: unknown variable nam\n"},
	{"- run: echo {{ recipe }}", "playbooks/p.yaml:3:8: steps.1.run: unknown variable recipe\n"},
	{"- run: echo {{ build }}", "playbooks/p.yaml:3:8: steps.1.run: unknown variable build\n"},
	{"- just text", "playbooks/p.yaml:3:3: steps.1: must be a map, not a text\n"},
	{" []", "playbooks/p.yaml:3:2: steps: must not be empty\n"},
	{" {a: b}", "playbooks/p.yaml:3:2: steps: must be a list, not a map\n"},
};

static void what_steps_must_not_say(void **state)
{
	_cleanup_(project_free) struct project project = project_new();
	int failed = 0;

	project_write("playbooks/f", "x");
	project_write("playbooks/template", "port {{ port }}\nx={{{{ a {{ prot }}\n{{ no end\n");
	project_write("playbooks/good.yaml", "playbook: 1\nsteps: [{run: x}]\n");
	project_write("playbooks/needy.yaml", "playbook: 1\nvars: {must: }\nsteps: [{run: 'x {{ must }}'}]\n");
	project_write("playbooks/circle.yaml", "playbook: 1\nsteps: [{include: p}]\n");
	project_write("playbooks/bad.yaml", "steps: []\n");
	for (size_t i = 0; i < ARRAY_SIZE(wrongs); i++) {
		_cleanup_(freep) char *text =
			mem_printf("playbook: 1\nsteps:\n%s\nvars: {port: \"514\"}\n", wrongs[i].steps);
		_cleanup_(freep) char *wanted = mem_strdup(wrongs[i].faults);
		char *hint = strstr(wanted, "HINT");
		project_write("playbooks/p.yaml", text);
		load(&project, "p");
		if (hint)
			*hint = '\0';
		if (hint ? str_starts(project.faults.data, wanted) : str_eq(project.faults.data, wanted))
			continue;
		print_error("%s\nsays   %swanted %s", wrongs[i].steps, project.faults.data, wanted);
		failed++;
	}
	assert_int_equal(failed, 0);
}

static void where_the_request_stands(void **state)
{
	_cleanup_(faults_free) struct faults nowhere = FAULTS_INIT; /* from the command line */
	_cleanup_(project_free) struct project project = project_new();
	static struct text_pair pairs[] = {{"levl", "1"}};
	static const struct text_map vars = {pairs, 1};

	project_write("playbooks/p.yaml", "playbook: 1\nvars: {level: 3, must: }\nsteps: [{run: x}]\n");
	assert_null(load(&project, "q"));
	assert_true(str_starts(project.faults.data, "recipes/r.yaml:20:5: there is no playbook q"));
	assert_non_null(load_with(&project, "p", &vars));
	assert_string_equal(project.faults.data,
			    "recipes/r.yaml:20:5: playbook p needs a value for its variable must\n"
			    "recipes/r.yaml:20:5: playbook p: unknown variable levl (did you mean level?)\n");
	playbook_load(&project.settings, "p", NULL, NULL, NULL, project.arena, &nowhere);
	assert_int_equal(nowhere.count, 1);
	assert_string_equal(nowhere.items[0].text, "playbook p needs a value for its variable must: --var must=...");
	project_write("playbooks/p.yaml", "- hosts: all\n");
	load(&project, "p");
	assert_string_equal(
		project.faults.data,
		"playbooks/p.yaml:1:1: must be a map, not a list; a playbook of Ansible's is named with `ansible`\n");
	project_write("playbooks/p.yaml", "bakery: 1\nname: p\n");
	load(&project, "p");
	assert_string_equal(project.faults.data, "playbooks/p.yaml:1:1: is a recipe, not a playbook\n");
	project_write("playbooks/p.yaml", "playbook: 1\nname: q\nsteps: [{run: x}]\n");
	load(&project, "p");
	assert_string_equal(project.faults.data, "playbooks/p.yaml:2:7: name: must be p, as the file is called\n");
	load(&project, "./playbooks/p.yaml");
	assert_string_equal(project.faults.data, "");
	project_write("playbooks/p.yaml", "playbook: 1\nsteps: [\n");
	assert_null(load(&project, "p"));
	assert_true(str_starts(project.faults.data, "playbooks/p.yaml:3:1: "));
}

static void variables_and_overrides(void **state)
{
	_cleanup_(project_free) struct project project = project_new();
	static struct text_pair pairs[] = {{"host", "logs"}};
	static const struct text_map vars = {pairs, 1};

	project_write("playbooks/p.yaml", "playbook: 1\nvars: {host: localhost, port: 514, target: \"{{ host }}:{{ "
					  "port }}\"}\nsteps: [{run: \"to {{ target }}\"}]\n");
	assert_string_equal(step_of(load_ok(&project, "p"), 0)->run, "to localhost:514");
	assert_string_equal(step_of(load_with(&project, "p", &vars), 0)->run, "to logs:514");
}

static void templates(void **state)
{
	_cleanup_(project_free) struct project project = project_new();
	_cleanup_(str_free) struct str out = STR_INIT;

	project_write("playbooks/conf", "server {{ host }}\nformat {{{{ host }}\n");
	project_write("playbooks/p.yaml",
		      "playbook: 1\nvars: {host: logs}\nsteps: [{upload: {from: conf, to: /etc/x, template: true}}]\n");
	const struct transfer *upload = step_of(load_ok(&project, "p"), 0)->upload;
	assert_true(upload->is_template);
	assert_string_equal(text_map_get(&upload->vars, "host"), "logs");
	assert_true(template_render("server {{ host }}\nformat {{{{ host }}\n", &upload->vars, &out, &project.err));
	assert_string_equal(out.data, "server logs\nformat {{ host }}\n");
	assert_false(template_render("{{ hots }}", &upload->vars, &out, &project.err));
	assert_string_equal(project.err.text, "unknown variable hots (did you mean host?)");
}

static void the_hash_follows_content(void **state)
{
	_cleanup_(project_free) struct project project = project_new();
	const char *first, *renamed, *content, *variable;

	project_write("playbooks/f", "content");
	project_write(
		"playbooks/p.yaml",
		"playbook: 1\nvars: {a: b}\nsteps:\n- {run: x, name: 'step {{ a }}'}\n- upload: {from: f, to: /x}\n");
	first = load_ok(&project, "p")->sha256;
	assert_int_equal(strlen(first), 64);
	project_write("playbooks/g", "content");
	project_write("playbooks/p.yaml", "playbook: 1\n# moved\nsteps:\n\n- name: step {{ a }}\n  run: x\n- upload: "
					  "{to: /x, from: g}\nvars: {a: b}\n");
	renamed = load_ok(&project, "p")->sha256;
	assert_string_equal(renamed, first);
	project_write("playbooks/g", "other");
	content = load_ok(&project, "p")->sha256;
	assert_string_not_equal(content, first);
	project_write("playbooks/g", "content");
	project_write(
		"playbooks/p.yaml",
		"playbook: 1\nvars: {a: c}\nsteps:\n- {run: x, name: 'step {{ a }}'}\n- upload: {from: g, to: /x}\n");
	variable = load_ok(&project, "p")->sha256;
	assert_string_not_equal(variable, first);
}

static void depth_of_includes(void **state)
{
	_cleanup_(project_free) struct project project = project_new();

	for (int i = 0; i < 20; i++) {
		_cleanup_(freep) char *path = mem_printf("playbooks/p%d.yaml", i);
		_cleanup_(freep) char *text = mem_printf("playbook: 1\nsteps: [{include: p%d}]\n", i + 1);
		project_write(path, text);
	}
	load(&project, "p0");
	assert_string_equal(project.faults.data,
			    "playbooks/p15.yaml:2:19: steps.1.include: more than 16 playbooks inside each other\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_step),
		cmocka_unit_test(what_steps_must_not_say),
		cmocka_unit_test(where_the_request_stands),
		cmocka_unit_test(variables_and_overrides),
		cmocka_unit_test(templates),
		cmocka_unit_test(the_hash_follows_content),
		cmocka_unit_test(depth_of_includes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
