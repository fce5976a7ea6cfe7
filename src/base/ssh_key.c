/* SPDX-License-Identifier: Apache-2.0
 *
 * Key pairs as OpenSSH reads them: an Ed25519 private key as PROTOCOL.key of OpenSSH describes it ("openssh-key-v1",
 * not encrypted), an ECDSA one as PEM (RFC 5915), the public one as a line of authorized_keys (RFC 5656). What held the
 * secret is wiped. */
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#include "bakery/crypto.h"
#include "bakery/mem.h"

#define ED25519_SIZE 32
#define KEY_TYPE "ssh-ed25519"
#define ECDSA_CURVE "nistp256"
#define ECDSA_TYPE "ecdsa-sha2-" ECDSA_CURVE
#define POINT_SIZE 65 /* uncompressed */
#define LINE_WIDTH 70

const char *const ssh_key_types[] = {[SSH_KEY_ED25519] = "ed25519", [SSH_KEY_ECDSA] = "ecdsa", NULL};

static bool make_raw(uint8_t seed[ED25519_SIZE], uint8_t public[ED25519_SIZE], struct error *err)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	size_t seed_size = ED25519_SIZE, public_size = ED25519_SIZE;
	bool made = key && EVP_PKEY_get_raw_private_key(key, seed, &seed_size) == 1 &&
		    EVP_PKEY_get_raw_public_key(key, public, &public_size) == 1;
	EVP_PKEY_free(key);
	return made || error_set(err, ERROR_INTERNAL, "OpenSSL could not make an ed25519 key");
}

static void add_u32(struct str *blob, uint32_t value)
{
	const uint8_t bytes[4] = {value >> 24, value >> 16, value >> 8, value};
	str_add_n(blob, bytes, sizeof(bytes));
}

static void add_string(struct str *blob, const void *data, size_t length)
{
	add_u32(blob, length);
	str_add_n(blob, data, length);
}

static void add_public(struct str *blob, const uint8_t public[ED25519_SIZE])
{
	add_string(blob, KEY_TYPE, strlen(KEY_TYPE));
	add_string(blob, public, ED25519_SIZE);
}

/* The section that would be encrypted if there were a passphrase; padded to the block size of "none", 8. */
static void add_private(struct str *blob, const uint8_t seed[ED25519_SIZE], const uint8_t public[ED25519_SIZE],
			const char *comment)
{
	uint32_t check;
	crypto_random(&check, sizeof(check));
	add_u32(blob, check);
	add_u32(blob, check);
	add_public(blob, public);
	add_u32(blob, 2 * ED25519_SIZE);
	str_add_n(blob, seed, ED25519_SIZE);
	str_add_n(blob, public, ED25519_SIZE);
	add_string(blob, comment, strlen(comment));
	for (char pad = 1; blob->len % 8; pad++)
		str_add_char(blob, pad);
}

static void add_armor(struct str *text, const struct str *blob)
{
	_cleanup_(str_wipe_free) struct str encoded = STR_INIT;
	crypto_base64(blob->data, blob->len, &encoded);
	str_reserve(text, encoded.len + encoded.len / LINE_WIDTH +
				  80); /* grown once, so that nothing is left behind by a move */
	str_add(text, "-----BEGIN OPENSSH PRIVATE KEY-----\n");
	for (size_t at = 0; at < encoded.len; at += LINE_WIDTH) {
		size_t rest = encoded.len - at;
		str_add_n(text, encoded.data + at, rest < LINE_WIDTH ? rest : LINE_WIDTH);
		str_add_char(text, '\n');
	}
	str_add(text, "-----END OPENSSH PRIVATE KEY-----\n");
}

static char *private_text(const uint8_t seed[ED25519_SIZE], const uint8_t public[ED25519_SIZE], const char *comment)
{
	static const char magic[] = "openssh-key-v1"; /* its NUL belongs to it */
	_cleanup_(str_wipe_free) struct str blob = STR_INIT, section = STR_INIT;
	_cleanup_(str_free) struct str public_blob = STR_INIT;
	struct str text = STR_INIT;
	str_reserve(&section, 256 + strlen(comment));
	add_private(&section, seed, public, comment);
	add_public(&public_blob, public);
	str_reserve(&blob, 256 + section.len);
	str_add_n(&blob, magic, sizeof(magic));
	add_string(&blob, "none", 4); /* cipher */
	add_string(&blob, "none", 4); /* key derivation */
	add_string(&blob, "", 0);     /* its options */
	add_u32(&blob, 1);	      /* keys */
	add_string(&blob, public_blob.data, public_blob.len);
	add_string(&blob, section.data, section.len);
	add_armor(&text, &blob);
	return str_take(&text);
}

static char *public_text(const char *type, const struct str *blob, const char *comment)
{
	struct str text = STR_INIT;
	str_addf(&text, "%s ", type);
	crypto_base64(blob->data, blob->len, &text);
	if (*comment)
		str_addf(&text, " %s", comment);
	return str_take(&text);
}

static bool make_ed25519(const char *comment, struct ssh_key_pair *out, struct error *err)
{
	uint8_t seed[ED25519_SIZE], public[ED25519_SIZE];
	_cleanup_(str_free) struct str blob = STR_INIT;
	if (!make_raw(seed, public, err))
		return false;
	add_public(&blob, public);
	out->private_key = private_text(seed, public, comment);
	out->public_key = public_text(KEY_TYPE, &blob, comment);
	mem_wipe(seed, sizeof(seed));
	return true;
}

/* PEM and not OpenSSH's format: reading an ECDSA key in that one, libssh2 1.10 leaves its secret number behind in
 * memory. A BIO in memory is wiped when it is freed. */
static char *pem_text(EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data = NULL, *text = NULL;
	if (bio && PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0, NULL, NULL) == 1) {
		long length = BIO_get_mem_data(bio, &data);
		text = mem_strndup(data, (size_t)length);
	}
	BIO_free(bio);
	return text;
}

static bool read_ecdsa(EVP_PKEY *key, const char *comment, struct ssh_key_pair *out)
{
	uint8_t point[POINT_SIZE];
	size_t length = 0;
	_cleanup_(str_free) struct str blob = STR_INIT;
	if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &length) != 1 ||
	    length != sizeof(point) || !(out->private_key = pem_text(key)))
		return false;
	add_string(&blob, ECDSA_TYPE, strlen(ECDSA_TYPE));
	add_string(&blob, ECDSA_CURVE, strlen(ECDSA_CURVE));
	add_string(&blob, point, sizeof(point));
	out->public_key = public_text(ECDSA_TYPE, &blob, comment);
	return true;
}

static bool make_ecdsa(const char *comment, struct ssh_key_pair *out, struct error *err)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	bool made = key && read_ecdsa(key, comment, out);
	EVP_PKEY_free(key);
	return made || error_set(err, ERROR_INTERNAL, "OpenSSL could not make an ECDSA key");
}

bool ssh_key_pair_make(enum ssh_key_type type, const char *comment, struct ssh_key_pair *out, struct error *err)
{
	const char *text = comment ? comment : "";
	return type == SSH_KEY_ECDSA ? make_ecdsa(text, out, err) : make_ed25519(text, out, err);
}

void ssh_key_pair_free(struct ssh_key_pair *pair)
{
	if (pair->private_key)
		mem_wipe(pair->private_key, strlen(pair->private_key));
	freep(&pair->private_key);
	freep(&pair->public_key);
	*pair = (struct ssh_key_pair){0};
}

/* The blob names its own type: a line whose two disagree is none. */
static bool decode_public(const char *line, struct str *blob)
{
	size_t type_length = strcspn(line, " \t");
	const char *encoded = line + type_length + strspn(line + type_length, " \t");
	_cleanup_(freep) char *word = mem_strndup(encoded, strcspn(encoded, " \t\r\n"));
	if (!type_length || !*word || !crypto_base64_decode(word, blob) || blob->len < 4 + type_length)
		return false;
	const uint8_t *head = (const uint8_t *)blob->data;
	size_t named = (size_t)head[0] << 24 | head[1] << 16 | head[2] << 8 | head[3];
	return named == type_length && !memcmp(head + 4, line, type_length);
}

char *ssh_key_fingerprint(const char *public_key)
{
	_cleanup_(str_free) struct str blob = STR_INIT;
	struct str text = STR_INIT;
	uint8_t digest[SHA256_SIZE];
	if (!public_key || !decode_public(public_key + strspn(public_key, " \t"), &blob))
		return mem_strdup("");
	crypto_sha256(blob.data, blob.len, digest);
	str_add(&text, "SHA256:");
	crypto_base64(digest, sizeof(digest), &text);
	while (text.len && text.data[text.len - 1] == '=') /* ssh-keygen prints it without padding */
		text.data[--text.len] = '\0';
	return str_take(&text);
}
