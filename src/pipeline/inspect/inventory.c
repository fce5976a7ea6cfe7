/* SPDX-License-Identifier: Apache-2.0
 *
 * What is on a machine, written down: its software bill of materials, and its files under /etc. */
#include "inventory.h"

#include <string.h>

#include "../pipeline.h"

static const char inventory_script[] =
#include "inventory.sh.inc"
	;

enum { MOST_BYTES = 64 << 20 };

static bool document_store(struct build *build, const char *kind, const char *name, const char *media_type,
			   struct tree *document, struct error *err)
{
	_cleanup_(tree_freep) struct tree *owned = document;
	_cleanup_(str_free) struct str json = STR_INIT;

	tree_to_json(document, &json);
	const struct document_row row = {build->id, kind, name, media_type, json.data, json.len};
	return store_document_put(build->store, &row, err) || error_context(err, "%s", kind);
}

static bool inventory_store(struct build *build, const struct inventory *inventory,
			    const struct inventory_subject *subject, struct error *err)
{
	build_note(build, "inventory: %zu packages, %zu files under /opt, %zu entries under /etc",
		   inventory->packages.count, inventory->opt.count, inventory->etc.count);
	return document_store(build, "sbom", "cyclonedx", "application/vnd.cyclonedx+json; version=1.5",
			      inventory_sbom(inventory, subject), err) &&
	       document_store(build, "files", "etc", "application/json", inventory_etc(inventory, subject), err);
}

bool inventory_take(struct build *build, struct box *box, const char *phase, struct error *err)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(str_free) struct str said = STR_INIT;
	const struct build_image *image = build->state.images.count ? build->state.images.items : NULL;
	const struct runner_options options = {
		.run_id = build->id, .needs_sudo = !str_eq(build->plan->connect.user, "root"), .stop = &build->work};
	const struct inventory_subject subject = {
		.build = build->id,
		.recipe = build->plan->recipe,
		.image_name = build->state.image_name,
		.ami = image ? image->ami : NULL,
		.instance = box->instance,
		.phase = phase,
		.at_ms = build_now_ms(build),
	};
	struct inventory inventory;

	if (runner_read(box->ssh, &options, inventory_script, MOST_BYTES, &said, err) &&
	    inventory_read(said.data, said.len, arena, &inventory, err) &&
	    inventory_store(build, &inventory, &subject, err))
		return true;
	return error_context(err, "taking the inventory of %s", box->instance);
}

bool inventory_sbom_sha256(struct build *build, char sha256[SHA256_HEX_SIZE], struct error *err)
{
	_cleanup_(str_free) struct str sbom = STR_INIT;

	sha256[0] = '\0';
	if (!store_document_get(build->store, build->id, "sbom", "cyclonedx", &sbom, err)) {
		if (!error_is(err, ERROR_ABSENT))
			return false;
		error_clear(err);
		return true;
	}
	crypto_sha256_hex(sbom.data, sbom.len, sha256);
	return true;
}
