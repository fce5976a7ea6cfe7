/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether the machine is the one that is meant. Whatever form the expectation has (public key lines, a known_hosts
 * file, fingerprints), a machine that shows anything else is refused; nothing is ever learnt from it. */
#include <stdlib.h>
#include <string.h>

#include "bakery/crypto.h"
#include "bakery/file.h"
#include "bakery/mem.h"
#include "session.h"

#define MOST_KNOWN_HOSTS (16 << 20)

/* In the order they are asked for. libssh2 1.10 knows RSA only with SHA-1, which no current server offers. */
static const char *const algorithms[] = {"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
					 "ecdsa-sha2-nistp521"};

static void add_blob(struct host_keys *keys, struct str *blob)
{
	keys->blobs = mem_grow(keys->blobs, keys->blob_count + 1, sizeof(*keys->blobs));
	keys->blobs[keys->blob_count++] = *blob;
	*blob = (struct str)STR_INIT;
}

static bool add_line(struct host_keys *keys, const char *line, struct error *err)
{
	_cleanup_(str_free) struct str blob = STR_INIT;
	const char *text = line + strcspn(line, " \t");
	text += strspn(text, " \t");
	_cleanup_(freep) char *encoded = mem_strndup(text, strcspn(text, " \t\r\n"));
	if (!*encoded || !crypto_base64_decode(encoded, &blob))
		return error_set(err, ERROR_INVALID, "\"%.40s\" is no public key line", line);
	add_blob(keys, &blob);
	return true;
}

static bool same_blob(const struct str *blob, const char *data, size_t length)
{
	return blob->len == length && !memcmp(blob->data, data, length);
}

/* Whether this one entry speaks of the target: libssh2 knows hashed names and [host]:port. */
static bool entry_matches(LIBSSH2_KNOWNHOSTS *hosts, const struct ssh_target *target, const struct str *blob)
{
	struct libssh2_knownhost *found = NULL;
	int port = target->port ? target->port : 22;
	return libssh2_knownhost_checkp(hosts, target->host, port, blob->data, blob->len,
					LIBSSH2_KNOWNHOST_TYPE_PLAIN | LIBSSH2_KNOWNHOST_KEYENC_RAW,
					&found) == LIBSSH2_KNOWNHOST_CHECK_MATCH;
}

/* One line of known_hosts; lines that libssh2 cannot read (new key types, certificate authorities) are no help and are
 * passed over. */
static void add_known_line(struct host_keys *keys, struct host_keys *revoked, const struct ssh_target *target,
			   LIBSSH2_SESSION *session, const char *line)
{
	static const char marker[] = "@revoked ";
	bool is_revoked = str_starts(line, marker);
	const char *entry = is_revoked ? line + strlen(marker) : line;
	struct libssh2_knownhost *known = NULL;
	LIBSSH2_KNOWNHOSTS *hosts = *entry == '@' || *entry == '#' ? NULL : libssh2_knownhost_init(session);
	if (!hosts)
		return;
	_cleanup_(str_free) struct str blob = STR_INIT;
	if (libssh2_knownhost_readline(hosts, entry, strlen(entry), LIBSSH2_KNOWNHOST_FILE_OPENSSH) == 0 &&
	    libssh2_knownhost_get(hosts, &known, NULL) == 0 && known->key && crypto_base64_decode(known->key, &blob) &&
	    entry_matches(hosts, target, &blob))
		add_blob(is_revoked ? revoked : keys, &blob);
	libssh2_knownhost_free(hosts);
}

static void drop_revoked(struct host_keys *keys, const struct host_keys *revoked)
{
	for (size_t i = 0; i < revoked->blob_count; i++) {
		size_t kept = 0;
		for (size_t k = 0; k < keys->blob_count; k++) {
			if (same_blob(&revoked->blobs[i], keys->blobs[k].data, keys->blobs[k].len))
				str_free(&keys->blobs[k]);
			else
				keys->blobs[kept++] = keys->blobs[k];
		}
		keys->blob_count = kept;
	}
}

static int port_of(const struct ssh_target *target)
{
	return target->port ? target->port : 22;
}

/* For who keeps a known_hosts file; never done by ourselves. */
static bool how_to_know(const struct ssh_target *target, struct error *err)
{
	return error_hint(err,
			  "`ssh-keyscan -H -p %d %s` prints the lines to add; compare them with what its owner says "
			  "before you trust them",
			  port_of(target), target->host);
}

static bool load_known_hosts(struct host_keys *keys, const struct ssh_target *target, LIBSSH2_SESSION *session,
			     struct error *err)
{
	_cleanup_(str_free) struct str text = STR_INIT;
	_cleanup_(host_keys_free) struct host_keys revoked = {0};
	char *rest = NULL;
	if (!file_read(target->known_hosts, MOST_KNOWN_HOSTS, &text, err)) {
		error_context(err, "known hosts");
		return error_is(err, ERROR_ABSENT) ? how_to_know(target, err) : false;
	}
	for (char *line = strtok_r(text.data, "\r\n", &rest); line; line = strtok_r(NULL, "\r\n", &rest))
		add_known_line(keys, &revoked, target, session, line);
	drop_revoked(keys, &revoked);
	if (keys->blob_count)
		return true;
	error_set(err, ERROR_REFUSED, "%s has no key of %s port %d", target->known_hosts, target->host,
		  port_of(target));
	return how_to_know(target, err);
}

bool host_keys_load(const struct ssh_target *target, LIBSSH2_SESSION *session, struct host_keys *out, struct error *err)
{
	*out = (struct host_keys){.fingerprints = target->host_key_fingerprints};
	for (const char *const *line = target->host_keys; line && *line; line++) {
		if (!add_line(out, *line, err))
			return error_context(err, "expected host key");
	}
	if (!out->blob_count && target->known_hosts && !load_known_hosts(out, target, session, err))
		return false;
	if (!out->blob_count && !(out->fingerprints && *out->fingerprints))
		return error_set(err, ERROR_REFUSED, "%s: no host key to expect, and none is trusted unseen",
				 target->host);
	return true;
}

void host_keys_free(struct host_keys *keys)
{
	for (size_t i = 0; i < keys->blob_count; i++)
		str_free(&keys->blobs[i]);
	free(keys->blobs);
	*keys = (struct host_keys){0};
}

/* The blob begins with the name of its algorithm, as a string with a 32-bit length. */
static bool blob_is_of(const struct str *blob, const char *algorithm)
{
	size_t length = strlen(algorithm);
	return blob->len > 4 + length && (size_t)(uint8_t)blob->data[3] == length &&
	       !memcmp(blob->data + 4, algorithm, length);
}

static bool is_expected(const struct host_keys *keys, const char *algorithm)
{
	bool any = keys->blob_count == 0;
	for (size_t i = 0; i < keys->blob_count && !any; i++)
		any = blob_is_of(&keys->blobs[i], algorithm);
	return any;
}

bool host_keys_restrict(const struct host_keys *keys, LIBSSH2_SESSION *session, struct error *err)
{
	_cleanup_(str_free) struct str list = STR_INIT;
	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++) {
		if (is_expected(keys, algorithms[i]))
			str_addf(&list, "%s%s", list.len ? "," : "", algorithms[i]);
	}
	if (!list.len)
		return error_set(
			err, ERROR_REFUSED,
			"none of the expected host keys is ed25519 or ECDSA, and no other kind can be verified; "
			"`ssh-keyscan -t ed25519` shows the machine's");
	if (libssh2_session_method_pref(session, LIBSSH2_METHOD_HOSTKEY, list.data))
		return error_set(err, ERROR_INTERNAL, "libssh2 does not know the host key algorithms %s", list.data);
	return true;
}

static bool knows(const struct host_keys *keys, const char *blob, size_t length, const char *fingerprint)
{
	for (size_t i = 0; i < keys->blob_count; i++) {
		if (same_blob(&keys->blobs[i], blob, length))
			return true;
	}
	for (const char *const *known = keys->fingerprints; !keys->blob_count && known && *known; known++) {
		if (str_eq(*known, fingerprint))
			return true;
	}
	return false;
}

static char *blob_fingerprint(const char *blob, size_t length)
{
	struct str text = STR_INIT;
	uint8_t digest[SHA256_SIZE];
	crypto_sha256(blob, length, digest);
	str_add(&text, "SHA256:");
	crypto_base64(digest, sizeof(digest), &text);
	while (text.len && text.data[text.len - 1] == '=')
		text.data[--text.len] = '\0';
	return str_take(&text);
}

/* The first few of them; of several kinds of keys those of the kind that was shown. */
static void expected_tell(const struct host_keys *keys, const char *shown, size_t length, struct str *out)
{
	enum { MOST_TOLD = 3 };
	size_t type = length > 4 ? 4 + (size_t)(uint8_t)shown[3] : 0, told = 0;

	for (size_t i = 0; i < keys->blob_count && told < MOST_TOLD; i++) {
		const struct str *blob = &keys->blobs[i];
		if (blob->len < type || length < type || memcmp(blob->data, shown, type) != 0)
			continue;
		_cleanup_(freep) char *fingerprint = blob_fingerprint(blob->data, blob->len);
		str_addf(out, "%s%s", told++ ? ", " : "", fingerprint);
	}
	for (const char *const *known = keys->fingerprints; !keys->blob_count && known && *known && told < MOST_TOLD;
	     known++)
		str_addf(out, "%s%s", told++ ? ", " : "", *known);
}

bool host_keys_verify(const struct host_keys *keys, const struct ssh_target *target, LIBSSH2_SESSION *session,
		      struct error *err)
{
	size_t length = 0;
	int type;
	const char *blob = libssh2_session_hostkey(session, &length, &type);
	if (!blob)
		return error_set(err, ERROR_REFUSED, "%s showed no host key", target->host);
	_cleanup_(freep) char *fingerprint = blob_fingerprint(blob, length);
	_cleanup_(str_free) struct str expected = STR_INIT;
	if (knows(keys, blob, length, fingerprint))
		return true;
	expected_tell(keys, blob, length, &expected);
	error_set(
		err, ERROR_REFUSED,
		"the host key of %s port %d (%s) is not the expected one (%s): this may be another machine, or someone "
		"between",
		target->host, port_of(target), fingerprint, expected.data);
	if (!target->known_hosts || target->host_keys)
		return false;
	return error_hint(err,
			  "if its owner says that it was changed, replace its lines in %s by those of `ssh-keyscan "
			  "-H -p %d %s`, and compare them with what the owner says",
			  target->known_hosts, port_of(target), target->host);
}
