/* SPDX-License-Identifier: Apache-2.0
 *
 * Talk on stderr: one write a line, so that lines of several threads and processes do not mix. */
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "bakery/log.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "bakery/utf8.h"

struct log {
	int fd;
	enum log_level level;
	bool color;
	pthread_mutex_t lock;
};

struct log *log_new(int fd, enum log_level level, bool color)
{
	struct log *log = mem_alloc(sizeof(*log));

	log->fd = fd;
	log->level = level;
	log->color = color;
	pthread_mutex_init(&log->lock, NULL);
	return log;
}

void log_free(struct log *log)
{
	if (!log)
		return;
	pthread_mutex_destroy(&log->lock);
	free(log);
}

bool log_wants(const struct log *log, enum log_level level)
{
	return log && log->level >= level;
}

static void say(struct log *log, const char *color, const char *prefix, const char *fmt, va_list args)
{
	_cleanup_(str_free) struct str line = STR_INIT, text = STR_INIT;
	ssize_t put;

	if (log->color && color[0])
		str_add(&line, color);
	str_add(&line, prefix);
	str_vaddf(&text, fmt, args);
	utf8_add_visible_lines(&line, text.data, text.len); /* parts of it come from machines and from AWS */
	if (log->color && color[0])
		str_add(&line, "\033[0m");
	str_add_char(&line, '\n');
	pthread_mutex_lock(&log->lock);
	put = write(log->fd, line.data, line.len);
	(void)put; /* nowhere left to say it */
	pthread_mutex_unlock(&log->lock);
}

#define LOG_FUNCTION(name, wanted, color, prefix)                                                                      \
	void name(struct log *log, const char *fmt, ...)                                                               \
	{                                                                                                              \
		va_list args;                                                                                          \
                                                                                                                       \
		if (!log_wants(log, wanted))                                                                           \
			return;                                                                                        \
		va_start(args, fmt);                                                                                   \
		say(log, color, prefix, fmt, args);                                                                    \
		va_end(args);                                                                                          \
	}

LOG_FUNCTION(log_warn, LOG_LEVEL_WARN, "\033[33m", "warning: ")
LOG_FUNCTION(log_info, LOG_LEVEL_INFO, "", "")
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG, "\033[2m", "")
LOG_FUNCTION(log_trace, LOG_LEVEL_TRACE, "\033[2m", "")
