/* SPDX-License-Identifier: Apache-2.0
 *
 * The little cryptography that is needed, all of it OpenSSL's (only crypto.c and ssh_key.c know libcrypto). */
#ifndef BAKERY_CRYPTO_H
#define BAKERY_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bakery/error.h"
#include "bakery/str.h"

#define SHA256_SIZE 32
#define SHA256_HEX_SIZE 65 /* with the NUL */

void crypto_sha256(const void *data, size_t length, uint8_t digest[SHA256_SIZE]);
void crypto_sha256_hex(const void *data, size_t length, char hex[SHA256_HEX_SIZE]);
/* Not for security: some file formats name things by it. */
void crypto_sha1_hex(const void *data, size_t length, char hex[41]);
void crypto_hmac_sha256(const void *key, size_t key_length, const void *data, size_t length,
			uint8_t digest[SHA256_SIZE]);
void crypto_hex(const void *data, size_t length, char *hex); /* 2 * length + 1 bytes */
void crypto_random(void *data, size_t length);
void crypto_random_hex(char *hex, size_t digits); /* digits + 1 bytes */
void crypto_random_uuid(char uuid[37]);

void crypto_base64(const void *data, size_t length, struct str *out);
bool crypto_base64_decode(const char *text, struct str *out); /* white space is skipped; false if it is not base64 */

/* What instances are reached with. FIPS 140-2 and RHEL's crypto policy FIPS admit ECDSA (here over P-256) only. */
enum ssh_key_type { SSH_KEY_ED25519, SSH_KEY_ECDSA };
extern const char *const ssh_key_types[]; /* "ed25519", "ecdsa", NULL: as recipes and cloud-init's ssh_keys say it */

/* A key pair as OpenSSH and libssh2 read it. */
struct ssh_key_pair {
	char *private_key; /* "-----BEGIN OPENSSH PRIVATE KEY-----\n..." or, ECDSA, "-----BEGIN EC PRIVATE
			      KEY-----\n..."; wiped when freed */
	char *public_key;  /* "ssh-ed25519 AAAA... comment" or "ecdsa-sha2-nistp256 AAAA... comment", no newline */
};
bool ssh_key_pair_make(enum ssh_key_type type, const char *comment, struct ssh_key_pair *out,
		       struct error *err) must_check;
void ssh_key_pair_free(struct ssh_key_pair *pair);
/* "SHA256:..." as ssh-keygen -l prints it, of a public key line; "" when it is none. free() it. */
char *ssh_key_fingerprint(const char *public_key);

#endif
