/* SPDX-License-Identifier: Apache-2.0
 *
 * Talking to a running sandbox's control endpoint, over loopback and past every proxy. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/policy.h"
#include "bakery/file.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "control.h"
#include "folder.h"

#define REPLY_MOST (64u << 20)

/* Less than what was handed over: curl gives up. */
static size_t take_reply(char *data, size_t one, size_t length, void *cookie)
{
	struct str *reply = cookie;
	if (reply->len + length > REPLY_MOST)
		return 0;
	str_add_n(reply, data, length);
	return one * length;
}

static void curlp(CURL **curl)
{
	curl_easy_cleanup(*curl);
}

static void headersp(struct curl_slist **headers)
{
	curl_slist_free_all(*headers);
}

static bool exchange(const char *method, const char *url, const char *token_header, const struct str *body,
		     long *status, struct str *reply, struct error *err)
{
	char why[CURL_ERROR_SIZE] = "";
	_cleanup_(curlp) CURL *curl = curl_easy_init();
	_cleanup_(headersp) struct curl_slist *headers = curl_slist_append(NULL, token_header);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body->data);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->len);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_reply);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, reply);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
	CURLcode code = curl_easy_perform(curl);
	if (code != CURLE_OK)
		return error_set(err, ERROR_FAILED, "the sandbox's control endpoint %s: %s", url,
				 *why ? why : curl_easy_strerror(code));
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
	return true;
}

static bool understand(long status, const struct str *reply, struct tree **out, struct error *err)
{
	*out = tree_from_json(reply->data, reply->len, err);
	if (*out == NULL)
		return error_context(err, "the sandbox's answer");
	if (status == 200)
		return true;
	error_set(err, str_eq(tree_text(*out, "kind"), "usage") ? ERROR_USAGE : ERROR_FAILED, "%s",
		  tree_text_or(*out, "error", "the sandbox refused"));
	tree_free(take(out));
	return false;
}

static bool ask_sandbox(const struct sandbox_options *options, const char *method, const char *path,
			const struct str *body, struct sandbox_address *address, struct tree **out, struct error *err)
{
	char token[65], header[sizeof CONTROL_TOKEN_HEADER + sizeof ": " + sizeof token];
	long status = 0;
	_cleanup_(freep) char *folder = folder_path(options);
	_cleanup_(str_free) struct str reply = STR_INIT;
	if (!sandbox_find(options, address, err) || !folder_token(folder, token, err))
		return false;
	_cleanup_(freep) char *url = mem_printf("%s%s", address->endpoint, path);
	snprintf(header, sizeof header, CONTROL_TOKEN_HEADER ": %s", token);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	bool asked = exchange(method, url, header, body, &status, &reply, err);
	curl_global_cleanup();
	return asked && understand(status, &reply, out, err);
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
