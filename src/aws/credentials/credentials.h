/* SPDX-License-Identifier: Apache-2.0
 *
 * Credentials, and the store that keeps those of one struct aws: found when they are first needed, renewed before they
 * end. Where they come from is none of its business (credential_sources.h). Secrets are wiped when freed.
 * Thread-safe. */
#ifndef AWS_CREDENTIALS_H
#define AWS_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "bakery/clock.h"
#include "bakery/error.h"
#include "bakery/log.h"
#include "bakery/tree.h"

struct credentials {
	char *access_key, *secret_key, *session_token; /* session_token may be NULL */
	int64_t expires_ms;			       /* 0: never, or not known */
	bool is_renewable;			       /* looking again brings others when these end */
	char source[512];			       /* "environment" */
};
void credentials_free(struct credentials *credentials);

/* Where a document keeps them. expires: a time as text, or a number of milliseconds since 1970; may be absent. */
struct credential_names {
	const char *access_key, *secret_key, *session_token, *expires;
};
/* The error names what is missing, and never repeats a value. out->source and is_renewable are left to the caller. */
bool credentials_from_tree(const struct tree *tree, const struct credential_names *names, struct credentials *out,
			   struct error *err) must_check;

struct credential_store_options {
	/* Called by one thread at a time and with no lock held; it must not ask the same store. */
	bool (*find)(void *cookie, struct credentials *out, struct error *err);
	int64_t (*now_ms)(void *cookie); /* AWS's time */
	void *cookie;
	struct log *log;
	const struct stop *stop; /* heard while another thread's search is waited for */
};

struct credential_store;
struct credential_store *credential_store_new(const struct credential_store_options *options);
void credential_store_free(struct credential_store *store);
/* A copy. They are looked for when that was not done yet, and again from five minutes before they end: by one thread,
 * while the others go on with those that still hold. When that fails, the old ones serve until a minute before their
 * end, and the log says so. */
bool credential_store_get(struct credential_store *store, struct credentials *out, struct error *err) must_check;
/* AWS says that these have ended, whatever was known of it: the next get looks anew. */
void credential_store_drop(struct credential_store *store, const char *access_key);
const char *credential_store_source(struct credential_store *store); /* "" before; lives as long as the store */

#endif
