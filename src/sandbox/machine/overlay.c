/* SPDX-License-Identifier: Apache-2.0
 *
 * Overlay mounts by mount(2). Layers are named by /proc/self/fd/N: their paths may hold colons and commas, and a long
 * row of them would not fit the one page that mount options may fill. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bakery/file.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "overlay.h"

enum { MOST_OPTIONS = 4095 };

struct layers {
	int *fds;
	size_t count;
};

static void layers_close(struct layers *layers)
{
	for (size_t i = 0; i < layers->count; i++)
		close(layers->fds[i]);
	freep(&layers->fds);
}

bool overlay_private(struct error *err)
{
	if (unshare(CLONE_NEWNS) < 0)
		return error_errno(err, "cannot make a mount namespace");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_errno(err, "cannot make the mounts private");
	return true;
}

static bool open_folder(const char *path, int *fd, struct error *err)
{
	*fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return *fd >= 0 || error_errno(err, "layer %s", path);
}

static bool layers_open(const char *const *paths, size_t count, struct layers *layers, struct error *err)
{
	layers->fds = mem_array(count + 1, sizeof(*layers->fds));
	for (size_t i = 0; i < count; i++) {
		if (!open_folder(paths[i], &layers->fds[i], err))
			return false;
		layers->count++;
	}
	return true;
}

static bool make_folder(const char *folder, const char *name, char **path, struct error *err)
{
	*path = path_join(folder, name);
	if (mkdir(*path, 0755) < 0 && errno != EEXIST)
		return error_errno(err, "cannot make %s", *path);
	return true;
}

static bool mount_with(const char *root, const struct layers *layers, const char *upper, const char *work,
		       struct error *err)
{
	_cleanup_(closep) int upper_fd = -1;
	_cleanup_(closep) int work_fd = -1;
	_cleanup_(str_free) struct str options = STR_INIT;

	if (!open_folder(upper, &upper_fd, err) || !open_folder(work, &work_fd, err))
		return false;
	str_add(&options, "volatile,index=off,metacopy=off,redirect_dir=off,lowerdir=");
	for (size_t i = layers->count; i-- > 0;)
		str_addf(&options, "/proc/self/fd/%d%s", layers->fds[i], i ? ":" : "");
	str_addf(&options, ",upperdir=/proc/self/fd/%d,workdir=/proc/self/fd/%d", upper_fd, work_fd);
	if (options.len > MOST_OPTIONS)
		return error_set(err, ERROR_FAILED, "%zu layers are more than one mount can take", layers->count);
	if (mount("overlay", root, "overlay", MS_NODEV, options.data) == 0)
		return true;
	error_errno(err, "cannot mount an overlay of %zu layers", layers->count);
	return error_hint(err, "%s must lie on a file system that overlayfs can write to, such as ext4, xfs or btrfs",
			  root);
}

bool overlay_mount(const char *folder, const char *const *layers, size_t count, struct error *err)
{
	_cleanup_(layers_close) struct layers open = {};
	_cleanup_(freep) char *root = NULL, *upper = NULL, *work = path_join(folder, "work");

	/* What a volatile overlay leaves in its work folder says that a power cut may have hurt it; that is known and
	 * fine here. */
	if (!file_remove_tree(work, err))
		return false;
	freep(&work);
	if (!make_folder(folder, "root", &root, err) || !make_folder(folder, "upper", &upper, err) ||
	    !make_folder(folder, "work", &work, err))
		return false;
	return layers_open(layers, count, &open, err) && mount_with(root, &open, upper, work, err);
}

void overlay_unmount(const char *folder)
{
	_cleanup_(freep) char *root = path_join(folder, "root");

	umount2(root, MNT_DETACH);
}

bool overlay_has_folder(const char *const *layers, size_t count, const char *path)
{
	struct stat found;

	for (size_t i = count; i-- > 0;) {
		_cleanup_(freep) char *candidate = path_join(layers[i], path);
		if (lstat(candidate, &found) == 0)
			return S_ISDIR(found.st_mode);
	}
	return false;
}
