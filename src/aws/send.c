/* SPDX-License-Identifier: Apache-2.0
 *
 * A call from its arguments to its reply: signed, sent, sent again as its row allows, page after page. Here every
 * failure gets the words that a person reads: the operation, the region, AWS's code and message, the request id, and
 * what to check. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "aws_private.h"
#include "bakery/mem.h"
#include "protocol.h"

#define MOST_PAGES 10000
#define CODE_UNREACHED "Unreached"
#define NOT_YET_PAUSE_MS 500

/* One request, as often as it is sent. */
struct exchange {
	struct aws *aws;
	const struct operation_row *row;
	const struct service_row *service;
	const char *region;
	enum repeat repeat;
	struct endpoint endpoint;
	struct wire_request wire;
	const struct stop *stop;
	const struct credentials *with; /* instead of aws's own; NULL: aws's own */
	bool is_unsigned;
	int64_t not_yet_until_ms; /* until then "no such thing" is asked again */
};

static void exchange_clear(struct exchange *exchange)
{
	endpoint_free(&exchange->endpoint);
	wire_request_free(&exchange->wire);
}

static bool exchange_start(struct exchange *out, struct aws *aws, const struct aws_call *call, const char *region,
			   struct error *err)
{
	const struct operation_row *row = operation_row(call->operation);
	bool has_token = tree_key(call->args, "ClientToken");
	*out = (struct exchange){.aws = aws, .row = row, .service = service_row(row->service), .region = region};
	out->repeat = row->repeat == REPEAT_TOKEN && !has_token ? REPEAT_ONCE : row->repeat;
	out->stop = call->stop ? call->stop : aws->stop;
	out->with = call->with;
	out->is_unsigned = operation_is_unsigned(call->operation);
	out->not_yet_until_ms = clock_mono_ms() + call->not_yet_s * 1000;
	protocol_encode(row, call->args, &out->wire);
	return endpoint_find(&aws->endpoints, row->service, region, &out->endpoint, err);
}

/* --- words for what went wrong --- */

static void printf_like(2, 3) add_words(struct error *err, const char *fmt, ...)
{
	size_t used = strlen(err->text);
	va_list args;
	va_start(args, fmt);
	vsnprintf(err->text + used, sizeof err->text - used, fmt, args);
	va_end(args);
}

static bool explain_unreached(const struct exchange *exchange, enum http_outcome outcome, bool host_known,
			      struct error *err)
{
	const struct endpoint *endpoint = &exchange->endpoint;
	char detail[sizeof err->text];
	snprintf(detail, sizeof detail, "%s", err->text);
	error_coded(err, host_known ? ERROR_TRANSIENT : ERROR_DENIED, CODE_UNREACHED, "cannot reach %s: %s",
		    endpoint->url.base, detail);
	if (outcome == HTTP_UNTRUSTED)
		return error_hint(err, "check AWS_CA_BUNDLE and whether a proxy answers in AWS's place");
	if (endpoint->origin)
		return error_hint(err, "check %s, which set this address, and that something listens there",
				  endpoint->origin);
	return error_hint(err, "check the name of the region, the network and the proxy settings (https_proxy)");
}

static bool explain_no_answer(const struct exchange *exchange, const struct attempt *attempt, struct error *err)
{
	if (attempt->outcome == HTTP_UNREACHED || attempt->outcome == HTTP_UNTRUSTED)
		return explain_unreached(exchange, attempt->outcome, attempt->host_known, err);
	if (attempt->outcome == HTTP_BROKEN) {
		error_context(err, "no whole answer from %s", exchange->endpoint.url.base);
		return exchange->repeat == REPEAT_ONCE ? error_hint(err, "AWS may have done it all the same") : false;
	}
	return false;
}

/* Something that is not AWS answered. */
static bool explain_strange(const struct exchange *exchange, const struct http_reply *reply, struct attempt *attempt,
			    struct error *err)
{
	const struct endpoint *endpoint = &exchange->endpoint;
	const char *type = reply->content_type[0] ? reply->content_type : "nothing";
	attempt->class = aws_error_classify("", reply->status);
	if (attempt->class.retry == RETRY_NEVER && endpoint->origin)
		attempt->class.kind = ERROR_DENIED;
	error_set(err, attempt->class.kind, "%s answered with status %ld and %s, which is not how AWS answers",
		  endpoint->url.base, reply->status, type);
	if (endpoint->origin)
		return error_hint(err, "check %s, which set this address", endpoint->origin);
	return error_hint(err, "check whether a proxy answers in AWS's place");
}

static bool explain_refusal(const struct exchange *exchange, const struct http_reply *reply, struct attempt *attempt,
			    struct error *err)
{
	struct wire_error error;
	if (!protocol_decode_error(exchange->row, reply, &error)) {
		wire_error_free(&error);
		return explain_strange(exchange, reply, attempt, err);
	}
	attempt->class = aws_error_classify(error.code, reply->status);
	error_coded(err, attempt->class.kind, error.code, "%s: %.1500s", error.code,
		    error.message.len ? error.message.data : "no message");
	if (error.request_id[0])
		add_words(err, " (request id %s)", error.request_id);
	wire_error_free(&error);
	if (attempt->class.kind == ERROR_DENIED && !exchange->is_unsigned)
		error_hint(err, "credentials: %s",
			   exchange->with ? exchange->with->source
					  : credential_store_source(exchange->aws->credentials));
	return false;
}

/* --- one attempt --- */

static void trace(const struct exchange *exchange, const struct http_reply *reply, int64_t began_ms,
		  const struct error *err, enum http_outcome outcome)
{
	struct log *log = exchange->aws->log;
	int64_t took_ms = clock_mono_ms() - began_ms;
	if (!log_wants(log, LOG_LEVEL_TRACE))
		return;
	if (outcome == HTTP_ANSWERED)
		log_trace(log, "aws: %s %s %s: %ld in %" PRId64 " ms (request id %s)", exchange->service->name,
			  exchange->row->name, exchange->region, reply->status, took_ms,
			  reply->request_id[0] ? reply->request_id : "-");
	else
		log_trace(log, "aws: %s %s %s: %s after %" PRId64 " ms", exchange->service->name, exchange->row->name,
			  exchange->region, err->text, took_ms);
}

static enum http_outcome send_signed(const struct exchange *exchange, const struct credentials *credentials,
				     struct http_reply *reply, struct error *err)
{
	struct aws *aws = exchange->aws;
	const struct endpoint *endpoint = &exchange->endpoint;
	const struct wire_request *wire = &exchange->wire;
	struct sigv4_header headers[3 + ARRAY_SIZE(((struct sigv4 *)NULL)->headers)] = {
		{"Host", endpoint->url.host}, {"Content-Type", wire->content_type}, {"X-Amz-Target", wire->target}};
	size_t count = wire->target[0] ? 3 : 2;
	struct sigv4_request to_sign = {"POST", endpoint->url.path, NULL,	   headers,
					count,	wire->body.data,    wire->body.len};
	struct sigv4_credentials keys = {credentials->access_key, credentials->secret_key, credentials->session_token};
	struct sigv4_scope scope = {endpoint->signing_region, exchange->service->name,
				    aws->clock() + aws->clock_offset_ms, 0, 0};
	struct sigv4 signature = {0};

	if (!exchange->is_unsigned)
		sigv4_sign_headers(&to_sign, &keys, &scope, &signature);
	memcpy(headers + count, signature.headers, signature.header_count * sizeof *headers);
	struct http_request request = {
		.method = "POST",
		.url = &endpoint->url,
		.headers = headers,
		.header_count = count + signature.header_count,
		.body = wire->body.data,
		.body_length = wire->body.len,
		.never_twice = exchange->repeat == REPEAT_ONCE,
		.changes = exchange->repeat != REPEAT_SAFE,
	};
	int64_t began_ms = clock_mono_ms();
	aws->requests_sent++;
	enum http_outcome outcome = http_send(aws->http, &request, exchange->stop, reply, err);
	trace(exchange, reply, began_ms, err, outcome);
	sigv4_free(&signature);
	return outcome;
}

static bool is_content_type(enum protocol protocol, const char *type)
{
	return !*type || strstr(type, protocol == PROTOCOL_JSON ? "json" : "xml");
}

static bool take_answer(const struct exchange *exchange, const struct http_reply *reply, struct attempt *attempt,
			struct tree **out, struct error *err)
{
	struct error ignored;
	attempt->retry_after_s = reply->retry_after_s;
	if (reply->status < 200 || reply->status > 299)
		return explain_refusal(exchange, reply, attempt, err);
	if (!is_content_type(exchange->service->protocol, reply->content_type) ||
	    !protocol_decode(exchange->row, &reply->body, out, &ignored))
		return explain_strange(exchange, reply, attempt, err);
	return true;
}

static bool attempt_with(const struct exchange *exchange, const struct credentials *credentials,
			 struct attempt *attempt, struct tree **out, struct error *err)
{
	struct aws *aws = exchange->aws;
	_cleanup_(http_reply_free) struct http_reply reply = {.body = STR_INIT};
	*attempt = (struct attempt){.outcome = HTTP_ANSWERED};
	attempt->host_known = http_has_answered(aws->http, &exchange->endpoint.url);
	attempt->outcome = send_signed(exchange, credentials, &reply, err);
	if (attempt->outcome != HTTP_ANSWERED)
		return explain_no_answer(exchange, attempt, err);
	return take_answer(exchange, &reply, attempt, out, err);
}

/* AWS says that the credentials have ended: one search for others, and one more try when there are. */
static bool attempt_renewed(const struct exchange *exchange, const struct credentials *ended, struct attempt *attempt,
			    struct tree **out, struct error *err)
{
	struct credential_store *store = exchange->aws->credentials;
	_cleanup_(credentials_free) struct credentials credentials = {0};
	struct error why = {0};
	credential_store_drop(store, ended->access_key);
	if (!credential_store_get(store, &credentials, &why))
		return error_hint(err, "and no new ones were found: %s", why.text);
	if (str_eq(credentials.access_key, ended->access_key) &&
	    str_eq(credentials.session_token, ended->session_token))
		return false;
	return attempt_with(exchange, &credentials, attempt, out, err);
}

static bool attempt_once(const struct exchange *exchange, struct attempt *attempt, struct tree **out, struct error *err)
{
	_cleanup_(credentials_free) struct credentials credentials = {0};
	*attempt = (struct attempt){.outcome = HTTP_ANSWERED};
	if (exchange->with || exchange->is_unsigned)
		return attempt_with(exchange, exchange->with ? exchange->with : &credentials, attempt, out, err);
	if (!credential_store_get(exchange->aws->credentials, &credentials, err))
		return false;
	return attempt_with(exchange, &credentials, attempt, out, err) ||
	       (err->kind == ERROR_EXPIRED && attempt_renewed(exchange, &credentials, attempt, out, err));
}

/* --- again and again --- */

/* What was just made may not be known everywhere. AWS did not act, so this is harmless for every row. */
static bool is_not_yet(const struct exchange *exchange, const struct error *err)
{
	return err->kind == ERROR_ABSENT && clock_mono_ms() + NOT_YET_PAUSE_MS < exchange->not_yet_until_ms;
}

/* true when the time until the next attempt has passed. */
static bool wait_for_next(const struct exchange *exchange, const struct attempt *attempt, int number, struct error *err)
{
	struct aws *aws = exchange->aws;
	if (!retry_may_repeat(attempt, exchange->repeat, number, aws->most_attempts))
		return number > 1 ? error_hint(err, "asked %d times", number) : false;
	if (!retry_budget_take(aws->budget))
		return error_hint(err, "not asked again, since most calls fail now");
	int64_t pause_ms = retry_pause_ms(attempt, number, aws->random());
	log_debug(aws->log, "%s (%s): %s; asking again in %" PRId64 " ms", exchange->row->name, exchange->region,
		  err->text, pause_ms);
	if (!stop_sleep_ms(exchange->stop, pause_ms))
		return error_set(err, ERROR_STOPPED, "interrupted while waiting to ask again");
	return true;
}

static bool send_until_done(const struct exchange *exchange, struct tree **out, struct error *err)
{
	struct attempt attempt;
	if (stop_requested(exchange->stop))
		return error_set(err, ERROR_STOPPED, "interrupted");
	for (int number = 1;; number++) {
		if (attempt_once(exchange, &attempt, out, err)) {
			retry_budget_give_back(exchange->aws->budget, number - 1);
			return true;
		}
		if (is_not_yet(exchange, err)) {
			number--; /* an answer, not a failed attempt */
			if (!stop_sleep_ms(exchange->stop, NOT_YET_PAUSE_MS))
				return error_set(err, ERROR_STOPPED, "interrupted while waiting to ask again");
		} else if (!wait_for_next(exchange, &attempt, number, err)) {
			return false;
		}
	}
}

static bool send_page(struct aws *aws, const struct aws_call *call, const char *region, struct tree **out,
		      struct error *err)
{
	_cleanup_(exchange_clear) struct exchange exchange;
	return exchange_start(&exchange, aws, call, region, err) && send_until_done(&exchange, out, err);
}

/* --- pages --- */

/* Moves the page's items behind those of the reply. An empty list is a text in XML. */
static void add_items(struct tree *reply, const struct tree *page, const char *list)
{
	if (tree_kind(tree_key(reply, list)) != TREE_ARRAY)
		tree_set_array(reply, list);
	for (struct tree_iter i = tree_iter(tree_key(page, list)); tree_next(&i);)
		tree_add(tree_key(reply, list), tree_share(i.value));
}

static bool follow_pages(struct aws *aws, struct aws_call *call, const char *region, struct tree *reply,
			 struct error *err)
{
	const struct operation_row *row = operation_row(call->operation);
	enum protocol protocol = service_row(row->service)->protocol;
	const char *path = protocol_token_path(protocol);
	_cleanup_(freep) char *token = mem_strdup(tree_text(reply, path));
	for (int pages = 1; token && *token; pages++) {
		_cleanup_(tree_freep) struct tree *page = NULL;
		if (pages == MOST_PAGES)
			return error_set(err, ERROR_REMOTE, "more than %d pages", MOST_PAGES);
		aws_arg(call, protocol_token_argument(protocol), token);
		if (!send_page(aws, call, region, &page, err))
			return false;
		add_items(reply, page, row->pages);
		const char *next = tree_text(page, path);
		if (str_eq(next, token))
			return error_set(err, ERROR_REMOTE, "the same page is announced again and again");
		freep(&token);
		token = mem_strdup(next);
	}
	tree_remove(reply, path);
	return true;
}

static bool send_all(struct aws *aws, struct aws_call *call, const char *region, struct tree **reply, struct error *err)
{
	const struct operation_row *row = operation_row(call->operation);
	if (!send_page(aws, call, region, reply, err))
		return false;
	return !row->pages[0] || call->first_page_only || follow_pages(aws, call, region, *reply, err);
}

bool aws_send(struct aws *aws, struct aws_call *call, struct tree **reply, struct error *err)
{
	_cleanup_(tree_freep) struct tree *result = NULL;
	const char *region = call->region ? call->region : aws->region;
	const char *name = aws_operation_name(call->operation);
	bool good = region ? send_all(aws, call, region, &result, err)
			   : error_set(err, ERROR_INVALID,
				       "no region is set: use --region, AWS_REGION, or region in the profile");
	aws_call_clear(call);
	if (!good)
		return region ? error_context(err, "%s (%s)", name, region) : error_context(err, "%s", name);
	if (reply)
		*reply = take(&result);
	return true;
}

bool aws_send_with(struct aws *aws, struct aws_call *call, const struct credentials *with, struct tree **reply,
		   struct error *err)
{
	call->with = with;
	return aws_send(aws, call, reply, err);
}
