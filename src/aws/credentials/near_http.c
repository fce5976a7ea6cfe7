/* SPDX-License-Identifier: Apache-2.0
 *
 * Plain requests for credentials. */
#include "near_http.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "bakery/mem.h"

#define MOST_TRIES 3
#define PAUSE_MS 300
#define MOST_HEADERS 5

static bool is_worth_asking_again(enum http_outcome outcome, const struct http_reply *reply)
{
	if (outcome == HTTP_ANSWERED)
		return reply->status >= 500 || reply->status == 429;
	return outcome == HTTP_UNREACHED || outcome == HTTP_BROKEN;
}

static enum http_outcome send_once(struct aws *aws, const struct credential_request *request, struct http_reply *reply,
				   struct error *err)
{
	struct sigv4_header headers[MOST_HEADERS] = {{"Host", request->url->host}};
	struct http_request wire = {.method = request->method,
				    .url = request->url,
				    .headers = headers,
				    .header_count = 1,
				    .body = request->body,
				    .body_length = request->body ? strlen(request->body) : 0};
	for (size_t i = 0; i < ARRAY_SIZE(request->headers) && request->headers[i].name; i++)
		headers[wire.header_count++] = request->headers[i];
	return http_send(request->is_near ? aws->near_http : aws->http, &wire, aws->stop, reply, err);
}

bool credential_http_send(struct aws *aws, const struct credential_request *request, struct http_reply *reply,
			  struct error *err)
{
	struct http *http = request->is_near ? aws->near_http : aws->http;
	for (int try = 1;; try++) {
		bool is_silent = request->is_near && !http_has_answered(http, request->url);
		enum http_outcome outcome = send_once(aws, request, reply, err);
		bool again = is_worth_asking_again(outcome, reply) && try < MOST_TRIES &&
			     (outcome == HTTP_ANSWERED || !is_silent);
		if (outcome == HTTP_ANSWERED && !again)
			return true;
		if (!again)
			return error_context(err, "%s", request->url->base);
		http_reply_free(reply);
		if (!stop_sleep_ms(aws->stop, (int64_t)(PAUSE_MS * try * aws->random())))
			return error_set(err, ERROR_STOPPED, "interrupted while waiting to ask again");
	}
}

/* Link-local addresses and this host are reached by nobody's proxy. */
static bool is_direct(const struct http_url *url)
{
	return url->loopback || str_starts(url->name, "169.254.") || str_starts(url->name, "fd00:ec2:");
}

bool credential_http_url(const char *text, struct http_url *out, struct error *err)
{
	const char *query = strchrnul(text, '?');
	_cleanup_(freep) char *plain = mem_strndup(text, (size_t)(query - text));
	if (!http_url_parse(plain, out, err))
		return false;
	char *path = mem_printf("%s%s", out->path, query);
	freep(&out->path);
	out->path = path;
	out->loopback = is_direct(out);
	return true;
}

/* The words are for people, and come from elsewhere: one line, not too long. */
static void add_words(struct str *out, const char *text)
{
	for (size_t i = 0; text && text[i] && i < 300; i++)
		str_add_char(out, iscntrl((unsigned char)text[i]) ? ' ' : text[i]);
}

bool credential_http_refused(const struct http_reply *reply, struct error *err)
{
	static const char *const members[] = {
		"code", "Code", "error", "__type", "message", "Message", "error_description"};
	struct error ignored;
	_cleanup_(tree_wipe_freep) struct tree *tree = tree_from_json(reply->body.data, reply->body.len, &ignored);
	_cleanup_(str_free) struct str words = STR_INIT;
	if (tree_kind(tree) == TREE_OBJECT)
		for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
			if (!tree_text(tree, members[i]))
				continue;
			str_add(&words, ": ");
			add_words(&words, tree_text(tree, members[i]));
		}
	return error_set(err, ERROR_DENIED, "it answered with status %ld%s", reply->status, words.data);
}
