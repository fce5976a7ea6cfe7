/* SPDX-License-Identifier: Apache-2.0
 *
 * The shell programs that run inside machines, made from inside/ by embed.sh. */
#ifndef BAKERY_SANDBOX_INSIDE_H
#define BAKERY_SANDBOX_INSIDE_H

extern const char inside_init[];
extern const char inside_shutdown[];

#endif
