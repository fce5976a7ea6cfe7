/* SPDX-License-Identifier: Apache-2.0
 *
 * What a machine was made from, kept as machine.json in its folder, so that it can be booted by the next serving
 * process too. */
#ifndef BAKERY_SANDBOX_MACHINE_RECORD_H
#define BAKERY_SANDBOX_MACHINE_RECORD_H

#include "bakery/mem.h"
#include "machine.h"

struct machine_record {
	struct arena *arena;	  /* owns all that spec points to */
	struct machine_spec spec; /* of its layers, those frozen from this machine too */
	size_t layer_count;
};

/* Names become parts of paths and shell text, so only plain ones are taken. */
bool machine_id_check(const char *id, struct error *err) must_check;
bool machine_spec_check(const struct machine_spec *spec, struct error *err) must_check;

bool machine_record_make(const char *folder, const struct machine_spec *spec, struct error *err) must_check;
bool machine_record_load(const char *folder, struct machine_record *out, struct error *err) must_check;
void machine_record_free(struct machine_record *record);

/* A freeze renames the upper layer and appends it to the list; killed between the two, the next load finishes it. */
bool machine_record_freezing(const char *folder, const char *layer, struct error *err) must_check;
bool machine_record_frozen(const char *folder, struct error *err) must_check;

#endif
