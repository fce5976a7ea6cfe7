/* SPDX-License-Identifier: Apache-2.0
 *
 * Time and being told to stop. Wall-clock times are milliseconds since 1970 UTC; durations come from the monotonic
 * clock. */
#ifndef BAKERY_CLOCK_H
#define BAKERY_CLOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

int64_t clock_wall_ms(void);
int64_t clock_mono_ms(void);
int64_t clock_boot_ms(void); /* as clock_mono_ms(), but goes on while the host sleeps */

#define CLOCK_TEXT_SIZE 32
void clock_rfc3339(int64_t wall_ms, char text[CLOCK_TEXT_SIZE]);    /* "2026-01-02T03:04:05Z" */
void clock_rfc3339_ms(int64_t wall_ms, char text[CLOCK_TEXT_SIZE]); /* "2026-01-02T03:04:05.678Z" */
bool clock_parse_rfc3339(const char *text, int64_t *wall_ms);	    /* with or without fraction; Z or an offset */
void clock_basic(int64_t wall_ms, char text[CLOCK_TEXT_SIZE]);	    /* "20260102T030405Z", as SigV4 wants it */
void clock_duration(int64_t ms, char text[CLOCK_TEXT_SIZE]);	    /* "0.4s", "12.3s", "4m05s", "1h02m": for people */

/* A condition whose waits are measured by the monotonic clock: the wall clock may jump. The wait ends, as
 * pthread_cond_wait() does, at a signal or for no reason, and false at until_ms of clock_mono_ms(). */
void condition_init(pthread_cond_t *condition);
bool condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t until_ms);

/* A wish to stop: asked for once or more by a signal thread, looked at by everything that waits. Thread-safe. */
struct stop {
	int event_fd;	      /* readable once stop was asked for: for poll() */
	_Atomic int requests; /* 1: clean up and go; 2: leave at once */
	_Atomic int signal;   /* the first signal number, or 0 */
};
void stop_init(struct stop *stop);
void stop_close(struct stop *stop);
void stop_request(struct stop *stop, int signal);
void stop_reset(struct stop *stop);	      /* as if it had never been asked for */
bool stop_requested(const struct stop *stop); /* NULL: never */
/* Sleeps; false as soon as a stop was asked for. stop may be NULL. */
bool stop_sleep_ms(const struct stop *stop, int64_t ms);

#endif
