/* SPDX-License-Identifier: Apache-2.0
 *
 * The signer against AWS's published vectors, step by step, for header and query signing; and the verifier against the
 * signer. The vectors are not part of this project: BAKERY_TESTDATA names the folder that holds aws-sigv4/, default
 * ../shared/testdata. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/file.h"
#include "bakery/mem.h"
#include "bakery/sigv4.h"
#include "bakery/tree.h"

/* --- a request text as the vectors write it --- */

struct parsed {
	struct arena *arena;
	struct sigv4_header headers[32];
	struct sigv4_request request;
	const char *first_line_end; /* " HTTP/1.1" */
};

static char *line_of(struct arena *arena, const char **text)
{
	size_t length = strcspn(*text, "\n");
	char *line = arena_strndup(arena, *text, length);
	*text += length + ((*text)[length] == '\n');
	return line;
}

static void parse_first_line(struct parsed *out, char *line)
{
	char *target = strchr(line, ' ');
	char *version = strrchr(line, ' ');
	assert_non_null(target);
	assert_ptr_not_equal(target, version);
	*target++ = *version = '\0';
	char *query = strchr(target, '?');
	if (query)
		*query++ = '\0';
	out->request.method = line;
	out->request.path = target;
	out->request.query = query;
	out->first_line_end = version + 1;
}

static void parse(struct parsed *out, const char *text)
{
	*out = (struct parsed){.arena = arena_new()};
	parse_first_line(out, line_of(out->arena, &text));
	while (*text && *text != '\n') {
		char *line = line_of(out->arena, &text);
		if (*line == ' ') { /* a folded line belongs to the one before */
			assert_true(out->request.header_count > 0);
			struct sigv4_header *last = &out->headers[out->request.header_count - 1];
			last->value = arena_printf(out->arena, "%s\n%s", last->value, line);
			continue;
		}
		char *colon = strchr(line, ':');
		assert_non_null(colon);
		assert_true(out->request.header_count < ARRAY_SIZE(out->headers));
		*colon = '\0';
		out->headers[out->request.header_count++] = (struct sigv4_header){line, colon + 1};
	}
	text += *text == '\n';
	out->request.headers = out->headers;
	out->request.body = arena_strdup(out->arena, text);
	out->request.body_length = strlen(text);
}

static void parsed_free(struct parsed *parsed)
{
	arena_free(parsed->arena);
}

static void write_request(struct str *out, const struct parsed *parsed, const char *query, const struct sigv4 *added)
{
	str_addf(out, "%s %s%s%s %s\n", parsed->request.method, parsed->request.path, query && *query ? "?" : "",
		 query ? query : "", parsed->first_line_end);
	for (size_t i = 0; i < parsed->request.header_count; i++)
		str_addf(out, "%s:%s\n", parsed->headers[i].name, parsed->headers[i].value);
	for (size_t i = 0; i < added->header_count; i++)
		str_addf(out, "%s:%s\n", added->headers[i].name, added->headers[i].value);
	str_addf(out, "\n%s", (const char *)parsed->request.body);
}

/* --- the vectors --- */

struct vector {
	struct str folder;
	struct tree *context;
	struct parsed parsed;
	struct sigv4_credentials credentials;
	struct sigv4_scope scope;
};

static char *read_text(const char *folder, const char *name)
{
	struct error err = {0};
	_cleanup_(freep) char *path = path_join(folder, name);
	_cleanup_(str_free) struct str text = STR_INIT;
	if (!file_read(path, 1 << 20, &text, &err))
		fail_msg("%s", err.text);
	return str_take(&text);
}

static void vector_read(struct vector *out, const char *folder)
{
	struct error err = {0};
	_cleanup_(freep) char *context = read_text(folder, "context.json");
	_cleanup_(freep) char *request = read_text(folder, "request.txt");
	out->context = tree_from_json(context, strlen(context), &err);
	if (!out->context)
		fail_msg("%s: %s", folder, err.text);
	parse(&out->parsed, request);
	out->credentials = (struct sigv4_credentials){
		tree_text(out->context, "credentials.access_key_id"),
		tree_text(out->context, "credentials.secret_access_key"),
		tree_text(out->context, "credentials.token"),
	};
	out->scope = (struct sigv4_scope){
		.region = tree_text(out->context, "region"),
		.service = tree_text(out->context, "service"),
		.expires_s = tree_int(out->context, "expiration_in_seconds", 0),
		.flags = (tree_bool(out->context, "normalize", true) ? 0 : SIGV4_RAW_PATH) |
			 (tree_bool(out->context, "sign_body", false) ? SIGV4_BODY_HEADER : 0) |
			 (tree_bool(out->context, "omit_session_token", false) ? SIGV4_TOKEN_AFTER : 0),
	};
	assert_true(clock_parse_rfc3339(tree_text(out->context, "timestamp"), &out->scope.now_ms));
}

static void vector_free(struct vector *vector)
{
	parsed_free(&vector->parsed);
	tree_free(vector->context);
}

static void expect_text(const char *folder, const char *name, const char *actual)
{
	_cleanup_(freep) char *expected = read_text(folder, name);
	size_t want = strlen(expected), have = strlen(actual);
	/* Some files end with a line end more than the others. */
	while (want > 0 && expected[want - 1] == '\n')
		expected[--want] = '\0';
	while (have > 0 && actual[have - 1] == '\n')
		have--;
	if (want != have || memcmp(expected, actual, want) != 0)
		fail_msg("%s/%s\n--- wanted\n%s\n--- got\n%s", folder, name, expected, actual);
}

static void check_headers(const char *folder, const struct vector *vector)
{
	struct sigv4 got;
	_cleanup_(str_free) struct str text = STR_INIT;
	sigv4_sign_headers(&vector->parsed.request, &vector->credentials, &vector->scope, &got);
	expect_text(folder, "header-canonical-request.txt", got.canonical_request.data);
	expect_text(folder, "header-string-to-sign.txt", got.string_to_sign.data);
	expect_text(folder, "header-signature.txt", got.signature);
	write_request(&text, &vector->parsed, vector->parsed.request.query, &got);
	expect_text(folder, "header-signed-request.txt", text.data);
	sigv4_free(&got);
}

static void check_query(const char *folder, const struct vector *vector)
{
	struct sigv4 got;
	_cleanup_(str_free) struct str text = STR_INIT;
	sigv4_sign_query(&vector->parsed.request, &vector->credentials, &vector->scope, &got);
	expect_text(folder, "query-canonical-request.txt", got.canonical_request.data);
	expect_text(folder, "query-string-to-sign.txt", got.string_to_sign.data);
	expect_text(folder, "query-signature.txt", got.signature);
	write_request(&text, &vector->parsed, got.query.data, &got);
	expect_text(folder, "query-signed-request.txt", text.data);
	sigv4_free(&got);
}

/* The published signed requests are what a server receives. */
static void check_verifier(const char *folder, const char *name, const struct vector *vector)
{
	_cleanup_(freep) char *text = read_text(folder, name);
	struct parsed received;
	struct sigv4_claim claim;
	struct error err = {0};
	/* With the token after the signature, a query's token is not known to be unsigned: servers that want it so are
	 * not EC2. */
	if (strstr(name, "query") && vector->scope.flags & SIGV4_TOKEN_AFTER)
		return;
	parse(&received, text);
	if (sigv4_claim_read(&received.request, &claim, &err) != SIGV4_GOOD)
		fail_msg("%s/%s: %s", folder, name, err.text);
	assert_string_equal(claim.access_key, vector->credentials.access_key);
	assert_string_equal(claim.region, "us-east-1");
	assert_string_equal(claim.service, "service");
	if (sigv4_verify(&received.request, &claim, vector->credentials.secret_key,
			 vector->scope.flags & SIGV4_RAW_PATH, vector->scope.now_ms + 1000, &err) != SIGV4_GOOD)
		fail_msg("%s/%s: %s", folder, name, err.text);
	assert_int_equal(sigv4_verify(&received.request, &claim, "another", 0, vector->scope.now_ms, &err),
			 SIGV4_MISMATCH);
	sigv4_claim_free(&claim);
	parsed_free(&received);
}

static char *vectors_folder(void)
{
	const char *testdata = getenv("BAKERY_TESTDATA"), *source = getenv("BAKERY_SOURCE_FOLDER");
	return testdata ? mem_printf("%s/aws-sigv4", testdata)
			: mem_printf("%s/../shared/testdata/aws-sigv4", source ? source : ".");
}

static void test_vectors(void **state)
{
	_cleanup_(freep) char *root = vectors_folder();
	DIR *folders = opendir(root);
	size_t count = 0;
	if (!folders) {
		print_message("# skipped: there are no vectors at %s (set BAKERY_TESTDATA)\n", root);
		return; /* cmocka's own skip() is a failure in TAP */
	}
	for (struct dirent *entry; (entry = readdir(folders));) {
		_cleanup_(freep) char *folder = path_join(root, entry->d_name);
		_cleanup_(freep) char *context = path_join(folder, "context.json");
		if (entry->d_name[0] == '.' || !file_exists(context))
			continue;
		struct vector vector = {0};
		vector_read(&vector, folder);
		check_headers(folder, &vector);
		check_query(folder, &vector);
		check_verifier(folder, "header-signed-request.txt", &vector);
		check_verifier(folder, "query-signed-request.txt", &vector);
		vector_free(&vector);
		count++;
	}
	closedir(folders);
	print_message("# %zu vectors\n", count);
	assert_true(count >= 30);
}

/* --- the verifier --- */

static const struct sigv4_credentials keys = {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", NULL};
static const struct sigv4_scope scope = {"eu-west-1", "ec2", 1440938160000, 900, 0};
static const struct sigv4_header plain_headers[] = {{"Host", "127.0.0.1:4566"}, {"Content-Type", "text/plain"}};
static const struct sigv4_request plain = {"POST", "/", "", plain_headers, 2, "Action=X", 8};

/* `plain` with the signature's headers. */
struct sent {
	struct sigv4 signed_;
	struct sigv4_header headers[8];
	struct sigv4_request request;
};

static void send_signed(struct sent *out, const struct sigv4_credentials *credentials, unsigned flags)
{
	struct sigv4_scope with_flags = scope;
	with_flags.flags = flags;
	sigv4_sign_headers(&plain, credentials, &with_flags, &out->signed_);
	out->request = plain;
	out->request.headers = out->headers;
	memcpy(out->headers, plain_headers, sizeof plain_headers);
	for (size_t i = 0; i < out->signed_.header_count; i++)
		out->headers[out->request.header_count++] = out->signed_.headers[i];
}

static enum sigv4_verdict receive(const struct sigv4_request *request, unsigned flags, int64_t now_ms)
{
	struct sigv4_claim claim;
	struct error err = {0};
	enum sigv4_verdict result = sigv4_claim_read(request, &claim, &err);
	if (result == SIGV4_GOOD)
		result = sigv4_verify(request, &claim, keys.secret_key, flags, now_ms, &err);
	assert_true(result == SIGV4_GOOD || (err.text[0] && err.kind == ERROR_DENIED));
	assert_null(strstr(err.text, keys.secret_key));
	sigv4_claim_free(&claim);
	return result;
}

static void test_round_trip(void **state)
{
	struct sent sent;
	struct sigv4_credentials with_token = {keys.access_key, keys.secret_key, "a/token+of=signs"};
	const unsigned flags[] = {0, SIGV4_BODY_HEADER, SIGV4_RAW_PATH, SIGV4_TOKEN_AFTER};
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		send_signed(&sent, i % 2 ? &with_token : &keys, flags[i]);
		assert_int_equal(receive(&sent.request, 0, scope.now_ms), SIGV4_GOOD);
		sigv4_free(&sent.signed_);
	}
}

static void test_changes_are_noticed(void **state)
{
	struct sent sent;
	send_signed(&sent, &keys, 0);
	struct sigv4_request changed = sent.request;
	changed.body = "Action=Y";
	assert_int_equal(receive(&changed, 0, scope.now_ms), SIGV4_MISMATCH);
	changed = sent.request;
	changed.method = "PUT";
	assert_int_equal(receive(&changed, 0, scope.now_ms), SIGV4_MISMATCH);
	changed = sent.request;
	changed.path = "/other";
	assert_int_equal(receive(&changed, 0, scope.now_ms), SIGV4_MISMATCH);
	changed = sent.request;
	changed.query = "a=b";
	assert_int_equal(receive(&changed, 0, scope.now_ms), SIGV4_MISMATCH);
	sent.headers[1].value = "text/html";
	assert_int_equal(receive(&sent.request, 0, scope.now_ms), SIGV4_MISMATCH);
	sigv4_free(&sent.signed_);
}

static void test_body_hash(void **state)
{
	struct sent sent;
	send_signed(&sent, &keys, SIGV4_BODY_HEADER);
	sent.request.body = "Action=Y";
	assert_int_equal(receive(&sent.request, 0, scope.now_ms), SIGV4_BODY_CHANGED);
	sigv4_free(&sent.signed_);
	send_signed(&sent, &keys, SIGV4_BODY_UNSIGNED);
	assert_int_equal(receive(&sent.request, 0, scope.now_ms), SIGV4_BODY_CHANGED);
	assert_int_equal(receive(&sent.request, SIGV4_BODY_UNSIGNED, scope.now_ms), SIGV4_GOOD);
	sigv4_free(&sent.signed_);
}

static void test_time(void **state)
{
	struct sent sent;
	send_signed(&sent, &keys, 0);
	assert_int_equal(receive(&sent.request, 0, scope.now_ms + SIGV4_SKEW_MS), SIGV4_GOOD);
	assert_int_equal(receive(&sent.request, 0, scope.now_ms + SIGV4_SKEW_MS + 1), SIGV4_EXPIRED);
	assert_int_equal(receive(&sent.request, 0, scope.now_ms - SIGV4_SKEW_MS), SIGV4_GOOD);
	assert_int_equal(receive(&sent.request, 0, scope.now_ms - SIGV4_SKEW_MS - 1), SIGV4_NOT_YET);
	sigv4_free(&sent.signed_);
}

static void test_presigned(void **state)
{
	struct sigv4 presigned;
	sigv4_sign_query(&plain, &keys, &scope, &presigned);
	struct sigv4_request request = plain;
	request.query = presigned.query.data;
	assert_int_equal(receive(&request, 0, scope.now_ms), SIGV4_GOOD);
	assert_int_equal(receive(&request, 0, scope.now_ms + 900 * 1000), SIGV4_GOOD);
	assert_int_equal(receive(&request, 0, scope.now_ms + 900 * 1000 + 1), SIGV4_EXPIRED);
	char *expires = strstr(presigned.query.data, "Expires=900");
	assert_non_null(expires);
	memcpy(expires, "Expires=999", 11);
	assert_int_equal(receive(&request, 0, scope.now_ms), SIGV4_MISMATCH);
	sigv4_free(&presigned);
}

static void test_claims_that_are_none(void **state)
{
#define SIGNATURE "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
#define CREDENTIAL "Credential=AKID/20150830/eu-west-1/ec2/aws4_request"
	static const struct {
		const char *authorization, *date;
		enum sigv4_verdict verdict;
	} cases[] = {
		{"AWS4-HMAC-SHA256 " CREDENTIAL ", SignedHeaders=host, Signature=" SIGNATURE, "20150830T123600Z",
		 SIGV4_MISMATCH},
		{"AWS4-HMAC-SHA256 " CREDENTIAL ",SignedHeaders=host,Signature=" SIGNATURE, "20150830T123600Z",
		 SIGV4_MISMATCH},
		{"", "20150830T123600Z", SIGV4_INCOMPLETE},
		{"Basic dXNlcjpwYXNz", "20150830T123600Z", SIGV4_INCOMPLETE},
		{"AWS4-HMAC-SHA256", "20150830T123600Z", SIGV4_INCOMPLETE},
		{"AWS4-HMAC-SHA256 Credential=AKID/20150830/eu-west-1/ec2, SignedHeaders=host, Signature=" SIGNATURE,
		 "20150830T123600Z", SIGV4_INCOMPLETE},
		{"AWS4-HMAC-SHA256 Credential=AKID/20150830/eu-west-1//aws4_request, SignedHeaders=host, "
		 "Signature=" SIGNATURE,
		 "20150830T123600Z", SIGV4_INCOMPLETE},
		{"AWS4-HMAC-SHA256 " CREDENTIAL ", Signature=" SIGNATURE, "20150830T123600Z", SIGV4_INCOMPLETE},
		{"AWS4-HMAC-SHA256 " CREDENTIAL ", SignedHeaders=x-host;hostile, Signature=" SIGNATURE,
		 "20150830T123600Z", SIGV4_INCOMPLETE},
		{"AWS4-HMAC-SHA256 " CREDENTIAL ", SignedHeaders=host, Signature=short", "20150830T123600Z",
		 SIGV4_INCOMPLETE},
		{"AWS4-HMAC-SHA256 " CREDENTIAL ", SignedHeaders=host, Signature=" SIGNATURE, "20150831T123600Z",
		 SIGV4_INCOMPLETE},
		{"AWS4-HMAC-SHA256 " CREDENTIAL ", SignedHeaders=host, Signature=" SIGNATURE, "yesterday",
		 SIGV4_INCOMPLETE},
		{"AWS4-HMAC-SHA256 " CREDENTIAL ", SignedHeaders=host, Signature=" SIGNATURE, "20150830T993600Z",
		 SIGV4_INCOMPLETE},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct sigv4_header headers[] = {
			{"host", "h"}, {"x-amz-date", cases[i].date}, {"authorization", cases[i].authorization}};
		struct sigv4_request request = {"POST", "/", NULL, headers, 3, "", 0};
		enum sigv4_verdict got = receive(&request, 0, scope.now_ms);
		if (got != cases[i].verdict)
			fail_msg("case %zu: %d instead of %d", i, got, cases[i].verdict);
	}
	assert_int_equal(receive(&plain, 0, scope.now_ms), SIGV4_ABSENT);
}

static void test_oversized_parts(void **state)
{
	_cleanup_(str_free) struct str text = STR_INIT;
	str_add(&text, "AWS4-HMAC-SHA256 Credential=");
	for (size_t i = 0; i < 4000; i++)
		str_add_char(&text, 'A');
	str_add(&text, "/20150830/eu-west-1/ec2/aws4_request, SignedHeaders=host, Signature=" SIGNATURE);
	const struct sigv4_header headers[] = {
		{"host", "h"}, {"x-amz-date", "20150830T123600Z"}, {"authorization", text.data}};
	struct sigv4_request request = {"GET", "/", NULL, headers, 3, NULL, 0};
	assert_int_equal(receive(&request, 0, scope.now_ms), SIGV4_INCOMPLETE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_changes_are_noticed),
		cmocka_unit_test(test_body_hash),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_presigned),
		cmocka_unit_test(test_claims_that_are_none),
		cmocka_unit_test(test_oversized_parts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
