/* SPDX-License-Identifier: Apache-2.0
 *
 * Plays every file of this folder: makes the call, holds the request that arrives against the file byte by byte (its
 * signature is verified with the key), answers with the file's reply, and holds the tree that comes back against the
 * file's. Each row of operations.def must have a file. Prints TAP. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/str.h"
#include "config.h"
#include "loopback.h"
#include "src/aws/aws_private.h"
#include "wire_file.h"

#define ACCESS_KEY "AKIDEXAMPLE"
#define SECRET_KEY "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define NOW_MS 1767323045000 /* 2026-01-02T03:04:05Z */

struct played {
	const struct wire_file *file;
	struct loopback *server;
	struct str request; /* as the file would write it */
	struct error fault; /* of the signature */
};

static int64_t fixed_clock(void)
{
	return NOW_MS;
}

static void replace(struct str *text, const char *what, const char *with)
{
	const char *at = *what ? strstr(text->data, what) : NULL;
	if (!at)
		return;
	_cleanup_(str_free) struct str replaced = STR_INIT;
	str_add_n(&replaced, text->data, (size_t)(at - text->data));
	str_addf(&replaced, "%s%s", with, at + strlen(what));
	str_clear(text);
	str_add(text, replaced.data);
}

static bool verify(const struct loopback_request *request, char signature[SHA256_HEX_SIZE], struct error *err)
{
	struct sigv4_claim claim;
	enum sigv4_verdict verdict = sigv4_claim_read(&request->parsed, &claim, err);
	if (verdict == SIGV4_GOOD)
		verdict = sigv4_verify(&request->parsed, &claim, SECRET_KEY, 0, NOW_MS, err);
	memcpy(signature, claim.signature, SHA256_HEX_SIZE);
	sigv4_claim_free(&claim);
	return verdict == SIGV4_GOOD;
}

static enum loopback_after play(void *cookie, const struct loopback_request *request, struct str *reply)
{
	struct played *played = cookie;
	char signature[SHA256_HEX_SIZE] = "";
	str_addf(&played->request, "%s\n\n%s", request->head, request->body);
	for (size_t i = 0; i < played->request.len; i++)
		if (played->request.data[i] == '\r')
			played->request.data[i] = ' ';
	while (strstr(played->request.data, " \n"))
		replace(&played->request, " \n", "\n");
	if (!operation_is_unsigned(played->file->operation) && !verify(request, signature, &played->fault))
		played->fault.kind = ERROR_DENIED;
	replace(&played->request, signature, "{signature}");
	replace(&played->request, loopback_url(played->server) + strlen("http://"), "{host}");
	replace(&played->request, "bakery/" BAKERY_VERSION, "bakery/{version}");
	loopback_reply(reply, played->file->status, played->file->content_type, "", played->file->reply);
	return LOOPBACK_KEEP;
}

static void print_lines(const char *title, const char *text)
{
	printf("#   %s:\n", title);
	while (*text) {
		size_t length = strcspn(text, "\n");
		printf("#     %.*s\n", (int)length, text);
		text += length + (text[length] == '\n');
	}
}

static bool differ(const char *what, const char *wanted, const char *got)
{
	printf("# %s\n", what);
	print_lines("wanted", wanted);
	print_lines("got", got);
	return false;
}

static bool compare(const struct wire_file *file, const struct played *played, const struct tree *tree)
{
	bool good = played->fault.kind == ERROR_NONE;
	if (!good)
		printf("# signature: %s\n", played->fault.text);
	if (!str_eq(file->request, played->request.data))
		good = differ("another request was sent", file->request, played->request.data);
	if (!tree_equal(file->tree, tree)) {
		_cleanup_(str_free) struct str wanted = STR_INIT;
		_cleanup_(str_free) struct str got = STR_INIT;
		tree_to_json_pretty(file->tree, &wanted);
		tree_to_json_pretty(tree, &got);
		good = differ("another tree came back", wanted.data, got.data);
	}
	return good;
}

static bool send_call(const struct wire_file *file, struct aws *aws, struct tree **reply)
{
	struct error err = {0};
	struct aws_call call = aws_call(file->operation, file->region);
	call.first_page_only = true;
	tree_free(call.args);
	call.args = tree_copy(file->args);
	if (aws_send(aws, &call, reply, &err))
		return true;
	printf("# %s\n", err.text);
	return false;
}

static bool play_file(const struct wire_file *file)
{
	struct played played = {.file = file, .request = STR_INIT};
	struct error err = {0};
	struct aws *aws = NULL;
	_cleanup_(tree_freep) struct tree *reply = NULL;
	played.server = loopback_start(play, &played);
	struct aws_options options = {
		.endpoint = loopback_url(played.server), .access_key = ACCESS_KEY, .secret_key = SECRET_KEY};
	bool good = aws_open(&options, &aws, &err);
	if (good) {
		aws->clock = fixed_clock;
		aws->most_attempts = 1;
		good = send_call(file, aws, &reply) && compare(file, &played, reply);
	}
	aws_close(aws);
	loopback_stop(played.server);
	str_free(&played.request);
	return good;
}

static bool play_path(const char *path, bool *seen)
{
	struct wire_file file;
	struct error err = {0};
	bool good = wire_file_read(path, &file, &err);
	if (good)
		seen[file.operation] = true;
	else
		printf("# %s\n", err.text);
	good = good && play_file(&file);
	wire_file_free(&file);
	return good;
}

int main(int argc, char **argv)
{
	size_t count = 0, failed = 0;
	bool seen[AWS_OPERATION_COUNT] = {false};
	if (argc != 2) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	char **paths = wire_files(argv[1], &count);
	setenv("AWS_CONFIG_FILE", "/nonexistent/config", 1);
	setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials", 1);
	printf("1..%zu\n", count + 1);
	for (size_t i = 0; i < count; i++) {
		bool good = play_path(paths[i], seen);
		printf("%sok %zu - %s\n", good ? "" : "not ", i + 1, strrchr(paths[i], '/') + 1);
		failed += !good;
		free(paths[i]);
	}
	free(paths);
	bool all = true;
	for (size_t i = 0; i < AWS_OPERATION_COUNT; i++) {
		if (!seen[i])
			printf("# no file for %s.%s\n", aws_operation_service(i), aws_operation_name(i));
		all &= seen[i];
	}
	printf("%sok %zu - each row of operations.def has a file\n", all ? "" : "not ", count + 1);
	return failed || !all;
}
