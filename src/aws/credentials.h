/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding credentials: a table of sources, asked in order until one has them. Thread-safe; secrets are wiped when
 * freed. */
#ifndef AWS_CREDENTIALS_H
#define AWS_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "bakery/error.h"
#include "profiles.h"

struct credentials {
	char *access_key, *secret_key, *session_token; /* session_token may be NULL */
	int64_t expires_ms;			       /* 0: never */
	char source[320];			       /* "environment" */
};
void credentials_free(struct credentials *credentials);

/* Where to look; borrowed for the store's life. */
struct credential_search {
	const char *access_key, *secret_key; /* given outright, or NULL */
	const char *profile;		     /* never NULL */
	bool profile_asked;		     /* by --profile: then the environment's keys are not meant */
	const struct profile_files *files;
};

struct credential_store;
struct credential_store *credential_store_new(const struct credential_search *search);
void credential_store_free(struct credential_store *store);
/* A copy; looks for them when that was not done yet or they have run out. ERROR_DENIED names every place looked at. */
bool credential_store_get(struct credential_store *store, struct credentials *out, struct error *err) must_check;
const char *credential_store_source(struct credential_store *store); /* "" before they were found */

#endif
