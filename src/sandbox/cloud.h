/* SPDX-License-Identifier: Apache-2.0
 *
 * The cloud behind the server: what all operations share. One lock guards the state; whoever waits or works with
 * machines does so without it. */
#ifndef BAKERY_SANDBOX_CLOUD_H
#define BAKERY_SANDBOX_CLOUD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "bakery/clock.h"
#include "bakery/error.h"
#include "bakery/log.h"
#include "bakery/tree.h"
#include "machine/machine.h"
#include "settings.h"
#include "state.h"

#define CLOUD_ACCOUNT "123456789012" /* whose access key the sandbox hands out */
#define CLOUD_USER "sandbox"
#define CLOUD_USER_ID "AIDASANDBOXUSER000001"

struct cloud_key {
	char access_key[32], secret_key[64];
};

struct cloud {
	char *folder;
	struct cloud_key key;
	struct settings *settings;
	struct state *state;
	struct machines *machines; /* NULL: machines=off */
	struct jobs *jobs;
	struct log *log;
	struct stop stop;     /* of the serving: wakes whatever waits */
	pthread_mutex_t lock; /* around state */
	struct tree *policy;  /* all that the sandbox's user may do; NULL: everything; under the lock */
	int64_t started_ms;
	int64_t forget_next_ms; /* when old instances are looked for again; under the lock */
};

/* The cloud's clock: this host's, and what the setting "clock" adds. Only clients see it. */
int64_t cloud_clock_ms(const struct cloud *cloud);

/* How the sandbox's own host spells its architecture: "x86_64" or "arm64". */
const char *cloud_architecture(void);

#endif
