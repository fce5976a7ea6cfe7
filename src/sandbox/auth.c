/* SPDX-License-Identifier: Apache-2.0
 *
 * Verifies signatures, and refuses in each service's own words. */
#include "auth.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bakery/str.h"
#include "http_header.h"
#include "regions.h"
#include "services.h"

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

static void set_identity(const struct sigv4_claim *claim, struct identity *identity)
{
	identity->service = service_named(claim->service);
	snprintf(identity->service_name, sizeof identity->service_name, "%s", claim->service);
	snprintf(identity->region, sizeof identity->region, "%s", claim->region);
	snprintf(identity->caller.account, sizeof identity->caller.account, "%s", CLOUD_ACCOUNT);
	snprintf(identity->caller.arn, sizeof identity->caller.arn, "arn:aws:iam::%s:user/sandbox", CLOUD_ACCOUNT);
	snprintf(identity->caller.user_id, sizeof identity->caller.user_id, "AIDASANDBOXUSER000001");
}

static bool check_claim(const struct cloud *cloud, const struct sigv4_request *http, int64_t now_ms,
			const struct sigv4_claim *claim, struct identity *identity, struct refusal *refusal)
{
	struct error err = {0};
	set_identity(claim, identity);
	const struct service *words = identity->service != NULL ? identity->service : guess_service(http);
	if (!str_eq(claim->access_key, cloud->key.access_key)) {
		identity->service = words;
		return refuse_as(refusal, words->unknown_key,
				 words->protocol == PROTOCOL_EC2
					 ? "AWS was not able to validate the provided access credentials"
					 : "The security token included in the request is invalid.");
	}
	enum sigv4_verdict verdict = sigv4_verify(http, claim, cloud->key.secret_key, 0, now_ms, &err);
	if (verdict != SIGV4_GOOD) {
		identity->service = words;
		return refuse_verdict(verdict, words, &err, refusal);
	}
	if (identity->service == NULL) {
		identity->service = words;
		return refuse_as(refusal, words->unknown_operation, "The sandbox does not offer the service %s",
				 claim->service);
	}
	if (region_find(claim->region) == NULL && !str_eq(claim->region, "aws-global"))
		return refuse_as(refusal, words->mismatch, "Credential should be scoped to a valid region, not '%s'.",
				 claim->region);
	return true;
}

bool auth_check(const struct cloud *cloud, const struct sigv4_request *http, int64_t now_ms, struct identity *identity,
		struct refusal *refusal)
{
	struct error err = {0};
	_cleanup_(sigv4_claim_free) struct sigv4_claim claim = {0};
	enum sigv4_verdict verdict = sigv4_claim_read(http, &claim, &err);
	identity->service = guess_service(http);
	if (verdict != SIGV4_GOOD)
		return refuse_verdict(verdict, identity->service, &err, refusal);
	return check_claim(cloud, http, now_ms, &claim, identity, refusal);
}
