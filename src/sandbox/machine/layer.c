/* SPDX-License-Identifier: Apache-2.0
 *
 * Copying and unpacking layers with cp and tar, which know more of file attributes than we ever would. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bakery/file.h"
#include "bakery/mem.h"
#include "bakery/process.h"
#include "layer.h"
#include "machine.h"

/* Made beside its place by a command that gets `partial` as its target, then renamed. */
static bool make_by(const char *const *argv, const char *partial, const char *layer, struct error *err)
{
	const struct process process = {.argv = argv};
	struct error ignored = {};

	if (process_must(&process, NULL, err) && rename(partial, layer) == 0)
		return true;
	if (err->kind == ERROR_NONE)
		error_errno(err, "cannot make %s", layer);
	if (!file_remove_tree(partial, &ignored))
		error_hint(err, "%s was left behind", partial);
	return false;
}

static bool prepare(const char *layer, char **partial, struct error *err)
{
	_cleanup_(freep) char *parent = path_folder(layer);
	const char *name = strrchr(layer, '/');

	*partial = mem_printf("%s/.partial-%s", parent, name ? name + 1 : layer);
	if (file_exists(layer))
		return error_set(err, ERROR_CONFLICT, "%s exists already", layer);
	if (!file_remove_tree(*partial, err) || !file_make_folders(parent, 0700, err))
		return false;
	if (mkdir(*partial, 0755) < 0)
		return error_errno(err, "cannot make %s", *partial);
	return true;
}

bool layer_copy(const char *from, const char *to, struct error *err)
{
	_cleanup_(freep) char *partial = NULL, *contents = mem_printf("%s/.", from);
	const char *argv[] = {"cp", "-a", "--reflink=auto", "--sparse=auto", "--one-file-system", "--", contents,
			      NULL, NULL};

	if (!prepare(to, &partial, err))
		return false;
	argv[ARRAY_SIZE(argv) - 2] = partial;
	return make_by(argv, partial, to, err) || error_context(err, "copy of %s", from);
}

static bool unpack(const char *tarball, const char *layer, struct error *err)
{
	_cleanup_(freep) char *partial = NULL;
	const char *argv[] = {"tar", "-xpf", tarball, "--numeric-owner", "--xattrs", "--xattrs-include=*", "--acls",
			      "-C",  NULL,   NULL};

	if (!prepare(layer, &partial, err))
		return false;
	argv[ARRAY_SIZE(argv) - 2] = partial;
	return make_by(argv, partial, layer, err) || error_context(err, "%s", tarball);
}

static bool looks_like_root(const char *layer, struct error *err)
{
	_cleanup_(freep) char *etc = path_join(layer, "etc"), *usr = path_join(layer, "usr");
	struct error ignored = {};

	if (file_exists(etc) && file_exists(usr))
		return true;
	error_set(err, ERROR_INVALID, "it holds no root file system: etc or usr is missing");
	if (!file_remove_tree(layer, &ignored))
		error_hint(err, "%s was left behind", layer);
	return false;
}

bool layer_import(const char *path, const char *layer_folder, struct error *err)
{
	struct stat found;

	if (stat(path, &found) < 0)
		return error_errno(err, "cannot import %s", path);
	if (!(S_ISDIR(found.st_mode) ? layer_copy : unpack)(path, layer_folder, err))
		return false;
	return looks_like_root(layer_folder, err) || error_context(err, "%s", path);
}
