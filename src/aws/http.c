/* SPDX-License-Identifier: Apache-2.0
 *
 * A pool of libcurl connections. Each request takes one that last spoke to the same host, or makes one; so a thread
 * that calls one service after the other keeps its connections, and threads never share one. TLS sessions and names are
 * shared by all. */
#include "http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bakery/clock.h"
#include "bakery/mem.h"
#include "config.h"

#define POLL_MS 1000
#define POLL_IN_GRACE_MS 50
#define MOST_IDLE 32

struct connection {
	struct connection *next;
	CURLM *multi; /* libcurl keeps the sockets here */
	CURL *easy;
	char host[256]; /* that it spoke to last */
	char error[CURL_ERROR_SIZE];
};

struct known_host {
	struct known_host *next;
	char *host;
};

struct http {
	char *ca_bundle;
	size_t most_bytes;
	int64_t connect_ms, silence_s;
	CURLSH *share;
	pthread_mutex_t share_locks[CURL_LOCK_DATA_LAST];
	pthread_mutex_t lock; /* of what follows */
	struct connection *idle;
	size_t idle_count;
	struct known_host *known;
};

/* --- the pool --- */

static void lock_share(CURL *easy, curl_lock_data data, curl_lock_access access, void *cookie)
{
	struct http *http = cookie;
	pthread_mutex_lock(&http->share_locks[data]);
}

static void unlock_share(CURL *easy, curl_lock_data data, void *cookie)
{
	struct http *http = cookie;
	pthread_mutex_unlock(&http->share_locks[data]);
}

struct http *http_new(const struct http_options *options)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	struct http *http = mem_alloc(sizeof *http);
	http->ca_bundle = mem_strdup(options->ca_bundle);
	http->most_bytes = options->most_bytes;
	http->connect_ms = options->connect_ms;
	http->silence_s = options->silence_s;
	pthread_mutex_init(&http->lock, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(http->share_locks); i++)
		pthread_mutex_init(&http->share_locks[i], NULL);
	http->share = curl_share_init();
	curl_share_setopt(http->share, CURLSHOPT_USERDATA, http);
	curl_share_setopt(http->share, CURLSHOPT_LOCKFUNC, lock_share);
	curl_share_setopt(http->share, CURLSHOPT_UNLOCKFUNC, unlock_share);
	curl_share_setopt(http->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
	curl_share_setopt(http->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
	return http;
}

static void connection_free(struct connection *connection)
{
	curl_easy_cleanup(connection->easy);
	curl_multi_cleanup(connection->multi);
	free(connection);
}

void http_free(struct http *http)
{
	if (!http)
		return;
	for (struct connection *next; http->idle; http->idle = next) {
		next = http->idle->next;
		connection_free(http->idle);
	}
	for (struct known_host *next; http->known; http->known = next) {
		next = http->known->next;
		free(http->known->host);
		free(http->known);
	}
	curl_share_cleanup(http->share);
	for (size_t i = 0; i < ARRAY_SIZE(http->share_locks); i++)
		pthread_mutex_destroy(&http->share_locks[i]);
	pthread_mutex_destroy(&http->lock);
	free(http->ca_bundle);
	free(http);
	curl_global_cleanup();
}

static struct connection *take_connection(struct http *http, const char *host)
{
	struct connection *found = NULL;
	pthread_mutex_lock(&http->lock);
	for (struct connection **at = &http->idle; *at; at = &(*at)->next) {
		if (strcmp((*at)->host, host) != 0)
			continue;
		found = *at;
		*at = found->next;
		http->idle_count--;
		break;
	}
	pthread_mutex_unlock(&http->lock);
	if (found)
		return found;
	found = mem_alloc(sizeof *found);
	found->multi = curl_multi_init();
	found->easy = curl_easy_init();
	strncpy(found->host, host, sizeof found->host - 1);
	return found;
}

static void give_back(struct http *http, struct connection *connection, const char *answered_host)
{
	pthread_mutex_lock(&http->lock);
	bool keep = http->idle_count < MOST_IDLE;
	if (keep) {
		connection->next = http->idle;
		http->idle = connection;
		http->idle_count++;
	}
	struct known_host *known = http->known;
	while (known && answered_host && strcmp(known->host, answered_host) != 0)
		known = known->next;
	if (answered_host && !known) {
		known = mem_alloc(sizeof *known);
		*known = (struct known_host){http->known, mem_strdup(answered_host)};
		http->known = known;
	}
	pthread_mutex_unlock(&http->lock);
	if (!keep)
		connection_free(connection);
}

bool http_has_answered(struct http *http, const struct http_url *url)
{
	pthread_mutex_lock(&http->lock);
	struct known_host *known = http->known;
	while (known && strcmp(known->host, url->host) != 0)
		known = known->next;
	pthread_mutex_unlock(&http->lock);
	return known;
}

/* --- addresses --- */

static bool is_loopback(const char *name)
{
	return strcmp(name, "localhost") == 0 || strcmp(name, "::1") == 0 || str_starts(name, "127.");
}

static char *without_brackets(const char *host)
{
	size_t length = strlen(host);
	return host[0] == '[' && host[length - 1] == ']' ? mem_strndup(host + 1, length - 2) : mem_strdup(host);
}

static void url_part(CURLU *url, CURLUPart part, unsigned flags, char **out)
{
	char *text = NULL;
	curl_url_get(url, part, &text, flags);
	*out = mem_strdup(text);
	curl_free(text);
}

static void curl_urlp(CURLU **url)
{
	curl_url_cleanup(*url);
}

bool http_url_parse(const char *text, struct http_url *out, struct error *err)
{
	_cleanup_(curl_urlp) CURLU *url = curl_url();
	_cleanup_(freep) char *scheme = NULL, *host = NULL, *port = NULL, *user = NULL, *query = NULL;
	*out = (struct http_url){0};
	if (curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK)
		return error_set(err, ERROR_DENIED, "%s is not a URL such as https://host or http://127.0.0.1:4566",
				 text);
	url_part(url, CURLUPART_SCHEME, 0, &scheme);
	url_part(url, CURLUPART_HOST, 0, &host);
	url_part(url, CURLUPART_PORT, CURLU_NO_DEFAULT_PORT, &port);
	url_part(url, CURLUPART_USER, 0, &user);
	url_part(url, CURLUPART_QUERY, 0, &query);
	if (!str_eq(scheme, "http") && !str_eq(scheme, "https"))
		return error_set(err, ERROR_DENIED, "%s: only http and https are spoken", text);
	if (user || query) /* may hold a password: not repeated */
		return error_set(err, ERROR_DENIED, "the endpoint's URL must be only scheme, host, port and path");
	url_part(url, CURLUPART_PATH, 0, &out->path);
	out->host = port ? mem_printf("%s:%s", host, port) : mem_strdup(host);
	out->base = mem_printf("%s://%s", scheme, out->host);
	out->name = without_brackets(host);
	out->port = port ? atoi(port) : str_eq(scheme, "https") ? 443 : 80;
	out->loopback = is_loopback(out->name);
	return true;
}

void http_url_free(struct http_url *url)
{
	free(url->host);
	free(url->name);
	free(url->path);
	free(url->base);
	*url = (struct http_url){0};
}

/* --- one exchange --- */

struct exchange {
	struct http_reply *reply;
	size_t most_bytes;
	bool too_large;
};

static size_t take_body(char *data, size_t size, size_t count, void *cookie)
{
	struct exchange *exchange = cookie;
	if (exchange->reply->body.len + size * count > exchange->most_bytes) {
		exchange->too_large = true;
		return 0;
	}
	str_add_n(&exchange->reply->body, data, size * count);
	return size * count;
}

static void copy_trimmed(char *out, size_t out_size, const char *text, size_t length)
{
	while (length && (text[length - 1] == '\r' || text[length - 1] == '\n' || text[length - 1] == ' '))
		length--;
	while (length && *text == ' ') {
		text++;
		length--;
	}
	if (length >= out_size)
		length = out_size - 1;
	memcpy(out, text, length);
	out[length] = '\0';
}

static size_t take_header(char *line, size_t size, size_t count, void *cookie)
{
	struct exchange *exchange = cookie;
	struct http_reply *reply = exchange->reply;
	char seconds[16] = "", date[64] = "";
	const struct {
		const char *name;
		char *out;
		size_t size;
	} wanted[] = {
		{"content-type:", reply->content_type, sizeof reply->content_type},
		{"x-amzn-requestid:", reply->request_id, sizeof reply->request_id},
		{"x-amz-request-id:", reply->request_id, sizeof reply->request_id},
		{"x-amzn-errortype:", reply->error_type, sizeof reply->error_type},
		{"date:", date, sizeof date},
		{"retry-after:", seconds, sizeof seconds},
	};
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		size_t length = strlen(wanted[i].name);
		if (size * count > length && strncasecmp(line, wanted[i].name, length) == 0)
			copy_trimmed(wanted[i].out, wanted[i].size, line + length, size * count - length);
	}
	if (seconds[0] && !str_to_int(seconds, &reply->retry_after_s))
		reply->retry_after_s = 0; /* the form with a date is nothing AWS sends */
	if (date[0] && curl_getdate(date, NULL) > 0)
		reply->date_ms = (int64_t)curl_getdate(date, NULL) * 1000;
	return size * count;
}

static void slist_freep(struct curl_slist **list)
{
	for (struct curl_slist *at = *list; at; at = at->next) /* tokens pass through here */
		mem_wipe(at->data, strlen(at->data));
	curl_slist_free_all(*list);
}

static struct curl_slist *header_list(const struct http_request *request)
{
	/* libcurl would otherwise wait a second for "100 Continue" before a long body. */
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");
	for (size_t i = 0; i < request->header_count; i++) {
		_cleanup_(str_wipe_free) struct str line = STR_INIT;
		str_addf(&line, "%s: %s", request->headers[i].name, request->headers[i].value);
		list = curl_slist_append(list, line.data);
	}
	return list;
}

static void set_transport(struct http *http, struct connection *connection, const struct http_request *request)
{
	CURL *easy = connection->easy;
	curl_easy_setopt(easy, CURLOPT_SHARE, http->share);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, connection->error);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	if (http->ca_bundle)
		curl_easy_setopt(easy, CURLOPT_CAINFO, http->ca_bundle);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)http->connect_ms);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)http->silence_s);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	if (request->never_twice)
		curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	if (request->url->loopback)
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
}

static void set_request(struct connection *connection, const struct http_request *request, const char *url,
			struct curl_slist *headers, struct exchange *exchange)
{
	CURL *easy = connection->easy;
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L); /* it is signed as it is */
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "bakery/" BAKERY_VERSION);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	if (request->body) {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_length);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
	}
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
}

/* When to give up: at once, or after a short grace. */
static bool is_given_up(const struct stop *stop, bool grace, int64_t *since_ms)
{
	if (!stop_requested(stop))
		return false;
	if (*since_ms == 0)
		*since_ms = clock_mono_ms();
	return !grace || clock_mono_ms() - *since_ms >= HTTP_GRACE_MS;
}

static void wait_for_event(struct connection *connection, const struct stop *stop, bool in_grace)
{
	struct curl_waitfd asked = {stop ? stop->event_fd : -1, CURL_WAIT_POLLIN, 0};
	bool listen = stop && !in_grace; /* once asked, it stays readable */
	curl_multi_poll(connection->multi, &asked, listen, in_grace ? POLL_IN_GRACE_MS : POLL_MS, NULL);
}

/* CURLE_ABORTED_BY_CALLBACK when stopped. */
static CURLcode drive(struct connection *connection, const struct stop *stop, bool grace)
{
	int running = 1, left = 0;
	int64_t over_since_ms = 0;
	curl_multi_add_handle(connection->multi, connection->easy);
	while (curl_multi_perform(connection->multi, &running) == CURLM_OK && running) {
		if (is_given_up(stop, grace, &over_since_ms)) {
			curl_multi_remove_handle(connection->multi, connection->easy);
			return CURLE_ABORTED_BY_CALLBACK;
		}
		wait_for_event(connection, stop, over_since_ms != 0);
	}
	CURLMsg *message = curl_multi_info_read(connection->multi, &left);
	CURLcode result = message ? message->data.result : CURLE_FAILED_INIT;
	curl_multi_remove_handle(connection->multi, connection->easy);
	return result;
}

/* A proxy answered in the place of the host behind it, which heard nothing. */
static long refused_by_proxy(const struct connection *connection)
{
	long status = 0;
	curl_easy_getinfo(connection->easy, CURLINFO_HTTP_CONNECTCODE, &status);
	return status >= 300 ? status : 0;
}

static enum http_outcome timed_out(struct connection *connection)
{
	double connected_s = 0;
	curl_easy_getinfo(connection->easy, CURLINFO_PRETRANSFER_TIME, &connected_s);
	return connected_s > 0 ? HTTP_BROKEN : HTTP_UNREACHED;
}

static enum http_outcome outcome_of(CURLcode code, struct connection *connection, const struct exchange *exchange)
{
	switch (code) {
	case CURLE_OK:
		return HTTP_ANSWERED;
	case CURLE_ABORTED_BY_CALLBACK:
		return HTTP_STOPPED;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT:
	case CURLE_PROXY:
	case CURLE_SSL_CONNECT_ERROR:
		return HTTP_UNREACHED;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		return HTTP_UNTRUSTED;
	case CURLE_OPERATION_TIMEDOUT:
		return timed_out(connection);
	default:
		if (refused_by_proxy(connection))
			return HTTP_UNREACHED;
		return exchange->too_large ? HTTP_TOO_LARGE : HTTP_BROKEN;
	}
}

/* libcurl only says that it could not connect, though to whom: that may be a proxy. */
static void describe_unconnected(const struct connection *connection, const struct http_url *url, struct error *err)
{
	char host[256] = "";
	int port = 0;
	long number = 0;
	curl_easy_getinfo(connection->easy, CURLINFO_OS_ERRNO, &number);
	const char *detail = number ? strerror((int)number) : connection->error;
	if (sscanf(connection->error, "Failed to connect to %255s port %d", host, &port) == 2 &&
	    (strcmp(host, url->name) != 0 || port != url->port))
		error_set(err, ERROR_TRANSIENT, "the proxy %s:%d: %s", host, port, detail);
	else
		error_set(err, ERROR_TRANSIENT, "%s", detail);
}

static void describe(enum http_outcome outcome, CURLcode code, const struct connection *connection,
		     const struct http *http, const struct http_url *url, struct error *err)
{
	if (outcome == HTTP_STOPPED)
		error_set(err, ERROR_STOPPED, "interrupted before the answer came");
	else if (outcome == HTTP_TOO_LARGE)
		error_set(err, ERROR_REMOTE, "the answer is longer than %zu MiB", http->most_bytes >> 20);
	else if (outcome == HTTP_BROKEN && code == CURLE_OPERATION_TIMEDOUT)
		error_set(err, ERROR_TRANSIENT, "no answer for %d s", (int)http->silence_s);
	else if (outcome == HTTP_UNREACHED && refused_by_proxy(connection))
		error_set(err, ERROR_TRANSIENT, "the proxy refuses to lead there (status %ld)",
			  refused_by_proxy(connection));
	else if (code == CURLE_COULDNT_CONNECT)
		describe_unconnected(connection, url, err);
	else
		error_set(err, ERROR_TRANSIENT, "%s",
			  connection->error[0] ? connection->error : curl_easy_strerror(code));
}

enum http_outcome http_send(struct http *http, const struct http_request *request, const struct stop *stop,
			    struct http_reply *reply, struct error *err)
{
	struct connection *connection = take_connection(http, request->url->host);
	_cleanup_(slist_freep) struct curl_slist *headers = header_list(request);
	_cleanup_(freep) char *url = mem_printf("%s%s", request->url->base, request->url->path);
	struct exchange exchange = {reply, http->most_bytes, false};

	*reply = (struct http_reply){.body = STR_INIT};
	str_reserve(&reply->body, 16384); /* so that most replies are read in place and leave no copies */
	connection->error[0] = '\0';
	curl_easy_reset(connection->easy);
	set_transport(http, connection, request);
	set_request(connection, request, url, headers, &exchange);
	CURLcode code = drive(connection, stop, request->changes);
	enum http_outcome outcome = outcome_of(code, connection, &exchange);
	if (outcome == HTTP_ANSWERED)
		curl_easy_getinfo(connection->easy, CURLINFO_RESPONSE_CODE, &reply->status);
	else
		describe(outcome, code, connection, http, request->url, err);
	give_back(http, connection, outcome == HTTP_ANSWERED ? request->url->host : NULL);
	return outcome;
}

void http_reply_free(struct http_reply *reply)
{
	str_wipe_free(&reply->body);
}
