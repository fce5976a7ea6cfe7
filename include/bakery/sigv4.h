/* SPDX-License-Identifier: Apache-2.0
 *
 * AWS Signature Version 4, both sides of it: the client signs, the sandbox verifies. Pure: time, keys and the request
 * come in, texts go out; nothing is sent, read or remembered. Every step's text is kept so that each can be held
 * against AWS's published vectors.
 *
 *     struct sigv4 signed_;
 *     sigv4_sign_headers(&request, &credentials, &scope, &signed_);
 *     for (size_t i = 0; i < signed_.header_count; i++)
 *             add(signed_.headers[i].name, signed_.headers[i].value);
 *     sigv4_free(&signed_);
 *
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html */
#ifndef BAKERY_SIGV4_H
#define BAKERY_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bakery/clock.h"
#include "bakery/crypto.h"
#include "bakery/error.h"
#include "bakery/str.h"

struct sigv4_header {
	const char *name, *value; /* a folded value may hold line ends; they count as one blank */
};

/* A request as it stands on the wire. The path is the one of the request line: a server must not hand in a decoded one
 * (libmicrohttpd decodes; MHD_OPTION_URI_LOG_CALLBACK has the raw text). */
struct sigv4_request {
	const char *method;
	const char *path;		    /* "/", with the percent signs of the wire */
	const char *query;		    /* what follows the "?", undecoded; NULL or "": none */
	const struct sigv4_header *headers; /* all of them, Host too; doubled names are joined in order */
	size_t header_count;
	const void *body;
	size_t body_length;
};

struct sigv4_credentials {
	const char *access_key, *secret_key;
	const char *session_token; /* or NULL */
};

enum sigv4_flag {
	SIGV4_RAW_PATH = 1,	 /* the path is not normalised ("//" and ".." stay) */
	SIGV4_TOKEN_AFTER = 2,	 /* the session token is sent but not signed */
	SIGV4_BODY_HEADER = 4,	 /* header signing adds x-amz-content-sha256 */
	SIGV4_BODY_UNSIGNED = 8, /* "UNSIGNED-PAYLOAD" stands for the body's hash; implies SIGV4_BODY_HEADER */
};

struct sigv4_scope {
	const char *region, *service;
	int64_t now_ms;
	int64_t expires_s; /* query signing only */
	unsigned flags;	   /* of enum sigv4_flag */
};

/* What signing gives. */
struct sigv4 {
	struct str canonical_request, string_to_sign;
	char signature[SHA256_HEX_SIZE];
	/* Header signing: the headers to add, in this order. */
	struct sigv4_header headers[4];
	size_t header_count;
	/* Query signing: the request's whole new query, signature and all. */
	struct str query;
	struct str authorization; /* what headers[] points into */
	struct str token;
	char date[CLOCK_TEXT_SIZE], body_hash[SHA256_HEX_SIZE];
};
void sigv4_sign_headers(const struct sigv4_request *request, const struct sigv4_credentials *credentials,
			const struct sigv4_scope *scope, struct sigv4 *out);
void sigv4_sign_query(const struct sigv4_request *request, const struct sigv4_credentials *credentials,
		      const struct sigv4_scope *scope, struct sigv4 *out); /* a presigned URL */
void sigv4_free(struct sigv4 *signed_);

/* Percent encoding as SigV4 has it: all but A-Z a-z 0-9 - _ . ~ */
void sigv4_encode(struct str *out, const char *text, size_t length);

/* --- the server's side --- */

enum sigv4_verdict {
	SIGV4_GOOD,
	SIGV4_ABSENT,	    /* not signed at all: MissingAuthenticationToken */
	SIGV4_INCOMPLETE,   /* not to be understood, or a part is missing: IncompleteSignature */
	SIGV4_MISMATCH,	    /* wrong key, or changed on the way: SignatureDoesNotMatch, EC2 says AuthFailure */
	SIGV4_BODY_CHANGED, /* x-amz-content-sha256 is not the body's hash */
	SIGV4_EXPIRED,	    /* signed too long ago, or the presigned URL has run out: RequestExpired */
	SIGV4_NOT_YET,	    /* signed in the future: the client's clock is wrong */
};

/* What a received request says of itself, from its Authorization header or its X-Amz- query. */
struct sigv4_claim {
	bool presigned;
	char access_key[132]; /* AWS allows 128 */
	char region[64], service[64];
	char day[9];		    /* "20150830" */
	char date[CLOCK_TEXT_SIZE]; /* "20150830T123600Z" */
	int64_t signed_ms;	    /* the same as a time */
	int64_t expires_s;	    /* presigned: 1 to 604800 */
	char signed_headers[2048];  /* "host;x-amz-date" */
	char signature[SHA256_HEX_SIZE];
	struct str token; /* X-Amz-Security-Token, "" when none */
};
/* SIGV4_GOOD, SIGV4_ABSENT or SIGV4_INCOMPLETE; *err then says which part (kind ERROR_DENIED). Free the claim in any
 * case. */
enum sigv4_verdict sigv4_claim_read(const struct sigv4_request *request, struct sigv4_claim *out,
				    struct error *err) must_check;
void sigv4_claim_free(struct sigv4_claim *claim);

#define SIGV4_SKEW_MS (15 * 60 * 1000) /* AWS lets clocks be five to fifteen minutes off, by service */

/* Recomputes the signature with the secret of claim->access_key. flags: SIGV4_RAW_PATH or 0. The region and service
 * that the claim names are the signer's; whether they are the right ones for this endpoint is the caller's to judge. */
enum sigv4_verdict sigv4_verify(const struct sigv4_request *request, const struct sigv4_claim *claim,
				const char *secret_key, unsigned flags, int64_t now_ms, struct error *err) must_check;

#endif
