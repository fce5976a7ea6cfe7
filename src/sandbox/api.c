/* SPDX-License-Identifier: Apache-2.0
 *
 * What happens to a request, in order: who asks, what for, what it meets instead of an answer, the answer. */
#include "api.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/auth.h"
#include "bakery/crypto.h"
#include "bakery/mem.h"
#include "http_header.h"
#include "regions.h"
#include "services.h"

struct call {
	struct api *api;
	const struct sigv4_request *http;
	const struct api_patience *patience;
	struct answer *answer;
	struct identity identity;
	struct request rq;
	char operation[80];
	struct tree *wire; /* for the record: flat parameters, or the JSON body */
	struct tree *args; /* nested */
	struct tree *flat; /* without Action and Version */
};

/* --- what is asked for --- */

/* EC2 takes an empty parameter for one that is not there (Packer sends VpcId= when it has none), except where empty
 * means something. */
static bool parameter_counts(const char *name, const struct tree *value)
{
	if (str_eq(name, "Action") || str_eq(name, "Version") || str_starts(name, "X-Amz-"))
		return false;
	return !str_eq(tree_text(value, NULL), "") || str_ends(name, "Value");
}

static bool read_form(struct call *call)
{
	struct request *rq = &call->rq;
	bool post = str_eq(call->http->method, "POST");
	const char *text = post ? call->http->body : call->http->query;
	size_t length = post ? call->http->body_length : text == NULL ? 0 : strlen(text);
	call->wire = tree_new_object();
	if (!form_decode(text == NULL ? "" : text, length, call->wire))
		return refuse(rq, "MalformedQueryString", "The query string contains a syntax error");
	snprintf(call->operation, sizeof call->operation, "%s", tree_text_or(tree_key(call->wire, "Action"), NULL, ""));
	const char *version = tree_text(tree_key(call->wire, "Version"), NULL);
	if (*call->operation == '\0')
		return refuse(rq, "MissingAction", "The request must contain the parameter Action");
	if (!str_eq(version, call->identity.service->version))
		return refuse(rq, "NoSuchVersion", "The sandbox speaks version %s, not %s",
			      call->identity.service->version, version == NULL ? "none" : version);
	call->flat = tree_new_object();
	for (struct tree_iter i = tree_iter(call->wire); tree_next(&i);)
		if (parameter_counts(i.key, i.value))
			tree_set(call->flat, i.key, tree_share(i.value));
	call->args = form_nest(call->flat);
	return true;
}

static bool read_json(struct call *call)
{
	struct error err = {0};
	const char *target = http_header(call->http, "x-amz-target");
	if (target == NULL || service_of_target(target) != call->identity.service)
		return refuse(&call->rq, "UnknownOperationException", "X-Amz-Target is missing or not this service's");
	snprintf(call->operation, sizeof call->operation, "%s", strchr(target, '.') + 1);
	call->wire = call->http->body_length == 0 ? tree_new_object()
						  : tree_from_json(call->http->body, call->http->body_length, &err);
	if (call->wire == NULL || tree_kind(call->wire) != TREE_OBJECT)
		return refuse(&call->rq, "SerializationException", "The body is not a JSON object: %s", err.text);
	call->flat = json_flatten(call->wire);
	call->args = tree_share(call->wire);
	return true;
}

static bool read_call(struct call *call)
{
	const struct service *service = call->identity.service;
	struct request *rq = &call->rq;
	bool read = service->protocol == PROTOCOL_JSON ? read_json(call) : read_form(call);
	if (!read)
		return false;
	rq->operation = operation_named(service, call->operation);
	if (rq->operation == NULL)
		return refuse(rq, service->unknown_operation, "The action %s is not valid for this web service.",
			      call->operation);
	rq->args = call->args;
	return true;
}

/* --- faults --- */

/* The words of a service for a bare HTTP status. */
static const char *code_for_status(const struct service *service, int status)
{
	bool json = service->protocol == PROTOCOL_JSON;
	if (status == 500)
		return json ? "InternalServerError" : "InternalError";
	if (status == 503)
		return service->protocol == PROTOCOL_EC2 ? "Unavailable" : "ServiceUnavailable";
	if (status == 429)
		return service->throttled;
	return status < 500 ? "ValidationError" : "InternalFailure";
}

static bool throttling(const char *code)
{
	return str_eq(code, "RequestLimitExceeded") || str_eq(code, "Throttling") ||
	       str_eq(code, "ThrottlingException");
}

static void set_strike_error(struct call *call, const struct strike *strike)
{
	const struct service *service = call->identity.service;
	const char *code = *strike->code == '\0' ? code_for_status(service, strike->status) : strike->code;
	bool throttled = throttling(code);
	refuse(&call->rq, throttled ? service->throttled : code,
	       throttled ? "Request limit exceeded." : "Set by the sandbox's settings");
	call->rq.refusal.status = strike->status;
}

static bool wait_for(struct call *call, int64_t ms)
{
	call->api->held++;
	bool there = call->patience->wait(call->patience->cookie, ms);
	call->api->held--;
	return there;
}

/* What the strike does now; false: the request ends with it. */
static bool endure(struct call *call, const struct strike *strike)
{
	switch (strike->kind) {
	case STRIKE_NONE:
		return true;
	case STRIKE_HANG:
		if (wait_for(call, strike->hang_ms) && strike->hang_ms >= 0)
			return true;
		call->answer->kind = ANSWER_NONE;
		return false;
	case STRIKE_RESET:
		call->answer->kind = ANSWER_RESET;
		return false;
	case STRIKE_CUT:
		call->answer->kind = ANSWER_CUT;
		return true;
	case STRIKE_ERROR:
		set_strike_error(call, strike);
		return false;
	}
	return true;
}

/* --- the answer --- */

static void set_refusal(struct call *call)
{
	call->answer->status = refusal_status(&call->rq.refusal);
	str_clear(&call->answer->body);
	encode_refusal(call->identity.service, &call->rq.refusal, call->answer->request_id, &call->answer->body);
}

static bool carry_out(struct call *call)
{
	struct request *rq = &call->rq;
	struct strike strike = settings_strike(call->api->cloud->settings, call->operation, clock_mono_ms());
	int64_t latency_ms = settings_ms(call->api->cloud->settings, "latency.request");
	if (latency_ms > 0 && !call->patience->wait(call->patience->cookie, latency_ms)) {
		call->answer->kind = ANSWER_NONE;
		return false;
	}
	bool cut = strike.kind == STRIKE_CUT;
	if (!strike.after && !cut && !endure(call, &strike))
		return false;
	/* A refusal may get lost on its way, too. */
	bool done = check_arguments(rq, call->identity.service->protocol, call->flat) && operation_carry_out(rq);
	return ((!strike.after && !cut) || endure(call, &strike)) && done;
}

/* Where an account has not opted in, its keys are not known.
 * https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html */
static bool check_opted_in(struct call *call)
{
	const struct service *service = call->identity.service;
	if (region_opted_in(region_find(call->identity.region), call->api->cloud->settings))
		return true;
	return refuse(&call->rq, service->unknown_key, "%s",
		      service->protocol == PROTOCOL_EC2 ? "AWS was not able to validate the provided access credentials"
							: "The security token included in the request is invalid.");
}

static bool answer_call(struct call *call)
{
	struct request *rq = &call->rq;
	if (!auth_check(call->api->cloud, call->http, cloud_clock_ms(call->api->cloud), &call->identity,
			&rq->refusal) ||
	    !check_opted_in(call))
		return false;
	rq->caller = call->identity.caller;
	rq->service = call->identity.service->name;
	rq->region = region_find(call->identity.region) == NULL ? regions[0].name : call->identity.region;
	if (!read_call(call) || !carry_out(call))
		return false;
	call->answer->status = 200;
	encode_reply(call->identity.service, call->operation, rq->reply, call->answer->request_id, &call->answer->body);
	return true;
}

/* One line a request, for tests that hold requests and replies against AWS's models. */
static void record(struct call *call)
{
	if (call->api->record == NULL || call->wire == NULL)
		return;
	_cleanup_(tree_freep) struct tree *line = tree_new_object();
	_cleanup_(str_free) struct str text = STR_INIT;
	tree_set_text(line, "service", call->identity.service->name);
	tree_set_text(line, "operation", call->operation);
	tree_set_text(line, "region", call->identity.region);
	tree_set(line, "request", tree_share(call->wire));
	tree_set_int(line, "status", call->answer->status);
	tree_set_int(line, "at_ms", clock_wall_ms());
	tree_set_text(line, "content_type", call->answer->content_type);
	tree_set_text(line, "reply", call->answer->body.data);
	tree_to_json(line, &text);
	pthread_mutex_lock(&call->api->record_lock);
	fprintf(call->api->record, "%s\n", text.data);
	fflush(call->api->record);
	pthread_mutex_unlock(&call->api->record_lock);
}

static void log_call(const struct call *call)
{
	const struct answer *answer = call->answer;
	log_debug(call->api->cloud->log, "%s %s %s: %d %s", call->identity.region, call->identity.service->name,
		  *call->operation == '\0' ? "-" : call->operation, answer->status,
		  answer->status == 200 ? "" : call->rq.refusal.code);
}

void api_answer(struct api *api, const struct sigv4_request *http, const struct api_patience *patience,
		struct answer *out)
{
	struct call *call = mem_alloc(sizeof *call);
	*call = (struct call){.api = api, .http = http, .patience = patience, .answer = out};
	call->rq.cloud = api->cloud;
	call->rq.reply = tree_new_object();
	out->kind = ANSWER_WHOLE;
	crypto_random_uuid(out->request_id);
	if (!answer_call(call) && (out->kind == ANSWER_WHOLE || out->kind == ANSWER_CUT))
		set_refusal(call);
	out->content_type = content_type(call->identity.service);
	record(call);
	log_call(call);
	tree_free(call->rq.reply);
	tree_free(call->wire);
	tree_free(call->args);
	tree_free(call->flat);
	free(call);
}
