/* SPDX-License-Identifier: Apache-2.0
 *
 * The cloud's side of the machine room: instances and image layers, in the words of the state. With machines=off
 * nothing is done and all succeeds.
 *
 * Layers of images lie under layers/ in the sandbox's folder; a base image's root file system lies in the cache. */
#ifndef BAKERY_SANDBOX_ROOM_H
#define BAKERY_SANDBOX_ROOM_H

#include <stdbool.h>

#include "bakery/error.h"
#include "bakery/str.h"
#include "bakery/tree.h"
#include "cloud.h"

bool room_open(struct cloud *cloud, machine_ended *ended,
	       struct error *err) must_check; /* the base image too, when machines are on */
void room_close(struct cloud *cloud);

bool room_pick_address(struct cloud *cloud, char address[16], struct error *err) must_check;
void room_console(struct cloud *cloud, const char *id, struct str *out); /* "" when there is none */

/* Whether machines of the image can be had here: its files may be for another processor, or not be had at all. */
bool room_can_run(const struct cloud *cloud, const struct tree *image, struct error *err) must_check;
bool room_launch(struct cloud *cloud, const struct tree *instance,
		 struct error *err) must_check; /* makes it when it is not there yet; boots */
bool room_halt(struct cloud *cloud, const char *id, struct error *err) must_check;
bool room_reboot(struct cloud *cloud, const char *id, struct error *err) must_check;
bool room_destroy(struct cloud *cloud, const char *id, struct error *err) must_check;
bool room_running(struct cloud *cloud, const char *id);
bool room_freeze(struct cloud *cloud, const char *id, const char *layer,
		 struct error *err) must_check; /* a halted one; done already: fine */
bool room_freeze_running(struct cloud *cloud, const char *id, const char *layer, struct error *err) must_check;

bool room_import(struct cloud *cloud, const char *path, const char *layer, struct error *err) must_check;
/* What machines of a described system have from now on; not where the sandbox makes its files itself, nor twice. */
bool room_import_base(struct cloud *cloud, const char *path, const char *base, struct error *err) must_check;
char *room_layer_path(const struct cloud *cloud, const char *layer); /* free it */
/* Removes the layers that no image, snapshot or instance is made of. Takes the lock. */
void room_collect(struct cloud *cloud);

#endif
