/* SPDX-License-Identifier: Apache-2.0
 *
 * What comes from the machine, taken apart: two streams of bytes (stdout and stderr of the steps) in which the program
 * has put the same frames. A frame is \001 NONCE number uptime text \002. Steps may print anything, also what looks
 * like a frame: only one with this run's nonce and the next number counts, so neither chance nor an echo of the
 * program's own files can pass for one.
 *
 * Each stream may be read over several connections: `received` says from where to go on. */
#ifndef BAKERY_RUNNER_FRAMES_H
#define BAKERY_RUNNER_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "bakery/str.h"

#define NONCE_SIZE 33 /* with the NUL */

struct frame_stream {
	struct str pending;  /* not yet handed out */
	size_t at;	     /* handed out of pending */
	uint64_t received;   /* of the program's output, over all connections */
	bool synced;	     /* on this connection the program's output has begun */
	size_t frame_length; /* of the next frame, when pending stands at it; else 0 */
	struct str noise;    /* what the login shell or sudo said before that, the last of it */
};
struct frames {
	char key[NONCE_SIZE];		/* announces the start of each connection */
	char nonce[NONCE_SIZE];		/* of the program, known after the first sync */
	char sum[80];			/* the program's sha256 as the machine tells it */
	struct frame_stream streams[2]; /* stdout, stderr */
	uint64_t number;		/* of the next frame */
	bool ever_synced, gone, dead;	/* the machine knows no such run; the program ended without its last word */
};

struct frame_event {
	enum { FRAME_DATA, FRAME_TEXT } kind;
	bool is_stderr;	  /* FRAME_DATA */
	const char *data; /* borrowed until the next call */
	size_t length;
	double uptime_s; /* FRAME_TEXT: the machine's */
	char text[512];
};

void frames_init(struct frames *frames, const char *key);
void frames_free(struct frames *frames);
void frames_new_connection(struct frames *frames);
void frames_feed(struct frames *frames, bool is_stderr, const char *data, size_t length);
/* The next event; false when more must come first. A frame is handed out when both streams have come to it. */
bool frames_next(struct frames *frames, struct frame_event *event);
/* Whatever is left when nothing more will come. */
bool frames_rest(struct frames *frames, struct frame_event *event);

#endif
