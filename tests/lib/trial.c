/* SPDX-License-Identifier: Apache-2.0 */
#include "trial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bakery/file.h"
#include "bakery/mem.h"

#define SECRET "s3cret"

static _Atomic int64_t now_ms;
static char current_folder[64];

static int64_t still_clock(void)
{
	return now_ms;
}

static double no_pause(void)
{
	return 0;
}

void trial_pass(int64_t seconds)
{
	now_ms += seconds * 1000;
}

static char *write_down(const struct loopback_request *request)
{
	struct str out = STR_INIT;
	for (const char *c = request->head; *c; c++)
		if (*c != '\r')
			str_add_char(&out, *c);
	str_addf(&out, "\n\n%s", request->body);
	return str_take(&out);
}

static enum loopback_after play(void *cookie, const struct loopback_request *request, struct str *reply)
{
	struct trial *trial = cookie;
	int i = request->number <= trial->answer_count ? request->number - 1 : trial->answer_count - 1;
	if (trial->request_count < (int)ARRAY_SIZE(trial->requests))
		trial->requests[trial->request_count++] = write_down(request);
	if (trial->is_mute || i < 0)
		return trial->is_mute ? LOOPBACK_HANG : LOOPBACK_CLOSE;
	loopback_reply(reply, trial->answers[i].status, trial->answers[i].type, "", trial->answers[i].body);
	return LOOPBACK_KEEP;
}

static const char *const cleared[] = {
	"AWS_ACCESS_KEY_ID",
	"AWS_SECRET_ACCESS_KEY",
	"AWS_SESSION_TOKEN",
	"AWS_CREDENTIAL_EXPIRATION",
	"AWS_PROFILE",
	"AWS_DEFAULT_REGION",
	"AWS_MAX_ATTEMPTS",
	"AWS_CA_BUNDLE",
	"AWS_ENDPOINT_URL_STS",
	"AWS_USE_FIPS_ENDPOINT",
	"AWS_USE_DUALSTACK_ENDPOINT",
	"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
	"AWS_WEB_IDENTITY_TOKEN_FILE",
	"AWS_ROLE_ARN",
	"AWS_ROLE_SESSION_NAME",
	"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
	"AWS_CONTAINER_CREDENTIALS_FULL_URI",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
	"AWS_EC2_METADATA_SERVICE_ENDPOINT",
	"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
	"http_proxy",
	"https_proxy",
};

void trial_start(struct trial *trial)
{
	*trial = (struct trial){.folder = "/tmp/bakery-trial-XXXXXX"};
	assert_non_null(mkdtemp(trial->folder));
	memcpy(current_folder, trial->folder, sizeof current_folder);
	now_ms = TRIAL_NOW_MS;
	for (size_t i = 0; i < ARRAY_SIZE(cleared); i++)
		unsetenv(cleared[i]);
	trial->server = loopback_start(play, trial);
	_cleanup_(freep) char *config = path_join(trial->folder, "config");
	_cleanup_(freep) char *credentials = path_join(trial->folder, "credentials");
	setenv("AWS_CONFIG_FILE", config, 1);
	setenv("AWS_SHARED_CREDENTIALS_FILE", credentials, 1);
	setenv("HOME", trial->folder, 1);
	setenv("AWS_REGION", "eu-west-1", 1);
	setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	setenv("AWS_ENDPOINT_URL", loopback_url(trial->server), 1);
	trial->log_path = path_join(trial->folder, "log");
	trial->log_fd = open(trial->log_path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
	trial->options.log = log_new(trial->log_fd, LOG_LEVEL_TRACE, false);
}

char *trial_write(const char *name, const char *text)
{
	struct error err;
	char *path = path_join(current_folder, name);
	_cleanup_(freep) char *folder = path_folder(path);
	assert_true(file_make_folders(folder, 0700, &err));
	assert_true(file_replace(path, text, strlen(text), 0600, &err));
	return path;
}

void trial_answer(struct trial *trial, int status, const char *body)
{
	assert_true(trial->answer_count < TRIAL_MOST_ANSWERS);
	trial->answers[trial->answer_count].status = status;
	trial->answers[trial->answer_count].type = mem_strdup(body[0] == '<' ? "text/xml" : "application/json");
	trial->answers[trial->answer_count++].body = mem_strdup(body);
}

void trial_open(struct trial *trial, const char *profile)
{
	struct error err = {0};
	trial->options.profile = profile;
	if (!aws_open(&trial->options, &trial->aws, &err))
		fail_msg("%s", err.text);
	trial->aws->clock = still_clock;
	trial->aws->random = no_pause;
}

static void expect_no_secret(const char *where, const char *text)
{
	if (strstr(text, SECRET))
		fail_msg("a secret is in %s: %s", where, text);
}

void trial_stop(struct trial *trial)
{
	_cleanup_(str_free) struct str log = STR_INIT;
	struct error err;
	aws_close(trial->aws);
	loopback_stop(trial->server);
	log_free((struct log *)trial->options.log);
	close(trial->log_fd);
	assert_true(file_read(trial->log_path, 1 << 20, &log, &err));
	expect_no_secret("the log", log.data);
	for (int i = 0; i < trial->answer_count; i++) {
		free(trial->answers[i].type);
		free(trial->answers[i].body);
	}
	for (int i = 0; i < trial->request_count; i++)
		free(trial->requests[i]);
	free(trial->log_path);
	assert_true(file_remove_tree(trial->folder, &err));
}

void trial_expect_key(struct trial *trial, const char *access_key)
{
	_cleanup_(credentials_free) struct credentials got = {0};
	struct error err = {0};
	if (!credential_store_get(trial->aws->credentials, &got, &err))
		fail_msg("%s", err.text);
	assert_string_equal(got.access_key, access_key);
}

static char *fill_in(const struct trial *trial, const char *text)
{
	static const char *const words[] = {"FOLDER", "SERVER"};
	const char *const values[] = {trial->folder, loopback_url(trial->server)};
	struct str out = STR_INIT;
	while (*text) {
		size_t i = 0;
		while (i < ARRAY_SIZE(words) && !str_starts(text, words[i]))
			i++;
		if (i < ARRAY_SIZE(words)) {
			str_add(&out, values[i]);
			text += strlen(words[i]);
		} else {
			str_add_char(&out, *text++);
		}
	}
	return str_take(&out);
}

void trial_expect_failure(struct trial *trial, enum error_kind kind, const char *text)
{
	struct credentials got = {0};
	struct error err = {0};
	_cleanup_(freep) char *wanted = fill_in(trial, text);
	assert_false(credential_store_get(trial->aws->credentials, &got, &err));
	expect_no_secret("the error", err.text);
	assert_string_equal(err.text, wanted);
	assert_int_equal(err.kind, kind);
}

void trial_expect_source(struct trial *trial, const char *start)
{
	_cleanup_(freep) char *wanted = fill_in(trial, start);
	const char *source = aws_credentials_source(trial->aws);
	if (!str_starts(source, wanted))
		fail_msg("the source is \"%s\", not \"%s\"", source, wanted);
}

const char *trial_request(struct trial *trial, int number)
{
	assert_true(number <= trial->request_count);
	return trial->requests[number - 1];
}

void trial_expect_request(struct trial *trial, int number, const char *part)
{
	const char *request = trial_request(trial, number);
	if (!strstr(request, part))
		fail_msg("\"%s\" is not in request %d: %s", part, number, request);
}

void trial_expect_lifetime(struct trial *trial, int64_t seconds, bool is_renewable)
{
	struct aws_lifetime lifetime;
	struct error err = {0};
	if (!aws_lifetime(trial->aws, &lifetime, &err))
		fail_msg("%s", err.text);
	assert_int_equal(lifetime.expires_ms, seconds ? TRIAL_NOW_MS + seconds * 1000 : 0);
	assert_int_equal(lifetime.is_renewable, is_renewable);
}
