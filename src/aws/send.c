/* SPDX-License-Identifier: Apache-2.0
 *
 * A call from its arguments to its reply: signed, sent, sent again as its row allows, page after page. explain.c finds
 * the words for what fails on the way. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "bakery/mem.h"
#include "clock_skew.h"
#include "explain.h"
#include "share.h"

#define MOST_PAGES 10000
#define NOT_YET_PAUSE_MS 500
#define CODE_DRY_RUN "DryRunOperation" /* "the request would have succeeded" */

static void exchange_clear(struct exchange *exchange)
{
	endpoint_free(&exchange->endpoint);
	wire_request_free(&exchange->wire);
}

/* A token makes a repetition harmless; a dry run does nothing at all. */
static enum repeat repeat_of(const struct operation_row *row, const struct aws_call *call)
{
	if (call->dry_run)
		return REPEAT_SAFE;
	return row->repeat == REPEAT_TOKEN && !tree_key(call->args, "ClientToken") ? REPEAT_ONCE : row->repeat;
}

static bool exchange_start(struct exchange *out, struct aws *aws, const struct aws_call *call, const char *region,
			   struct error *err)
{
	const struct operation_row *row = operation_row(call->operation);
	*out = (struct exchange){.aws = aws, .row = row, .service = service_row(row->service), .region = region};
	out->repeat = repeat_of(row, call);
	out->stop = call->stop ? call->stop : aws->stop;
	out->with = call->with;
	out->is_unsigned = operation_is_unsigned(call->operation);
	out->not_yet_until_ms = clock_mono_ms() + call->not_yet_s * 1000;
	out->dry_run = call->dry_run;
	protocol_encode(row, call->args, &out->wire);
	return endpoint_find(&aws->endpoints, row->service, region, &out->endpoint, err);
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
				     int64_t signed_ms, struct http_reply *reply, struct error *err)
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
	struct sigv4_scope scope = {endpoint->signing_region, exchange->service->name, signed_ms, 0, 0};
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

static bool take_refusal(const struct exchange *exchange, const struct http_reply *reply, struct attempt *attempt,
			 struct tree **out, struct error *err)
{
	_cleanup_(wire_error_free) struct wire_error refusal;
	if (!protocol_decode_error(exchange->row, reply, &refusal))
		return explain_strange(exchange, reply, attempt, err);
	if (exchange->dry_run && strcmp(refusal.code, CODE_DRY_RUN) == 0) {
		*out = tree_new_object();
		return true;
	}
	attempt->class = aws_error_classify(refusal.code, refusal.message.data, reply->status);
	clock_skew_classify(refusal.code, attempt);
	return explain_refusal(exchange, &refusal, attempt, err);
}

static bool take_answer(const struct exchange *exchange, const struct http_reply *reply, struct attempt *attempt,
			struct tree **out, struct error *err)
{
	struct error ignored;
	attempt->retry_after_s = reply->retry_after_s;
	attempt->date_ms = reply->date_ms;
	clock_told(exchange->aws, reply->date_ms, clock_mono_ms() - attempt->began_ms);
	if (reply->status < 200 || reply->status > 299)
		return take_refusal(exchange, reply, attempt, out, err);
	if (exchange->dry_run)
		return error_set(err, ERROR_REMOTE, "%s did it, though it was only asked whether it would",
				 exchange->endpoint.url.base);
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
	attempt->began_ms = clock_mono_ms();
	attempt->signed_ms = host_time_ms(aws) + aws->clock_offset_ms;
	attempt->outcome = send_signed(exchange, credentials, attempt->signed_ms, &reply, err);
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
	log_debug(aws->log, "%s (%s): asking again in %" PRId64 " ms", exchange->row->name, exchange->region, pause_ms);
	if (!stop_sleep_ms(exchange->stop, pause_ms))
		return error_set(err, ERROR_STOPPED, "interrupted while waiting to ask again");
	return true;
}

/* Once more at once when only the clock was wrong. AWS did not act then, so this, too, is harmless for every row. */
static bool attempt_with_right_time(const struct exchange *exchange, struct attempt *attempt, struct tree **out,
				    struct error *err)
{
	struct aws *aws = exchange->aws;
	if (attempt_once(exchange, attempt, out, err))
		return true;
	if (clock_skew_correct(aws, attempt, err) && attempt_once(exchange, attempt, out, err))
		return true;
	return clock_skew_explain(aws, attempt, err);
}

static bool send_until_done(const struct exchange *exchange, struct tree **out, struct error *err)
{
	struct attempt attempt;
	bool left_open = false; /* an attempt was not answered, or in a way that leaves open whether AWS acted */
	if (stop_requested(exchange->stop)) {
		error_set(err, ERROR_STOPPED, "interrupted");
		err->no_effect = true;
		return false;
	}
	for (int number = 1;; number++) {
		if (attempt_with_right_time(exchange, &attempt, out, err)) {
			retry_budget_give_back(exchange->aws->budget, number - 1);
			return true;
		}
		left_open = left_open || !err->code[0] || err->kind == ERROR_TRANSIENT;
		err->no_effect = !left_open;
		log_debug(exchange->aws->log, "aws: %s %s (%s): %s", exchange->service->name, exchange->row->name,
			  exchange->region, err->text);
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

static bool send_or_share(struct aws *aws, struct aws_call *call, const char *region, struct tree **reply,
			  struct error *err)
{
	if (!region)
		return error_set(err, ERROR_INVALID,
				 "no region is set: use --region, AWS_REGION, or region in the profile");
	if (call->dry_run) {
		assert(operation_row(call->operation)->service == SERVICE_ec2);
		aws_arg_bool(call, "DryRun", true);
	}
	return call->share_ms > 0 && !call->not_yet_s ? share_send(aws, call, region, send_all, reply, err)
						      : send_all(aws, call, region, reply, err);
}

bool aws_send(struct aws *aws, struct aws_call *call, struct tree **reply, struct error *err)
{
	_cleanup_(tree_freep) struct tree *result = NULL;
	const char *region = call->region ? call->region : aws->region;
	const char *name = aws_operation_name(call->operation);
	bool good = send_or_share(aws, call, region, &result, err);
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
