/* SPDX-License-Identifier: Apache-2.0
 *
 * For tests of credentials: an environment and files of their own, a clock that stands still, and a loopback server
 * that is STS, the metadata service, or whatever else is asked; it answers what the test said, one answer a request.
 * Whatever a test writes or answers that must stay secret holds the word "s3cret": trial_stop fails the test when an
 * error or the log repeats it. */
#ifndef TESTS_TRIAL_H
#define TESTS_TRIAL_H

#include "loopback.h"
#include "src/aws/aws_private.h"

#define TRIAL_NOW_MS 1767323045000 /* 2026-01-02T03:04:05Z */
#define TRIAL_MOST_ANSWERS 16

struct trial {
	char folder[64];
	struct loopback *server;
	struct aws_options options; /* may be changed before trial_open */
	struct aws *aws;
	struct {
		int status;
		char *type, *body;
	} answers[TRIAL_MOST_ANSWERS]; /* the last one is for all that follow */
	int answer_count;
	char *requests[64]; /* head, empty line, body; lines end with \n */
	int request_count;
	char *log_path;
	int log_fd;
	bool is_mute; /* the server never answers */
};
void trial_start(struct trial *trial);
void trial_stop(struct trial *trial);
char *trial_write(const char *name, const char *text); /* a file in the folder; free() its path */
/* XML when it begins with "<", else JSON. */
void trial_answer(struct trial *trial, int status, const char *body);
void trial_open(struct trial *trial, const char *profile);
void trial_pass(int64_t seconds); /* lets time pass */

void trial_expect_key(struct trial *trial, const char *access_key);
/* The word FOLDER in text stands for the folder, SERVER for the server's URL. */
void trial_expect_failure(struct trial *trial, enum error_kind kind, const char *text);
void trial_expect_source(struct trial *trial, const char *start);
const char *trial_request(struct trial *trial, int number); /* from 1 */
void trial_expect_request(struct trial *trial, int number, const char *part);
void trial_expect_lifetime(struct trial *trial, int64_t seconds, bool is_renewable);

/* An answer of AssumeRole. */
#define TRIAL_ROLE(key, end)                                                                                           \
	"<R><AssumeRoleResult><Credentials><AccessKeyId>" key "</AccessKeyId><SecretAccessKey>s3cret-" key             \
	"</SecretAccessKey><SessionToken>s3cret-token-" key "</SessionToken><Expiration>" end                          \
	"</Expiration></Credentials></AssumeRoleResult></R>"

#endif
