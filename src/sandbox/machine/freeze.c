/* SPDX-License-Identifier: Apache-2.0
 *
 * Turning what a machine wrote into a layer. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "bakery/file.h"
#include "bakery/mem.h"
#include "layer.h"
#include "private.h"
#include "record.h"

static bool make_upper(const char *upper, struct error *err)
{
	if (mkdir(upper, 0755) == 0 || errno == EEXIST)
		return true;
	return error_errno(err, "cannot make %s", upper);
}

static bool move_upper(const struct machine *machine, const char *upper, const char *layer, struct error *err)
{
	if (!machine_record_freezing(machine->folder, layer, err))
		return false;
	if (rename(upper, layer) < 0 && errno != EXDEV)
		return error_errno(err, "cannot move %s to %s", upper, layer);
	if (!file_exists(layer) && (!layer_copy(upper, layer, err) || !file_remove_tree(upper, err)))
		return false;
	return machine_record_frozen(machine->folder, err) && make_upper(upper, err);
}

static bool freeze(struct machine *machine, const char *layer, struct error *err)
{
	_cleanup_(freep) char *upper = path_join(machine->folder, "upper"), *parent = path_folder(layer);

	if (layer[0] != '/')
		return error_set(err, ERROR_INVALID, "layer \"%s\" is not an absolute path", layer);
	if (file_exists(layer))
		return error_set(err, ERROR_CONFLICT, "%s exists already", layer);
	if (!make_upper(upper, err) || !file_make_folders(parent, 0700, err))
		return false;
	if (machine_state_of(machine) == MACHINE_HALTED)
		return move_upper(machine, upper, layer, err);
	return layer_copy(upper, layer, err);
}

bool machine_freeze(struct machines *room, const char *id, const char *layer_folder, struct error *err)
{
	_cleanup_(machine_turn_end) struct machine *machine = machine_turn_take_existing(room, id, err);

	if (!machine)
		return false;
	return freeze(machine, layer_folder, err) || error_context(err, "machine %s", id);
}
