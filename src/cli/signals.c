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

/* One wish may arrive several times: a closing terminal hangs up on its processes twice (the kernel, and the shell),
 * and who is told with its process group is told by its parent, too. So a hang-up never says "leave at once", and
 * nothing does so shortly after the first. */
static bool is_another_wish(int signal, int64_t last_ms, int64_t same_wish_ms)
{
	return signal != SIGHUP && clock_mono_ms() - last_ms > same_wish_ms;
}

/* Something waits that looks at no wish: a file that is a pipe, a dead network drive. What a killed process leaves is
 * in the ledger. */
static void end_by(int number)
{
	sigset_t only;

	sigemptyset(&only);
	sigaddset(&only, number);
	signal(number, SIG_DFL);
	pthread_sigmask(SIG_UNBLOCK, &only, NULL);
	raise(number);
}

/* SIGUSR1 from signals_end ends the thread. */
static void *watch(void *argument)
{
	enum { SAME_WISH_MS = 200, LEAVING_MS = 1000 };
	struct signals *signals = argument;
	int64_t first_ms = 0, second_ms = 0;
	int signal;

	while (sigwait(&signals->watched, &signal) == 0 && signal != SIGUSR1) {
		if (!stop_requested(signals->stop)) {
			first_ms = clock_mono_ms();
			stop_request(signals->stop, signal);
		} else if (!is_another_wish(signal, first_ms, SAME_WISH_MS)) {
			continue;
		} else if (!stop_requested(signals->leave)) {
			second_ms = clock_mono_ms();
			stop_request(signals->leave, signal);
		} else if (is_another_wish(signal, second_ms, LEAVING_MS)) {
			end_by(signal);
		}
	}
	return NULL;
}

/* nohup(1) lets it be ignored. A shell without job control ignores SIGINT for what it starts in the background; that is
 * not meant for us. */
static bool hang_up_is_ignored(void)
{
	struct sigaction now;

	return sigaction(SIGHUP, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

struct signals *signals_watch(struct stop *stop, struct stop *leave)
{
	struct signals *signals = mem_alloc(sizeof(*signals));

	signals->stop = stop;
	signals->leave = leave;
	sigemptyset(&signals->watched);
	sigaddset(&signals->watched, SIGINT);
	sigaddset(&signals->watched, SIGTERM);
	if (!hang_up_is_ignored())
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
