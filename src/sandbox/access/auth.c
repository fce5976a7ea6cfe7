/* SPDX-License-Identifier: Apache-2.0
 *
 * Verifies signatures, and refuses in each service's own words. */
#include "auth.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../http_header.h"
#include "../regions.h"
#include "../services.h"
#include "bakery/str.h"
#include "sessions.h"

static bool refuse_as(struct refusal *refusal, const char *code, const char *fmt, ...) printf_like(3, 4);
static bool refuse_as(struct refusal *refusal, const char *code, const char *fmt, ...)
{
	va_list args;
	snprintf(refusal->code, sizeof refusal->code, "%s", code);
	va_start(args, fmt);
	vsnprintf(refusal->message, sizeof refusal->message, fmt, args);
	va_end(args);
	return false;
}

static const struct service *guess_service(const struct sigv4_request *http)
{
	const char *target = http_header(http, "x-amz-target");
	const struct service *service = target == NULL ? NULL : service_of_target(target);
	return service != NULL ? service : &services[0];
}

static bool refuse_verdict(enum sigv4_verdict verdict, const struct service *service, const struct error *err,
			   struct refusal *refusal)
{
	bool json = service->protocol == PROTOCOL_JSON;
	switch (verdict) {
	case SIGV4_ABSENT:
		return refuse_as(refusal, service->missing, "Request is missing Authentication Token");
	case SIGV4_INCOMPLETE:
		return refuse_as(refusal, json ? "IncompleteSignatureException" : "IncompleteSignature", "%s",
				 err->text);
	case SIGV4_EXPIRED:
		return refuse_as(refusal, service->stale, "Signature expired: %s", err->text);
	case SIGV4_NOT_YET:
		return refuse_as(refusal, service->stale, "Signature not yet current: %s", err->text);
	default:
		return refuse_as(
			refusal, service->mismatch,
			"The request signature we calculated does not match the signature you provided. Check your AWS "
			"Secret Access Key and signing method. Consult the service documentation for details.");
	}
}

static void set_user(struct caller *caller)
{
	*caller = (struct caller){.kind = CALLER_USER};
	snprintf(caller->account, sizeof caller->account, "%s", CLOUD_ACCOUNT);
	snprintf(caller->arn, sizeof caller->arn, "arn:aws:iam::%s:user/%s", CLOUD_ACCOUNT, CLOUD_USER);
	snprintf(caller->user_id, sizeof caller->user_id, "%s", CLOUD_USER_ID);
	snprintf(caller->name, sizeof caller->name, "%s", CLOUD_USER);
}

static void set_scope(const struct sigv4_claim *claim, struct identity *identity)
{
	identity->service = service_named(claim->service);
	snprintf(identity->service_name, sizeof identity->service_name, "%s", claim->service);
	snprintf(identity->region, sizeof identity->region, "%s", claim->region);
}

static bool refuse_key(const struct service *words, struct refusal *refusal)
{
	return refuse_as(refusal, words->unknown_key,
			 words->protocol == PROTOCOL_EC2
				 ? "AWS was not able to validate the provided access credentials"
				 : "The security token included in the request is invalid.");
}

static bool refuse_expired(const struct service *words, struct refusal *refusal)
{
	return refuse_as(refusal, words->expired,
			 words->protocol == PROTOCOL_EC2 ? "Request has expired."
							 : "The security token included in the request is expired");
}

/* The session that the claim's key belongs to; NULL for the long-lived key, whose secret is then set. */
static bool find_secret(struct cloud *cloud, const struct sigv4_claim *claim, struct tree **session,
			const char **secret)
{
	if (str_eq(claim->access_key, cloud->key.access_key)) {
		*secret = cloud->key.secret_key;
		return claim->token.len == 0;
	}
	pthread_mutex_lock(&cloud->lock);
	*session = session_find(cloud, claim->access_key);
	pthread_mutex_unlock(&cloud->lock);
	*secret = tree_text(*session, "secret");
	return *session != NULL && str_eq(tree_text(*session, "token"), claim->token.data);
}

static bool check_claim(struct cloud *cloud, const struct sigv4_request *http, int64_t now_ms,
			const struct sigv4_claim *claim, struct identity *identity, struct refusal *refusal)
{
	struct error err = {0};
	const char *secret = NULL;
	_cleanup_(tree_freep) struct tree *session = NULL;
	set_scope(claim, identity);
	const struct service *service = identity->service;
	const struct service *words = service != NULL ? service : guess_service(http);
	identity->service = words;
	if (!find_secret(cloud, claim, &session, &secret))
		return refuse_key(words, refusal);
	enum sigv4_verdict verdict = sigv4_verify(http, claim, secret, 0, now_ms, &err);
	if (verdict != SIGV4_GOOD)
		return refuse_verdict(verdict, words, &err, refusal);
	if (session != NULL && session_expired(cloud, session, now_ms))
		return refuse_expired(words, refusal);
	if (service == NULL)
		return refuse_as(refusal, words->unknown_operation, "The sandbox does not offer the service %s",
				 claim->service);
	if (region_find(claim->region) == NULL && !str_eq(claim->region, GLOBAL_REGION))
		return refuse_as(refusal, words->mismatch, "Credential should be scoped to a valid region, not '%s'.",
				 claim->region);
	if (session != NULL)
		session_caller(session, &identity->caller);
	else
		set_user(&identity->caller);
	return true;
}

/* STS hands out credentials to whoever has an identity provider's token: that request is not signed. */
static bool unsigned_is_fine(const struct sigv4_request *http, struct identity *identity)
{
	_cleanup_(tree_freep) struct tree *form = tree_new_object();
	bool post = str_eq(http->method, "POST");
	const char *text = post ? http->body : http->query;
	size_t length = post ? http->body_length : text == NULL ? 0 : strlen(text);
	if (http_header(http, "x-amz-target") != NULL || text == NULL || !form_decode(text, length, form) ||
	    !str_eq(tree_text(tree_key(form, "Action"), NULL), "AssumeRoleWithWebIdentity"))
		return false;
	identity->service = service_named("sts");
	snprintf(identity->service_name, sizeof identity->service_name, "sts");
	snprintf(identity->region, sizeof identity->region, "%s", GLOBAL_REGION);
	return true;
}

bool auth_check(struct cloud *cloud, const struct sigv4_request *http, int64_t now_ms, struct identity *identity,
		struct refusal *refusal)
{
	struct error err = {0};
	_cleanup_(sigv4_claim_free) struct sigv4_claim claim = {0};
	enum sigv4_verdict verdict = sigv4_claim_read(http, &claim, &err);
	if (verdict == SIGV4_ABSENT && unsigned_is_fine(http, identity))
		return true;
	identity->service = guess_service(http);
	if (verdict != SIGV4_GOOD)
		return refuse_verdict(verdict, identity->service, &err, refusal);
	return check_claim(cloud, http, now_ms, &claim, identity, refusal);
}
