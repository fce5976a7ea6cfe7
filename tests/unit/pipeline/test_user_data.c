/* SPDX-License-Identifier: Apache-2.0
 *
 * The cloud-config that instances start with. */
#include "../../../src/pipeline/pipeline.h"
#include "../../lib/check.h"

static struct tree *config_of(const char *wanted, enum ssh_key_type type)
{
	struct plan plan = {.launch = {.user_data = wanted}, .connect = {.key_type = type}};
	struct build build = {.plan = &plan, .deadline_mono_ms = clock_mono_ms() + 3600 * 1000 + 500};
	struct box box = {.host = {(char *)"PRIVATE\nHOST", (char *)"ssh-ed25519 HOST"},
			  .login = {(char *)"PRIVATE LOGIN", (char *)"ssh-ed25519 LOGIN bakery"}};
	_cleanup_(str_free) struct str base64 = STR_INIT, text = STR_INIT;
	struct error err = {0};
	struct tree *config;

	user_data_make(&build, &box, &base64);
	assert_true(crypto_base64_decode(base64.data, &text));
	assert_memory_equal(text.data, "#cloud-config\n", 14);
	assert_null(strstr(text.data, "PRIVATE LOGIN"));
	config = tree_from_yaml(text.data, text.len, &err);
	if (!config)
		fail_msg("%s", err.text);
	return config;
}

static void keys_and_timer(void **state)
{
	_cleanup_(tree_freep) struct tree *config = config_of(NULL, SSH_KEY_ED25519);

	assert_string_equal(tree_text(config, "ssh_keys.ed25519_private"), "PRIVATE\nHOST");
	assert_string_equal(tree_text(config, "ssh_keys.ed25519_public"), "ssh-ed25519 HOST");
	assert_string_equal(tree_text(config, "ssh_authorized_keys.1"), "ssh-ed25519 LOGIN bakery");
	assert_string_equal(tree_text(config, "bootcmd.1.1"), "sh");
	assert_non_null(strstr(tree_text(config, "bootcmd.1.3"), "shutdown -P +70 "));
}

static void keys_of_another_type(void **state)
{
	_cleanup_(tree_freep) struct tree *config = config_of(NULL, SSH_KEY_ECDSA);

	assert_string_equal(tree_text(config, "ssh_keys.ecdsa_private"), "PRIVATE\nHOST");
	assert_string_equal(tree_text(config, "ssh_keys.ecdsa_public"), "ssh-ed25519 HOST");
	assert_int_equal(tree_count(tree_get(config, "ssh_keys")), 2);
}

static void what_the_recipe_says_is_kept(void **state)
{
	_cleanup_(tree_freep) struct tree *config =
		config_of("{\"packages\":[\"jq\"],\"bootcmd\":[\"mine\"],\"ssh_keys\":{\"rsa_private\":\"x\"},\"ssh_"
			  "authorized_keys\":[\"ssh-ed25519 MINE\"]}",
			  SSH_KEY_ED25519);

	assert_string_equal(tree_text(config, "packages.1"), "jq");
	assert_string_equal(tree_text(config, "bootcmd.1"), "mine");
	assert_int_equal(tree_count(tree_get(config, "bootcmd")), 2);
	assert_int_equal(tree_count(tree_get(config, "ssh_authorized_keys")), 2);
	assert_int_equal(tree_count(tree_get(config, "ssh_keys")), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_and_timer),
		cmocka_unit_test(keys_of_another_type),
		cmocka_unit_test(what_the_recipe_says_is_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
