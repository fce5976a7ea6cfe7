/* SPDX-License-Identifier: Apache-2.0
 *
 * The machine room: real machines for the sandbox's instances. A machine is an overlay of read-only layers with one
 * writable layer on top, run by bubblewrap in mount, pid, uts, ipc and network namespaces of its own; slirp4netns gives
 * it a network and forwards <address>:22 of this host's loopback (127.x.y.z) to the machine's sshd. Each machine is a
 * thread of the serving process, its mounts live in a mount namespace of that thread alone, and its programs die with
 * the thread: nothing stays running or mounted when the serving process ends, however it ends. Thread-safe. Machines
 * know nothing of EC2. */
#ifndef BAKERY_SANDBOX_MACHINE_H
#define BAKERY_SANDBOX_MACHINE_H

#include <stdbool.h>
#include <stddef.h>

#include "bakery/clock.h"
#include "bakery/error.h"
#include "bakery/log.h"
#include "bakery/str.h"

enum machine_exit { MACHINE_REBOOTED, MACHINE_POWERED_OFF, MACHINE_DIED };

struct machines;

/* Whether this host can have machines (root, tools, overlayfs, /dev/net/tun): one sentence says what is missing. */
bool machines_check(struct error *err) must_check;

/* Called when a machine ended by itself (reboot, poweroff, crash), not for machine_halt and machine_reboot. After
 * MACHINE_REBOOTED the room has already booted it again. One call at a time, from a thread that does nothing else, so
 * it may wait for locks that others hold while they are in the room. */
typedef void machine_ended(void *cookie, const char *id, enum machine_exit how);

/* folder: of the sandbox; machines live in folder/machines/<id>/. Machines of an earlier serving process are there,
 * halted. */
bool machines_open(const char *folder, machine_ended *ended, void *cookie, struct log *log, struct machines **out,
		   struct error *err) must_check;
void machines_close(
	struct machines *machines); /* halts all; nobody may be in the room, nor hold a lock that `ended` waits for */

struct machine_spec {
	const char *id;		    /* "i-0123..."; names the folder */
	const char *const *layers;  /* folders, lowest first, NULL-terminated; read-only */
	const char *address;	    /* "127.77.3.9": from machines_pick_address */
	const char *hostname;	    /* "ip-10-0-0-7" */
	const char *login_user;	    /* the image's default user: "admin" */
	const char *authorized_key; /* public key line for it, or NULL */
	const char *user_data;	    /* cloud-config or script, decoded, or NULL */
	size_t user_data_length;
};
bool machine_create(struct machines *machines, const struct machine_spec *spec,
		    struct error *err) must_check; /* on disk; not booted */
/* Boots a created or halted machine; returns when its init runs (sshd may take a moment more). On the first boot of an
 * instance id it does what cloud-init would: host keys (from user data's ssh_keys, else new ones, fingerprints on the
 * console in cloud-init's form), login user with password-less sudo and the authorized key, hostname, write_files,
 * bootcmd, runcmd, or a user-data script. */
bool machine_boot(struct machines *machines, const char *id, struct error *err) must_check;
bool machine_halt(struct machines *machines, const char *id,
		  struct error *err) must_check; /* SIGTERM to its processes, then SIGKILL; unmounted. Halted: fine */
bool machine_reboot(struct machines *machines, const char *id, struct error *err) must_check;
bool machine_running(struct machines *machines, const char *id);
/* Makes layer_folder hold what the machine wrote. Halted: its upper layer moves there in O(1) and the machine goes on
 * with a fresh layer over it; running: a copy. */
bool machine_freeze(struct machines *machines, const char *id, const char *layer_folder, struct error *err) must_check;
bool machine_destroy(struct machines *machines, const char *id,
		     struct error *err) must_check; /* halts, removes the folder */
bool machine_console(struct machines *machines, const char *id, struct str *out,
		     struct error *err) must_check; /* last 64 KiB */

/* A 127.x.y.z whose port 22 is free now and that is not in use by this room. Where this host's own sshd has port 22 of
 * all addresses, one of 198.18.0.0/15 instead, which only this host can reach: the machine then gets a link of its own.
 */
bool machines_pick_address(struct machines *machines, char address[16], struct error *err) must_check;

/* Runs a command as root inside a running machine, with this process's descriptors 0, 1 and 2; works in any process,
 * given the folder of the sandbox. *status: exit code, or 128 + signal. */
bool machine_exec(const char *folder, const char *id, const char *const *argv, int *status,
		  struct error *err) must_check;

/* A publisher's keys, for a host that has no package of them: they come in a package of the publisher's own archive,
 * which is known by its hash. */
struct base_keyring {
	const char *path; /* where a package of this host's own puts them, and where they are in the other one */
	const char *url, *sha256;
	const char *name;
};

/* The root file system of a base image, made once with mmdebstrap and kept in the cache folder; *folder is to be freed.
 * Says what it does on the log. What cannot be made is refused, with the reason. */
struct base_image {
	const char *name;		    /* "debian-12" */
	const char *suite;		    /* "bookworm"; NULL: cannot be made */
	const char *const *sources;	    /* apt's lines, ends with NULL; NULL: mmdebstrap's own, or this host's */
	const char *const *on_arm64;	    /* the same for an arm64 host, where that has another archive; or NULL */
	const char *packages;		    /* further ones, by commas; or NULL */
	const struct base_keyring *keyring; /* NULL: this host's apt has the keys */
	const char *unmade;		    /* with suite NULL: why */
};
const struct base_image *base_image_find(const char *name); /* NULL when there is none of that name */
bool base_image_can_be(const struct base_image *image, struct error *err) must_check; /* made; else the reason */
char *base_image_cache(void); /* where base images are kept for this user: $XDG_CACHE_HOME/bakery/base; free() it */
bool base_image_make(const struct base_image *image, const char *cache_folder, const struct stop *stop, struct log *log,
		     char **folder, struct error *err) must_check;
/* Unpacks a tarball or copies a folder into layer_folder. */
bool layer_import(const char *path, const char *layer_folder, struct error *err) must_check;

#endif
