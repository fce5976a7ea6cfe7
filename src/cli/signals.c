/* SPDX-License-Identifier: Apache-2.0
 *
 * Signals: blocked everywhere and taken by one thread, so no handler ever runs in the middle of anything. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "bakery/mem.h"
#include "signals.h"

struct signals {
	pthread_t thread;
	sigset_t watched;
	struct stop *stop, *leave;
};

/* SIGUSR1 from signals_end ends the thread. */
static void *watch(void *argument)
{
	struct signals *signals = argument;
	int signal;

	while (sigwait(&signals->watched, &signal) == 0 && signal != SIGUSR1)
		stop_request(stop_requested(signals->stop) ? signals->leave : signals->stop, signal);
	return NULL;
}

struct signals *signals_watch(struct stop *stop, struct stop *leave)
{
	struct signals *signals = mem_alloc(sizeof(*signals));

	signals->stop = stop;
	signals->leave = leave;
	sigemptyset(&signals->watched);
	sigaddset(&signals->watched, SIGINT);
	sigaddset(&signals->watched, SIGTERM);
	sigaddset(&signals->watched, SIGHUP);
	sigaddset(&signals->watched, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &signals->watched, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (pthread_create(&signals->thread, NULL, watch, signals) != 0)
		abort();
	return signals;
}

void signals_end(struct signals *signals)
{
	pthread_kill(signals->thread, SIGUSR1);
	pthread_join(signals->thread, NULL);
	free(signals);
}
