/* SPDX-License-Identifier: Apache-2.0
 *
 * Secrets pass through many hands, and none of ours may keep a copy: after each, all of this process's memory is
 * searched. */
#include "../../../src/aws/credentials/credentials.h"
#include "../../../src/aws/credentials/profiles.h"
#include "../../../src/aws/credentials/sources.h"
#include "../../../src/aws/protocol.h"
#include "../../lib/check.h"
#include "bakery/crypto.h"
#include "bakery/file.h"
#include "bakery/mem.h"
#include "bakery/sigv4.h"

enum { LENGTH = 300, PART = 24, AT = 100, CHUNK = 1 << 16, MOST_REGION = 256 << 20 };

/* What is freed is to be found as it was left; ASan would overwrite it first. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "max_free_fill_size=0";
}

static uint8_t masked[LENGTH]; /* the secret, so that this one is not found */

static char *secret(void)
{
	char *text = mem_alloc(LENGTH + 1);
	for (size_t i = 0; i < LENGTH; i++)
		text[i] = (char)(masked[i] ^ 0x80);
	return text;
}

static void secret_free(char **text)
{
	mem_wipe(*text, LENGTH);
	free(*text);
}

static int setup(void **state)
{
	crypto_random(masked, sizeof(masked));
	for (size_t i = 0; i < LENGTH; i++)
		masked[i] = (uint8_t)(('a' + masked[i] % 26) ^ 0x80);
	return 0;
}

static size_t count_in(const uint8_t *data, size_t length, const uint8_t part[PART])
{
	const uint8_t *end = data + length;
	size_t found = 0;
	for (const uint8_t *at = data; (at = memmem(at, (size_t)(end - at), part, PART)); at++)
		found++;
	return found;
}

/* Copies of the secret's middle in the region, read as the kernel sees it. What this needs lies on the stack, which is
 * left out. */
static size_t count_between(FILE *memory, unsigned long from, unsigned long to)
{
	uint8_t chunk[CHUNK + PART - 1], part[PART];
	size_t found = 0;
	for (size_t i = 0; i < PART; i++)
		part[i] = masked[AT + i] ^ 0x80;
	for (unsigned long at = from; at < to; at += CHUNK) {
		size_t wanted = to - at < sizeof(chunk) ? to - at : sizeof(chunk);
		ssize_t got = pread(fileno(memory), chunk, wanted, (off_t)at);
		if (got > 0)
			found += count_in(chunk, (size_t)got, part);
	}
	mem_wipe(chunk, sizeof(chunk));
	mem_wipe(part, sizeof(part));
	return found;
}

static size_t count_copies(void)
{
	FILE *maps = fopen("/proc/self/maps", "re"), *memory = fopen("/proc/self/mem", "re");
	unsigned long from, to;
	char line[512], rights[8];
	size_t found = 0;
	assert_non_null(maps);
	assert_non_null(memory);
	while (fgets(line, sizeof(line), maps)) {
		/* Larger ones are ASan's own, and empty. */
		if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) == 3 && rights[1] == 'w' &&
		    to - from <= MOST_REGION && !strstr(line, "[stack]"))
			found += count_between(memory, from, to);
	}
	fclose(maps);
	fclose(memory);
	return found;
}

static void what_is_not_wiped_is_found(void **state)
{
	assert_int_equal(count_copies(), 0);
	char *text = secret();
	assert_int_equal(count_copies(), 1);
	secret_free(&text);
	assert_int_equal(count_copies(), 0);
}

static void growing_leaves_nothing(void **state)
{
	_cleanup_(secret_free) char *text = secret();
	struct str grown = STR_INIT;
	char *between[LENGTH];
	for (size_t i = 0; i < LENGTH; i++) {
		str_add_char(&grown, text[i]);
		between[i] = mem_alloc(40); /* so that it cannot grow where it is */
	}
	str_wipe_free(&grown);
	for (size_t i = 0; i < LENGTH; i++)
		free(between[i]);
	assert_int_equal(count_copies(), 1);
}

static void signing_leaves_nothing(void **state)
{
	_cleanup_(secret_free) char *token = secret();
	const struct sigv4_header headers[] = {{"Host", "ec2.example.org"}, {"Content-Type", "text/xml"}};
	const struct sigv4_request request = {"POST", "/", NULL, headers, 2, "body", 4};
	const struct sigv4_credentials keys = {"AKIDEXAMPLE", "key", token};
	const struct sigv4_scope scope = {"eu-west-1", "ec2", 1700000000000, 0, 60};
	struct sigv4 signature;
	sigv4_sign_headers(&request, &keys, &scope, &signature);
	sigv4_free(&signature);
	assert_int_equal(count_copies(), 1);
	sigv4_sign_query(&request, &keys, &scope, &signature);
	sigv4_free(&signature);
	assert_int_equal(count_copies(), 1);
}

static void reading_answers_leaves_nothing(void **state)
{
	static const char *const forms[] = {
		"{\"Credentials\":{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\",\"SessionToken\":\"%s\"}}",
		"<R><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
		"<SessionToken>%s</SessionToken></Credentials></R>"};
	_cleanup_(secret_free) char *token = secret();
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		struct str text = STR_INIT;
		struct credentials credentials;
		struct error err = {0};
		str_addf(&text, forms[i], token);
		struct tree *tree = *forms[i] == '{' ? tree_from_json(text.data, text.len, &err)
						     : tree_from_xml(text.data, text.len, &err);
		assert_works(tree && credentials_from_tree(tree, &sts_credential_names, &credentials, &err));
		assert_string_equal(credentials.session_token, token);
		credentials_free(&credentials);
		tree_wipe_free(tree);
		str_wipe_free(&text);
		assert_int_equal(count_copies(), 1);
	}
}

static void asking_leaves_nothing(void **state)
{
	static const struct {
		enum aws_operation operation;
		const char *argument;
	} cases[] = {{AWS_ec2_RunInstances, "UserData"},
		     {AWS_sts_AssumeRoleWithWebIdentity, "WebIdentityToken"},
		     {AWS_ssm_PutParameter, "Value"}};
	_cleanup_(secret_free) char *text = secret();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct aws_call call = aws_call(cases[i].operation, "eu-west-1");
		struct wire_request wire;
		aws_arg(&call, cases[i].argument, text);
		protocol_encode(operation_row(cases[i].operation), call.args, &wire);
		assert_non_null(strstr(wire.body.data, text));
		wire_request_free(&wire);
		aws_call_clear(&call);
		assert_int_equal(count_copies(), 1);
	}
}

static void reading_profiles_leaves_nothing(void **state)
{
	_cleanup_(freep) char *path = path_join(*state, "credentials");
	const struct profile_files files = {.credentials = path, .config = (char *)"/nonexistent"};
	_cleanup_(secret_free) char *token = secret();
	struct str text = STR_INIT;
	struct profile profile;
	struct error err = {0};
	str_addf(&text, "[default]\naws_access_key_id = a\naws_secret_access_key = b\naws_session_token = %s\n", token);
	assert_works(file_replace(path, text.data, text.len, 0600, &err));
	str_wipe_free(&text);
	assert_works(profile_read_both(&files, "default", &profile, &err));
	assert_string_equal(profile.session_token, token);
	profile_free(&profile);
	assert_int_equal(count_copies(), 1);
}

static void decoding_leaves_nothing(void **state)
{
	_cleanup_(secret_free) char *text = secret();
	struct str coded = STR_INIT, plain = STR_INIT;
	crypto_base64(text, LENGTH, &coded);
	assert_true(crypto_base64_decode(coded.data, &plain));
	assert_string_equal(plain.data, text);
	str_wipe_free(&coded);
	str_wipe_free(&plain);
	assert_int_equal(count_copies(), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_wiped_is_found), cmocka_unit_test(growing_leaves_nothing),
		cmocka_unit_test(signing_leaves_nothing),     cmocka_unit_test(reading_answers_leaves_nothing),
		cmocka_unit_test(asking_leaves_nothing),      folder_test(reading_profiles_leaves_nothing),
		cmocka_unit_test(decoding_leaves_nothing),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
