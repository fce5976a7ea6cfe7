/* SPDX-License-Identifier: Apache-2.0
 *
 * The shell text made of user data is run by a real shell, with the init's helpers replaced by ones that only show what
 * they are given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bakery/mem.h"
#include "bakery/process.h"
#include "src/sandbox/machine/cloud_init.h"

static const char helpers[] = "put() { printf '<%s|%s|%s|%s|%s>' \"$1\" \"$2\" \"$3\" \"${4:-}\" \"$(cat)\"; echo; }\n"
			      "warn() { echo \"warning: $*\"; }\n"
			      "apt() { echo \"apt $*\"; }\n";

static char *run(const char *user_data, const char *hostname, const char *key, const char *commands)
{
	const struct machine_spec spec = {.id = "i-1",
					  .hostname = hostname,
					  .login_user = "admin",
					  .authorized_key = key,
					  .user_data = user_data,
					  .user_data_length = user_data ? strlen(user_data) : 0};
	_cleanup_(str_free) struct str text = STR_INIT;
	struct str out = STR_INIT;
	struct error err = {};

	cloud_init_settings(&spec, "nameserver 10.0.2.3\nsearch it's.example", &text);
	str_add(&text, helpers);
	str_addf(&text, "%s\n", commands);
	const struct process process = {
		.argv = (const char *const[]){"sh", "-eu", NULL}, .input = text.data, .input_length = text.len};
	if (!process_must(&process, &out, &err))
		fail_msg("%s\n%s", err.text, text.data);
	return str_take(&out);
}

static void check(const char *user_data, const char *commands, const char *expected)
{
	_cleanup_(freep) char *out = run(user_data, "host-1", "ssh-ed25519 AAAA it's mine", commands);

	assert_string_equal(out, expected);
}

static void says_who_it_is(void **state)
{
	check(NULL, "echo \"$instance $hostname $login_user\"; echo \"$name_servers\"; echo \"$authorized_keys\"",
	      "i-1 host-1 admin\nnameserver 10.0.2.3\nsearch it's.example\nssh-ed25519 AAAA it's mine\n");
	check("#cloud-config\nhostname: other\nssh_authorized_keys: [one two, \"three\"]\n",
	      "echo \"$hostname\"; echo \"$authorized_keys\"", "other\nssh-ed25519 AAAA it's mine\none two\nthree\n");
}

static void does_nothing_without_user_data(void **state)
{
	static const char all[] = "user_data; boot_commands; files; given_host_keys; given_scripts; packages; echo end";

	check(NULL, all, "end\n");
	check("", all, "end\n");
	check("#cloud-config\n", all, "#cloud-config\nend\n");
}

static void keeps_the_user_data_as_it_came(void **state)
{
	check("#cloud-config\nruncmd: [\"echo 'a' \\\"$b\\\" `c` \\\\\"]\n", "user_data",
	      "#cloud-config\nruncmd: [\"echo 'a' \\\"$b\\\" `c` \\\\\"]\n");
}

static void writes_files_of_every_encoding(void **state)
{
	check("#cloud-config\n"
	      "write_files:\n"
	      "- {path: /a, content: \"one\\n\"}\n"
	      "- {path: /b, content: dHdv, encoding: b64, owner: \"u:g\", permissions: \"0600\"}\n"
	      "- {path: /c, content: dHdv, encoding: base64, append: true}\n"
	      "- {path: /d, content: H4sIAAAAAAACAyvJKEpNBQDcOOYRBQAAAA==, encoding: gz+b64}\n"
	      "- {path: relative, content: x}\n"
	      "- {content: x}\n"
	      "- text\n",
	      "files",
	      "</a|0644|root:root||one>\n</b|0600|u:g||two>\n</c|0644|root:root|append|two>\n</"
	      "d|0644|root:root||three>\n");
}

static void runs_nothing_that_is_only_data(void **state)
{
	check("#cloud-config\n"
	      "hostname: \"$(echo evil)\"\n"
	      "write_files:\n"
	      "- {path: \"/a'; echo evil; '\", content: \"'; echo evil; '\", owner: \"`echo evil`\", permissions: "
	      "\"$(echo evil)\"}\n"
	      "packages: [\"a; echo evil\", \"--evil\"]\n",
	      "files; packages",
	      "</a'; echo evil; '|$(echo evil)|`echo evil`||'; echo evil; '>\napt update\n"
	      "apt install -- a; echo evil --evil\n");
}

static void turns_commands_into_scripts(void **state)
{
	check("#cloud-config\nruncmd:\n- echo a; echo b\n- [touch, \"it's here\", \"$HOME\"]\n- 7\n", "given_scripts",
	      "</var/lib/cloud/instance/scripts/runcmd|0700|root:root||#!/bin/sh\necho a; echo b\n"
	      "'touch' 'it'\\''s here' '$HOME'\n7>\n");
	check("#!/bin/sh\necho 'hi'\n", "given_scripts",
	      "</var/lib/cloud/instance/scripts/part-001|0700|root:root||#!/bin/sh\necho 'hi'>\n");
}

static void writes_the_host_keys_it_is_given(void **state)
{
	check("#cloud-config\nssh_keys:\n  ed25519_private: |\n    -----BEGIN\n    x\n  ed25519_public: ssh-ed25519 "
	      "AAAA\n  rsa_public: \"r\"\n",
	      "given_host_keys",
	      "</etc/ssh/ssh_host_rsa_key.pub|0644|root:root||r>\n"
	      "</etc/ssh/ssh_host_ed25519_key|0600|root:root||-----BEGIN\nx>\n"
	      "</etc/ssh/ssh_host_ed25519_key.pub|0644|root:root||ssh-ed25519 AAAA>\n");
}

static void warns_of_what_it_cannot_read(void **state)
{
	static const char *const broken[] = {"#cloud-config\na: [\n", "#cloud-config\n- a\n", "something else\n",
					     "Content-Type: multipart/mixed\n"};

	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		_cleanup_(freep) char *out = run(broken[i], "host-1", NULL,
						 "boot_commands; files; given_host_keys; given_scripts; packages");
		if (strncmp(out, "warning: ", 9) != 0 || strchr(out, '\n')[1])
			fail_msg("%s gives %s", broken[i], out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_who_it_is),
		cmocka_unit_test(does_nothing_without_user_data),
		cmocka_unit_test(keeps_the_user_data_as_it_came),
		cmocka_unit_test(writes_files_of_every_encoding),
		cmocka_unit_test(runs_nothing_that_is_only_data),
		cmocka_unit_test(turns_commands_into_scripts),
		cmocka_unit_test(writes_the_host_keys_it_is_given),
		cmocka_unit_test(warns_of_what_it_cannot_read),
	};

	return cmocka_run_group_tests_name("cloud_init", tests, NULL, NULL);
}
