/* SPDX-License-Identifier: Apache-2.0
 *
 * SSH keys as EC2 makes and fingerprints them.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/verify-keys.html */
#include "key_tools.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/file.h"
#include "bakery/mem.h"
#include "bakery/process.h"
#include "bakery/str.h"

const char *key_tools_type(const char *public_key)
{
	if (str_starts(public_key, "ssh-ed25519 "))
		return "ed25519";
	return str_starts(public_key, "ssh-rsa ") ? "rsa" : NULL;
}

/* "SHA256:abc" -> "abc=", which is how EC2 shows an ed25519 key. */
static bool fingerprint_ed25519(const char *public_key, char **fingerprint, struct error *err)
{
	_cleanup_(freep) char *openssh = ssh_key_fingerprint(public_key);
	if (!str_starts(openssh, "SHA256:"))
		return error_set(err, ERROR_INVALID, "not an OpenSSH public key");
	*fingerprint = mem_printf("%s=", openssh + strlen("SHA256:"));
	return true;
}

/* "SHA1(stdin)= 1f51ae..." -> "1f:51:ae:..." */
static char *with_colons(const char *digest)
{
	struct str out = STR_INIT;
	const char *equals = strrchr(digest, ' ');
	for (const char *c = equals == NULL ? digest : equals + 1; isxdigit((unsigned char)c[0]) && c[1] != '\0';
	     c += 2) {
		if (out.len > 0)
			str_add_char(&out, ':');
		str_add_n(&out, c, 2);
	}
	return str_take(&out);
}

static bool digest_of(const char *algorithm, const struct str *data, char **fingerprint, struct error *err)
{
	_cleanup_(str_free) struct str digest = STR_INIT;
	const char *const argv[] = {"openssl", "dgst", algorithm, NULL};
	struct process process = {.argv = argv, .input = data->data, .input_length = data->len};
	if (!process_must(&process, &digest, err))
		return false;
	str_trim_right(&digest);
	*fingerprint = with_colons(digest.data);
	return true;
}

static char *temporary_folder(const char *folder, struct error *err)
{
	char *path = mem_printf("%s/key-XXXXXX", folder);
	if (mkdtemp(path) != NULL)
		return path;
	error_errno(err, "%s", path);
	free(path);
	return NULL;
}

static void drop_folder(char **folder)
{
	struct error ignored;
	if (*folder != NULL && !file_remove_tree(*folder, &ignored))
		error_clear(&ignored);
	free(*folder);
}

static bool fingerprint_rsa_public(const char *folder, const char *public_key, char **fingerprint, struct error *err)
{
	_cleanup_(drop_folder) char *temporary = temporary_folder(folder, err);
	if (temporary == NULL)
		return false;
	_cleanup_(freep) char *path = path_join(temporary, "key.pub");
	_cleanup_(str_free) struct str pem = STR_INIT, der = STR_INIT;
	const char *const export[] = {"ssh-keygen", "-e", "-m", "PKCS8", "-f", path, NULL};
	const char *const convert[] = {"openssl", "pkey", "-pubin", "-outform", "DER", NULL};
	if (!file_replace(path, public_key, strlen(public_key), 0600, err) ||
	    !process_must(&(struct process){.argv = export}, &pem, err))
		return false;
	return process_must(&(struct process){.argv = convert, .input = pem.data, .input_length = pem.len}, &der,
			    err) &&
	       digest_of("-md5", &der, fingerprint, err);
}

bool key_tools_fingerprint(const char *folder, const char *public_key, char **fingerprint, struct error *err)
{
	if (str_eq(key_tools_type(public_key), "ed25519"))
		return fingerprint_ed25519(public_key, fingerprint, err);
	return fingerprint_rsa_public(folder, public_key, fingerprint, err);
}

static bool read_pair(const char *path, struct ssh_key_pair *out, struct error *err)
{
	_cleanup_(freep) char *public_path = mem_printf("%s.pub", path);
	_cleanup_(str_wipe_free) struct str private_key = STR_INIT;
	_cleanup_(str_free) struct str public_key = STR_INIT;
	if (!file_read(path, 1 << 16, &private_key, err) || !file_read(public_path, 1 << 16, &public_key, err))
		return false;
	str_trim_right(&private_key);
	str_trim_right(&public_key);
	out->private_key = mem_strdup(private_key.data);
	out->public_key = mem_strdup(public_key.data);
	return true;
}

static bool make_rsa(const char *folder, const char *comment, struct ssh_key_pair *out, char **fingerprint,
		     struct error *err)
{
	_cleanup_(drop_folder) char *temporary = temporary_folder(folder, err);
	if (temporary == NULL)
		return false;
	_cleanup_(freep) char *path = path_join(temporary, "key");
	_cleanup_(str_wipe_free) struct str der = STR_INIT;
	const char *const make[] = {"ssh-keygen", "-q", "-t", "rsa",   "-b", "2048", "-m", "PEM",
				    "-N",	  "",	"-C", comment, "-f", path,   NULL};
	const char *const convert[] = {"openssl", "pkcs8", "-topk8", "-nocrypt", "-outform", "DER", "-in", path, NULL};
	return process_must(&(struct process){.argv = make}, NULL, err) && read_pair(path, out, err) &&
	       process_must(&(struct process){.argv = convert}, &der, err) &&
	       digest_of("-sha1", &der, fingerprint, err);
}

bool key_tools_make(const char *folder, const char *type, const char *comment, struct ssh_key_pair *out,
		    char **fingerprint, struct error *err)
{
	if (str_eq(type, "rsa"))
		return make_rsa(folder, comment, out, fingerprint, err);
	return ssh_key_pair_make(SSH_KEY_ED25519, comment, out, err) &&
	       fingerprint_ed25519(out->public_key, fingerprint, err);
}
