/* SPDX-License-Identifier: Apache-2.0
 *
 * The agent beside a container hands out its role's credentials: ECS tells an address on 169.254.170.2, EKS Pod
 * Identity a whole one, and a token to show, in a file that is replaced now and then.
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/file.h"
#include "bakery/mem.h"
#include "near_http.h"
#include "sources.h"

#define RELATIVE "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
#define FULL "AWS_CONTAINER_CREDENTIALS_FULL_URI"
#define TOKEN "AWS_CONTAINER_AUTHORIZATION_TOKEN"
#define MOST_TOKEN_BYTES 16384

static const struct credential_names names = {"AccessKeyId", "SecretAccessKey", "Token", "Expiration"};

static const char *variable(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
}

/* Whoever sets the variable must not be able to send the token anywhere in the clear. */
static bool check_address(const struct http_url *url, struct error *err)
{
	static const char *const agents[] = {"169.254.170.2", "169.254.170.23", "fd00:ec2::23"};
	struct in_addr address; /* "127.0.0.1.example.com" begins like this host, and is not */
	bool is_here = inet_pton(AF_INET, url->name, &address) == 1 && ntohl(address.s_addr) >> 24 == IN_LOOPBACKNET;
	bool good = is_here || str_starts(url->base, "https:") || str_eq(url->name, "::1") ||
		    str_eq(url->name, "localhost");
	for (size_t i = 0; i < ARRAY_SIZE(agents); i++)
		good |= str_eq(url->name, agents[i]);
	return good || error_set(err, ERROR_DENIED,
				 FULL " must be https, or the address of this host, ECS or EKS (169.254.170.2, "
				      "169.254.170.23, [fd00:ec2::23]), not %s",
				 url->base);
}

static bool find_address(struct aws *aws, struct http_url *out, struct error *err)
{
	const char *relative = variable(RELATIVE);
	_cleanup_(freep) char *whole =
		relative ? mem_printf("%s%s%s", aws->container_base, relative[0] == '/' ? "" : "/", relative)
			 : mem_strdup(variable(FULL));
	if (!credential_http_url(whole, out, err))
		return error_context(err, "%s", relative ? RELATIVE : FULL);
	return relative || check_address(out, err);
}

static bool find_token(struct str *out, struct error *err)
{
	const char *file = variable(TOKEN "_FILE");
	str_reserve(out, MOST_TOKEN_BYTES); /* so that no copies are left by growing */
	if (file && !file_read(file, MOST_TOKEN_BYTES, out, err)) {
		err->kind = ERROR_DENIED;
		return error_context(err, TOKEN "_FILE");
	}
	if (!file && variable(TOKEN))
		str_add(out, variable(TOKEN));
	str_trim_right(out);
	/* It goes into a header, where a line end would begin another. */
	return strcspn(out->data, "\r\n") == out->len ||
	       error_set(err, ERROR_DENIED, "%s holds more than one line", file ? file : TOKEN);
}

static bool ask_agent(struct aws *aws, const struct http_url *url, struct credentials *out, struct error *err)
{
	_cleanup_(str_wipe_free) struct str token = STR_INIT;
	_cleanup_(http_reply_free) struct http_reply reply = {.body = STR_INIT};
	_cleanup_(tree_wipe_freep) struct tree *tree = NULL;
	if (!find_token(&token, err))
		return false;
	struct credential_request request = {
		.method = "GET", .url = url, .headers = {{"Accept", "application/json"}}, .is_near = true};
	if (token.len)
		request.headers[1] = (struct sigv4_header){"Authorization", token.data};
	if (!credential_http_send(aws, &request, &reply, err))
		return false;
	if (reply.status != 200)
		return credential_http_refused(&reply, err);
	tree = tree_from_json(reply.body.data, reply.body.len, err);
	return (tree && credentials_from_tree(tree, &names, out, err)) ||
	       error_context(err, "the answer cannot be used");
}

enum found credential_from_container(const struct credential_search *search, struct credentials *out, struct error *err)
{
	_cleanup_(http_url_free) struct http_url url = {0};
	if (!variable(RELATIVE) && !variable(FULL)) {
		str_add(search->looked, RELATIVE " and " FULL " (not set), ");
		return NOT_HERE;
	}
	if (!find_address(search->aws, &url, err))
		return BROKEN;
	if (!ask_agent(search->aws, &url, out, err)) {
		if (err->kind != ERROR_STOPPED)
			err->kind = ERROR_DENIED;
		error_context(err, "container credentials at %s", url.base);
		return BROKEN;
	}
	out->is_renewable = true;
	snprintf(out->source, sizeof out->source, "container at %s", url.base);
	return FOUND;
}
