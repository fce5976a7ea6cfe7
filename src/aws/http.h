/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP for the calls: connections are kept and used again, TLS is always verified, replies are bounded, a wish to stop
 * is heard at once. Proxies come from the usual variables, but never between us and this host. Only http.c knows
 * libcurl. Thread-safe. */
#ifndef AWS_HTTP_H
#define AWS_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bakery/clock.h"
#include "bakery/error.h"
#include "bakery/sigv4.h"
#include "bakery/str.h"

#define HTTP_MOST_BYTES (32u << 20)
#define HTTP_CONNECT_MS 10000
#define HTTP_SILENCE_S 60
#define HTTP_GRACE_MS 700 /* a request that changes something may still be answered this long after a wish to stop */

struct http_options {
	const char *ca_bundle; /* a PEM file, or NULL for the system's */
	size_t most_bytes;     /* of a reply */
	int64_t connect_ms, silence_s;
};

struct http;
struct http *http_new(const struct http_options *options);
void http_free(struct http *http);

struct http_url {
	char *host; /* as the Host header has it: with a port that is not the scheme's own */
	char *name; /* the same without the port, and without an IPv6 address's brackets */
	int port;
	char *path; /* "/" at least */
	char *base; /* "https://host", for putting together URLs and for people */
	bool loopback;
};
bool http_url_parse(const char *url, struct http_url *out, struct error *err) must_check;
void http_url_free(struct http_url *url);

struct http_request {
	const char *method;
	const struct http_url *url;
	const struct sigv4_header *headers; /* with Host */
	size_t header_count;
	const void *body; /* NULL: none */
	size_t body_length;
	bool never_twice; /* a new connection, since libcurl sends again by itself when a kept one turns out dead */
	bool changes;	  /* gets HTTP_GRACE_MS */
};

struct http_reply {
	long status;
	struct str body;
	char content_type[128], request_id[128], error_type[128];
	int64_t retry_after_s, date_ms; /* 0: not said */
};
void http_reply_free(struct http_reply *reply);

enum http_outcome {
	HTTP_ANSWERED,	/* *reply holds the answer, of whatever status */
	HTTP_UNREACHED, /* nothing was sent: no such host, refused, no TLS; may be tried again */
	HTTP_UNTRUSTED, /* nothing was sent: the certificate is not to be trusted, or AWS_CA_BUNDLE is unusable */
	HTTP_BROKEN,	/* sent, but no whole answer came; the server may have acted */
	HTTP_TOO_LARGE, /* the answer is longer than it may be */
	HTTP_STOPPED,
};
/* err says what went wrong unless HTTP_ANSWERED, without the address. Free the reply in any case. */
enum http_outcome http_send(struct http *http, const struct http_request *request, const struct stop *stop,
			    struct http_reply *reply, struct error *err) must_check;

/* Whether that host has ever answered. */
bool http_has_answered(struct http *http, const struct http_url *url);

#endif
