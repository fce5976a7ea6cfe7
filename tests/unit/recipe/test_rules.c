/* SPDX-License-Identifier: Apache-2.0
 *
 * What a recipe must not say, and what it is told. Each case changes a good recipe in one place. */
#include "project.h"

static const struct {
	const char *key, *line; /* of the good recipe; line numbers follow this order */
} good[] = {
	{"bakery", "1"},
	{"source", "{ami: {owners: [amazon], name: x, architecture: x86_64}}"},
	{"launch", "{region: us-east-1, instance_types: [m7i.large]}"},
	{"connect", "{user: admin}"},
	{"playbooks", "[patch]"},
};

/* The good recipe with one key's value replaced, or one more key at its end (line 6). */
static void read_changed(struct project *project, const char *key, const char *value)
{
	_cleanup_(str_free) struct str text = STR_INIT;
	bool replaced = false;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		bool here = str_eq(good[i].key, key);
		replaced |= here;
		str_addf(&text, "%s: %s\n", good[i].key, here ? value : good[i].line);
	}
	if (!replaced)
		str_addf(&text, "%s: %s\n", key, value);
	project_write("recipes/r.yaml", text.data);
	project_read(project, "r");
	assert_string_equal(project->err.text, "");
}

static const struct wrong {
	const char *key, *value, *fault; /* without "recipes/r.yaml:"; NULL: none */
} wrongs[] = {
	{"owner", "me", NULL},
	{"bakery", "2", "1:9: bakery: format 2 is not known to this version (it reads 1)"},
	{"bakery", "one", "1:9: bakery: must be a whole number, not \"one\""},
	{"name", "Debian", "6:7: name: must be a name of lower-case letters, digits, . _ and -, not \"Debian\""},

	{"source", "{}", "2:9: source: is missing: exactly one of ami, ssm, id and recipe"},
	{"source", "{id: ami-01234567, ssm: /x/y}",
	 "2:9: source: has ssm and id; exactly one of ami, ssm, id and recipe can be the source"},
	{"source", "{id: ami-0123456}",
	 "2:14: source.id: must be an image id such as ami-0123456789abcdef0, not \"ami-0123456\""},
	{"source", "{id: i-0123456789abcdef0}",
	 "2:14: source.id: must be an image id such as ami-0123456789abcdef0, not \"i-0123456789abcdef0\""},
	{"source", "{ssm: x/y}",
	 "2:15: source.ssm: must be a parameter's name such as /aws/service/debian/release/12/latest/amd64, not "
	 "\"x/y\""},
	{"source", "{ssm: /x/y:3}", NULL},
	{"source", "{ami: {name: x}}", "2:15: source.ami.owners: is missing"},
	{"source", "{ami: {owners: [], name: x}}", "2:24: source.ami.owners: must not be empty"},
	{"source", "{ami: {owners: [me, self], name: x}}",
	 "2:25: source.ami.owners.1: must be an account id (12 digits), amazon, self or aws-marketplace, not \"me\""},
	{"source", "{ami: {owners: 12345678901, name: x}}",
	 "2:24: source.ami.owners: must be an account id (12 digits), amazon, self or aws-marketplace, not "
	 "\"12345678901\""},
	{"source", "{ami: {owners: self, name: x, architecture: amd64}}",
	 "2:53: source.ami.architecture: must be one of x86_64, arm64, not \"amd64\" (did you mean arm64?)"},
	{"source", "{recipe: r}", "2:18: source.recipe: a recipe cannot be built on itself"},
	{"source", "{recipe: {name: x, channel: Y}}",
	 "2:37: source.recipe.channel: must be a name of lower-case letters, digits, . _ and -, not \"Y\""},
	{"source", "ami-01234567", "2:9: source: must be a map, not a text"},

	{"launch", "{region: us-east-1}",
	 "3:9: launch.instance_types: is missing (here, in what the recipe extends, or in the settings)"},
	{"launch", "{instance_types: []}", "3:26: launch.instance_types: must not be empty"},
	{"launch", "{instance_types: [large]}",
	 "3:27: launch.instance_types.1: must be an instance type such as m7i.large, not \"large\""},
	{"launch", "{instance_types: [m7i.large, c7g.large]}",
	 "3:26: launch.instance_types: c7g.large is arm64, the source image x86_64"},
	{"launch", "{instance_types: [u7i-12tb.224xlarge, g4dn.xlarge, x2iedn.large, hpc6a.48xlarge]}", NULL},
	{"launch", "{instance_types: m7i.large, region: us-east}",
	 "3:45: launch.region: must be a region such as eu-west-1, not \"us-east\""},
	{"launch", "{instance_types: m7i.large, market: cheap}",
	 "3:45: launch.market: must be one of on-demand, spot, spot-then-on-demand, not \"cheap\""},
	{"connect", "{user: admin, key_type: ecdsa}", NULL},
	{"connect", "{user: admin, key_type: rsa}",
	 "4:34: connect.key_type: must be one of ed25519, ecdsa, not \"rsa\""},
	{"launch", "{instance_types: m7i.large, address: intern}",
	 "3:46: launch.address: must be one of public, private, not \"intern\""},
	{"launch", "{instance_types: m7i.large, subnets: {ids: subnet-01234567, tags: {a: b}}}",
	 "3:46: launch.subnets: has ids and tags; one of them can say which"},
	{"launch", "{instance_types: m7i.large, subnets: [vpc-01234567]}",
	 "3:47: launch.subnets.ids.1: must be a subnet id such as subnet-0123456789abcdef0, not \"vpc-01234567\""},
	{"launch", "{instance_types: m7i.large, security_groups: default}",
	 "3:54: launch.security_groups: must be a security group id such as sg-0123456789abcdef0, not \"default\""},
	{"launch", "{instance_types: m7i.large, iam_instance_profile: a b}",
	 "3:59: launch.iam_instance_profile: must be the name or ARN of an instance profile, not \"a b\""},
	{"launch",
	 "{instance_types: m7i.large, iam_instance_profile: \"arn:aws:iam::123456789012:instance-profile/x\"}", NULL},
	{"launch", "{instance_types: m7i.large, user_data: x.yaml}",
	 "3:48: launch.user_data: there is no file recipes/x.yaml"},
	{"launch", "{instance_types: m7i.large, user_data: ../recipes}",
	 "3:48: launch.user_data: recipes is no regular file"},

	{"launch", "{instance_types: m7i.large, root_volume: {type: gp4}}",
	 "3:57: launch.root_volume.type: must be one of gp3, gp2, io1, io2, standard, not \"gp4\" (did you mean gp3?)"},
	{"launch", "{instance_types: m7i.large, root_volume: {size_gib: 0}}",
	 "3:61: launch.root_volume.size_gib: must be between 1 and 65536, not 0"},
	{"launch", "{instance_types: m7i.large, root_volume: {type: gp2, throughput: 250}}",
	 "3:74: launch.root_volume.throughput: cannot be chosen for gp2 (only for gp3)"},
	{"launch", "{instance_types: m7i.large, root_volume: {type: gp2, iops: 250}}",
	 "3:68: launch.root_volume.iops: cannot be chosen for gp2 (only for gp3, io1 and io2)"},
	{"launch", "{instance_types: m7i.large, root_volume: {throughput: 100}}",
	 "3:63: launch.root_volume.throughput: must be between 125 and 2000, not 100"},
	{"launch", "{instance_types: m7i.large, root_volume: {throughput: 1000}}",
	 "3:63: launch.root_volume.throughput: 1000 MiB/s need 4000 iops (4 for each), there are 3000"},
	{"launch", "{instance_types: m7i.large, root_volume: {throughput: 1000, iops: 4000}}", NULL},
	{"launch", "{instance_types: m7i.large, root_volume: {iops: 2000}}",
	 "3:57: launch.root_volume.iops: must be between 3000 and 80000 for gp3, not 2000"},
	{"launch", "{instance_types: m7i.large, root_volume: {size_gib: 8, iops: 5000}}",
	 "3:70: launch.root_volume.iops: gp3 has at most 500 a GiB: 4000 for 8 GiB"},
	{"launch", "{instance_types: m7i.large, root_volume: {size_gib: 1, iops: 3000}}", NULL},
	{"launch", "{instance_types: m7i.large, root_volume: {type: io2}}",
	 "3:50: launch.root_volume.iops: is missing: io2 needs it"},
	{"launch", "{instance_types: m7i.large, root_volume: {encrypted: false, kms_key: alias/x}}",
	 "3:78: launch.root_volume.kms_key: goes with encrypted: true only"},
	{"launch", "{instance_types: m7i.large, root_volume: {kms_key: x}}",
	 "3:60: launch.root_volume.kms_key: must be a KMS key: its id, alias/NAME or an ARN, not \"x\""},
	{"launch",
	 "{region: us-east-1, instance_types: m7i.large, root_volume: {kms_key: "
	 "\"arn:aws:kms:eu-west-1:123456789012:key/x\"}}",
	 "3:79: launch.root_volume.kms_key: is a key of eu-west-1, not of us-east-1"},

	{"connect", "{}",
	 "4:10: connect.user: is missing: the source image's login name, such as admin, ubuntu or ec2-user"},
	{"connect", "{user: a b}", "4:17: connect.user: must be a login name, not \"a b\""},
	{"connect", "{user: a, port: 0}", "4:26: connect.port: must be between 1 and 65535, not 0"},
	{"connect", "{user: a, port: 65536}", "4:26: connect.port: must be between 1 and 65535, not 65536"},
	{"connect", "{user: a, timeout: 1s}", "4:29: connect.timeout: must be between 10s and 1h, not 1s"},
	{"connect", "{user: a, bastion: jump}", "4:29: connect.bastion: must be a map, not a text"},
	{"connect", "{user: a, bastion: {host: x}}", "4:29: connect.bastion.user: is missing"},
	{"deadline", "1m", "6:11: deadline: must be between 5m and 1d, not 1m"},
	{"deadline", "2d", "6:11: deadline: must be between 5m and 1d, not 2d"},
	{"deadline", "5m", "6:1: connect.timeout: LINE4"},

	{"playbooks", "[patsh]", "5:13: playbooks.1: there is no playbook patsh (did you mean patch?)"},
	{"playbooks", "[./patch.yaml]",
	 "5:13: playbooks.1: there is no playbook ./patch.yaml: there is no file recipes/patch.yaml"},
	{"playbooks", "[patch, patch]", "5:20: playbooks.2: patch is used twice (first at recipes/r.yaml:5)"},
	{"playbooks", "[{vars: {}}]", "5:13: playbooks.1: needs playbook or ansible"},
	{"playbooks", "[{playbook: patch, vars: {x: y}}]", "5:13: playbooks.1: playbook patch: unknown variable x"},
	{"playbooks", "[{playbook: patch, ansible: x}]",
	 "5:13: playbooks.1: has playbook and ansible; one entry is one of them\n"
	 "recipes/r.yaml:5:40: playbooks.1.ansible: there is no file recipes/x"},
	{"playbooks", "[{ansible: x.yml}]", "5:23: playbooks.1.ansible: there is no file recipes/x.yml"},
	{"playbooks", "[{playbook: patch, extra_vars: {a: b}}]",
	 "5:13: playbooks.1: requirements, extra_vars, groups and secrets go with ansible"},
	{"playbooks", "[{ansible: site.yml, vars: {a: b}}]",
	 "5:13: playbooks.1: vars goes with playbook; ansible has extra_vars"},
	{"playbooks", "[[patch]]", "5:13: playbooks.1.playbook: must be text, not a list"},
	{"playbooks", "{a: b}",
	 "5:12: playbooks.1: needs playbook or ansible\nrecipes/r.yaml:5:13: playbooks.a: unknown key"},

	{"verify", "true", NULL},
	{"verify", "maybe", "6:9: verify.enabled: must be true or false, not \"maybe\""},
	{"verify", "{playbooks: [nothing]}", "6:22: verify.playbooks.1: there is no playbook nothing HINT"},
	{"verify", "{enabled: false, playbooks: [patch]}",
	 "6:37: verify.playbooks: nothing runs them when verify is off"},
	{"scan", "{gate: {critical: 0}}", "6:7: scan.scanner: is missing"},
	{"scan", "lynix",
	 "6:7: scan.scanner.kind: must be one of inspector, openscap, lynis, command, not \"lynix\" (did you mean "
	 "lynis?)"},
	{"scan", "{scanner: command}", "6:17: scan.scanner: needs a kind or a command"},
	{"scan", "{scanner: {profile: x}}", "6:17: scan.scanner: needs a kind or a command"},
	{"scan", "{scanner: [{kind: lynis, command: x}]}",
	 "6:18: scan.scanner.1: a command of your own is not one of the kinds: leave kind out"},
	{"scan", "{scanner: openscap}", "6:17: scan.scanner: openscap needs a profile, such as anssi_bp28_minimal"},
	{"scan", "{scanner: {kind: lynis, profile: x}}", "6:17: scan.scanner: profile is for openscap alone"},
	{"scan", "{scanner: {kind: openscap, profile: x, datastream: none.xml}}",
	 "6:58: scan.scanner.datastream: there is no file recipes/none.xml"},
	{"scan", "{scanner: {kind: openscap, profile: x, datastream: \"machine:/none.xml\"}}", NULL},
	{"scan", "{scanner: [lynis, {kind: openscap, profile: x}, lynis]}",
	 "6:55: scan.scanner.3: the same scanner twice"},
	{"scan", "{scanner: lynis, gate: {score: 101}}", "6:38: scan.gate.score: must be between -1 and 100, not 101"},
	{"scan", "{scanner: lynis, exceptions: none.yaml}",
	 "6:36: scan.exceptions: there is no file recipes/none.yaml"},
	{"scan", "{scanner: lynis, gate: {critical: -2}}",
	 "6:41: scan.gate.critical: must be between -1 and 1000000, not -2"},

	{"waive", "[{control: RULE-1, reason: x, expires: 2999-12-31}]", NULL},
	{"waive", "[{control: \"lynis:SSH-7408\", reason: x, expires: 2999-12-31}]", NULL},
	{"waive", "[{control: xccdf_org.ssgproject.content_rule_x, reason: x, expires: 2999-12-31}]", NULL},
	{"waive", "{control: RULE-1, reason: x, expires: 2999-12-31}", NULL},
	{"waive", "[{control: RULE-2, reason: x, expires: 2999-12-31}]",
	 "6:19: waive.1.control: no step of the recipe's playbooks has the control RULE-2 (did you mean RULE-1?)"},
	{"waive",
	 "[{control: RULE-1, reason: x, expires: 2999-12-31}, {control: RULE-1, reason: y, expires: 2999-01-01}]",
	 "6:70: waive.2.control: RULE-1 is waived twice"},
	{"waive", "[{control: RULE-1, reason: x, expires: 2020-12-31}]",
	 "6:47: waive.1.expires: the waiver of RULE-1 ended on 2020-12-31: remove it, or look at its reason again and "
	 "give it a new end"},
	{"waive", "{control: RULE-1, reason: x, expires: 2999-02-29}",
	 "6:46: waive.expires: must be a date such as 2027-06-30, not \"2999-02-29\""},
	{"waive", "[{control: RULE-1, reason: x, expires: next year}]",
	 "6:47: waive.1.expires: must be a date such as 2027-06-30, not \"next year\""},
	{"waive", "[{control: RULE-1, reason: x, expires: 2999-1-1}]",
	 "6:47: waive.1.expires: must be a date such as 2027-06-30, not \"2999-1-1\""},
	{"waive", "[{control: RULE-1, expires: 2999-12-31}]", "6:9: waive.1.reason: is missing"},
	{"waive", "[{control: RULE-1, reason: \"\", expires: 2999-12-31}]", "6:35: waive.1.reason: must not be empty"},

	{"image", "{name: \"x!{{ build }}\"}",
	 "6:15: image.name: must be 3 to 128 letters, digits and ()[] ./-'@_ (it comes out as "
	 "\"x!20261122-083012-7f3a\")"},
	{"image", "{name: ab}",
	 "6:15: image.name: must be 3 to 128 letters, digits and ()[] ./-'@_ (it comes out as \"ab\")"},
	{"image", "{tags: {\"aws:x\": y}}", "6:16: image.tags.aws:x: tags that begin with aws: belong to AWS"},
	{"image", "{tags: {\"bakery:x\": y}}",
	 "6:16: image.tags.bakery:x: tags that begin with bakery: are bakery's own"},
	{"image", "{imds: v1.0}", "6:15: image.imds: must be v2.0, not \"v1.0\" (did you mean v2.0?)"},
	{"image", "{boot_mode: bios}",
	 "6:20: image.boot_mode: must be one of legacy-bios, uefi, uefi-preferred, not \"bios\""},
	{"image", "{deprecate_after: 12h}", "6:26: image.deprecate_after: must be between 1d and 3660d, not 12h"},

	{"distribute", "{regions: {eu-west1: {}}}",
	 "6:24: distribute.regions: must be a region such as eu-west-1, not \"eu-west1\""},
	{"distribute", "{regions: [eu-west-1, eu-west-1]}", "6:35: distribute.regions.2: eu-west-1 stands twice"},
	{"distribute", "{regions: {eu-west-1: {}, eu-west-1: {}}}",
	 "6:39: eu-west-1: the key stands twice (first in line 6)"},
	{"distribute", "{regions: {us-east-1: {}}}",
	 "6:35: distribute.regions.us-east-1: the image is made there (launch.region): leave it out"},
	{"distribute", "{regions: {us-gov-west-1: {}}}",
	 "6:39: distribute.regions.us-gov-west-1: images cannot be copied from aws to aws-us-gov"},
	{"distribute", "{regions: {eu-west-1: {kms_key: \"arn:aws:kms:us-east-1:123456789012:key/x\"}}}",
	 "6:45: distribute.regions.eu-west-1.kms_key: is a key of us-east-1, not of eu-west-1"},
	{"distribute", "{share: {accounts: [12345678901]}}",
	 "6:33: distribute.share.accounts.1: must be an account id (12 digits), not \"12345678901\""},
	{"distribute", "{share: {accounts: [012345678901]}}", NULL},
	{"distribute", "{share: {organizations: [o-abc]}}",
	 "6:38: distribute.share.organizations.1: must be an organization's ARN "
	 "(arn:aws:organizations::123456789012:organization/o-...), not \"o-abc\""},
	{"distribute", "{share: {organizations: [\"arn:aws:organizations::123456789012:organization/o-abc\"]}}", NULL},
	{"distribute", "{share: {organizational_units: [\"arn:aws:organizations::123456789012:organization/o-abc\"]}}",
	 "6:45: distribute.share.organizational_units.1: must be an organizational unit's ARN "
	 "(arn:aws:organizations::123456789012:ou/o-.../ou-...), not "
	 "\"arn:aws:organizations::123456789012:organization/o-abc\""},
	{"publish", "{channel: Latest}",
	 "6:20: publish.channel: must be a name of lower-case letters, digits, . _ and -, not \"Latest\""},
	{"retain", "{keep: 0}", "6:16: retain.keep: must be between 1 and 10000, not 0"},
	{"retain", "{deprecate_after: 90d, disable_after: 60d}",
	 "6:47: retain.disable_after: must not come before deprecate_after"},
	{"retain", "{disable_after: 90d, deregister_after: 60d}",
	 "6:48: retain.deregister_after: must not come before disable_after"},
	{"retain", "{deprecate_after: 90d, deregister_after: 60d}",
	 "6:50: retain.deregister_after: must not come before deprecate_after"},
};

/* Texts that depend on the machine or would not fit into the table. */
static void expand_fault(const char *fault, struct str *out)
{
	if (!fault)
		return;
	if (strstr(fault, "LINE4"))
		str_add(out,
			"recipes/r.yaml:4:10: connect.timeout: must be shorter than the deadline of the whole build\n");
	else
		str_addf(out, "recipes/r.yaml:%s\n", fault);
}

static void one_fault_each(void **state)
{
	_cleanup_(project_free) struct project project = project_new();

	project_write("playbooks/patch.yaml",
		      "playbook: 1\nsteps: [{run: x}, {id: a, controls: [RULE-1], check: x}]\n");
	project_write("recipes/site.yml", "[]");
	int failed = 0;
	for (size_t i = 0; i < ARRAY_SIZE(wrongs); i++) {
		_cleanup_(str_free) struct str wanted = STR_INIT;
		read_changed(&project, wrongs[i].key, wrongs[i].value);
		expand_fault(wrongs[i].fault, &wanted);
		char *hint = strstr(wanted.data, "HINT");
		if (hint) { /* the shipped playbooks are listed there */
			*hint = '\0';
			assert_true(str_starts(project.faults.data, wanted.data));
			continue;
		}
		if (strcmp(project.faults.data, wanted.data) == 0)
			continue;
		print_error("%s: %s\nsays   %swanted %s", wrongs[i].key, wrongs[i].value, project.faults.data,
			    wanted.data);
		failed++;
	}
	assert_int_equal(failed, 0);
}

/* A recipe on top of another may leave a playbook out; the waivers that were for it waive nothing then. */
static void waivers_may_be_inherited(void **state)
{
	_cleanup_(project_free) struct project project = project_new();

	project_write("playbooks/patch.yaml",
		      "playbook: 1\nsteps: [{run: x}, {id: a, controls: [RULE-1], check: x}]\n");
	project_write("playbooks/other.yaml", "playbook: 1\nsteps: [{run: x}]\n");
	read_changed(&project, "waive", "[{control: RULE-1, reason: x, expires: 2999-12-31}]");
	assert_string_equal(project.faults.data, "");
	project_write("recipes/top.yaml", "bakery: 1\nextends: r\nplaybooks: [other]\n");
	project_read_ok(&project, "top");
	project_write("recipes/top.yaml", "bakery: 1\nextends: r\nplaybooks: [other]\n"
					  "waive: [{control: RULE-1, reason: x, expires: 2999-12-31}]\n");
	project_read(&project, "top");
	assert_string_equal(
		project.faults.data,
		"recipes/top.yaml:4:19: waive.1.control: no step of the recipe's playbooks has the control RULE-1\n");
}

/* Of the hardening that comes with bakery, too: its variable has that name. */
static void host_keys_that_hardening_leaves_out(void **state)
{
	_cleanup_(project_free) struct project project = project_new();
	static const char fault[] =
		"recipes/r.yaml:5:20: playbooks.2: ssh admits no ecdsa-sha2-nistp256, which the host "
		"keys of connect.key_type: ecdsa are: name it in ssh_host_key_algorithms\n";

	project_write("playbooks/patch.yaml", "playbook: 1\nsteps: [{run: x}]\n");
	project_write("playbooks/ssh.yaml",
		      "playbook: 1\nvars: {ssh_host_key_algorithms: \"ssh-ed25519,rsa-sha2-512\"}\n"
		      "steps: [{run: \"echo {{ ssh_host_key_algorithms }}\"}]\n");
	read_changed(&project, "playbooks", "[patch, ssh]");
	assert_string_equal(project.faults.data, "");
	project_write("recipes/top.yaml", "bakery: 1\nextends: r\nconnect: {key_type: ecdsa}\n");
	project_read(&project, "top");
	assert_string_equal(project.faults.data, fault);
	read_changed(&project, "playbooks",
		     "[{playbook: ssh, vars: {ssh_host_key_algorithms: \"rsa-sha2-512,ecdsa-sha2-nistp256\"}}]");
	assert_int_equal(project_read_ok(&project, "top")->connect.key_type, SSH_KEY_ECDSA);
}

static void channels_are_those_of_the_settings(void **state)
{
	_cleanup_(project_free) struct project project = project_new();

	project_write("playbooks/patch.yaml", "playbook: 1\nsteps: [{run: x}]\n");
	project_write("bakery.yaml", "channels: [candidate, approved]\n");
	read_changed(&project, "publish", "approved");
	assert_string_equal(project.faults.data, "");
	read_changed(&project, "publish", "{channel: aproved}");
	assert_string_equal(project.faults.data, "recipes/r.yaml:6:20: publish.channel: the settings have no channel "
						 "aproved (did you mean approved?)\n");
	read_changed(&project, "publish", "{channel: stable}");
	assert_string_equal(project.faults.data,
			    "recipes/r.yaml:6:20: publish.channel: the settings have no channel stable\n");
}

static void long_descriptions(void **state)
{
	_cleanup_(project_free) struct project project = project_new();
	char text[257] = "";

	project_write("playbooks/patch.yaml", "playbook: 1\nsteps: [{run: x}]\n");
	memset(text, 'x', 255);
	read_changed(&project, "description", text);
	assert_string_equal(project.faults.data, "");
	text[255] = 'x';
	read_changed(&project, "description", text);
	assert_string_equal(
		project.faults.data,
		"recipes/r.yaml:6:14: description: is the image's description: at most 255 bytes, not 256\n");
}

static void too_many_tags(void **state)
{
	_cleanup_(project_free) struct project project = project_new();
	_cleanup_(str_free) struct str tags = STR_INIT;

	project_write("playbooks/patch.yaml", "playbook: 1\nsteps: [{run: x}]\n");
	str_add(&tags, "{tags: {");
	for (int i = 0; i < 41; i++)
		str_addf(&tags, "t%d: x,", i);
	str_add(&tags, "}}");
	read_changed(&project, "image", tags.data);
	assert_string_equal(project.faults.data, "recipes/r.yaml:6:15: image.tags: at most 40 tags\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_fault_each),	    cmocka_unit_test(host_keys_that_hardening_leaves_out),
		cmocka_unit_test(waivers_may_be_inherited), cmocka_unit_test(channels_are_those_of_the_settings),
		cmocka_unit_test(long_descriptions),	    cmocka_unit_test(too_many_tags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
