/* SPDX-License-Identifier: Apache-2.0
 *
 * Secrets taken out of what machines print: as they are, quoted for a shell, JSON or a URL, in hex and in base64 at any
 * alignment; also when broken over lines or split between two pieces of a stream. */
#ifndef BAKERY_RUNNER_REDACT_H
#define BAKERY_RUNNER_REDACT_H

#include <stdbool.h>

#include "bakery/str.h"

#define REDACTED "[redacted]"

struct redaction { /* the patterns of all secrets of a run */
	struct str *patterns;
	size_t count;
	bool first[256]; /* bytes a pattern begins with */
};
void redaction_add(struct redaction *redaction, const char *secret);
void redaction_free(struct redaction *redaction); /* wipes */

struct redactor { /* one stream */
	const struct redaction *redaction;
	struct str held; /* what may be the beginning of a secret */
};
/* Appends to out what is sure; the rest is held until more comes. */
void redactor_feed(struct redactor *redactor, const char *data, size_t length, struct str *out);
void redactor_flush(struct redactor *redactor, struct str *out);
void redactor_free(struct redactor *redactor);

#endif
