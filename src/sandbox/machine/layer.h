/* SPDX-License-Identifier: Apache-2.0
 *
 * Layers: folders with a file system tree, owners, modes, extended attributes and overlayfs' marks of deletion
 * included. A layer appears under its name only when it is whole. */
#ifndef BAKERY_SANDBOX_LAYER_H
#define BAKERY_SANDBOX_LAYER_H

#include "bakery/error.h"

bool layer_copy(const char *from, const char *to, struct error *err) must_check;

#endif
