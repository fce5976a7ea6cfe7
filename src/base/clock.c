/* SPDX-License-Identifier: Apache-2.0
 *
 * Time, and being told to stop. */
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "bakery/clock.h"

static int64_t now_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_wall_ms(void)
{
	return now_ms(CLOCK_REALTIME);
}

int64_t clock_mono_ms(void)
{
	return now_ms(CLOCK_MONOTONIC);
}

int64_t clock_boot_ms(void)
{
	return now_ms(CLOCK_BOOTTIME);
}

void condition_init(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
}

bool condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t until_ms)
{
	struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};

	return pthread_cond_timedwait(condition, lock, &until) != ETIMEDOUT;
}

static void format(int64_t wall_ms, const char *pattern, char text[CLOCK_TEXT_SIZE])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm utc;

	gmtime_r(&seconds, &utc);
	strftime(text, CLOCK_TEXT_SIZE, pattern, &utc);
}

void clock_rfc3339(int64_t wall_ms, char text[CLOCK_TEXT_SIZE])
{
	format(wall_ms, "%Y-%m-%dT%H:%M:%SZ", text);
}

void clock_rfc3339_ms(int64_t wall_ms, char text[CLOCK_TEXT_SIZE])
{
	char seconds[CLOCK_TEXT_SIZE];

	format(wall_ms, "%Y-%m-%dT%H:%M:%S", seconds);
	snprintf(text, CLOCK_TEXT_SIZE, "%.19s.%03dZ", seconds, (int)(wall_ms % 1000));
}

void clock_basic(int64_t wall_ms, char text[CLOCK_TEXT_SIZE])
{
	format(wall_ms, "%Y%m%dT%H%M%SZ", text);
}

/* The part behind the seconds: ".678", then "Z" or "+02:00". */
static bool parse_tail(const char *tail, int64_t *ms, int64_t *offset_s)
{
	int hours, minutes, scale = 100, used = 0;

	*ms = *offset_s = 0;
	if (*tail == '.') {
		for (tail++; isdigit((unsigned char)*tail); tail++, scale /= 10)
			*ms += (*tail - '0') * scale;
	}
	if (strcmp(tail, "Z") == 0)
		return true;
	if ((*tail != '+' && *tail != '-') || sscanf(tail + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 ||
	    used != 5 || tail[6])
		return false;
	*offset_s = (hours * 3600 + minutes * 60) * (*tail == '-' ? -1 : 1);
	return true;
}

bool clock_parse_rfc3339(const char *text, int64_t *wall_ms)
{
	struct tm utc = {0};
	int64_t ms, offset_s;
	const char *tail = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);

	if (!tail || !parse_tail(tail, &ms, &offset_s))
		return false;
	*wall_ms = ((int64_t)timegm(&utc) - offset_s) * 1000 + ms;
	return true;
}

void clock_duration(int64_t ms, char text[CLOCK_TEXT_SIZE])
{
	int64_t seconds = ms / 1000;

	if (seconds < 60)
		snprintf(text, CLOCK_TEXT_SIZE, "%lld.%llds", (long long)seconds, (long long)(ms % 1000 / 100));
	else if (seconds < 3600)
		snprintf(text, CLOCK_TEXT_SIZE, "%lldm%02llds", (long long)(seconds / 60), (long long)(seconds % 60));
	else
		snprintf(text, CLOCK_TEXT_SIZE, "%lldh%02lldm", (long long)(seconds / 3600),
			 (long long)(seconds / 60 % 60));
}

void stop_init(struct stop *stop)
{
	stop->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	stop->requests = 0;
	stop->signal = 0;
}

void stop_close(struct stop *stop)
{
	close(stop->event_fd);
	stop->event_fd = -1;
}

void stop_request(struct stop *stop, int signal)
{
	int none = 0;
	ssize_t put;

	__atomic_compare_exchange_n((int *)&stop->signal, &none, signal, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	stop->requests++;
	put = write(stop->event_fd, &(uint64_t){1}, sizeof(uint64_t));
	(void)put; /* only fails when the counter is full, and then it is readable already */
}

void stop_reset(struct stop *stop)
{
	uint64_t count;
	ssize_t got;

	stop->requests = 0;
	stop->signal = 0;
	got = read(stop->event_fd, &count, sizeof(count));
	(void)got; /* nothing to take: it was not asked for */
}

bool stop_requested(const struct stop *stop)
{
	return stop && stop->requests > 0;
}

bool stop_sleep_ms(const struct stop *stop, int64_t ms)
{
	int64_t until = clock_mono_ms() + ms, left = ms;

	while (left > 0 && !stop_requested(stop)) {
		struct pollfd wait = {.fd = stop ? stop->event_fd : -1, .events = POLLIN};
		poll(&wait, 1, left > 60000 ? 60000 : (int)left);
		left = until - clock_mono_ms();
	}
	return !stop_requested(stop);
}
