/* SPDX-License-Identifier: Apache-2.0
 *
 * Recipes from file to struct: the example of the documentation, extends, variables, settings beneath, hashes. */
#include "project.h"

static const char minimal[] = "bakery: 1\n"
			      "source: {id: ami-0123456789abcdef0}\n"
			      "launch: {instance_types: [m7i.large]}\n"
			      "connect: {user: admin}\n"
			      "playbooks: []\n";

static void a_minimal_recipe_has_defaults(void **state)
{
	_cleanup_(project_free) struct project project = project_new();

	project_write("recipes/small.yaml", minimal);
	const struct recipe *recipe = project_read_ok(&project, "small");
	assert_int_equal(recipe->format, 1);
	assert_string_equal(recipe->name, "small");
	assert_string_equal(recipe->file, "recipes/small.yaml");
	assert_true(str_starts(recipe->folder, "/"));
	assert_true(str_ends(recipe->folder, "/recipes"));
	assert_string_equal(recipe->source.id, "ami-0123456789abcdef0");
	assert_null(recipe->source.ami);
	assert_null(recipe->launch.region);
	assert_int_equal(recipe->launch.market, MARKET_ON_DEMAND);
	assert_int_equal(recipe->launch.address, ADDRESS_PUBLIC);
	assert_string_equal(recipe->launch.root_volume.type, "gp3");
	assert_true(recipe->launch.root_volume.encrypted);
	assert_int_equal(recipe->launch.root_volume.size_gib, 0);
	assert_int_equal(recipe->connect.port, 22);
	assert_int_equal(recipe->connect.timeout_s, 300);
	assert_int_equal(recipe->deadline_s, 7200);
	assert_false(recipe->verify.off);
	assert_null(recipe->scan);
	assert_string_equal(recipe->image.name, "small-{{ build }}");
	assert_null(recipe->publish.channel);
	assert_int_equal(strlen(recipe->sha256), 64);
}

static const char whole[] =
	"bakery: 1\n"
	"name: debian-12\n"
	"description: Debian 12, hardened\n"
	"owner: platform@example.com\n"
	"extends: base/linux\n"
	"variables: {ntp_server: 169.254.169.123, log_host: \"logs.{{ domain }}\", domain: example.com}\n"
	"source:\n"
	"  ami: {owners: [\"136693071363\"], name: \"debian-12-amd64-*\", architecture: x86_64}\n"
	"launch:\n"
	"  region: us-east-1\n"
	"  instance_types: [m7i.large, m6i.large, m5.large]\n"
	"  market: spot-then-on-demand\n"
	"  subnets: {tags: {tier: build}}\n"
	"  security_groups: []\n"
	"  address: private\n"
	"  root_volume: {size_gib: 16, type: gp3, throughput: 500, iops: 6000, encrypted: true, kms_key: "
	"alias/bakery}\n"
	"  iam_instance_profile: bakery-builder\n"
	"  user_data: files/user-data.yaml\n"
	"connect: {port: 2222, timeout: 6m, bastion: {host: jump.example.com, user: jump}}\n"
	"deadline: 3h\n"
	"playbooks:\n"
	"  - patch\n"
	"  - {playbook: logging, vars: {endpoint: \"{{ log_host }}:{{ntp_server}}\"}}\n"
	"  - {ansible: site.yml, requirements: requirements.yml, extra_vars: {level: 2}}\n"
	"verify: {playbooks: [verify-linux]}\n"
	"scan:\n"
	"  scanner: [inspector, {command: [trivy, rootfs, /]}]\n"
	"  gate: {critical: 0, high: 5}\n"
	"  exceptions: exceptions.yaml\n"
	"image: {name: \"{{ recipe }}-{{ build }}\", description: \"{{ recipe }} by {{build}}\", tags: {team: "
	"platform}, deprecate_after: 90d, imds: v2.0, boot_mode: uefi}\n"
	"distribute:\n"
	"  regions: {eu-west-1: {kms_key: alias/bakery}, us-west-2: {}, eu-west-2: }\n"
	"  share: {organization: true, accounts: [\"123456789012\"]}\n"
	"publish: {channel: candidate}\n"
	"retain: {keep: 5, deprecate_after: 60d, disable_after: 150d, deregister_after: 180d}\n";

static void write_whole_project(void)
{
	project_write("recipes/base/linux.yaml",
		      "bakery: 1\nconnect: {user: admin, port: 22}\nimage: {tags: {os: linux}}\n");
	project_write("recipes/debian-12.yaml", whole);
	project_write("recipes/files/user-data.yaml", "#cloud-config\n");
	project_write("recipes/site.yml", "- hosts: all\n");
	project_write("recipes/requirements.yml", "[]\n");
	project_write("recipes/exceptions.yaml", "[]\n");
	project_write("playbooks/patch.yaml", "playbook: 1\nsteps: [{run: apt-get upgrade}]\n");
	project_write("playbooks/verify-linux.yaml", "playbook: 1\nsteps: [{check: test -e /etc}]\n");
	project_write("playbooks/logging.yaml",
		      "playbook: 1\nvars: {endpoint: }\nsteps: [{run: 'log {{ endpoint }}'}]\n");
}

static void the_documented_example(void **state)
{
	_cleanup_(project_free) struct project project = project_new();

	write_whole_project();
	const struct recipe *recipe = project_read_ok(&project, "debian-12");
	const struct playbook_use *uses = recipe->playbooks.items;
	const struct scanner *scanners = recipe->scan->scanners.items;

	assert_string_equal(recipe->connect.user, "admin"); /* from the base */
	assert_int_equal(recipe->connect.port, 2222);	    /* over the base's */
	assert_string_equal(recipe->connect.bastion->host, "jump.example.com");
	assert_int_equal(recipe->connect.bastion->port, 22);
	assert_string_equal(recipe->source.ami->name, "debian-12-amd64-*");
	assert_int_equal(recipe->launch.instance_types.count, 3);
	assert_int_equal(recipe->launch.market, MARKET_SPOT_THEN_ON_DEMAND);
	assert_string_equal(text_map_get(&recipe->launch.subnets->tags, "tier"), "build");
	assert_true(str_ends(recipe->launch.user_data, "/recipes/files/user-data.yaml"));
	assert_int_equal(recipe->deadline_s, 10800);
	assert_int_equal(recipe->playbooks.count, 3);
	assert_string_equal(uses[0].playbook->name, "patch");
	assert_string_equal(uses[0].source, "recipes/debian-12.yaml:22");
	assert_string_equal(text_map_get(&uses[1].playbook->vars, "endpoint"), "logs.example.com:169.254.169.123");
	assert_string_equal(((const struct step *)uses[1].playbook->steps.items)->run,
			    "log logs.example.com:169.254.169.123");
	assert_string_equal(uses[2].playbook->name, "site.yml");
	assert_string_equal(uses[2].playbook->file, "recipes/site.yml");
	assert_ptr_equal(uses[2].playbook->ansible, uses[2].ansible);
	assert_true(str_ends(uses[2].ansible->playbook, "/recipes/site.yml"));
	assert_string_equal(text_map_get(&uses[2].ansible->extra_vars, "level"), "2");
	assert_int_equal(recipe->verify.playbooks.count, 1);
	assert_string_equal(scanners[0].kind, "inspector");
	assert_string_equal(scanners[1].kind, "command");
	assert_int_equal(scanners[1].command.count, 3);
	assert_int_equal(recipe->scan->gate_high, 5);
	assert_string_equal(recipe->image.name, "debian-12-{{ build }}");
	assert_string_equal(recipe->image.description, "debian-12 by {{ build }}");
	assert_string_equal(text_map_get(&recipe->image.tags, "team"), "platform");
	assert_string_equal(text_map_get(&recipe->image.tags, "os"), "linux");
	assert_int_equal(recipe->distribute.regions.count, 3);
	assert_string_equal(recipe->distribute.regions.keys[2], "eu-west-2");
	assert_true(recipe->distribute.share.organization);
	assert_string_equal(recipe->publish.channel, "candidate");
	assert_int_equal(recipe->retain.deregister_after_s, 180 * 86400);
}

static void shorthands(void **state)
{
	_cleanup_(project_free) struct project project = project_new();

	project_write("playbooks/patch.yaml", "playbook: 1\nsteps: [{run: x}]\n");
	project_write("recipes/short.yaml",
		      "bakery: 1\n"
		      "source: {recipe: debian-12}\n"
		      "launch: {instance_types: m7i.large, subnets: [subnet-01234567]}\n"
		      "connect: {user: admin}\n"
		      "playbooks: patch\n"
		      "verify: false\n"
		      "distribute: {regions: [eu-west-1, us-west-2], share: {accounts: \"123456789012\"}}\n"
		      "publish: candidate\n");
	const struct recipe *recipe = project_read_ok(&project, "short");
	assert_string_equal(recipe->source.recipe->name, "debian-12");
	assert_string_equal(recipe->source.recipe->channel, "approved");
	assert_int_equal(recipe->launch.subnets->ids.count, 1);
	assert_int_equal(recipe->playbooks.count, 1);
	assert_true(recipe->verify.off);
	assert_int_equal(recipe->distribute.regions.count, 2);
	assert_int_equal(recipe->distribute.share.accounts.count, 1);
	assert_string_equal(recipe->publish.channel, "candidate");
}

static const char scanned[] = "bakery: 1\n"
			      "source: {recipe: debian-12}\n"
			      "launch: {instance_types: m7i.large, subnets: [subnet-01234567]}\n"
			      "connect: {user: admin}\n"
			      "playbooks: patch\n";

static void scanners_and_their_content(void **state)
{
	_cleanup_(project_free) struct project project = project_new();
	_cleanup_(str_free) struct str text = STR_INIT;
	const struct recipe *recipe;
	const struct scanner *scanners;

	project_write("playbooks/patch.yaml", "playbook: 1\nsteps: [{run: x}]\n");
	project_write("recipes/content.xml", "<x/>");
	str_addf(&text, "%sscan: lynis\n", scanned);
	project_write("recipes/plain.yaml", text.data);
	recipe = project_read_ok(&project, "plain");
	assert_int_equal(recipe->scan->scanners.count, 1);
	assert_int_equal(recipe->scan->gate_critical, -1);
	assert_int_equal(recipe->scan->gate_score, -1);

	str_clear(&text);
	str_addf(&text,
		 "%sscan:\n"
		 "  scanner:\n"
		 "    - lynis\n"
		 "    - {kind: openscap, profile: standard, datastream: content.xml}\n"
		 "    - {kind: openscap, profile: other, datastream: \"machine:/usr/x.xml\"}\n"
		 "  gate: {score: 85, pass: 90}\n",
		 scanned);
	project_write("recipes/whole.yaml", text.data);
	recipe = project_read_ok(&project, "whole");
	scanners = recipe->scan->scanners.items;
	assert_int_equal(recipe->scan->gate_score, 85);
	assert_int_equal(recipe->scan->gate_pass, 90);
	assert_int_equal(*scanners[1].datastream, '/');
	assert_true(str_ends(scanners[1].datastream, "/recipes/content.xml"));
	assert_string_equal(scanners[2].datastream, "machine:/usr/x.xml");
}

/* --- extends --- */

static void extending_merges_maps_and_replaces_the_rest(void **state)
{
	_cleanup_(project_free) struct project project = project_new();

	project_write("recipes/base/grand.yaml",
		      "bakery: 1\n"
		      "description: grand\n"
		      "owner: grand\n"
		      "source: {ssm: /some/parameter, }\n"
		      "connect: {user: grand, port: 1022}\n"
		      "launch: {instance_types: [m5.large, m6i.large], subnets: {tags: {a: b}}, market: spot}\n"
		      "playbooks: []\n");
	project_write("recipes/base/parent.yaml", "bakery: 1\nextends: grand\nowner: parent\nconnect: {user: "
						  "parent}\nimage: {tags: {a: parent, b: parent}}\n");
	project_write("recipes/child.yaml",
		      "bakery: 1\n"
		      "extends: base/parent\n"
		      "source: {id: ami-01234567}\n"
		      "launch: {instance_types: [m7i.large], subnets: {ids: [subnet-01234567]}, market: }\n"
		      "image: {tags: {a: child}}\n");
	const struct recipe *recipe = project_read_ok(&project, "child");
	assert_string_equal(recipe->name, "child");
	assert_string_equal(recipe->description, "grand");
	assert_string_equal(recipe->owner, "parent");
	assert_string_equal(recipe->connect.user, "parent");
	assert_int_equal(recipe->connect.port, 1022);
	assert_int_equal(recipe->launch.instance_types.count, 1);
	assert_int_equal(recipe->launch.market, MARKET_ON_DEMAND); /* a null takes the inherited value away */
	assert_string_equal(text_map_get(&recipe->image.tags, "a"), "child");
	assert_string_equal(text_map_get(&recipe->image.tags, "b"), "parent");
	assert_null(recipe->source.ssm); /* alternatives: the child's choice is the only one */
	assert_int_equal(recipe->launch.subnets->tags.count, 0);
}

static void a_name_is_not_inherited(void **state)
{
	_cleanup_(project_free) struct project project = project_new();

	project_write("recipes/parent.yaml",
		      "bakery: 1\nname: parent\nsource: {id: ami-01234567}\nlaunch: {instance_types: [m7i.large]}\n"
		      "connect: {user: a}\nplaybooks: []\nimage: {description: \"of {{ recipe }}\"}\n");
	project_write("recipes/child.yaml", "bakery: 1\nextends: parent\n");
	project_write("recipes/grandchild.yaml", "bakery: 1\nextends: child\nname: grandchild\n");
	assert_string_equal(project_read_ok(&project, "parent")->name, "parent");
	assert_string_equal(project_read_ok(&project, "child")->name, "child");
	assert_string_equal(project_read_ok(&project, "./recipes/child.yaml")->name, "child");
	assert_string_equal(project_read_ok(&project, "./recipes/child.yaml")->image.description, "of child");
	assert_string_equal(project_read_ok(&project, "grandchild")->name, "grandchild");
}

static void faults_name_the_file_they_stand_in(void **state)
{
	_cleanup_(project_free) struct project project = project_new();

	project_write("recipes/base/linux.yaml",
		      "bakery: 1\nlaunch:\n  regin: x\n  user_data: missing.yaml\nconnect: {user: a}\n");
	project_write("recipes/child.yaml", "bakery: 1\nextends: base/linux\nsource: {id: ami-01234567}\nlaunch: "
					    "{instance_types: [x]}\nplaybooks: []\n");
	assert_null(project_read(&project, "child"));
	assert_string_equal(
		project.faults.data,
		"recipes/base/linux.yaml:3:3: launch.regin: unknown key (did you mean region?)\n"
		"recipes/base/linux.yaml:4:14: launch.user_data: there is no file recipes/base/missing.yaml\n"
		"recipes/child.yaml:4:27: launch.instance_types.1: must be an instance type such as m7i.large, not "
		"\"x\"\n");
}

static void circles_and_missing_bases(void **state)
{
	_cleanup_(project_free) struct project project = project_new();
	static const struct {
		const char *extends, *faults;
	} cases[] = {
		{"self", "recipes/self.yaml:1:10: extends: self extends itself over this\n"},
		{"a", "recipes/b.yaml:1:10: extends: self extends itself over this\n"},
		{"nothing",
		 "recipes/self.yaml:1:10: extends: there is no recipe nothing here or in the search paths\n"},
		{"./nothing.yaml",
		 "recipes/self.yaml:1:10: extends: there is no recipe ./nothing.yaml here or in the search paths\n"},
		{"[a]", "recipes/self.yaml:1:10: extends: must be the name of a recipe\n"},
		{"broken", "recipes/broken.yaml:2:1: did not find expected node content, while parsing a flow node "
			   "(which began in line 2)\n"},
	};

	project_write("recipes/a.yaml", "extends: b");
	project_write("recipes/b.yaml", "extends: self");
	project_write("recipes/broken.yaml", "a: [");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(freep) char *text = mem_printf("extends: %s", cases[i].extends);
		project_write("recipes/self.yaml", text);
		assert_null(project_read(&project, "self"));
		assert_string_equal(project.faults.data, cases[i].faults);
	}
}

static void too_many_bases(void **state)
{
	_cleanup_(project_free) struct project project = project_new();

	for (int i = 0; i < 20; i++) {
		_cleanup_(freep) char *path = mem_printf("recipes/r%d.yaml", i),
				      *text = mem_printf("bakery: 1\nextends: r%d\n", i + 1);
		project_write(path, text);
	}
	assert_null(project_read(&project, "r0"));
	assert_string_equal(project.faults.data,
			    "recipes/r15.yaml:2:10: extends: more than 16 documents on top of each other\n");
}

/* --- variables --- */

static void read_with(struct project *project, const char *variables, const char *rest)
{
	_cleanup_(freep) char *text = mem_printf("%svariables: %s\n%s", minimal, variables, rest);

	project_write("recipes/v.yaml", text);
	project_read(project, "v");
}

static void variables_are_replaced_everywhere(void **state)
{
	_cleanup_(project_free) struct project project = project_new();
	static struct text_pair given[] = {{"level", "7"}};

	project_write("vars.yaml", "port: 2022\nlevel: 6\n");
	project_write("recipes/v.yaml",
		      "bakery: 1\n"
		      "variables: {id: ami-01234567, port: 22, level: , type: \"m{{ level }}i\", wait: 6m, on: "
		      "\"true\", net: subnet-0123456}\n"
		      "source: {id: \"{{ id }}\"}\n"
		      "launch: {instance_types: [\"{{type}}.large\"], subnets: {ids: [\"{{ net }}{{ level }}\"]}}\n"
		      "connect: {user: admin, port: \"{{ port }}\", timeout: \"{{ wait }}\"}\n"
		      "distribute: {share: {organization: \"{{ on }}\"}}\n"
		      "description: \"{{{{ level }} is {{ level }} in {{ recipe }}\"\n"
		      "playbooks: []\n");
	project.options.vars = (struct text_map){given, 1};
	project.options.var_files = (struct text_list){(const char *[]){"vars.yaml"}, 1};
	const struct recipe *recipe = project_read_ok(&project, "v");
	assert_string_equal(recipe->source.id, "ami-01234567");
	assert_string_equal(recipe->launch.instance_types.items[0], "m7i.large");
	assert_string_equal(recipe->launch.subnets->ids.items[0], "subnet-01234567");
	assert_int_equal(recipe->connect.port, 2022);
	assert_int_equal(recipe->connect.timeout_s, 360);
	assert_true(recipe->distribute.share.organization);
	assert_string_equal(recipe->description, "{{ level }} is 7 in v");
	assert_string_equal(text_map_get(&recipe->variables, "type"), "m7i");
	assert_string_equal(text_map_get(&recipe->variables, "port"), "2022");
	assert_int_equal(recipe->variables.count, 7);
}

static void wrong_variables(void **state)
{
	_cleanup_(project_free) struct project project = project_new();
	static const struct {
		const char *variables, *rest, *faults;
	} cases[] = {
		{"{ntp: x}", "owner: \"{{ npt }}\"\n",
		 "recipes/v.yaml:7:8: owner: unknown variable npt (did you mean ntp?)\n"},
		{"{ntp: x}", "owner: \"{{ something }}\"\n", "recipes/v.yaml:7:8: owner: unknown variable something\n"},
		{"{}", "owner: \"a {{ b\"\n",
		 "recipes/v.yaml:7:8: owner: \"{{ b\" names no variable (a literal {{ is written {{{{)\n"},
		{"{}", "owner: \"{{.Names}}\"\n",
		 "recipes/v.yaml:7:8: owner: \"{{.Names}}\" names no variable (a literal {{ is written {{{{)\n"},
		{"{}", "owner: \"{{ }}\"\n",
		 "recipes/v.yaml:7:8: owner: \"{{ }}\" names no variable (a literal {{ is written {{{{)\n"},
		{"{}", "deadline: \"{{ x }}\"\n",
		 "recipes/v.yaml:7:11: deadline: unknown variable x\n"}, /* and nothing about durations */
		{"{}", "owner: \"{{ build }}\"\n",
		 "recipes/v.yaml:7:8: owner: {{ build }} is known only to image.name and image.description\n"},
		{"{a: \"{{ build }}\"}", "", "recipes/v.yaml:6:16: variables.a: unknown variable build\n"},
		{"{build: x, recipe: y}", "",
		 "recipes/v.yaml:6:13: variables.build: is built in\nrecipes/v.yaml:6:23: variables.recipe: is built "
		 "in\n"},
		{"{\"a b\": x}", "",
		 "recipes/v.yaml:6:13: variables.a b: a variable's name is letters, digits, - and _, at most 64\n"},
		{"{a: [b]}", "", "recipes/v.yaml:6:16: variables.a: must be text, not a list\n"},
		{"[a]", "", "recipes/v.yaml:6:12: variables: must be a map, not a list\n"},
		{"{a: }", "", "recipes/v.yaml:6:16: variables.a: has no value here: give one with --var a=...\n"},
		{"{a: \"{{ b }}\", b: \"{{ a }}\"}", "", "recipes/v.yaml:6:30: variables.b: is made of itself\n"},
		{"{a: \"{{ a }}\"}", "", "recipes/v.yaml:6:16: variables.a: is made of itself\n"},
		{"{abc: \"{{ abd }}\"}", "",
		 "recipes/v.yaml:6:18: variables.abc: unknown variable abd (did you mean abc?)\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		read_with(&project, cases[i].variables, cases[i].rest);
		assert_string_equal(project.faults.data, cases[i].faults);
	}
}

static void unknown_variables_from_outside(void **state)
{
	_cleanup_(project_free) struct project project = project_new();
	static struct text_pair given[] = {{"ntp_servr", "x"}, {"recipe", "x"}};

	project_write("vars.yaml", "ntp_serve: 1\nntp_server: [x]\n");
	project.options.vars = (struct text_map){given, 2};
	project.options.var_files = (struct text_list){(const char *[]){"vars.yaml", "missing.yaml"}, 2};
	read_with(&project, "{ntp_server: a}", "");
	assert_string_equal(project.faults.data,
			    "--var: unknown variable ntp_servr (did you mean ntp_server?)\n"
			    "--var: unknown variable recipe\n"
			    "missing.yaml: there is no such file\n"
			    "vars.yaml:1:1: unknown variable ntp_serve (did you mean ntp_server?)\n"
			    "vars.yaml:2:13: ntp_server: must be text, not a list\n");
}

static void growth_is_bounded(void **state)
{
	_cleanup_(project_free) struct project project = project_new();
	_cleanup_(str_free) struct str variables = STR_INIT;

	str_add(&variables, "{v0: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	for (int i = 1; i < 30; i++) {
		str_addf(&variables, ", v%d: \"", i);
		for (int k = 0; k < 10; k++)
			str_addf(&variables, "{{ v%d }}", i - 1);
		str_add(&variables, "\"");
	}
	str_add(&variables, "}");
	read_with(&project, variables.data, "");
	assert_non_null(strstr(project.faults.data, "grows too long"));
}

/* --- around the recipe --- */

static void settings_beneath_and_command_line_on_top(void **state)
{
	_cleanup_(project_free) struct project project = project_new();

	project_write("bakery.yaml", "launch: {region: eu-west-1, instance_types: [m5.large], address: private, "
				     "root_volume: {size_gib: 9}}\n");
	project_write("recipes/r.yaml", "bakery: 1\nsource: {id: ami-01234567}\nconnect: {user: admin}\nplaybooks: []\n"
					"launch: {root_volume: {type: gp2}}\npublish: {channel: candidate}\n");
	const struct recipe *recipe = project_read_ok(&project, "r");
	assert_string_equal(recipe->launch.region, "eu-west-1");
	assert_int_equal(recipe->launch.address, ADDRESS_PRIVATE);
	assert_int_equal(recipe->launch.root_volume.size_gib, 9);
	assert_string_equal(recipe->launch.root_volume.type, "gp2");
	project.options.region = "us-west-2";
	project.options.channel = "testing";
	recipe = project_read_ok(&project, "r");
	assert_string_equal(recipe->launch.region, "us-west-2");
	assert_string_equal(recipe->publish.channel, "testing");
	project.options.region = "nowhere";
	assert_null(project_read(&project, "r"));
	assert_string_equal(project.faults.data,
			    "--region: launch.region: must be a region such as eu-west-1, not \"nowhere\"\n");
}

static void finding(void **state)
{
	_cleanup_(project_free) struct project project = project_new();

	project_write("recipes/small.yaml", minimal);
	project_write("elsewhere/other.yaml", minimal);
	project_read_ok(&project, "recipes/small.yaml");
	assert_string_equal(project_read_ok(&project, "./elsewhere/other.yaml")->name, "other");
	assert_null(project_read(&project, "smal"));
	assert_string_equal(project.err.text, "there is no recipe smal (did you mean small?)");
	assert_true(error_is(&project.err, ERROR_USAGE));
	assert_null(project_read(&project, "elsewhere/none.yaml"));
	assert_string_equal(project.err.text, "there is no recipe file elsewhere/none.yaml");
	assert_null(project_read(&project, "zzzzzzzzzzzz"));
	assert_non_null(strstr(project.err.text, "there is no recipe zzzzzzzzzzzz (there are: "));
	project_write("recipes/called.yaml",
		      "name: otherwise\nbakery: 1\nsource: {id: ami-01234567}\nlaunch: {instance_types: a1.large}\n"
		      "connect: {user: a}\nplaybooks: []\n");
	assert_null(project_read(&project, "called"));
	assert_string_equal(project.faults.data,
			    "recipes/called.yaml:1:7: name: must be called, as the file is called\n");
}

static void listing(void **state)
{
	_cleanup_(project_free) struct project project = project_new();
	struct text_map all;

	project_write("recipes/b.yaml", minimal);
	project_write("recipes/a.yaml", "bakery: 1\nbroken: [\n");
	project_write("recipes/exceptions.yaml", "- id: CVE-1\n");
	project_write("recipes/base/linux.yaml", minimal);
	project_write("recipes/notes.txt", "x");
	project_write("more/b.yaml", minimal);
	project_write("more/c.yaml", minimal);
	project_write("bakery.yaml", "recipes: [recipes, more]\n");
	assert_true(settings_load(NULL, ".", project.arena, &project.settings, &project.err));
	project.settings.recipes.count = 2; /* not what is shipped */
	recipe_list(&project.settings, project.arena, &all);
	assert_int_equal(all.count, 3);
	assert_string_equal(all.items[0].key, "a");
	assert_string_equal(all.items[1].key, "b");
	assert_true(str_ends(all.items[1].value, "/recipes/b.yaml"));
	assert_string_equal(all.items[2].key, "c");
}

static void loading_fails_with_all_faults(void **state)
{
	_cleanup_(project_free) struct project project = project_new();
	struct recipe *recipe;

	project_write("recipes/r.yaml", "bakery: 2\nsorce: {}\n");
	assert_true(settings_load(NULL, ".", project.arena, &project.settings, &project.err));
	assert_false(recipe_load(&project.settings, "r", NULL, project.arena, &recipe, &project.err));
	assert_true(error_is(&project.err, ERROR_INVALID));
	assert_string_equal(
		project.err.text,
		"6 faults:\n"
		"recipes/r.yaml:1:1: connect.user: is missing: the source image's login name, such as admin, ubuntu or "
		"ec2-user\n"
		"recipes/r.yaml:1:1: launch.instance_types: is missing (here, in what the recipe extends, or in the "
		"settings)\n"
		"recipes/r.yaml:1:1: playbooks: is missing: what is done on the instance (an empty list for nothing)\n"
		"recipes/r.yaml:1:1: source: is missing: exactly one of ami, ssm, id and recipe\n"
		"recipes/r.yaml:1:9: bakery: format 2 is not known to this version (it reads 1)\n"
		"recipes/r.yaml:2:1: sorce: unknown key (did you mean source?)");
}

/* --- hashes --- */

static const char *hash_of(struct project *project)
{
	return project_read_ok(project, "debian-12")->sha256;
}

static void the_hash_follows_what_is_built(void **state)
{
	_cleanup_(project_free) struct project project = project_new();
	const char *first, *comment, *playbook, *file, *text;

	write_whole_project();
	first = hash_of(&project);
	assert_string_equal(hash_of(&project), first);
	project_write("recipes/base/linux.yaml",
		      "# a comment\nimage: {tags: {os: linux}}\nbakery: 1\nconnect:\n  port: 22\n  user: admin\n");
	comment = hash_of(&project);
	assert_string_equal(comment, first);
	project_write("playbooks/patch.yaml", "playbook: 1\nsteps: [{run: apt-get dist-upgrade}]\n");
	playbook = hash_of(&project);
	assert_string_not_equal(playbook, first);
	project_write("recipes/files/user-data.yaml", "#cloud-config\nx: y\n");
	file = hash_of(&project);
	assert_string_not_equal(file, playbook);
	project_write("recipes/base/linux.yaml", "bakery: 1\nconnect: {user: root}\n");
	text = hash_of(&project);
	assert_string_not_equal(text, file);
}

static void the_hash_does_not_depend_on_the_place(void **state)
{
	_cleanup_(project_free) struct project here = project_new();
	const char *first;

	write_whole_project();
	first = hash_of(&here);
	_cleanup_(project_free) struct project there = project_new();
	write_whole_project();
	assert_string_equal(hash_of(&there), first);
}

static void build_ids_are_put_in_later(void **state)
{
	_cleanup_(freep) char *one = recipe_with_build("x-{{ build }}-{{ build }}.", "b1");
	_cleanup_(freep) char *none = recipe_with_build("plain {{build}}", "b1");

	assert_string_equal(one, "x-b1-b1.");
	assert_string_equal(none, "plain {{build}}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_minimal_recipe_has_defaults),
		cmocka_unit_test(the_documented_example),
		cmocka_unit_test(shorthands),
		cmocka_unit_test(scanners_and_their_content),
		cmocka_unit_test(extending_merges_maps_and_replaces_the_rest),
		cmocka_unit_test(a_name_is_not_inherited),
		cmocka_unit_test(faults_name_the_file_they_stand_in),
		cmocka_unit_test(circles_and_missing_bases),
		cmocka_unit_test(too_many_bases),
		cmocka_unit_test(variables_are_replaced_everywhere),
		cmocka_unit_test(wrong_variables),
		cmocka_unit_test(unknown_variables_from_outside),
		cmocka_unit_test(growth_is_bounded),
		cmocka_unit_test(settings_beneath_and_command_line_on_top),
		cmocka_unit_test(finding),
		cmocka_unit_test(listing),
		cmocka_unit_test(loading_fails_with_all_faults),
		cmocka_unit_test(the_hash_follows_what_is_built),
		cmocka_unit_test(the_hash_does_not_depend_on_the_place),
		cmocka_unit_test(build_ids_are_put_in_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
