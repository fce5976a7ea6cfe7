/* SPDX-License-Identifier: Apache-2.0
 *
 * Private key files, looked into before they are used: libssh2 1.10 has one word for all that can be wrong with a key,
 * and no way to ask for a passphrase. OpenSSH's format: PROTOCOL.key in its source. */
#include <string.h>

#include "bakery/crypto.h"
#include "bakery/file.h"
#include "bakery/mem.h"
#include "session.h"

#define MOST_KEY 65536

static const char magic[] = "openssh-key-v1"; /* with its NUL */
static const char begin_openssh[] = "-----BEGIN OPENSSH PRIVATE KEY-----";

struct reader {
	const uint8_t *at;
	size_t left;
};

static bool read_number(struct reader *reader, uint32_t *out)
{
	if (reader->left < 4)
		return false;
	*out = (uint32_t)reader->at[0] << 24 | (uint32_t)reader->at[1] << 16 | (uint32_t)reader->at[2] << 8 |
	       reader->at[3];
	reader->at += 4;
	reader->left -= 4;
	return true;
}

static bool read_string(struct reader *reader, struct reader *out)
{
	uint32_t length;
	if (!read_number(reader, &length) || length > reader->left)
		return false;
	*out = (struct reader){reader->at, length};
	reader->at += length;
	reader->left -= length;
	return true;
}

static bool is_text(const struct reader *text, const char *wanted)
{
	return text->left == strlen(wanted) && !memcmp(text->at, wanted, text->left);
}

static bool no_key(const char *path, struct error *err)
{
	return error_set(err, ERROR_INVALID, "%s: is no private key that OpenSSH would read", path);
}

static bool has_passphrase(const char *path, struct error *err)
{
	return error_set(err, ERROR_INVALID,
			 "%s: has a passphrase; add it to your agent (`ssh-add %s`) and name no key here", path, path);
}

static bool is_rsa(const char *path, struct error *err)
{
	return error_set(err, ERROR_INVALID,
			 "%s: is an RSA key, which libssh2 signs with SHA-1 only, and current servers refuse that; use "
			 "an ed25519 or ECDSA key (`ssh-keygen -t ed25519`)",
			 path);
}

static bool check_type(const char *path, struct reader *public_key, struct error *err)
{
	struct reader type;
	if (!read_string(public_key, &type))
		return no_key(path, err);
	if (is_text(&type, "ssh-rsa"))
		return is_rsa(path, err);
	if (type.left > 3 && !memcmp(type.at, "sk-", 3))
		return error_set(err, ERROR_INVALID,
				 "%s: is the key of a hardware token, which libssh2 cannot ask; use another one", path);
	return true;
}

/* The part in base64 between the two lines. */
static bool openssh_decode(const char *text, struct str *out)
{
	const char *from = strstr(text, begin_openssh) + strlen(begin_openssh);
	const char *to = strstr(from, "-----END");
	if (!to)
		return false;
	_cleanup_(str_wipe_free) struct str packed = STR_INIT;
	str_add_n(&packed, from, (size_t)(to - from));
	return crypto_base64_decode(packed.data, out);
}

static bool check_openssh(const char *path, const char *text, struct error *err)
{
	_cleanup_(str_wipe_free) struct str blob = STR_INIT;
	struct reader reader, cipher, kdf, options, public_key;
	uint32_t count;
	if (!openssh_decode(text, &blob) || blob.len < sizeof(magic) || memcmp(blob.data, magic, sizeof(magic)))
		return no_key(path, err);
	reader = (struct reader){(const uint8_t *)blob.data + sizeof(magic), blob.len - sizeof(magic)};
	if (!read_string(&reader, &cipher) || !read_string(&reader, &kdf) || !read_string(&reader, &options) ||
	    !read_number(&reader, &count) || !read_string(&reader, &public_key))
		return no_key(path, err);
	if (!check_type(path, &public_key, err))
		return false;
	return is_text(&cipher, "none") || has_passphrase(path, err);
}

static bool check_key(const char *path, const char *text, struct error *err)
{
	if (strstr(text, begin_openssh))
		return check_openssh(path, text, err);
	if (str_starts(text, "ssh-") || str_starts(text, "ecdsa-"))
		return error_set(err, ERROR_INVALID, "%s: is a public key; the private one is meant", path);
	if (!strstr(text, "PRIVATE KEY-----"))
		return no_key(path, err);
	if (strstr(text, "BEGIN RSA PRIVATE KEY"))
		return is_rsa(path, err);
	return !strstr(text, "ENCRYPTED") || has_passphrase(path, err);
}

bool ssh_key_read(const char *path, struct str *out, struct error *err)
{
	_cleanup_(str_wipe_free) struct str text = STR_INIT;
	if (!file_read(path, MOST_KEY, &text, err) || !check_key(path, text.data, err))
		return false;
	str_add_n(out, text.data, text.len);
	return true;
}
