/* SPDX-License-Identifier: Apache-2.0
 *
 * Talking to a running sandbox's control endpoint: HTTP/1.0 over a loopback socket, one request a connection. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "access/policy.h"
#include "bakery/file.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "control.h"
#include "folder.h"

#define REPLY_MOST (64u << 20)

static bool connect_to(const char *endpoint, int *fd, struct error *err)
{
	const char *colon = strrchr(endpoint, ':');
	struct sockaddr_in address = {.sin_family = AF_INET};
	address.sin_port = htons((uint16_t)(colon == NULL ? 0 : atoi(colon + 1)));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	*fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0 || connect(*fd, (struct sockaddr *)&address, sizeof address) < 0)
		return error_errno(err, "%s", endpoint);
	return true;
}

static bool send_all(int fd, const struct str *text, struct error *err)
{
	for (size_t sent = 0; sent < text->len;) {
		ssize_t count = send(fd, text->data + sent, text->len - sent, MSG_NOSIGNAL);
		if (count < 0 && errno != EINTR)
			return error_errno(err, "the sandbox's control endpoint");
		sent += count > 0 ? (size_t)count : 0;
	}
	return true;
}

static bool read_all(int fd, struct str *out, struct error *err)
{
	char buffer[16384];
	for (;;) {
		ssize_t count = read(fd, buffer, sizeof buffer);
		if (count == 0)
			return true;
		if (count < 0 && errno != EINTR)
			return error_errno(err, "the sandbox's control endpoint");
		if (count > 0)
			str_add_n(out, buffer, (size_t)count);
		if (out->len > REPLY_MOST)
			return error_set(err, ERROR_INTERNAL, "the sandbox's answer is too long");
	}
}

static bool understand(const struct str *reply, struct tree **out, struct error *err)
{
	const char *body = strstr(reply->data, "\r\n\r\n");
	if (!str_starts(reply->data, "HTTP/1.") || body == NULL)
		return error_set(err, ERROR_INTERNAL, "the sandbox's answer is not HTTP");
	body += 4;
	*out = tree_from_json(body, reply->len - (size_t)(body - reply->data), err);
	if (*out == NULL)
		return error_context(err, "the sandbox's answer");
	if (strncmp(reply->data + strlen("HTTP/1.x "), "200", 3) == 0)
		return true;
	error_set(err, str_eq(tree_text(*out, "kind"), "usage") ? ERROR_USAGE : ERROR_FAILED, "%s",
		  tree_text_or(*out, "error", "the sandbox refused"));
	tree_free(take(out));
	return false;
}

static bool ask_sandbox(const struct sandbox_options *options, const char *method, const char *path,
			const struct str *body, struct sandbox_address *address, struct tree **out, struct error *err)
{
	char token[65];
	_cleanup_(closep) int fd = -1;
	_cleanup_(freep) char *folder = folder_path(options);
	_cleanup_(str_wipe_free) struct str request = STR_INIT;
	_cleanup_(str_free) struct str reply = STR_INIT;
	if (!sandbox_find(options, address, err) || !folder_token(folder, token, err))
		return false;
	str_addf(&request,
		 "%s %s HTTP/1.0\r\nHost: sandbox\r\n" CONTROL_TOKEN_HEADER ": %s\r\nContent-Length: %zu\r\n\r\n",
		 method, path, token, body->len);
	str_add_n(&request, body->data, body->len);
	return connect_to(address->endpoint, &fd, err) && send_all(fd, &request, err) && read_all(fd, &reply, err) &&
	       understand(&reply, out, err);
}

bool sandbox_status(const struct sandbox_options *options, struct tree **out, struct error *err)
{
	struct str none = STR_INIT;
	struct sandbox_address address;
	_cleanup_(tree_freep) struct tree *status = NULL;
	if (!ask_sandbox(options, "GET", "/_sandbox/status", &none, &address, &status, err))
		return false;
	*out = tree_new_object();
	tree_set_text(*out, "endpoint", address.endpoint);
	tree_set_int(*out, "pid", address.pid);
	for (struct tree_iter i = tree_iter(status); tree_next(&i);)
		tree_set(*out, i.key, tree_share(i.value));
	return true;
}

bool sandbox_set(const struct sandbox_options *options, const char *const *settings, struct error *err)
{
	struct sandbox_address address;
	_cleanup_(str_free) struct str body = STR_INIT;
	_cleanup_(tree_freep) struct tree *reply = NULL;
	for (; *settings != NULL; settings++)
		str_addf(&body, "%s\n", *settings);
	return ask_sandbox(options, "PUT", "/_sandbox/settings", &body, &address, &reply, err);
}

bool sandbox_set_policy(const struct sandbox_options *options, const char *path, struct error *err)
{
	struct sandbox_address address;
	_cleanup_(str_free) struct str body = STR_INIT;
	_cleanup_(tree_freep) struct tree *policy = NULL, *reply = NULL;
	if (*path != '\0' && !policy_read_file(path, &policy, err))
		return false;
	if (policy != NULL)
		tree_to_json(policy, &body);
	return ask_sandbox(options, "PUT", "/_sandbox/policy", &body, &address, &reply, err);
}

/* The wish goes with the root file system's absolute path. */
static bool ask_import(const struct sandbox_options *options, const char *path, struct tree *wish, struct tree **reply,
		       struct error *err)
{
	struct sandbox_address address;
	_cleanup_(str_free) struct str body = STR_INIT;
	_cleanup_(freep) char *absolute = realpath(path, NULL);
	if (absolute == NULL)
		return error_errno(err, "%s", path);
	tree_set_text(wish, "path", absolute);
	tree_to_json(wish, &body);
	return ask_sandbox(options, "POST", "/_sandbox/images", &body, &address, reply, err);
}

bool sandbox_import_base(const struct sandbox_options *options, const char *path, const char *base, struct error *err)
{
	_cleanup_(tree_freep) struct tree *wish = tree_new_object(), *reply = NULL;
	tree_set_text(wish, "base", base);
	return ask_import(options, path, wish, &reply, err);
}

bool sandbox_import(const struct sandbox_options *options, const char *path, const char *name, const char *owner,
		    char ami[32], struct error *err)
{
	_cleanup_(tree_freep) struct tree *wish = tree_new_object(), *reply = NULL;
	tree_set_text(wish, "name", name);
	if (owner != NULL)
		tree_set_text(wish, "owner", owner);
	if (!ask_import(options, path, wish, &reply, err))
		return false;
	snprintf(ami, 32, "%s", tree_text_or(reply, "ami", ""));
	return true;
}
