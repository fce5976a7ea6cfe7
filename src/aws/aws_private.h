/* SPDX-License-Identifier: Apache-2.0
 *
 * The insides of struct aws, for the files of this folder and its tests. */
#ifndef AWS_PRIVATE_H
#define AWS_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "bakery/aws.h"
#include "credentials/credentials.h"
#include "credentials/profiles.h"
#include "endpoints.h"
#include "http.h"
#include "operations.h"
#include "retry.h"

struct share_hub;
struct wait_hub;

struct aws {
	struct log *log;
	const struct stop *stop;
	char *profile_name, *given_access_key, *given_secret_key;
	char *region;	       /* or NULL */
	bool is_profile_asked; /* by --profile */
	struct profile_files files;
	struct endpoint_settings endpoints;
	struct credential_store *credentials;
	struct http *http;
	struct http *near_http; /* for the metadata service and the container's agent: short timeouts */
	struct wait_hub *waits;
	int most_attempts;
	struct retry_budget *budget, own_budget;
	_Atomic int64_t requests_sent;

	/* Of one made by aws_open_as; then http, near_http, endpoints, budget and random are its parent's. */
	struct aws *parent;
	struct aws_role role;

	bool (*ask)(void *cookie, const char *question, struct str *answer, struct error *err);
	void *ask_cookie;
	const char *container_base; /* ECS's agent; tests have their own */
	int64_t process_timeout_ms;

	int64_t (*clock)(void);		 /* tests hold it still; NULL: host_time_ms() goes on by itself */
	int64_t host_less_boot_ms;	 /* this host's time less the time since its start, when it was opened */
	_Atomic int64_t clock_offset_ms; /* how far what requests are signed with is ahead of host_time_ms() */
	_Atomic int64_t told_ahead_ms;	 /* how far AWS's time is, as its answers tell */
	_Atomic bool is_told;
	_Atomic bool clock_warned;
	_Atomic bool cannot_decode; /* authorization failure messages; asked once */
	struct share_hub *shared;
	double (*random)(void);			   /* 0 to 1 */
	int64_t shortest_wait_ms, longest_wait_ms; /* between looks */
	int64_t absent_ms,
		outage_ms; /* how long a wait puts up with "no such id", and with an AWS that does not answer */

	pthread_mutex_t identity_lock;
	bool identity_known;
	struct aws_identity identity;
};

/* This host's time as it was when aws was opened, gone on since by a clock that nobody can set. */
int64_t host_time_ms(const struct aws *aws);

/* Signed with these instead of aws's own credentials. */
bool aws_send_with(struct aws *aws, struct aws_call *call, const struct credentials *with, struct tree **reply,
		   struct error *err) must_check;

struct wait_hub *wait_hub_new(void);
void wait_hub_free(struct wait_hub *hub);
/* Until the next look. */
int64_t wait_pause_ms(const struct aws *aws, int64_t waited_ms, int64_t expected_ms);

#endif
