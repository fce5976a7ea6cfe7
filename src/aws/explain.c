/* SPDX-License-Identifier: Apache-2.0 */
#include "explain.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "authorization.h"

#define CODE_UNREACHED "Unreached"

static void printf_like(2, 3) add_words(struct error *err, const char *fmt, ...)
{
	size_t used = strlen(err->text);
	va_list args;
	va_start(args, fmt);
	vsnprintf(err->text + used, sizeof err->text - used, fmt, args);
	va_end(args);
}

/* --- nobody answered --- */

static bool explain_unreached(const struct exchange *exchange, const struct attempt *attempt, struct error *err)
{
	const struct endpoint *endpoint = &exchange->endpoint;
	char detail[sizeof err->text];
	snprintf(detail, sizeof detail, "%s", err->text);
	error_coded(err, attempt->host_known ? ERROR_TRANSIENT : ERROR_DENIED, CODE_UNREACHED, "cannot reach %s: %s",
		    endpoint->url.base, detail);
	if (attempt->outcome == HTTP_UNTRUSTED)
		return error_hint(err, "check AWS_CA_BUNDLE (or ca_bundle in the profile) and whether a proxy answers "
				       "in AWS's place");
	if (endpoint->origin)
		return error_hint(err, "check %s, which set this address, and that something listens there",
				  endpoint->origin);
	if (endpoint->variant)
		return error_hint(err, "%s chose this address, which AWS has not for every service and region",
				  endpoint->variant);
	return error_hint(err, "check the name of the region, the network and the proxy settings (https_proxy)");
}

bool explain_no_answer(const struct exchange *exchange, const struct attempt *attempt, struct error *err)
{
	if (attempt->outcome == HTTP_UNREACHED || attempt->outcome == HTTP_UNTRUSTED)
		return explain_unreached(exchange, attempt, err);
	if (attempt->outcome == HTTP_BROKEN) {
		error_context(err, "no whole answer from %s", exchange->endpoint.url.base);
		return exchange->repeat == REPEAT_ONCE ? error_hint(err, "AWS may have done it all the same") : false;
	}
	return false;
}

/* --- somebody else answered --- */

bool explain_strange(const struct exchange *exchange, const struct http_reply *reply, struct attempt *attempt,
		     struct error *err)
{
	const struct endpoint *endpoint = &exchange->endpoint;
	const char *type = reply->content_type[0] ? reply->content_type : "nothing";
	attempt->class = aws_error_classify("", NULL, reply->status);
	if (attempt->class.retry == RETRY_NEVER && endpoint->origin)
		attempt->class.kind = ERROR_DENIED;
	error_set(err, attempt->class.kind, "%s answered with status %ld and %s, which is not how AWS answers",
		  endpoint->url.base, reply->status, type);
	if (reply->request_id[0])
		add_words(err, " (request id %s)", reply->request_id);
	if (endpoint->origin)
		return error_hint(err, "check %s, which set this address", endpoint->origin);
	return error_hint(err, "check whether a proxy answers in AWS's place");
}

/* --- AWS refused --- */

static bool is_permission(const char *code)
{
	return str_eq(code, "UnauthorizedOperation") || strstr(code, "AccessDenied");
}

static bool hint_credentials(const struct exchange *exchange, struct error *err)
{
	if (exchange->is_unsigned)
		return false;
	return error_hint(err, "credentials: %s",
			  exchange->with ? exchange->with->source
					 : credential_store_source(exchange->aws->credentials));
}

static bool hint_denied(const struct exchange *exchange, const struct wire_error *refusal, bool is_explained,
			struct error *err)
{
	hint_credentials(exchange, err);
	if (!is_permission(refusal->code))
		return false;
	if (str_starts(exchange->row->name, "AssumeRole")) /* not a permission of whoever builds */
		return error_hint(err, exchange->is_unsigned
					       ? "the role's trust policy must allow this web identity"
					       : "the role's trust policy must allow them (and the external id), and "
						 "they need sts:AssumeRole on the role");
	error_hint(err, "`bakery iam-policy RECIPE` prints what a build needs");
	if (!refusal->encoded.len || is_explained || strstr(refusal->message.data, "is not authorized to perform"))
		return false; /* all is said */
	log_debug(exchange->aws->log, "encoded authorization failure message: %s", refusal->encoded.data);
	return error_hint(err, "allow sts:DecodeAuthorizationMessage, and bakery can say what is missing; or decode "
			       "the message that -v shows with `aws sts decode-authorization-message`");
}

static bool add_hints(const struct exchange *exchange, const struct wire_error *refusal, const struct attempt *attempt,
		      bool is_explained, struct error *err)
{
	enum error_kind kind = attempt->class.kind;
	if (kind == ERROR_DENIED)
		return hint_denied(exchange, refusal, is_explained, err);
	if (kind == ERROR_EXPIRED) {
		hint_credentials(exchange, err);
		return error_hint(err, exchange->is_unsigned ? "the web identity has run out: its file needs a new one"
							     : "they have run out: get new ones");
	}
	if (kind == ERROR_QUOTA || (kind == ERROR_CAPACITY && strstr(refusal->code, "LimitExceeded")))
		return error_hint(err, "this is a quota of the account: have it raised (Service Quotas), or remove "
				       "what is not needed any more");
	if (attempt->class.retry == RETRY_AGAIN && exchange->repeat == REPEAT_ONCE)
		return error_hint(err, "AWS may have done it all the same");
	return false;
}

bool explain_refusal(const struct exchange *exchange, const struct wire_error *refusal, const struct attempt *attempt,
		     struct error *err)
{
	_cleanup_(str_free) struct str decoded = STR_INIT;
	/* Where credentials are being looked for, there are none to decode with. */
	bool is_explained = refusal->encoded.len && !exchange->with && !exchange->is_unsigned &&
			    authorization_decode(exchange, refusal->encoded.data, &decoded);
	const char *message = is_explained ? decoded.data : refusal->message.data;
	error_coded(err, attempt->class.kind, refusal->code, "%s: %.1200s", refusal->code,
		    *message ? message : "no message");
	if (refusal->request_id[0])
		add_words(err, " (request id %s)", refusal->request_id);
	return add_hints(exchange, refusal, attempt, is_explained, err);
}
