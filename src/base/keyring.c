/* SPDX-License-Identifier: Apache-2.0
 *
 * add_key(2) and keyctl(2), which glibc does not wrap; keys of type "user" in the user keyring. */
#include <errno.h>
#include <linux/keyctl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bakery/keyring.h"
#include "bakery/mem.h"

#define KEY_TYPE "user"
enum { MOST_BYTES = 32767 }; /* of a key of type "user" */

static long keyctl(int operation, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
	return syscall(SYS_keyctl, operation, a, b, c, d);
}

/* A key may be read by who possesses it: who finds it from a keyring of its own. The session's keyring often does not
 * lead to the user's (cron, containers: keyctl(2), user-keyring(7)), so the process's is made to; it ends with it. */
static bool possess(struct error *err)
{
	if (keyctl(KEYCTL_LINK, KEY_SPEC_USER_KEYRING, KEY_SPEC_PROCESS_KEYRING, 0, 0) == 0)
		return true;
	return error_set(err, ERROR_FAILED, "the kernel's keyring cannot be used: %s", strerror(errno));
}

static long search(const char *name)
{
	return keyctl(KEYCTL_SEARCH, KEY_SPEC_USER_KEYRING, (unsigned long)KEY_TYPE, (unsigned long)name, 0);
}

bool keyring_keep(const char *name, const void *data, size_t length, int64_t timeout_s, struct error *err)
{
	long key;

	if (!possess(err))
		return false;
	key = syscall(SYS_add_key, KEY_TYPE, name, data, length, KEY_SPEC_USER_KEYRING);
	if (key < 0)
		return error_set(err, ERROR_FAILED, "the kernel's keyring does not take %s: %s", name, strerror(errno));
	if (timeout_s > 0) /* without it the key stays until it is forgotten, or the machine restarts */
		keyctl(KEYCTL_SET_TIMEOUT, (unsigned long)key, (unsigned long)timeout_s, 0, 0);
	return true;
}

bool keyring_find(const char *name, struct str *out, struct error *err)
{
	char data[MOST_BYTES];
	long key, length;

	if (!possess(err))
		return false;
	key = search(name);
	length = key < 0 ? -1 : keyctl(KEYCTL_READ, (unsigned long)key, (unsigned long)data, sizeof(data), 0);
	if (length < 0)
		return error_set(err, ERROR_ABSENT, "the kernel's keyring has no %s: %s", name, strerror(errno));
	str_reserve(out, (size_t)length + 1);
	str_add_n(out, data, (size_t)length);
	mem_wipe(data, (size_t)length);
	return true;
}

/* Revoking gives the memory back at once, also when another process has found the key. */
void keyring_forget(const char *name)
{
	struct error ignored;
	long key = possess(&ignored) ? search(name) : -1;

	if (key < 0)
		return;
	keyctl(KEYCTL_REVOKE, (unsigned long)key, 0, 0, 0);
	keyctl(KEYCTL_UNLINK, (unsigned long)key, (unsigned long)KEY_SPEC_USER_KEYRING, 0, 0);
}
