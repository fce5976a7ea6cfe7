/* SPDX-License-Identifier: Apache-2.0
 *
 * Digests, randomness and base64, by libcrypto. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "bakery/crypto.h"
#include "bakery/mem.h"

void crypto_sha256(const void *data, size_t length, uint8_t digest[SHA256_SIZE])
{
	SHA256(data, length, digest);
}

void crypto_hex(const void *data, size_t length, char *hex)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *bytes = data;

	for (size_t i = 0; i < length; i++) {
		hex[2 * i] = digits[bytes[i] >> 4];
		hex[2 * i + 1] = digits[bytes[i] & 15];
	}
	hex[2 * length] = '\0';
}

void crypto_sha256_hex(const void *data, size_t length, char hex[SHA256_HEX_SIZE])
{
	uint8_t digest[SHA256_SIZE];

	crypto_sha256(data, length, digest);
	crypto_hex(digest, sizeof(digest), hex);
}

void crypto_sha1_hex(const void *data, size_t length, char hex[41])
{
	uint8_t digest[SHA_DIGEST_LENGTH];

	SHA1(data, length, digest);
	crypto_hex(digest, sizeof(digest), hex);
}

void crypto_hmac_sha256(const void *key, size_t key_length, const void *data, size_t length,
			uint8_t digest[SHA256_SIZE])
{
	HMAC(EVP_sha256(), key, (int)key_length, data, length, digest, NULL);
}

void crypto_random(void *data, size_t length)
{
	if (RAND_bytes(data, (int)length) != 1) {
		fputs("bakery: the system has no randomness to give\n", stderr);
		abort();
	}
}

void crypto_random_hex(char *hex, size_t digits)
{
	uint8_t bytes[64];
	char text[2 * sizeof(bytes) + 1];

	if (digits >= sizeof(text))
		abort();
	crypto_random(bytes, (digits + 1) / 2);
	crypto_hex(bytes, (digits + 1) / 2, text);
	memcpy(hex, text, digits);
	hex[digits] = '\0';
}

/* RFC 4122, version 4. */
void crypto_random_uuid(char uuid[37])
{
	uint8_t b[16];

	crypto_random(b, sizeof(b));
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	snprintf(uuid, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2],
		 b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

void crypto_base64(const void *data, size_t length, struct str *out)
{
	str_reserve(out, (length + 2) / 3 * 4 + 1);
	out->len += (size_t)EVP_EncodeBlock((unsigned char *)out->data + out->len, data, (int)length);
}

bool crypto_base64_decode(const char *text, struct str *out)
{
	_cleanup_(str_wipe_free) struct str plain = STR_INIT;
	size_t padding = 0;
	int length;

	for (; *text; text++) {
		if (!isspace((unsigned char)*text))
			str_add_char(&plain, *text);
	}
	if (plain.len % 4)
		return false;
	while (padding < 2 && padding < plain.len && plain.data[plain.len - 1 - padding] == '=')
		padding++;
	if (!plain.len)
		return true;
	str_reserve(out, plain.len);
	length = EVP_DecodeBlock((unsigned char *)out->data + out->len, (const unsigned char *)plain.data,
				 (int)plain.len);
	if (length < 0)
		return false;
	out->len += (size_t)length - padding;
	out->data[out->len] = '\0';
	return true;
}
