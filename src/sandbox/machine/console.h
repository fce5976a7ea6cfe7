/* SPDX-License-Identifier: Apache-2.0
 *
 * A machine's console: a file that keeps the last of what was said, over any number of boots. One writer; readers at
 * any time. */
#ifndef BAKERY_SANDBOX_CONSOLE_H
#define BAKERY_SANDBOX_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>

#include "bakery/error.h"
#include "bakery/str.h"

#define CONSOLE_SHOWN 65536 /* as much as EC2's GetConsoleOutput shows */

struct console {
	int folder; /* not owned */
	int fd;	    /* -1: closed */
	size_t size;
};
bool console_open(struct console *console, int folder, struct error *err) must_check;
/* Never fails: what the disk does not take is lost. */
void console_append(struct console *console, const void *text, size_t length);
void console_close(struct console *console);
/* The last CONSOLE_SHOWN bytes; nothing when there is no console yet. */
bool console_read(int folder, struct str *out, struct error *err) must_check;

#endif
