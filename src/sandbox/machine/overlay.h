/* SPDX-License-Identifier: Apache-2.0
 *
 * The root file system of a machine: an overlay of layers. Mounted in a mount namespace that belongs to one thread, so
 * it is gone when that thread ends, whatever becomes of the process. */
#ifndef BAKERY_SANDBOX_OVERLAY_H
#define BAKERY_SANDBOX_OVERLAY_H

#include <stdbool.h>
#include <stddef.h>

#include "bakery/error.h"

/* Gives the calling thread a mount namespace of its own, out of which nothing propagates. */
bool overlay_private(struct error *err) must_check;
/* Mounts folder/root from the layers (lowest first), folder/upper and folder/work, which are made if missing. The file
 * systems' fsync is switched off: a machine lasts as long as this host runs, and package managers ask for thousands of
 * them. */
bool overlay_mount(const char *folder, const char *const *layers, size_t count, struct error *err) must_check;
void overlay_unmount(const char *folder);
/* Whether the topmost layer that has `path` has a real folder there. */
bool overlay_has_folder(const char *const *layers, size_t count, const char *path);

#endif
