/* SPDX-License-Identifier: Apache-2.0
 *
 * Talk: lines on stderr for the person or the CI log. Results never go here. A struct log is made in main and handed
 * down; it is thread-safe. NULL is a log that says nothing. */
#ifndef BAKERY_LOG_H
#define BAKERY_LOG_H

#include <stdbool.h>

#include "bakery/macros.h"

enum log_level { LOG_LEVEL_QUIET, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG, LOG_LEVEL_TRACE };

struct log;
struct log *log_new(int fd, enum log_level level, bool color);
void log_free(struct log *log);
bool log_wants(const struct log *log, enum log_level level);
void log_warn(struct log *log, const char *fmt, ...) printf_like(2, 3);
void log_info(struct log *log, const char *fmt, ...) printf_like(2, 3);
void log_debug(struct log *log, const char *fmt, ...) printf_like(2, 3);
void log_trace(struct log *log, const char *fmt, ...) printf_like(2, 3);

#endif
