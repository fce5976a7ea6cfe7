/* SPDX-License-Identifier: Apache-2.0
 *
 * Making and naming SSH keys as EC2 does, with OpenSSH's and OpenSSL's own tools where bakery has no code of its own
 * (RSA). */
#ifndef BAKERY_SANDBOX_KEY_TOOLS_H
#define BAKERY_SANDBOX_KEY_TOOLS_H

#include <stdbool.h>

#include "bakery/crypto.h"
#include "bakery/error.h"

/* type: "rsa" (2048 bits, PKCS#1 PEM) or "ed25519" (OpenSSH's format). folder: for files that are gone afterwards.
 * *fingerprint: free it. */
bool key_tools_make(const char *folder, const char *type, const char *comment, struct ssh_key_pair *out,
		    char **fingerprint, struct error *err) must_check;
const char *key_tools_type(const char *public_key); /* "rsa", "ed25519", or NULL for what EC2 does not take */
/* Of an imported public key: MD5 of its DER form for RSA, SHA-256 as OpenSSH's for ed25519. */
bool key_tools_fingerprint(const char *folder, const char *public_key, char **fingerprint,
			   struct error *err) must_check;

#endif
