/* SPDX-License-Identifier: Apache-2.0
 *
 * A server that answers by a script, and an AWS that asks it. */
#ifndef TESTS_AWS_SCRIPT_H
#define TESTS_AWS_SCRIPT_H

#include "check.h"
/* check.h goes first: cmocka wants its own order. */
#include <pthread.h>

#include "bakery/mem.h"
#include "loopback.h"
#include "src/aws/aws_private.h"

struct script {
	const char *const
		*replies; /* one a request; the last one is for all that follow. "!close", "!reset", "!hang", "!cut" */
	struct loopback *server;
	struct aws *aws;
	struct stop stop;
	struct str bodies; /* of the requests, one a line */
};

static enum loopback_after play(void *cookie, const struct loopback_request *request, struct str *reply)
{
	struct script *script = cookie;
	size_t i = 0;
	while (script->replies[i + 1] && (int)i + 1 < request->number)
		i++;
	const char *text = script->replies[i];
	str_addf(&script->bodies, "%s\n", request->body);
	if (str_eq(text, "!close"))
		return LOOPBACK_CLOSE;
	if (str_eq(text, "!reset"))
		return LOOPBACK_RESET;
	if (str_eq(text, "!hang"))
		return LOOPBACK_HANG;
	if (str_eq(text, "!cut")) {
		str_add(reply, "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 100\r\n\r\n<half");
		return LOOPBACK_CLOSE;
	}
	str_add(reply, text);
	return LOOPBACK_KEEP;
}

static const char *const cleared[] = {"AWS_PROFILE",	      "AWS_REGION",	   "AWS_DEFAULT_REGION",
				      "AWS_ENDPOINT_URL",     "AWS_MAX_ATTEMPTS",  "AWS_CA_BUNDLE",
				      "AWS_ENDPOINT_URL_EC2", "AWS_SESSION_TOKEN", "http_proxy"};

static inline double no_pause(void)
{
	return 0;
}

static inline void start(struct script *script, const char *const *replies)
{
	struct error err = {0};
	*script = (struct script){.replies = replies, .bodies = STR_INIT};
	script->server = loopback_start(play, script);
	stop_init(&script->stop);
	struct aws_options options = {.region = "eu-west-1",
				      .endpoint = loopback_url(script->server),
				      .access_key = "AKID",
				      .secret_key = "secret",
				      .stop = &script->stop};
	if (!aws_open(&options, &script->aws, &err))
		fail_msg("%s", err.text);
	script->aws->random = no_pause;
}

static inline void finish(struct script *script)
{
	aws_close(script->aws);
	loopback_stop(script->server);
	stop_close(&script->stop);
	str_free(&script->bodies);
}

#define EMPTY "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 17\r\n\r\n<R><a>yes</a></R>"

/* An EC2 error answer. */
static inline char *refusal(int status, const char *code, const char *message)
{
	_cleanup_(str_free) struct str reply = STR_INIT;
	_cleanup_(freep) char *body =
		mem_printf("<?xml version=\"1.0\"?><Response><Errors><Error><Code>%s</Code>"
			   "<Message>%s</Message></Error></Errors><RequestID>req-1</RequestID></Response>",
			   code, message);
	loopback_reply(&reply, status, "text/xml", "", body);
	return str_take(&reply);
}

static inline bool send_simple(struct script *script, enum aws_operation operation, struct error *err)
{
	struct aws_call call = aws_call(operation, NULL);
	aws_arg(&call, "Name", "x");
	*err = (struct error){0};
	return aws_send(script->aws, &call, NULL, err);
}

static inline int set_up(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cleared); i++)
		unsetenv(cleared[i]);
	setenv("AWS_CONFIG_FILE", "/nonexistent/config", 1);
	setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials", 1);
	return 0;
}

#endif
