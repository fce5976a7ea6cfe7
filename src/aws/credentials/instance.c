/* SPDX-License-Identifier: Apache-2.0
 *
 * The role of the EC2 instance that this host is, from its metadata service: version 2 only, which a forged request
 * cannot use. A host that is no instance notices within a second.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bakery/mem.h"
#include "near_http.h"
#include "sources.h"

#define IPV4 "http://169.254.169.254"
#define IPV6 "http://[fd00:ec2::254]"
#define TOKEN_PATH "/latest/api/token"
#define ROLES_PATH "/latest/meta-data/iam/security-credentials/"
#define TOKEN_LIFE_S "21600"

static const struct credential_names names = {"AccessKeyId", "SecretAccessKey", "Token", "Expiration"};

static const char *setting(const char *variable, const char *of_profile)
{
	const char *value = getenv(variable);
	return value && *value ? value : of_profile;
}

static const char *find_base(const struct credential_search *search)
{
	const char *base = setting("AWS_EC2_METADATA_SERVICE_ENDPOINT", search->own->ec2_metadata_service_endpoint);
	const char *mode =
		setting("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", search->own->ec2_metadata_service_endpoint_mode);
	if (base)
		return base;
	return mode && strcasecmp(mode, "ipv6") == 0 ? IPV6 : IPV4;
}

/* One talk with the service. */
struct talk {
	struct aws *aws;
	const char *base;
	struct str token;
};

static bool ask(const struct talk *talk, const char *method, const char *path, const char *header, const char *value,
		struct http_reply *reply, struct error *err)
{
	_cleanup_(http_url_free) struct http_url url = {0};
	size_t length = strlen(talk->base);
	while (length && talk->base[length - 1] == '/')
		length--;
	_cleanup_(freep) char *whole = mem_printf("%.*s%s", (int)length, talk->base, path);
	struct credential_request request = {
		.method = method, .url = &url, .headers = {{header, value}}, .is_near = true};
	return credential_http_url(whole, &url, err) && credential_http_send(talk->aws, &request, reply, err);
}

static bool get(const struct talk *talk, const char *path, struct http_reply *reply, struct error *err)
{
	return ask(talk, "GET", path, "X-aws-ec2-metadata-token", talk->token.data, reply, err);
}

/* No answer means no instance; an answer that refuses, one whose owner turned the service off. */
static enum found open_talk(const struct credential_search *search, struct talk *talk, struct error *err)
{
	_cleanup_(http_reply_free) struct http_reply reply = {.body = STR_INIT};
	if (!ask(talk, "PUT", TOKEN_PATH, "X-aws-ec2-metadata-token-ttl-seconds", TOKEN_LIFE_S, &reply, err)) {
		if (err->kind == ERROR_STOPPED)
			return BROKEN;
		str_addf(search->looked, "the instance metadata service (%s), ", err->text);
		return NOT_HERE;
	}
	if (reply.status != 200 || !reply.body.len || strcspn(reply.body.data, "\r\n") != reply.body.len) {
		str_addf(search->looked, "the instance metadata service (%s answered with status %ld and no token), ",
			 talk->base, reply.status);
		return NOT_HERE;
	}
	str_reserve(&talk->token, reply.body.len);
	str_add(&talk->token, reply.body.data);
	return FOUND;
}

static enum found find_role(const struct credential_search *search, const struct talk *talk, char role[128],
			    struct error *err)
{
	_cleanup_(http_reply_free) struct http_reply reply = {.body = STR_INIT};
	if (!get(talk, ROLES_PATH, &reply, err))
		return BROKEN;
	size_t length = strcspn(reply.body.data, "\r\n");
	if (reply.status == 404 || (reply.status == 200 && length == 0)) {
		str_addf(search->looked, "the instance metadata service (%s: the instance has no role), ", talk->base);
		return NOT_HERE;
	}
	if (reply.status == 200 && length < 128) {
		snprintf(role, 128, "%.*s", (int)length, reply.body.data);
		return FOUND;
	}
	credential_http_refused(&reply, err);
	return BROKEN;
}

static bool get_credentials(const struct talk *talk, const char *role, struct credentials *out, struct error *err)
{
	_cleanup_(http_reply_free) struct http_reply reply = {.body = STR_INIT};
	_cleanup_(tree_wipe_freep) struct tree *tree = NULL;
	_cleanup_(str_free) struct str path = STR_INIT;
	str_add(&path, ROLES_PATH);
	sigv4_encode(&path, role, strlen(role));
	if (!get(talk, path.data, &reply, err))
		return false;
	if (reply.status != 200)
		return credential_http_refused(&reply, err);
	tree = tree_from_json(reply.body.data, reply.body.len, err);
	if (!tree)
		return error_context(err, "the answer cannot be used");
	const char *code = tree_text_or(tree, "Code", "Success");
	if (!str_eq(code, "Success"))
		return error_set(err, ERROR_DENIED, "%.64s: %.300s", code,
				 tree_text_or(tree, "Message", "no credentials for this role"));
	return credentials_from_tree(tree, &names, out, err) || error_context(err, "the answer cannot be used");
}

static enum found search_instance(const struct credential_search *search, struct talk *talk, struct credentials *out,
				  struct error *err)
{
	char role[128] = "";
	enum found found = open_talk(search, talk, err);
	if (found == FOUND)
		found = find_role(search, talk, role, err);
	if (found != FOUND)
		return found;
	if (!get_credentials(talk, role, out, err)) {
		error_context(err, "instance role %s", role);
		return BROKEN;
	}
	out->is_renewable = true;
	snprintf(out->source, sizeof out->source, "instance role %s (IMDSv2)", role);
	return FOUND;
}

enum found credential_from_instance(const struct credential_search *search, struct credentials *out, struct error *err)
{
	const char *disabled = getenv("AWS_EC2_METADATA_DISABLED");
	struct talk talk = {search->aws, find_base(search), STR_INIT};
	if (disabled && strcasecmp(disabled, "true") == 0) {
		str_add(search->looked, "the instance metadata service (AWS_EC2_METADATA_DISABLED is set), ");
		return NOT_HERE;
	}
	enum found found = search_instance(search, &talk, out, err);
	str_wipe_free(&talk.token);
	if (found == BROKEN) {
		if (err->kind != ERROR_STOPPED)
			err->kind = ERROR_DENIED;
		error_context(err, "instance metadata service");
	}
	return found;
}
